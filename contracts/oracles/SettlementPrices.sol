// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IMarginAccounts} from "../interfaces/IMarginAccounts.sol";
import {ITableEngine} from "../interfaces/IRisk.sol";
import {ISettlementPrices} from "../interfaces/ISettlementPrices.sol";
import {ISettlementRounds, Track} from "../interfaces/ISettlementRounds.sol";
import {AssetIdLib} from "../types/AssetId.sol";
import {FixedPoint, WAD} from "../types/FixedPoint.sol";
import {FeedRounds, Round} from "./FeedRounds.sol";

/// @title SettlementPrices: what an expiry settles on (DESIGN 7)
/// @notice Average USD price of the underlying ÷ average USD price of the settlement asset over the 30 minutes before the expiry, each
/// time-weighted over its primary's own rounds. Nobody chooses anything: which round follows which is checked, where the walk starts does
/// not matter, and what is fixed stays.
contract SettlementPrices is ISettlementRounds {
    uint256 private constant WINDOW = 30 minutes;
    /// @dev After it a track without a sound second takes the last sound answer, and a feed that cannot be read has no more rounds.
    uint256 private constant PATIENCE = 24 hours;
    uint8 private constant SETTLEMENT_POOL = 1;

    IMarginAccounts private immutable _safe;

    mapping(uint256 key => Track) private _tracks;
    mapping(uint256 key => uint256 price) private _prices;

    constructor(IMarginAccounts safe) {
        _safe = safe;
    }

    // ------------------------------------------------------------------ submitting
    /// @inheritdoc ISettlementRounds
    function submit(uint8 asset, uint40 expiry, uint80[] calldata rounds) external {
        // The part that is fixed enters margins: no change between a reduce-only snapshot and its comparison.
        require(!_safe.inSession() && !_safe.isLocked(), SessionOpen());
        Track memory track = _tracks[_key(asset, expiry)];
        require(!track.complete, AlreadyComplete(asset, expiry));
        for (uint256 i; i < rounds.length && !track.complete; ++i) {
            if (track.feed == address(0)) _start(track, asset, expiry, rounds[i]);
            else if (rounds[i] > track.round) _step(track, expiry, rounds[i]);
        }
        if (!track.complete && _isLast(track, expiry)) _complete(track, expiry, expiry);
        _tracks[_key(asset, expiry)] = track;
        emit RoundsCounted(asset, expiry, track.round, track.weight, track.sum);
        if (!track.complete) return;
        emit TrackCompleted(asset, expiry, track.weight, track.sum);
        if (asset != SETTLEMENT_POOL) fix(asset, expiry);
    }

    /// @inheritdoc ISettlementRounds
    function fix(uint8 underlying, uint40 expiry) public returns (uint256 price) {
        require(!_safe.inSession() && !_safe.isLocked(), SessionOpen());
        price = _prices[_key(underlying, expiry)];
        if (price != 0) return price;
        uint256 own = _average(underlying, expiry);
        uint256 unit = _average(SETTLEMENT_POOL, expiry);
        if (own == 0 || unit == 0) return 0;
        price = FixedPoint.mulDivDown(own, WAD, unit);
        _prices[_key(underlying, expiry)] = price;
        emit SettlementFixed(underlying, expiry, price);
    }

    // ------------------------------------------------------------------ views
    /// @inheritdoc ISettlementPrices
    function settlementPrice(uint8 underlying, uint40 expiry) external view returns (uint256 price, bool isFinal) {
        price = _prices[_key(underlying, expiry)];
        isFinal = price != 0;
    }

    /// @inheritdoc ISettlementPrices
    /// @dev While the last round counted is the feed's latest its price holds until now, though nobody has submitted that.
    function fixing(uint8 underlying, uint40 expiry) external view returns (uint256 fixedPart, uint256 fixedPrice) {
        if (block.timestamp + WINDOW <= expiry) return (0, 0);
        fixedPrice = _prices[_key(underlying, expiry)];
        if (fixedPrice != 0) return (WAD, fixedPrice);
        (uint256 own, uint256 ownWeight) = _soFar(underlying, expiry);
        if (ownWeight == 0) return (0, 0);
        (uint256 unit, uint256 unitWeight) = _soFar(SETTLEMENT_POOL, expiry);
        if (unitWeight == 0) return (0, 0);
        fixedPart = (FixedPoint.min(ownWeight, unitWeight) * WAD) / WINDOW;
        fixedPrice = FixedPoint.mulDivDown(own, WAD, unit);
    }

    /// @inheritdoc ISettlementRounds
    function trackOf(uint8 asset, uint40 expiry) external view returns (Track memory) {
        return _tracks[_key(asset, expiry)];
    }

    // ------------------------------------------------------------------ the walk
    /// @dev Not before the window: nobody pins today's feed for an expiry next year. Which earlier sound round it starts from changes nothing.
    function _start(Track memory track, uint8 asset, uint40 expiry, uint80 id) private view {
        uint256 from = expiry - WINDOW;
        require(block.timestamp >= from, WindowNotOpen(expiry, from));
        uint256 heartbeat;
        uint256 min;
        uint256 max;
        (track.feed, heartbeat, track.feedDecimals, min, max) = ITableEngine(_safe.engine()).primaryOf(
            AssetIdLib.pool(asset)
        );
        track.heartbeat = uint24(heartbeat);
        // The table's factory bounds the largest answer below 2^104.
        (track.minAnswer, track.maxAnswer) = (uint128(min), uint128(max));
        Round memory latest = FeedRounds.latest(track.feed);
        require(latest.readable && FeedRounds.phase(id) == FeedRounds.phase(latest.id), NotAStart(id));
        Round memory round = FeedRounds.get(track.feed, id);
        require(round.time != 0 && round.time <= block.timestamp, RoundNotReady(id));
        _take(track, round);
        require((track.price != 0 && round.time <= from) || FeedRounds.number(id) == 1, NotAStart(id));
        if (round.time >= expiry) track.complete = true;
    }

    /// @dev Counts the last round up to the time of its successor `id`.
    function _step(Track memory track, uint40 expiry, uint80 id) private view {
        Round memory round = FeedRounds.get(track.feed, id);
        bool silent = _isSilent(round, track);
        if (FeedRounds.phase(id) == FeedRounds.phase(track.round)) {
            if (round.time <= expiry - WINDOW && !silent && _isSound(track, round)) {
                // As good a start as the one that was taken: whoever starts a year back makes nobody walk all that way.
                _take(track, round);
                return;
            }
            require(id == track.round + 1, NotTheNextRound(id, track.round));
            if (silent) {
                // It will never speak when a later one has.
                Round memory latest = FeedRounds.latest(track.feed);
                bool passed = latest.readable && latest.id > id && FeedRounds.phase(latest.id) == FeedRounds.phase(id);
                require(passed, RoundNotReady(id));
                track.round = id;
                return;
            }
        } else {
            require(!silent, RoundNotReady(id));
            _requireFirstOfNextPhase(track, expiry, round);
        }
        require(round.time <= block.timestamp, RoundNotReady(id));
        if (round.time >= expiry) return _complete(track, expiry, round.time);
        _count(track, expiry, round.time);
        _take(track, round);
    }

    /// @dev After the expiry no phase gets another round that counts, so that "the last of its phase" is the same for everybody.
    function _requireFirstOfNextPhase(Track memory track, uint40 expiry, Round memory round) private view {
        require(block.timestamp >= expiry, PhaseNotOver(round.id));
        // Nothing follows in the old phase, and a phase in between that has rounds comes first.
        bool later =
            round.time > track.time &&
                FeedRounds.get(track.feed, track.round + 1).time == 0 &&
                FeedRounds.phase(round.id) > FeedRounds.phase(track.round) &&
                _areEmpty(track, FeedRounds.phase(track.round) + 1, FeedRounds.phase(round.id));
        if (later && FeedRounds.number(round.id) > 1) {
            uint256 before = FeedRounds.get(track.feed, round.id - 1).time;
            later = before != 0 && before <= track.time;
        }
        require(later, NotTheNextRound(round.id, track.round));
    }

    /// @dev Whether the expiry has come and no round after the last counted can be from before it.
    function _isLast(Track memory track, uint40 expiry) private view returns (bool) {
        if (track.feed == address(0) || block.timestamp < expiry) return false;
        Round memory latest = FeedRounds.latest(track.feed);
        if (latest.readable && latest.id == track.round) return true;
        if (!_isSilent(FeedRounds.get(track.feed, track.round + 1), track)) return false;
        // A feed that is dead, or whose latest round never came to an answer, has no more of them.
        bool patient = block.timestamp >= expiry + PATIENCE;
        if (!latest.readable) return patient;
        uint256 phase = FeedRounds.phase(track.round);
        if (FeedRounds.phase(latest.id) == phase) return latest.id == track.round + 1 && patient;
        return latest.time <= track.time && _areEmpty(track, phase + 1, FeedRounds.phase(latest.id));
    }

    /// @dev Says nothing after the last round counted: no time, or one before it.
    function _isSilent(Round memory round, Track memory track) private pure returns (bool) {
        return round.time == 0 || round.time < track.time;
    }

    /// @dev Whether no phase from `from` until before `to` has rounds.
    function _areEmpty(Track memory track, uint256 from, uint256 to) private view returns (bool) {
        for (; from < to; ++from) {
            if (FeedRounds.get(track.feed, FeedRounds.make(from, 1)).time != 0) return false;
        }
        return true;
    }

    /// @dev The round becomes the last one looked at.
    function _take(Track memory track, Round memory round) private pure {
        bool sound = _isSound(track, round);
        track.round = round.id;
        track.time = uint40(round.time);
        track.price = sound ? uint104(uint256(round.answer)) : 0;
        if (sound) track.lastSound = track.price;
    }

    function _isSound(Track memory track, Round memory round) private pure returns (bool) {
        return round.answer > int256(uint256(track.minAnswer)) && round.answer < int256(uint256(track.maxAnswer));
    }

    function _complete(Track memory track, uint40 expiry, uint256 until) private pure {
        _count(track, expiry, until);
        track.complete = true;
    }

    /// @dev The last round's price counts from its time to `until`, inside the window and while it is not older than its heartbeat.
    function _count(Track memory track, uint40 expiry, uint256 until) private pure {
        uint256 weight = _secondsOf(track, expiry, until);
        track.weight += uint16(weight);
        track.sum += uint128(track.price * weight);
    }

    function _secondsOf(Track memory track, uint40 expiry, uint256 until) private pure returns (uint256) {
        if (track.price == 0) return 0;
        uint256 from = FixedPoint.max(track.time, expiry - WINDOW);
        until = FixedPoint.min(FixedPoint.min(until, expiry), uint256(track.time) + track.heartbeat);
        return until > from ? until - from : 0;
    }

    // ------------------------------------------------------------------ averages
    /// @dev USD WAD of a complete track; 0 while there is none.
    function _average(uint8 asset, uint40 expiry) private view returns (uint256) {
        Track memory track = _tracks[_key(asset, expiry)];
        if (!track.complete) return 0;
        if (track.weight != 0) return _scaled(track, track.sum) / track.weight;
        return block.timestamp >= expiry + PATIENCE ? _scaled(track, track.lastSound) : 0;
    }

    /// @dev Average, USD WAD, and weight until now.
    function _soFar(uint8 asset, uint40 expiry) private view returns (uint256 average, uint256 weight) {
        Track memory track = _tracks[_key(asset, expiry)];
        if (track.feed == address(0)) return (0, 0);
        (weight, average) = (track.weight, track.sum);
        if (!track.complete && FeedRounds.latest(track.feed).id == track.round) {
            uint256 more = _secondsOf(track, expiry, block.timestamp);
            (weight, average) = (weight + more, average + track.price * more);
        }
        if (weight != 0) average = _scaled(track, average) / weight;
    }

    function _scaled(Track memory track, uint256 value) private pure returns (uint256) {
        return value * 10 ** (18 - track.feedDecimals);
    }

    function _key(uint8 asset, uint40 expiry) private pure returns (uint256) {
        return (uint256(asset) << 40) | expiry;
    }
}
