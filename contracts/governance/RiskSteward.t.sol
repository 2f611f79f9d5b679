// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

import {FeeTier} from "../interfaces/IExchange.sol";
import {PoolConfig} from "../interfaces/IMarginAccounts.sol";
import {PerpConfig} from "../interfaces/IPositions.sol";
import {IEngineFactory, ITableEngine} from "../interfaces/IRisk.sol";
import {Bound, BoundEntry, IRiskSteward, Parameter} from "../interfaces/IRiskSteward.sol";
import {Exchange} from "../markets/Exchange.sol";
import {DerivativesTest} from "../test/DerivativesTest.sol";
import {AssetId} from "../types/AssetId.sol";
import {RiskSteward} from "./RiskSteward.sol";

/// @title What the steward moves stays in range, moves by steps and rests between them; everything else does not move
contract RiskStewardTest is DerivativesTest {
    uint64 private constant STEWARD = 3;
    uint64 private constant PARAMETERS = 7;
    uint64 private constant ENGINES = 8;
    uint256 private constant RECORDS = 7;
    /// @dev Record of WBTC: third pool.
    uint256 private constant BTC_RECORD = 2;
    uint256 private constant MM = 240;

    RiskSteward private steward;
    Exchange private exchange;
    address private keeper;

    function setUp() public override {
        super.setUp();
        keeper = makeAddr("steward");
        steward = new RiskSteward(safe, sys.factory, address(authority));
        exchange = new Exchange(safe, address(ledger), address(authority));
        ledger.setExchange(address(exchange));
        exchange.setFees(_fees(200), 1_250);
        _assign(address(safe), safe.configurePool.selector, PARAMETERS);
        _assign(address(safe), safe.setCollateralCap.selector, PARAMETERS);
        _assign(address(safe), safe.setOutflowLimit.selector, PARAMETERS);
        _assign(address(safe), safe.setEngine.selector, ENGINES);
        _assign(address(ledger), ledger.configurePerp.selector, PARAMETERS);
        _assign(address(ledger), ledger.configureExpiry.selector, PARAMETERS);
        _assign(address(exchange), exchange.setFees.selector, PARAMETERS);
        bytes4[7] memory doors = [
            steward.configurePool.selector,
            steward.setOutflowLimit.selector,
            steward.setCollateralCap.selector,
            steward.configurePerp.selector,
            steward.configureExpiry.selector,
            steward.setFees.selector,
            steward.setEngine.selector
        ];
        for (uint256 i; i < doors.length; ++i) _assign(address(steward), doors[i], STEWARD);
        for (uint64 role = PARAMETERS; role <= ENGINES; ++role) {
            authority.grantRole(role, address(steward), 0);
            authority.grantRole(role, address(this), 0);
        }
        authority.grantRole(STEWARD, keeper, 0);
        PoolConfig memory config = _poolConfig();
        (config.supplyCap, config.borrowCap) = (2 ** 40, 2 ** 39);
        safe.configurePool(USDC, config);
    }

    function _assign(address target, bytes4 selector, uint64 role) private {
        bytes4[] memory selectors = new bytes4[](1);
        selectors[0] = selector;
        authority.setTargetFunctionRole(target, selectors, role);
    }

    function _fees(uint16 maker) private pure returns (FeeTier[] memory tiers) {
        tiers = new FeeTier[](1);
        tiers[0] = FeeTier(0, maker, 500, 300, 300);
    }

    function _bound(Parameter parameter, uint256 subject, Bound memory bound) private {
        BoundEntry[] memory entries = new BoundEntry[](1);
        entries[0] = BoundEntry(parameter, subject, bound);
        steward.setBounds(entries);
    }

    function _bound(Parameter parameter, uint128 max, uint128 up, uint128 down, uint32 coolDown) private {
        _bound(parameter, type(uint256).max, Bound(0, max, up, down, coolDown));
    }

    function _step(bytes memory data) private {
        (bool ok, bytes memory reason) = attempt(keeper, address(steward), data);
        if (ok) return;
        assembly ("memory-safe") {
            revert(add(reason, 0x20), mload(reason))
        }
    }

    function _refuse(bytes memory data, bytes memory reason) private {
        refuse(keeper, address(steward), 0, data, reason);
    }

    function _supplyCap(uint96 cap) private view returns (bytes memory) {
        PoolConfig memory config = safe.poolConfig(USDC);
        config.supplyCap = cap;
        return abi.encodeCall(steward.configurePool, (USDC, config));
    }

    function _openInterest(uint104 cap) private view returns (bytes memory) {
        PerpConfig memory config = ledger.perpMarket(ETH).config;
        config.openInterestCap = cap;
        return abi.encodeCall(steward.configurePerp, (ETH, config));
    }

    // ------------------------------------------------------------------ who, and what is not his

    function test_G1_StrangersStepNowhere() public {
        bytes memory reason = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, stranger);
        refuse(stranger, address(steward), 0, _supplyCap(2 ** 40), reason);
        refuse(stranger, address(steward), 0, abi.encodeCall(steward.setEngine, (safe.engine())), reason);
        reason = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, keeper);
        refuse(keeper, address(steward), 0, abi.encodeCall(steward.setBounds, (new BoundEntry[](0))), reason);
        refuse(keeper, abi.encodeCall(safe.setEngine, (sys.engine)), reason);
    }

    function test_G1_NothingMovesWithoutABound() public {
        safe.setOutflowLimit(USDC, 1_000e6, 1 days);
        address next = _engine(MM, 650, false);
        bytes4 missing = IRiskSteward.NotForSteward.selector;
        _refuse(_supplyCap(2 ** 41), abi.encodeWithSelector(missing, Parameter.SupplyCap, 1));
        _refuse(
            abi.encodeCall(steward.setOutflowLimit, (USDC, 1_001e6, 1 days)),
            abi.encodeWithSelector(missing, Parameter.OutflowCapacity, 1)
        );
        _refuse(
            abi.encodeCall(steward.setCollateralCap, (STETH, 1e18, 0)),
            abi.encodeWithSelector(missing, Parameter.CollateralCap, AssetId.unwrap(STETH))
        );
        _refuse(_openInterest(CAP + 1), abi.encodeWithSelector(missing, Parameter.PerpOpenInterest, ETH));
        _refuse(
            abi.encodeCall(steward.configureExpiry, (ETH, EXPIRY, CAP, true)),
            abi.encodeWithSelector(missing, Parameter.ExpiryReduceOnly, ETH)
        );
        _refuse(
            abi.encodeCall(steward.setFees, (_fees(201), 1_250)),
            abi.encodeWithSelector(missing, Parameter.FeeRate, 0)
        );
        _refuse(
            abi.encodeCall(steward.setEngine, (next)),
            abi.encodeWithSelector(missing, Parameter.Maintenance, AssetId.unwrap(WBTC))
        );
    }

    function test_WhatDoesNotMoveNeedsNoBound() public {
        _step(_supplyCap(2 ** 40));
        _step(_openInterest(CAP));
        _step(abi.encodeCall(steward.configureExpiry, (ETH, EXPIRY, CAP, false)));
        _step(abi.encodeCall(steward.setFees, (_fees(200), 1_250)));
    }

    // ------------------------------------------------------------------ bounds

    function test_AStepIsInRangeNotTooLargeAndRests() public {
        _bound(Parameter.SupplyCap, 1, Bound(2 ** 39, 2 ** 41, 2 ** 38, 2 ** 39, 1 days));
        bytes4 large = IRiskSteward.StepTooLarge.selector;
        uint256 cap = 2 ** 40;
        // caps are kept in nine bits: 2^40 has steps of 2^32
        _refuse(
            _supplyCap(2 ** 40 + 2 ** 38 + 2 ** 32),
            abi.encodeWithSelector(large, Parameter.SupplyCap, 1, cap, cap + 2 ** 38 + 2 ** 32, 2 ** 38)
        );
        _step(_supplyCap(2 ** 40 + 2 ** 38));
        uint256 until = vm.getBlockTimestamp() + 1 days;
        skip(1 days - 1);
        _refuse(
            _supplyCap(2 ** 40),
            abi.encodeWithSelector(IRiskSteward.CoolingDown.selector, Parameter.SupplyCap, 1, until)
        );
        skip(1);
        _step(_supplyCap(2 ** 40 - 2 ** 38));
        skip(1 days);
        _refuse(
            _supplyCap(2 ** 39 - 2 ** 31),
            abi.encodeWithSelector(IRiskSteward.OutOfRange.selector, Parameter.SupplyCap, 1, 2 ** 39 - 2 ** 31)
        );
    }

    /// What counts is what is in force, not what was asked: a cap between two that can be kept is the lower one.
    function test_RoundingIsNoWayRound() public {
        _bound(Parameter.SupplyCap, 1, Bound(0, 2 ** 42, 2 ** 32, 2 ** 32, 1 hours));
        _step(_supplyCap(2 ** 40 - 1)); // 2^40 − 2^31
        assertEq(safe.poolConfig(USDC).supplyCap, 2 ** 40 - 2 ** 31);
    }

    function test_BoundsMustMakeSense() public {
        BoundEntry[] memory entries = new BoundEntry[](1);
        entries[0] = BoundEntry(Parameter.BorrowCap, 1, Bound(0, 10, 2, 1, 1 days));
        _refuseBounds(entries, "up"); // loosening faster than tightening
        entries[0] = BoundEntry(Parameter.Maintenance, 1, Bound(0, 10, 1, 2, 1 days));
        _refuseBounds(entries, "down");
        entries[0] = BoundEntry(Parameter.BracketSize, 1, Bound(0, 10, 2, 1, 1 days));
        _refuseBounds(entries, "up");
        entries[0] = BoundEntry(Parameter.FeeRate, 1, Bound(11, 10, 2, 1, 1 days));
        _refuseBounds(entries, "range");
        entries[0] = BoundEntry(Parameter.FeeRate, 1, Bound(0, 10, 2, 1, 59 minutes));
        _refuseBounds(entries, "coolDown");
        entries[0].bound.coolDown = 0; // takes the right away
        steward.setBounds(entries);
    }

    function _refuseBounds(BoundEntry[] memory entries, bytes32 field) private {
        refuse(
            address(this),
            address(steward),
            0,
            abi.encodeCall(steward.setBounds, (entries)),
            abi.encodeWithSelector(IRiskSteward.BadBound.selector, entries[0].parameter, entries[0].subject, field)
        );
    }

    function test_ASubjectsOwnBoundComesBeforeTheCommonOne() public {
        _bound(Parameter.PerpOpenInterest, uint128(2 * CAP), 1, 1, 1 days);
        _bound(Parameter.PerpOpenInterest, ETH, Bound(0, uint128(2 * CAP), 5, 5, 1 days));
        _step(_openInterest(CAP + 5));
        assertEq(steward.boundOf(Parameter.PerpOpenInterest, BTC).up, 1);
        assertEq(steward.movedAt(Parameter.PerpOpenInterest, ETH), vm.getBlockTimestamp());
    }

    /// A capacity of nothing is no limit at all: neither on nor off is a step.
    function test_G1_OutflowLimitsAreNotSwitched() public {
        _bound(Parameter.OutflowCapacity, type(uint128).max, type(uint128).max, type(uint128).max, 1 hours);
        bytes memory reason = abi.encodeWithSelector(IRiskSteward.NotForSteward.selector, Parameter.OutflowCapacity, 1);
        _refuse(abi.encodeCall(steward.setOutflowLimit, (USDC, 1, 1 days)), reason);
        safe.setOutflowLimit(USDC, 1_000e6, 1 days);
        _refuse(abi.encodeCall(steward.setOutflowLimit, (USDC, 0, 1 days)), reason);
        _step(abi.encodeCall(steward.setOutflowLimit, (USDC, 900e6, 1 days)));
        (uint208 capacity, uint48 window) = safe.outflowLimit(USDC);
        assertEq(capacity, 900e6);
        assertEq(window, 1 days);
    }

    function test_OtherDoorsStepToo() public {
        _bound(Parameter.CollateralCap, type(uint128).max, 0, type(uint128).max, 1 hours);
        _step(abi.encodeCall(steward.setCollateralCap, (STETH, 7e18, 0)));
        (uint96 cap, ) = safe.collateralCap(STETH);
        assertEq(cap, 7e18);
        _bound(Parameter.ExpiryReduceOnly, 1, 1, 1, 1 hours);
        _step(abi.encodeCall(steward.configureExpiry, (ETH, EXPIRY, CAP, true)));
        assertTrue(ledger.expiryMarket(ETH, EXPIRY).reduceOnly);
        _bound(Parameter.FeeRate, 1_000, 10, 10, 1 hours);
        _step(abi.encodeCall(steward.setFees, (_fees(210), 1_250)));
        _refuse(
            abi.encodeCall(steward.setFees, (new FeeTier[](2), 1_250)),
            abi.encodeWithSelector(IRiskSteward.NotAStep.selector, bytes32("rows"), 2)
        );
    }

    // ------------------------------------------------------------------ engines

    /// @dev The table in force without its ramp.
    function _tableInForce() private view returns (bytes memory plain) {
        bytes memory data = ITableEngine(safe.engine()).table();
        uint256 records = RECORDS * 64 + 64;
        plain = new bytes(records);
        for (uint256 i = 0; i < records; ++i) plain[i] = data[data.length - records + i];
        for (uint256 i = records - 32; i < records - 22; ++i) plain[i] = 0;
    }

    function _edit(bytes memory data, uint256 offset, uint256 shift, uint256 value) private pure {
        assembly ("memory-safe") {
            let place := add(add(data, 0x20), offset)
            mstore(place, or(and(mload(place), not(shl(shift, 0xffff))), shl(shift, value)))
        }
    }

    /// @dev The haircuts of `plain` in front, and the times of the ramp in the last word.
    function _ramped(
        bytes memory edited,
        bytes memory plain,
        uint256 start,
        uint256 end
    ) private pure returns (bytes memory) {
        bytes memory before;
        for (uint256 i; i < RECORDS; ++i) {
            bytes32 word;
            assembly ("memory-safe") {
                word := mload(add(add(plain, 0x40), mul(i, 64)))
            }
            before = bytes.concat(before, word);
        }
        assembly ("memory-safe") {
            let place := add(edited, mload(edited))
            mstore(place, or(mload(place), or(shl(216, start), shl(176, end))))
        }
        return bytes.concat(before, edited);
    }

    /// @dev An engine that differs in 16 bits of WBTC's haircut word.
    function _engine(uint256 shift, uint256 value, bool ramp) private returns (address) {
        refreshFeeds();
        bytes memory plain = _tableInForce();
        bytes memory edited = bytes.concat(plain);
        _edit(edited, BTC_RECORD * 64 + 32, shift, value);
        uint256 time = vm.getBlockTimestamp();
        if (ramp) edited = _ramped(edited, plain, time + 1 hours, time + 25 hours);
        return sys.factory.create(edited);
    }

    function _maintenance() private view returns (uint256 bps) {
        bytes memory data = _tableInForce();
        assembly ("memory-safe") {
            bps := shr(240, mload(add(add(data, 0x40), 128)))
        }
    }

    function _adopt(address engine) private {
        _step(abi.encodeCall(steward.setEngine, (engine)));
    }

    function test_HaircutsMoveBySteps() public {
        uint256 mm = _maintenance();
        _bound(Parameter.Maintenance, 2_000, 100, 50, 1 days);
        address large = _engine(MM, mm - 51, false);
        _refuse(
            abi.encodeCall(steward.setEngine, (large)),
            abi.encodeWithSelector(IRiskSteward.StepTooLarge.selector, Parameter.Maintenance, 3, mm, mm - 51, 50)
        );
        _adopt(_engine(MM, mm - 50, false));
        assertEq(_maintenance(), mm - 50);
        skip(1 days);
        // harsher: by a ramp, or the factory makes no engine
        _adopt(_engine(MM, mm + 50, true));
        skip(1 days);
        bytes memory running = abi.encodeWithSelector(
            IRiskSteward.RampRunning.selector,
            vm.getBlockTimestamp() + 1 hours
        );
        address next = _engineInRamp();
        _refuse(abi.encodeCall(steward.setEngine, (next)), running);
    }

    /// @dev While a ramp runs an engine must not be harsher than either end; here without any ramp, at the milder end.
    function _engineInRamp() private returns (address) {
        refreshFeeds();
        bytes memory plain = _tableInForce();
        _edit(plain, BTC_RECORD * 64 + 32, MM, _maintenance() - 100);
        return sys.factory.create(plain);
    }

    function test_G1_OnlyHaircutsOfATableAreSteps() public {
        for (uint256 p = uint256(Parameter.Maintenance); p <= uint256(Parameter.GroupInitialExtra); ++p) {
            _bound(Parameter(p), type(uint128).max, type(uint128).max, type(uint128).max, 1 hours);
        }
        bytes memory plain = _tableInForce();
        // T_dev in the header
        bytes memory edited = bytes.concat(plain);
        _edit(edited, RECORDS * 64, 184, 299);
        _refuseTable(edited, "header", 0);
        // another heartbeat of WBTC's feed
        edited = bytes.concat(plain);
        _edit(edited, BTC_RECORD * 64, 72, 3_599);
        _refuseTable(edited, "feed", BTC_RECORD);
        // a ramp that starts milder than what is in force
        edited = bytes.concat(plain);
        bytes memory milder = bytes.concat(plain);
        _edit(milder, BTC_RECORD * 64 + 32, MM, _maintenance() - 1);
        uint256 time = vm.getBlockTimestamp();
        _refuseTable(_ramped(edited, milder, time + 1, time + 2 days), "ramp", BTC_RECORD);
        // a ramp for ever
        edited = bytes.concat(plain);
        _refuseTable(_ramped(edited, plain, time + 1, time + 31 days), "ramp", time + 31 days);
        // other terms of perps and options
        edited = bytes.concat(plain);
        edited = _withoutLedger(edited);
        refreshFeeds();
    }

    function _withoutLedger(bytes memory data) private returns (bytes memory) {
        for (uint256 i = data.length - 20; i < data.length; ++i) data[i] = 0;
        refreshFeeds();
        vm.expectRevert(abi.encodeWithSelector(IEngineFactory.BadTable.selector, bytes32("ledgerTable"), 0));
        sys.factory.create(data);
        return data;
    }

    function _refuseTable(bytes memory data, bytes32 field, uint256 place) private {
        refreshFeeds();
        address engine = sys.factory.create(data);
        _refuse(
            abi.encodeCall(steward.setEngine, (engine)),
            abi.encodeWithSelector(IRiskSteward.NotAStep.selector, field, place)
        );
    }

    function test_G1_OnlyEnginesOfTheFactoryThatFollow() public {
        _refuse(
            abi.encodeCall(steward.setEngine, (address(scale))),
            abi.encodeWithSelector(IEngineFactory.UnknownEngine.selector, address(scale))
        );
        address old = safe.engine();
        _bound(Parameter.Maintenance, 2_000, 100, 50, 1 days);
        _adopt(_engine(MM, _maintenance() - 50, false));
        skip(1 days);
        _refuse(
            abi.encodeCall(steward.setEngine, (old)),
            abi.encodeWithSelector(IEngineFactory.NotSuccessor.selector, old, safe.engine())
        );
    }

    // ------------------------------------------------------------------ speed

    /// Whatever is tried in whatever order: between any two moments a parameter has moved by no more than its step for each cool-down that
    /// began between them, and it is in its range.
    /// hardhat-config: fuzz.runs = 24
    function testFuzz_G1_NoOrderOfStepsIsFasterThanItsBound(uint256 seed) public {
        uint256 mm = _maintenance();
        _bound(Parameter.SupplyCap, 1, Bound(2 ** 39, 2 ** 41, 2 ** 36, 2 ** 37, 1 days));
        _bound(Parameter.PerpOpenInterest, ETH, Bound(uint128(CAP / 2), uint128(2 * CAP), 5e21, 1e22, 6 hours));
        _bound(Parameter.Maintenance, 3, Bound(uint128(mm / 2), uint128(mm * 2), 60, 30, 2 days));
        uint256[20] memory times;
        uint256[3][20] memory values;
        for (uint256 i; i < 20; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            skip((seed >> 8) % (seed & 3 == 0 ? 3 days : 8 hours));
            uint256 by = seed >> 64;
            uint256 door = (seed >> 2) % 3;
            if (door == 0) {
                uint256 cap = safe.poolConfig(USDC).supplyCap;
                uint256 step = by % 2 ** 38;
                attempt(keeper, address(steward), _supplyCap(uint96(seed & 128 == 0 ? cap + step : cap - step)));
            } else if (door == 1) {
                uint256 cap = ledger.perpMarket(ETH).config.openInterestCap;
                uint256 step = by % 2e22;
                attempt(keeper, address(steward), _openInterest(uint104(seed & 128 == 0 ? cap + step : cap - step)));
            } else {
                _tryEngine(seed & 128 == 0, by % 70);
            }
            times[i] = vm.getBlockTimestamp();
            values[i] = [
                uint256(safe.poolConfig(USDC).supplyCap),
                ledger.perpMarket(ETH).config.openInterestCap,
                _maintenance()
            ];
        }
        uint256[3] memory ups = [uint256(2 ** 36), 5e21, 60];
        uint256[3] memory downs = [uint256(2 ** 37), 1e22, 30];
        uint256[3] memory rests = [uint256(1 days), 6 hours, 2 days];
        for (uint256 k; k < 3; ++k) {
            for (uint256 j = 1; j < 20; ++j) {
                for (uint256 i; i < j; ++i) {
                    uint256 steps = (times[j] - times[i]) / rests[k] + 1;
                    assertLe(values[j][k], values[i][k] + steps * ups[k], "too fast up");
                    assertLe(values[i][k], values[j][k] + steps * downs[k], "too fast down");
                }
            }
        }
        assertTrue(values[19][0] >= 2 ** 39 && values[19][0] <= 2 ** 41, "range");
        assertTrue(values[19][2] >= mm / 2 && values[19][2] <= mm * 2, "range");
    }

    function _tryEngine(bool harsher, uint256 by) private {
        refreshFeeds();
        bytes memory plain = _tableInForce();
        bytes memory edited = bytes.concat(plain);
        uint256 mm = _maintenance();
        _edit(edited, BTC_RECORD * 64 + 32, MM, harsher ? mm + by : mm - by);
        uint256 time = vm.getBlockTimestamp();
        if (harsher) edited = _ramped(edited, plain, time, time + 1 days);
        (bool ok, bytes memory made) = attempt(
            stranger,
            address(sys.factory),
            abi.encodeCall(sys.factory.create, (edited))
        );
        if (ok) attempt(keeper, address(steward), abi.encodeCall(steward.setEngine, (abi.decode(made, (address)))));
    }

    /// @dev The example must do what it tells: steps of each kind succeed.
    function test_StepsOfEveryKindSucceed() public {
        uint256 mm = _maintenance();
        _bound(Parameter.Maintenance, 3, Bound(0, 2_000, 60, 30, 1 hours));
        _tryEngine(true, 60);
        assertEq(_maintenance(), mm + 60);
        skip(1 days + 1 hours);
        _tryEngine(false, 30);
        assertEq(_maintenance(), mm + 30);
    }
}
