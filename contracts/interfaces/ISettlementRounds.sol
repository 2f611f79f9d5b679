// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {ISettlementPrices} from "./ISettlementPrices.sol";

/// @dev How far the average of one asset's USD price over the window of one expiry has come.
struct Track {
    address feed; // pinned at the first round, with what makes its rounds sound; 0: nothing submitted yet
    uint24 heartbeat;
    uint8 feedDecimals;
    uint128 minAnswer; // answers must be above it
    uint128 maxAnswer; // and below it
    uint80 round; // last one looked at
    uint40 time; // when the last one with a time began
    uint104 price; // its answer; 0 when it is not sound
    uint16 weight; // seconds of the window that are in the sum
    bool complete; // the window is walked through
    uint128 sum; // Σ answer · seconds
    uint104 lastSound; // last sound answer up to `round`
}

/// @title Where rounds for settlement averages are submitted: anyone, in order, as many at a time as he likes (DESIGN 7)
/// @notice Two tracks make a price: the underlying's and the settlement asset's (asset 1). Submit both, from the start of the window on,
/// 30 minutes before the expiry; then the price is final.
interface ISettlementRounds is ISettlementPrices {
    error SessionOpen();
    error WindowNotOpen(uint40 expiry, uint256 from);
    /// @dev The first round must be of the feed's current phase, and sound and from before the window, or the phase's first.
    error NotAStart(uint80 round);
    /// @dev Rounds follow each other without a gap; at a change of phase, see {submit}.
    error NotTheNextRound(uint80 round, uint80 last);
    /// @dev It says nothing yet: unreadable, without a time or from the future, and no later one to show that it never will.
    error RoundNotReady(uint80 round);
    /// @dev Phases are crossed when the window is over: until then the old one may go on.
    error PhaseNotOver(uint80 round);
    error AlreadyComplete(uint8 asset, uint40 expiry);

    event RoundsCounted(uint8 indexed asset, uint40 indexed expiry, uint80 lastRound, uint256 weight, uint256 sum);
    event TrackCompleted(uint8 indexed asset, uint40 indexed expiry, uint256 weight, uint256 sum);
    event SettlementFixed(uint8 indexed underlying, uint40 indexed expiry, uint256 price);

    /// @notice Counts `rounds` of the primary feed of `asset` (a pool's number) towards the average before `expiry`; those counted already are
    /// passed over. The first submission starts the track with any sound round from before the window. A round counts from its time to
    /// the next one's, while it is not older than its heartbeat. The track is complete with the first round at or after the expiry, or
    /// when the expiry has come and the feed's latest round is the last counted: then an empty list suffices.
    /// @dev Until the walk is inside the window it may go on from any later sound round from before it. A round that answers nothing is submitted like any other and left out. The round after the last of a phase (only once the expiry has
    /// come) is the first of the next phase with rounds that is later than it. Fixes the price when both tracks are complete.
    function submit(uint8 asset, uint40 expiry, uint80[] calldata rounds) external;

    /// @notice Fixes the price once both tracks are complete; a track without a sound second in the window gives the last sound answer before
    /// it, from 24 hours after the expiry on.
    /// @return price settlement units WAD, 0 while it cannot be fixed.
    function fix(uint8 underlying, uint40 expiry) external returns (uint256 price);

    function trackOf(uint8 asset, uint40 expiry) external view returns (Track memory);
}
