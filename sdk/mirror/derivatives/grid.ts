// The scenarios of one underlying: contracts/risk/ScenarioGrid.sol. One price per cell (spot factor and volatility rule), leg and expiry;
// scenarios are cells times a weight. Settlement units WAD.
import { logRatio, MIN_DEVIATION } from "./black76.ts";
import type { OptionExpiry, OptionLeg, UnderlyingBook } from "./books.ts";
import { accumulate, type Accumulators, type KernelRule } from "./kernel.ts";
import { Refused } from "../errors.ts";
import { abs, expWad, max, min, mulDivUp, sqrt, WAD, YEAR, divFloor, bitLength, powWad, WAD2 } from "../fixed.ts";
import { UNIT } from "./normal.ts";
import { NO_SCENARIO, type ScenarioCell, type ScenarioTerms } from "./terms.ts";

/** Losses are negative, charges positive and rounded up. */
export interface UnderlyingRisk {
  /** In the order of the scenario list. */
  readonly pnl: readonly bigint[];
  /** Basis contingency, ≤ 0. */
  readonly basis: bigint;
  /** W_u = min(all pnl, basis). */
  readonly worst: bigint;
  /** V at the present forward: the options' part of mtm. */
  readonly optionValue: bigint;
  /** C_MM: perp and naked shorts. */
  readonly chargeMaintenance: bigint;
  /** C_IM: what `initial` adds to it, confidence add-ons included. */
  readonly chargeInitial: bigint;
}

const MAX_PRICE = 1n << 104n;
const MAX_SECONDS = 100n * YEAR;
const DAY = 86_400n;
/** No spot factor falls below it, however large the scale of the shocks. */
const MIN_FACTOR = 10n ** 16n;
const MAX_VOLATILITY = 1_000_000n * WAD;
const WEIGHT_BITS = 56;
const PROBABILITY_BITS = 54;
const SQUARED_UNIT = UNIT * UNIT;
const [UP, NONE, DOWN, LINEAR, ABS] = [0, 1, 2, 3, 4] as const;

const demand = (ok: boolean, value: bigint): void => {
  if (!ok) throw new Refused("BeyondGrid", value);
};

/** Spot factors of all cells and their logarithms, at one scale of the shocks. */
interface Shocks {
  readonly factors: readonly bigint[];
  readonly logs: readonly bigint[];
}

const LOG_END = 31n << 27n;

/** ln s as cells hold it. */
const logOf = (ln: bigint): bigint => {
  if (ln <= -8n * WAD) return 0n;
  return ln >= 23n * WAD ? LOG_END : ((ln + 8n * WAD) * (1n << 27n) + WAD / 2n) / WAD;
};

const scaled = (cells: readonly ScenarioCell[], g: bigint): Shocks => {
  const factors = cells.map((c) => (g === WAD ? c.factor : max(MIN_FACTOR, WAD + ((c.factor - WAD) * g) / WAD)));
  const logs = g === WAD ? cells.map((c) => c.log) : factors.map((s) => logOf(logRatio(s, WAD)));
  return { factors, logs };
};

/** The shocks used last of each table: an account's underlyings and a curve's points ask for the same again and again. */
const lastShocks = new WeakMap<ScenarioTerms, Map<bigint, Shocks>>();
const KEPT = 4;

const shocksOf = (terms: ScenarioTerms, g: bigint): Shocks => {
  let known = lastShocks.get(terms);
  if (known === undefined) {
    known = new Map<bigint, Shocks>();
    lastShocks.set(terms, known);
  }
  let shocks = known.get(g);
  if (shocks === undefined) {
    shocks = scaled(terms.cells, g);
    if (known.size >= KEPT) known.clear();
    known.set(g, shocks);
  }
  return shocks;
};

// ---------------------------------------------------------------- one expiry

