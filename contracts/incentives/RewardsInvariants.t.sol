// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {Source, Stream} from "../interfaces/IRewards.sol";
import {BaseTest} from "../test/BaseTest.sol";
import {SafeFixture, System} from "../test/SafeFixture.sol";
import {TestToken} from "../test/TestToken.sol";
import {AccountId, AccountIdLib} from "../types/AccountId.sol";
import {AssetId} from "../types/AssetId.sol";
import {RewardsController} from "./RewardsController.sol";

/// @title All that holders, strangers and the governor do with a controller
/// @dev Gauge 0 counts stakes of the very token that it pays; gauge 1 counts WETH balances, gauge 2 WETH debts.
contract RewardsHandler is BaseTest {
    RewardsController public immutable rewards;
    System private sys;
    TestToken public immutable token;
    address private immutable _governor;
    address[4] public users;
    uint256 public paidIn;
    uint256 public paidOut;
    uint256 public calls;

    AssetId private constant USDC = AssetId.wrap(1);
    AssetId private constant WETH = AssetId.wrap(2);

    constructor(RewardsController rewards_, System memory s, TestToken token_) {
        (rewards, sys, token, _governor) = (rewards_, s, token_, msg.sender);
        for (uint256 i; i < users.length; ++i) {
            users[i] = makeAddr(string.concat("user", vm.toString(i)));
            address user = users[i];
            token.mint(user, 1e30);
            s.usdc.mint(user, 1e12);
            vm.deal(user, 2_000e18);
            vm.startPrank(user);
            token.approve(address(rewards), type(uint256).max);
            s.weth.deposit{value: 1_000e18}();
            s.weth.approve(address(s.safe), type(uint256).max);
            s.usdc.approve(address(s.safe), type(uint256).max);
            // so that they may owe WETH
            if (i > 1) s.safe.deposit(_id(user), USDC, 1e11);
            vm.stopPrank();
        }
    }

    function _id(address user) private pure returns (AccountId) {
        return AccountIdLib.make(user, 0);
    }

    function _user(uint256 seed) private view returns (address) {
        return users[seed % users.length];
    }

    function stake(uint256 who, uint256 amount) external {
        ++calls;
        vm.prank(_user(who));
        rewards.stake(0, bound(amount, 1, 1e24));
    }

    function unstake(uint256 who, uint256 amount) external {
        ++calls;
        address user = _user(who);
        uint256 held = rewards.sharesOf(0, _id(user));
        if (held == 0) return;
        vm.prank(user);
        rewards.unstake(0, bound(amount, 1, held), user);
    }

    function moveBalance(uint256 who, uint256 amount, bool inward) external {
        ++calls;
        address user = _user(who);
        if (inward) {
            vm.prank(user);
            sys.safe.deposit(_id(user), WETH, bound(amount, 1, 20e18));
        } else if (user == users[2] || user == users[3]) {
            vm.prank(user);
            sys.safe.borrow(_id(user), WETH, bound(amount, 1, 1e18), user);
        } else {
            int256 held = sys.safe.balanceOf(_id(user), WETH);
            if (held <= 0) return;
            vm.prank(user);
            sys.safe.withdraw(_id(user), WETH, bound(amount, 1, uint256(held)), user);
        }
    }

    function sync(uint256 who, bool debt) external {
        ++calls;
        rewards.sync(debt ? 2 : 1, _id(_user(who)));
    }

    function claim(uint256 who, uint256 gauge) external {
        ++calls;
        address user = _user(who);
        gauge = gauge % 3;
        vm.prank(user);
        uint256 promised = rewards.claimable(gauge, _id(user), address(token));
        vm.prank(user);
        uint256 amount = rewards.claim(gauge, _id(user), address(token), user);
        assertEq(amount, promised, "claimable");
        paidOut += amount;
    }

    function payIn(uint256 who, uint256 gauge, uint256 amount) external {
        ++calls;
        amount = bound(amount, 1, 1e24);
        vm.prank(_user(who));
        rewards.payIn(gauge % 3, address(token), amount);
        paidIn += amount;
    }

    function schedule(uint256 gauge, uint256 delay, uint256 duration, uint256 cap) external {
        ++calls;
        gauge = gauge % 3;
        uint40 start = uint40(vm.getBlockTimestamp() + bound(delay, 0, 1 hours));
        uint40 end = start + uint40(bound(duration, 1 hours, 30 days));
        if (rewards.streamOf(gauge, address(token)).left < 1e27) return;
        vm.prank(_governor);
        rewards.schedule(gauge, address(token), start, end, cap % 3 == 0 ? bound(cap, 1, 1e36) : 0);
    }

    function stop(uint256 gauge) external {
        ++calls;
        vm.prank(_governor);
        paidOut += rewards.stop(gauge % 3, address(token), _governor);
    }

    function wait(uint256 time) external {
        ++calls;
        skip(bound(time, 1, 6 hours));
        sys.wethFeed.setAnswer(2_000e8);
        sys.usdcFeed.setAnswer(1e8);
    }
}

/// @title A controller never owes more than it holds
contract RewardsInvariantsTest is SafeFixture {
    RewardsController private rewards;
    TestToken private token;
    RewardsHandler private handler;

    function setUp() public override {
        super.setUp();
        token = new TestToken("Reward", "RWD", 18);
        rewards = new RewardsController(safe, address(authority));
        rewards.addGauge(Source.Stake, AssetId.wrap(0), address(token));
        rewards.addGauge(Source.Supply, WETH, address(0));
        rewards.addGauge(Source.Debt, WETH, address(0));
        for (uint256 g; g < 3; ++g) rewards.addReward(g, address(token));
        handler = new RewardsHandler(rewards, sys, token);
        targetContract(address(handler));
    }

    /// @dev V1's like for rewards: stakes, budgets and what is owed are all there, to the wei.
    /// hardhat-config: invariant.runs = 24
    function invariant_HoldsWhatItOwes() public view {
        uint256 owed;
        uint256 counted;
        for (uint256 g; g < 3; ++g) {
            Stream memory s = rewards.streamOf(g, address(token));
            owed += s.left / 1e18;
            uint256 shares;
            for (uint256 i; i < 4; ++i) {
                AccountId holder = accountOf(handler.users(i), 0);
                owed += rewards.claimable(g, holder, address(token));
                shares += rewards.sharesOf(g, holder);
            }
            assertEq(rewards.gaugeOf(g).total, shares, "shares");
            if (g == 0) counted = shares;
        }
        uint256 held = token.balanceOf(address(rewards));
        assertEq(held, counted + handler.paidIn() - handler.paidOut(), "to the wei");
        // `left` as stored is at least what the budget will be once accrued
        assertGe(held + _flowing(), counted + owed, "solvent");
    }

    /// @dev What has flowed since the last accrual stands both in `left` and in what holders may claim.
    function _flowing() private view returns (uint256 flowing) {
        for (uint256 g; g < 3; ++g) {
            Stream memory s = rewards.streamOf(g, address(token));
            uint256 from = s.time > s.start ? s.time : s.start;
            uint256 to = vm.getBlockTimestamp() < s.end ? vm.getBlockTimestamp() : s.end;
            if (to > from) flowing += (s.rate * (to - from)) / 1e18 + 1;
        }
    }
}
