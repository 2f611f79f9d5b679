// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";

import {IRoleOffers} from "../interfaces/IGovernance.sol";
import {BaseTest} from "../test/BaseTest.sol";
import {GovernorTimelock} from "./GovernorTimelock.sol";
import {PlimsollManager} from "./PlimsollManager.sol";

/// @title The two highest roles pass when they are accepted, others at once; the last admin stays
contract PlimsollManagerTest is BaseTest {
    uint64 private constant ADMIN = 0;
    uint64 private constant GOVERNOR = 1;
    uint64 private constant GUARDIAN = 2;

    PlimsollManager private manager;
    address private heir = makeAddr("heir");
    address private stranger = makeAddr("stranger");

    function setUp() public {
        vm.warp(1_700_000_000);
        manager = new PlimsollManager(address(this));
    }

    function _has(uint64 role, address who) private view returns (bool has) {
        (has, ) = manager.hasRole(role, who);
    }

    function _accept(address who, uint64 role) private {
        vm.prank(who);
        manager.acceptRole(role);
    }

    function test_G1_TheTopRolesPassOnlyWhenAccepted() public {
        for (uint64 role = ADMIN; role <= GOVERNOR; ++role) {
            manager.grantRole(role, heir, 0);
            assertFalse(_has(role, heir));
            (uint48 until, ) = manager.offerOf(role, heir);
            assertEq(until, block.timestamp + 14 days);
            vm.expectRevert(abi.encodeWithSelector(IRoleOffers.NotOffered.selector, role, stranger));
            _accept(stranger, role);
            _accept(heir, role);
            assertTrue(_has(role, heir));
            (until, ) = manager.offerOf(role, heir);
            assertEq(until, 0);
            vm.expectRevert(abi.encodeWithSelector(IRoleOffers.NotOffered.selector, role, heir));
            _accept(heir, role);
        }
    }

    function test_OtherRolesPassAtOnce() public {
        manager.grantRole(GUARDIAN, heir, 5);
        (bool has, uint32 delay) = manager.hasRole(GUARDIAN, heir);
        assertTrue(has);
        assertEq(delay, 5);
    }

    function test_AnOfferIsOpenForTwoWeeks() public {
        manager.grantRole(GOVERNOR, heir, 0);
        skip(14 days);
        uint256 snapshot = vm.snapshotState();
        _accept(heir, GOVERNOR);
        vm.revertToState(snapshot);
        skip(1);
        vm.expectRevert(abi.encodeWithSelector(IRoleOffers.NotOffered.selector, GOVERNOR, heir));
        _accept(heir, GOVERNOR);
    }

    function test_RevokingWithdrawsAnOffer() public {
        manager.grantRole(GOVERNOR, heir, 0);
        manager.revokeRole(GOVERNOR, heir);
        vm.expectRevert(abi.encodeWithSelector(IRoleOffers.NotOffered.selector, GOVERNOR, heir));
        _accept(heir, GOVERNOR);
    }

    /// Delays that were offered and set for the role count when it is accepted.
    function test_AcceptingKeepsTheDelays() public {
        manager.setGrantDelay(GOVERNOR, 3 days);
        skip(6 days);
        manager.grantRole(GOVERNOR, heir, 7 days);
        _accept(heir, GOVERNOR);
        assertFalse(_has(GOVERNOR, heir));
        skip(3 days);
        (bool has, uint32 delay) = manager.hasRole(GOVERNOR, heir);
        assertTrue(has);
        assertEq(delay, 7 days);
        // who has the role already needs to accept nothing
        manager.grantRole(GOVERNOR, heir, 8 days);
        (, delay) = manager.hasRole(GOVERNOR, heir);
        assertEq(delay, 8 days);
    }

    function test_OnlyAnAdminOffers() public {
        vm.prank(stranger);
        vm.expectRevert(
            abi.encodeWithSelector(IAccessManager.AccessManagerUnauthorizedAccount.selector, stranger, ADMIN)
        );
        manager.grantRole(GOVERNOR, stranger, 0);
    }

    function test_TheLastAdminStays() public {
        vm.expectRevert(abi.encodeWithSelector(IRoleOffers.LastAdmin.selector, address(this)));
        manager.renounceRole(ADMIN, address(this));
        vm.expectRevert(abi.encodeWithSelector(IRoleOffers.LastAdmin.selector, address(this)));
        manager.revokeRole(ADMIN, address(this));
        manager.grantRole(ADMIN, heir, 0);
        // an offer is no admin yet
        vm.expectRevert(abi.encodeWithSelector(IRoleOffers.LastAdmin.selector, address(this)));
        manager.renounceRole(ADMIN, address(this));
        _accept(heir, ADMIN);
        manager.renounceRole(ADMIN, address(this));
        vm.prank(heir);
        vm.expectRevert(abi.encodeWithSelector(IRoleOffers.LastAdmin.selector, heir));
        manager.revokeRole(ADMIN, heir);
        // nobody can be revoked twice
        vm.prank(heir);
        manager.revokeRole(ADMIN, address(this));
        assertTrue(_has(ADMIN, heir));
    }

    function test_ATimelockAcceptsWhatItIsOffered() public {
        GovernorTimelock timelock = new GovernorTimelock(7 days, new address[](0), new address[](0));
        vm.expectRevert(abi.encodeWithSelector(IRoleOffers.NotOffered.selector, ADMIN, address(timelock)));
        timelock.acceptRole(manager, ADMIN);
        manager.grantRole(ADMIN, address(timelock), 0);
        vm.prank(stranger);
        timelock.acceptRole(manager, ADMIN);
        assertTrue(_has(ADMIN, address(timelock)));
    }
}
