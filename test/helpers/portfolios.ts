// Random portfolios for differential tests: what an account could hold, in the integers that the contracts take, ordinary things
// mostly and every kind of edge now and then; and the same as the exact models take it.
import type { RuleParameters } from "../../sdk/tables/ruleTable.ts";
import type { Scenario, ScenarioParameters, VolatilityRule } from "../../sdk/tables/scenarioTable.ts";
import { value } from "./exact/black76.ts";
import type * as Portfolio from "./exact/portfolio.ts";
import * as R from "./exact/real.ts";
import type { Real } from "./exact/real.ts";
import type * as Standard from "./exact/standard.ts";

const WAD = 10n ** 18n;
const YEAR = 365n * 86_400n;
/** Strikes are kept in units of 1e-8. */
const STRIKE_UNIT = 10n ** 10n;
const AVERAGING = 1_800n;
const MOST_POSITIONS = 128;

export interface RandomOption {
  readonly strike: bigint;
  readonly call: boolean;
  readonly size: bigint;
  /** σ, per √year. */
  readonly vol: bigint;
}

export interface RandomExpiry {
  readonly seconds: bigint;
  readonly variable: bigint;
  readonly fixed: bigint;
  readonly rate: bigint;
  readonly confidence: bigint;
  readonly options: readonly RandomOption[];
}

/** Everything WAD, prices in settlement units. */
export interface RandomUnderlying {
  readonly spot: bigint;
  readonly spotConfidence: bigint;
  readonly perp: {
    readonly size: bigint;
    readonly mark: bigint;
    readonly confidence: bigint;
    readonly openInterest: bigint;
    readonly slowOpenInterest: bigint;
  };
  /** Signed value of what moves with the spot. */
  readonly moving: bigint;
  readonly expiries: readonly RandomExpiry[];
}

export interface RandomPortfolio {
  readonly underlyings: readonly RandomUnderlying[];
  readonly settlementPrice: bigint;
  readonly cash: bigint;
  readonly unsettled: bigint;
}

/** Numbers that follow from a seed, so that a failure can be repeated. */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = Math.imul(seed + 1, 0x9e3779b1) | 0;
  }

  /** 0 … below − 1 */
  int(below: number): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  }

  big(below: bigint): bigint {
    let bits = 0n;
    for (let i = 0; i < 4; i++) bits = (bits << 32n) | BigInt(this.int(0x1_0000_0000));
    return bits % below;
  }

  between(low: bigint, high: bigint): bigint {
    return low + this.big(high - low + 1n);
  }

  oneIn(n: number): boolean {
    return this.int(n) === 0;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.int(list.length)] as T;
  }

  /** With every order of magnitude as likely as another. */
  spread(low: bigint, high: bigint): bigint {
    const digits = (n: bigint): number => n.toString().length;
    const length = digits(low) + this.int(digits(high) - digits(low) + 1);
    const from = 10n ** BigInt(length - 1);
    const at = this.between(from, from * 10n - 1n);
    return at < low ? low : at > high ? high : at;
  }

  signed(n: bigint): bigint {
    return this.oneIn(2) ? n : -n;
  }
}

const scale = (n: bigint, wad: bigint): bigint => (n * wad) / WAD;

function spotOf(random: Random): bigint {
  if (random.oneIn(25)) return random.spread(1n, WAD / 1_000n); // almost nothing
  if (random.oneIn(40)) return random.spread(WAD * 10n ** 6n, WAD * 10n ** 9n);
  return random.pick([2_000n, 60_000n, 1n]) * random.between((8n * WAD) / 10n, (12n * WAD) / 10n);
}

export function sizeOf(random: Random): bigint {
  if (random.oneIn(20)) return random.signed(random.spread(1n, 10n ** 9n)); // dust
  if (random.oneIn(20)) return random.signed(random.spread(WAD * 10_000n, WAD * 10n ** 7n));
  return random.signed(random.spread(WAD / 1_000n, WAD * 1_000n));
}

function volOf(random: Random): bigint {
  if (random.oneIn(20)) return random.pick([WAD / 100n, 5n * WAD, 25n * WAD, 500n * WAD]);
  return random.between((2n * WAD) / 10n, (15n * WAD) / 10n);
}

export const confidenceOf = (random: Random): bigint =>
  random.oneIn(5) ? random.pick([0n, WAD / 10n, (2n * WAD) / 5n, (54n * WAD) / 100n, random.big(WAD)]) : WAD;

