// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

import {ICircuitBreaker} from "../interfaces/IGovernance.sol";
import {SafeTest} from "../test/SafeTest.sol";
import {CircuitBreaker} from "./CircuitBreaker.sol";

/// @title Stops expire, rest as long as they lasted, and move nothing
contract CircuitBreakerTest is SafeTest {
    uint64 private constant BREAKER = 5;
    uint64 private constant GUARDIAN = 2;
    uint64 private constant LIFTER = 6;

    CircuitBreaker private breaker;
    address private guardian;
    address private governor;

    function setUp() public override {
        super.setUp();
        breaker = new CircuitBreaker(address(safe), address(authority));
        (guardian, governor) = (makeAddr("guardian"), makeAddr("governor"));
        _assign(address(safe), safe.pause.selector, BREAKER);
        _assign(address(breaker), breaker.stop.selector, GUARDIAN);
        _assign(address(breaker), breaker.lift.selector, LIFTER);
        authority.grantRole(BREAKER, address(breaker), 0);
        authority.grantRole(BREAKER, address(this), 0);
        authority.grantRole(GUARDIAN, guardian, 0);
        authority.grantRole(LIFTER, guardian, 0);
        authority.grantRole(LIFTER, governor, 0);
    }

    function _assign(address target, bytes4 selector, uint64 role) private {
        bytes4[] memory selectors = new bytes4[](1);
        selectors[0] = selector;
        authority.setTargetFunctionRole(target, selectors, role);
    }

    function _now() private view returns (uint40) {
        return uint40(vm.getBlockTimestamp());
    }

    function _stop(uint8 actions, uint40 duration) private {
        vm.prank(guardian);
        breaker.stop(actions, _now() + duration);
    }

    function _refuseStop(uint8 actions, uint40 until, bytes memory reason) private {
        refuse(guardian, address(breaker), 0, abi.encodeCall(breaker.stop, (actions, until)), reason);
    }

    function test_StopsExactlyWhatItNamesUntilItsEnd() public {
        uint40 end = _now() + 1 hours;
        _stop(5, 1 hours);
        (uint8 actions, uint40 until) = safe.pauses();
        assertEq(actions, 5);
        assertEq(until, end);
        assertEq(breaker.restsUntil(1), end + 1 hours);
        assertEq(breaker.restsUntil(4), end + 1 hours);
        assertEq(breaker.restsUntil(2), 0);
    }

    function test_RefusesStopsThatAreNoneOrTooLong() public {
        bytes4 nothing = ICircuitBreaker.NothingToStop.selector;
        _refuseStop(0, _now() + 1, abi.encodeWithSelector(nothing, 0));
        _refuseStop(16, _now() + 1, abi.encodeWithSelector(nothing, 16));
        uint40 limit = _now() + 7 days;
        _refuseStop(1, limit + 1, abi.encodeWithSelector(ICircuitBreaker.StopTooLong.selector, limit + 1, limit));
        _refuseStop(1, _now() - 1, abi.encodeWithSelector(ICircuitBreaker.StopTooLong.selector, _now() - 1, limit));
        _stop(1, 7 days);
        _refuseStop(1, _now() + 1, abi.encodeWithSelector(nothing, 1));
    }

    /// A running stop may be widened, never lengthened.
    function test_WideningKeepsTheEnd() public {
        uint40 end = _now() + 2 days;
        _stop(1, 2 days);
        skip(1 days);
        _refuseStop(3, end + 1, abi.encodeWithSelector(ICircuitBreaker.StopTooLong.selector, end + 1, end));
        _stop(2, 1 hours);
        (uint8 actions, uint40 until) = safe.pauses();
        assertEq(actions, 3);
        assertEq(until, end);
        // each rests as long as it was stopped itself
        assertEq(breaker.restsUntil(1), end + 2 days);
        assertEq(breaker.restsUntil(2), end + 1 days);
    }

    function test_AnActionRestsAsLongAsItWasStopped() public {
        _stop(1, 3 days);
        skip(3 days + 1);
        uint40 rest = breaker.restsUntil(1);
        bytes memory resting = abi.encodeWithSelector(ICircuitBreaker.ActionResting.selector, 1, rest);
        _refuseStop(1, _now() + 1, resting);
        _refuseStop(3, _now() + 1, resting); // not in company either
        _stop(2, 1 hours); // others are their own
        vm.warp(rest);
        _refuseStop(1, _now() + 1, resting);
        vm.warp(rest + 1);
        _stop(1, 7 days);
    }

    function test_LiftingShortensTheRest() public {
        _stop(1, 7 days);
        skip(1 days);
        uint40 lifted = _now();
        vm.prank(governor);
        breaker.lift();
        (uint8 actions, ) = safe.pauses();
        assertEq(actions, 0);
        assertEq(breaker.restsUntil(1), lifted + 1 days);
        refuse(governor, address(breaker), 0, abi.encodeCall(breaker.lift, ()), _nothing());
        vm.warp(lifted + 1 days + 1);
        _stop(1, 1 days);
        vm.prank(guardian);
        breaker.lift();
    }

    function _nothing() private pure returns (bytes memory) {
        return abi.encodeWithSelector(ICircuitBreaker.NothingStopped.selector);
    }

    /// What the timelock ended or began at the safe itself is what runs, and nothing comes back by a widening.
    function test_TheTimelockMayEndOrBeginByItself() public {
        _stop(1, 7 days);
        safe.pause(0, 0);
        _stop(2, 1 days);
        (uint8 actions, ) = safe.pauses();
        assertEq(actions, 2);
        skip(1 days + 1);
        safe.pause(8, _now() + 1 days);
        vm.prank(guardian);
        breaker.lift();
        assertEq(breaker.restsUntil(8), 0);
    }

    function test_G1_NobodyElseStopsOrLifts() public {
        bytes memory reason = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, stranger);
        refuse(stranger, address(breaker), 0, abi.encodeCall(breaker.stop, (1, _now() + 1)), reason);
        refuse(stranger, address(breaker), 0, abi.encodeCall(breaker.lift, ()), reason);
        reason = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, guardian);
        refuse(guardian, abi.encodeCall(safe.pause, (1, _now() + 1)), reason);
        reason = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, governor);
        refuse(governor, address(breaker), 0, abi.encodeCall(breaker.stop, (1, _now() + 1)), reason);
    }

    /// Whatever the guardian tries in whatever order: after a stop of d seconds an action is free for more than d.
    /// hardhat-config: fuzz.runs = 48
    function testFuzz_NoOrderOfCallsStopsAnActionWithoutAGap(uint256 seed) public {
        uint40[4] memory start;
        uint40[4] memory end; // 0: never stopped
        for (uint256 i; i < 24; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            skip((seed >> 8) % (seed & 1 == 0 ? 3 days : 10 days));
            (uint8 before, uint40 until) = safe.pauses();
            if (until < _now()) before = 0;
            bool lifting = seed & 14 == 0;
            (bool ok, ) = attempt(
                guardian,
                address(breaker),
                lifting
                    ? abi.encodeCall(breaker.lift, ())
                    : abi.encodeCall(breaker.stop, (uint8(seed >> 64) & 15, _now() + uint40((seed >> 80) % 8 days)))
            );
            if (!ok) continue;
            (uint8 actions, uint40 last) = safe.pauses();
            for (uint256 bit; bit < 4; ++bit) {
                bool was = before & (1 << bit) != 0;
                bool is_ = actions & (1 << bit) != 0;
                if (is_ && !was) {
                    assertTrue(end[bit] == 0 || _now() - end[bit] > end[bit] - start[bit], "no gap");
                    (start[bit], end[bit]) = (_now(), last);
                    assertLe(last, _now() + 7 days, "too long");
                } else if (is_) {
                    assertEq(last, end[bit], "lengthened");
                } else if (was) {
                    end[bit] = _now();
                }
            }
        }
    }
}
