// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {ERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";

import {IInsuranceFund} from "../interfaces/IInsuranceFund.sol";
import {IMarginAccounts} from "../interfaces/IMarginAccounts.sol";
import {ERC4626Properties} from "../test/ERC4626Properties.sol";
import {FundStub} from "../test/FundStub.sol";
import {SafeTest} from "../test/SafeTest.sol";
import {TestToken} from "../test/TestToken.sol";
import {AccountId} from "../types/AccountId.sol";
import {SETTLEMENT} from "../types/AssetId.sol";
import {INDEX_ONE} from "../types/PoolWords.sol";
import {InsuranceFund} from "./InsuranceFund.sol";

/// @dev The standard's properties at any price of pool and stake, within an open window.
contract InsurancePropertiesTest is ERC4626Properties {
    FundStub private safe;
    InsuranceFund private fund;

    function setUp() public {
        safe = new FundStub();
        TestToken plain = new TestToken("USD Coin", "USDC", 6);
        token = plain;
        safe.list(SETTLEMENT, plain);
        fund = new InsuranceFund(IMarginAccounts(address(safe)), address(new AccessManager(address(this))));
        vault = fund;
        safe.setInsurance(fund.account());
    }

    function _deal(address to, uint256 amount) internal override {
        TestToken(address(token)).mint(to, amount);
    }

    /// @dev The pool's price moves, up to 99.9 % of the stakes are lost, and everybody asks to leave.
    function _movePrice(uint256 seed) internal override {
        safe.setIndex(bound(seed, INDEX_ONE / 1000, type(uint64).max));
        uint256 held = uint256(safe.sharesOf(fund.account(), SETTLEMENT));
        safe.pay(bound(uint256(keccak256(abi.encode(seed))), 0, held - held / 1000));
        fund.sync();
        _deal(address(safe), fund.totalAssets() + 1e30);
        for (uint256 i; i < 4; ++i) _ask(_user(i));
        skip(fund.COOL_DOWN());
    }

    function _letOut(address user) internal override {
        _ask(user);
        skip(fund.COOL_DOWN());
    }

    function _ask(address user) private {
        uint256 held = fund.balanceOf(user);
        vm.prank(user);
        fund.requestExit(held);
    }

    function _custodian() internal view override returns (address) {
        return address(safe);
    }

    function _mostPerUser() internal pure override returns (uint256) {
        return 1e24;
    }
}

