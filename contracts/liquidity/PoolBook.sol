// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";

import {ExpiryFeed, IAttestedFeed} from "../interfaces/IAttestedFeed.sol";
import {IMarginAccounts} from "../interfaces/IMarginAccounts.sol";
import {IMarginEngine, PriceFault, PriceState} from "../interfaces/IMarginEngine.sol";
import {IMarginModel} from "../interfaces/IMarginModel.sol";
import {Inventory, IPoolPricer, Mark, Sheet} from "../interfaces/IPoolPricer.sol";
import {IPositionsErrors, IPositionsLedger, PerpMarket, PerpState} from "../interfaces/IPositions.sol";
import {IRealizedVolatility} from "../interfaces/IRealizedVolatility.sol";
import {ISettlementPrices} from "../interfaces/ISettlementPrices.sol";
import {Black76, OptionGreeks, OptionTerms} from "../risk/Black76.sol";
import {NormalTableLib} from "../risk/NormalTable.sol";
import {ExpirySmile, VolSurface} from "../risk/VolSurface.sol";
import {AccountId} from "../types/AccountId.sol";
import {AssetIdLib, SETTLEMENT} from "../types/AssetId.sol";
import {FixedPoint, IWAD, WAD, YEAR} from "../types/FixedPoint.sol";
import {Instrument, InstrumentLib, Position} from "../types/Position.sol";

