// The portfolio model (DESIGN 6.3 and the notes of the reference cases) in real numbers to 48 digits, straight from its formulas:
// every option is priced by itself in every scenario, nothing is cached, shared or rounded.
import { value } from "./black76.ts";
import type { Option } from "./black76.ts";
import * as R from "./real.ts";
import type { Real } from "./real.ts";

export type VolRule = "up" | "down" | "none" | "linear" | "abs";

export interface Scenario {
  readonly spot: Real;
  readonly rule: VolRule;
  readonly weight: Real;
}

/** Of the linear or absolute skew: cap = base·√T + scale. */
export interface SkewCap {
  readonly base: Real;
  readonly scale: Real;
}

export interface Parameters {
  readonly scenarios: readonly Scenario[];
  readonly vol: {
    readonly up: Real;
    readonly down: Real;
    readonly least: Real;
    readonly shortPower: Real;
    readonly longPower: Real;
    /** Days. */
    readonly floor: Real;
  };
  readonly skew: {
    readonly linear: SkewCap;
    readonly abs: SkewCap;
    readonly leastWidth: Real;
    readonly widthScale: Real;
    readonly volStatic: Real;
    readonly volScale: Real;
  };
  /** B·exp(−T·(r·multiply + add)) for what is owned, its inverse for what is owed. */
  readonly owned: { readonly base: Real; readonly multiply: Real; readonly add: Real };
  readonly owed: { readonly base: Real; readonly multiply: Real; readonly add: Real };
  readonly basis: { readonly up: Real; readonly down: Real; readonly add: Real; readonly multiply: Real };
  readonly factor: { readonly initial: Real; readonly maintenance: Real };
  readonly peg: { readonly threshold: Real; readonly factor: Real };
  readonly confidence: { readonly threshold: Real; readonly factor: Real };
  /** What `maintenance` charges, and what `initial` adds. */
  readonly perp: { readonly maintenance: Real; readonly initialExtra: Real };
  readonly option: { readonly maintenance: Real; readonly initialExtra: Real };
}

export interface Holding extends Option {
  readonly size: Real;
  readonly vol: Real;
}

export interface Expiry {
  /** Seconds from now; 0 when it is over. */
  readonly seconds: bigint;
  /** The forward is variable·s + fixed. */
  readonly variable: Real;
  readonly fixed: Real;
  readonly rate: Real;
  /** Min of forward's, rate's and volatility's. */
  readonly confidence: Real;
  readonly options: readonly Holding[];
}

/** A signed balance in settlement units: its haircuts, and whether it moves with the underlying's price. */
export interface Balance {
  readonly value: Real;
  readonly moves: boolean;
  readonly maintenance: Real;
  readonly initialExtra: Real;
  readonly confidence: Real;
}

export interface Underlying {
  readonly spot: Real;
  readonly spotConfidence: Real;
  readonly perp: { readonly size: Real; readonly mark: Real; readonly confidence: Real };
  readonly expiries: readonly Expiry[];
  readonly balances: readonly Balance[];
  /** Factors g of the spot shocks in `initial` and in `maintenance`; 1 leaves them as they are. */
  readonly scale?: { readonly initial: Real; readonly maintenance: Real };
  /** What brackets add to the perp's percentage. */
  readonly perpAddOn?: { readonly initial: Real; readonly maintenance: Real };
}

export interface Group {
  readonly phi: Real;
  readonly members: readonly { readonly underlying: Underlying; readonly parameters: Parameters }[];
}

export interface Account {
  readonly groups: readonly Group[];
  /** Signed settlement balance. */
  readonly cash: Real;
  /** U, the perps' profit in it. */
  readonly unsettled: Real;
  /** Part of a positive U that counts in `initial`. */
  readonly profitWeight: Real;
  /** USD per settlement token. */
  readonly settlementPrice: Real;
}

export interface Evaluation {
  /** Of each scenario, in order. */
  readonly pnl: readonly Real[];
  readonly basis: Real;
  readonly worst: Real;
}

export interface Margin {
  readonly initial: Real;
  readonly maintenance: Real;
  readonly mtm: Real;
  /** Per group and member: as `maintenance` sees them, and as `initial` does. */
  readonly maintained: readonly (readonly Evaluation[])[];
  readonly initially: readonly (readonly Evaluation[])[];
  /** ΣW, C_MM and C_IM. */
  readonly worstInitial: Real;
  readonly worstMaintenance: Real;
  readonly contingencyMaintenance: Real;
  readonly contingencyInitial: Real;
}

const YEAR = 365n * 86_400n;
const DAY = 86_400n;

const years = (e: Expiry): Real => R.fromFraction(e.seconds, YEAR);
const rateOf = (e: Expiry): Real => R.max(e.rate, R.ZERO);
const discountOf = (e: Expiry): Real => R.exp(-R.mul(rateOf(e), years(e)));

