// Fits raw SVI to quoted volatilities, expiry by expiry, without butterfly or calendar arbitrage. Deterministic: the same quotes
// give the same surface.
import {
  butterfly,
  butterflyViolations,
  calendarViolations,
  feedViolations,
  grid,
  leastVariance,
  liftedAbove,
  type Slice,
  type Svi,
  sviVolatility,
  totalVariance,
  type Violation,
  wingSlope,
} from "../sdk/svi.ts";
import { type Fitted, leastSquares } from "./leastSquares.ts";

export interface VolQuote {
  readonly strike: number;
  /** Per √year; 1 = 100 %. */
  readonly bid: number;
  readonly ask: number;
}

export interface ExpiryQuotes {
  /** Unix seconds. */
  readonly expiry: number;
  /** Years. */
  readonly time: number;
  readonly forward: number;
  readonly quotes: readonly VolQuote[];
}

export interface ExpiryReport {
  readonly expiry: number;
  readonly quotes: number;
  /** Of the fit against the middle of bid and ask, in vol points (1 = 1 %). */
  readonly rmse: number;
  readonly worst: number;
  /** Part of the quotes whose bid and ask enclose the fit. */
  readonly insideSpread: number;
  /** Half of bid to ask, on average: what the error may be compared with; vol points. */
  readonly halfSpread: number;
  /** Least g(k) and least distance to the expiry before (in total variance) over the dense grid; ≥ 0: no arbitrage. */
  readonly leastDensity: number;
  readonly leastCalendarGap: number | undefined;
}

export interface Surface {
  readonly slices: readonly Slice[];
  readonly reports: readonly ExpiryReport[];
  /** Empty: free of arbitrage on the dense grid, in the wings, and on the feed's own grid. */
  readonly violations: readonly Violation[];
}

/** Standard deviations of the smile to either side that are looked at; beyond them the wings' slopes decide. */
const WIDTH = 20;
/** Points stand close in the middle and apart outside. */
const STRETCH = 4;
const FIT_POINTS = 61;
const DENSE_POINTS = 1_201;
/** Fits keep this far from the bounds, because between the points of a grid nothing is seen. */
const DENSITY_MARGIN = 2e-3;
const CALENDAR_MARGIN = 2e-4;
const SLOPE_MARGIN = 1e-4;
const PENALTY = 300;
/** Many starts a little way, the best of them further. */
const ROUNDS = [
  { steps: 20, kept: 4 },
  { steps: 120, kept: 1 },
  { steps: 300, kept: 1 },
];
const LEAST_QUOTES = 5;
/** Error weights: half the spread, but not less; a quote of no width must not rule the fit. */
const LEAST_HALF_SPREAD = 0.002;

const toSvi = ([level = 0, slope = 0, tilt = 0, m = 0, width = 0]: readonly number[]): Svi => {
  const b = Math.exp(slope);
  const sigma = Math.exp(width);
  const rho = Math.tanh(tilt);
  // The least variance is a parameter of its own, so that it cannot become negative.
  return { a: Math.exp(level) - b * sigma * Math.sqrt(1 - rho * rho), b, rho, m, sigma };
};

const fromSvi = (svi: Svi): number[] => [
  Math.log(Math.max(leastVariance(svi), 1e-12)),
  Math.log(svi.b),
  Math.atanh(svi.rho),
  svi.m,
  Math.log(svi.sigma),
];

const middle = ({ bid, ask }: VolQuote): number => (bid + ask) / 2;

interface Point {
  readonly k: number;
  readonly vol: number;
  readonly weight: number;
}

const pointsOf = ({ forward, quotes }: ExpiryQuotes): Point[] => {
  const points = quotes.map((quote) => ({
    k: Math.log(quote.strike / forward),
    vol: middle(quote),
    weight: 1 / Math.max((quote.ask - quote.bid) / 2, LEAST_HALF_SPREAD),
  }));
  // So that a chain of many quotes and one of few weigh alike against the conditions.
  const total = Math.sqrt(points.reduce((sum, { weight }) => sum + weight * weight, 0));
  return points.map((point) => ({ ...point, weight: (100 * point.weight) / total }));
};

