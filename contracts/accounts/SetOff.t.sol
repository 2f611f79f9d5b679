// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {PoolState} from "../interfaces/IMarginAccounts.sol";
import {SafeTest} from "../test/SafeTest.sol";

/// @title An account's own vault shares are used up before it borrows, and may pay what it owes
contract SetOffTest is SafeTest {
    function setUp() public override {
        super.setUp();
        equip(alice);
        equip(bob);
    }

    function _shares() private view returns (uint256) {
        int256 held = safe.sharesOf(aliceId, USDC_SHARE);
        return uint256(held);
    }

    function test_ABorrowUsesTheSharesFirst() public {
        uint256 shares = depositShares(aliceId, USDC, 1_000e6);
        deposit(aliceId, WETH, 10e18);
        uint256 supply = sys.usdcVault.totalSupply();
        borrow(aliceId, USDC, 400e6);
        assertEq(safe.balanceOf(aliceId, USDC), 0, "nothing is owed");
        assertEq(_shares(), shares - 400e6);
        assertEq(sys.usdcVault.totalSupply(), supply - 400e6);
        assertEq(sys.usdcVault.balanceOf(address(safe)), shares - 400e6);
        assertEq(safe.totalCollateral(USDC_SHARE), shares - 400e6);
        // the rest, then debt
        borrow(aliceId, USDC, 1_000e6);
        assertEq(_shares(), 0);
        assertEq(safe.balanceOf(aliceId, USDC), -400e6);
        assertEq(sys.usdcVault.balanceOf(address(safe)), 0);
        assertSolvent(USDC);
    }

    function test_ASetOffPaysAsFarAsBothGo() public {
        deposit(aliceId, WETH, 10e18);
        borrow(aliceId, USDC, 5_000e6);
        depositShares(aliceId, USDC, 2_000e6);
        pass(1 days);
        uint256 debt = debtOf(aliceId, USDC);
        uint256 worth = sys.usdcVault.convertToAssets(_shares());
        int256 mtm = mtmOf(aliceId);
        vm.prank(alice);
        assertEq(safe.setOff(aliceId, USDC), worth);
        assertEq(_shares(), 0);
        assertApproxEqAbs(debtOf(aliceId, USDC), debt - worth, 1);
        assertApproxEqAbs(mtmOf(aliceId), mtm, 3e12);
        // more shares than debt
        depositShares(aliceId, USDC, 10_000e6);
        debt = debtOf(aliceId, USDC);
        vm.prank(alice);
        assertEq(safe.setOff(aliceId, USDC), debt);
        assertEq(safe.balanceOf(aliceId, USDC), 0);
        assertGt(_shares(), 0);
        assertSolvent(USDC);
        refuse(
            alice,
            abi.encodeCall(safe.setOff, (aliceId, USDC)),
            abi.encodeWithSelector(NothingToRepay.selector, aliceId, USDC)
        );
    }

    function test_ASetOffNeedsShares() public {
        openLong(aliceId);
        refuse(
            alice,
            abi.encodeCall(safe.setOff, (aliceId, USDC)),
            abi.encodeWithSelector(AssetNotHeld.selector, aliceId, USDC_SHARE)
        );
    }

    /// A set-off needs no price and no cash.
    function test_ASetOffWorksWithDeadOraclesAndNoCash() public {
        deposit(aliceId, WETH, 900e18);
        borrow(aliceId, USDC, 100e6);
        depositShares(aliceId, USDC, 50e6);
        killFeeds();
        vm.prank(alice);
        assertEq(safe.setOff(aliceId, USDC), 50e6);
    }

    /// A bid's price is a debit like any other: the bidder's shares go first.
    function test_ABidUsesTheBiddersShares() public {
        openLong(bobId);
        depositShares(aliceId, USDC, 200_000e6);
        setPrice(WETH, 1_680e8);
        uint256 debt = debtOf(bobId, USDC);
        vm.prank(alice);
        (uint256 taken, int256 price) = safe.bid(bobId, aliceId, MAX, type(int256).max);
        assertGt(price, 0);
        // price and the debt taken over, less the part of no account
        uint256 due = uint256(price) + (debt * taken + 1e18 - 1) / 1e18;
        assertEq(safe.balanceOf(aliceId, USDC), 0);
        assertApproxEqAbs(_shares(), 200_000e6 - due, 1);
        assertSolvent(USDC);
    }

    function testFuzz_V1_V3_SetOffRoundsForThePool(uint256 lent, uint256 owed, uint256 time) public {
        lent = bound(lent, 1, 900_000e6);
        owed = bound(owed, 1, 900_000e6);
        deposit(aliceId, WETH, 900e18);
        borrow(aliceId, USDC, owed);
        // index away from one
        deposit(bobId, WETH, 1_000e18);
        borrow(bobId, USDC, 1_500_000e6);
        skip(bound(time, 1, 300 days));
        refreshFeeds();
        if (sys.usdcVault.previewDeposit(lent) == 0) return;
        depositShares(aliceId, USDC, lent);
        uint256 debt = debtOf(aliceId, USDC);
        uint256 worth = sys.usdcVault.convertToAssets(_shares());
        if (worth == 0) return;
        PoolState memory p = safe.poolState(USDC);
        vm.prank(alice);
        uint256 used = safe.setOff(aliceId, USDC);
        assertEq(used, debt < worth ? debt : worth);
        assertGe(debtOf(aliceId, USDC) + used, debt);
        assertLe(sys.usdcVault.convertToAssets(_shares()) + used, worth);
        PoolState memory q = safe.poolState(USDC);
        assertEq(q.supplyIndex, p.supplyIndex);
        assertGe(p.claims - q.claims, used);
        assertSolvent(USDC);
    }
}
