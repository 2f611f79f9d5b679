// The spot part of the standard model in exact fractions, written from DESIGN 6.1 and the notes of StandardMargin, not
// from its code: no shortcut for assets that stand alone, no rounding anywhere.
import type { Asset, Haircut, RiskTable, VaultShare } from "../../sdk/tables/riskTable.ts";

/** An exact fraction with a positive denominator. */
export interface Fraction {
  readonly n: bigint;
  readonly d: bigint;
}

export const fraction = (n: bigint, d = 1n): Fraction => (d < 0n ? { n: -n, d: -d } : { n, d });
export const plus = (a: Fraction, b: Fraction): Fraction => fraction(a.n * b.d + b.n * a.d, a.d * b.d);
export const minus = (a: Fraction, b: Fraction): Fraction => fraction(a.n * b.d - b.n * a.d, a.d * b.d);
export const times = (a: Fraction, b: Fraction): Fraction => fraction(a.n * b.n, a.d * b.d);
export const over = (a: Fraction, b: Fraction): Fraction => fraction(a.n * b.d, a.d * b.n);
export const compare = (a: Fraction, b: Fraction): number => {
  const left = a.n * b.d;
  const right = b.n * a.d;
  return left < right ? -1 : left > right ? 1 : 0;
};
export const floor = (a: Fraction): bigint => a.n / a.d - (a.n % a.d < 0n ? 1n : 0n);
const ZERO = fraction(0n);
const ONE = fraction(1n);
const larger = (a: Fraction, b: Fraction): Fraction => (compare(a, b) >= 0 ? a : b);
const smaller = (a: Fraction, b: Fraction): Fraction => (compare(a, b) <= 0 ? a : b);
const bps = (x: number): Fraction => fraction(BigInt(x), 10_000n);

export interface Balance {
  /** Kind 0 pool, 1 idle, 2 vault share. */
  readonly kind: 0 | 1 | 2;
  readonly number: number;
  readonly amount: bigint;
}

/** USD per whole token, WAD, at both sides. */
export interface Sides {
  readonly low: bigint;
  readonly high: bigint;
}

export interface Market {
  readonly table: RiskTable;
  /** By underlying: `0:1`, `1:2`, … */
  readonly prices: ReadonlyMap<string, Sides>;
  /** By asset; total that counts in `initial`, and in `maintenance`. */
  readonly totals: ReadonlyMap<string, { readonly initial: bigint; readonly maintenance: bigint }>;
  /** Weight of the new haircuts, 0..1. */
  readonly ramp: Fraction;
}

export interface Margin {
  readonly initial: Fraction;
  readonly maintenance: Fraction;
  readonly mtm: Fraction;
  readonly liabilities: Fraction;
  /** Both sides of some underlying or group are so near that roundings may choose either. */
  readonly ambiguous: boolean;
}

interface Charged {
  readonly base: Fraction;
  readonly add: Fraction;
}

interface Leg {
  readonly value: Fraction; // ≥ 0
  readonly initial: Charged;
  readonly maintenance: Charged;
}

const key = (kind: number, number: number): string => `${kind}:${number}`;

function recordOf(table: RiskTable, kind: number, number: number): Asset | VaultShare | null {
  const list = kind === 0 ? table.pools : kind === 1 ? table.idles : table.vaultShares;
  return list[number - 1] ?? null;
}

function charged(h: Haircut, initial: boolean, size: bigint, total: bigint): Charged {
  const base = bps(h.maintenanceBps + (initial ? h.initialExtraBps : 0));
  const x = larger(fraction(size), times(bps(h.kappaBps ?? 0), fraction(total)));
  let add = ZERO;
  for (const bracket of h.brackets ?? []) {
    const above = minus(x, fraction(bracket.size));
    if (above.n > 0n) add = plus(add, over(times(bps(bracket.addOnBps), above), x));
  }
  return { base, add };
}

const between = (from: Fraction, to: Fraction, weight: Fraction): Fraction =>
  plus(times(from, minus(ONE, weight)), times(to, weight));

function inForce(market: Market, kind: number, number: number, initial: boolean, size: bigint): Charged {
  const record = recordOf(market.table, kind, number);
  if (!record) throw new Error(`not in the table: ${key(kind, number)}`);
  const totals = market.totals.get(key(kind, number)) ?? { initial: 0n, maintenance: 0n };
  const total = initial ? totals.initial : totals.maintenance;
  const now = charged(record.haircut, initial, size, total);
  if (!record.previous) return now;
  const before = charged(record.previous, initial, size, total);
  return { base: between(before.base, now.base, market.ramp), add: between(before.add, now.add, market.ramp) };
}

