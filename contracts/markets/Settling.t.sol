// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {Call} from "../interfaces/IMarginAccounts.sol";
import {IPositionsErrors, Settlement} from "../interfaces/IPositions.sol";
import {LedgerTest} from "../test/LedgerTest.sol";
import {AccountId} from "../types/AccountId.sol";

/// @title Settlement of unsettled PnL: what anybody may do to anybody, and what not (A1, A4)
contract SettlingTest is LedgerTest {
    function setUp() public override {
        super.setUp();
        // alice is 1,000 up, bob 1,000 down
        trade(aliceId, bobId, ethPerp, 10e18, 2_000e18);
        scale.setPrice(ETH, 2_100e18);
    }

    function _settle(AccountId winner, AccountId loser, uint256 amount) private view returns (bytes memory) {
        return abi.encodeCall(ledger.settle, (winner, loser, amount));
    }

    function _tooLarge(uint256 amount, uint256 limit) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IPositionsErrors.SettlementTooLarge.selector, amount, limit);
    }

    function test_AnybodySettlesAndCashMoves() public {
        assertEq(ledger.settleable(aliceId, bobId), 1_000e6);
        vm.prank(stranger);
        ledger.settle(aliceId, bobId, 400e6);
        assertEq(cashOf(aliceId), 100_400e6);
        assertEq(cashOf(bobId), 99_600e6);
        assertEq(unsettledOf(aliceId), 600e18);
        assertEq(unsettledOf(bobId), -600e18);
        assertEq(quoteOf(aliceId), -20_400e18);
        assertEq(sizeOf(aliceId, ethPerp), 10e18);
        ledger.settle(aliceId, bobId, 600e6);
        assertEq(unsettledOf(aliceId), 0);
        assertEq(ledger.settleable(aliceId, bobId), 0);
        refuseLedger(stranger, _settle(aliceId, bobId, 1), _tooLarge(1, 0));
    }

    function test_NeverMoreThanBothHave() public {
        refuseLedger(stranger, _settle(aliceId, bobId, 1_000e6 + 1), _tooLarge(1_000e6 + 1, 1_000e6));
        refuseLedger(stranger, _settle(aliceId, bobId, 0), _tooLarge(0, 1_000e6));
        refuseLedger(stranger, _settle(bobId, aliceId, 1), _tooLarge(1, 0));
        refuseLedger(stranger, _settle(aliceId, carolId, 1), _tooLarge(1, 0));
        refuseLedger(stranger, _settle(carolId, bobId, 1), _tooLarge(1, 0));
        refuseLedger(stranger, _settle(aliceId, bobId, type(uint256).max), _tooLarge(type(uint256).max, 1_000e6));
        // the smaller one counts
        trade(carolId, bobId, ethPerp, 1e18, 2_090e18);
        assertEq(ledger.settleable(carolId, bobId), 10e6);
        refuseLedger(stranger, _settle(carolId, bobId, 10e6 + 1), _tooLarge(10e6 + 1, 10e6));
    }

    function test_NotionalIsNoProfit() public {
        // the short has 20,000 of quote, and nothing to be paid
        assertGt(quoteOf(bobId), 0);
        refuseLedger(stranger, _settle(bobId, aliceId, 1), _tooLarge(1, 0));
        // and nobody's margin account is pushed by it: a settlement of all U leaves U at zero
        ledger.settle(aliceId, bobId, 1_000e6);
        assertEq(unsettledOf(aliceId), 0);
        assertEq(unsettledOf(bobId), 0);
    }

    function test_UIsAtTheMarkAndWithPendingFunding() public {
        poke(ETH, 0.001e18);
        // mark 2,102.1
        assertEq(ledger.settleable(aliceId, bobId), 1_021e6);
        skip(1 hours);
        // 2.1 / 8 per ETH
        assertEq(ledger.settleable(aliceId, bobId), 1_018.375e6);
        ledger.settle(aliceId, bobId, 1_018.375e6);
        assertEq(unsettledOf(aliceId), 0);
        assertEq(ledger.positionsOf(aliceId)[0].fundingIndex(), 0.2625e18);
    }

    function test_PayoffsAreSettledToo() public {
        trade(carolId, strangerId, call2000, 1e18, 0);
        scale.setPrice(ETH, 2_000e18);
        settleAt(ETH, 2_300e18);
        deposit(strangerId, USDC, 1_000e6);
        assertEq(ledger.settleable(carolId, strangerId), 300e6);
        ledger.settle(carolId, strangerId, 300e6);
        assertEq(cashOf(carolId), 100_300e6);
        assertEq(cashOf(strangerId), 700e6);
        assertFlags(carolId, false, false);
        assertFlags(strangerId, false, false);
    }

    function test_AnOptionIsNoUnsettledProfitBeforeItsExpiry() public {
        trade(carolId, strangerId, call2000, 1e18, 0);
        deposit(strangerId, USDC, 1_000e6);
        refuseLedger(stranger, _settle(carolId, strangerId, 1), _tooLarge(1, 0));
        vm.warp(EXPIRY);
        refuseLedger(stranger, _settle(carolId, strangerId, 1), _tooLarge(1, 0));
    }

    function test_ALoserWithoutCashBecomesABorrower() public {
        withdraw(bobId, USDC, 99_500e6);
        deposit(bobId, WETH, 10e18);
        ledger.settle(aliceId, bobId, 1_000e6);
        assertEq(cashOf(bobId), -500e6);
        assertEq(debtOf(bobId, USDC), 500e6);
    }

    function test_A1_NotBelowMaintenance() public {
        scale.script(bobId, -5, -1, 0);
        refuseLedger(
            stranger,
            _settle(aliceId, bobId, 1),
            abi.encodeWithSelector(SettlementRefused.selector, bobId, -1)
        );
        scale.script(bobId, -5, 0, 0);
        ledger.settle(aliceId, bobId, 1);
    }

    function test_NotOfALoserInAnAuction() public {
        scale.script(bobId, -100e18, -50e18, 500e18);
        auction.start(bobId, aliceId);
        refuseLedger(stranger, _settle(aliceId, bobId, 1), abi.encodeWithSelector(AccountInAuction.selector, bobId));
    }

    function test_A4_NotWhileTheLosersCheckIsPending() public {
        Call[] memory list = calls(abi.encodeCall(safe.borrow, (bobId, USDC, 200_000e6, bob)), "");
        list[1] = Call(address(ledger), _settle(aliceId, bobId, 1e6));
        refuseStep(bob, list, 1, abi.encodeWithSelector(CheckPending.selector, bobId));
        // the winner's may be
        list[0] = call(abi.encodeCall(safe.borrow, (aliceId, USDC, 200_000e6, alice)));
        batch(alice, list);
    }

    function test_OwnAccountsOfTheLedgerTakeNoPart() public {
        AccountId clearing = ledger.perpClearing(ETH);
        bytes memory reason = abi.encodeWithSelector(IPositionsErrors.NotATrader.selector, clearing);
        refuseLedger(stranger, _settle(clearing, bobId, 1), reason);
        refuseLedger(stranger, _settle(aliceId, clearing, 1), reason);
        refuseLedger(
            stranger,
            _settle(aliceId, aliceId, 1),
            abi.encodeWithSelector(IPositionsErrors.SettlementTooLarge.selector, 1, 0)
        );
    }

    function test_ABatchHoldsSeveralOrNone() public {
        trade(carolId, bobId, ethPerp, 1e18, 2_090e18);
        Settlement[] memory list = new Settlement[](2);
        list[0] = Settlement(aliceId, bobId, 500e6);
        list[1] = Settlement(carolId, bobId, 11e6);
        refuseLedger(stranger, abi.encodeCall(ledger.settleBatch, (list)), _tooLarge(11e6, 10e6));
        list[1].amount = 10e6;
        ledger.settleBatch(list);
        assertEq(cashOf(bobId), 100_000e6 - 510e6);
        assertEq(cashOf(carolId), 100_010e6);
    }

    function testFuzz_D1_SettlementMakesNothing(int256 size, uint256 price, uint256 amount, int256 premium) public {
        size = bound(size, -50e18, 50e18);
        vm.assume(size != 0);
        trade(carolId, bobId, ethPerp, size, bound(price, 1_000e18, 3_000e18));
        poke(ETH, bound(premium, -0.02e18, 0.02e18));
        skip(10 minutes);
        (AccountId winner, AccountId loser) = unsettledOf(carolId) > 0 ? (carolId, bobId) : (bobId, carolId);
        uint256 limit = ledger.settleable(winner, loser);
        vm.assume(limit != 0);
        int256 u = unsettledOf(winner);
        int256 v = unsettledOf(loser);
        amount = bound(amount, 1, limit);
        int256 cash = cashOf(winner) + cashOf(loser);
        int256 quotes = quoteOf(aliceId) + quoteOf(bobId) + quoteOf(carolId) + quoteOf(ledger.perpClearing(ETH));
        assertEq(quotes, 0);
        ledger.settle(winner, loser, amount);
        assertEq(unsettledOf(winner), u - int256(amount * 1e12));
        assertEq(unsettledOf(loser), v + int256(amount * 1e12));
        assertGe(unsettledOf(winner), 0);
        assertLe(unsettledOf(loser), 0);
        assertEq(cashOf(winner) + cashOf(loser), cash);
        assertEq(quoteOf(aliceId) + quoteOf(bobId) + quoteOf(carolId) + quoteOf(ledger.perpClearing(ETH)), 0);
    }
}
