// Black-76 as contracts/risk/Black76.sol has it, to its last bit. `sdk/black76.ts` is the one in floating point, for quotes.
import { expWad, lnWad, max, min, sqrt, WAD, YEAR, WAD2 } from "../fixed.ts";
import { cdf, CENTRE, ONE, UNIT } from "./normal.ts";

/** Less than this σ√T is this. */
export const MIN_DEVIATION = 1_000_000n;
const MAX_DEVIATION = 1_000_000n * WAD;
/** 1/√(2π), WAD. */
const INVERSE_ROOT_TWO_PI = 398942280401432678n;

/** ln(F / K), WAD. Without a strike as if it were the least one. */
export const logRatio = (forward: bigint, strike: bigint): bigint => {
  const ratio = (forward * WAD) / (strike === 0n ? 1n : strike);
  return lnWad(ratio === 0n ? 1n : ratio);
};

/** N(d1) and N(d2), units of 2^−54. */
const probabilities = (ln: bigint, deviation: bigint): readonly [bigint, bigint] => {
  const v = max(MIN_DEVIATION, min(deviation, MAX_DEVIATION));
  const width = (v * UNIT) / WAD;
  const argument = (ln * UNIT) / v + width / 2n + CENTRE;
  return [cdf(argument), cdf(argument - width)];
};

/** F·N(d1) − K·N(d2), inside the bounds that no model may leave. */
const callValue = (forward: bigint, strike: bigint, first: bigint, second: bigint): bigint => {
  const least = forward > strike ? forward - strike : 0n;
  const value = (forward * first + ONE / 2n - strike * second) >> 54n;
  if (value < least) return least;
  return value > forward ? forward : value;
};

/** A call or put on a forward, undiscounted, to nearest; `deviation` is σ√T. All WAD. */
export const price = (forward: bigint, strike: bigint, deviation: bigint, isCall: boolean): bigint => {
  const [first, second] = forward === 0n ? [0n, 0n] : probabilities(logRatio(forward, strike), deviation);
  const value = callValue(forward, strike, first, second);
  return isCall ? value : value + strike - forward;
};

/** An option to be priced. */
export interface OptionTerms {
  /** Settlement units WAD. */
  readonly forward: bigint;
  readonly strike: bigint;
  /** Per √year, WAD. */
  readonly volatility: bigint;
  /** Years WAD. */
  readonly time: bigint;
  /** Continuous, per year, WAD; ≥ 0. */
  readonly rate: bigint;
  readonly isCall: boolean;
}

/** Of one option on a forward, D included, settlement units WAD. */
export interface OptionGreeks {
  readonly price: bigint;
  /** Per unit of forward. */
  readonly delta: bigint;
  readonly gamma: bigint;
  /** Per 1.00 of volatility. */
  readonly vega: bigint;
  /** Per year that passes, forward unmoved. */
  readonly theta: bigint;
  /** Per 1.00 of rate, forward unmoved. */
  readonly rho: bigint;
}

/** φ(d1), WAD. */
const density = (ln: bigint, v: bigint): bigint => {
  const d = (ln * WAD) / v + v / 2n;
  // beyond twelve it is below 10⁻³¹
  if (d > 12n * WAD || d < -12n * WAD) return 0n;
  return (INVERSE_ROOT_TWO_PI * expWad(-(d * d) / (2n * WAD))) / WAD;
};

/** Price and its derivatives, each rounded towards zero. */
export const greeks = (o: OptionTerms): OptionGreeks => {
  const { forward, strike, isCall } = o;
  const rootTime = sqrt(o.time * WAD);
  const v = max(MIN_DEVIATION, (o.volatility * rootTime) / WAD);
  const discount = expWad(-((o.rate * o.time) / WAD));
  const value = (price(forward, strike, v, isCall) * discount) / WAD;
  const rho = -(value * o.time) / WAD;
  const carry = (value * o.rate) / WAD;
  if (forward === 0n) {
    return { price: value, delta: isCall ? 0n : -discount, gamma: 0n, vega: 0n, theta: carry, rho };
  }
  const ln = logRatio(forward, strike);
  const [first] = probabilities(ln, v);
  const dense = (discount * density(ln, v)) / WAD;
  const moved = (dense * forward) / WAD;
  return {
    price: value,
    delta: (discount * (isCall ? first : first - ONE)) / ONE,
    gamma: (dense * WAD * WAD) / (forward * v),
    vega: (moved * rootTime) / WAD,
    // without time there is nothing left to decay
    theta: rootTime === 0n ? carry : carry - (moved * o.volatility) / (2n * rootTime),
    rho,
  };
};

/** √T (years) and D = exp(−max(r, 0)·T) as the standard model and the lens have them, WAD. */
export const timeTerms = (seconds: bigint, rate: bigint): { readonly rootTime: bigint; readonly discount: bigint } => {
  const exponent = (rate * seconds) / YEAR;
  return {
    rootTime: sqrt((seconds * WAD2) / YEAR),
    discount: exponent <= 0n ? WAD : expWad(-exponent),
  };
};