/** σ' of any σ and strike of the expiry. */
function volRule(p: Parameters, e: Expiry, rule: VolRule): (vol: Real, strike: Real) => Real {
  if (rule === "none") return (vol) => vol;
  if (rule === "up" || rule === "down") {
    const days = R.fromFraction(e.seconds, DAY);
    const power = days <= R.fromInt(30) ? p.vol.shortPower : p.vol.longPower;
    const tau = R.pow(R.div(R.fromInt(30), R.max(days, p.vol.floor)), power);
    const up = R.ONE + R.mul(p.vol.up, tau);
    const down = R.max(R.ZERO, R.ONE - R.mul(p.vol.down, tau));
    return rule === "up" ? (vol) => R.max(R.mul(vol, up), p.vol.least) : (vol) => R.mul(vol, down);
  }
  const forward = e.variable + e.fixed;
  if (forward === 0n) return (vol) => vol; // no volatility makes a difference
  const log = R.ln(forward);
  const root = R.sqrt(years(e));
  const cap = R.mul(p.skew[rule].base, root) + p.skew[rule].scale;
  const width = R.mul(R.mul(root, p.skew.widthScale), p.skew.volStatic + R.mul(root, p.skew.volScale));
  const flat = R.max(p.skew.leastWidth, width);
  return (vol, strike) => {
    const k = rule === "linear" ? R.ln(strike) - log : R.abs(R.ln(strike) - log);
    const moved = R.div(R.mul(k, cap), flat);
    const multiplier = R.ONE + (k >= 0n ? R.min(cap, moved) : R.max(-cap, moved));
    return R.mul(vol, R.max(multiplier, R.ZERO));
  };
}

/** V_e(s, rule). */
export function expiryValue(p: Parameters, e: Expiry, spot: Real, rule: VolRule): Real {
  const skewed = rule === "linear" || rule === "abs";
  const forward = R.mul(e.variable, skewed ? R.ONE : spot) + e.fixed;
  const root = R.sqrt(years(e));
  const discount = discountOf(e);
  const vol = volRule(p, e, rule);
  return R.sum(e.options.map((o) => R.mul(o.size, value(o, forward, R.mul(vol(o.vol, o.strike), root), discount))));
}

/** d_e(x). */
export function discounted(p: Parameters, e: Expiry, x: Real): Real {
  const t = years(e);
  const exponent = (of: { multiply: Real; add: Real }): Real => R.mul(t, R.mul(rateOf(e), of.multiply) + of.add);
  if (x >= 0n) return R.mul(x, R.mul(p.owned.base, R.exp(-exponent(p.owned))));
  const grown = R.mul(p.owed.base, R.exp(exponent(p.owed)));
  return R.mul(x, R.min(R.div(R.ONE, discountOf(e)), grown));
}

/** However large the scale of shocks, a price does not fall below a hundredth (s of the scenarios never starts below it). */
const LEAST_FACTOR = R.ONE / 100n;

/** Every scenario of one underlying, all its spot shocks scaled by g. */
export function evaluate(u: Underlying, p: Parameters, g: Real = R.ONE): Evaluation {
  const scaled = (s: Real): Real => R.max(LEAST_FACTOR, R.ONE + R.mul(s - R.ONE, g));
  const now = u.expiries.map((e) => expiryValue(p, e, R.ONE, "none"));
  const moving = R.sum(u.balances.filter((b) => b.moves).map((b) => b.value));
  const pnl = p.scenarios.map(({ spot, rule, weight }) => {
    const s = scaled(spot);
    const linear = R.mul(R.mul(u.perp.size, u.perp.mark) + moving, s - R.ONE);
    const options = u.expiries.map((e, i) => {
      const change = discounted(p, e, expiryValue(p, e, s, rule)) - (now[i] as Real);
      return rule === "linear" || rule === "abs" ? -R.abs(change) : change;
    });
    return R.mul(weight, linear + R.sum(options));
  });
  const basis = R.sum(
    u.expiries.map((e, i) => {
      const change = (s: Real): Real => expiryValue(p, e, s, "none") - (now[i] as Real);
      const loss = R.min(change(scaled(p.basis.up)), change(scaled(p.basis.down)), R.ZERO);
      return R.mul(loss, p.basis.add + R.mul(p.basis.multiply, years(e)));
    }),
  );
  return { pnl, basis, worst: R.min(basis, ...pnl) };
}

/** Naked shorts of an expiry: at each strike, two legs of opposite sign count net, else the shorts count. */
function naked(e: Expiry): Real {
  const strikes = [...new Set(e.options.map((o) => o.strike))];
  return R.sum(
    strikes.map((strike) => {
      const sizes = e.options.filter((o) => o.strike === strike).map((o) => o.size);
      const opposite = sizes.some((n) => n > 0n) && sizes.some((n) => n < 0n);
      return opposite ? R.max(R.ZERO, -R.sum(sizes)) : R.sum(sizes.map((n) => R.max(R.ZERO, -n)));
    }),
  );
}

