// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {PriceFault} from "../interfaces/IMarginEngine.sol";
import {BoundedRead} from "./BoundedRead.sol";

/// @title Chainlink's L2 sequencer uptime feed
/// @notice While the sequencer was down prices could not move and nobody could act; after it came back, accounts get a
/// grace period before any price is used.
library SequencerUptime {
    uint256 private constant LATEST_ROUND_DATA = 0xfeaf968c;

    /// @notice None, SequencerDown or SequencerGrace. Without a feed (address zero): None.
    function check(address feed, uint256 grace) internal view returns (PriceFault) {
        if (feed == address(0)) return PriceFault.None;
        (bool up, uint256 since) = _status(feed);
        if (!up) return PriceFault.SequencerDown;
        return block.timestamp - since > grace ? PriceFault.None : PriceFault.SequencerGrace;
    }

    /// @notice Whether the sequencer has been up without a break since `since`.
    function continuousSince(address feed, uint256 since) internal view returns (bool) {
        if (feed == address(0)) return true;
        (bool up, uint256 startedAt) = _status(feed);
        return up && startedAt <= since;
    }

    /// @dev Answer 0 = up, 1 = down; `startedAt` is when that status began, 0 before the first report.
    function _status(address feed) private view returns (bool up, uint256 startedAt) {
        uint256 out;
        assembly ("memory-safe") {
            out := mload(0x40)
            mstore(0, LATEST_ROUND_DATA)
        }
        bool ok = BoundedRead.ask(feed, 28, 4, out, 160);
        uint256 answer;
        assembly ("memory-safe") {
            answer := mload(add(out, 0x20))
            startedAt := mload(add(out, 0x40))
        }
        up = ok && answer == 0 && startedAt != 0 && startedAt <= block.timestamp;
    }
}
