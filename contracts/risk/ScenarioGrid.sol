// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";

import {FixedPoint, IWAD, WAD, YEAR} from "../types/FixedPoint.sol";
import {Black76} from "./Black76.sol";
import {OptionExpiry, OptionLeg} from "./OptionLegs.sol";
import {ScenarioKernel} from "./ScenarioKernel.sol";
import {ScenarioCell, ScenarioTable, ScenarioTableLib} from "./ScenarioTable.sol";

/// @dev What the account holds of one underlying, at one index price.
struct UnderlyingBook {
    uint256 spot; // index, settlement units WAD
    int256 perpSize; // whole underlyings WAD
    uint256 perpMark; // settlement units WAD
    uint256 perpConfidence; // WAD; min of spot's and premium's
    int256 spotValue; // Σ signed balances that move with the spot, settlement units WAD
    OptionExpiry[] expiries;
}

/// @dev Everything in settlement units WAD; losses are negative, charges positive and rounded up.
struct UnderlyingRisk {
    int256[] pnl; // in the order of the scenario list
    int256 basis; // basis contingency, ≤ 0
    int256 worst; // W_u = min(all pnl, basis)
    int256 optionValue; // V at the present forward: the options' part of mtm
    uint256 chargeMaintenance; // C_MM: perp and naked shorts
    uint256 chargeInitial; // C_IM: what `initial` adds to it, confidence add-ons included
}

