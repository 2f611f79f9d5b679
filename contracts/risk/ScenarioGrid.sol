// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";

import {FixedPoint, IWAD, WAD, YEAR} from "../types/FixedPoint.sol";
import {Black76} from "./Black76.sol";
import {NormalTableLib} from "./NormalTable.sol";
import {OptionExpiry, OptionLeg} from "./OptionLegs.sol";
import {ScenarioKernel} from "./ScenarioKernel.sol";
import {ScenarioTable, ScenarioTableLib} from "./ScenarioTable.sol";

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
    /// @dev No spot factor falls below it, however large the scale of the shocks.
    int256 private constant MIN_FACTOR = 1e16;
    uint256 private constant RULE_BYTES = 0x120; // of {ScenarioKernel}
    /// @dev Calls are worth the forward and puts their strike long before, even a second from expiry.
    uint256 private constant MAX_VOLATILITY = 1e6 * WAD;
    /// @dev Weights of the accumulators have this many bits, all legs together.
    uint256 private constant WEIGHT_BITS = 56;
    /// @dev Probabilities have 54 bits.
    uint256 private constant PROBABILITY_BITS = 54;
    /// @dev ln s times this over a width is an argument.
    int256 private constant SQUARED_UNIT = int256(NormalTableLib.UNIT * NormalTableLib.UNIT);

    /// @dev One evaluation. Arrays are bare words in memory, one per cell.
    struct Work {
        ScenarioTable table;
        uint256 normal;
        uint256 size; // bytes of an array
        uint256 factors; // s, WAD
        uint256 logs; // empty accumulators: ln s of every cell
        uint256 sums; // accumulators of the expiry in hand
        uint256 changes; // Σ over expiries of d(V(s, v)) − V, of skews −|d(V(s, v)) − V|
        uint256 rules; // records of {ScenarioKernel}, of rules that have cells
        uint256 straightRules; // end of the rules that do not depend on the strike
        uint256 lastRule;
        uint256 skews; // bytes of an array before the skews' cells, less one
        uint256 nakedShorts; // whole underlyings
        uint256 unsure; // Σ (1 − confidence)·size of expiries below the threshold
    }

    /// @dev One expiry, ready for its legs.
    struct Pricing {
        uint256 forwardVar;
        uint256 forwardFix;
        uint256 time; // years WAD
        uint256 rootTime; // √years WAD
        uint256 discount; // D
        uint256 shiftA; // weights are n >> shiftA, n·K >> shiftB
        uint256 shiftB;
        int256 puts; // Σ puts
        int256 putStrikes; // Σ puts·K, WAD²
        uint256 gross; // Σ |size|
        int256 gain; // factors of d_e
        int256 loss;
        int256 base; // V at the present forward
        int256[2] caps; // linear, abs
        int256 kStar;
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
        OptionExpiry[] memory expiries = book.expiries;
        for (uint256 i; i < expiries.length; ++i) _expiry(w, expiries[i], risk);
        _scenarios(w, book, risk);
        _charges(w, book, risk);
    }

    /// @dev Spot factors and their logarithms, cached in the table for shocks at their own scale.
    function _prepare(ScenarioTable table, uint256 normal, uint256 g) private pure returns (Work memory w) {
        unchecked {
            uint256 size = 32 * table.cells();
            (w.table, w.normal, w.size) = (table, normal, size);
            (w.factors, w.logs) = (_allocate(size), _allocate(size));
            (w.sums, w.changes) = (_allocate(size), _allocate(size));
            (uint256 factors, uint256 logs, uint256 changes) = (w.factors, w.logs, w.changes);
            assembly ("memory-safe") {
                // zeros
                calldatacopy(changes, calldatasize(), size)
                let cell := add(table, 0x120)
                for {
                    let i := 0
                } lt(i, size) {
                    i := add(i, 0x20)
                } {
                    let c := mload(add(cell, i))
                    mstore(add(factors, i), and(shr(128, c), 0xffffffffffffffff))
                    mstore(add(logs, i), and(c, 0xffffffff))
                }
            }
            if (g != WAD) _scale(w, g);
            _rules(w);
        }
    }

    /// @dev s' = 1 + g·(s − 1), not below {MIN_FACTOR}.
    function _scale(Work memory w, uint256 g) private pure {
        unchecked {
            for (uint256 i; i < w.size; i += 32) {
                int256 shock = int256(_load(w.factors + i)) - IWAD;
                uint256 s = uint256(FixedPoint.max(MIN_FACTOR, IWAD + (shock * int256(g)) / IWAD));
                _store(w.factors + i, s);
                _store(w.logs + i, ScenarioTableLib.logOf(Black76.logRatio(s, WAD)));
            }
        }
    }

    /// @dev Where the cells of each rule are; scales come with the expiry.
    function _rules(Work memory w) private pure {
        unchecked {
            uint256 rule = _allocate(5 * RULE_BYTES);
            (uint256 counts, uint256 from) = (w.table.cellCounts(), w.sums);
            uint256 straight;
            uint256 skews;
            w.rules = rule;
            assembly ("memory-safe") {
                let start := from
                for {
                    let shift := 32
                } 1 {
                    shift := sub(shift, 8)
                } {
                    // the skews are the last two rules
                    if eq(shift, 8) {
                        straight := rule
                        skews := sub(sub(from, start), 1)
                    }
                    let count := and(shr(shift, counts), 0xff)
                    if count {
                        mstore(rule, from)
                        from := add(from, shl(5, count))
                        mstore(add(rule, 0x20), from)
                        rule := add(rule, RULE_BYTES)
                    }
                    if iszero(shift) {
                        break
                    }
                }
            }
            (w.straightRules, w.skews, w.lastRule) = (straight, skews, rule);
        }
    }

    // -------------------------------------------------------------------------------------------------- one expiry

    function _expiry(Work memory w, OptionExpiry memory e, UnderlyingRisk memory risk) private pure {
        if (!e.legs.exists()) return;
        Pricing memory p = _pricing(w, e);
        _weigh(w, e, p);
        _shift(w, p);
        if (p.forwardVar + p.forwardFix != 0) {
            for (OptionLeg leg = e.legs; leg.exists(); leg = leg.next()) _price(w, p, leg);
        }
        _book(w, p, risk);
        if (e.confidence < uint256(w.table.number(6, 2))) {
            w.unsure += FixedPoint.mulDivUp(WAD - e.confidence, p.gross, WAD);
        }
    }

    /// @dev Time, discount, and what the volatility rules share.
    function _pricing(Work memory w, OptionExpiry memory e) private pure returns (Pricing memory p) {
        require(e.forwardVar < MAX_PRICE / 2 && e.forwardFix < MAX_PRICE / 2, BeyondGrid(e.forwardVar | e.forwardFix));
        require(e.secondsLeft < MAX_SECONDS, BeyondGrid(e.secondsLeft));
        unchecked {
            ScenarioTable t = w.table;
            (p.forwardVar, p.forwardFix) = (e.forwardVar, e.forwardFix);
            p.time = (e.secondsLeft * WAD) / YEAR;
            p.rootTime = FixedPointMathLib.sqrt((e.secondsLeft * (WAD * WAD)) / YEAR);
            _discount(t, p, FixedPoint.max(e.rate, 0));
            uint256 rule = w.rules;
            if (t.cellsOf(ScenarioTableLib.UP) != 0) {
                int256 up = IWAD + (t.number(1, 0) * _tau(t, e.secondsLeft)) / IWAD;
                _setRule(rule, up, p.rootTime, uint256(t.number(1, 1)));
                rule += RULE_BYTES;
            }
            _setRule(rule, IWAD, p.rootTime, 0);
            if (t.cellsOf(ScenarioTableLib.DOWN) != 0) {
                int256 down = IWAD - (t.number(1, 2) * _tau(t, e.secondsLeft)) / IWAD;
                _setRule(rule + RULE_BYTES, FixedPoint.max(down, 0), p.rootTime, 0);
            }
            if (w.straightRules == w.lastRule) return p;
            int256 root = int256(p.rootTime);
            p.caps[0] = t.number(4, 1) + (t.number(4, 0) * root) / IWAD;
            p.caps[1] = t.number(4, 3) + (t.number(4, 2) * root) / IWAD;
            int256 width = (root * (t.number(5, 2) + (root * t.number(5, 3)) / IWAD)) / IWAD;
            p.kStar = FixedPoint.max(t.number(5, 0), (width * t.number(5, 1)) / IWAD);
        }
    }

    /// @dev σ' = max(σ·factor, least), and never less than {MIN_DEVIATION} of σ'√T.
    function _setRule(uint256 rule, int256 factor, uint256 rootTime, uint256 least) private pure {
        unchecked {
            uint256 unit = NormalTableLib.UNIT;
            uint256 scale = (uint256(factor) * rootTime) / WAD;
            _store(rule + 0x40, ((scale * unit) << ScenarioKernel.SCALE_BITS) / (WAD * WAD));
            least = FixedPoint.max(Black76.MIN_DEVIATION, (least * rootTime) / WAD);
            _store(rule + 0x60, (least * unit) / WAD);
        }
    }

    /// @dev τ = (30 / max(days, floor))^p, WAD.
    function _tau(ScenarioTable t, uint256 secondsLeft) private pure returns (int256) {
        unchecked {
            uint256 days_ = (secondsLeft * WAD) / DAY;
            int256 power = t.number(2, days_ <= 30 * WAD ? 0 : 1);
            days_ = FixedPoint.max(days_, uint256(t.number(1, 3)));
            return FixedPointMathLib.powWad(int256((30 * WAD * WAD) / days_), power);
        }
    }

    /// @dev D, and the factors of d_e for gains and losses. Negative rates count as none.
    function _discount(ScenarioTable t, Pricing memory p, int256 rate) private pure {
        unchecked {
            int256 time = int256(p.time);
            p.discount = rate == 0 ? WAD : uint256(FixedPointMathLib.expWad(-(rate * time) / IWAD));
            int256 x = ((rate * t.number(3, 0)) / IWAD + t.number(3, 1)) * time;
            p.gain = (t.number(2, 2) * FixedPointMathLib.expWad(-x / IWAD)) / IWAD;
            x = ((rate * t.number(3, 2)) / IWAD + t.number(3, 3)) * time;
            p.loss = (t.number(2, 3) * FixedPointMathLib.expWad(x / IWAD)) / IWAD;
            if (p.discount != 0) p.loss = FixedPoint.min(p.loss, (IWAD * IWAD) / int256(p.discount));
        }
    }

    /// @dev How far weights must be scaled down to fit the accumulators, and what needs no probability.
    function _weigh(Work memory w, OptionExpiry memory e, Pricing memory p) private pure {
        unchecked {
            (uint256 sumA, uint256 sumB, uint256 shorts, uint256 gross, uint256 highest) = (0, 0, 0, 0, 0);
            OptionLeg leg = e.legs;
            assembly ("memory-safe") {
                // Legs: strike, calls 0x20, puts 0x40, gross 0x80, next 0xa0. Pricing: puts 0xe0, putStrikes 0x100.
                for {} leg {
                    leg := mload(add(leg, 0xa0))
                } {
                    let strike := mload(leg)
                    let puts := mload(add(leg, 0x40))
                    highest := or(highest, strike)
                    gross := add(gross, mload(add(leg, 0x80)))
                    let n := add(mload(add(leg, 0x20)), puts)
                    let sign := sar(255, n)
                    n := sub(xor(n, sign), sign)
                    shorts := sub(shorts, mul(n, sign))
                    sumA := add(sumA, n)
                    sumB := add(sumB, mul(n, strike))
                    if puts {
                        mstore(add(p, 0xe0), add(mload(add(p, 0xe0)), puts))
                        mstore(add(p, 0x100), add(mload(add(p, 0x100)), mul(puts, strike)))
                    }
                }
            }
            require(highest < MAX_PRICE, BeyondGrid(highest));
            (p.gross, w.nakedShorts) = (gross, w.nakedShorts + shorts);
            uint256 bits = FixedPointMathLib.log2(sumA | 1) + 1;
            p.shiftA = bits > WEIGHT_BITS ? bits - WEIGHT_BITS : 0;
            bits = FixedPointMathLib.log2(sumB | 1) + 1;
            // not less than PROBABILITY_BITS, so that sums are shifted one way only; what is cut off is below 10⁻¹⁹
            p.shiftB = FixedPoint.max(PROBABILITY_BITS, bits > WEIGHT_BITS ? bits - WEIGHT_BITS : 0);
        }
    }

    /// @dev Empty accumulators. Inside the averaging window the forward moves less than the spot.
    function _shift(Work memory w, Pricing memory p) private pure {
        (uint256 to, uint256 from, uint256 size) = (w.sums, w.logs, w.size);
        if (p.forwardFix == 0) {
            assembly ("memory-safe") {
                mcopy(to, from, size)
            }
            return;
        }
        unchecked {
            uint256 forward = p.forwardVar + p.forwardFix;
            for (uint256 i; i < size; i += 32) {
                uint256 shifted = (p.forwardVar * _load(w.factors + i)) / WAD + p.forwardFix;
                _store(to + i, ScenarioTableLib.logOf(Black76.logRatio(shifted, forward)));
            }
        }
    }

    /// @dev Adds a leg to the accumulators.
    function _price(Work memory w, Pricing memory p, OptionLeg leg) private pure {
        unchecked {
            (uint256 strike, int256 a, uint256 sigma) = leg.terms();
            if (a == 0) return; // worth a forward
            int256 ln = Black76.logRatio(p.forwardVar + p.forwardFix, strike);
            if (sigma > MAX_VOLATILITY) sigma = MAX_VOLATILITY;
            if (w.straightRules != w.lastRule) _skew(w, p, ln);
            int256 b = -(((a * int256(strike)) >> p.shiftB) << ScenarioKernel.LOWER);
            a = (a >> p.shiftA) << ScenarioKernel.UPPER;
            ln = (ln * SQUARED_UNIT) / IWAD;
            ScenarioKernel.accumulate(w.normal, w.rules, w.lastRule, sigma, ln, a, b);
        }
    }

    /// @dev σ' = σ·max(m, 0) of the skew rules, which depends on the strike. `ln` is of F / K.
    function _skew(Work memory w, Pricing memory p, int256 ln) private pure {
        unchecked {
            uint256 rule = w.straightRules;
            for (uint256 i; i < 2; ++i) {
                if (w.table.cellsOf(ScenarioTableLib.LINEAR + i) == 0) continue;
                int256 k = i == 1 && ln > 0 ? ln : -ln;
                int256 cap = p.caps[i];
                int256 m = (k * cap) / p.kStar;
                m = IWAD + (k >= 0 ? FixedPoint.min(cap, m) : FixedPoint.max(-cap, m));
                _setRule(rule, FixedPoint.max(m, 0), p.rootTime, 0);
                rule += RULE_BYTES;
            }
        }
    }

    /// @dev V of a cell, from its accumulator.
    function _value(Work memory w, Pricing memory p, uint256 i) private pure returns (int256 x) {
        unchecked {
            (int256 upper, int256 lower) = ScenarioKernel.unpack(w.sums + i);
            int256 forward = int256((p.forwardVar * _load(w.factors + i)) / WAD + p.forwardFix);
            // ln s does not reach zero: at a forward of nothing no call is exercised
            if (forward != 0) {
                x = (((upper * forward) >> PROBABILITY_BITS) << p.shiftA) + (lower << (p.shiftB - PROBABILITY_BITS));
            }
            x = (((x - p.puts * forward + p.putStrikes) / IWAD) * int256(p.discount)) / IWAD;
        }
    }

    /// @dev Adds the expiry to every cell's change, to the basis contingency and to the present value.
    function _book(Work memory w, Pricing memory p, UnderlyingRisk memory risk) private pure {
        unchecked {
            ScenarioTable t = w.table;
            p.base = _value(w, p, 32 * t.baseCell());
            int256 least = FixedPoint.min(_value(w, p, 32 * t.basisUpCell()), _value(w, p, 32 * t.basisDownCell()));
            least = FixedPoint.min(least - p.base, 0);
            risk.basis += _floor(least * (t.number(6, 0) + (t.number(6, 1) * int256(p.time)) / IWAD));
            risk.optionValue += p.base;
            _change(w, p);
        }
    }

    /// @dev changes += d(V) − V(present), of skews −|·|. V as {_value} has it, D and d_e in one factor.
    function _change(Work memory w, Pricing memory p) private pure {
        (uint256 sums, uint256 factors, uint256 changes) = (w.sums, w.factors, w.changes);
        (uint256 skews, uint256 end) = (w.skews, w.size);
        int256 gain = (p.gain * int256(p.discount)) / IWAD;
        (p.shiftB, p.gain, p.loss) = (p.shiftB - PROBABILITY_BITS, gain, (p.loss * int256(p.discount)) / IWAD);
        assembly ("memory-safe") {
            // Pricing: forwardVar, forwardFix 0x20, shiftA 0xa0, shiftB 0xc0, puts 0xe0, putStrikes 0x100, gain 0x140, loss 0x160, base 0x180.
            // Reads arrays of `end` bytes, writes `changes` only.
            for {
                let i := 0
            } lt(i, end) {
                i := add(i, 0x20)
            } {
                let forward := add(div(mul(mload(p), mload(add(factors, i))), WAD), mload(add(p, 0x20)))
                let x := mload(add(sums, i))
                let lower := signextend(13, shr(32, x))
                x := shl(mload(add(p, 0xa0)), sar(54, mul(add(sar(144, x), slt(lower, 0)), forward)))
                // at a forward of nothing no call is exercised
                x := add(mul(add(x, shl(mload(add(p, 0xc0)), lower)), sgt(forward, 0)), mload(add(p, 0x100)))
                x := sdiv(sub(x, mul(mload(add(p, 0xe0)), forward)), WAD)
                x := mul(x, mload(add(p, add(0x140, shl(5, slt(x, 0))))))
                x := sub(sdiv(sub(x, mul(slt(x, 0), 0xde0b6b3a763ffff)), WAD), mload(add(p, 0x180)))
                if gt(i, skews) {
                    // minus the absolute value
                    let sign := sar(255, x)
                    x := sub(sign, xor(x, sign))
                }
                let change := add(changes, i)
                mstore(change, add(mload(change), x))
            }
        }
    }

    // ------------------------------------------------------------------------------------------------ the underlying

    function _scenarios(Work memory w, UnderlyingBook memory book, UnderlyingRisk memory risk) private pure {
        unchecked {
            int256[] memory list = new int256[](w.table.scenarios());
            risk.pnl = list;
            // what moves with the spot, per whole shock
            int256 exposure = (book.perpSize * int256(book.perpMark)) / IWAD + book.spotValue;
            risk.worst = FixedPoint.min(risk.basis, _weightAll(w, exposure, list));
        }
    }

    /// @dev PnL of every scenario into `list`, and the least.
    function _weightAll(Work memory w, int256 exposure, int256[] memory list) private pure returns (int256 least) {
        (ScenarioTable t, uint256 factors, uint256 changes, uint256 end) = (w.table, w.factors, w.changes, w.size);
        least = type(int256).max;
        assembly ("memory-safe") {
            // `requireSane` held every place inside the list, or at NO_SCENARIO
            for {
                let i := 0
            } lt(i, end) {
                i := add(i, 0x20)
            } {
                let cell := mload(add(add(t, 0x120), i))
                let place := and(shr(120, cell), 0xff)
                if lt(place, mload(list)) {
                    let x := mload(add(changes, i))
                    if exposure {
                        let y := mul(exposure, sub(mload(add(factors, i)), WAD))
                        x := add(x, sdiv(sub(y, mul(slt(y, 0), 0xde0b6b3a763ffff)), WAD))
                    }
                    x := mul(x, shr(192, cell))
                    x := sdiv(sub(x, mul(slt(x, 0), 0xde0b6b3a763ffff)), WAD)
                    mstore(add(add(list, 0x20), shl(5, place)), x)
                    if slt(x, least) {
                        least := x
                    }
                }
            }
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