/** One expiry, ready for its legs. */
interface Pricing {
  readonly forwardVar: bigint;
  readonly forwardFix: bigint;
  /** Years WAD. */
  readonly time: bigint;
  readonly rootTime: bigint;
  readonly discount: bigint;
  /** Factors of d_e. */
  readonly gain: bigint;
  readonly loss: bigint;
  /** Of linear and abs. */
  readonly caps: readonly [bigint, bigint];
  readonly kStar: bigint;
  /** Where each rule's cells are; of the skews not yet the widths. */
  readonly straight: readonly KernelRule[];
}

interface Scale {
  readonly scale: bigint;
  readonly least: bigint;
}

/** σ' = max(σ·factor, least), and never less than {@link MIN_DEVIATION} of σ'√T. */
const scaleOf = (factor: bigint, rootTime: bigint, least: bigint): Scale => ({
  scale: ((((factor * rootTime) / WAD) * UNIT) << 64n) / WAD2,
  least: (max(MIN_DEVIATION, (least * rootTime) / WAD) * UNIT) / WAD,
});

/** τ = (30 / max(days, floor))^p, WAD. */
const tauOf = (t: ScenarioTerms, secondsLeft: bigint): bigint => {
  const days = (secondsLeft * WAD) / DAY;
  const power = days <= 30n * WAD ? t.shortPower : t.longPower;
  return powWad((30n * WAD2) / max(days, t.daysFloor), power);
};

const discounts = (
  t: ScenarioTerms,
  rate: bigint,
  time: bigint,
): { readonly discount: bigint; readonly gain: bigint; readonly loss: bigint } => {
  const discount = rate === 0n ? WAD : expWad(-(rate * time) / WAD);
  const owned = ((rate * t.gain.mult) / WAD + t.gain.add) * time;
  const owed = ((rate * t.loss.mult) / WAD + t.loss.add) * time;
  const loss = (t.loss.base * expWad(owed / WAD)) / WAD;
  return {
    discount,
    gain: (t.gain.base * expWad(-owned / WAD)) / WAD,
    loss: discount === 0n ? loss : min(loss, WAD2 / discount),
  };
};

const spanOf = (t: ScenarioTerms, rule: number): { readonly from: number; readonly to: number } => {
  const from = t.counts.slice(0, rule).reduce((sum, n) => sum + n, 0);
  return { from, to: from + (t.counts[rule] ?? 0) };
};

const pricingOf = (t: ScenarioTerms, e: OptionExpiry): Pricing => {
  demand(e.forwardVar < MAX_PRICE / 2n && e.forwardFix < MAX_PRICE / 2n, e.forwardVar | e.forwardFix);
  demand(e.secondsLeft < MAX_SECONDS, e.secondsLeft);
  const time = (e.secondsLeft * WAD) / YEAR;
  const rootTime = sqrt((e.secondsLeft * WAD2) / YEAR);
  const factors: readonly [rule: number, factor: () => bigint, least: bigint][] = [
    [UP, () => WAD + (t.rangeUp * tauOf(t, e.secondsLeft)) / WAD, t.leastVolatility],
    [NONE, () => WAD, 0n],
    [DOWN, () => max(WAD - (t.rangeDown * tauOf(t, e.secondsLeft)) / WAD, 0n), 0n],
  ];
  const straight = factors
    .filter(([rule]) => t.counts[rule] !== 0)
    .map(([rule, factor, least]) => ({ ...spanOf(t, rule), ...scaleOf(factor(), rootTime, least) }));
  const width = (rootTime * (t.volStatic + (rootTime * t.volScale) / WAD)) / WAD;
  const [linear, absolute] = t.skews;
  return {
    forwardVar: e.forwardVar,
    forwardFix: e.forwardFix,
    time,
    rootTime,
    ...discounts(t, max(e.rate, 0n), time),
    caps: [linear.scale + (linear.base * rootTime) / WAD, absolute.scale + (absolute.base * rootTime) / WAD],
    kStar: max(t.minKStar, (width * t.minWidthScale) / WAD),
    straight,
  };
};