function secondsOf(random: Random): bigint {
  if (random.oneIn(12)) return random.pick([1n, 2n, 60n]);
  if (random.oneIn(12)) return random.between(1n, AVERAGING); // its average is being fixed
  if (random.oneIn(40)) return 0n; // over, and not settled yet
  if (random.oneIn(12)) return 30n * 86_400n + random.between(-1n, 1n);
  return random.spread(3_600n, 3n * YEAR);
}

function strikeOf(random: Random, forward: bigint): bigint {
  const near = random.oneIn(6)
    ? random.spread(forward / 100n + 1n, forward * 100n + 1n)
    : scale(forward, random.between(WAD / 2n, 2n * WAD));
  // A few units more, so that there are strikes enough where a price is less than one unit.
  return (near / STRIKE_UNIT + BigInt(1 + random.int(1_000))) * STRIKE_UNIT;
}

/** Options of one expiry: loose ones, spreads, boxes, straddles; each instrument once. */
export function optionsOf(random: Random, forward: bigint, most: number): RandomOption[] {
  const options = new Map<string, RandomOption>();
  const vols = new Map<bigint, bigint>();
  const add = (strike: bigint, call: boolean, size: bigint): void => {
    const vol = vols.get(strike) ?? volOf(random);
    vols.set(strike, vol);
    if (options.size < most) options.set(`${strike} ${call}`, { strike, call, size, vol });
  };
  while (options.size < most) {
    const [strike, size, call] = [strikeOf(random, forward), sizeOf(random), random.oneIn(2)];
    const other = strikeOf(random, forward);
    const shape = random.int(6);
    if (shape <= 2) add(strike, call, size);
    if (shape === 3) [add(strike, call, size), add(other, call, -size)];
    if (shape === 4) [add(strike, true, size), add(strike, false, random.oneIn(2) ? size : -size)];
    if (shape === 5) {
      [add(strike, true, size), add(strike, false, -size)];
      [add(other, true, -size), add(other, false, size)];
    }
  }
  return [...options.values()];
}

function expiryOf(random: Random, spot: bigint, most: number): RandomExpiry {
  const seconds = secondsOf(random);
  const forward = scale(spot, random.between((95n * WAD) / 100n, (115n * WAD) / 100n));
  // What is over of the average was fixed within 10 % of the spot.
  const moving = seconds < AVERAGING ? (forward * seconds) / AVERAGING : forward;
  const average = scale(spot, random.between((9n * WAD) / 10n, (11n * WAD) / 10n));
  const fixed = seconds < AVERAGING ? (average * (AVERAGING - seconds)) / AVERAGING : 0n;
  return {
    seconds,
    variable: moving,
    fixed,
    rate: random.oneIn(4) ? -random.big(WAD / 5n) : random.big(WAD / 3n),
    confidence: confidenceOf(random),
    options: optionsOf(random, moving + fixed, most),
  };
}

function underlyingOf(random: Random, options: number): RandomUnderlying {
  const spot = spotOf(random);
  const expiries: RandomExpiry[] = [];
  for (let left = options; left > 0;) {
    const count = random.oneIn(3) ? left : 1 + random.int(left);
    expiries.push(expiryOf(random, spot, count));
    left -= count;
  }
  const hasPerp = options === 0 || random.oneIn(2);
  const openInterest = random.spread(WAD, 10n ** 6n * WAD);
  return {
    spot,
    spotConfidence: confidenceOf(random),
    perp: {
      size: hasPerp ? sizeOf(random) : 0n,
      mark: scale(spot, random.between((975n * WAD) / 1_000n, (1_025n * WAD) / 1_000n)),
      confidence: confidenceOf(random),
      openInterest,
      slowOpenInterest: scale(openInterest, random.between(WAD / 2n, 2n * WAD)),
    },
    moving: random.oneIn(2) ? scale(sizeOf(random), spot) : 0n,
    expiries,
  };
}

/**
 * @param largest full accounts (128 options) come up once in so many; they cost most of the time.
 */
export function randomPortfolio(seed: number, largest = 250): RandomPortfolio {
  const random = new Random(seed);
  const total = random.oneIn(largest)
    ? MOST_POSITIONS
    : random.oneIn(12)
      ? 0
      : 1 + random.int(random.oneIn(8) ? 24 : 6);
  const count = 1 + random.int(total === MOST_POSITIONS ? 1 : 3);
  return {
    underlyings: Array.from({ length: count }, () => underlyingOf(random, Math.ceil(total / count))),
    settlementPrice: random.oneIn(5)
      ? random.pick([WAD / 10n, (97n * WAD) / 100n, (98n * WAD) / 100n, (105n * WAD) / 100n])
      : random.between((995n * WAD) / 1_000n, (1_005n * WAD) / 1_000n),
    cash: random.signed(random.spread(WAD, WAD * 10n ** 7n)),
    unsettled: random.signed(random.spread(WAD, WAD * 10n ** 6n)),
  };
}

