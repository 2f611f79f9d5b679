// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IEngineFactory} from "../interfaces/IRisk.sol";
import {LedgerTableBuilder} from "../test/LedgerTableBuilder.sol";
import {ModelTest} from "../test/ModelTest.sol";

/// @title Harsher terms of perps and options come in bounded steps, each announced
contract LedgerStepsTest is ModelTest {
    /// @dev Offsets in the parameters of two underlyings: rules, then scenarios of the first.
    uint256 private constant RULES = 32 * 3;
    uint256 private constant SCENARIOS = RULES + 64;
    uint256 private constant PERP_MM = 240;
    uint256 private constant CELL = SCENARIOS + 32 * 9;

    function _parameters() private pure returns (bytes memory) {
        uint256[] memory underlyings = new uint256[](2);
        (underlyings[0], underlyings[1]) = (ETH, BTC);
        return LedgerTableBuilder.parameters(underlyings);
    }

    /// @dev The same with `value` in `width` bits from `shift` of the word at `offset`.
    function _with(uint256 offset, uint256 shift, uint256 width, uint256 value) private pure returns (bytes memory p) {
        p = _parameters();
        uint256 mask = ((1 << width) - 1) << shift;
        assembly ("memory-safe") {
            let place := add(add(p, 0x20), offset)
            mstore(place, or(and(mload(place), not(mask)), shl(shift, value)))
        }
    }

    function _table(bytes memory parameters) private returns (address) {
        return tables.create(address(ledger), standard, portfolio, parameters);
    }

    /// @dev An engine with this ledger table and no other change.
    function _engine(address ledgerTable) private returns (address) {
        address before = head.ledgerTable;
        head.ledgerTable = ledgerTable;
        bytes memory data = table();
        head.ledgerTable = before;
        return factory.create(data);
    }

    function _refuse(bytes memory parameters, uint256 underlying, bytes32 field, uint256 value, uint256 limit) private {
        address next = _table(parameters);
        head.ledgerTable = next;
        bytes memory data = table();
        _refreshFeeds();
        vm.expectRevert(abi.encodeWithSelector(IEngineFactory.LedgerStep.selector, underlying, field, value, limit));
        factory.create(data);
    }

    function _refreshFeeds() private {
        wethFeed.setAnswer(2_000e8);
        wbtcFeed.setAnswer(30_000e8);
        stethFeed.setAnswer(1_990e18);
        usdcFeed.setAnswer(1e8);
    }

    /// @dev May take force only when `notice` has passed since its table was written.
    function _needs(bytes memory parameters, uint256 notice) private {
        address next = _table(parameters);
        uint256 written = vm.getBlockTimestamp();
        skip(1 hours);
        _refreshFeeds();
        address made = _engine(next);
        if (notice != 0) {
            skip(notice - 1 hours - 1);
            vm.expectRevert(abi.encodeWithSelector(IEngineFactory.LedgerNotice.selector, next, written + notice));
            factory.requireSuccessor(made);
            skip(1);
        }
        factory.requireSuccessor(made);
    }

    function test_OnlyTablesOfTheFactoryAreNamed() public {
        address forged = makeAddr("forged");
        vm.etch(forged, head.ledgerTable.code);
        head.ledgerTable = forged;
        bytes memory data = table();
        vm.expectRevert(
            abi.encodeWithSelector(IEngineFactory.BadTable.selector, bytes32("ledgerTable"), uint160(forged))
        );
        factory.create(data);
    }

    function test_TheParametersOfPerpsAndOptionsAreNotDropped() public {
        head.ledgerTable = address(0);
        bytes memory data = table();
        vm.expectRevert(abi.encodeWithSelector(IEngineFactory.BadTable.selector, bytes32("ledgerTable"), 0));
        factory.create(data);

        uint256[] memory underlyings = new uint256[](1);
        underlyings[0] = ETH;
        head.ledgerTable = _table(LedgerTableBuilder.parameters(underlyings));
        data = table();
        vm.expectRevert(abi.encodeWithSelector(IEngineFactory.UnderlyingDropped.selector, BTC));
        factory.create(data);
    }

    function test_MilderTermsNeedNoNotice() public {
        _needs(_with(RULES, PERP_MM, 16, 400), 0);
    }

    function test_G1_AHarsherRequirementIsAStepWithNotice() public {
        // 5 %: by a quarter of itself, 1.25 %
        _needs(_with(RULES, PERP_MM, 16, 625), 3 days);
        // IM 6.5 % rises with it
        _refuse(_with(RULES, PERP_MM, 16, 626), ETH, "perp MM", 626, 625);
        // out of nothing by 1 % at most: b of options is 10 %
        _refuse(_with(RULES, 48, 16, 101), ETH, "kappa", 101, 100);
    }

    function test_G1_ScenariosMoveByAStepWithNotice() public {
        // weight of the first cell from 1 to 0.75
        _needs(_with(CELL, 192, 64, 0.75e18), 3 days);
        _refuse(_with(CELL, 192, 64, 0.75e18 - 1), ETH, bytes32(uint256(9)), 0.25e18 + 1, 0.25e18);
        // R_up 0.5: by 0.125, in 10^-15
        _needs(_with(SCENARIOS + 32, 192, 64, 0.625e15), 3 days);
        _refuse(_with(SCENARIOS + 32, 192, 64, 0.625e15 + 1), ETH, bytes32(uint256(1)), 0.125e15 + 1, 0.125e15);
    }

    function test_WhatCannotBeComparedNeedsTheLongNotice() public {
        // reference volatility and g_max of the first underlying
        _needs(_with(32, 160, 32, (8_000 << 16) | 20_000), 7 days);
    }

    /// Steps follow one another: what a successor is compared with is what is in force then.
    function test_TheNextStepStartsFromTheOneInForce() public {
        address next = _table(_with(RULES, PERP_MM, 16, 625));
        head.ledgerTable = next;
        rebuild();
        _refuse(_with(RULES, PERP_MM, 16, 782), ETH, "perp MM", 782, 781);
        head.ledgerTable = next;
        _needs(_with(RULES, PERP_MM, 16, 781), 3 days);
    }

    /// The other underlying's numbers are compared with its own, wherever they stand in the table.
    /// hardhat-config: fuzz.runs = 32
    function testFuzz_NoRuleGetsHarsherByMoreThanAStep(uint8 pick, uint16 value) public {
        uint256[5] memory shifts = [uint256(240), 224, 208, 192, 176]; // a, b, c, d, e of the second word
        uint256[5] memory now_ = [uint256(1_500), 1_000, 750, 750, 10_500];
        pick %= 5;
        bytes memory parameters = _with(RULES + 32, shifts[pick], 16, value);
        address next;
        try tables.create(address(ledger), standard, portfolio, parameters) returns (address made) {
            next = made;
        } catch {
            return; // not sane by itself
        }
        head.ledgerTable = next;
        bytes memory data = table();
        uint256 limit = now_[pick] + (now_[pick] / 4 > 100 ? now_[pick] / 4 : 100);
        try factory.create(data) {
            assertLe(value, limit);
        } catch {
            assertGt(value, limit);
        }
    }
}