/// @title The scenarios of one underlying (DESIGN 6.3)
/// @notice One price per cell (spot factor and volatility rule), leg and expiry; scenarios are cells times a weight. Numbers are
/// settlement units WAD.
/// @dev Bounds that the arithmetic relies on, else `BeyondGrid`: prices, strikes and marks below 2^104, sizes int128, 128 legs,
/// T ≤ 100 years; then nothing here passes 2^255.
library ScenarioGrid {
    error BeyondGrid(uint256 value);

    uint256 private constant MAX_PRICE = 1 << 104;
    uint256 private constant MAX_SECONDS = 100 * YEAR;
    uint256 private constant DAY = 1 days;
    /// @dev Calls are worth the forward and puts their strike long before, even a second from expiry.
    uint256 private constant MAX_VOLATILITY = 1e6 * WAD;
    /// @dev Weights of the accumulators have this many bits, all legs together.
    uint256 private constant WEIGHT_BITS = 56;
    /// @dev Probabilities have 54 bits.
    uint256 private constant PROBABILITY_BITS = 54;
    /// @dev No spot factor falls below it, however large the scale of the shocks.
    uint256 private constant MIN_FACTOR = 1e16;

    /// @dev One evaluation. Arrays are bare words in memory, one per cell.
    struct Work {
        ScenarioTable table;
        uint256 normal;
        uint256 cells;
        uint256 factors; // s, WAD
        uint256 logs; // empty accumulators: ln s of every cell
        uint256 sums; // accumulators of the expiry in hand; then V of every cell
        uint256 changes; // Σ over expiries of d(V(s, v)) − V, of skews −|d(V(s, v)) − V|
        uint256 nakedShorts; // whole underlyings
        uint256 unsure; // Σ (1 − confidence)·size of expiries below the threshold
    }

    /// @dev One expiry, ready for its legs.
    struct Pricing {
        uint256 forward;
        uint256 time; // years WAD
        uint256 rootTime; // √years WAD
        uint256 discount; // D
        int256[5] scales; // σ' = σ·scale of the rules up (before σ_min), none, down; cap and k* of the skews are below
        int256[2] caps; // linear, abs
        int256 kStar;
        uint256 shiftA; // weights are n >> shiftA, n·K >> shiftB
        uint256 shiftB;
        int256 a; // weights of the leg in hand
        int256 b;
        int256 puts; // Σ puts
        int256 putStrikes; // Σ puts·K, WAD²
        uint256 gross; // Σ |size|
    }

    /// @notice Every scenario's PnL, the basis contingency, the worst of them, and the charges beside.
    /// @param table parameters in memory. @param normal where {NormalTable} was loaded.
    /// @param g scale of the spot shocks, WAD, ≥ 1e18: s − 1 grows by it.
    function evaluate(
        UnderlyingBook memory book,
        ScenarioTable table,
        uint256 normal,
        uint256 g
    ) internal pure returns (UnderlyingRisk memory risk) {
        require(book.spot < MAX_PRICE, BeyondGrid(book.spot));
        require(book.perpMark < MAX_PRICE, BeyondGrid(book.perpMark));
        Work memory w = _prepare(table, normal, g);
        for (uint256 i; i < book.expiries.length; ++i) _expiry(w, book.expiries[i], risk);
        _scenarios(w, book, risk);
        _charges(w, book, risk);
    }

    /// @dev Spot factors and their logarithms, cached in the table for shocks at their own scale.
    function _prepare(ScenarioTable table, uint256 normal, uint256 g) private pure returns (Work memory w) {
        unchecked {
            uint256 n = table.cells();
            (w.table, w.normal, w.cells) = (table, normal, n);
            uint256 bytes_ = 32 * n;
            uint256 start = _allocate(4 * bytes_);
            (w.factors, w.logs) = (start, start + bytes_);
            (w.sums, w.changes) = (start + 2 * bytes_, start + 3 * bytes_);
            for (uint256 i; i < n; ++i) {
                ScenarioCell cell = table.cell(i);
                uint256 s = cell.factor();
                uint256 ln = cell.log();
                if (g != WAD && s != WAD) {
                    int256 scaled = IWAD + ((int256(s) - IWAD) * int256(g)) / IWAD;
                    s = scaled < int256(MIN_FACTOR) ? MIN_FACTOR : uint256(scaled);
                    ln = ScenarioTableLib.logOf(FixedPointMathLib.lnWad(int256(s)));
                }
                _store(w.factors + 32 * i, s);
                _store(w.logs + 32 * i, ln);
                _store(w.changes + 32 * i, 0);
            }
        }
    }

    // -------------------------------------------------------------------------------------------------- one expiry

    function _expiry(Work memory w, OptionExpiry memory e, UnderlyingRisk memory risk) private pure {
        if (!e.legs.exists()) return;
        Pricing memory p = _pricing(w.table, e);
        _weigh(w, e, p);
        _shift(w, e, p.forward);
        if (p.forward != 0) {
            for (OptionLeg leg = e.legs; leg.exists(); leg = leg.next()) _price(w, p, leg);
        }
        _value(w, e, p);
        _book(w, e, p, risk);
        if (e.confidence < uint256(w.table.number(6, 2)))
            w.unsure += FixedPoint.mulDivUp(WAD - e.confidence, p.gross, WAD);
    }

    /// @dev Time, discount, and what the volatility rules share.
    function _pricing(ScenarioTable t, OptionExpiry memory e) private pure returns (Pricing memory p) {
        require(e.forwardVar < MAX_PRICE / 2 && e.forwardFix < MAX_PRICE / 2, BeyondGrid(e.forwardVar + e.forwardFix));
        require(e.secondsLeft < MAX_SECONDS, BeyondGrid(e.secondsLeft));
        unchecked {
            p.forward = e.forwardVar + e.forwardFix;
            p.time = (e.secondsLeft * WAD) / YEAR;
            p.rootTime = FixedPointMathLib.sqrt((e.secondsLeft * (WAD * WAD)) / YEAR);
            p.discount = _discount(e.rate, p.time);
            int256 tau = _tau(t, e.secondsLeft);
            p.scales[0] = IWAD + (t.number(1, 0) * tau) / IWAD;
            p.scales[1] = IWAD;
            p.scales[2] = IWAD - (t.number(1, 2) * tau) / IWAD;
            if (p.scales[2] < 0) p.scales[2] = 0;
            if (t.cellsOf(ScenarioTableLib.LINEAR) + t.cellsOf(ScenarioTableLib.ABS) == 0) return p;
            int256 root = int256(p.rootTime);
            p.caps[0] = t.number(4, 1) + (t.number(4, 0) * root) / IWAD;
            p.caps[1] = t.number(4, 3) + (t.number(4, 2) * root) / IWAD;
            int256 width = (root * (t.number(5, 2) + (root * t.number(5, 3)) / IWAD)) / IWAD;
            p.kStar = FixedPoint.max(t.number(5, 0), (width * t.number(5, 1)) / IWAD);
        }
    }

    /// @dev τ = (30 / max(days, floor))^p, WAD.
    function _tau(ScenarioTable t, uint256 secondsLeft) private pure returns (int256) {
        uint256 days_ = (secondsLeft * WAD) / DAY;
        int256 power = t.number(2, days_ <= 30 * WAD ? 0 : 1);
        days_ = FixedPoint.max(days_, uint256(t.number(1, 3)));
        return FixedPointMathLib.powWad(int256((30 * WAD * WAD) / days_), power);
    }

    /// @dev D, of which negative rates make no more than one.
    function _discount(int256 rate, uint256 time) private pure returns (uint256) {
        return rate <= 0 ? WAD : uint256(FixedPointMathLib.expWad(-(rate * int256(time)) / IWAD));
    }

    /// @dev How far weights must be scaled down to fit the accumulators, and what needs no probability.
    function _weigh(Work memory w, OptionExpiry memory e, Pricing memory p) private pure {
        unchecked {
            uint256 sumA;
            uint256 sumB;
            for (OptionLeg leg = e.legs; leg.exists(); leg = leg.next()) {
                uint256 strike = leg.strike();
                require(strike < MAX_PRICE, BeyondGrid(strike));
                int256 n = leg.calls() + leg.puts();
                uint256 size = FixedPointMathLib.abs(n);
                if (n < 0) w.nakedShorts += size;
                sumA += size;
                sumB += size * strike;
                p.puts += leg.puts();
                p.putStrikes += leg.puts() * int256(strike);
                p.gross += leg.gross();
            }
            uint256 bits = FixedPointMathLib.log2(sumA | 1) + 1;
            p.shiftA = bits > WEIGHT_BITS ? bits - WEIGHT_BITS : 0;
            bits = FixedPointMathLib.log2(sumB | 1) + 1;
            // not less than PROBABILITY_BITS, so that sums are shifted one way only; what is cut off is below 10⁻¹⁹
            p.shiftB = FixedPoint.max(PROBABILITY_BITS, bits > WEIGHT_BITS ? bits - WEIGHT_BITS : 0);
        }
    }

    /// @dev Empty accumulators. Inside the averaging window the forward moves less than the spot.
    function _shift(Work memory w, OptionExpiry memory e, uint256 forward) private pure {
        (uint256 to, uint256 from, uint256 size) = (w.sums, w.logs, 32 * w.cells);
        if (e.forwardFix == 0) {
            assembly ("memory-safe") {
                mcopy(to, from, size)
            }
            return;
        }
        unchecked {
            for (uint256 i; i < size; i += 32) {
                uint256 shifted = (e.forwardVar * _load(w.factors + i)) / WAD + e.forwardFix;
                _store(to + i, ScenarioTableLib.logOf(FixedPointMathLib.lnWad(int256((shifted * WAD) / forward))));
            }
        }
    }

    /// @dev Adds a leg to the accumulators, rule by rule.
    function _price(Work memory w, Pricing memory p, OptionLeg leg) private pure {
        unchecked {
            int256 n = leg.calls() + leg.puts();
            if (n == 0) return; // worth a forward
            int256 ln = Black76.logRatio(p.forward, leg.strike());
            p.a = (n >> p.shiftA) << ScenarioKernel.UPPER;
            p.b = -(((n * int256(leg.strike())) >> p.shiftB) << ScenarioKernel.LOWER);
            uint256 from = w.sums;
            for (uint256 rule; rule < 5; ++rule) {
                uint256 to = from + 32 * w.table.cellsOf(rule);
                if (from == to) continue;
                uint256 v = _deviation(w.table, p, leg.volatility(), ln, rule);
                ScenarioKernel.accumulate(w.normal, from, to, ln, v, p.a, p.b);
                from = to;
            }
        }
    }

    /// @dev σ'·√T under a rule, WAD.
    function _deviation(
        ScenarioTable t,
        Pricing memory p,
        uint256 sigma,
        int256 ln,
        uint256 rule
    ) private pure returns (uint256) {
        unchecked {
            sigma = FixedPoint.min(sigma, MAX_VOLATILITY);
            if (rule < ScenarioTableLib.LINEAR) {
                sigma = (sigma * uint256(p.scales[rule])) / WAD;
                if (rule == ScenarioTableLib.UP) sigma = FixedPoint.max(sigma, uint256(t.number(1, 1)));
            } else {
                int256 cap = p.caps[rule - ScenarioTableLib.LINEAR];
                int256 k = rule == ScenarioTableLib.ABS && ln > 0 ? ln : -ln; // ln(K / F), or its absolute value
                int256 m = (k * cap) / p.kStar;
                m = IWAD + (k >= 0 ? FixedPoint.min(cap, m) : FixedPoint.max(-cap, m));
                sigma = m <= 0 ? 0 : (sigma * uint256(m)) / WAD;
            }
            return (sigma * p.rootTime) / WAD;
        }
    }

    /// @dev Turns accumulators into V of every cell.
    function _value(Work memory w, OptionExpiry memory e, Pricing memory p) private pure {
        unchecked {
            uint256 size = 32 * w.cells;
            uint256 shiftB = p.shiftB - PROBABILITY_BITS;
            for (uint256 i; i < size; i += 32) {
                int256 forward = int256((e.forwardVar * _load(w.factors + i)) / WAD + e.forwardFix);
                int256 x;
                if (p.forward != 0) {
                    (int256 upper, int256 lower) = ScenarioKernel.unpack(w.sums + i);
                    x = (((upper * forward) >> PROBABILITY_BITS) << p.shiftA) + (lower << shiftB);
                }
                x = (x - p.puts * forward + p.putStrikes) / IWAD;
                _store(w.sums + i, uint256((x * int256(p.discount)) / IWAD));
            }
        }
    }

    /// @dev Adds the expiry to every cell's change, to the basis contingency and to the present value.
    function _book(Work memory w, OptionExpiry memory e, Pricing memory p, UnderlyingRisk memory risk) private pure {
        unchecked {
            ScenarioTable t = w.table;
            int256 base = _value(w.sums, t.baseCell());
            (int256 up, int256 down) = (
                _value(w.sums, t.basisUpCell()) - base,
                _value(w.sums, t.basisDownCell()) - base
            );
            int256 least = FixedPoint.min(FixedPoint.min(up, down), 0);
            risk.basis += _floor(least * (t.number(6, 0) + (t.number(6, 1) * int256(p.time)) / IWAD));
            risk.optionValue += base;

            (int256 gain, int256 loss) = _staticDiscounts(t, e, p);
            uint256 straight = t.cellsOf(0) + t.cellsOf(1) + t.cellsOf(2);
            for (uint256 i; i < w.cells; ++i) {
                int256 v = _value(w.sums, i);
                v = _floor(v * (v < 0 ? loss : gain)) - base;
                if (i >= straight && v > 0) v = -v;
                uint256 change = w.changes + 32 * i;
                _store(change, uint256(int256(_load(change)) + v));
            }
        }
    }

    /// @dev Factors of d_e for gains and losses, WAD.
    function _staticDiscounts(
        ScenarioTable t,
        OptionExpiry memory e,
        Pricing memory p
    ) private pure returns (int256 gain, int256 loss) {
        int256 rate = FixedPoint.max(e.rate, 0);
        int256 time = int256(p.time);
        int256 x = ((rate * t.number(3, 0)) / IWAD + t.number(3, 1)) * time;
        gain = (t.number(2, 2) * FixedPointMathLib.expWad(-x / IWAD)) / IWAD;
        x = ((rate * t.number(3, 2)) / IWAD + t.number(3, 3)) * time;
        loss = (t.number(2, 3) * FixedPointMathLib.expWad(x / IWAD)) / IWAD;
        if (p.discount != 0) loss = FixedPoint.min(loss, (IWAD * IWAD) / int256(p.discount));
    }

    // ------------------------------------------------------------------------------------------------ the underlying

    function _scenarios(Work memory w, UnderlyingBook memory book, UnderlyingRisk memory risk) private pure {
        unchecked {
            ScenarioTable t = w.table;
            risk.pnl = new int256[](t.scenarios());
            // what moves with the spot, per whole shock
            int256 exposure = (book.perpSize * int256(book.perpMark)) / IWAD + book.spotValue;
            int256 worst = risk.basis;
            for (uint256 i; i < w.cells; ++i) {
                ScenarioCell cell = t.cell(i);
                uint256 place = cell.place();
                if (place == ScenarioTableLib.NO_SCENARIO) continue;
                int256 change = _floor(exposure * (int256(_load(w.factors + 32 * i)) - IWAD));
                int256 pnl = _floor((change + _value(w.changes, i)) * cell.weight());
                risk.pnl[place] = pnl;
                if (pnl < worst) worst = pnl;
            }
            risk.worst = worst;
        }
    }

    /// @dev Percentages of the perp and of naked shorts, and what low confidence adds.
    function _charges(Work memory w, UnderlyingBook memory book, UnderlyingRisk memory risk) private pure {
        ScenarioTable t = w.table;
        uint256 perp = FixedPointMathLib.abs(book.perpSize);
        risk.chargeMaintenance = _percent(perp, w.nakedShorts, t, 0, book.spot);
        uint256 unsure = w.unsure;
        if (perp != 0 && book.perpConfidence < uint256(t.number(6, 2))) {
            unsure += FixedPoint.mulDivUp(perp, WAD - book.perpConfidence, WAD);
        }
        risk.chargeInitial = _percent(perp, w.nakedShorts, t, 1, book.spot);
        if (unsure != 0) {
            uint256 value = FixedPoint.mulDivUp(unsure, book.spot, WAD);
            risk.chargeInitial += FixedPoint.mulDivUp(value, uint256(t.number(6, 3)), WAD);
        }
    }

    function _percent(
        uint256 perp,
        uint256 shorts,
        ScenarioTable t,
        uint256 field,
        uint256 spot
    ) private pure returns (uint256) {
        if (perp == 0 && shorts == 0) return 0;
        uint256 size = perp * uint256(t.number(7, field)) + shorts * uint256(t.number(7, field + 2));
        return FixedPoint.mulDivUp(size, spot, WAD * WAD);
    }

    // ------------------------------------------------------------------------------------------------------- words

    function _floor(int256 x) private pure returns (int256) {
        unchecked {
            return (x < 0 ? x - (IWAD - 1) : x) / IWAD;
        }
    }

    function _value(uint256 array, uint256 i) private pure returns (int256) {
        return int256(_load(array + 32 * i));
    }

    function _load(uint256 pointer) private pure returns (uint256 x) {
        assembly ("memory-safe") {
            x := mload(pointer)
        }
    }

    function _store(uint256 pointer, uint256 x) private pure {
        assembly ("memory-safe") {
            mstore(pointer, x)
        }
    }

    function _allocate(uint256 size) private pure returns (uint256 pointer) {
        assembly ("memory-safe") {
            pointer := mload(0x40)
            mstore(0x40, add(pointer, size))
        }
    }
}
