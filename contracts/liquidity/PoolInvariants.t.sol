// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {BaseTest} from "../test/BaseTest.sol";
import {PoolMoves} from "../test/invariant/PoolMoves.sol";

/// @dev Here, not beside the moves: the runner looks for targets among the files of tests.
contract PoolHandler is PoolMoves {}

/// @title What always holds of the liquidity pool, whatever traders, depositors, prices and time do
contract PoolInvariantsTest is BaseTest {
    PoolHandler private handler;

    function setUp() public {
        // By name: this contract would carry the handler's code, and with it the whole system's.
        bytes memory code = vm.getCode("contracts/liquidity/PoolInvariants.t.sol:PoolHandler");
        address made;
        assembly ("memory-safe") {
            made := create(0, add(code, 0x20), mload(code))
        }
        handler = PoolHandler(made);
        handler.prepare();
        targetContract(address(handler));
        bytes4[] memory moves = new bytes4[](8);
        (moves[0], moves[1], moves[2]) = (handler.trade.selector, handler.provideSome.selector, handler.ask.selector);
        (moves[3], moves[4], moves[5]) = (handler.fulfil.selector, handler.fetch.selector, handler.drift.selector);
        (moves[6], moves[7]) = (handler.wait_.selector, handler.settle.selector);
        targetSelector(FuzzSelector({addr: address(handler), selectors: moves}));
    }

    /// @dev One function and few runs: the runner keeps what every call did in memory.
    /// hardhat-config: invariant.runs = 8
    function invariant_V3_D1_poolAndTradersShareWhatThereIs() public view {
        assertEq(handler.broken(), "");
        (int256 ofPool, int256 ofOthers) = handler.profits();
        assertApproxEqAbs(ofPool, -ofOthers, 1e13, "equity at mark is deposits and profit");
        assertEq(handler.sumOfHoldings(), handler.supply(), "shares");
        (int256 low, int256 equity, int256 high) = handler.bracket();
        assertTrue(low <= equity && equity <= high, "equity is between the marks");
        (uint256 due, uint256 held) = handler.owed();
        assertEq(due, held, "what waits for leavers");
        assertEq(due, handler.promised() - handler.fetched());
    }

    /// @dev Else the invariant would hold of a pool that nobody uses.
    function test_EveryMoveIsReached() public {
        handler.trade(0, 0, 100);
        handler.trade(1, 1, -40);
        handler.trade(2, 2, 60);
        handler.provideSome(1, 50_000);
        handler.drift(80);
        handler.settle(0, true);
        handler.ask(0, 50);
        handler.ask(1, 100);
        for (uint256 i; i < 3; ++i) handler.wait_(3 hours);
        handler.fulfil(10);
        handler.fetch(0);
        invariant_V3_D1_poolAndTradersShareWhatThereIs();
        bytes32[8] memory names = [
            bytes32("trade"),
            "deposit",
            "request",
            "fulfil",
            "claim",
            "price",
            "time",
            "settle"
        ];
        for (uint256 i; i < names.length; ++i) {
            assertGt(handler.done(names[i]), 0, string(abi.encodePacked(names[i])));
        }
    }
}
