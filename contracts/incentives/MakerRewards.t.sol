// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {IExchange} from "../interfaces/IExchange.sol";
import {IMakerRewardsErrors, Rebate} from "../interfaces/IMakerRewards.sol";
import {SafeTest} from "../test/SafeTest.sol";
import {MakerRewards} from "./MakerRewards.sol";

/// @dev What the exchange says of makers' fees: hundredths of a settlement unit, modulo 2^32.
contract MakerFeesStub {
    mapping(address owner => uint32) public makerFeesOf;

    function pay(address owner, uint256 hundredths) external {
        unchecked {
            makerFeesOf[owner] += uint32(hundredths);
        }
    }
}

/// @title Rebates of fees, in the settlement asset and in another
contract MakerRewardsTest is SafeTest, IMakerRewardsErrors {
    uint40 private constant DAYS = 10 days;
    uint256 private constant BUDGET = 10_000e6;

    MakerFeesStub private exchange;
    MakerRewards private rewards;
    address private usdc;

    function setUp() public override {
        super.setUp();
        exchange = new MakerFeesStub();
        rewards = new MakerRewards(safe, IExchange(address(exchange)), address(authority));
        usdc = address(sys.usdc);
        _fund(usdc, BUDGET, 4_000);
    }

    function _schedule(address token, uint16 part) private {
        uint40 now_ = uint40(vm.getBlockTimestamp());
        rewards.schedule(token, part, now_, now_ + DAYS);
    }

    function _fund(address token, uint256 amount, uint16 part) private {
        _schedule(token, part);
        mint(token, address(this), amount);
        IERC20(token).approve(address(rewards), amount);
        rewards.payIn(token, amount);
        _schedule(token, part);
    }

    function _claim(address token, address who) private returns (uint256) {
        vm.prank(who);
        return rewards.claim(token, who);
    }

    function test_PaysThePartOfFeesThatWerePaidAfterRegistering() public {
        exchange.pay(alice, 1_000_00);
        rewards.sync(usdc, alice);
        skip(DAYS);
        exchange.pay(alice, 500_00);
        assertEq(rewards.sync(usdc, alice), 200e6);
        assertEq(rewards.sync(usdc, alice), 0);
        assertEq(_claim(usdc, alice), 200e6);
        assertEq(sys.usdc.balanceOf(alice), 200e6);
        assertEq(_claim(usdc, alice), 0);
    }

    function test_PaysAtTheTokensPrice() public {
        _fund(address(sys.weth), 100e18, 5_000);
        rewards.sync(address(sys.weth), alice);
        skip(DAYS);
        refreshFeeds();
        exchange.pay(alice, 400_00);
        // 200 of 400, at 2,000
        assertEq(rewards.sync(address(sys.weth), alice), 0.1e18);
    }

    function test_WhatTheFlowDoesNotCoverWaits() public {
        rewards.sync(usdc, alice);
        rewards.sync(usdc, bob);
        exchange.pay(alice, 10_000_00); // worth 4,000 at once, and 1,000 flow in a day
        skip(1 days);
        assertApproxEqAbs(rewards.sync(usdc, alice), 1_000e6, 1e4);
        assertEq(rewards.sync(usdc, bob), 0);
        skip(2 days);
        assertApproxEqAbs(rewards.sync(usdc, alice), 2_000e6, 1e4);
        skip(5 days);
        assertApproxEqAbs(rewards.sync(usdc, alice), 1_000e6, 2e4);
        assertEq(rewards.creditOf(usdc, alice), 4_000e6);
    }

    function test_TheNumberOfTheExchangeMayWrapAround() public {
        exchange.pay(alice, type(uint32).max - 5);
        rewards.sync(usdc, alice);
        skip(DAYS);
        exchange.pay(alice, 100_00);
        assertEq(rewards.sync(usdc, alice), 40e6);
    }

    function test_StopSendsWhatNobodyHas() public {
        rewards.sync(usdc, alice);
        skip(1 days);
        exchange.pay(alice, 100_00);
        rewards.sync(usdc, alice);
        uint256 sent = rewards.stop(usdc, carol);
        assertEq(sent, BUDGET - 40e6);
        assertEq(_claim(usdc, alice), 40e6);
        assertEq(sys.usdc.balanceOf(address(rewards)), 0);
        assertEq(rewards.rebateOf(usdc).rate, 0);
    }

    function test_ClaimsWithoutAPrice() public {
        rewards.sync(usdc, alice);
        skip(1 days);
        exchange.pay(alice, 100_00);
        rewards.sync(usdc, alice);
        killFeeds();
        assertEq(_claim(usdc, alice), 40e6);
    }

    function test_RefusesWhatIsNotSo() public {
        uint40 now_ = uint40(vm.getBlockTimestamp());
        vm.expectRevert(abi.encodeWithSelector(InvalidRebate.selector, bytes32("part")));
        rewards.schedule(usdc, 5_001, now_, now_ + DAYS);
        vm.expectRevert(abi.encodeWithSelector(InvalidRebate.selector, bytes32("start")));
        rewards.schedule(usdc, 1, now_ - 1, now_ + DAYS);
        vm.expectRevert(abi.encodeWithSelector(InvalidRebate.selector, bytes32("end")));
        rewards.schedule(usdc, 1, now_, now_ + 1);
        vm.expectRevert(abi.encodeWithSelector(InvalidRebate.selector, bytes32("token")));
        rewards.schedule(address(sys.steth), 1, now_, now_ + DAYS);
        vm.expectRevert(abi.encodeWithSelector(InvalidRebate.selector, bytes32("token")));
        rewards.payIn(address(sys.wbtc), 1);
        bytes memory reason = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, alice);
        vm.startPrank(alice);
        vm.expectRevert(reason);
        rewards.schedule(usdc, 1, now_, now_ + DAYS);
        vm.expectRevert(reason);
        rewards.stop(usdc, alice);
        vm.stopPrank();
    }

    /// @dev Wash trading: whatever is paid in fees, in however many parts, at most half of the makers' part comes back, and never more
    /// than has flowed.
    function testFuzz_NobodyGetsMoreThanHalfOfHisFees(
        uint32[8] memory fees,
        uint16 part,
        uint32[8] memory waits
    ) public {
        part = uint16(bound(part, 1, 5_000));
        _schedule(usdc, part);
        rewards.sync(usdc, alice);
        rewards.sync(usdc, bob);
        uint256 paid;
        uint256 begun = vm.getBlockTimestamp();
        for (uint256 i; i < 8; ++i) {
            uint256 fee = bound(fees[i], 0, 1e6);
            exchange.pay(i % 2 == 0 ? alice : bob, fee);
            paid += fee;
            skip(bound(waits[i], 0, 3 days));
            rewards.sync(usdc, i % 3 == 0 ? bob : alice);
            uint256 credit = rewards.creditOf(usdc, alice) + rewards.creditOf(usdc, bob);
            assertLe(credit * 2, paid * 1e4);
            uint256 time = vm.getBlockTimestamp() - begun;
            assertLe(credit, time >= DAYS ? BUDGET : (BUDGET * time) / DAYS);
            Rebate memory r = rewards.rebateOf(usdc);
            assertGe(sys.usdc.balanceOf(address(rewards)), credit + (r.left + r.flowed) / 1e18);
        }
    }
}