/** All of one group, or of one underlying, at one side of its prices. */
function cluster(
  market: Market,
  balances: readonly Balance[],
  price: (underlying: string) => Fraction,
): { value: Fraction; initial: Fraction; maintenance: Fraction; debts: Fraction } {
  const collateral: Leg[] = [];
  const owed: Leg[] = [];
  let debts = ZERO;
  let initial = ZERO; // charges
  let maintenance = ZERO;
  const numbers = new Set(balances.map((b) => (b.kind === 1 ? key(1, b.number) : key(0, b.number))));
  for (const underlying of numbers) {
    const [kind, number] = underlying.split(":").map(Number) as [number, number];
    const record = recordOf(market.table, kind, number) as Asset;
    const find = (k: number): bigint => balances.find((b) => b.kind === k && b.number === number)?.amount ?? 0n;
    const own = find(kind);
    const shares = kind === 0 ? find(2) : 0n;
    const value = (amount: bigint): Fraction =>
      times(fraction(amount, 10n ** BigInt(record.tokenDecimals)), price(underlying));
    const haircut = (k: number, size: bigint): Pick<Leg, "initial" | "maintenance"> => ({
      initial: inForce(market, k, number, true, size),
      maintenance: inForce(market, k, number, false, size),
    });
    const cancelled = own < 0n ? (shares < -own ? shares : -own) : 0n;
    if (shares > 0n) {
      const h = haircut(2, shares + (own > 0n ? own : 0n));
      collateral.push({ value: value(shares - cancelled), ...h });
      initial = plus(initial, times(value(cancelled), plus(h.initial.base, h.initial.add)));
      maintenance = plus(maintenance, times(value(cancelled), plus(h.maintenance.base, h.maintenance.add)));
    }
    if (own > 0n) collateral.push({ value: value(own), ...haircut(kind, own + shares) });
    if (own < 0n) {
      owed.push({ value: value(-own - cancelled), ...haircut(kind, -own) });
      debts = plus(debts, value(-own));
    }
  }
  const sum = (legs: readonly Leg[]): Fraction => legs.reduce((s, leg) => plus(s, leg.value), ZERO);
  const [c, d] = [sum(collateral), sum(owed)];

  const first = balances[0];
  if (!first) throw new Error("an empty cluster");
  const record = recordOf(market.table, first.kind, first.number);
  const group = record?.haircut.group;
  let [groupInitial, groupMaintenance] = [ZERO, ZERO];
  if (group) {
    [groupInitial, groupMaintenance] = [bps(group.maintenanceBps + group.initialExtraBps), bps(group.maintenanceBps)];
    const before = record.previous?.group;
    if (before) {
      groupInitial = between(bps(before.maintenanceBps + before.initialExtraBps), groupInitial, market.ramp);
      groupMaintenance = between(bps(before.maintenanceBps), groupMaintenance, market.ramp);
    }
  }
  const matched = group ? smaller(c, d) : ZERO;
  const charge = (legs: readonly Leg[], all: Fraction, of: "initial" | "maintenance", groups: Fraction): Fraction =>
    legs.reduce((s, leg) => {
      if (leg.value.n === 0n) return s;
      // Each member is matched in the proportion of all.
      const part = over(matched, all);
      const rate = plus(times(part, groups), times(minus(ONE, part), leg[of].base));
      return plus(s, times(leg.value, plus(rate, leg[of].add)));
    }, ZERO);
  initial = plus(
    initial,
    plus(charge(collateral, c, "initial", groupInitial), charge(owed, d, "initial", groupInitial)),
  );
  maintenance = plus(
    maintenance,
    plus(charge(collateral, c, "maintenance", groupMaintenance), charge(owed, d, "maintenance", groupMaintenance)),
  );
  return { value: minus(c, d), initial, maintenance, debts };
}

/** All results in settlement units, WAD. `mid`: both sides at the middle of low and high. */
export function spotMargin(live: Market, balances: readonly Balance[], mid = false): Margin {
  // At mid, where two moments of one session are compared, `initial` reckons with the checkpoints too.
  const slow = [...live.totals].map(
    ([asset, { maintenance }]) => [asset, { initial: maintenance, maintenance }] as const,
  );
  const market = mid ? { ...live, totals: new Map(slow) } : live;
  const settlement = market.prices.get("0:1");
  if (!settlement) throw new Error("the settlement asset has no price");
  const price =
    (side: "low" | "high") =>
    (underlying: string): Fraction => {
      const sides = market.prices.get(underlying);
      if (!sides) throw new Error(`no price: ${underlying}`);
      const usd = mid ? (sides.low + sides.high) / 2n : sides[side];
      // In WAD settlement units per whole token.
      return underlying === "0:1" ? fraction(10n ** 18n) : fraction(usd * 10n ** 18n, settlement.low);
    };
  const clusters = new Map<string, Balance[]>();
  for (const balance of balances) {
    const record = recordOf(market.table, balance.kind, balance.number);
    if (!record) continue;
    const group = record.haircut.group;
    const name = group ? `group ${group.id}` : balance.kind === 1 ? key(1, balance.number) : key(0, balance.number);
    clusters.set(name, [...(clusters.get(name) ?? []), balance]);
  }
  let result: Margin = { initial: ZERO, maintenance: ZERO, mtm: ZERO, liabilities: ZERO, ambiguous: false };
  for (const members of clusters.values()) {
    const [low, high] = [cluster(market, members, price("low")), cluster(market, members, price("high"))];
    const initial = smaller(minus(low.value, low.initial), minus(high.value, high.initial));
    const [atLow, atHigh] = [minus(low.value, low.maintenance), minus(high.value, high.maintenance)];
    const side = compare(atLow, atHigh) >= 0 ? low : high;
    const near = floor(minus(atLow, atHigh));
    const ambiguous = near > -1_000_000n && near < 1_000_000n && compare(low.value, high.value) !== 0;
    result = {
      initial: plus(result.initial, initial),
      maintenance: plus(result.maintenance, minus(side.value, side.maintenance)),
      mtm: plus(result.mtm, side.value),
      liabilities: plus(result.liabilities, side.debts),
      ambiguous: result.ambiguous || ambiguous,
    };
  }
  return result;
}
