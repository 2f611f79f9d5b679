// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {ExpiryFeed, IAttestedFeed} from "../interfaces/IAttestedFeed.sol";
import {IMarginModel, ModelInput, UnderlyingPrice} from "../interfaces/IMarginModel.sol";
import {PerpState} from "../interfaces/IPositions.sol";
import {ISettlementPrices} from "../interfaces/ISettlementPrices.sol";
import {FixedPoint, WAD} from "../types/FixedPoint.sol";
import {Position} from "../types/Position.sol";
import {LedgerTable, UnderlyingWord} from "./LedgerTable.sol";

/// @dev The account's options of one expiry, and what is known of the expiry now.
struct LiveExpiry {
    uint256 time; // seconds left; 0 after the expiry while its price is not final
    uint256 fixedPart; // of the settlement average, WAD
    uint256 fixedPrice; // its average so far, settlement units WAD
    ExpiryFeed feed;
    uint256 first; // where in memory its options begin, one word each
    uint256 count;
}

/// @dev One underlying of the account with everything in it.
struct LiveUnderlying {
    uint256 number;
    uint256 low; // index, settlement units WAD
    uint256 high;
    int256 amount; // own spot, whole tokens WAD
    UnderlyingWord word; // 0: not in the ledger table, spot alone
    int256 perpSize;
    PerpState perp;
    LiveExpiry[] expiries;
}

