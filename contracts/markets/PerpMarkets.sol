// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IAttestedFeed} from "../interfaces/IAttestedFeed.sol";
import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {FillLeg, LedgerCause, PerpState} from "../interfaces/IPositions.sol";
import {AccountId} from "../types/AccountId.sol";
import {AssetIdLib} from "../types/AssetId.sol";
import {FixedPoint, IWAD, WAD} from "../types/FixedPoint.sol";
import {ClearingWord, PerpWord} from "../types/LedgerWords.sol";
import {Instrument, InstrumentLib, Position} from "../types/Position.sol";
import {LedgerBooks} from "./LedgerBooks.sol";

/// @title Perp markets: funding, marks, fills and closed markets (DESIGN 7)
abstract contract PerpMarkets is LedgerBooks {
    /// @dev A market being changed, in memory.
    struct Perp {
        uint8 underlying;
        PerpWord market0;
        PerpWord market;
        int256 index; // funding index now
        ClearingWord clearing0;
        ClearingWord clearing;
        uint256 frozenMark; // of a closed market
    }

    // ---------------------------------------------------------------- market

    function _openPerp(uint8 underlying) internal view returns (Perp memory p) {
        PerpSlots storage slots = _perps[underlying];
        p.underlying = underlying;
        p.market0 = p.market = slots.market;
        p.index = slots.funding.indexAt(block.timestamp);
        p.clearing0 = p.clearing = slots.clearing;
        if (p.market.isClosed()) p.frozenMark = slots.terms.frozenMark();
    }

    function _storePerp(Perp memory p) internal {
        PerpSlots storage slots = _perps[p.underlying];
        if (PerpWord.unwrap(p.market) != PerpWord.unwrap(p.market0)) slots.market = p.market;
        if (ClearingWord.unwrap(p.clearing) == ClearingWord.unwrap(p.clearing0)) return;
        slots.clearing = p.clearing;
        AccountId id = _clearingAccount(p.underlying);
        int256 quote = p.clearing.quote() + _headerQuote(_ledger[id].header);
        emit LedgerChanged(id, LedgerCause.Clearing, quote, new Position[](0));
    }

    /// @dev Funding is booked before anything else happens to a position (D1): what the account gets is rounded down, the clearing
    /// account gives exactly that, and what rounding kept is remembered as dust.
    function _bookFunding(Book memory b, uint256 i, Perp memory p) internal pure {
        Position word = b.words[i];
        int256 moved = p.index - word.fundingIndex();
        if (moved == 0) return;
        int256 size = word.size();
        // longs pay when the index has risen
        int256 exact = -size * moved;
        int256 booked = _floorWad(exact);
        b.quote += booked;
        p.clearing = p.clearing.book(exact, booked);
        b.words[i] = InstrumentLib.perp(p.underlying).position(p.index, size);
        b.dirty |= 1 << i;
    }

    /// @dev exact / 1e18 towards minus infinity.
    function _floorWad(int256 exact) internal pure returns (int256 result) {
        result = exact / IWAD;
        if (exact % IWAD < 0) --result;
    }

    // ---------------------------------------------------------------- fills

    /// @dev Books a leg: `leg.size` to `a`, the opposite to `b`; −size·price to the quote of `a`, rounded down, the opposite to `b`.
    function _fillPerp(Book memory a, Book memory b, FillLeg memory leg, bool aReduces, bool bReduces) internal {
        Instrument instrument = leg.instrument;
        uint8 underlying = instrument.underlying();
        Perp memory p = _openPerp(underlying);
        require(p.market.isListed() && instrument == InstrumentLib.perp(underlying), NotListed(instrument));
        require(!p.market.isClosed(), MarketClosed(instrument));
        bool frozen = p.market.isFrozen();
        int256 grown = _tradePerp(a, p, leg.size, aReduces, frozen) + _tradePerp(b, p, -leg.size, bReduces, frozen);
        if (grown != 0) {
            uint256 total = uint256(int256(p.market.openInterest()) + grown);
            uint256 cap = p.market.cap();
            // a market above a lowered cap may still shrink
            require(grown < 0 || total <= cap, OpenInterestCapExceeded(instrument, cap, total));
            p.market = p.market.withOpenInterest(total);
        }
        int256 paid = FixedPoint.mulDivFloor(leg.size, leg.price, WAD);
        a.quote -= paid;
        b.quote += paid;
        _storePerp(p);
    }

    function _tradePerp(
        Book memory b,
        Perp memory p,
        int256 change,
        bool reduces,
        bool frozen
    ) private pure returns (int256 grown) {
        Instrument instrument = InstrumentLib.perp(p.underlying);
        int256 before;
        uint256 i = _find(b, instrument);
        if (i != NONE) {
            _bookFunding(b, i, p);
            before = b.words[i].size();
        }
        _requireReduction(b, instrument, before, change, reduces, frozen);
        _change(b, i, instrument, p.index, change);
        return _grown(before, change);
    }

    // ---------------------------------------------------------------- closed markets

    /// @dev The clearing account takes the position over at the final mark; funding is booked already.
    function _takePerp(Book memory b, uint256 i, Perp memory p) internal {
        int256 size = b.words[i].size();
        int256 value = FixedPoint.mulDivFloor(size, p.frozenMark, WAD);
        b.quote += value;
        _remove(b, i);
        p.market = p.market.withOpenInterest(p.market.openInterest() - _long(size));
        PerpSlots storage slots = _perps[p.underlying];
        int256 held = slots.clearingSize + size;
        slots.clearingSize = held;
        Position[] memory taken = new Position[](1);
        taken[0] = InstrumentLib.perp(p.underlying).position(p.index, held);
        _takeOver(p.underlying, value, p.clearing.quote(), taken);
    }

    // ---------------------------------------------------------------- marks

    function _midPrice(uint8 underlying) internal view returns (uint256) {
        return IMarginEngine(_safe.engine()).midPrice(AssetIdLib.pool(underlying));
    }

    function _clampPremium(int256 premium, int256 clamp) internal pure returns (int256) {
        return FixedPoint.max(FixedPoint.min(premium, clamp), -clamp);
    }

    /// @dev Mark at mid: the frozen one, or index·(1 + clamped premium), rounded down for everybody alike.
    function _markOf(uint8 underlying) internal view returns (uint256) {
        PerpSlots storage slots = _perps[underlying];
        PerpWord market = slots.market;
        if (market.isFrozen()) return slots.terms.frozenMark();
        (int256 premium, , , ) = IAttestedFeed(_feed).premium(underlying);
        int256 ratio = IWAD + _clampPremium(premium, market.clamp());
        return FixedPoint.mulDivDown(_midPrice(underlying), uint256(ratio), WAD);
    }

    /// @dev What margins need of a market.
    function _stateOf(uint8 underlying) internal view returns (PerpState memory s) {
        PerpSlots storage slots = _perps[underlying];
        PerpWord market = slots.market;
        s.openInterest = market.openInterest();
        s.slowOpenInterest = slots.slow.checkpoint();
        if (market.isFrozen()) {
            (s.markRatio, s.frozenMark, s.confidence) = (IWAD, slots.terms.frozenMark(), WAD);
            return s;
        }
        int256 premium;
        (premium, s.confidence, , s.stale) = IAttestedFeed(_feed).premium(underlying);
        s.markRatio = IWAD + _clampPremium(premium, market.clamp());
    }
}
