// Black-76 and raw SVI to 48 digits.
import * as R from "./real.ts";
import type { Real } from "./real.ts";

export interface Option {
  readonly strike: Real;
  readonly call: boolean;
}

const intrinsic = (forward: Real, { strike, call }: Option): Real =>
  R.max(call ? forward - strike : strike - forward, R.ZERO);

/** d1 of the formula; `deviation` = σ√T > 0. */
const d1 = (forward: Real, strike: Real, deviation: Real): Real =>
  R.div(R.ln(forward) - R.ln(strike), deviation) + deviation / 2n;

/** Discounted value of one option; at `deviation` = σ√T = 0 its discounted intrinsic value. */
export function value(option: Option, forward: Real, deviation: Real, discount: Real): Real {
  const { strike, call } = option;
  if (deviation === 0n || strike === 0n || forward === 0n) return R.mul(discount, intrinsic(forward, option));
  const first = d1(forward, strike, deviation);
  const second = first - deviation;
  const undiscounted = call
    ? R.mul(forward, R.normal(first)) - R.mul(strike, R.normal(second))
    : R.mul(strike, R.normal(-second)) - R.mul(forward, R.normal(-first));
  return R.mul(discount, undiscounted);
}

export interface Greeks {
  readonly value: Real;
  /** By the forward. */
  readonly delta: Real;
  readonly gamma: Real;
  /** By σ. */
  readonly vega: Real;
  /** By time passing, per year. */
  readonly theta: Real;
  /** By the rate, the forward held. */
  readonly rho: Real;
}

export function greeks(option: Option, forward: Real, vol: Real, years: Real, rate: Real): Greeks {
  const root = R.sqrt(years);
  const deviation = R.mul(vol, root);
  const discount = R.exp(-R.mul(rate, years));
  const price = value(option, forward, deviation, discount);
  const first = d1(forward, option.strike, deviation);
  const discountedDensity = R.mul(discount, R.density(first));
  const vega = R.mul(R.mul(forward, discountedDensity), root);
  return {
    value: price,
    delta: R.mul(discount, R.normal(first) - (option.call ? R.ZERO : R.ONE)),
    gamma: R.div(discountedDensity, R.mul(forward, deviation)),
    vega,
    theta: R.mul(rate, price) - R.div(R.mul(vega, vol), 2n * years),
    rho: -R.mul(years, price),
  };
}

/**
 * Total variance w(k) = a + b·(ρ·(k − m) + √((k − m)² + σ²)), k = ln(K / reference) cut at ±4·√(a + b·σ), w at 20.
 */
export interface Svi {
  readonly a: Real;
  readonly b: Real;
  readonly rho: Real;
  readonly m: Real;
  readonly sigma: Real;
  readonly reference: Real;
  /** Years over which the variance is total. */
  readonly tau: Real;
}

const MOST_VARIANCE = R.fromInt(20);

/** σ at a strike > 0; 0 where the total variance would be negative. */
export function volatility(svi: Svi, strike: Real): Real {
  const wing = 4n * R.sqrt(R.max(R.ZERO, svi.a + R.mul(svi.b, svi.sigma)));
  const k = R.max(-wing, R.min(wing, R.ln(strike) - R.ln(svi.reference)));
  const x = k - svi.m;
  const total = svi.a + R.mul(svi.b, R.mul(svi.rho, x) + R.sqrt(R.mul(x, x) + R.mul(svi.sigma, svi.sigma)));
  return total <= 0n ? R.ZERO : R.sqrt(R.div(R.min(total, MOST_VARIANCE), svi.tau));
}
