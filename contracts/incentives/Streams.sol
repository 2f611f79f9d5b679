// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {FixedPoint, WAD} from "../types/FixedPoint.sol";
import {AccountId} from "../types/AccountId.sol";
import {Gauge, IRewardsErrors, IRewardsEvents, Stream} from "../interfaces/IRewards.sol";

/// @title Budgets that flow into indices
/// @dev All sums are token units × 1e18. Per stream: left + Σ owed + what the index owes beyond it ≤ paid in − paid out. It holds because
/// what leaves `left` is rounded up and at most rate × time, what a holder gets is rounded down, and the rate is what is left, divided
/// by the time it flows for, rounded down.
abstract contract Streams is IRewardsEvents, IRewardsErrors {
    uint256 internal constant MAX_TOKENS = 4;
    uint256 private constant MIN_DURATION = 1 hours;
    uint256 private constant MAX_DURATION = 4 * 365 days;
    uint256 private constant MAX_CAP = type(uint192).max;
    /// @dev Token units. Keeps the index of a gauge with a single share within 256 bits.
    uint256 internal constant MAX_BUDGET = type(uint112).max;

    /// @dev What a holder has of one stream.
    struct Earned {
        uint256 index; // of the stream when `owed` was reckoned
        uint256 owed; // token units × 1e18
    }

    Gauge[] internal _gauges;
    mapping(uint256 gauge => address[]) internal _tokens;
    mapping(uint256 gauge => mapping(address token => Stream)) internal _streams;
    mapping(uint256 gauge => mapping(AccountId holder => uint256)) internal _shares;
    mapping(uint256 gauge => mapping(AccountId holder => mapping(address token => Earned))) internal _earned;

    // ---------------------------------------------------------------- budgets

    /// @dev By the governor: a stranger could fill the places with worthless tokens.
    function _addToken(uint256 gauge, address token) internal {
        require(_tokens[gauge].length < MAX_TOKENS, TooManyTokens(gauge));
        require(_streams[gauge][token].time == 0, InvalidStream("token"));
        _tokens[gauge].push(token);
        _streams[gauge][token].time = uint40(block.timestamp);
        emit RewardAdded(gauge, token);
    }

    function _payIn(uint256 gauge, address token, uint256 amount) internal {
        Stream storage s = _streams[gauge][token];
        uint256 left = s.left + amount * WAD;
        require(left <= MAX_BUDGET * WAD, InvalidStream("budget"));
        s.left = left;
    }

    function _schedule(uint256 gauge, address token, uint40 start, uint40 end, uint256 cap) internal {
        require(start >= block.timestamp, InvalidStream("start"));
        require(end >= start + MIN_DURATION && end <= start + MAX_DURATION, InvalidStream("end"));
        require(cap <= MAX_CAP, InvalidStream("cap"));
        Stream storage s = _accrue(gauge, token);
        uint256 rate = s.left / (end - start);
        require(rate != 0, InvalidStream("budget"));
        (s.rate, s.cap, s.start, s.end) = (rate, cap, start, end);
        emit StreamScheduled(gauge, token, rate, cap, start, end);
    }

    /// @return amount token units, rounded down; the rest of a unit stays.
    function _stop(uint256 gauge, address token) internal returns (uint256 amount) {
        Stream storage s = _accrue(gauge, token);
        amount = s.left / WAD;
        s.left -= amount * WAD;
        (s.rate, s.start, s.end) = (0, 0, 0);
    }

    // ---------------------------------------------------------------- time

    function _accrue(uint256 gauge, address token) internal returns (Stream storage s) {
        s = _streams[gauge][token];
        (uint256 index, uint256 left) = _flow(s, _gauges[gauge].total);
        if (index != s.index) (s.index, s.left) = (index, left);
        s.time = uint40(block.timestamp);
    }

    /// @dev Where index and budget stand now. While nobody holds a share the budget stays.
    function _flow(Stream storage s, uint256 total) internal view returns (uint256 index, uint256 left) {
        (index, left) = (s.index, s.left);
        uint256 from = FixedPoint.max(s.time, s.start);
        uint256 to = FixedPoint.min(block.timestamp, s.end);
        if (to <= from || total == 0) return (index, left);
        uint256 time = to - from;
        uint256 step = FixedPoint.mulDivDown(s.rate * time, WAD, total);
        if (s.cap != 0) step = FixedPoint.min(step, s.cap * time);
        // at most rate × time: step × total ≤ rate × time × 1e18
        left -= FixedPoint.mulDivUp(step, total, WAD);
        index += step;
    }

    // ---------------------------------------------------------------- holders

    /// @dev Books what `counted` of the holder's shares have earned; what the others would have goes back. Then `shares` count.
    function _count(uint256 gauge, AccountId holder, uint256 counted, uint256 shares) internal {
        uint256 before = _shares[gauge][holder];
        address[] storage tokens = _tokens[gauge];
        uint256 n = tokens.length; // at most MAX_TOKENS
        for (uint256 i = 0; i < n; ++i) {
            Stream storage s = _accrue(gauge, tokens[i]);
            Earned storage e = _earned[gauge][holder][tokens[i]];
            uint256 step = s.index - e.index;
            if (step == 0) continue;
            e.index = s.index;
            if (counted != 0) e.owed += FixedPoint.mulDivDown(counted, step, WAD);
            if (counted != before) s.left += FixedPoint.mulDivDown(before - counted, step, WAD);
        }
        if (shares == before) return;
        _gauges[gauge].total = _gauges[gauge].total - before + shares;
        _shares[gauge][holder] = shares;
        emit SharesCounted(gauge, holder, shares);
    }

    /// @return amount token units, rounded down; the rest of a unit stays owed.
    function _take(uint256 gauge, AccountId holder, address token) internal returns (uint256 amount) {
        Earned storage e = _earned[gauge][holder][token];
        amount = e.owed / WAD;
        if (amount != 0) e.owed -= amount * WAD;
    }

    /// @dev What `counted` shares have brought the holder until now, token units.
    function _claimable(
        uint256 gauge,
        AccountId holder,
        address token,
        uint256 counted
    ) internal view returns (uint256) {
        Earned storage e = _earned[gauge][holder][token];
        (uint256 index, ) = _flow(_streams[gauge][token], _gauges[gauge].total);
        return (e.owed + FixedPoint.mulDivDown(counted, index - e.index, WAD)) / WAD;
    }
}