/** Where conditions are looked at: the widths of this smile and of its neighbour. */
const conditionGrid = (deviations: readonly number[], count: number): number[] =>
  deviations.flatMap((deviation) =>
    grid(-STRETCH, STRETCH, count).map((t) => (WIDTH * deviation * Math.sinh(t)) / Math.sinh(STRETCH)),
  );

const deviationOf = (svi: Svi): number => Math.sqrt(totalVariance(svi, 0));

const short = (value: number, least: number): number => (value < least ? least - value : 0);

/** How far a smile is from keeping the conditions, each on a scale of its own. `later` is the smile that it must stay below. */
const conditions = (svi: Svi, ks: readonly number[], later: Svi | undefined): number[] => {
  const list = ks.map((k) => Math.min(short(butterfly(svi, k), DENSITY_MARGIN), 10));
  list.push(short(2 - SLOPE_MARGIN, wingSlope(svi)));
  if (later === undefined) return list;
  for (const k of ks) list.push(short(totalVariance(later, k) / totalVariance(svi, k), 1 + CALENDAR_MARGIN));
  for (const side of [-1, 1]) {
    list.push(short((later.b * (1 + side * later.rho)) / (svi.b * (1 + side * svi.rho)), 1 + CALENDAR_MARGIN));
  }
  return list;
};

/** Starts from which one or other leads to the best fit. */
const starts = (points: readonly Point[], time: number, deviation: number, later: Slice | undefined): number[][] => {
  const least = Math.min(...points.map(({ vol }) => vol)) ** 2 * time;
  const list: number[][] = [];
  for (const width of [0.3, 1, 3]) {
    for (const rho of [-0.5, 0, 0.5]) {
      for (const m of [-0.5, 0.5]) {
        for (const steep of [0.1, 0.4]) {
          list.push(fromSvi({ a: least / 2, b: steep * deviation, rho, m: m * deviation, sigma: width * deviation }));
        }
      }
    }
  }
  if (later !== undefined) {
    const { a, b, rho, m, sigma } = later.svi;
    const part = time / later.time;
    list.push(fromSvi({ a: a * part, b: b * Math.sqrt(part), rho, m, sigma: sigma * Math.sqrt(part) }));
  }
  return list;
};

/**
 * The smile of one expiry, kept below the next one's. From the last expiry to the first, because long expiries are quoted far out
 * and say where wings may go; forwards, a wing that nobody quotes tomorrow would push next year's up.
 */
const fitSlice = (quotes: ExpiryQuotes, later: Slice | undefined): Svi => {
  const points = pointsOf(quotes);
  const { time } = quotes;
  const nearest = points.reduce((best, point) => (Math.abs(point.k) < Math.abs(best.k) ? point : best));
  const deviation = nearest.vol * Math.sqrt(time);
  const ks = conditionGrid(later === undefined ? [deviation] : [deviation, deviationOf(later.svi)], FIT_POINTS);
  const residuals = (x: readonly number[]): number[] => {
    const svi = toSvi(x);
    const errors = points.map(({ k, vol, weight }) => weight * (sviVolatility(svi, k, time) - vol));
    return [...errors, ...conditions(svi, ks, later?.svi).map((by) => PENALTY * by)];
  };
  let fits = starts(points, time, deviation, later).map((x): Fitted => ({ x, cost: Infinity }));
  for (const { steps, kept } of ROUNDS) {
    fits = fits
      .map(({ x }) => leastSquares(residuals, x, steps))
      .sort((a, b) => a.cost - b.cost)
      .slice(0, kept);
  }
  return toSvi(fits[0]?.x ?? []);
};

const FLATTENINGS = 40;

