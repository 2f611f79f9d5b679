// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {Call} from "../interfaces/IMarginAccounts.sol";
import {IRewardsErrors, Source, Stream} from "../interfaces/IRewards.sol";
import {SafeTest} from "../test/SafeTest.sol";
import {TestToken} from "../test/TestToken.sol";
import {AccountId} from "../types/AccountId.sol";
import {AssetId} from "../types/AssetId.sol";
import {RewardsController} from "./RewardsController.sol";

/// @title Streams over stakes and over balances of the real safe
contract RewardsControllerTest is SafeTest, IRewardsErrors {
    uint256 private constant BUDGET = 100_000e18;
    uint40 private constant DAYS = 10 days;

    RewardsController private rewards;
    TestToken private token;
    /// @dev Gauges: Vault shares staked, USDC debts, WETH balances.
    uint256 private staked;
    uint256 private debts;
    uint256 private supply;

    function setUp() public override {
        super.setUp();
        rewards = new RewardsController(safe, address(authority));
        token = new TestToken("Reward", "RWD", 18);
        staked = rewards.addGauge(Source.Stake, AssetId.wrap(0), address(sys.usdcVault));
        debts = rewards.addGauge(Source.Debt, USDC, address(0));
        supply = rewards.addGauge(Source.Supply, WETH, address(0));
        for (uint256 g; g < 3; ++g) rewards.addReward(g, address(token));
        equip(alice);
        equip(bob);
        equip(carol);
    }

    function _start(uint256 gauge, uint256 amount, uint256 cap) private {
        token.mint(address(this), amount);
        token.approve(address(rewards), amount);
        rewards.payIn(gauge, address(token), amount);
        uint40 now_ = uint40(vm.getBlockTimestamp());
        rewards.schedule(gauge, address(token), now_, now_ + DAYS, cap);
    }

    function _stake(address who, uint256 amount) private {
        vm.prank(who);
        sys.usdcVault.mint(amount, who);
        vm.prank(who);
        sys.usdcVault.approve(address(rewards), amount);
        vm.prank(who);
        rewards.stake(staked, amount);
    }

    function _unstake(address who, uint256 amount) private {
        vm.prank(who);
        rewards.unstake(staked, amount, who);
    }

    function _claim(uint256 gauge, address who) private returns (uint256) {
        vm.prank(who);
        return rewards.claim(gauge, accountOf(who, 0), address(token), who);
    }

    function _left(uint256 gauge) private view returns (uint256) {
        return rewards.streamOf(gauge, address(token)).left;
    }

    // ------------------------------------------------------------------ stakes

    function test_SharesAStreamByTimeAndStake() public {
        _start(staked, BUDGET, 0);
        _stake(alice, 1_000e6);
        skip(2 days);
        _stake(bob, 3_000e6);
        skip(4 days);
        _unstake(alice, 1_000e6);
        skip(40 days);
        assertApproxEqAbs(rewards.claimable(staked, aliceId, address(token)), 30_000e18, 10);
        assertApproxEqAbs(_claim(staked, alice), 30_000e18, 10);
        assertApproxEqAbs(_claim(staked, bob), 70_000e18, 10);
        assertEq(_claim(staked, bob), 0);
        // to the wei: what was not paid out is still here
        assertEq(token.balanceOf(alice) + token.balanceOf(bob) + token.balanceOf(address(rewards)), BUDGET);
    }

    function test_PaysToAnyAddressButOnlyForTheHolder() public {
        _start(staked, BUDGET, 0);
        _stake(alice, 1e6);
        skip(1 days);
        vm.prank(bob);
        vm.expectRevert(abi.encodeWithSelector(NotHolder.selector, aliceId, bob));
        rewards.claim(staked, aliceId, address(token), bob);
        vm.prank(alice);
        uint256 paid = rewards.claim(staked, aliceId, address(token), carol);
        assertEq(token.balanceOf(carol), paid);
        assertApproxEqAbs(paid, 10_000e18, 10);
    }

    function test_AFlashStakeEarnsNothing() public {
        _start(staked, BUDGET, 0);
        _stake(alice, 1e6);
        skip(1 days);
        _stake(bob, 900_000e6);
        _unstake(bob, 900_000e6);
        assertEq(_claim(staked, bob), 0);
        assertApproxEqAbs(_claim(staked, alice), 10_000e18, 10);
    }

    function test_ABudgetPaidInGivesNobodyAnythingAtOnce() public {
        _stake(alice, 1e6);
        skip(1 days);
        _stake(bob, 900_000e6);
        _start(staked, BUDGET, 0);
        _unstake(bob, 900_000e6);
        assertEq(_claim(staked, bob), 0);
        assertEq(_claim(staked, alice), 0);
    }

    function test_KeepsWhatNobodyEarned() public {
        _start(staked, BUDGET, 0);
        skip(5 days);
        _stake(alice, 1e6);
        skip(20 days);
        assertApproxEqAbs(_claim(staked, alice), BUDGET / 2, 10);
        uint256 sent = rewards.stop(staked, address(token), carol);
        assertApproxEqAbs(sent, BUDGET / 2, 10);
        assertEq(token.balanceOf(carol), sent);
    }

    function test_ACapBoundsWhatAShareEarns() public {
        // at most 1 token for 1,000 USDC of shares and day: 1e18 · 1e36 / (1,000e6 shares · 86,400)
        uint256 cap = (1e18 * 1e36) / (uint256(1_000e6) * 1 days);
        _start(staked, BUDGET, cap);
        _stake(alice, 1_000e6);
        skip(10 days);
        assertApproxEqAbs(_claim(staked, alice), 10e18, 10);
        assertApproxEqAbs(_left(staked) / 1e18, BUDGET - 10e18, 10);
    }

    function test_UnstakesWithoutAskingAnyRewardToken() public {
        _start(staked, BUDGET, 0);
        _stake(alice, 1e6);
        skip(1 days);
        vm.etch(address(token), hex"fe");
        _unstake(alice, 1e6);
        assertEq(sys.usdcVault.balanceOf(alice), 1e6);
    }

    function test_SchedulesAnewWhatIsLeft() public {
        _start(staked, BUDGET, 0);
        _stake(alice, 1e6);
        skip(5 days);
        _start(staked, BUDGET, 0);
        Stream memory s = rewards.streamOf(staked, address(token));
        assertApproxEqAbs(s.rate, ((BUDGET + BUDGET / 2) * 1e18) / DAYS, 1e18);
        skip(30 days);
        assertApproxEqAbs(_claim(staked, alice), 2 * BUDGET, 10);
    }

    // ------------------------------------------------------------------ balances and debts

    function test_PaysBorrowersByTheirDebt() public {
        _start(debts, BUDGET, 0);
        openLong(aliceId);
        openLong(bobId);
        rewards.sync(debts, aliceId);
        rewards.sync(debts, bobId);
        pass(4 days);
        repay(aliceId, USDC, 8_000e6);
        rewards.sync(debts, aliceId);
        pass(1 days);
        // four days: alice kept half of what was counted, whose part went back to the budget
        assertApproxEqRel(_claim(debts, alice), 10_000e18 + uint256(10_000e18) / 3, 0.001e18);
        assertApproxEqRel(_claim(debts, bob), 20_000e18 + uint256(20_000e18) / 3, 0.001e18);
    }

    function test_PaysLendersInAccounts() public {
        _start(supply, BUDGET, 0);
        deposit(aliceId, WETH, 30e18);
        rewards.sync(supply, aliceId);
        skip(1 days);
        assertApproxEqAbs(rewards.claimable(supply, aliceId, address(token)), 10_000e18, 10);
        assertApproxEqAbs(_claim(supply, alice), 10_000e18, 10);
    }

    function test_CountsNoOtherAssetAndNoOtherSign() public {
        openLong(aliceId);
        assertEq(rewards.sync(supply, aliceId), 10e18);
        assertGt(rewards.sync(debts, aliceId), 0);
        deposit(bobId, USDC, 1_000e6);
        assertEq(rewards.sync(debts, bobId), 0);
        assertEq(rewards.sync(supply, bobId), 0);
    }

    function test_WhoLeavesEarnsNothingSinceTheLastSync() public {
        _start(supply, BUDGET, 0);
        deposit(aliceId, WETH, 100e18);
        deposit(bobId, WETH, 100e18);
        rewards.sync(supply, aliceId);
        rewards.sync(supply, bobId);
        withdraw(aliceId, WETH, 100e18);
        skip(2 days);
        vm.prank(stranger);
        rewards.sync(supply, aliceId);
        // 20,000 have flowed, her half of them went back, and bob is alone from now on
        assertApproxEqAbs(_left(supply) / 1e18, BUDGET - 10_000e18, 10);
        skip(1 days);
        assertEq(_claim(supply, alice), 0);
        assertApproxEqAbs(_claim(supply, bob), 20_000e18, 10);
    }

    function test_ADepositAfterwardsBringsNothingBackOnceSomebodyLooked() public {
        _start(supply, BUDGET, 0);
        deposit(aliceId, WETH, 100e18);
        rewards.sync(supply, aliceId);
        withdraw(aliceId, WETH, 100e18);
        skip(1 days);
        rewards.sync(supply, aliceId);
        deposit(aliceId, WETH, 100e18);
        assertEq(_claim(supply, alice), 0);
    }

    function test_MoneyOfTheSameTransactionIsNotCounted() public {
        _start(supply, BUDGET, 0);
        Call[] memory list = new Call[](2);
        list[0] = call(abi.encodeCall(safe.deposit, (aliceId, WETH, 100e18)));
        list[1] = Call(address(rewards), abi.encodeCall(rewards.sync, (supply, aliceId)));
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(CallFailed.selector, 1, abi.encodeWithSelector(SafeInUse.selector)));
        safe.batch(list);
        // a flash loan around the session is in the same transaction too
        FlashCaller flash = new FlashCaller();
        mint(address(sys.weth), address(flash), 100e18);
        vm.expectRevert(SafeInUse.selector);
        flash.run(rewards, supply, address(sys.weth), 100e18);
    }

    function test_ASyncNeverLowersWhatWasEarnedBefore() public {
        _start(supply, BUDGET, 0);
        deposit(aliceId, WETH, 100e18);
        rewards.sync(supply, aliceId);
        skip(1 days);
        rewards.sync(supply, aliceId);
        withdraw(aliceId, WETH, 100e18);
        rewards.sync(supply, aliceId);
        assertApproxEqAbs(_claim(supply, alice), 10_000e18, 10);
    }

    function test_ALoopWithOneselfEarnsNoMoreThanTheCap() public {
        // 1 % a year of the debt in a token worth 1 USDC: less than the interest that stays with the protocol
        uint256 cap = (0.01e18 * 1e36) / (uint256(1e6) * 365 days);
        _start(debts, BUDGET, cap);
        openLong(aliceId);
        uint256 shares = rewards.sync(debts, aliceId);
        pass(1 days);
        uint256 most = (shares * 1e12 * 0.01e18) / 1e18 / 365;
        assertApproxEqRel(_claim(debts, alice), most, 1e15);
    }

    // ------------------------------------------------------------------ refusals

    function test_RefusesWhatIsNotSo() public {
        vm.expectRevert(abi.encodeWithSelector(WrongSource.selector, debts));
        rewards.stake(debts, 1);
        vm.expectRevert(abi.encodeWithSelector(WrongSource.selector, staked));
        rewards.sync(staked, aliceId);
        vm.expectRevert(abi.encodeWithSelector(UnknownGauge.selector, 9));
        rewards.sync(9, aliceId);
        _stake(alice, 5);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(StakeTooSmall.selector, 5, 6));
        rewards.unstake(staked, 6, alice);
        vm.expectRevert(abi.encodeWithSelector(InvalidStream.selector, bytes32("token")));
        rewards.payIn(staked, address(sys.usdc), 1);
        vm.expectRevert(abi.encodeWithSelector(InvalidStream.selector, bytes32("token")));
        rewards.addReward(staked, address(token));
        for (uint256 i; i < 3; ++i) rewards.addReward(staked, address(new TestToken("x", "x", 18)));
        vm.expectRevert(abi.encodeWithSelector(TooManyTokens.selector, staked));
        rewards.addReward(staked, address(sys.usdc));
    }

    function test_RefusesToPromiseWhatIsNotThere() public {
        uint40 now_ = uint40(vm.getBlockTimestamp());
        vm.expectRevert(abi.encodeWithSelector(InvalidStream.selector, bytes32("budget")));
        rewards.schedule(staked, address(token), now_, now_ + 1 days, 0);
        vm.expectRevert(abi.encodeWithSelector(InvalidStream.selector, bytes32("start")));
        rewards.schedule(staked, address(token), now_ - 1, now_ + 1 days, 0);
        vm.expectRevert(abi.encodeWithSelector(InvalidStream.selector, bytes32("end")));
        rewards.schedule(staked, address(token), now_, now_ + 59 minutes, 0);
        vm.expectRevert(abi.encodeWithSelector(InvalidStream.selector, bytes32("cap")));
        rewards.schedule(staked, address(token), now_, now_ + 1 days, 1 << 192);
    }

    function test_OnlyTheGovernorSchedules() public {
        bytes memory reason = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, alice);
        vm.startPrank(alice);
        vm.expectRevert(reason);
        rewards.addGauge(Source.Debt, USDC, address(0));
        vm.expectRevert(reason);
        rewards.addReward(staked, address(sys.usdc));
        vm.expectRevert(reason);
        rewards.schedule(staked, address(token), 0, 0, 0);
        vm.expectRevert(reason);
        rewards.stop(staked, address(token), alice);
        vm.stopPrank();
    }

    // ------------------------------------------------------------------ against a plain reckoning

    /// @dev Two stakers in any proportion, over any time: together never more than flowed, each his part to a few units.
    function testFuzz_PartsAreProportional(uint256 a, uint256 b, uint256 budget, uint256 time) public {
        a = bound(a, 1, 900_000e6);
        b = bound(b, 1, 900_000e6);
        budget = bound(budget, 1e6, type(uint112).max);
        time = bound(time, 0, 20 days);
        _start(staked, budget, 0);
        _stake(alice, a);
        _stake(bob, b);
        skip(time);
        uint256 flowed = time >= DAYS ? budget : (budget * time) / DAYS;
        uint256 own = _claim(staked, alice);
        uint256 others = _claim(staked, bob);
        assertLe(own + others, flowed);
        assertGe(own + others + 3 + flowed / 1e18, flowed);
        assertApproxEqAbs(own, (flowed * a) / (a + b), flowed / 1e18 + 2);
    }
}

/// @dev Borrows from nobody, but does in one transaction what a flash loan would pay for.
contract FlashCaller {
    function run(RewardsController rewards, uint256 gauge, address weth, uint256 amount) external {
        AccountId account = AccountId.wrap(bytes32(uint256(uint160(address(this))) << 96));
        IERC20(weth).approve(address(rewards.safe()), amount);
        rewards.safe().deposit(account, AssetId.wrap(2), amount);
        rewards.sync(gauge, account);
        rewards.safe().withdraw(account, AssetId.wrap(2), amount, address(this));
    }
}
