// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {BoundedRead} from "./BoundedRead.sol";

/// @dev A round of a feed as it stands; time 0 when it says nothing.
struct Round {
    uint80 id;
    int256 answer;
    uint256 time;
    bool readable;
}

/// @title Single rounds of a Chainlink feed, by id
/// @notice Never reverts for a broken feed. Ids are phase (high 16 bits) and number within the phase (low 64, from one).
library FeedRounds {
    uint256 private constant LATEST_ROUND_DATA = 0xfeaf968c;
    uint256 private constant GET_ROUND_DATA = 0x9a6fc8f5;

    function latest(address feed) internal view returns (Round memory round) {
        uint256 out;
        // Answers of five words lie above the free memory pointer, which nothing moves before they are read.
        assembly ("memory-safe") {
            out := mload(0x40)
            mstore(0, LATEST_ROUND_DATA)
        }
        bool ok = BoundedRead.ask(feed, 28, 4, out, 160);
        _load(round, ok, out);
    }

    function get(address feed, uint80 id) internal view returns (Round memory round) {
        uint256 out;
        assembly ("memory-safe") {
            out := mload(0x40)
            mstore(0, GET_ROUND_DATA)
            mstore(0x20, id)
        }
        bool ok = BoundedRead.ask(feed, 28, 36, out, 160);
        _load(round, ok, out);
        round.id = id;
    }

    function phase(uint80 id) internal pure returns (uint256) {
        return id >> 64;
    }

    function number(uint80 id) internal pure returns (uint64) {
        return uint64(id);
    }

    function make(uint256 phase_, uint64 number_) internal pure returns (uint80) {
        return uint80((phase_ << 64) | number_);
    }

    /// @dev A round that is incomplete (answered in an earlier one) has no time.
    function _load(Round memory round, bool ok, uint256 out) private pure {
        if (!ok) return;
        uint256 answeredIn;
        uint256 id;
        int256 answer;
        uint256 time;
        assembly ("memory-safe") {
            id := mload(out)
            answer := mload(add(out, 0x20))
            time := mload(add(out, 0x60))
            answeredIn := mload(add(out, 0x80))
        }
        if (answeredIn < id || time > type(uint40).max) time = 0;
        (round.id, round.answer, round.time, round.readable) = (uint80(id), answer, time, true);
    }
}
