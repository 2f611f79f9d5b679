// The rules of the standard model for perps and options (DESIGN 6.2) in real numbers to 48 digits.
import type { Option } from "./black76.ts";
import * as R from "./real.ts";
import type { Real } from "./real.ts";

export interface Rules {
  readonly perpMaintenance: Real;
  readonly perpInitialExtra: Real;
  readonly brackets: readonly { readonly size: Real; readonly addOn: Real }[];
  readonly kappa: Real;
  readonly a: Real;
  readonly b: Real;
  readonly c: Real;
  readonly d: Real;
  readonly e: Real;
  readonly unpairedInitial: Real;
  readonly unpairedMaintenance: Real;
  readonly confidence: { readonly threshold: Real; readonly factor: Real };
  readonly peg: { readonly threshold: Real; readonly factor: Real };
}

export interface Leg extends Option {
  readonly size: Real;
  /** Of the whole leg at mark, signed. */
  readonly value: Real;
}

export interface Expiry {
  readonly forward: Real;
  readonly confidence: Real;
  readonly legs: readonly Leg[];
}

export interface Underlying {
  readonly spot: Real;
  readonly spotConfidence: Real;
  readonly perp: {
    readonly size: Real;
    readonly mark: Real;
    readonly confidence: Real;
    readonly openInterest: Real;
    readonly slowOpenInterest: Real;
  };
  readonly expiries: readonly Expiry[];
}

export interface Margin {
  readonly initial: Real;
  readonly maintenance: Real;
}

const plus = (x: Margin, y: Margin): Margin => ({
  initial: x.initial + y.initial,
  maintenance: x.maintenance + y.maintenance,
});
const NOTHING: Margin = { initial: R.ZERO, maintenance: R.ZERO };

function isolated(rules: Rules, spot: Real, leg: Leg): Margin {
  if (leg.size >= 0n) return NOTHING;
  const out = R.max(R.ZERO, leg.call ? leg.strike - spot : spot - leg.strike);
  // max(a − otm, b)·S·n, with otm·S = |K − S| where out of the money
  const initial = R.mul(R.max(R.mul(rules.a, spot) - out, R.mul(rules.b, spot)), leg.size) + leg.value;
  const part = R.mul(R.mul(rules.c, spot), leg.size);
  if (leg.call) return { initial, maintenance: part + leg.value };
  const maintenance = R.min(part, R.mul(rules.d, leg.value)) + leg.value;
  return { initial: R.min(initial, R.mul(maintenance, rules.e)), maintenance };
}

export function payoff(legs: readonly Leg[], price: Real): Real {
  return R.sum(legs.map((l) => R.mul(l.size, R.max(R.ZERO, l.call ? price - l.strike : l.strike - price))));
}

function expiry(rules: Rules, spot: Real, { forward, legs }: Expiry): Margin {
  const apart = legs.map((leg) => isolated(rules, spot, leg)).reduce(plus, NOTHING);
  const worst = R.min(R.ZERO, ...[R.ZERO, ...legs.map((l) => l.strike)].map((price) => payoff(legs, price)));
  const netCalls = R.sum(legs.filter((l) => l.call).map((l) => l.size));
  const unpaired = (part: Real): Real => worst + R.mul(R.mul(part, forward), R.min(netCalls, R.ZERO));
  return {
    initial: R.max(apart.initial, unpaired(rules.unpairedInitial)),
    maintenance: R.max(apart.maintenance, unpaired(rules.unpairedMaintenance)),
  };
}

function perp(rules: Rules, u: Underlying): Margin {
  const notional = R.mul(R.abs(u.perp.size), u.perp.mark);
  const addOn = (openInterest: Real): Real => {
    const x = R.max(notional, R.mul(rules.kappa, R.mul(openInterest, u.perp.mark)));
    return R.sum(
      rules.brackets.map(({ size, addOn: rate }) =>
        x > size ? R.div(R.mul(R.mul(notional, rate), x - size), x) : R.ZERO,
      ),
    );
  };
  const base = R.mul(notional, rules.perpMaintenance);
  return {
    initial:
      -base - R.mul(notional, rules.perpInitialExtra) - addOn(R.max(u.perp.openInterest, u.perp.slowOpenInterest)),
    maintenance: -base - addOn(u.perp.slowOpenInterest),
  };
}

/** What the account's perps and options of one underlying add to its margins. */
export function margin(rules: Rules, u: Underlying, settlementPrice: Real): Margin {
  const unsure = (confidence: Real, size: Real): Real =>
    confidence < rules.confidence.threshold
      ? R.mul(R.mul(R.ONE - confidence, rules.confidence.factor), R.mul(size, u.spot))
      : R.ZERO;
  const shorts = (e: Expiry): Real => R.sum(e.legs.map((l) => R.max(R.ZERO, -l.size)));
  const ruled = u.expiries.map((e) => expiry(rules, u.spot, e)).reduce(plus, perp(rules, u));
  const exposed = R.abs(u.perp.size) + R.sum(u.expiries.map(shorts));
  const depeg = R.mul(R.max(R.ZERO, rules.peg.threshold - settlementPrice), rules.peg.factor);
  const doubts =
    unsure(R.min(u.spotConfidence, u.perp.confidence), R.abs(u.perp.size)) +
    R.sum(u.expiries.map((e) => unsure(R.min(u.spotConfidence, e.confidence), shorts(e))));
  return {
    initial: ruled.initial - doubts - R.mul(R.mul(depeg, exposed), u.spot),
    maintenance: ruled.maintenance,
  };
}
