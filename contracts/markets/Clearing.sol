// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {PerpState} from "../interfaces/IPositions.sol";
import {AccountId} from "../types/AccountId.sol";
import {FixedPoint, WAD} from "../types/FixedPoint.sol";
import {ExpiryWord} from "../types/LedgerWords.sol";
import {Instrument, Position} from "../types/Position.sol";
import {OptionMarkets} from "./OptionMarkets.sol";
import {PerpMarkets} from "./PerpMarkets.sol";

/// @title What is pending between an account and the clearing accounts: booked by a touch, or only reckoned (D1)
/// @dev Both ways use the same formulas on the same numbers, so a touch changes nobody's result.
abstract contract Clearing is PerpMarkets, OptionMarkets {
    // ---------------------------------------------------------------- booked

    /// @dev Books all funding, gives settled positions away. Backwards, since a gap is filled by the last one.
    function _touchBook(Book memory b) internal {
        Taking memory t;
        for (uint256 i = b.count; i != 0;) {
            Position word = b.words[--i];
            if (!_isOption(word)) {
                Perp memory p = _openPerp(word.instrument().underlying());
                _bookFunding(b, i, p);
                if (p.market.isClosed()) _takePerp(b, i, p);
                _storePerp(p);
            } else if (_isPast(word)) {
                _takeOption(b, i, t);
            }
        }
        _finishTaking(t);
    }

    /// @dev Two accounts' positions met outside of a fill: open interest falls, so no cap is asked. `grown` ≤ 0.
    function _shrink(Instrument instrument, int256 grown) internal {
        if (instrument.isPerp()) {
            PerpSlots storage slots = _perps[instrument.underlying()];
            uint256 total = uint256(int256(slots.market.openInterest()) + grown);
            slots.market = slots.market.withOpenInterest(total);
        } else {
            uint256 key = _expiryKey(instrument.underlying(), instrument.expiry());
            ExpiryWord word = _expiries[key];
            _expiries[key] = word.withOpenInterest(uint256(int256(word.openInterest()) + grown));
        }
    }

    // ---------------------------------------------------------------- reckoned

    /// @dev An account as its margin sees it, without writing anything. Live options, which may be many, cost their slot and little more.
    function _ledgerOf(
        AccountId account
    ) internal view returns (int256 quote, Position[] memory positions, PerpState[] memory perps) {
        LedgerSlots storage slots = _ledger[account];
        uint256 n = slots.header;
        quote = _headerQuote(n);
        n = _headerCount(n);
        positions = new Position[](n);
        uint256 live;
        uint256 perpCount;
        for (uint256 i = 0; i < n; ++i) {
            Position word = Position.wrap(slots.words[i]);
            if (_isOption(word) && !_isPast(word)) {
                positions[live++] = word;
                continue;
            }
            (int256 pending, bool gone) = _isOption(word) ? _pendingOption(word) : _pendingPerp(word);
            quote += pending;
            if (gone) continue;
            positions[live++] = word;
            if (!_isOption(word)) ++perpCount;
        }
        assembly ("memory-safe") {
            // shorter than allocated
            mstore(positions, live)
        }
        perps = _statesOf(positions, perpCount);
    }

    /// @dev The payoff, once its expiry is settled.
    function _pendingOption(Position word) private view returns (int256 pending, bool settled) {
        ExpiryWord expiry = _expiries[_expiryKey(word.instrument().underlying(), word.instrument().expiry())];
        settled = expiry.isSettled();
        if (settled) pending = _payoff(word, expiry.price());
    }

    /// @dev Funding until now, and of a closed market the value too.
    function _pendingPerp(Position word) private view returns (int256 pending, bool closed) {
        PerpSlots storage slots = _perps[word.instrument().underlying()];
        int256 size = word.size();
        pending = _floorWad(-size * (slots.funding.indexAt(block.timestamp) - word.fundingIndex()));
        closed = slots.market.isClosed();
        if (closed) pending += FixedPoint.mulDivFloor(size, slots.terms.frozenMark(), WAD);
    }

    function _statesOf(Position[] memory positions, uint256 count) private view returns (PerpState[] memory perps) {
        perps = new PerpState[](count);
        uint256 k;
        for (uint256 i = 0; k < count; ++i) {
            if (_isOption(positions[i])) continue;
            perps[k++] = _stateOf(positions[i].instrument().underlying());
        }
    }

    /// @dev U at mid of an account with nothing else pending. An option has none before its expiry is settled.
    /// @param up rounds every position's value up: what a loser may be made to pay is what he surely owes.
    function _unsettled(
        int256 quote,
        Position[] memory words,
        uint256 count,
        bool up
    ) internal view returns (int256 u) {
        u = quote;
        for (uint256 i = 0; i < count; ++i) {
            Instrument instrument = words[i].instrument();
            if (!instrument.isPerp()) continue;
            uint256 mark = _markOf(instrument.underlying());
            int256 size = words[i].size();
            u += up ? FixedPoint.mulDivCeil(size, mark, WAD) : FixedPoint.mulDivFloor(size, mark, WAD);
        }
    }
}
