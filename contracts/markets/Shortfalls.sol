// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {LedgerCause} from "../interfaces/IPositions.sol";
import {AccountId} from "../types/AccountId.sol";
import {FixedPoint} from "../types/FixedPoint.sol";
import {Instrument, Position} from "../types/Position.sol";
import {Settling} from "./Settling.sol";

/// @title The register of shortfalls: losses that nobody could pay, until winners have borne them (DESIGN 8.4, L2)
/// @dev The register is an account of the ledger's own with a negative quote, so Σ quote and ΣU stay zero all along (D1): what
/// is lifted off a bidder the register owes, and what a winner loses it no longer owes.
abstract contract Shortfalls is Settling {
    /// @dev Long enough for some rounds of deleveraging, which anybody can drive; no longer, or a shortfall for which nobody moves
    /// would keep all profits from becoming cash.
    uint256 private constant HOLD = 1 hours;

    function _bookShortfall(AccountId from, AccountId bidder, uint256 amount) internal {
        require(from != bidder, SameAccount(from));
        int256 lifted = int256(amount * _cashUnit);
        // the protocol's own profit first, as its own cash went first
        int256 left = lifted - _payFrom(_feeAccount(), lifted);
        left -= _payFrom(_safe.insurance(), left);
        _addQuote(bidder, lifted, LedgerCause.Shortfall);
        uint256 open = _openShortfall();
        if (left != 0) {
            _addQuote(_shortfallAccount(), -left, LedgerCause.Shortfall);
            open += uint256(left);
            _heldUntil = uint40(block.timestamp + HOLD);
            _noteSides(from);
        }
        emit ShortfallBooked(from, bidder, uint256(lifted), uint256(lifted - left), open);
    }

    /// @dev At most the quote of an account that has nothing else, so all of it is profit.
    function _payFrom(AccountId id, int256 most) private returns (int256 paid) {
        uint256 header = _ledger[id].header;
        int256 quote = _headerQuote(header);
        if (_headerCount(header) != 0 || quote <= 0) return 0;
        paid = FixedPoint.min(quote, most);
        if (paid != 0) _addQuote(id, -paid, LedgerCause.Shortfall);
    }

    /// @dev Where winners are looked for: the other sides of the loser's perps.
    function _noteSides(AccountId from) private {
        LedgerSlots storage slots = _ledger[from];
        uint256 n = _headerCount(slots.header);
        (uint256 longs, uint256 shorts) = (_losersLong, _losersShort);
        for (uint256 i = 0; i < n; ++i) {
            Position word = Position.wrap(slots.words[i]);
            Instrument instrument = word.instrument();
            if (!instrument.isPerp()) continue;
            if (word.size() > 0) longs |= 1 << instrument.underlying();
            else shorts |= 1 << instrument.underlying();
        }
        (_losersLong, _losersShort) = (longs, shorts);
    }

    function _cancelProfit(AccountId winner, uint256 most) internal returns (uint256 cancelled) {
        Book memory b = _loadTouched(winner);
        int256 u = _unsettled(b.quote, b.words, b.count, false);
        uint256 open = _openShortfall();
        if (u > 0) cancelled = FixedPoint.min(FixedPoint.min(uint256(u), most), open);
        b.quote -= int256(cancelled);
        _store(b, LedgerCause.Deleveraging);
        if (cancelled == 0) return 0;
        _addQuote(_shortfallAccount(), int256(cancelled), LedgerCause.Deleveraging);
        open -= cancelled;
        if (open == 0) {
            _heldUntil = 0;
            (_losersLong, _losersShort) = (0, 0);
        }
        emit ProfitCancelled(winner, cancelled, open);
    }
}