/** How far weights must be scaled down to fit the contract's accumulators, and what needs no probability. */
const weigh = (
  legs: readonly OptionLeg[],
): {
  readonly shiftA: bigint;
  readonly shiftB: bigint;
  readonly puts: bigint;
  readonly putStrikes: bigint;
  readonly gross: bigint;
  readonly shorts: bigint;
} => {
  let [sumA, sumB, shorts, gross, highest, puts, putStrikes] = [0n, 0n, 0n, 0n, 0n, 0n, 0n];
  for (const leg of legs) {
    const n = leg.calls + leg.puts;
    highest |= leg.strike;
    gross += leg.gross;
    if (n < 0n) shorts -= n;
    sumA += abs(n);
    sumB += abs(n) * leg.strike;
    puts += leg.puts;
    putStrikes += leg.puts * leg.strike;
  }
  demand(highest < MAX_PRICE, highest);
  const excess = (sum: bigint): number => Math.max(0, bitLength(sum | 1n) - WEIGHT_BITS);
  return {
    shiftA: BigInt(excess(sumA)),
    shiftB: BigInt(Math.max(PROBABILITY_BITS, excess(sumB))),
    puts,
    putStrikes,
    gross,
    shorts,
  };
};

/** σ' = σ·max(m, 0) of the skew rules, which depends on the strike. `ln` is of F / K. */
const skewRules = (t: ScenarioTerms, p: Pricing, ln: bigint): KernelRule[] => {
  const rules: KernelRule[] = [];
  for (const rule of [LINEAR, ABS] as const) {
    if (t.counts[rule] === 0) continue;
    const k = rule === ABS && ln > 0n ? ln : -ln;
    const cap = p.caps[rule - LINEAR] as bigint;
    const tilt = (k * cap) / p.kStar;
    const m = WAD + (k >= 0n ? min(cap, tilt) : max(-cap, tilt));
    rules.push({ ...spanOf(t, rule), ...scaleOf(max(m, 0n), p.rootTime, 0n) });
  }
  return rules;
};

/** Cells inside the averaging window: the forward moves less than the spot. */
const logsOf = (shocks: Shocks, p: Pricing): readonly bigint[] => {
  if (p.forwardFix === 0n) return shocks.logs;
  const forward = p.forwardVar + p.forwardFix;
  return shocks.factors.map((s) => logOf(logRatio((p.forwardVar * s) / WAD + p.forwardFix, forward)));
};

/** The whole underlying while its expiries are added up. */
interface Work {
  readonly terms: ScenarioTerms;
  readonly shocks: Shocks;
  /** Σ over expiries of d(V(s, v)) − V, of skews −|d(V(s, v)) − V|. */
  readonly changes: bigint[];
  basis: bigint;
  optionValue: bigint;
  nakedShorts: bigint;
  unsure: bigint;
}

const addExpiry = (w: Work, e: OptionExpiry): void => {
  if (e.legs.length === 0) return;
  const t = w.terms;
  const p = pricingOf(t, e);
  const { shiftA, shiftB, puts, putStrikes, gross, shorts } = weigh(e.legs);
  w.nakedShorts += shorts;
  const count = t.cells.length;
  const zeros = (): bigint[] => new Array<bigint>(count).fill(0n);
  const sums: Accumulators = { upper: zeros(), lower: zeros(), logs: logsOf(w.shocks, p) };
  const present = p.forwardVar + p.forwardFix;
  const skewed = t.counts[LINEAR] !== 0 || t.counts[ABS] !== 0;
  for (const leg of present === 0n ? [] : e.legs) {
    const n = leg.calls + leg.puts;
    if (n === 0n) continue; // worth a forward
    const ln = logRatio(present, leg.strike);
    const sigma = min(leg.volatility, MAX_VOLATILITY);
    const rules = skewed ? [...p.straight, ...skewRules(t, p, ln)] : p.straight;
    const scaledLn = (ln * SQUARED_UNIT) / WAD;
    const [a, b] = [n >> shiftA, -((n * leg.strike) >> shiftB)];
    for (const rule of rules) accumulate(sums, rule, sigma, scaledLn, a, b);
  }

  // V of a cell before D, WAD²
  const rest = shiftB - BigInt(PROBABILITY_BITS);
  const undiscounted = (i: number): bigint => {
    const forward = (p.forwardVar * (w.shocks.factors[i] as bigint)) / WAD + p.forwardFix;
    const exercised =
      // at a forward of nothing no call is exercised
      forward === 0n
        ? 0n
        : ((((sums.upper[i] as bigint) * forward) >> 54n) << shiftA) + ((sums.lower[i] as bigint) << rest);
    return (exercised - puts * forward + putStrikes) / WAD;
  };
  const value = (i: number): bigint => (undiscounted(i) * p.discount) / WAD;
  const base = value(t.baseCell);
  const least = min(min(value(t.basisUpCell), value(t.basisDownCell)) - base, 0n);
  w.basis += divFloor(least * (t.basisAdd + (t.basisMult * p.time) / WAD), WAD);
  w.optionValue += base;
  const gain = (p.gain * p.discount) / WAD;
  const loss = (p.loss * p.discount) / WAD;
  const straight = spanOf(t, LINEAR).from;
  for (let i = 0; i < count; i++) {
    const v = undiscounted(i);
    const change = divFloor(v * (v < 0n ? loss : gain), WAD) - base;
    w.changes[i] = (w.changes[i] as bigint) + (i >= straight ? -abs(change) : change);
  }
  if (e.confidence < t.confidenceThreshold) w.unsure += mulDivUp(WAD - e.confidence, gross, WAD);
};

