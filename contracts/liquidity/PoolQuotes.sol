// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";

import {MarketTerms} from "../interfaces/ILiquidityPool.sol";
import {Inventory, Mark} from "../interfaces/IPoolPricer.sol";
import {FixedPoint, IWAD, WAD, YEAR} from "../types/FixedPoint.sol";

/// @title What the pool adds to and takes off the mark (docs/liquidity-pool.md)
/// @notice Amounts are settlement units WAD, rounded up: against the taker in a quote, against leavers in the low mark, against
/// newcomers in the high one.
///
/// **Inventory has a price**, a quadratic potential of the underlying's whole delta and vega:
/// `P = index · skew · delta² / (2 · delta limit) + volSkew · vega² / (2 · vega limit)`.
/// A trade pays the change of P, so its marginal price moves against whoever adds to the inventory, and what a way there costs the way
/// back returns, however it is split: a function of the state alone leaves no round trip to gain from.
library PoolQuotes {
    uint256 private constant MILLION = 1e6;

    /// @notice The part of the index that one delta costs: base, and what index age and its two sources add. WAD.
    function spreadRate(MarketTerms memory t, Inventory memory v) internal pure returns (uint256 rate) {
        // how far the index has wandered since its round: σ · √(age in years)
        uint256 wandered = FixedPoint.mulDivUp(v.volatility, FixedPointMathLib.sqrt((v.age * WAD * WAD) / YEAR), WAD);
        rate = uint256(t.base) * 1e12;
        rate += (wandered * t.ageWeight + v.spread * t.deviationWeight + 99) / 100;
    }

    /// @notice Half-spread of an amount of risk; linear in it, so that the book's is the sum of its positions'.
    function halfSpread(
        MarketTerms memory t,
        Inventory memory v,
        uint256 delta,
        uint256 vega,
        uint256 options
    ) internal pure returns (uint256 amount) {
        amount = FixedPoint.mulDivUp(FixedPoint.mulDivUp(delta, v.index, WAD), spreadRate(t, v), WAD);
        if (vega != 0) amount += FixedPoint.mulDivUp(vega, t.volSpread, MILLION);
        if (options != 0)
            amount += FixedPoint.mulDivUp(FixedPoint.mulDivUp(options, v.index, WAD), t.optionMin, MILLION);
    }

    /// @notice What closing everything of the underlying would cost beyond the mark, inventory's price left out.
    function closing(MarketTerms memory t, Inventory memory v) internal pure returns (uint256) {
        return halfSpread(t, v, v.grossDelta, v.grossVega, v.options);
    }

    /// @notice P of a delta and a vega.
    function potential(
        MarketTerms memory t,
        Inventory memory v,
        int256 delta,
        int256 vega
    ) internal pure returns (uint256 p) {
        if (t.deltaLimit != 0) {
            uint256 d = abs(delta);
            p = FixedPoint.mulDivUp(FixedPoint.mulDivUp(d, d, t.deltaLimit), v.index, WAD);
            p = FixedPoint.mulDivUp(p, t.skew, 2 * MILLION);
        }
        if (t.vegaLimit != 0) {
            uint256 w = abs(vega);
            p += FixedPoint.mulDivUp(FixedPoint.mulDivUp(w, w, t.vegaLimit), t.volSkew, 2 * MILLION);
        }
    }

    /// @notice What the pool takes beyond the mark for adding `size` (> 0: it buys) of an instrument: the half-spread and the change of
    /// P, but never less than nothing. So no trade at unmoved prices lowers its equity at mark, whatever the inventory.
    /// @dev Moves the inventory to where the trade leaves it.
    function charge(
        MarketTerms memory t,
        Inventory memory v,
        Mark memory m,
        int256 size,
        bool isOption
    ) internal pure returns (uint256) {
        (int256 delta, int256 vega) = ((size * m.delta) / IWAD, (size * m.vega) / IWAD);
        int256 extra = int256(halfSpread(t, v, abs(delta), abs(vega), isOption ? abs(size) : 0));
        extra -= int256(potential(t, v, v.delta, v.vega));
        v.delta += delta;
        v.vega += vega;
        extra += int256(potential(t, v, v.delta, v.vega));
        return extra > 0 ? uint256(extra) : 0;
    }

    function abs(int256 value) internal pure returns (uint256) {
        return uint256(value < 0 ? -value : value);
    }
}
