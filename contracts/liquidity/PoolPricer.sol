// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IAttestedFeed} from "../interfaces/IAttestedFeed.sol";
import {IExchange, Leg} from "../interfaces/IExchange.sol";
import {ILiquidityPool, ILiquidityPoolErrors, MarketTerms, PoolTerms} from "../interfaces/ILiquidityPool.sol";
import {IMarginAccounts} from "../interfaces/IMarginAccounts.sol";
import {Inventory, IPoolPricer, Mark, Offer, Sheet} from "../interfaces/IPoolPricer.sol";
import {FillLeg} from "../interfaces/IPositions.sol";
import {IRealizedVolatility} from "../interfaces/IRealizedVolatility.sol";
import {ISettlementPrices} from "../interfaces/ISettlementPrices.sol";
import {SETTLEMENT} from "../types/AssetId.sol";
import {FixedPoint, WAD} from "../types/FixedPoint.sol";
import {Instrument} from "../types/Position.sol";
import {PoolBook} from "./PoolBook.sol";
import {PoolQuotes} from "./PoolQuotes.sol";

/// @title What a pool asks and bids, and what its book is worth to leavers and newcomers
/// @dev A contract of its own because both together pass the size limit; it has neither state nor rights. Terms and exchange are those
/// of the pool that is asked about.
contract PoolPricer is PoolBook {
    uint256 private constant MOST_SIZE = 1e30;

    /// @dev WAD per token unit of the settlement asset.
    uint256 private immutable _unit;

    /// @dev One pool while its offer is made.
    struct Maker {
        ILiquidityPool pool;
        IExchange exchange;
        Sheet sheet;
        MarketTerms[] terms; // as the sheet's inventories
    }

    /// @dev Risk before a trade, for limits that may be exceeded by prices but not by trades.
    struct Before {
        uint256[] delta;
        uint256[] vega;
        uint256[] options;
        uint256 kinds;
    }

    constructor(
        IMarginAccounts safe,
        IAttestedFeed feed,
        ISettlementPrices settlements,
        IRealizedVolatility volatility,
        address normal
    ) PoolBook(safe, feed, settlements, volatility, normal) {
        (, uint8 decimals) = safe.assetToken(SETTLEMENT);
        _unit = 10 ** (18 - decimals);
    }

    // ---------------------------------------------------------------- offers

    /// @inheritdoc IPoolPricer
    /// @dev Each leg is priced with the inventory that those before it leave.
    function offer(ILiquidityPool pool, Leg[] calldata legs, uint128 size) external view returns (Offer memory o) {
        Maker memory maker = _maker(pool, legs);
        Sheet memory s = maker.sheet;
        Before memory before = _before(s);
        o.legs = new Leg[](legs.length);
        o.reduces = true;
        for (uint256 i; i < legs.length; ++i) {
            int256 added = -_sizeOf(legs[i], size);
            Mark memory m = s.marks[i];
            bool reduces = (m.held > 0) != (added > 0) && PoolQuotes.abs(added) <= PoolQuotes.abs(m.held);
            if (!reduces) o.reduces = false;
            (uint256 price, uint256 fee) = _price(maker, m, legs[i].instrument, added);
            o.fee += fee;
            o.legs[i] = Leg(legs[i].instrument, -legs[i].ratio, uint128(price));
            o.cost +=
                added < 0
                    ? int256(FixedPoint.mulDivUp(uint256(-added), price, WAD))
                    : -int256(FixedPoint.mulDivDown(uint256(added), price, WAD));
            if (legs[i].instrument.isOption()) _count(s, m, added);
        }
        if (!_requireLimits(maker, before)) o.reduces = false;
    }

    function _maker(ILiquidityPool pool, Leg[] calldata legs) private view returns (Maker memory maker) {
        Instrument[] memory asked = new Instrument[](legs.length);
        for (uint256 i; i < legs.length; ++i) asked[i] = legs[i].instrument;
        (maker.pool, maker.exchange) = (pool, IExchange(pool.exchange()));
        maker.sheet = sheet(pool.account(), asked);
        maker.terms = _termsOf(pool, maker.sheet);
    }

    function _termsOf(ILiquidityPool pool, Sheet memory s) private view returns (MarketTerms[] memory terms) {
        terms = new MarketTerms[](s.inventories.length);
        for (uint256 k; k < terms.length; ++k) terms[k] = pool.marketTerms(s.inventories[k].underlying);
    }

    /// @dev What the taker's order means by it, as the exchange reckons.
    function _sizeOf(Leg calldata leg, uint128 size) private pure returns (int256 value) {
        value = (int256(uint256(size)) * leg.ratio) / 1e18;
        uint256 absolute = PoolQuotes.abs(value);
        require(absolute != 0 && absolute <= MOST_SIZE, ILiquidityPoolErrors.SizeOutOfRange(absolute));
    }

    /// @param added > 0: the pool buys. @return price per whole one, the exchange's fee in it. @return fee that fee.
    function _price(
        Maker memory maker,
        Mark memory m,
        Instrument instrument,
        int256 added
    ) private view returns (uint256 price, uint256 fee) {
        Inventory memory v = maker.sheet.inventories[m.inventory];
        MarketTerms memory t = maker.terms[m.inventory];
        bool isOption = instrument.isOption();
        require(
            t.deltaLimit != 0 && !(isOption && instrument.expiry() <= block.timestamp + t.minTime),
            ILiquidityPoolErrors.NotQuoted(instrument)
        );
        require(v.age <= t.maxAge, ILiquidityPoolErrors.IndexTooOld(v.underlying, v.age));
        uint256 size = PoolQuotes.abs(added);
        uint256 charge = PoolQuotes.charge(t, v, m, added, isOption);
        // premiums are paid in whole token units, rounded up whoever pays
        if (isOption) charge += _unit;
        if (added < 0) {
            uint256 amount = FixedPoint.mulDivUp(size, m.high, WAD) + charge;
            fee = _feeOnTop(maker, instrument, added, amount);
            price = FixedPoint.mulDivUp(amount + fee, WAD, size);
        } else {
            uint256 value = FixedPoint.mulDivDown(size, m.low, WAD);
            require(value > charge, ILiquidityPoolErrors.NoBid(instrument));
            value -= charge;
            fee = _feeOf(maker, instrument, added, FixedPoint.mulDivUp(value, WAD, size));
            require(value > fee, ILiquidityPoolErrors.NoBid(instrument));
            price = FixedPoint.mulDivDown(value - fee, WAD, size);
        }
        require(price <= type(uint128).max, ILiquidityPoolErrors.SizeOutOfRange(size));
    }

    /// @dev The fee of an option is capped at a part c of a premium that has the fee in it: amount · c / (1 − c).
    function _feeOnTop(
        Maker memory maker,
        Instrument instrument,
        int256 added,
        uint256 amount
    ) private view returns (uint256 fee) {
        fee = _feeOf(maker, instrument, added, FixedPoint.mulDivUp(amount, WAD, PoolQuotes.abs(added)));
        if (!instrument.isOption()) return fee;
        uint256 most = _feeOf(maker, instrument, added, type(uint128).max);
        if (fee >= most || fee >= amount) return most;
        return FixedPoint.min(most, FixedPoint.mulDivUp(amount, fee, amount - fee));
    }

    function _feeOf(
        Maker memory maker,
        Instrument instrument,
        int256 added,
        uint256 price
    ) private view returns (uint256) {
        FillLeg[] memory legs = new FillLeg[](1);
        legs[0] = FillLeg(instrument, added, price);
        return maker.exchange.feeOf(maker.pool.account(), legs, true);
    }

    // ---------------------------------------------------------------- limits

    function _before(Sheet memory s) private pure returns (Before memory b) {
        uint256 n = s.inventories.length;
        (b.delta, b.vega, b.options) = (new uint256[](n), new uint256[](n), new uint256[](n));
        b.kinds = s.options;
        for (uint256 k; k < n; ++k) {
            Inventory memory v = s.inventories[k];
            (b.delta[k], b.vega[k], b.options[k]) = (PoolQuotes.abs(v.delta), PoolQuotes.abs(v.vega), v.options);
        }
    }

    /// @dev Moves the counts of options to where the trade leaves them.
    function _count(Sheet memory s, Mark memory m, int256 added) private pure {
        Inventory memory v = s.inventories[m.inventory];
        v.options = v.options + PoolQuotes.abs(m.held + added) - PoolQuotes.abs(m.held);
        if (m.held == 0) ++s.options;
        if (m.held + added == 0) --s.options;
    }

    /// @dev A trade may not take anything above its limit, nor further above it. @return smaller no risk has grown.
    function _requireLimits(Maker memory maker, Before memory b) private view returns (bool smaller) {
        smaller = true;
        PoolTerms memory terms = maker.pool.poolTerms();
        uint256[4] memory totals; // delta and vega, before and after
        for (uint256 k; k < maker.terms.length; ++k) {
            Inventory memory v = maker.sheet.inventories[k];
            MarketTerms memory t = maker.terms[k];
            (uint256 delta, uint256 vega) = (PoolQuotes.abs(v.delta), PoolQuotes.abs(v.vega));
            _requireLimit("delta", b.delta[k], delta, t.deltaLimit);
            _requireLimit("vega", b.vega[k], vega, t.vegaLimit);
            _requireLimit("options", b.options[k], v.options, t.optionLimit);
            if (delta > b.delta[k] || vega > b.vega[k]) smaller = false;
            totals[0] += FixedPoint.mulDivUp(b.delta[k], v.index, WAD);
            totals[1] += FixedPoint.mulDivUp(delta, v.index, WAD);
            totals[2] += b.vega[k];
            totals[3] += vega;
        }
        _requireLimit("total delta", totals[0], totals[1], uint256(terms.totalDelta) * WAD);
        _requireLimit("total vega", totals[2], totals[3], uint256(terms.totalVega) * WAD);
        _requireLimit("kinds", b.kinds, maker.sheet.options, terms.maxOptions);
    }

    function _requireLimit(bytes32 what, uint256 before, uint256 value, uint256 most) private pure {
        require(value <= most || value <= before, ILiquidityPoolErrors.PoolLimitExceeded(what, value, most));
    }

    // ---------------------------------------------------------------- what the book is worth

    /// @inheritdoc IPoolPricer
    /// @dev Leavers: at the worst price, less what closing costs and the inventory's price, and no profit that is not settled, unless to
    /// cover that: so a trade, which pays for what it adds, never lowers what they get.
    /// Newcomers: at the best price, and what closing costs on top, for their price may be as far from the true one.
    function worth(ILiquidityPool pool) external view returns (int256 worst, int256 best) {
        Sheet memory s = sheet(pool.account(), new Instrument[](0));
        MarketTerms[] memory terms = _termsOf(pool, s);
        (int256 lowUnsettled, int256 highUnsettled) = (s.quote, s.quote);
        for (uint256 k; k < terms.length; ++k) {
            Inventory memory v = s.inventories[k];
            int256 closing = int256(PoolQuotes.closing(terms[k], v));
            lowUnsettled += v.perpLow;
            highUnsettled += v.perpHigh;
            worst += v.optionLow;
            lowUnsettled -= closing + int256(PoolQuotes.potential(terms[k], v, v.delta, v.vega));
            best += v.optionHigh + closing;
        }
        worst += FixedPoint.min(lowUnsettled, 0);
        best += highUnsettled;
    }
}
