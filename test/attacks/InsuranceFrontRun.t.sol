// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

// whether a call is refused is what is tested
// solhint-disable avoid-low-level-calls

import {AttackTest} from "../../contracts/test/attacks/AttackTest.sol";

/// @title Attack: leaving the insurance fund ahead of a loss
/// @notice Mallory stakes for the income and means to bear nothing: she leaves when prices gap, when an auction turns insolvent, by a request
/// that she keeps open, by shares that she passes to an account whose request is open; or she comes in between a loss and its booking,
/// when shares look cheap.
/// Defence: leaving takes a request and a cool-down (InsuranceFund:requestExit, _leaving), a request is of who holds the shares (_update), and
/// a loss that is known lowers what shares are paid before it is taken (InsuranceFund:_books, knownLoss).
/// Without: the other stakers bear her part. What stays: within an open window, and before anybody has started the auction that makes a
/// loss known, she may leave like anybody else.
contract InsuranceFrontRunTest is AttackTest {
    uint256 private constant STAKE = 50_000e6;

    uint256 private shares;

    function setUp() public override {
        super.setUp();
        fund.withdrawOwn(USDC, INSURANCE_SEED - 1_000e6, address(this));
        shares = _stake(mallory);
        _stake(alice);
        deposit(bobId, USDC, 500_000e6);
        // a debtor who will owe more than he has
        deposit(carolId, WETH, 100e18);
        borrow(carolId, USDC, 180_000e6);
    }

    function _stake(address who) private returns (uint256) {
        give(who, USDC, STAKE);
        vm.prank(who);
        sys.usdc.approve(address(fund), MAX);
        vm.prank(who);
        return fund.deposit(STAKE, who);
    }

    /// @dev 180,000 against 150,000.
    function _gap() private {
        setPrice(WETH, 1_500e8);
    }

    /// @dev The loss comes, 30,000 and more. @return the part of the stake that is left to who stayed, WAD.
    function _lose() private returns (uint256) {
        pass(1 minutes);
        bid(carolId, bobId, 1e18);
        fund.sync();
        return (fund.convertToAssets(fund.balanceOf(alice)) * 1e18) / STAKE;
    }

    /// @dev As much as she gets out, by any door, to herself. @return of her stake, WAD.
    function _leave() private returns (uint256) {
        uint256 before = sys.usdc.balanceOf(mallory);
        vm.startPrank(mallory);
        (bool ok, ) = address(fund).call(abi.encodeCall(fund.redeem, (shares, mallory, mallory)));
        if (!ok) {
            uint256 most = fund.maxRedeem(mallory);
            if (most != 0) fund.redeem(most, mallory, mallory);
        }
        vm.stopPrank();
        return ((sys.usdc.balanceOf(mallory) - before) * 1e18) / STAKE;
    }

    function test_NobodyLeavesWhenPricesGap() public {
        _gap();
        vm.prank(mallory);
        fund.requestExit(shares);
        assertEq(_leave(), 0, "left at once");
        auction.start(carolId, bobId);
        assertEq(_leave(), 0, "left at once");
        uint256 stayed = _lose();
        assertLt(stayed, 0.9e18);
        pass(5 days);
        assertLe(_leave(), stayed, "bore less than who stayed");
    }

    /// @dev Her request is open when the loss becomes known.
    function test_AnOpenRequestIsPaidAfterTheKnownLoss() public {
        vm.prank(mallory);
        fund.requestExit(shares);
        pass(5 days);
        _gap();
        auction.start(carolId, bobId);
        uint256 got = _leave();
        assertGt(got, 0);
        uint256 stayed = _lose();
        assertLe(got, stayed + 0.02e18, "bore less than who stayed");
    }

    /// @dev She asks with each of many accounts that the shares pass through, so that always one of them may leave.
    function test_SharesThatPassThroughManyRequestsDoNotLeave() public {
        vm.startPrank(mallory);
        fund.requestExit(shares);
        fund.transfer(friend, shares);
        vm.stopPrank();
        vm.prank(friend);
        fund.requestExit(shares / 2);
        pass(5 days);
        vm.prank(friend);
        fund.transfer(mallory, shares);
        assertEq(_leave(), 0, "left by a request of shares that had gone");
        vm.prank(mallory);
        fund.transfer(friend, shares);
        assertEq(fund.maxRedeem(friend), 0, "left by a request of shares that had gone");
    }

    /// @dev Shares look cheap while a loss is known and not booked.
    function test_NobodyBuysInBetween() public {
        _gap();
        auction.start(carolId, bobId);
        give(mallory, USDC, 100_000e6);
        uint256 held = fund.balanceOf(mallory);
        (bool ok, ) = attempt(mallory, address(fund), abi.encodeCall(fund.deposit, (100_000e6, mallory)));
        uint256 bought = fund.balanceOf(mallory) - held;
        setPrice(WETH, 2_000e8);
        auction.end(carolId);
        if (ok) assertLe(fund.convertToAssets(bought), 100_000e6, "bought the others' stakes cheaply");
    }
}
