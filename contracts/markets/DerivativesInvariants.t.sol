// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {DoorLog} from "../test/invariant/DoorLog.sol";
import {TradingMoves} from "../test/invariant/TradingMoves.sol";

/// @dev Here, not beside the moves: the runner looks for targets among the files of tests.
contract TradingHandler is TradingMoves {}

/// @title What always holds of perps and options on the whole system, under both models, after any moves of anybody (DESIGN 10)
contract DerivativesInvariantsTest is DoorLog {
    string[] private doors = [
        "perp",
        "option",
        "unwind",
        "price",
        "attest",
        "funding",
        "settle",
        "touch",
        "deposit",
        "withdraw",
        "model",
        "start",
        "bid",
        "expiry",
        "freeze",
        "close",
        "nominate",
        "cancelled"
    ];
    TradingHandler private handler;

    function setUp() public {
        handler = new TradingHandler();
        handler.prepare();
        targetContract(address(handler));
        bytes4[] memory moves = new bytes4[](17);
        (moves[0], moves[1], moves[2]) = (
            handler.tradePerp.selector,
            handler.tradeOption.selector,
            handler.unwind.selector
        );
        (moves[3], moves[4], moves[5]) = (handler.drift.selector, handler.crash.selector, handler.wait_.selector);
        (moves[6], moves[7], moves[8]) = (handler.poke.selector, handler.settle.selector, handler.touch.selector);
        (moves[9], moves[10], moves[11]) = (handler.payIn.selector, handler.takeOut.selector, handler.choose.selector);
        (moves[12], moves[13], moves[14]) = (
            handler.liquidate.selector,
            handler.expire.selector,
            handler.sweep.selector
        );
        (moves[15], moves[16]) = (handler.closeBtc.selector, handler.deleverage.selector);
        targetSelector(FuzzSelector({addr: address(handler), selectors: moves}));
    }

    /// @dev D1 to the wei, whoever was touched when; V1; and A1, A2, D1 and L1 as far as single moves show them. One function and few
    /// runs: the runner keeps what every call did in memory. The sums are looked at after every eighth move.
    /// hardhat-config: invariant.runs = 24
    function invariant_D1_V1_A1_A2_L1_L2_sumsAreZeroAndMovesKeepTheirPromises() public view {
        assertEq(handler.broken("A1"), "");
        assertEq(handler.broken("A2"), "");
        assertEq(handler.broken("D1"), "");
        assertEq(handler.broken("L1"), "");
        assertEq(handler.broken("L2"), "");
        if (handler.count() % 8 != 0) return;
        (int256 quotes, int256[5] memory sizes, int256 unsettled, bool priced) = handler.sums();
        assertEq(quotes, 0, "sum of quotes");
        for (uint256 k; k < 5; ++k) assertEq(sizes[k], 0, "sum of sizes");
        // each U is rounded down, by a wei for every position at most
        if (priced) assertTrue(unsettled <= 0 && unsettled >= -100, "sum of U");
        (uint256 held, uint256 claims, uint256 debts) = handler.usdcBacking();
        assertGe(held + debts + 1, claims);
    }

    function afterInvariant() public {
        _logDoors(address(handler), doors);
    }

    /// @dev Else the invariants would hold of a system in which nothing happens. Few steps: one test's calls are all kept in memory.
    function test_EveryMoveIsReached() public {
        handler.payIn(0, 4_000e6);
        handler.takeOut(0, 1_000e6);
        handler.choose(2, true);
        handler.tradePerp(0, 1, 60, 0, false);
        handler.tradePerp(2, 3, 20, 0, true);
        handler.tradeOption(0, 1, 0, 2, 60);
        handler.unwind(0, 1, 0, 64);
        handler.poke(2, 100);
        handler.wait_(1_200);
        handler.poke(2, -100);
        handler.drift(200);
        handler.settle(0, 1);
        handler.touch(0);
        handler.sweep();
        for (uint8 i; i < 8; ++i) {
            handler.crash(75);
            for (uint8 k; k < 4; ++k) handler.liquidate(k, 0);
        }
        for (uint8 i; i < 12; ++i) handler.deleverage(i, i == 6 ? 0 : i | 1);
        assertEq(handler.broken("L2"), "");
        handler.closeBtc(0);
        handler.closeBtc(1);
        for (uint256 i; i < 13; ++i) handler.wait_(6 hours);
        handler.expire(true);
        for (uint256 i; i < doors.length; ++i) assertGt(handler.done(bytes32(bytes(doors[i]))), 0, doors[i]);
    }
}
