// Raw SVI of total variance: w(k) = a + b·(ρ·(k − m) + √((k − m)² + σ²)), k = ln(strike / forward). Pure functions.

export interface Svi {
  readonly a: number;
  readonly b: number;
  readonly rho: number;
  readonly m: number;
  readonly sigma: number;
}

export const totalVariance = ({ a, b, rho, m, sigma }: Svi, k: number): number =>
  a + b * (rho * (k - m) + Math.hypot(k - m, sigma));

/** w, w', w''. */
export const varianceJet = ({ a, b, rho, m, sigma }: Svi, k: number): readonly [number, number, number] => {
  const x = k - m;
  const root = Math.hypot(x, sigma);
  return [a + b * (rho * x + root), b * (rho + x / root), (b * sigma * sigma) / (root * root * root)];
};

/** Volatility at log-moneyness k for an expiry `time` years away. */
export const sviVolatility = (svi: Svi, k: number, time: number): number =>
  Math.sqrt(Math.max(totalVariance(svi, k), 0) / time);

/**
 * Gatheral's g(k): the risk-neutral density is g times a positive factor, so g ≥ 0 everywhere means no butterfly arbitrage.
 * (J. Gatheral, A. Jacquier: Arbitrage-free SVI volatility surfaces, 2014.) −∞ where the variance is not positive.
 */
export const butterfly = (svi: Svi, k: number): number => {
  const [w, w1, w2] = varianceJet(svi, k);
  if (!(w > 0)) return Number.NEGATIVE_INFINITY;
  const tilt = 1 - (k * w1) / (2 * w);
  return tilt * tilt - ((w1 * w1) / 4) * (1 / w + 1 / 4) + w2 / 2;
};

/** The steeper wing's slope; above 2 the price of a far option would exceed what it can ever pay (R. Lee, 2004). */
export const wingSlope = ({ b, rho }: Svi): number => b * (1 + Math.abs(rho));

/** The least total variance of the slice. */
export const leastVariance = ({ a, b, rho, sigma }: Svi): number =>
  a + b * sigma * Math.sqrt(Math.max(0, 1 - rho * rho));

/** Points from `from` to `to`, both included. */
export const grid = (from: number, to: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => from + ((to - from) * i) / (count - 1));

export interface Violation {
  readonly kind: "parameters" | "butterfly" | "wing" | "calendar";
  readonly k: number;
  /** How far it is on the wrong side; > 0. */
  readonly by: number;
}

/** What is wrong with one slice on these k; empty: nothing. */
export const butterflyViolations = (svi: Svi, ks: readonly number[]): Violation[] => {
  const found: Violation[] = [];
  const { b, rho, sigma } = svi;
  if (!(b >= 0 && Math.abs(rho) < 1 && sigma > 0)) found.push({ kind: "parameters", k: 0, by: 1 });
  const least = leastVariance(svi);
  if (!(least > 0)) found.push({ kind: "parameters", k: 0, by: -least || Number.MIN_VALUE });
  if (wingSlope(svi) > 2) found.push({ kind: "wing", k: 0, by: wingSlope(svi) - 2 });
  for (const k of ks) {
    const g = butterfly(svi, k);
    if (!(g >= 0)) found.push({ kind: "butterfly", k, by: -g });
  }
  return found;
};

/** Where the later slice has less total variance than the earlier one, wings included. */
export const calendarViolations = (earlier: Svi, later: Svi, ks: readonly number[]): Violation[] => {
  const found: Violation[] = [];
  for (const k of ks) {
    const by = totalVariance(earlier, k) - totalVariance(later, k);
    if (by > 0) found.push({ kind: "calendar", k, by });
  }
  for (const side of [-1, 1]) {
    const by = earlier.b * (1 + side * earlier.rho) - later.b * (1 + side * later.rho);
    if (by > 0) found.push({ kind: "calendar", k: side * Number.POSITIVE_INFINITY, by });
  }
  return found;
};

/** Seconds of a year of 365 days, as everywhere in the protocol. */
export const YEAR_SECONDS = 365 * 86_400;

export interface Slice {
  /** Unix seconds. */
  readonly expiry: number;
  /** Years from the surface's time. */
  readonly time: number;
  readonly forward: number;
  readonly svi: Svi;
}

/** Every violation of a whole surface, slices in order of expiry. */
export const surfaceViolations = (
  slices: readonly Slice[],
  ks: readonly number[],
): readonly { readonly expiry: number; readonly violation: Violation }[] =>
  slices.flatMap((slice, i) => {
    const before = slices[i - 1];
    const calendar = before === undefined ? [] : calendarViolations(before.svi, slice.svi, ks);
    return [...butterflyViolations(slice.svi, ks), ...calendar].map((violation) => ({
      expiry: slice.expiry,
      violation,
    }));
  });

/** More than doubles and the contracts' WADs lose in a total variance. */
const ROUNDING = 1e-12;

/** Lifts a slice by the least constant that puts it above the earlier one on these k; as it is where it is above already. */
export const liftedAbove = (earlier: Svi, later: Svi, ks: readonly number[]): Svi => {
  const gap = Math.max(0, ...ks.map((k) => totalVariance(earlier, k) - totalVariance(later, k)));
  return gap === 0 ? later : { ...later, a: later.a + gap + ROUNDING };
};

// ------------------------------------------------------------------ as the attested feed has it

/** Units of the wing in which the feed looks at a smile: 4 is its end. */
const FEED_GRID = [-4, -3, -2.5, -2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2, 2.5, 3, 4];

/** The feed uses a smile for |k| up to 4·√(a + b·σ) and cuts it there. */
export const feedWing = ({ a, b, sigma }: Svi): number => 4 * Math.sqrt(Math.max(0, a + b * sigma));

/** Total variance as margins use it. */
export const feedVariance = (svi: Svi, k: number): number => {
  const wing = feedWing(svi);
  return totalVariance(svi, Math.min(wing, Math.max(-wing, k)));
};

/** What the feed's own check would find in a surface; slices in order of expiry. */
export const feedViolations = (slices: readonly Pick<Slice, "svi">[]): Violation[] =>
  slices.flatMap(({ svi }, i) => {
    const found = butterflyViolations(
      svi,
      FEED_GRID.map((unit) => (unit * feedWing(svi)) / 4),
    );
    const earlier = slices[i - 1]?.svi;
    if (earlier === undefined) return found;
    for (const unit of FEED_GRID) {
      const k = (unit * feedWing(earlier)) / 4;
      const by = totalVariance(earlier, k) - feedVariance(svi, k);
      if (by > 0) found.push({ kind: "calendar", k, by });
    }
    return found;
  });
