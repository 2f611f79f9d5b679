// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

import {IInsuranceFund} from "../interfaces/IInsuranceFund.sol";
import {IMarginAccounts, IMarginAccountsErrors} from "../interfaces/IMarginAccounts.sol";
import {BaseTest} from "../test/BaseTest.sol";
import {FundStub} from "../test/FundStub.sol";
import {TestToken} from "../test/TestToken.sol";
import {AccountIdLib} from "../types/AccountId.sol";
import {AssetId, AssetIdLib, SETTLEMENT} from "../types/AssetId.sol";
import {InsuranceFund} from "./InsuranceFund.sol";

contract InsuranceFundTest is BaseTest {
    AssetId private immutable ether_ = AssetIdLib.pool(2);
    address private immutable donor = makeAddr("donor");
    address private immutable treasury = makeAddr("treasury");

    FundStub private safe;
    InsuranceFund private fund;
    TestToken private usdc;
    TestToken private weth;

    function setUp() public {
        safe = new FundStub();
        usdc = new TestToken("USD Coin", "USDC", 6);
        weth = new TestToken("Wrapped Ether", "WETH", 18);
        safe.list(SETTLEMENT, usdc);
        safe.list(ether_, weth);
        // this test is the governor: the admin role stands for it
        fund = new InsuranceFund(IMarginAccounts(address(safe)), address(new AccessManager(address(this))));
        safe.setInsurance(fund.account());
        usdc.mint(donor, 1_000e6);
        vm.prank(donor);
        usdc.approve(address(fund), type(uint256).max);
    }

    function _donate(uint256 amount) private {
        vm.prank(donor);
        fund.donate(amount);
    }

    function test_OwnsItsAccountZero() public view {
        assertTrue(fund.account() == AccountIdLib.make(address(fund), 0));
    }

    function test_TakesDonationsIntoTheSafe() public {
        vm.expectEmit(address(fund));
        emit IInsuranceFund.Donated(donor, 400e6);
        _donate(400e6);
        assertEq(fund.balance(), 400e6);
        assertEq(usdc.balanceOf(address(safe)), 400e6);
        assertEq(usdc.balanceOf(address(fund)), 0);
        assertEq(usdc.allowance(address(fund), address(safe)), 0);
    }

    function test_RefusesADonationOfNothing() public {
        vm.expectRevert(IInsuranceFund.ZeroAmount.selector);
        _donate(0);
    }

    function test_CollectsReservesOfAnyAsset() public {
        weth.mint(address(safe), 3e18);
        vm.expectEmit(address(fund));
        emit IInsuranceFund.Collected(ether_, 3e18);
        assertEq(fund.collect(ether_), 3e18);
        assertEq(safe.balanceOf(fund.account(), ether_), 3e18);
        assertEq(fund.balance(), 0);
    }

    function test_AFullAccountLeavesReservesWhereTheyAre() public {
        weth.mint(address(safe), 3e18);
        safe.setFull(true);
        vm.expectRevert(abi.encodeWithSelector(IMarginAccountsErrors.TooManyAssets.selector, fund.account()));
        fund.collect(ether_);
        safe.setFull(false);
        assertEq(fund.collect(ether_), 3e18);
    }

    function test_G1_OnlyTheGovernorWithdraws() public {
        _donate(400e6);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, donor));
        vm.prank(donor);
        fund.withdrawOwn(SETTLEMENT, 1, donor);

        vm.expectEmit(address(fund));
        emit IInsuranceFund.Withdrawn(SETTLEMENT, treasury, 150e6);
        assertEq(fund.withdrawOwn(SETTLEMENT, 150e6, treasury), 150e6);
        assertEq(fund.withdrawOwn(SETTLEMENT, type(uint256).max, treasury), 250e6);
        assertEq(usdc.balanceOf(treasury), 400e6);
        assertEq(fund.balance(), 0);
    }

    function test_NeverTakesOutMoreThanItHas() public {
        _donate(400e6);
        vm.expectRevert(abi.encodeWithSelector(IInsuranceFund.OwnPartTooSmall.selector, 400e6 + 1, 400e6));
        fund.withdrawOwn(SETTLEMENT, 400e6 + 1, treasury);
    }

    function test_RefusesBadInput() public {
        vm.expectRevert(IInsuranceFund.ZeroAmount.selector);
        fund.withdrawOwn(SETTLEMENT, 0, treasury);
        vm.expectRevert(IInsuranceFund.ZeroAddress.selector);
        fund.withdrawOwn(SETTLEMENT, 1, address(0));
        vm.expectRevert(IInsuranceFund.ZeroAddress.selector);
        new InsuranceFund(IMarginAccounts(address(0)), address(1));
        vm.expectRevert(IInsuranceFund.ZeroAddress.selector);
        new InsuranceFund(IMarginAccounts(address(safe)), address(0));
    }

    function test_ABalanceBelowZeroCountsAsNothing() public {
        safe.setShares(fund.account(), SETTLEMENT, -1);
        assertEq(fund.balance(), 0);
    }
}
