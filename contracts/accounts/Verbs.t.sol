// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {Cause, IMarginAccountsEvents, PoolState} from "../interfaces/IMarginAccounts.sol";
import {SafeTest} from "../test/SafeTest.sol";
import {AccountId} from "../types/AccountId.sol";

/// @title Deposit, withdraw, borrow, repay, transfer
contract VerbsTest is SafeTest {
    function setUp() public override {
        super.setUp();
        equip(alice);
        equip(bob);
    }

    /// @dev An index that is not one, in the USDC pool: somebody owed at a high rate for a while.
    function _grow(uint256 time) private {
        AccountId borrower = accountOf(makeAddr("borrower"), 0);
        deposit(borrower, WETH, 5_000e18);
        borrow(borrower, USDC, 2_000_000e6);
        skip(time);
        refreshFeeds();
        safe.accrue(USDC);
    }

    // ------------------------------------------------------------------ deposit

    function test_ADepositIsABalance() public {
        uint256 held = sys.weth.balanceOf(alice);
        vm.expectEmit(true, true, false, false, address(safe));
        emit IMarginAccountsEvents.AccountChanged(aliceId, Cause.Deposit, new uint256[](1));
        vm.prank(alice);
        safe.deposit(aliceId, WETH, 3e18);
        assertEq(safe.balanceOf(aliceId, WETH), 3e18);
        assertEq(sys.weth.balanceOf(alice), held - 3e18);
        assertEq(safe.poolState(WETH).accountShares, 3e18);
    }

    function test_ADepositPaysDebtFirst() public {
        openLong(aliceId);
        uint256 debts = safe.poolState(USDC).debts;
        vm.prank(alice);
        safe.deposit(aliceId, USDC, 20_000e6);
        assertEq(safe.balanceOf(aliceId, USDC), 4_000e6);
        assertEq(safe.poolState(USDC).debts, debts - 16_000e6);
        assertEq(safe.poolState(USDC).accountShares, 4_000e6 + 50_000e6, "and the fund's");
    }

    function test_AStrangerPaysIntoWhatIsHeld() public {
        openLong(aliceId);
        vm.startPrank(bob);
        safe.deposit(aliceId, WETH, 1e18);
        safe.deposit(aliceId, USDC, 17_000e6);
        vm.stopPrank();
        assertEq(safe.balanceOf(aliceId, WETH), 11e18);
        assertEq(safe.balanceOf(aliceId, USDC), 1_000e6);
    }

    function test_A1_AStrangerCannotLiquidateByPayingIn() public {
        openLong(aliceId);
        int256 maintenance = maintenanceOf(aliceId);
        vm.prank(bob);
        safe.deposit(aliceId, WETH, 900e18);
        assertGe(maintenanceOf(aliceId), maintenance);
    }

    function test_DepositAndRepayNeedNoPrice() public {
        openLong(aliceId);
        killFeeds();
        vm.startPrank(alice);
        safe.deposit(aliceId, WETH, 1e18);
        assertEq(safe.repay(aliceId, USDC, 1_000e6), 1_000e6);
        vm.stopPrank();
        // transfer-in too
        deposit(bobId, USDC, 100e6);
        vm.prank(bob);
        safe.transfer(bobId, aliceId, USDC, 100e6, false);
        assertEq(debtOf(aliceId, USDC), 14_900e6);
    }

    /// An account that owes takes in nothing new that cannot be priced: it could never be liquidated.
    function test_L1_ADebtorTakesInNoUnpriceableAsset() public {
        openLong(aliceId);
        sys.stethFeed.setUpdatedAt(1);
        vm.prank(alice);
        vm.expectPartialRevert(bytes4(keccak256("PriceUnusable(uint16,uint8)")));
        safe.deposit(aliceId, STETH, 1e18);
        // without a debt it is its own affair
        vm.prank(bob);
        safe.deposit(bobId, STETH, 1e18);
    }

    // ------------------------------------------------------------------ withdraw

    function test_A3_WithoutDebtNothingStopsAWithdrawal() public {
        vm.prank(alice);
        safe.deposit(aliceId, WETH, 3e18);
        vm.prank(alice);
        safe.deposit(aliceId, STETH, 3e18);
        killFeeds();
        safe.pause(7, uint40(block.timestamp + 7 days));
        assertEq(withdraw(aliceId, WETH, MAX), 3e18);
        assertEq(withdraw(aliceId, STETH, MAX), 3e18);
        assertEq(safe.words(aliceId)[0], 0);
        assertEq(safe.words(aliceId).length, 1);
    }

    function testFuzz_V3_RoundTripsNeverProfit(uint256 amount, uint256 part, uint256 time) public {
        _grow(bound(time, 1, 300 days));
        amount = bound(amount, 1, 1_000_000e6);
        uint256 before = sys.usdc.balanceOf(alice);
        vm.prank(alice);
        safe.deposit(aliceId, USDC, amount);
        int256 worth = safe.balanceOf(aliceId, USDC);
        assertLe(worth, int256(amount));
        assertGe(worth, int256(amount) - 2);
        if (worth == 0) return;
        part = bound(part, 1, uint256(worth));
        withdraw(aliceId, USDC, part);
        if (safe.balanceOf(aliceId, USDC) > 0) withdraw(aliceId, USDC, MAX);
        assertLe(sys.usdc.balanceOf(alice), before);
        assertSolvent(USDC);
    }

    /// Many amounts of one unit take no more than one large amount: each takes a whole share.
    function test_V3_SmallAmountsRoundForThePool() public {
        _grow(300 days);
        vm.startPrank(alice);
        safe.deposit(aliceId, USDC, 1_000);
        int256 shares = safe.sharesOf(aliceId, USDC);
        assertLt(shares, 1_000, "an index above one");
        for (int256 i = 1; i <= 5; ++i) {
            safe.withdraw(aliceId, USDC, 1, alice);
            assertEq(safe.sharesOf(aliceId, USDC), shares - i);
        }
        safe.deposit(aliceId, WETH, 1e18);
        safe.withdraw(aliceId, USDC, MAX, alice);
        for (int256 i = 1; i <= 5; ++i) {
            safe.borrow(aliceId, USDC, 1, alice);
            assertEq(safe.sharesOf(aliceId, USDC), -i);
        }
        // one unit is less than a share of debt: it is taken and pays nothing off
        safe.repay(aliceId, USDC, 1);
        assertEq(safe.sharesOf(aliceId, USDC), -5);
        vm.stopPrank();
        assertSolvent(USDC);
    }

    function testFuzz_V3_BorrowAndRepayNeverProfits(uint256 amount, uint256 part, uint256 time) public {
        _grow(bound(time, 1, 300 days));
        vm.prank(alice);
        safe.deposit(aliceId, WETH, 500e18);
        amount = bound(amount, 1, 500_000e6);
        borrow(aliceId, USDC, amount);
        uint256 debt = debtOf(aliceId, USDC);
        assertGe(debt, amount);
        assertLe(debt, amount + 2);
        part = bound(part, 1, debt);
        vm.prank(alice);
        uint256 paid = safe.repay(aliceId, USDC, part);
        assertEq(paid, part);
        assertGe(debtOf(aliceId, USDC), debt - part);
        if (part == debt) assertEq(safe.balanceOf(aliceId, USDC), 0);
        assertSolvent(USDC);
    }

    // ------------------------------------------------------------------ borrow and repay

    function test_ABorrowTakesTheBalanceFirst() public {
        deposit(aliceId, WETH, 10e18);
        deposit(aliceId, USDC, 1_000e6);
        uint256 debts = safe.poolState(USDC).debts;
        uint256 held = sys.usdc.balanceOf(alice);
        borrow(aliceId, USDC, 1_500e6);
        assertEq(safe.balanceOf(aliceId, USDC), -500e6);
        assertEq(safe.poolState(USDC).debts, debts + 500e6);
        assertEq(sys.usdc.balanceOf(alice), held + 1_500e6);
    }

    function test_ARepaymentTakesNoMoreThanTheDebt() public {
        openLong(aliceId);
        uint256 held = sys.usdc.balanceOf(bob);
        // anyone pays
        vm.prank(bob);
        assertEq(safe.repay(aliceId, USDC, MAX), 16_000e6);
        assertEq(sys.usdc.balanceOf(bob), held - 16_000e6);
        assertEq(safe.balanceOf(aliceId, USDC), 0);
    }

    // ------------------------------------------------------------------ transfer

    function test_ATransferMovesSharesAndNoTotals() public {
        deposit(aliceId, WETH, 10e18);
        (uint256 s, uint256 d) = safe.poolWords(WETH);
        vm.prank(alice);
        assertEq(safe.transfer(aliceId, accountOf(alice, 1), WETH, 4e18, false), 4e18);
        assertEq(safe.balanceOf(aliceId, WETH), 6e18);
        assertEq(safe.balanceOf(accountOf(alice, 1), WETH), 4e18);
        (uint256 s1, uint256 d1) = safe.poolWords(WETH);
        assertEq(s1, s);
        assertEq(d1, d);
        deposit(bobId, WETH, 1e18);
        vm.prank(alice);
        assertEq(safe.transfer(aliceId, bobId, WETH, MAX, false), 6e18);
        assertEq(safe.words(aliceId)[0], 0);
    }

    function test_ATransferPaysTheReceiversDebt() public {
        openLong(aliceId);
        deposit(bobId, USDC, 20_000e6);
        vm.prank(bob);
        safe.transfer(bobId, aliceId, USDC, 20_000e6, false);
        assertEq(safe.balanceOf(aliceId, USDC), 4_000e6);
        assertEq(safe.balanceOf(bobId, USDC), 0);
        assertEq(safe.poolState(USDC).debtShares, 0);
    }

    function test_ATransferMayBorrowForAnotherOfOnesAccounts() public {
        deposit(aliceId, WETH, 10e18);
        AccountId other = accountOf(alice, 1);
        vm.prank(alice);
        safe.transfer(aliceId, other, USDC, 10_000e6, true);
        assertEq(safe.balanceOf(aliceId, USDC), -10_000e6);
        assertEq(safe.balanceOf(other, USDC), 10_000e6);
        assertSolvent(USDC);
    }

    /// Isolated margin: what happens in one account is no matter to the other.
    function test_ASecondAccountIsIsolated() public {
        openLong(accountOf(alice, 1));
        deposit(aliceId, USDC, 100_000e6);
        setPrice(WETH, 1_000e8);
        assertLt(maintenanceOf(accountOf(alice, 1)), 0);
        assertEq(withdraw(aliceId, USDC, MAX), 100_000e6);
    }

    function testFuzz_V1_V2_TransfersKeepTheSums(uint256 a, uint256 b, uint256 moved, uint256 time) public {
        deposit(aliceId, WETH, 500e18);
        deposit(bobId, WETH, 500e18);
        a = bound(a, 1, 500_000e6);
        b = bound(b, 1, 500_000e6);
        moved = bound(moved, 1, 900_000e6);
        deposit(aliceId, USDC, a);
        borrow(bobId, USDC, b);
        _grow(bound(time, 1, 100 days));
        PoolState memory p = safe.poolState(USDC);
        int256 rest = int256(uint256(p.accountShares)) - _plus(aliceId) - _plus(bobId);
        int256 owed = int256(uint256(p.debtShares)) + _minus(aliceId) + _minus(bobId);
        vm.prank(alice);
        safe.transfer(aliceId, bobId, USDC, moved, true);
        p = safe.poolState(USDC);
        assertEq(int256(uint256(p.accountShares)), rest + _plus(aliceId) + _plus(bobId));
        assertEq(int256(uint256(p.debtShares)), owed - _minus(aliceId) - _minus(bobId));
        assertSolvent(USDC);
    }

    function _plus(AccountId id) private view returns (int256 shares) {
        shares = safe.sharesOf(id, USDC);
        if (shares < 0) shares = 0;
    }

    function _minus(AccountId id) private view returns (int256 shares) {
        shares = safe.sharesOf(id, USDC);
        if (shares > 0) shares = 0;
    }
}