// ---------------------------------------------------------------- parameters of the scenarios
/** Fields of the table have fifteen decimals. */
const FIELD = 1_000n;

/**
 * Scenario parameters for so many underlyings of one group: one list of rules and weights, shocks of their own size, everything
 * else as it may differ; loss factors and peg are the account's.
 */
export function randomScenarios(random: Random, count: number): ScenarioParameters[] {
  const within = (low: bigint, high: bigint): bigint => (random.between(low, high) / FIELD) * FIELD;
  const percent = (low: number, high: number): bigint =>
    within((BigInt(low) * WAD) / 100n, (BigInt(high) * WAD) / 100n);
  const rules: readonly VolatilityRule[] = ["up", "none", "down"];
  const shared: Scenario[] = [];
  for (let steps = 1 + random.int(4), i = -steps; i <= steps; i++) {
    const spot = WAD + (BigInt(i) * percent(14, 22)) / BigInt(steps);
    for (const volatility of i === 0 || random.oneIn(2) ? rules : [random.pick(rules)]) {
      shared.push({ spot, volatility, weight: WAD });
    }
  }
  const tails = [34n, 67n, 150n, 200n, 300n, 400n].filter(() => random.oneIn(2));
  for (const spot of tails) shared.push({ spot: (spot * WAD) / 100n, volatility: "up", weight: percent(1, 12) });
  for (const volatility of ["linear", "abs"] as const) {
    if (!random.oneIn(4)) shared.push({ spot: WAD, volatility, weight: percent(50, 150) });
  }
  const loss = percent(60, 100);
  const account = {
    lossFactor: { maintenance: loss, initial: loss + percent(0, 60) },
    peg: { threshold: percent(90, 100), factor: percent(0, 300) },
  };
  return Array.from({ length: count }, (): ScenarioParameters => {
    const size = percent(80, 120);
    return {
      ...account,
      scenarios: shared.map((s) => ({ ...s, spot: WAD + ((BigInt(s.spot) - WAD) * size) / WAD })),
      volatility: {
        rangeUp: percent(0, 80),
        least: percent(0, 60),
        rangeDown: percent(0, 60),
        daysFloor: percent(20, 500),
        shortPower: percent(0, 60),
        longPower: percent(0, 40),
      },
      discount: {
        gain: { base: percent(80, 100), mult: percent(0, 150), add: percent(0, 20) },
        loss: { base: percent(100, 120), mult: percent(0, 150), add: percent(0, 20) },
      },
      skew: {
        linear: { base: -percent(0, 10), scale: percent(0, 40) },
        abs: { base: -percent(0, 10), scale: percent(0, 40) },
        minKStar: percent(1, 10),
        minWidthScale: percent(100, 500),
        volStatic: percent(20, 100),
        volScale: -percent(0, 20),
      },
      basis: { up: WAD + percent(1, 10), down: WAD - percent(1, 10), add: percent(0, 100), mult: percent(0, 300) },
      confidence: { threshold: percent(0, 100), margin: percent(0, 150) },
      perp: { maintenance: percent(0, 5), initialExtra: percent(0, 5) },
      option: { maintenance: percent(0, 2), initialExtra: percent(0, 2) },
    };
  });
}

// ---------------------------------------------------------------- as the exact models take them
const bps = (n: number | undefined): Real => R.fromFraction(BigInt(n ?? 0), 10_000n);

/** Packed rules. */
export function exactRules(p: RuleParameters): Standard.Rules {
  return {
    perpMaintenance: bps(p.perpMaintenanceBps),
    perpInitialExtra: bps(p.perpInitialExtraBps),
    brackets: (p.brackets ?? []).map((b) => ({ size: R.fromInt(b.size), addOn: bps(b.addOnBps) })),
    kappa: bps(p.kappaBps),
    a: bps(p.aBps),
    b: bps(p.bBps),
    c: bps(p.cBps),
    d: bps(p.dBps),
    e: bps(p.eBps),
    unpairedInitial: bps(p.unpairedInitialBps),
    unpairedMaintenance: bps(p.unpairedMaintenanceBps),
    confidence: { threshold: bps(p.confidenceThresholdBps), factor: bps(p.confidenceFactorBps) },
    peg: { threshold: bps(p.pegThresholdBps), factor: bps(p.pegFactorBps) },
  };
}