/// @title An account's positions, grouped by underlying and expiry, with what is attested of each
/// @notice The attested values of an underlying are read in one call, a fixing only near its expiry.
abstract contract LedgerReader {
    uint256 internal constant INITIAL = 0;
    uint256 internal constant LIQUIDATION = 1;
    /// @dev Before an expiry its average is being fixed for so long.
    uint256 internal constant WINDOW = 30 minutes;

    IAttestedFeed private immutable _feed;
    ISettlementPrices private immutable _settlements;

    constructor(IAttestedFeed feed, ISettlementPrices settlements) {
        (_feed, _settlements) = (feed, settlements);
    }

    // ------------------------------------------------------------------ prices
    function _priceOf(LiveUnderlying memory u, bool high) internal pure returns (uint256) {
        return high ? u.high : u.low;
    }

    /// @dev index · (1 + clamped premium), or the frozen market's.
    function _markOf(LiveUnderlying memory u, bool high) internal pure returns (uint256) {
        if (u.perp.frozenMark != 0) return u.perp.frozenMark;
        return FixedPoint.mulDivDown(_priceOf(u, high), uint256(u.perp.markRatio), WAD);
    }

    /// @dev The forward's two parts: what still moves with the index, and what the settlement average has fixed already.
    function _forwardOf(
        LiveUnderlying memory u,
        LiveExpiry memory e,
        bool high
    ) internal pure returns (uint256 moving, uint256 fixed_) {
        moving = FixedPoint.mulDivDown(_priceOf(u, high), e.feed.forwardRatio, WAD);
        if (e.fixedPart == 0) return (moving, 0);
        moving = FixedPoint.mulDivDown(moving, WAD - e.fixedPart, WAD);
        fixed_ = FixedPoint.mulDivDown(e.fixedPrice, e.fixedPart, WAD);
    }

    // ------------------------------------------------------------------ reading
    /// @dev Option `i` of an expiry; the caller stays below `e.count`.
    function _optionAt(LiveExpiry memory e, uint256 i) internal pure returns (Position p) {
        uint256 place = e.first;
        assembly ("memory-safe") {
            p := mload(add(place, shl(5, i)))
        }
    }

    function _read(ModelInput calldata input, uint256 table) internal view returns (LiveUnderlying[] memory list) {
        uint256 n = input.underlyings.length;
        list = new LiveUnderlying[](n);
        for (uint256 i; i < n; ++i) {
            UnderlyingPrice calldata price = input.underlyings[i];
            LiveUnderlying memory u = list[i];
            (u.number, u.low, u.high, u.amount) = (price.number, price.low, price.high, price.amount);
            u.word = LedgerTable.find(table, price.number);
        }
        Position[] memory words = input.positions;
        _readPerps(input, list, words);
        uint256[] memory slices = _slice(words);
        for (uint256 i; slices.length != 0 && i < n; ++i) _readExpiries(list[i], slices, input.purpose == INITIAL);
        for (uint256 i; i < slices.length; ++i) {
            _underlying(list, (slices[i] >> 104) & 0xff); // else nobody would see these options
        }
    }

    function _readPerps(ModelInput calldata input, LiveUnderlying[] memory list, Position[] memory words) private pure {
        uint256 perps;
        for (uint256 i; i < words.length; ++i) {
            Position p = words[i];
            if (!p.isPerp()) continue;
            LiveUnderlying memory u = _underlying(list, p.underlying());
            u.perpSize = p.size();
            u.perp = input.perps[perps++];
            // Live open interest is for new risk alone: at mid, where two moments of a session are compared, flashed trades would
            // raise the requirement at the start and pay for a gift (A2).
            if (input.purpose != INITIAL) u.perp.openInterest = u.perp.slowOpenInterest;
            require(
                input.purpose != INITIAL || !u.perp.stale || u.perp.frozenMark != 0,
                IMarginModel.FeedStale(u.number)
            );
        }
    }

    function _underlying(LiveUnderlying[] memory list, uint256 number) private pure returns (LiveUnderlying memory) {
        for (uint256 i; i < list.length; ++i) {
            if (list[i].number != number) continue;
            require(UnderlyingWord.unwrap(list[i].word) != 0, IMarginModel.UnderlyingNotInTable(number));
            return list[i];
        }
        revert IMarginModel.UnderlyingNotInTable(number);
    }

    /// @dev Brings the options of each expiry together, by swaps: one sweep over the rest per expiry, few in any account and never
    /// more than 128. @return slices from the top: expiry key 50 bits at bit 64 | first option's place 32 | count 32.
    function _slice(Position[] memory words) private pure returns (uint256[] memory slices) {
        uint256 n = words.length;
        slices = new uint256[](n);
        uint256 found;
        uint256 i;
        while (i < n) {
            Position p = words[i];
            if (p.isPerp()) {
                ++i;
                continue;
            }
            uint256 key = p.expiryKey();
            uint256 first;
            uint256 next;
            assembly ("memory-safe") {
                // all places are inside `words`
                first := add(add(words, 0x20), shl(5, i))
                next := add(first, 0x20)
                let end := add(add(words, 0x20), shl(5, n))
                for {
                    let q := next
                } lt(q, end) {
                    q := add(q, 0x20)
                } {
                    let w := mload(q)
                    if eq(shr(206, w), key) {
                        mstore(q, mload(next))
                        mstore(next, w)
                        next := add(next, 0x20)
                    }
                }
            }
            unchecked {
                uint256 count = (next - first) >> 5;
                slices[found++] = (key << 64) | (first << 32) | count;
                i += count;
            }
        }
        assembly ("memory-safe") {
            mstore(slices, found)
        }
    }

    function _readExpiries(LiveUnderlying memory u, uint256[] memory slices, bool newRisk) private view {
        uint40[] memory expiries = new uint40[](slices.length);
        uint256 n;
        for (uint256 i; i < slices.length; ++i) {
            if ((slices[i] >> 104) & 0xff == u.number) expiries[n++] = uint40(slices[i] >> 64);
        }
        if (n == 0) return;
        require(UnderlyingWord.unwrap(u.word) != 0, IMarginModel.UnderlyingNotInTable(u.number));
        assembly ("memory-safe") {
            mstore(expiries, n)
        }
        ExpiryFeed[] memory feeds = _feed.expiryFeeds(uint8(u.number), expiries);
        u.expiries = new LiveExpiry[](n);
        uint256 k;
        for (uint256 i; k < n; ++i) {
            uint256 slice = slices[i];
            if ((slice >> 104) & 0xff != u.number) continue;
            LiveExpiry memory e = u.expiries[k];
            e.feed = feeds[k];
            require(!newRisk || !e.feed.stale, IMarginModel.FeedStale(u.number));
            _readTime(e, uint8(u.number), expiries[k++]);
            // what an expired option pays is decided, though not yet fixed: the index says nothing of it any more
            require(!newRisk || e.time != 0 || e.fixedPart == WAD, IMarginModel.FeedStale(u.number));
            (e.first, e.count) = (uint32(slice >> 32), uint32(slice));
        }
    }

    function _readTime(LiveExpiry memory e, uint8 underlying, uint40 expiry) private view {
        if (block.timestamp < expiry) e.time = expiry - block.timestamp;
        if (e.time < WINDOW) (e.fixedPart, e.fixedPrice) = _settlements.fixing(underlying, expiry);
    }
}