function contingencies(u: Underlying, p: Parameters): { maintenance: Real; initial: Real } {
  const unsure = (confidence: Real, x: Real): Real =>
    confidence < p.confidence.threshold ? R.mul(R.mul(R.ONE - confidence, p.confidence.factor), x) : R.ZERO;
  const perpNotional = R.mul(R.abs(u.perp.size), u.spot);
  const shorts = R.mul(R.sum(u.expiries.map(naked)), u.spot);
  const traded = u.perp.size === 0n ? u.spotConfidence : R.min(u.spotConfidence, u.perp.confidence);
  const addOn = u.perpAddOn ?? { initial: R.ZERO, maintenance: R.ZERO };
  return {
    maintenance:
      R.mul(perpNotional, p.perp.maintenance + addOn.maintenance) +
      R.mul(shorts, p.option.maintenance) +
      R.sum(u.balances.map((b) => R.mul(R.abs(b.value), b.maintenance))),
    initial:
      R.mul(perpNotional, p.perp.initialExtra + addOn.initial - addOn.maintenance) +
      R.mul(shorts, p.option.initialExtra) +
      R.sum(u.balances.map((b) => R.mul(R.abs(b.value), b.initialExtra))) +
      (u.perp.size === 0n ? R.ZERO : unsure(traded, perpNotional)) +
      R.sum(
        u.expiries.map((e) =>
          unsure(R.min(traded, e.confidence), R.mul(R.sum(e.options.map((o) => R.abs(o.size))), u.spot)),
        ),
      ) +
      R.sum(u.balances.map((b) => unsure(b.confidence, R.abs(b.value)))),
  };
}

function groupWorst(group: Group, evaluations: readonly Evaluation[]): Real {
  const apart = R.sum(evaluations.map((e) => e.worst));
  if (group.phi === 0n) return apart;
  const basis = R.sum(evaluations.map((e) => e.basis));
  const count = evaluations[0]?.pnl.length ?? 0;
  const shared = Array.from({ length: count }, (_, i) => R.sum(evaluations.map((e) => e.pnl[i] as Real)));
  return R.mul(R.ONE - group.phi, apart) + R.mul(group.phi, R.min(basis, ...shared));
}

export function margin(account: Account): Margin {
  const members = account.groups.flatMap((g) => g.members);
  const at = (side: "initial" | "maintenance"): Evaluation[][] =>
    account.groups.map((g) => g.members.map((m) => evaluate(m.underlying, m.parameters, m.underlying.scale?.[side])));
  const same = members.every(({ underlying: { scale } }) => !scale || scale.initial === scale.maintenance);
  const maintained = at("maintenance");
  const initially = same ? maintained : at("initial");
  const worstOf = (all: readonly Evaluation[][]): readonly Real[] =>
    account.groups.map((g, i) => groupWorst(g, all[i] as Evaluation[]));
  const options = R.sum(
    members.flatMap((m) => m.underlying.expiries.map((e) => expiryValue(m.parameters, e, R.ONE, "none"))),
  );
  const balances = R.sum(members.flatMap((m) => m.underlying.balances.map((b) => b.value)));
  const mtm = account.cash + account.unsettled + options + balances;
  const charged = members.map((m) => contingencies(m.underlying, m.parameters));
  const contingencyMaintenance = R.sum(charged.map((c) => c.maintenance));
  const contingencyInitial = R.sum(charged.map((c) => c.initial));
  const factored = (worst: readonly Real[], factor: (p: Parameters) => Real): Real =>
    R.sum(worst.map((w, i) => R.mul(w, factor((account.groups[i] as Group).members[0]?.parameters as Parameters))));
  const initialFactor = (p: Parameters): Real =>
    p.factor.initial + R.mul(R.max(R.ZERO, p.peg.threshold - account.settlementPrice), p.peg.factor);
  const [worstMaintained, worstInitially] = [worstOf(maintained), worstOf(initially)];
  const profit = R.mul(R.ONE - account.profitWeight, R.max(account.unsettled, R.ZERO));
  return {
    initial: factored(worstInitially, initialFactor) - contingencyInitial - contingencyMaintenance + mtm - profit,
    maintenance: factored(worstMaintained, (p) => p.factor.maintenance) - contingencyMaintenance + mtm,
    mtm,
    maintained,
    initially,
    worstInitial: R.sum(worstInitially),
    worstMaintenance: R.sum(worstMaintained),
    contingencyMaintenance,
    contingencyInitial,
  };
}