/// @title Marks and greeks of the pool's book, from the sources and the formulas that the margin models use (DESIGN 5, 6)
/// @notice Perps at index · (1 + clamped premium), options at Black-76 on the attested smile; each at the low, the mid and the high index,
/// of which the worst and the best count. Stricter than margins: whatever stops new risk stops it.
abstract contract PoolBook is IPoolPricer {
    uint256 private constant MOST_UNDERLYINGS = 16;
    /// @dev Before an expiry its average is being fixed for so long.
    uint256 private constant WINDOW = 30 minutes;

    /// @dev An underlying's index at its three points, settlement units WAD.
    struct Points {
        uint256 low;
        uint256 mid;
        uint256 high;
    }

    /// @dev What the options of an expiry share.
    struct Expiry {
        uint256 key; // underlying 8 | expiry 40
        uint256 movingPart; // forward ÷ index that still moves, WAD
        uint256 fixedForward; // the rest of the forward, settlement units WAD
        uint256 time; // years WAD
        uint256 rate;
        ExpirySmile smile;
    }

    /// @dev One instrument priced.
    struct Line {
        uint256 low;
        uint256 high;
        int256 delta;
        int256 vega;
    }

    struct Work {
        IMarginEngine engine;
        IPositionsLedger ledger;
        uint256 settlementPrice;
        uint256 normal;
        uint256 underlyings;
        Points[] points; // as the sheet's inventories
        uint256 expiries;
        Expiry[] list;
    }

    IMarginAccounts private immutable _safe;
    IAttestedFeed private immutable _feed;
    ISettlementPrices private immutable _settlements;
    IRealizedVolatility private immutable _volatility;
    address private immutable _normal;

    constructor(
        IMarginAccounts safe,
        IAttestedFeed feed,
        ISettlementPrices settlements,
        IRealizedVolatility volatility,
        address normal
    ) {
        (_safe, _feed, _settlements, _volatility, _normal) = (safe, feed, settlements, volatility, normal);
    }

    /// @inheritdoc IPoolPricer
    function sheet(AccountId account, Instrument[] memory asked) public view returns (Sheet memory s) {
        Work memory w;
        w.ledger = IPositionsLedger(_safe.positions());
        Position[] memory positions;
        PerpState[] memory perps;
        (s.quote, positions, perps) = w.ledger.ledgerOf(account);
        s.marks = new Mark[](asked.length);
        if (positions.length + asked.length == 0) return s;

        w.engine = IMarginEngine(_safe.engine());
        PriceState memory unit = w.engine.priceState(SETTLEMENT);
        require(unit.fault == PriceFault.None, IMarginEngine.PriceUnusable(SETTLEMENT, unit.fault));
        w.settlementPrice = unit.primary;
        w.normal = NormalTableLib.load(_normal);
        w.points = new Points[](MOST_UNDERLYINGS);
        w.list = new Expiry[](positions.length + asked.length);
        s.inventories = new Inventory[](MOST_UNDERLYINGS);

        uint256 perp;
        for (uint256 i; i < positions.length; ++i) {
            Instrument instrument = positions[i].instrument();
            uint256 u = _underlying(w, s, instrument.underlying());
            if (instrument.isPerp()) {
                _addPerp(s.inventories[u], _perp(w.points[u], instrument, perps[perp++]), positions[i].size());
            } else {
                ++s.options;
                _addOption(s.inventories[u], _option(w, w.points[u], instrument), positions[i].size());
            }
        }
        for (uint256 i; i < asked.length; ++i) _ask(w, s, s.marks[i], asked[i], positions, perps);
        Inventory[] memory inventories = s.inventories;
        uint256 n = w.underlyings;
        assembly ("memory-safe") {
            mstore(inventories, n)
        }
    }

    // ------------------------------------------------------------------ the book

    function _addPerp(Inventory memory v, Line memory line, int256 size) private pure {
        v.delta += size;
        v.grossDelta += _abs(size);
        // a long is worth least at the low mark, a short at the high one
        (uint256 worst, uint256 best) = size < 0 ? (line.high, line.low) : (line.low, line.high);
        v.perpLow += FixedPoint.mulDivFloor(size, worst, WAD);
        v.perpHigh += FixedPoint.mulDivCeil(size, best, WAD);
    }

    function _addOption(Inventory memory v, Line memory line, int256 size) private pure {
        int256 delta = (size * line.delta) / IWAD;
        int256 vega = (size * line.vega) / IWAD;
        v.delta += delta;
        v.vega += vega;
        v.grossDelta += _abs(delta);
        v.grossVega += _abs(vega);
        v.options += _abs(size);
        (uint256 worst, uint256 best) = size < 0 ? (line.high, line.low) : (line.low, line.high);
        v.optionLow += FixedPoint.mulDivFloor(size, worst, WAD);
        v.optionHigh += FixedPoint.mulDivCeil(size, best, WAD);
    }

    function _ask(
        Work memory w,
        Sheet memory s,
        Mark memory m,
        Instrument instrument,
        Position[] memory positions,
        PerpState[] memory perps
    ) private view {
        m.inventory = _underlying(w, s, instrument.underlying());
        Points memory points = w.points[m.inventory];
        uint256 perp;
        PerpState memory state;
        for (uint256 i; i < positions.length; ++i) {
            if (positions[i].instrument() == instrument) {
                m.held = positions[i].size();
                if (positions[i].isPerp()) state = perps[perp];
            }
            if (positions[i].isPerp()) ++perp;
        }
        Line memory line;
        if (instrument.isPerp()) {
            if (state.markRatio == 0) state = _stateOf(w, instrument);
            // a frozen market only closes, at a price of its own
            require(state.frozenMark == 0, IPositionsErrors.MarketFrozen(instrument));
            line = _perp(points, instrument, state);
        } else {
            require(instrument.expiry() > block.timestamp, IPositionsErrors.InstrumentExpired(instrument));
            line = _option(w, points, instrument);
        }
        (m.low, m.high, m.delta, m.vega) = (line.low, line.high, line.delta, line.vega);
    }

    /// @dev Place of an underlying, whose index is read when it comes up first.
    function _underlying(Work memory w, Sheet memory s, uint8 number) private view returns (uint256 i) {
        for (; i < w.underlyings; ++i) if (s.inventories[i].underlying == number) return i;
        require(i < MOST_UNDERLYINGS, TooManyUnderlyings());
        ++w.underlyings;
        PriceState memory state = w.engine.priceState(AssetIdLib.pool(number));
        require(state.fault == PriceFault.None, IMarginEngine.PriceUnusable(AssetIdLib.pool(number), state.fault));
        Points memory p = w.points[i];
        p.low = FixedPoint.mulDivDown(state.low, WAD, w.settlementPrice);
        p.high = FixedPoint.mulDivDown(state.high, WAD, w.settlementPrice);
        p.mid = FixedPoint.mulDivDown((state.low + state.high) / 2, WAD, w.settlementPrice);
        Inventory memory v = s.inventories[i];
        (v.underlying, v.index) = (number, p.mid);
        v.spread = FixedPoint.mulDivUp(p.high - p.low, WAD, p.mid);
        v.age = state.updatedAt < block.timestamp ? block.timestamp - state.updatedAt : 0;
        (v.volatility, ) = _volatility.volatility(number);
    }

    // ------------------------------------------------------------------ perps

    function _perp(Points memory p, Instrument instrument, PerpState memory s) private pure returns (Line memory line) {
        line.delta = IWAD;
        (line.low, line.high) = (s.frozenMark, s.frozenMark);
        if (s.frozenMark != 0) return line;
        require(!s.stale, IMarginModel.FeedStale(instrument.underlying()));
        line.low = FixedPoint.mulDivDown(p.low, uint256(s.markRatio), WAD);
        line.high = p.high == p.low ? line.low : FixedPoint.mulDivUp(p.high, uint256(s.markRatio), WAD);
    }

    /// @dev Of a perp that the account does not hold, so that the ledger did not say.
    function _stateOf(Work memory w, Instrument instrument) private view returns (PerpState memory s) {
        uint8 underlying = instrument.underlying();
        require(instrument == InstrumentLib.perp(underlying), IPositionsErrors.NotListed(instrument));
        PerpMarket memory market = w.ledger.perpMarket(underlying);
        require(market.listed, IPositionsErrors.NotListed(instrument));
        s.frozenMark = market.frozenMark;
        int256 premium;
        (premium, , , s.stale) = _feed.premium(underlying);
        int256 clamp = int256(uint256(market.config.clamp));
        s.markRatio = IWAD + FixedPoint.max(FixedPoint.min(premium, clamp), -clamp);
    }

    // ------------------------------------------------------------------ options

    function _option(Work memory w, Points memory p, Instrument instrument) private view returns (Line memory line) {
        Expiry memory e = _expiry(w, instrument);
        OptionTerms memory o;
        o.strike = uint256(instrument.strike()) * InstrumentLib.STRIKE_UNIT;
        o.isCall = instrument.isCall();
        o.volatility = VolSurface.volatilityAt(e.smile, o.strike);
        (o.time, o.rate) = (e.time, e.rate);
        o.forward = _forward(e, p.mid);
        OptionGreeks memory g = Black76.greeks(w.normal, o);
        line.delta = (g.delta * int256(e.movingPart)) / IWAD;
        line.vega = g.vega;
        (line.low, line.high) = (uint256(g.price), uint256(g.price));
        if (p.low == p.high) return line;
        // in the index the price is monotone, a call's up and a put's down: the ends are the worst and the best
        uint256 low = _priceAt(w, e, o, p.low);
        uint256 high = _priceAt(w, e, o, p.high);
        (line.low, line.high) = (FixedPoint.min(low, high), FixedPoint.max(low, high));
    }

    function _priceAt(
        Work memory w,
        Expiry memory e,
        OptionTerms memory o,
        uint256 index
    ) private pure returns (uint256) {
        o.forward = _forward(e, index);
        uint256 rootTime = FixedPointMathLib.sqrt(o.time * WAD);
        uint256 price = Black76.price(w.normal, o.forward, o.strike, (o.volatility * rootTime) / WAD, o.isCall);
        return (price * uint256(FixedPointMathLib.expWad(-int256((o.rate * o.time) / WAD)))) / WAD;
    }

    function _forward(Expiry memory e, uint256 index) private pure returns (uint256) {
        return FixedPoint.mulDivDown(index, e.movingPart, WAD) + e.fixedForward;
    }

    function _expiry(Work memory w, Instrument instrument) private view returns (Expiry memory e) {
        (uint8 underlying, uint40 expiry) = (instrument.underlying(), instrument.expiry());
        uint256 key = (uint256(underlying) << 40) | expiry;
        for (uint256 i; i < w.expiries; ++i) if (w.list[i].key == key) return w.list[i];
        e = w.list[w.expiries++];
        e.key = key;
        uint40[] memory asked = new uint40[](1);
        asked[0] = expiry;
        ExpiryFeed memory feed = _feed.expiryFeeds(underlying, asked)[0];
        require(!feed.stale, IMarginModel.FeedStale(underlying));
        uint256 left = expiry > block.timestamp ? expiry - block.timestamp : 0;
        uint256 fixedPart;
        if (left < WINDOW) {
            (fixedPart, e.fixedForward) = _settlements.fixing(underlying, expiry);
            // what an expired option pays is decided, though nobody has shown it yet
            require(left != 0 || fixedPart == WAD, IMarginModel.FeedStale(underlying));
            e.fixedForward = FixedPoint.mulDivDown(e.fixedForward, fixedPart, WAD);
        }
        e.movingPart = FixedPoint.mulDivDown(feed.forwardRatio, WAD - fixedPart, WAD);
        e.time = (left * WAD) / YEAR;
        e.rate = feed.rate > 0 ? uint256(feed.rate) : 0;
        e.smile = VolSurface.prepare(feed);
    }

    function _abs(int256 value) private pure returns (uint256) {
        return uint256(value < 0 ? -value : value);
    }
}
