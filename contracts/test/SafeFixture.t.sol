// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IMarginAccountsEvents} from "../interfaces/IMarginAccounts.sol";
import {AccountId} from "../types/AccountId.sol";
import {SafeFixture} from "./SafeFixture.sol";

/// @title The fixture stands, and every verb of the safe works on it
contract SafeFixtureTest is SafeFixture {
    AccountId internal alice;
    AccountId internal keeper;

    function setUp() public override {
        super.setUp();
        alice = accountOf(makeAddr("alice"), 0);
        keeper = accountOf(makeAddr("keeper"), 7);
        deposit(keeper, USDC, 1_000_000e6);
    }

    function test_SeedsArePoolTotals() public view {
        assertEq(safe.poolState(USDC).lenderShares, USDC_SEED);
        assertEq(safe.poolState(WETH).lenderShares, WETH_SEED);
        assertEq(safe.poolState(WBTC).accountShares, WBTC_SEED);
        assertEq(fund.balance(), INSURANCE_SEED);
    }

    function test_BorrowAccrueRepayWithdraw() public {
        deposit(alice, WETH, 10e18);
        borrow(alice, USDC, 15_000e6);
        assertGe(initialOf(alice), 0);
        assertEq(sys.usdc.balanceOf(alice.owner()), 15_000e6);
        pass(1 days);
        safe.accrue(USDC);
        assertGt(debtOf(alice, USDC), 15_000e6);
        assertGt(sys.usdcVault.convertToAssets(1e6), 1e6 - 1);
        repay(alice, USDC, type(uint256).max);
        assertEq(safe.balanceOf(alice, USDC), 0);
        assertEq(withdraw(alice, WETH, type(uint256).max), 10e18);
        assertEq(safe.words(alice)[0], 0);
    }

    function test_SharesAreCollateral() public {
        uint256 shares = depositShares(alice, USDC, 100_000e6);
        borrow(alice, WBTC, 2e8);
        assertEq(safe.balanceOf(alice, USDC_SHARE), int256(shares));
        assertGe(initialOf(alice), 0);
    }

    function test_PartialLiquidation() public {
        deposit(alice, WBTC, 1e8);
        borrow(alice, USDC, 26_000e6);
        setPrice(WBTC, 27_800e8);
        int256 before = maintenanceOf(alice);
        assertLt(before, 0);
        (uint256 taken, int256 price) = bid(alice, keeper, type(uint256).max);
        assertLt(taken, 1e18);
        assertGt(price, 0);
        assertGe(maintenanceOf(alice), 0);
    }

    function test_InsolventBidIsPaidAndWritesOff() public {
        // more than the fund has
        deposit(alice, WETH, 1_000e18);
        borrow(alice, USDC, 1_600_000e6);
        setPrice(WETH, 1_500e8);
        auction.start(alice, keeper);
        pass(1 minutes);
        uint256 price = sys.usdcVault.convertToAssets(1e12);
        vm.expectEmit(false, false, false, false);
        emit IMarginAccountsEvents.DebtWrittenOff(USDC, alice, 0, 0, 0);
        (uint256 taken, int256 paid) = bid(alice, keeper, 1e18);
        assertEq(taken, 1e18);
        assertLt(paid, -100_000e6);
        assertEq(fund.balance(), 0);
        assertLt(sys.usdcVault.convertToAssets(1e12), price);
        assertEq(safe.words(alice)[0], 0);
        assertGe(initialOf(keeper), 0);
    }
}