// ---------------------------------------------------------------- the underlying

const percent = (perp: bigint, shorts: bigint, ofPerp: bigint, ofShorts: bigint, spot: bigint): bigint =>
  mulDivUp(perp * ofPerp + shorts * ofShorts, spot, WAD2);

const charges = (w: Work, book: UnderlyingBook): Pick<UnderlyingRisk, "chargeInitial" | "chargeMaintenance"> => {
  const t = w.terms;
  const perp = abs(book.perpSize);
  let unsure = w.unsure;
  if (perp !== 0n && book.perpConfidence < t.confidenceThreshold) {
    unsure += mulDivUp(perp, WAD - book.perpConfidence, WAD);
  }
  const extra = percent(perp, w.nakedShorts, t.perpInitialExtra, t.optionInitialExtra, book.spot);
  return {
    chargeMaintenance: percent(perp, w.nakedShorts, t.perpMaintenance, t.optionMaintenance, book.spot),
    chargeInitial: extra + mulDivUp(mulDivUp(unsure, book.spot, WAD), t.confidenceMargin, WAD),
  };
};

/**
 * Every scenario's PnL, the basis contingency, the worst of them, and the charges beside. `g`: scale of the spot shocks, WAD, ≥ 1.
 * Reverts `BeyondGrid` for prices from 2^104 on and expiries a hundred years away.
 */
export const evaluateGrid = (book: UnderlyingBook, terms: ScenarioTerms, g: bigint): UnderlyingRisk => {
  demand(book.spot < MAX_PRICE, book.spot);
  demand(book.perpMark < MAX_PRICE, book.perpMark);
  const shocks = shocksOf(terms, g);
  const changes = new Array<bigint>(terms.cells.length).fill(0n);
  const w: Work = { terms, shocks, changes, basis: 0n, optionValue: 0n, nakedShorts: 0n, unsure: 0n };
  for (const e of book.expiries) addExpiry(w, e);

  const pnl = new Array<bigint>(terms.scenarios).fill(0n);
  let worst = w.basis;
  // what moves with the spot, per whole shock
  const exposure = (book.perpSize * book.perpMark) / WAD + book.spotValue;
  terms.cells.forEach((cell, i) => {
    if (cell.place === NO_SCENARIO) return;
    const moved = divFloor(exposure * ((shocks.factors[i] as bigint) - WAD), WAD);
    const x = divFloor(((changes[i] as bigint) + moved) * cell.weight, WAD);
    pnl[cell.place] = x;
    if (x < worst) worst = x;
  });
  return { pnl, basis: w.basis, worst, optionValue: w.optionValue, ...charges(w, book) };
};
