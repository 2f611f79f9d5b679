// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";

import {IMarginAccounts} from "../interfaces/IMarginAccounts.sol";
import {PriceFault} from "../interfaces/IMarginEngine.sol";
import {IVolatilityObserver} from "../interfaces/IVolatilityObserver.sol";
import {BaseTest} from "../test/BaseTest.sol";
import {IndexStub} from "../test/IndexStub.sol";
import {StubSafe} from "../test/StubSafe.sol";
import {AssetId, AssetIdLib} from "../types/AssetId.sol";
import {RealizedVolatility} from "./RealizedVolatility.sol";

contract RealizedVolatilityTest is BaseTest {
    uint8 private constant ETH = 2;
    uint256 private constant DECAY = 0.94e18;
    uint256 private constant START = 0.8e18;
    uint256 private constant RISE = 500;
    uint256 private constant HOURS_A_YEAR = 8_760;

    StubSafe private safe;
    IndexStub private index;
    RealizedVolatility private vol;
    AssetId private asset = AssetIdLib.pool(ETH);

    function setUp() public {
        vm.warp(472_222 hours);
        safe = new StubSafe();
        index = new IndexStub();
        safe.setEngine(address(index));
        index.setMid(asset, 2_000e18);
        vol = new RealizedVolatility(IMarginAccounts(address(safe)), 1 hours, DECAY, START, RISE);
    }

    function _observe(uint256 price) private returns (uint256) {
        index.setMid(asset, price);
        return vol.observe(ETH);
    }

    function _volatility() private view returns (uint256 sigma, uint256 slow) {
        return vol.volatility(ETH);
    }

    function test_nothingIsKnownWithoutObservations() public {
        (uint256 sigma, uint256 slow) = _volatility();
        assertEq(sigma, 0);
        assertEq(slow, 0);
        assertEq(_observe(2_000e18), START, "the first takes note of the price");
        (sigma, slow) = _volatility();
        assertEq(sigma, START);
        assertEq(slow, START);
    }

    /// @dev σ = 0.8 at first; one hour with a return of 1 %: variance = .94·.64 + .06·(.00995…² · 8760).
    function test_oneReturn() public {
        _observe(2_000e18);
        skip(1 hours);
        index.setMid(asset, 2_020e18);
        vm.expectEmit(true, false, false, false, address(vol));
        emit IVolatilityObserver.VolatilityObserved(ETH, 0, 0, 0, 0);
        assertApproxEqRel(vol.observe(ETH), 0.808479544946187678e18, 1e3);
    }

    function test_oneObservationPerInterval() public {
        _observe(2_000e18);
        skip(1 hours - 1);
        vm.expectRevert(abi.encodeWithSelector(IVolatilityObserver.TooSoon.selector, ETH, block.timestamp + 1));
        vol.observe(ETH);
        skip(1);
        vol.observe(ETH);
        // The grid is fixed: late in one interval, early in the next.
        skip(1 hours + 59 minutes);
        vol.observe(ETH);
        skip(1 minutes);
        vol.observe(ETH);
    }

    function test_A2_refusedInsideSessionsAndAfterDoors() public {
        safe.setSession(true, false);
        vm.expectRevert(IVolatilityObserver.InsideSession.selector);
        vol.observe(ETH);
        safe.setSession(false, true);
        vm.expectRevert(IVolatilityObserver.InsideSession.selector);
        vol.observe(ETH);
    }

    function test_O1_anUnusableIndexIsNotObserved() public {
        _observe(2_000e18);
        skip(1 hours);
        index.setMid(asset, 0);
        vm.expectRevert(abi.encodeWithSelector(IndexStub.PriceUnusable.selector, asset, PriceFault.Stale));
        vol.observe(ETH);
    }

    /// @dev What a late observer leaves is what punctual ones would have, when the squares are alike.
    function testFuzz_lateObservationsAreSpreadOverTheIntervalsMissed(uint8 missed, uint64 part) public {
        uint256 n = bound(missed, 2, 60);
        int256 r = int256(bound(part, 0, 0.02e18));
        RealizedVolatility late = new RealizedVolatility(IMarginAccounts(address(safe)), 1 hours, DECAY, START, RISE);
        _observe(2_000e18);
        late.observe(ETH);
        uint256 price = 2_000e18;
        for (uint256 i; i < n; ++i) {
            skip(1 hours);
            price = (price * uint256(FixedPointMathLib.expWad(i % 2 == 0 ? r : -r))) / 1e18;
            _observe(price);
        }
        int256 whole = (r * int256(FixedPointMathLib.sqrt(n * 1e36))) / 1e18;
        index.setMid(asset, (2_000e18 * uint256(FixedPointMathLib.expWad(whole))) / 1e18);
        late.observe(ETH);
        (uint256 sigma, ) = _volatility();
        (uint256 lateSigma, ) = late.volatility(ETH);
        assertApproxEqRel(lateSigma, sigma, 1e8);
    }

    /// @dev Against a model that goes interval by interval and second by second.
    function testFuzz_followsThePlainModel(uint256 seed) public {
        uint256 price = 2_000e18;
        _observe(price);
        uint256 variance = (START * START) / 1e18;
        uint256 slow = START;
        uint256 sigma = START;
        for (uint256 i; i < 12; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint256 before = block.timestamp;
            skip(1 hours + (seed % 5 hours));
            uint256 next = (price * (0.9e18 + ((seed >> 64) % 0.2e18))) / 1e18;
            int256 r = FixedPointMathLib.lnWad(int256((next * 1e18) / price));
            uint256 n = block.timestamp / 1 hours - before / 1 hours;
            uint256 each = (uint256(r * r) / 1e18 / n) * HOURS_A_YEAR;
            for (uint256 j; j < n; ++j) variance = (variance * DECAY + each * (1e18 - DECAY)) / 1e18;
            slow += (slow * RISE * (block.timestamp - before)) / (10_000 * 1 hours);
            if (slow > sigma) slow = sigma;
            sigma = FixedPointMathLib.sqrt(variance * 1e18);
            if (slow > sigma) slow = sigma;
            price = next;
            assertApproxEqRel(_observe(price), sigma, 1e7);
            (uint256 seen, uint256 seenSlow) = _volatility();
            assertApproxEqRel(seen, sigma, 1e7);
            assertApproxEqRel(seenSlow, slow, 1e7);
        }
    }

    /// @dev A1: an observation never lifts what maintenance reckons with at once.
    function testFuzz_A1_noObservationLiftsTheSlowVolatility(uint64 move, uint24 wait) public {
        _observe(2_000e18);
        skip(bound(wait, 1 hours, 30 days));
        (, uint256 slow) = _volatility();
        _observe(bound(move, 1, 1e6) * 2_000e15);
        (uint256 sigma, uint256 after_) = _volatility();
        assertLe(after_, slow);
        assertLe(after_, sigma, "maintenance never asks for more than new risk");
        skip(1 hours);
        (, uint256 later) = _volatility();
        assertLe(later, after_ + (after_ * RISE) / 10_000 + 1);
    }

    function test_slowVolatilityRisesByAPartPerHourAndFallsAtOnce() public {
        _observe(2_000e18);
        skip(1 hours);
        uint256 high = _observe(3_000e18);
        assertGt(high, 5e18);
        (, uint256 slow) = _volatility();
        assertEq(slow, START);
        skip(30 minutes);
        (, slow) = _volatility();
        assertEq(slow, 0.82e18);
        skip(10 hours);
        (, slow) = _volatility();
        assertEq(slow, 1.22e18, "a straight line until the next observation");
        skip(1000 hours);
        (, slow) = _volatility();
        assertEq(slow, high);
        uint256 low = _observe(3_000e18);
        assertLt(low, high);
        (, slow) = _volatility();
        assertEq(slow, low);
    }

    function test_returnsBeyondBeliefAreCut() public {
        _observe(2_000e18);
        skip(1 hours);
        uint256 sigma = _observe(1);
        assertApproxEqRel(sigma, FixedPointMathLib.sqrt((0.94e18 * 0.64 + 0.06e18 * 4 * HOURS_A_YEAR) * 1e18), 1e6);
    }

    function test_parametersAreBounded() public {
        _expectBad("interval", 1 hours - 1, DECAY, START, RISE);
        _expectBad("interval", 1 days + 1, DECAY, START, RISE);
        _expectBad("decay", 1 hours, 0.5e18 - 1, START, RISE);
        _expectBad("decay", 1 hours, 1e18, START, RISE);
        _expectBad("initialSigma", 1 hours, DECAY, 0.01e18 - 1, RISE);
        _expectBad("initialSigma", 1 hours, DECAY, 5e18 + 1, RISE);
        _expectBad("risePerHour", 1 hours, DECAY, START, 0);
        _expectBad("risePerHour", 1 hours, DECAY, START, 10_001);
    }

    function _expectBad(bytes32 field, uint256 interval, uint256 decay, uint256 start, uint256 rise) private {
        vm.expectRevert(abi.encodeWithSelector(IVolatilityObserver.BadParameter.selector, field));
        new RealizedVolatility(IMarginAccounts(address(safe)), interval, decay, start, rise);
    }
}
