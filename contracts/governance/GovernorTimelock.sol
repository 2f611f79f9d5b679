// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";

import {IRoleOffers} from "../interfaces/IGovernance.sol";

/// @title The timelock in front of the governor and admin roles, with a delay that nobody can bring under a floor
/// @notice OpenZeppelin's timelock may shorten its own delay; then one patient proposal would free the next ones from
/// waiting. Here the delay may be raised and lowered, never below what the deployment promised (invariant G1).
contract GovernorTimelock is TimelockController {
    /// @notice The shortest delay there will ever be, in seconds.
    uint256 public immutable minDelayFloor;

    /// @notice `delay` is under the floor.
    error DelayBelowFloor(uint256 delay, uint256 floor);

    /// @param delay seconds between a proposal and its execution, and the floor for ever.
    /// @param proposers may propose and cancel. @param executors may execute what is due; the zero address: anyone.
    /// @dev No admin: only the timelock itself grants its roles, after its own delay.
    constructor(
        uint256 delay,
        address[] memory proposers,
        address[] memory executors
    ) TimelockController(delay, proposers, executors, address(0)) {
        minDelayFloor = delay;
    }

    /// @inheritdoc TimelockController
    function updateDelay(uint256 newDelay) public override {
        require(newDelay >= minDelayFloor, DelayBelowFloor(newDelay, minDelayFloor));
        super.updateDelay(newDelay);
    }

    /// @notice Anyone: has the timelock accept a role that an admin of `manager` offered to it.
    /// @dev It gains what was meant for it and gives up nothing: no other call comes out of here, and no value.
    function acceptRole(IRoleOffers manager, uint64 roleId) external {
        manager.acceptRole(roleId);
    }
}