/// @title Stakes in the whole system: who bears which loss, and that nobody leaves ahead of one
contract InsuranceStakingTest is SafeTest {
    uint256 private constant OWN = 1_000e6;

    AccountId private bidder;

    function setUp() public override {
        super.setUp();
        fund.withdrawOwn(USDC, INSURANCE_SEED - OWN, address(this));
        bidder = accountOf(stranger, 0);
        deposit(bidder, USDC, 200_000e6);
    }

    function _stake(address who, uint256 assets) private returns (uint256 shares) {
        give(who, USDC, assets);
        vm.prank(who);
        sys.usdc.approve(address(fund), assets);
        vm.prank(who);
        return fund.deposit(assets, who);
    }

    function _ask(address who, uint256 shares) private {
        vm.prank(who);
        fund.requestExit(shares);
    }

    function _leave(address who) private returns (uint256 assets) {
        uint256 shares = fund.maxRedeem(who);
        vm.prank(who);
        return fund.redeem(shares, who, who);
    }

    /// @dev 10 WETH against 16,000 USDC, and WETH at `price`: insolvent below 1,600.
    function _insolvent(uint256 price) private {
        openLong(aliceId);
        setPrice(WETH, price * 1e8);
        refreshFeeds();
        auction.start(aliceId, AccountId.wrap(0));
    }

    // ------------------------------------------------------------------ leaving takes time

    function test_AStakeLeavesInItsWindowOnly() public {
        uint256 shares = _stake(bob, 4_000e6);
        assertEq(fund.maxRedeem(bob), 0);
        bytes memory refused = abi.encodeWithSelector(ERC4626.ERC4626ExceededMaxRedeem.selector, bob, shares, 0);
        vm.expectRevert(refused);
        vm.prank(bob);
        fund.redeem(shares, bob, bob);

        _ask(bob, shares);
        skip(fund.COOL_DOWN() - 1);
        assertEq(fund.maxRedeem(bob), 0);
        skip(1);
        assertEq(fund.maxRedeem(bob), shares);
        skip(fund.WINDOW());
        assertEq(fund.maxRedeem(bob), shares);
        skip(1);
        assertEq(fund.maxRedeem(bob), 0);
        vm.expectRevert(refused);
        vm.prank(bob);
        fund.redeem(shares, bob, bob);
    }

    function test_WhatIsTakenOutIsAskedForNoLonger() public {
        uint256 shares = _stake(bob, 4_000e6);
        _ask(bob, shares);
        skip(fund.COOL_DOWN());
        vm.prank(bob);
        fund.redeem(shares / 4, bob, bob);
        assertEq(fund.maxRedeem(bob), shares - shares / 4);
        assertApproxEqAbs(_leave(bob), 3_000e6, 1e4);
        assertEq(fund.balanceOf(bob), 0);
        (uint256 asked, uint256 from, uint256 until) = fund.exitOf(bob);
        assertEq(asked + from + until, 0);
    }

    function test_SharesSentAwayLoseTheirPlace() public {
        uint256 shares = _stake(bob, 4_000e6);
        _ask(bob, shares);
        vm.prank(bob);
        fund.transfer(carol, shares / 2);
        skip(fund.COOL_DOWN());
        assertEq(fund.maxRedeem(bob), shares - shares / 2);
        assertEq(fund.maxRedeem(carol), 0);
        // coming back does not bring the place back
        vm.prank(carol);
        fund.transfer(bob, shares / 2);
        assertEq(fund.maxRedeem(bob), shares - shares / 2);
    }

    function test_AsksForNoMoreThanItHas() public {
        uint256 shares = _stake(bob, 4_000e6);
        vm.expectRevert(abi.encodeWithSelector(IInsuranceFund.ExitTooLarge.selector, shares + 1, shares));
        _ask(bob, shares + 1);
        _ask(bob, shares);
        _ask(bob, 0);
        skip(fund.COOL_DOWN());
        assertEq(fund.maxRedeem(bob), 0);
    }

    // ------------------------------------------------------------------ who bears a loss

    function test_L2_TheOwnPartBearsFirst() public {
        uint256 shares = _stake(bob, 4_000e6);
        _insolvent(1_550); // 500 and the bidder's reward
        pass(20 minutes);
        uint256 before = fund.balance();
        uint256 worth = fund.previewRedeem(shares);
        (, int256 price) = bid(aliceId, bidder, MAX);
        uint256 paid = uint256(-price);
        assertGt(paid, 500e6);
        assertLt(paid, OWN);
        assertApproxEqAbs(fund.balance(), before - paid, 1);
        assertEq(fund.previewRedeem(shares), worth);
        assertApproxEqAbs(fund.ownPart(), before - worth - paid, 2);
    }

    function test_L2_ThenTheStakesProRataAndWhatIsAskedOutToo() public {
        uint256 b = _stake(bob, 3_000e6);
        uint256 c = _stake(carol, 1_000e6);
        _ask(carol, c);
        _insolvent(1_400); // 2,000 and the reward
        pass(20 minutes);
        uint256 before = fund.balance();
        (, int256 price) = bid(aliceId, bidder, MAX);
        uint256 left = before - uint256(-price);
        assertLt(left, 4_000e6);
        assertApproxEqAbs(fund.balance(), left, 1);
        assertEq(fund.ownPart(), 0);
        vm.expectEmit(false, false, false, false, address(fund));
        emit IInsuranceFund.Slashed(0, 0);
        fund.sync();
        assertApproxEqAbs(fund.previewRedeem(b), (left * 3) / 4, 2);
        assertApproxEqAbs(fund.previewRedeem(c), left / 4, 2);
        assertLe(fund.previewRedeem(b) + fund.previewRedeem(c), fund.balance());
        // what comes in later is the fund's own again
        fund.sync();
        uint256 worth = fund.previewRedeem(b);
        mint(address(sys.usdc), address(this), 500e6);
        sys.usdc.approve(address(fund), 500e6);
        fund.donate(500e6);
        assertEq(fund.previewRedeem(b), worth);
        assertApproxEqAbs(fund.ownPart(), 500e6, 2);
    }

    function test_L2_NobodyLeavesAheadOfAKnownLoss() public {
        uint256 b = _stake(bob, 2_000e6);
        uint256 c = _stake(carol, 2_000e6);
        _ask(bob, b);
        pass(fund.COOL_DOWN());
        uint256 whole = fund.previewRedeem(b);
        _insolvent(1_400);
        uint256 known = fund.knownLoss();
        assertGt(known, 2_000e6);
        uint256 marked = fund.previewRedeem(b);
        assertLt(marked, whole - 500e6);
        assertEq(fund.maxDeposit(bob), 0);
        assertEq(fund.maxMint(bob), 0);
        assertEq(_leave(bob), marked);
        assertApproxEqAbs(fund.previewRedeem(c), marked, 2);
        for (uint256 i; i < 2; ++i) {
            pass(10 minutes);
            auction.poke(aliceId);
        }
        bid(aliceId, bidder, MAX);
        assertEq(fund.knownLoss(), 0);
        // but for the interest of the minutes
        assertApproxEqAbs(fund.previewRedeem(c), marked, 1e6);
        fund.sync();
        assertGt(fund.maxDeposit(bob), 0);
    }

    function test_AKnownLossWithinTheOwnPartStopsNobody() public {
        uint256 b = _stake(bob, 2_000e6);
        uint256 whole = fund.previewRedeem(b);
        _insolvent(1_590);
        assertGt(fund.knownLoss(), 100e6);
        assertEq(fund.previewRedeem(b), whole);
        assertGt(fund.maxDeposit(bob), 0);
        setPrice(WETH, 2_000e8);
        refreshFeeds();
        auction.end(aliceId);
        assertEq(fund.knownLoss(), 0);
    }

    /// @dev Conserves to the wei however the loss falls.
    function testFuzz_L2_LossesAreOwnPartAndStakesTogether(uint256 price, uint256 staked, uint256 fraction) public {
        price = bound(price, 900, 1_590);
        staked = bound(staked, 1e6, 20_000e6);
        fraction = bound(fraction, 0.1e18, 1e18);
        uint256 b = _stake(bob, staked);
        uint256 c = _stake(carol, staked / 3);
        _insolvent(price);
        uint256 known = fund.knownLoss();
        pass(20 minutes);
        uint256 before = fund.balance();
        uint256 own = fund.ownPart();
        (, int256 paid) = bid(aliceId, bidder, fraction);
        assertLe(uint256(-paid), known + known / 1000 + 1e6); // interest of the minutes raises the debt
        fund.sync();
        uint256 stakes = fund.convertToAssets(fund.totalSupply());
        uint256 fell = before - fund.balance();
        assertLe(fell, uint256(-paid) + 1);
        // with a known loss left over the stakes stand lower than what is there
        if (fund.knownLoss() == 0) {
            assertApproxEqAbs(stakes + fund.ownPart(), fund.balance(), 2);
            if (fell <= own) assertApproxEqAbs(fund.ownPart(), own - fell, 4);
        }
        assertLe(fund.previewRedeem(b) + fund.previewRedeem(c), fund.balance());
    }

    function test_AFundThatLostAllTakesNewStakesOnlyOnceItIsRestored() public {
        uint256 b = _stake(bob, 1_000e6);
        _insolvent(1_000); // 6,000 and more: all that there is
        pass(20 minutes);
        bid(aliceId, bidder, MAX);
        fund.sync();
        assertLe(fund.balance(), 1);
        assertEq(fund.previewRedeem(b), 0);
        assertEq(fund.maxDeposit(carol), 0);
        assertEq(fund.convertToShares(1e6), 0);
        _ask(bob, b);
        pass(fund.COOL_DOWN());
        assertEq(fund.maxRedeem(bob), 0);
        mint(address(sys.usdc), address(this), 1e6);
        sys.usdc.approve(address(fund), 1e6);
        fund.donate(1e6);
        assertGt(fund.maxDeposit(carol), 0);
        // a millionth of the old stakes is all that they can get of it
        assertLe(fund.previewRedeem(b), 1_000);
        uint256 c = _stake(carol, 500e6);
        assertApproxEqAbs(fund.previewRedeem(c), 500e6, 1_000);
    }

    // ------------------------------------------------------------------ the own part

    function test_G1_TheGovernorTakesNoStakes() public {
        _stake(bob, 4_000e6);
        vm.expectRevert(abi.encodeWithSelector(IInsuranceFund.OwnPartTooSmall.selector, OWN + 10, OWN));
        fund.withdrawOwn(USDC, OWN + 10, address(this));
        fund.setFirstLossPart(1_000);
        vm.expectRevert(abi.encodeWithSelector(IInsuranceFund.OwnPartTooSmall.selector, OWN - 1, OWN - 400e6));
        fund.withdrawOwn(USDC, OWN - 1, address(this));
        fund.withdrawOwn(USDC, MAX, address(this));
        assertApproxEqAbs(fund.ownPart(), 400e6, 2);
        vm.expectRevert(abi.encodeWithSelector(IInsuranceFund.FirstLossTooLarge.selector, 10_001));
        fund.setFirstLossPart(10_001);
    }

    function test_TheGovernorTakesNothingThatAKnownLossNeeds() public {
        _insolvent(1_500); // 1,000 and the reward: more than there is
        vm.expectRevert(abi.encodeWithSelector(IInsuranceFund.OwnPartTooSmall.selector, 0, 0));
        fund.withdrawOwn(USDC, MAX, address(this));
    }

    // ------------------------------------------------------------------ what a stake earns, and what it does not

    function test_StakesEarnThePoolsInterest() public {
        uint256 b = _stake(bob, 4_000e6);
        openLong(aliceId);
        skip(365 days);
        safe.accrue(USDC);
        assertGt(fund.previewRedeem(b), 4_000e6);
    }

    function test_V3_GiftsAndRoundingsAreOwnPart() public {
        uint256 one = _stake(bob, 1);
        assertEq(one, 1);
        mint(address(sys.usdc), address(this), 1_000e6);
        sys.usdc.approve(address(safe), 1_000e6);
        safe.deposit(fund.account(), USDC, 1_000e6);
        assertEq(fund.previewRedeem(one), 1);
        uint256 c = _stake(carol, 999e6);
        assertEq(fund.previewRedeem(c), 999e6);
    }

    function test_MaximaAreHonestWhileTheSafeIsLocked() public {
        uint256 b = _stake(bob, 4_000e6);
        _ask(bob, b);
        skip(fund.COOL_DOWN());
        vm.mockCall(address(safe), abi.encodeCall(safe.isLocked, ()), abi.encode(true));
        assertEq(fund.maxDeposit(bob) + fund.maxMint(bob), 0);
        assertEq(fund.maxWithdraw(bob) + fund.maxRedeem(bob), 0);
    }

    function test_MaximaFollowTheOutflowLimit() public {
        uint256 b = _stake(bob, 4_000e6);
        _ask(bob, b);
        skip(fund.COOL_DOWN());
        safe.setOutflowLimit(USDC, 1_000e6, 1 days);
        assertEq(fund.maxWithdraw(bob), 1_000e6);
        assertLe(fund.previewRedeem(fund.maxRedeem(bob)), 1_000e6);
        uint256 most = fund.maxRedeem(bob);
        vm.prank(bob);
        vm.expectEmit(true, true, true, false, address(fund));
        emit IERC4626.Withdraw(bob, bob, bob, 0, 0);
        fund.redeem(most, bob, bob);
    }
}
