// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";

import {ICircuitBreaker} from "../interfaces/IGovernance.sol";
import {IMarginAccountsAdmin} from "../interfaces/IMarginAccounts.sol";

/// @title The guardian's hand on the safe (DESIGN 9): stops that expire and cannot be renewed without a gap
/// @notice The safe lets its `pause` be called by this contract and by the timelock alone. After an action was stopped for d seconds it
/// is free for at least d before it can be stopped again, however the stop ended: so a guardian who turned against the users
/// holds up each action for at most half of the time, seven days at a stretch, and the governor's delay is long enough to replace him.
contract CircuitBreaker is AccessManaged, ICircuitBreaker {
    /// @notice The longest stop, in seconds; the safe has the same limit.
    uint40 public constant MAX_STOP = 7 days;
    uint8 private constant ALL = 15;

    IMarginAccountsAdmin private immutable _safe;
    mapping(uint8 action => uint40) private _since;
    mapping(uint8 action => uint40) private _rest;

    constructor(address safe_, address authority_) AccessManaged(authority_) {
        _safe = IMarginAccountsAdmin(safe_);
    }

    /// @inheritdoc ICircuitBreaker
    function stop(uint8 actions, uint40 until) external restricted {
        uint40 time = uint40(block.timestamp);
        (uint8 running, uint40 end) = _running(time);
        uint8 more = actions & ~running;
        require(more != 0 && actions <= ALL, NothingToStop(actions));
        uint40 limit = running == 0 ? time + MAX_STOP : end;
        require(until >= time && until <= limit, StopTooLong(until, limit));
        // what runs keeps its end, so what joins it has the same
        if (running == 0) end = until;
        for (uint8 action = 1; action <= ALL; action <<= 1) {
            if (more & action == 0) continue;
            require(_rest[action] < time, ActionResting(action, _rest[action]));
            _since[action] = time;
            _rest[action] = end + (end - time);
        }
        emit Stopped(running | more, end);
        _safe.pause(running | more, end);
    }

    /// @inheritdoc ICircuitBreaker
    function lift() external restricted {
        uint40 time = uint40(block.timestamp);
        (uint8 running, ) = _running(time);
        require(running != 0, NothingStopped());
        for (uint8 action = 1; action <= ALL; action <<= 1) {
            if (running & action == 0) continue;
            uint40 rest = time + (time - _since[action]);
            // never longer than it was: what the timelock stopped by itself rests for nothing
            if (rest < _rest[action]) _rest[action] = rest;
        }
        emit Lifted(running);
        _safe.pause(0, 0);
    }

    /// @dev As the safe has it: the timelock may have changed it there.
    function _running(uint40 time) private view returns (uint8 actions, uint40 until) {
        (actions, until) = _safe.pauses();
        if (until < time) actions = 0;
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc ICircuitBreaker
    function restsUntil(uint8 action) external view returns (uint40) {
        return _rest[action];
    }

    /// @inheritdoc ICircuitBreaker
    function safe() external view returns (address) {
        return address(_safe);
    }
}
