// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {FillLeg} from "../interfaces/IPositions.sol";
import {FixedPoint, WAD} from "../types/FixedPoint.sol";
import {ExpiryWord, OptionWord} from "../types/LedgerWords.sol";
import {Instrument, InstrumentLib, Position} from "../types/Position.sol";
import {LedgerBooks} from "./LedgerBooks.sol";

/// @title Option markets: fills, and what a settled expiry pays (DESIGN 7)
abstract contract OptionMarkets is LedgerBooks {
    /// @dev A settled expiry taking positions over, in memory; neighbours in an account's array mostly share it.
    struct Taking {
        uint256 key;
        ExpiryWord word;
        int256 value; // paid so far
        Position[] taken;
        uint256 count;
    }

    /// @dev Where a position's word has them (see {Position}).
    uint256 private constant KIND_SHIFT = 254;
    uint256 private constant EXPIRY_SHIFT = 206;

    // ---------------------------------------------------------------- fills

    /// @dev Books a leg: `leg.size` to `a`, the opposite to `b`. Nothing goes through the quote: the premium is cash.
    function _fillOption(Book memory a, Book memory b, FillLeg memory leg, bool aReduces, bool bReduces) internal {
        Instrument instrument = leg.instrument;
        require(_options[instrument].isListed(), NotListed(instrument));
        require(block.timestamp < instrument.expiry(), InstrumentExpired(instrument));
        uint256 key = _expiryKey(instrument.underlying(), instrument.expiry());
        ExpiryWord word = _expiries[key];
        bool frozen = word.isReduceOnly();
        int256 grown = _tradeOption(a, instrument, leg.size, aReduces, frozen);
        grown += _tradeOption(b, instrument, -leg.size, bReduces, frozen);
        if (grown == 0) return;
        uint256 total = uint256(int256(word.openInterest()) + grown);
        uint256 cap = word.cap();
        // an expiry above a lowered cap may still shrink
        require(grown < 0 || total <= cap, OpenInterestCapExceeded(instrument, cap, total));
        _expiries[key] = word.withOpenInterest(total);
    }

    function _tradeOption(
        Book memory b,
        Instrument instrument,
        int256 change,
        bool reduces,
        bool frozen
    ) private pure returns (int256 grown) {
        int256 before;
        uint256 i = _find(b, instrument);
        if (i != NONE) before = b.words[i].size();
        _requireReduction(b, instrument, before, change, reduces, frozen);
        _change(b, i, instrument, 0, change);
        return _grown(before, change);
    }

    // ---------------------------------------------------------------- expiry

    /// @dev Only after its expiry is an option's market asked: before, it is alive without a doubt.
    function _isPast(Position word) internal view returns (bool) {
        return block.timestamp >= uint40(Position.unwrap(word) >> EXPIRY_SHIFT);
    }

    /// @dev A position is a perp or an option.
    function _isOption(Position word) internal pure returns (bool) {
        return Position.unwrap(word) >> KIND_SHIFT == InstrumentLib.KIND_OPTION;
    }

    /// @dev What a position is paid at the final price, rounded down for its holder.
    function _payoff(Position word, uint256 price) internal pure returns (int256) {
        return FixedPoint.mulDivFloor(word.size(), _payoffOfOne(word.instrument(), price), WAD);
    }

    function _payoffOfOne(Instrument instrument, uint256 price) internal pure returns (uint256) {
        uint256 strike = uint256(instrument.strike()) * InstrumentLib.STRIKE_UNIT;
        if (instrument.isCall()) return price > strike ? price - strike : 0;
        return strike > price ? strike - price : 0;
    }

    /// @dev If its expiry is settled: the clearing account takes the position over and owes its payoff instead.
    function _takeOption(Book memory b, uint256 i, Taking memory t) internal {
        Position word = b.words[i];
        Instrument instrument = word.instrument();
        uint256 key = _expiryKey(instrument.underlying(), instrument.expiry());
        if (key != t.key) {
            _finishTaking(t);
            (t.key, t.word) = (key, _expiries[key]);
        }
        if (!t.word.isSettled()) return;
        int256 value = _payoff(word, t.word.price());
        b.quote += value;
        t.value += value;
        OptionWord option = _options[instrument];
        int256 held = option.taken() + word.size();
        _options[instrument] = option.withTaken(held);
        if (t.taken.length == 0) t.taken = new Position[](MAX_POSITIONS);
        t.taken[t.count++] = word.withSize(held);
        _remove(b, i);
    }

    /// @dev The clearing account's side, written once per run of neighbours.
    function _finishTaking(Taking memory t) internal {
        uint256 n = t.count;
        if (n == 0) return;
        Position[] memory taken = t.taken;
        assembly ("memory-safe") {
            // shorter than allocated
            mstore(taken, n)
        }
        _takeOver(t.key, t.value, 0, taken);
        (t.value, t.count, t.taken) = (0, 0, new Position[](0));
    }
}