/** Between the smile and a flat one, which has no butterfly: the nearest to the smile that has none either. */
const withoutButterfly = (svi: Svi, ks: readonly number[]): Svi => {
  if (butterflyViolations(svi, ks).length === 0) return svi;
  const at = totalVariance(svi, 0);
  const flattened = (part: number): Svi => {
    const flatter = { ...svi, b: svi.b * (1 - part), a: 0 };
    return { ...flatter, a: at - totalVariance(flatter, 0) };
  };
  let [bad, good] = [0, 1];
  for (let i = 0; i < FLATTENINGS; i += 1) {
    const half = (bad + good) / 2;
    if (butterflyViolations(flattened(half), ks).length === 0) good = half;
    else bad = half;
  }
  return flattened(good);
};

/** What the penalties have left over, mostly nothing: flattened, lifted above the smile before, its wings opened. */
const repaired = (svi: Svi, ks: readonly number[], earlier: Svi | undefined): Svi => {
  let fixed = withoutButterfly(svi, ks);
  if (earlier === undefined) return fixed;
  for (const side of [-1, 1]) {
    const [before, after] = [earlier, fixed].map(({ b, rho }) => b * (1 + side * rho));
    if (before !== undefined && after !== undefined && after < before)
      fixed = { ...fixed, b: (fixed.b * before) / after };
  }
  return liftedAbove(earlier, withoutButterfly(fixed, ks), ks);
};

const reportOf = (quotes: ExpiryQuotes, svi: Svi, ks: readonly number[], earlier: Svi | undefined): ExpiryReport => {
  const fits = quotes.quotes.map((quote) => {
    const vol = sviVolatility(svi, Math.log(quote.strike / quotes.forward), quotes.time);
    return { error: 100 * (vol - middle(quote)), isInside: vol >= quote.bid && vol <= quote.ask };
  });
  const count = fits.length;
  return {
    expiry: quotes.expiry,
    quotes: count,
    rmse: Math.sqrt(fits.reduce((sum, { error }) => sum + error * error, 0) / count),
    worst: Math.max(...fits.map(({ error }) => Math.abs(error))),
    insideSpread: fits.filter(({ isInside }) => isInside).length / count,
    halfSpread: (100 * quotes.quotes.reduce((sum, { bid, ask }) => sum + (ask - bid) / 2, 0)) / count,
    leastDensity: Math.min(...ks.map((k) => butterfly(svi, k))),
    leastCalendarGap:
      earlier === undefined ? undefined : Math.min(...ks.map((k) => totalVariance(svi, k) - totalVariance(earlier, k))),
  };
};

/** The smiles of all expiries, without arbitrage. Needs five quotes or more of an expiry. */
export const calibrate = (surface: readonly ExpiryQuotes[]): Surface => {
  const ordered = [...surface].sort((a, b) => a.expiry - b.expiry);
  const rough: Slice[] = [];
  for (const quotes of [...ordered].reverse()) {
    const { expiry, time, forward } = quotes;
    if (quotes.quotes.length < LEAST_QUOTES || !(time > 0)) {
      throw new RangeError(`expiry ${expiry} needs at least ${LEAST_QUOTES} quotes and time left`);
    }
    rough.unshift({ expiry, time, forward, svi: fitSlice(quotes, rough[0]) });
  }
  const slices: Slice[] = [];
  const reports: ExpiryReport[] = [];
  const violations: Violation[] = [];
  for (const [i, quotes] of ordered.entries()) {
    const slice = rough[i];
    if (slice === undefined) continue;
    const earlier = slices.at(-1)?.svi;
    const deviations = [slice.svi, ...(earlier === undefined ? [] : [earlier])].map(deviationOf);
    const ks = conditionGrid(deviations, DENSE_POINTS);
    const svi = repaired(slice.svi, ks, earlier);
    violations.push(...butterflyViolations(svi, ks));
    if (earlier !== undefined) violations.push(...calendarViolations(earlier, svi, ks));
    slices.push({ ...slice, svi });
    reports.push(reportOf(quotes, svi, ks, earlier));
  }
  return { slices, reports, violations: [...violations, ...feedViolations(slices)] };
};
