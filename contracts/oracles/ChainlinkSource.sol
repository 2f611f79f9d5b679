// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {PriceFault} from "../interfaces/IMarginEngine.sol";
import {BoundedRead} from "./BoundedRead.sol";

/// @title Chainlink price feeds (`AggregatorV3Interface`), with every check of DESIGN 5
/// @notice Never reverts for a broken feed: a fault is a value.
library ChainlinkSource {
    /// @dev `latestRoundData()` and `getRoundData(uint80)`.
    uint256 private constant LATEST_ROUND_DATA = 0xfeaf968c;
    uint256 private constant GET_ROUND_DATA = 0x9a6fc8f5;
    /// @dev Rounds that {continuousSince} looks at before it gives up.
    uint256 internal constant MAX_ROUNDS = 32;

    /// @notice The latest answer, checked.
    /// @param min answers must be above it, `max` below it: a feed held at its own bounds says nothing (O1).
    /// @return answer in the feed's decimals, 0 with a fault. @return updatedAt of the round, 0 if unreadable.
    function read(
        address feed,
        uint256 heartbeat,
        uint256 min,
        uint256 max
    ) internal view returns (uint256 answer, uint256 updatedAt, PriceFault fault) {
        // One call and one test for a sound round, without branches (a check reads two or more feeds): negative answers
        // are above any maximum as unsigned numbers, and a time of 0 or in the future makes an age above any heartbeat.
        // The answer's five words lie above the free memory pointer, which nothing moves before they are read.
        uint256 limit = BoundedRead.GAS;
        bool sound;
        assembly ("memory-safe") {
            let out := mload(0x40)
            mstore(0, LATEST_ROUND_DATA)
            sound := staticcall(limit, feed, 28, 4, out, 160)
            sound := and(sound, gt(returndatasize(), 159))
            answer := mload(add(out, 0x20))
            updatedAt := mload(add(out, 0x60))
            sound := and(sound, and(gt(answer, min), lt(answer, max)))
            sound := and(sound, iszero(lt(mload(add(out, 0x80)), mload(out))))
            sound := and(sound, iszero(gt(sub(timestamp(), updatedAt), heartbeat)))
        }
        if (!sound) (answer, updatedAt, fault) = _explain(feed, heartbeat);
    }

    /// @notice Whether the feed's own rounds show no gap above `heartbeat` from `since` to now.
    /// @dev False also when it cannot be shown: more than {MAX_ROUNDS} rounds, or the proxy changed its aggregator (round
    /// ids of another phase do not continue).
    function continuousSince(address feed, uint256 heartbeat, uint256 since) internal view returns (bool) {
        (bool ok, uint256 round, , uint256 time, ) = _latest(feed);
        if (!ok || time == 0 || time > block.timestamp || block.timestamp - time > heartbeat) return false;
        for (uint256 i; i < MAX_ROUNDS; ++i) {
            if (time <= since) return true;
            // The low 64 bits count within the phase, from one.
            if (uint64(round) <= 1) return false;
            uint256 earlier;
            (ok, earlier) = _timeOf(feed, --round);
            if (!ok || earlier == 0 || earlier > time || time - earlier > heartbeat) return false;
            time = earlier;
        }
        return time <= since;
    }

    /// @dev Which rule an unsound round breaks. It asks again: only what is refused pays for that.
    function _explain(address feed, uint256 heartbeat) private view returns (uint256, uint256, PriceFault) {
        (bool ok, uint256 round, uint256 answer, uint256 updatedAt, uint256 answeredIn) = _latest(feed);
        if (!ok) return (0, 0, PriceFault.SourceReverted);
        if (updatedAt == 0 || answeredIn < round) return (0, updatedAt, PriceFault.RoundIncomplete);
        if (int256(answer) <= 0) return (0, updatedAt, PriceFault.NotPositive);
        // A round from the future has an unknown age.
        bool stale = updatedAt > block.timestamp || block.timestamp - updatedAt > heartbeat;
        return (0, updatedAt, stale ? PriceFault.Stale : PriceFault.Clamped);
    }

    function _latest(
        address feed
    ) private view returns (bool ok, uint256 round, uint256 answer, uint256 updatedAt, uint256 answeredIn) {
        uint256 out;
        // The answer's five words lie above the free memory pointer, which nothing moves before they are read.
        assembly ("memory-safe") {
            out := mload(0x40)
            mstore(0, LATEST_ROUND_DATA)
        }
        ok = BoundedRead.ask(feed, 28, 4, out, 160);
        assembly ("memory-safe") {
            round := mload(out)
            answer := mload(add(out, 0x20))
            updatedAt := mload(add(out, 0x60))
            answeredIn := mload(add(out, 0x80))
        }
    }

    function _timeOf(address feed, uint256 round) private view returns (bool ok, uint256 updatedAt) {
        uint256 out;
        assembly ("memory-safe") {
            out := mload(0x40)
            mstore(0, GET_ROUND_DATA)
            mstore(0x20, round)
        }
        ok = BoundedRead.ask(feed, 28, 36, out, 160);
        assembly ("memory-safe") {
            updatedAt := mload(add(out, 0x60))
        }
    }
}