/** Packed scenario parameters, given as WAD. */
export function exactScenarios(p: ScenarioParameters): Portfolio.Parameters {
  const real = (x: unknown): Real => R.fromWad(x as bigint);
  const { volatility: v, skew, discount, basis } = p;
  const factor = (of: ScenarioParameters["discount"]["gain"]): Portfolio.Parameters["owned"] => ({
    base: real(of.base),
    multiply: real(of.mult),
    add: real(of.add),
  });
  return {
    scenarios: p.scenarios.map((s) => ({ spot: real(s.spot), rule: s.volatility, weight: real(s.weight) })),
    vol: {
      up: real(v.rangeUp),
      down: real(v.rangeDown),
      least: real(v.least),
      shortPower: real(v.shortPower),
      longPower: real(v.longPower),
      floor: real(v.daysFloor),
    },
    skew: {
      linear: { base: real(skew.linear.base), scale: real(skew.linear.scale) },
      abs: { base: real(skew.abs.base), scale: real(skew.abs.scale) },
      leastWidth: real(skew.minKStar),
      widthScale: real(skew.minWidthScale),
      volStatic: real(skew.volStatic),
      volScale: real(skew.volScale),
    },
    owned: factor(discount.gain),
    owed: factor(discount.loss),
    basis: { up: real(basis.up), down: real(basis.down), add: real(basis.add), multiply: real(basis.mult) },
    factor: { initial: real(p.lossFactor.initial), maintenance: real(p.lossFactor.maintenance) },
    peg: { threshold: real(p.peg.threshold), factor: real(p.peg.factor) },
    confidence: { threshold: real(p.confidence.threshold), factor: real(p.confidence.margin) },
    perp: { maintenance: real(p.perp.maintenance), initialExtra: real(p.perp.initialExtra) },
    option: { maintenance: real(p.option.maintenance), initialExtra: real(p.option.initialExtra) },
  };
}

/** Value of a leg at mark, rounded down as the rules ask for it. */
export function markDown(e: RandomExpiry, o: RandomOption): bigint {
  const years = R.fromFraction(e.seconds, YEAR);
  const rate = R.max(R.fromWad(e.rate), R.ZERO);
  const each = value(
    { strike: R.fromWad(o.strike), call: o.call },
    R.fromWad(e.variable + e.fixed),
    R.mul(R.fromWad(o.vol), R.sqrt(years)),
    R.exp(-R.mul(rate, years)),
  );
  return (R.mul(R.fromWad(o.size), each) * WAD) >> R.BITS;
}

const exactPerp = ({ perp }: RandomUnderlying): Standard.Underlying["perp"] => ({
  size: R.fromWad(perp.size),
  mark: R.fromWad(perp.mark),
  confidence: R.fromWad(perp.confidence),
  openInterest: R.fromWad(perp.openInterest),
  slowOpenInterest: R.fromWad(perp.slowOpenInterest),
});

export function forRules(u: RandomUnderlying): Standard.Underlying {
  return {
    spot: R.fromWad(u.spot),
    spotConfidence: R.fromWad(u.spotConfidence),
    perp: exactPerp(u),
    expiries: u.expiries.map((e) => ({
      forward: R.fromWad(e.variable + e.fixed),
      confidence: R.fromWad(e.confidence),
      legs: e.options.map((o) => ({
        strike: R.fromWad(o.strike),
        call: o.call,
        size: R.fromWad(o.size),
        value: R.fromWad(markDown(e, o)),
      })),
    })),
  };
}

/** What moves with the spot bears no haircut here: haircuts are the spot part's. */
export function forScenarios(u: RandomUnderlying): Portfolio.Underlying {
  return {
    spot: R.fromWad(u.spot),
    spotConfidence: R.fromWad(u.spotConfidence),
    perp: exactPerp(u),
    expiries: u.expiries.map((e) => ({
      seconds: e.seconds,
      variable: R.fromWad(e.variable),
      fixed: R.fromWad(e.fixed),
      rate: R.fromWad(e.rate),
      confidence: R.fromWad(e.confidence),
      options: e.options.map((o) => ({
        strike: R.fromWad(o.strike),
        call: o.call,
        size: R.fromWad(o.size),
        vol: R.fromWad(o.vol),
      })),
    })),
    balances: [
      { value: R.fromWad(u.moving), moves: true, maintenance: R.ZERO, initialExtra: R.ZERO, confidence: R.ONE },
    ],
  };
}
