// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

// whether a call is refused is what is tested
// solhint-disable avoid-low-level-calls

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";

import {GovernorTimelock} from "../../contracts/governance/GovernorTimelock.sol";
import {LenientEngine} from "../../contracts/test/LenientEngine.sol";
import {AttackTest, Victims} from "../../contracts/test/attacks/AttackTest.sol";

/// @title Attack: around the timelock
/// @notice The proposer's key is stolen. Mallory proposes an engine that lets everybody borrow everything, and wants it sooner than the
/// delay: at once, by the manager, by her own role, by the timelock calling itself, by a first proposal that brings the delay to
/// nothing and looks harmless.
/// Defence: only the timelock is admin and governor (AccessManager); its delay has a floor (GovernorTimelock:updateDelay).
/// Without the floor: one proposal that few would fight, and from then on everything at once.
contract TimelockBypassTest is AttackTest {
    uint256 private constant DELAY = 7 days;
    uint64 private constant GOVERNOR = 1;

    GovernorTimelock private timelock;
    address private engineOfHers;

    function setUp() public override {
        super.setUp();
        address[] memory proposers = new address[](1);
        address[] memory anyone = new address[](1);
        proposers[0] = mallory; // the key that she stole
        timelock = new GovernorTimelock(DELAY, proposers, anyone);
        bytes4[] memory selectors = new bytes4[](1);
        selectors[0] = safe.setEngine.selector;
        authority.setTargetFunctionRole(address(safe), selectors, GOVERNOR);
        authority.grantRole(GOVERNOR, address(timelock), 0);
        authority.grantRole(0, address(timelock), 0);
        authority.renounceRole(0, address(this));
        engineOfHers = address(new LenientEngine());
    }

    function _swap() private view returns (bytes memory) {
        return abi.encodeCall(safe.setEngine, (engineOfHers));
    }

    /// @dev Proposes and executes as soon as it lets her. @return when it was done, 0 if it could not be.
    function _soonest(address target, bytes memory data, uint256 delay, bytes32 salt) private returns (bool) {
        bytes memory call = abi.encodeCall(timelock.schedule, (target, 0, data, bytes32(0), salt, delay));
        (bool ok, ) = attempt(mallory, address(timelock), call);
        if (!ok) return false;
        skip(delay);
        (ok, ) = attempt(mallory, address(timelock), abi.encodeCall(timelock.execute, (target, 0, data, 0, salt)));
        return ok;
    }

    function _steal() private returns (bool) {
        if (safe.engine() != engineOfHers) return false;
        (bool ok, ) = attempt(
            mallory,
            address(safe),
            abi.encodeCall(safe.borrow, (malloryId, USDC, 1_000_000e6, mallory))
        );
        return ok;
    }

    function test_NotAtOnce() public {
        Victims memory before = victims();
        vm.startPrank(mallory);
        (bool ok, ) = address(safe).call(_swap());
        assertFalse(ok);
        (ok, ) = address(authority).call(abi.encodeCall(AccessManager.execute, (address(safe), _swap())));
        assertFalse(ok);
        (ok, ) = address(authority).call(abi.encodeCall(AccessManager.schedule, (address(safe), _swap(), 0)));
        assertFalse(ok);
        (ok, ) = address(authority).call(abi.encodeCall(AccessManager.grantRole, (GOVERNOR, mallory, 0)));
        assertFalse(ok);
        (ok, ) = address(authority).call(abi.encodeCall(AccessManager.updateAuthority, (address(safe), mallory)));
        assertFalse(ok);
        (ok, ) = address(safe).call(abi.encodeCall(IAccessManaged.setAuthority, (mallory)));
        assertFalse(ok);
        (ok, ) = address(timelock).call(abi.encodeCall(TimelockController.execute, (address(safe), 0, _swap(), 0, 0)));
        assertFalse(ok);
        vm.stopPrank();
        assertFalse(_soonest(address(safe), _swap(), 0, "now"));
        assertFalse(_soonest(address(safe), _swap(), DELAY - 1, "a second early"));
        assertFalse(_steal());
        assertVictimsWhole(before);
    }

    /// @dev First the delay, which waits its time in peace; then everything else at once.
    function test_NotByADelayOfNothing() public {
        uint256[3] memory shorter = [uint256(0), 1, DELAY - 1];
        for (uint256 i; i < 3; ++i) {
            bytes memory data = abi.encodeCall(timelock.updateDelay, (shorter[i]));
            assertFalse(_soonest(address(timelock), data, DELAY, bytes32(i)), "the delay was shortened");
        }
        refreshFeeds();
        assertFalse(_soonest(address(safe), _swap(), 0, "now"));
        assertFalse(_steal(), "stolen");
    }

    /// @dev A batch that makes her proposer, canceller and executor of what comes next still waits, and so does what comes next.
    function test_WhatIsDueIsDueAfterTheDelayOnly() public {
        bytes32 id = timelock.hashOperation(address(safe), 0, _swap(), 0, "late");
        vm.prank(mallory);
        timelock.schedule(address(safe), 0, _swap(), 0, "late", DELAY);
        assertEq(timelock.getTimestamp(id), block.timestamp + DELAY);
        for (uint256 i; i < 6; ++i) {
            skip(1 days);
            (bool ok, ) = attempt(
                mallory,
                address(timelock),
                abi.encodeCall(timelock.execute, (address(safe), 0, _swap(), 0, "late"))
            );
            assertFalse(ok, "before its time");
        }
        assertFalse(_steal());
    }
}
