// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";

import {Bound, BoundEntry, IRiskSteward, Parameter} from "../interfaces/IRiskSteward.sol";

/// @title How far and how often each parameter may move
abstract contract StewardBounds is AccessManaged, IRiskSteward {
    /// @inheritdoc IRiskSteward
    uint256 public constant ANY = type(uint256).max;
    /// @notice The shortest cool-down, in seconds.
    uint256 public constant MIN_COOL_DOWN = 1 hours;

    enum Sense {
        Neutral,
        UpIsLooser,
        DownIsLooser
    }

    mapping(Parameter parameter => mapping(uint256 subject => Bound)) private _bounds;
    mapping(Parameter parameter => mapping(uint256 key => uint256)) private _movedAt;

    /// @inheritdoc IRiskSteward
    function setBounds(BoundEntry[] calldata entries) external restricted {
        for (uint256 i; i < entries.length; ++i) {
            (Parameter p, uint256 subject, Bound calldata b) = (
                entries[i].parameter,
                entries[i].subject,
                entries[i].bound
            );
            if (b.coolDown != 0) {
                require(b.coolDown >= MIN_COOL_DOWN, BadBound(p, subject, "coolDown"));
                require(b.min <= b.max, BadBound(p, subject, "range"));
                Sense sense = _senseOf(p);
                // what lets accounts or pools risk more moves no faster than what lets them risk less
                require(sense != Sense.UpIsLooser || b.up <= b.down, BadBound(p, subject, "up"));
                require(sense != Sense.DownIsLooser || b.down <= b.up, BadBound(p, subject, "down"));
            }
            _bounds[p][subject] = b;
            emit BoundSet(p, subject, b);
        }
    }

    /// @inheritdoc IRiskSteward
    function boundOf(Parameter parameter, uint256 subject) public view returns (Bound memory b) {
        b = _bounds[parameter][subject];
        if (b.coolDown == 0) b = _bounds[parameter][ANY];
    }

    /// @inheritdoc IRiskSteward
    function movedAt(Parameter parameter, uint256 key) external view returns (uint256) {
        return _movedAt[parameter][key];
    }

    /// @dev The only place where a move is allowed: called with what was in force before and what is after.
    function _move(Parameter p, uint256 subject, uint256 key, uint256 from, uint256 to) internal {
        if (from == to) return;
        Bound memory b = boundOf(p, subject);
        require(b.coolDown != 0, NotForSteward(p, subject));
        uint256 last = _movedAt[p][key];
        require(last == 0 || block.timestamp >= last + b.coolDown, CoolingDown(p, key, last + b.coolDown));
        require(to >= b.min && to <= b.max, OutOfRange(p, key, to));
        (uint256 step, uint256 limit) = to > from ? (to - from, b.up) : (from - to, b.down);
        require(step <= limit, StepTooLarge(p, key, from, to, limit));
        _movedAt[p][key] = block.timestamp;
        emit ParameterMoved(p, key, from, to);
    }

    function _move(Parameter p, uint256 subject, uint256 from, uint256 to) internal {
        _move(p, subject, subject, from, to);
    }

    function _move(Parameter p, uint256 subject, bool from, bool to) internal {
        _move(p, subject, subject, from ? 1 : 0, to ? 1 : 0);
    }

    /// @dev Fees and the insurance fund's part of interest are a price, not a risk.
    function _senseOf(Parameter p) private pure returns (Sense) {
        if (
            p == Parameter.SettlementPart ||
            p == Parameter.ReserveFactor ||
            p == Parameter.FeeVolume ||
            p == Parameter.FeeRate ||
            p == Parameter.OptionFeeCap
        ) return Sense.Neutral;
        if (
            p == Parameter.ReservedPart ||
            p == Parameter.DepositsClosed ||
            p == Parameter.BorrowsClosed ||
            p == Parameter.OutflowWindow ||
            p == Parameter.ExpiryReduceOnly ||
            (p >= Parameter.Maintenance && p != Parameter.BracketSize)
        ) return Sense.DownIsLooser;
        return Sense.UpIsLooser;
    }
}
