// Exact enough arithmetic in bigints to hold the contracts against: fractions, and exp to 60 digits. Written from the
// formulas of DESIGN 4, not from the contracts.

export const WAD = 10n ** 18n;
export const YEAR = 365n * 86_400n;

/** A number as `value / SCALE`. */
export const SCALE = 10n ** 60n;

const GUARD = 10n ** 20n;

/** e^(numerator / denominator), in units of 1 / SCALE. */
export function exp(numerator: bigint, denominator: bigint): bigint {
  const one = SCALE * GUARD;
  // exp(x) = exp(x / 2^k)^(2^k), with |x / 2^k| < 2^-10 so that the series ends soon
  let halvings = 0n;
  let x = (numerator * one) / denominator;
  while (abs(x) > one >> 10n) {
    x /= 2n;
    halvings++;
  }
  let sum = one;
  let term = one;
  for (let n = 1n; term !== 0n; n++) {
    term = (term * x) / one / n;
    sum += term;
  }
  for (; halvings > 0n; halvings--) sum = (sum * sum) / one;
  return sum / GUARD;
}

export const abs = (a: bigint): bigint => (a < 0n ? -a : a);
export const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);
export const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);
export const divUp = (a: bigint, b: bigint): bigint => (a + b - 1n) / b;

/** The adaptive curve's mean rate and end of the rate at target: rates per second in units of 1 / (WAD · SCALE). */
export interface Curve {
  /** With the mean of the drift taken as (start + 2 · middle + end) / 4. */
  readonly average: bigint;
  /** With the true mean of the drift; right only when no bound was met. */
  readonly trueAverage: bigint;
  readonly end: bigint;
  readonly bounded: boolean;
  /** speed · err · elapsed, in units of 1 / SCALE. */
  readonly drift: bigint;
}

const perYear = (wad: bigint): bigint => (wad * SCALE) / YEAR;
const LOWEST = perYear(WAD / 1000n);
const HIGHEST = perYear(2n * WAD);
const TARGET = (9n * WAD) / 10n;

export function adaptiveCurve(utilisation: bigint, elapsed: bigint, rateAtTarget: bigint): Curve {
  const u = min(utilisation, WAD);
  // err = errN / errD
  const errN = u - TARGET;
  const errD = u > TARGET ? WAD - TARGET : TARGET;
  const start = rateAtTarget === 0n ? perYear((4n * WAD) / 100n) : rateAtTarget * SCALE;
  const bound = (rate: bigint): bigint => max(LOWEST, min(HIGHEST, rate));
  const grow = (halves: bigint): bigint => {
    const [n, d] = [50n * errN * elapsed * halves, errD * YEAR * 2n];
    if (n > 40n * d) return HIGHEST;
    if (n < -40n * d) return LOWEST;
    return (start * exp(n, d)) / SCALE;
  };
  const middle = grow(1n);
  const end = grow(2n);
  const drift = (50n * errN * elapsed * SCALE) / (errD * YEAR);
  // f(err) = 1 + 3 err above, 1 + 3/4 err below
  const curved = (rate: bigint): bigint => rate + (rate * errN * 3n) / (errD * (errN < 0n ? 4n : 1n));
  return {
    average: curved((start + 2n * bound(middle) + bound(end)) / 4n),
    trueAverage: drift === 0n ? curved(start) : curved(((end - start) * SCALE) / drift),
    end: bound(end),
    bounded: end < LOWEST || end > HIGHEST,
    drift,
  };
}

/** exp(rate · elapsed) − 1 in units of 1 / SCALE; the exponent is at most 20. */
export function growth(rate: bigint, elapsed: bigint): bigint {
  return exp(min(rate * elapsed, 20n * WAD), WAD) - SCALE;
}

/** The two-slope model's rate per second, WAD, rounded up. */
export function kinked(base: bigint, slope1: bigint, slope2: bigint, kink: bigint, utilisation: bigint): bigint {
  const u = min(utilisation, WAD);
  if (u <= kink) return base + divUp(slope1 * u, kink);
  return base + slope1 + divUp(slope2 * (u - kink), WAD - kink);
}
