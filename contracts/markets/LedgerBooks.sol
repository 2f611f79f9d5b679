// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {LedgerCause} from "../interfaces/IPositions.sol";
import {AccountId} from "../types/AccountId.sol";
import {Instrument, Position} from "../types/Position.sol";
import {LedgerStorage} from "./LedgerStorage.sol";

/// @title One account of the ledger: read once, changed in memory, written once with one event.
/// @dev Finding an instrument is a scan of all positions. Every slot that it reads cold is read again, warm, by the margin check that
/// follows any fill, so an index would cost slots and save nothing.
abstract contract LedgerBooks is LedgerStorage {
    /// @dev An account in memory. `words` has room for what the operation may add.
    struct Book {
        AccountId id;
        int256 quote;
        uint256 count;
        Position[] words;
        uint256 dirty; // bit i: slot i was changed
        Position[] closed; // words of positions that are gone, size 0
        uint256 closings;
        uint256 header; // as read
    }

    uint256 internal constant NONE = type(uint256).max;
    uint256 private constant COUNT_MASK = 0xff;
    uint256 private constant PERP_MASK = ((uint256(1) << 10) - 1) << 246;
    uint256 private constant OPTION_MASK = ((uint256(1) << 128) - 1) << 128;

    function _headerQuote(uint256 header) internal pure returns (int256) {
        return int256(header) >> 8;
    }

    function _headerCount(uint256 header) internal pure returns (uint256) {
        return header & COUNT_MASK;
    }

    function _header(int256 quote, uint256 count) private pure returns (uint256) {
        require(quote == (quote << 8) >> 8, TooLarge(uint256(quote)));
        return (uint256(quote) << 8) | count;
    }

    /// @param extra positions that may be added.
    function _load(AccountId id, uint256 extra) internal view returns (Book memory b) {
        LedgerSlots storage slots = _ledger[id];
        b.id = id;
        b.header = slots.header;
        b.quote = _headerQuote(b.header);
        uint256 n = _headerCount(b.header);
        b.count = n;
        b.words = new Position[](n + extra);
        b.closed = new Position[](n + extra);
        for (uint256 i = 0; i < n; ++i) b.words[i] = Position.wrap(slots.words[i]);
    }

    /// @dev Its index, or `NONE`. Of a perp the word is compared without its funding index.
    function _find(Book memory b, Instrument instrument) internal pure returns (uint256) {
        uint256 mask = instrument.isPerp() ? PERP_MASK : OPTION_MASK;
        uint256 target = uint256(Instrument.unwrap(instrument)) << 128;
        Position[] memory words = b.words;
        uint256 n = b.count;
        for (uint256 i = 0; i < n; ++i) {
            if ((Position.unwrap(words[i]) ^ target) & mask == 0) return i;
        }
        return NONE;
    }

    /// @dev Adds `change` to the position at `i` (`NONE`: a new one). A perp's funding must have been booked to `fundingIndex`.
    /// `change` ≠ 0 and sizes stay below 2^105 (open interest bounds them), so 128 bits hold them.
    function _change(
        Book memory b,
        uint256 i,
        Instrument instrument,
        int256 fundingIndex,
        int256 change
    ) internal pure {
        if (i == NONE) {
            i = b.count;
            require(i < MAX_POSITIONS, TooManyPositions(b.id));
            b.count = i + 1;
            b.words[i] = instrument.position(fundingIndex, change);
            b.dirty |= 1 << i;
            return;
        }
        int256 size = b.words[i].size() + change;
        if (size == 0) {
            _remove(b, i);
            return;
        }
        b.words[i] = b.words[i].withSize(size);
        b.dirty |= 1 << i;
    }

    /// @dev Orders signed as reduce-only, and any fill of a frozen market, bring a position nearer to zero and not beyond it.
    function _requireReduction(
        Book memory b,
        Instrument instrument,
        int256 before,
        int256 change,
        bool reduces,
        bool frozen
    ) internal pure {
        if (before > 0 ? change < 0 && change >= -before : change > 0 && change <= -before) return;
        require(!frozen, MarketFrozen(instrument));
        require(!reduces, NotReducing(b.id, instrument));
    }

    /// @dev What a change of size does to open interest, the sum of the longs.
    function _grown(int256 before, int256 change) internal pure returns (int256) {
        return int256(_long(before + change)) - int256(_long(before));
    }

    function _long(int256 size) internal pure returns (uint256) {
        return size > 0 ? uint256(size) : 0;
    }

    /// @dev The last position fills the gap.
    function _remove(Book memory b, uint256 i) internal pure {
        b.closed[b.closings++] = b.words[i].withSize(0);
        uint256 last = --b.count;
        if (i == last) return;
        b.words[i] = b.words[last];
        b.dirty |= 1 << i;
    }

    /// @dev Writes what changed, and tells the safe when it now has to ask about the account, or need not any more.
    function _store(Book memory b, LedgerCause cause) internal {
        uint256 before = b.header;
        uint256 header = _header(b.quote, b.count);
        if (header == before && b.dirty == 0) return;
        LedgerSlots storage slots = _ledger[b.id];
        if (header != before) slots.header = header;
        uint256 n;
        Position[] memory changed = new Position[](b.count + b.closings);
        for (uint256 i = 0; b.dirty >> i != 0; ++i) {
            if ((b.dirty >> i) & 1 == 0 || i >= b.count) continue;
            slots.words[i] = Position.unwrap(b.words[i]);
            changed[n++] = b.words[i];
        }
        uint256 count0 = _headerCount(before);
        for (uint256 i = b.count; i < count0; ++i) delete slots.words[i];
        for (uint256 i = 0; i < b.closings; ++i) changed[n++] = b.closed[i];
        assembly ("memory-safe") {
            // shorter than allocated
            mstore(changed, n)
        }
        emit LedgerChanged(b.id, cause, b.quote, changed);
        _flag(b.id, before, header);
    }

    /// @dev Moves `amount` from a clearing account for what it takes over. It keeps no array of positions: `taken` says what it now
    /// holds of each instrument. `fundingQuote`: the part of its quote that is kept with the market.
    function _takeOver(uint256 key, int256 amount, int256 fundingQuote, Position[] memory taken) internal {
        AccountId id = _clearingAccount(key);
        LedgerSlots storage slots = _ledger[id];
        int256 quote = _headerQuote(slots.header) - amount;
        slots.header = _header(quote, 0);
        emit LedgerChanged(id, LedgerCause.Clearing, quote + fundingQuote, taken);
    }

    /// @dev Changes a quote alone.
    function _addQuote(AccountId id, int256 amount, LedgerCause cause) internal {
        LedgerSlots storage slots = _ledger[id];
        uint256 before = slots.header;
        int256 quote = _headerQuote(before) + amount;
        uint256 header = _header(quote, _headerCount(before));
        slots.header = header;
        emit LedgerChanged(id, cause, quote, new Position[](0));
        _flag(id, before, header);
    }

    function _flag(AccountId id, uint256 before, uint256 header) private {
        bool owing = _mayOwe(header);
        bool quoted = header >> 8 != 0;
        if (owing == _mayOwe(before) && quoted == (before >> 8 != 0)) return;
        // the ledger's own accounts hold nothing in the safe
        if (id.owner() != address(this)) _safe.setLedgerFlags(id, owing, quoted);
    }

    /// @dev Positions, or a negative quote: with neither nothing can be lost by others, and the safe asks no price (A3).
    function _mayOwe(uint256 header) private pure returns (bool) {
        return _headerCount(header) != 0 || int256(header) < 0;
    }
}
