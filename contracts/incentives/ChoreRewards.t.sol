// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

import {ChoreTerms, IChoreRewardsErrors} from "../interfaces/IChoreRewards.sol";
import {IPositionsErrors} from "../interfaces/IPositions.sol";
import {Source} from "../interfaces/IRewards.sol";
import {IVolatilityObserver} from "../interfaces/IVolatilityObserver.sol";
import {DerivativesTest} from "../test/DerivativesTest.sol";
import {ChoreRewards} from "./ChoreRewards.sol";
import {RewardsController} from "./RewardsController.sol";

/// @title Chores on the whole system, paid by gas
contract ChoreRewardsTest is DerivativesTest, IChoreRewardsErrors {
    uint256 private constant BUDGET = 1_000e6;

    ChoreRewards private chores;
    RewardsController private rewards;

    function setUp() public override {
        super.setUp();
        rewards = new RewardsController(safe, address(authority));
        chores = new ChoreRewards(safe, ledger, volatility, prices, rewards, WETH, address(authority));
        chores.setTerms(_terms(), (1 << ETH) | (1 << BTC));
        sys.usdc.mint(address(chores), BUDGET);
    }

    function _terms() private pure returns (ChoreTerms memory t) {
        // an isolated call has no base fee: the tip stands for both
        (t.tip, t.maxGasPrice, t.overhead, t.maxGas) = (21 gwei, 50 gwei, 60_000, 1_000_000);
        (t.margin, t.pokeInterval, t.dailyLimit) = (1_000, 1 hours, 100e6);
    }

    /// @dev `gas` at `price` wei, plus 10 %, at 2,000 USDC per ETH: token units.
    function _worth(uint256 gas, uint256 price) private pure returns (uint256) {
        return (gas * price * 11 * 2_000) / (10 * 1e12);
    }

    // ------------------------------------------------------------------ each chore

    function test_ObservingIsPaidOncePerInterval() public {
        vm.prank(stranger);
        uint256 paid = chores.observe(ETH, carol);
        assertEq(sys.usdc.balanceOf(carol), paid);
        // measured gas lies between nothing and what the call can cost
        assertTrue(paid > _worth(60_000 + 20_000, 21 gwei) && paid < _worth(60_000 + 400_000, 21 gwei));
        (, , , , uint256 time) = volatility.stateOf(ETH);
        assertEq(time, vm.getBlockTimestamp());
        uint256 until = (vm.getBlockTimestamp() / 1 hours + 1) * 1 hours;
        vm.expectRevert(abi.encodeWithSelector(IVolatilityObserver.TooSoon.selector, ETH, until));
        chores.observe(ETH, carol);
        pass(1 hours);
        assertGt(chores.observe(ETH, carol), 0);
    }

    function test_APokeIsPaidWhenTheLastIsOldEnough() public {
        pass(1 hours);
        assertGt(chores.pokeFunding(ETH, carol), 0);
        vm.expectRevert(abi.encodeWithSelector(NothingDone.selector, bytes32("pokeFunding")));
        chores.pokeFunding(ETH, carol);
        // a poke through the public door counts as well
        pass(50 minutes);
        ledger.pokeFunding(ETH);
        pass(50 minutes);
        vm.expectRevert(abi.encodeWithSelector(NothingDone.selector, bytes32("pokeFunding")));
        chores.pokeFunding(ETH, carol);
        pass(10 minutes);
        assertGt(chores.pokeFunding(ETH, carol), 0);
    }

    function test_SettlingAnExpiryFromTheFirstRoundToTheLastTouch() public {
        trade(aliceId, bobId, call2000, 1e18, 40e18);
        pass(3 days - 10 minutes);
        uint80 first = sys.wethFeed.latestRound() - 1;
        // a round from before the window leads nowhere by itself
        vm.expectRevert(abi.encodeWithSelector(NothingDone.selector, bytes32("submit")));
        chores.submit(ETH, EXPIRY, false, _rounds(first, 1), carol);
        assertGt(chores.submit(ETH, EXPIRY, false, _rounds(first, 2), carol), 0);
        vm.expectRevert(abi.encodeWithSelector(NothingDone.selector, bytes32("submit")));
        chores.submit(ETH, EXPIRY, false, _rounds(first, 2), carol);
        pass(10 minutes);
        assertGt(chores.submit(ETH, EXPIRY, false, _rounds(first + 2, 1), carol), 0);
        uint80 cash = sys.usdcFeed.latestRound() - 2;
        assertGt(chores.submit(ETH, EXPIRY, true, _rounds(cash, 3), carol), 0);
        prices.fix(ETH, EXPIRY);
        assertGt(chores.settleExpiry(ETH, EXPIRY, carol), 0);
        vm.expectRevert(abi.encodeWithSelector(IPositionsErrors.AlreadySettled.selector, ETH, EXPIRY));
        chores.settleExpiry(ETH, EXPIRY, carol);
        assertGt(chores.touch(aliceId, carol), 0);
        vm.expectRevert(abi.encodeWithSelector(NothingDone.selector, bytes32("touch")));
        chores.touch(aliceId, carol);
    }

    function _rounds(uint80 first, uint256 n) private pure returns (uint80[] memory list) {
        list = new uint80[](n);
        for (uint256 i; i < n; ++i) list[i] = first + uint80(i);
    }

    function test_TouchingALivePerpIsNotPaid() public {
        trade(aliceId, bobId, ethPerp, 1e18, 2_000e18);
        pass(1 hours);
        vm.expectRevert(abi.encodeWithSelector(NothingDone.selector, bytes32("touch")));
        chores.touch(aliceId, carol);
    }

    function test_FindingAFalseRegistrationIsPaid() public {
        uint256 gauge = rewards.addGauge(Source.Supply, USDC, address(0));
        rewards.sync(gauge, aliceId);
        vm.expectRevert(abi.encodeWithSelector(NothingDone.selector, bytes32("sync")));
        chores.sync(gauge, aliceId, carol);
        withdraw(aliceId, USDC, 50_000e6);
        assertGt(chores.sync(gauge, aliceId, carol), 0);
        deposit(aliceId, USDC, 10_000e6);
        vm.expectRevert(abi.encodeWithSelector(NothingDone.selector, bytes32("sync")));
        chores.sync(gauge, aliceId, carol);
    }

    // ------------------------------------------------------------------ bounds

    function test_PaysNoMoreThanItsCaps() public {
        pass(2 hours); // into a day that lasts to the end of the test
        ChoreTerms memory t = _terms();
        t.maxGas = 50_000;
        chores.setTerms(t, 1 << ETH);
        assertEq(chores.observe(ETH, carol), _worth(50_000, 21 gwei));
        t.tip = t.maxGasPrice;
        chores.setTerms(t, 1 << ETH);
        pass(1 hours);
        assertEq(chores.observe(ETH, carol), _worth(50_000, 50 gwei));
        (t.dailyLimit, t.maxGas) = (8e6, 1_000_000);
        chores.setTerms(t, 1 << ETH);
        uint256 left = 8e6 - _worth(50_000, 21 gwei) - _worth(50_000, 50 gwei);
        assertEq(chores.available(), left);
        pass(1 hours);
        assertEq(chores.observe(ETH, carol), left);
        // the chore is done all the same
        pass(1 hours);
        assertEq(chores.observe(ETH, carol), 0);
        pass(1 days);
        assertEq(chores.available(), 8e6);
        assertEq(chores.observe(ETH, carol), 8e6);
    }

    function test_PaysNoMoreThanIsThere() public {
        chores.withdraw(BUDGET - 5, carol);
        assertEq(chores.available(), 5);
        assertEq(chores.observe(ETH, stranger), 5);
        pass(1 hours);
        assertEq(chores.observe(ETH, stranger), 0);
    }

    /// @dev A day of everything that can be called in a loop costs at most the limit.
    /// hardhat-config: fuzz.runs = 8
    function testFuzz_ADayCostsAtMostItsLimit(uint256 seed) public {
        uint256 begun = (vm.getBlockTimestamp() / 1 days + 1) * 1 days;
        pass(begun - vm.getBlockTimestamp());
        ChoreTerms memory t = _terms();
        t.tip = uint64(bound(seed, 1 gwei, t.maxGasPrice));
        chores.setTerms(t, (1 << ETH) | (1 << BTC));
        for (uint256 i; i < 22; ++i) {
            attempt(stranger, address(chores), abi.encodeCall(chores.observe, (ETH, carol)));
            attempt(stranger, address(chores), abi.encodeCall(chores.observe, (BTC, carol)));
            attempt(stranger, address(chores), abi.encodeCall(chores.pokeFunding, (ETH, carol)));
            attempt(stranger, address(chores), abi.encodeCall(chores.pokeFunding, (ETH, carol)));
            pass(1 hours);
        }
        assertLe(sys.usdc.balanceOf(carol), 100e6);
        assertGt(sys.usdc.balanceOf(carol), 0);
    }

    function test_RefusesWhatTheGovernorDoesNotPayFor() public {
        chores.setTerms(_terms(), 1 << BTC);
        vm.expectRevert(abi.encodeWithSelector(ChoreNotPaid.selector, ETH));
        chores.observe(ETH, carol);
        vm.expectRevert(abi.encodeWithSelector(NothingDone.selector, bytes32("submit")));
        chores.submit(BTC, EXPIRY + 1, true, _rounds(1, 1), carol);
    }

    function test_RefusesTermsOutOfBounds() public {
        ChoreTerms memory t = _terms();
        t.margin = 2_501;
        _refuseTerms(t, "margin");
        t = _terms();
        t.overhead = 150_001;
        _refuseTerms(t, "overhead");
        t = _terms();
        t.maxGas = 5_000_001;
        _refuseTerms(t, "maxGas");
        t = _terms();
        t.tip = t.maxGasPrice + 1;
        _refuseTerms(t, "tip");
        t = _terms();
        t.pokeInterval = 299;
        _refuseTerms(t, "pokeInterval");
        vm.expectRevert(abi.encodeWithSelector(InvalidTerms.selector, bytes32("underlyings")));
        chores.setTerms(_terms(), 2);
        vm.expectRevert(abi.encodeWithSelector(InvalidTerms.selector, bytes32("native")));
        new ChoreRewards(safe, ledger, volatility, prices, rewards, USDC, address(authority));
    }

    function _refuseTerms(ChoreTerms memory t, bytes32 field) private {
        vm.expectRevert(abi.encodeWithSelector(InvalidTerms.selector, field));
        chores.setTerms(t, 0);
    }

    function test_OnlyTheGovernorSetsTermsAndTakesTheBudget() public {
        bytes memory reason = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, alice);
        vm.startPrank(alice);
        vm.expectRevert(reason);
        chores.setTerms(_terms(), 0);
        vm.expectRevert(reason);
        chores.withdraw(1, alice);
        vm.stopPrank();
    }
}
