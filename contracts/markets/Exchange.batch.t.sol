// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {Vm} from "forge-std/Vm.sol";

import {FLAG_IMMEDIATE_OR_CANCEL, Match, Order} from "../interfaces/IExchange.sol";
import {PositionsStub, WalletStub} from "../test/ExchangeStubs.sol";
import {ExchangeTest} from "../test/ExchangeTest.sol";
import {AccountIdLib} from "../types/AccountId.sol";

/// @title A bad fill is left out and reported; want of gas is not taken for a bad fill
contract ExchangeBatchTest is ExchangeTest {
    /// @dev What a failing fill must have had, and some for the rest.
    uint256 internal constant ENOUGH = 10_500_000;

    /// @dev `n` good matches of Alice's with Bob's.
    function _batch(uint256 n) private returns (Match[] memory list) {
        list = new Match[](n);
        for (uint256 i; i < n; ++i) {
            (Order memory maker, Order memory taker) = pair(1e18, 2_000e18);
            list[i] = matched(maker, taker, 1e18);
        }
    }

    function test_EachFillOfABatchStandsAlone() public {
        Match[] memory list = _batch(5);
        list[1].taker.order.size += 1; // not what was signed
        list[3] = list[2]; // filled already
        vm.expectEmit(address(exchange));
        emit FillSkipped(
            1,
            hashOf(list[1].maker.order),
            hashOf(list[1].taker.order),
            abi.encodeWithSelector(InvalidSignature.selector, bob)
        );
        vm.expectEmit(address(exchange));
        emit FillSkipped(
            3,
            hashOf(list[3].maker.order),
            hashOf(list[3].taker.order),
            abi.encodeWithSelector(NonceUsed.selector, aliceId, list[3].maker.order.nonce)
        );
        bool[] memory filled = exchange.fillOrders(list, NOBODY);
        for (uint256 i; i < 5; ++i) assertEq(filled[i], i != 1 && i != 3);
        assertEq(ledger.count(), 3);
    }

    /// What the ledger or the safe refuses is undone to the last bit of the exchange, too.
    function testFuzz_ASkippedFillLeavesNothing(uint8 which) public {
        Match[] memory list = _batch(4);
        uint256 bad = which % 4;
        list[bad].maker = signed(plain(carolId, ethPerp, SELL, 1e18, 2_000e18), carolKey);
        list[bad].maker.order.salt = 1;
        list[bad].maker = signed(list[bad].maker.order, carolKey);
        ledger.set(carolId, 0, false);
        bool[] memory filled = exchange.fillOrders(list, NOBODY);
        for (uint256 i; i < 4; ++i) {
            assertEq(filled[i], i != bad);
            assertEq(exchange.remaining(list[i].maker.order), i == bad ? 1e18 : 0);
            assertEq(exchange.remaining(list[i].taker.order), i == bad ? 1e18 : 0);
        }
        assertEq(exchange.volumeOf(alice), 6_000);
        assertEq(exchange.volumeOf(bob), 6_000);
        assertEq(exchange.volumeOf(carol), 0);
        // and goes through when its reason is gone
        ledger.set(NOBODY, 0, false);
        exchange.fillOrder(list[bad], NOBODY);
    }

    function test_TheReasonOfTheLedgerIsReported() public {
        Match[] memory list = _batch(1);
        ledger.set(aliceId, 0, false);
        vm.expectEmit(address(exchange));
        emit FillSkipped(
            0,
            hashOf(list[0].maker.order),
            hashOf(list[0].taker.order),
            abi.encodeWithSelector(PositionsStub.Refused.selector, aliceId)
        );
        exchange.fillOrders(list, NOBODY);
    }

    /// The caller stays the caller: executors, keepers and unsigned takers work in batches too.
    function test_ABatchIsItsSendersOwn() public {
        Match[] memory list = _batch(2);
        Order memory pinned = list[0].maker.order;
        pinned.executor = bob;
        list[0].maker = signed(pinned, aliceKey);
        list[1].taker.signature = "";
        vm.prank(bob);
        bool[] memory filled = exchange.fillOrders(list, NOBODY);
        assertTrue(filled[0] && filled[1]);
    }

    function test_AnEmptyBatchIsNoError() public {
        assertEq(exchange.fillOrders(new Match[](0), NOBODY).length, 0);
    }

    // ------------------------------------------------------------------ gas

    /// With any gas at all: the batch reverts whole, or each match has met its own fate.
    function testFuzz_WantOfGasIsNotTakenForABadFill(uint256 gasGiven, uint256 burns, bool swallows) public {
        Match[] memory list = _batch(3);
        list[1].taker.order.size += 1;
        burns = bound(burns, 1, 1_500_000);
        ledger.set(NOBODY, burns, swallows);
        gasGiven = bound(gasGiven, 30_000, 16_000_000);
        try exchange.fillOrders{gas: gasGiven}(list, NOBODY) returns (bool[] memory filled) {
            assertTrue(filled[0] && !filled[1] && filled[2]);
            assertEq(ledger.count(), 2);
        } catch {
            assertEq(ledger.count(), 0);
            // enough to have shown that the second is bad
            assertLt(gasGiven, ENOUGH + 3 * (burns + 1_000_000));
        }
    }

    /// The ledger turns want of gas into an error of its own; the exchange still sees it for what it is.
    function test_ASwallowedWantOfGasRevertsTheBatch() public {
        Match[] memory list = _batch(1);
        ledger.set(NOBODY, 2_000_000, true);
        vm.expectRevert(abi.encodeWithSelector(NotEnoughGas.selector, 0));
        exchange.fillOrders{gas: 2_000_000}(list, NOBODY);
        exchange.fillOrders{gas: 4_000_000}(list, NOBODY);
        assertEq(ledger.count(), 1);
    }

    /// What needs more than any fill may is bad, and does not take the others along.
    function test_AFillMayNotEatTheBatch() public {
        Match[] memory list = _batch(2);
        ledger.set(NOBODY, exchange.FILL_GAS(), false);
        vm.recordLogs();
        bool[] memory filled = exchange.fillOrders{gas: 25_000_000}(list, NOBODY);
        assertFalse(filled[0] || filled[1]);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        assertEq(logs.length, 2);
        assertEq(logs[0].topics[0], FillSkipped.selector);
    }

    /// A hostile wallet contract burns what a signature may cost, no more, and the next fill goes on.
    function test_AWalletThatBurnsGasIsSkipped() public {
        Match[] memory list = _batch(2);
        WalletStub wallet = new WalletStub(carol);
        Order memory o = plain(AccountIdLib.make(address(wallet), 0), ethPerp, SELL, 1e18, 2_000e18);
        o.salt = 1;
        list[0].maker = signed(o, carolKey);
        list[0].maker.signer = address(wallet);
        wallet.behave(3);
        uint256 before = gasleft();
        bool[] memory filled = exchange.fillOrders{gas: 12_000_000}(list, NOBODY);
        assertLt(before - gasleft(), 2_000_000);
        assertTrue(!filled[0] && filled[1]);
    }

    // ------------------------------------------------------------------ immediate or cancel

    function _sweeping(uint128 size) private returns (Order memory o) {
        o = plain(bobId, ethPerp, BUY, size, 2_000e18);
        o.flags = FLAG_IMMEDIATE_OR_CANCEL;
    }

    /// It sweeps several makers in one transaction; what is left of it is gone after that.
    function test_AnImmediateOrderSweepsAndIsGone() public {
        Order memory sweep = _sweeping(5e18);
        Match[] memory list = new Match[](4);
        for (uint256 i; i < 4; ++i) {
            Order memory maker = plain(aliceId, ethPerp, SELL, 2e18, 2_000e18);
            list[i] = matched(maker, sweep, i == 1 ? 2e18 : 1e18);
        }
        // 1 + 2 + 1 of 5; the last asks for more than is left
        list[3].size = 2e18;
        bool[] memory filled = exchange.fillOrders(list, NOBODY);
        assertTrue(filled[0] && filled[1] && filled[2] && !filled[3]);
        assertEq(exchange.remaining(sweep), 0);
        Order memory later = plain(aliceId, ethPerp, SELL, 1e18, 2_000e18);
        refuse(later, sweep, 1e18, abi.encodeWithSelector(NonceUsed.selector, bobId, sweep.nonce));
    }

    function test_AnImmediateOrderDoesNotOverfill() public {
        Order memory sweep = _sweeping(1e18);
        Match[] memory list = new Match[](2);
        for (uint256 i; i < 2; ++i) {
            list[i] = matched(plain(aliceId, ethPerp, SELL, 2e18, 2_000e18), sweep, 0.6e18);
        }
        bytes memory reason = abi.encodeWithSelector(OverFilled.selector, hashOf(sweep), 0.4e18, 0.6e18);
        vm.expectEmit(address(exchange));
        emit FillSkipped(1, hashOf(list[1].maker.order), hashOf(sweep), reason);
        exchange.fillOrders(list, NOBODY);
    }

    /// Filled whole in two parts, then once more in the same transaction.
    function test_AnImmediateOrderIsFullWhenItIsFull() public {
        Order memory sweep = _sweeping(1e18);
        Match[] memory list = new Match[](3);
        for (uint256 i; i < 3; ++i) {
            list[i] = matched(plain(aliceId, ethPerp, SELL, 2e18, 2_000e18), sweep, 0.5e18);
        }
        bool[] memory filled = exchange.fillOrders(list, NOBODY);
        assertTrue(filled[0] && filled[1] && !filled[2]);
    }

    /// The first part failed: nothing was begun.
    function test_AnImmediateOrderThatDidNotFillIsStillThere() public {
        Order memory sweep = _sweeping(1e18);
        Match[] memory list = new Match[](1);
        list[0] = matched(plain(aliceId, ethPerp, SELL, 2e18, 2_000e18), sweep, 0.5e18);
        ledger.set(aliceId, 0, false);
        assertFalse(exchange.fillOrders(list, NOBODY)[0]);
        assertEq(exchange.remaining(sweep), 1e18);
        ledger.set(NOBODY, 0, false);
        assertTrue(exchange.fillOrders(list, NOBODY)[0]);
    }
}
