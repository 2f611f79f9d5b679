// The spot part of a margin (contracts/risk/StandardMargin.sol, DESIGN 6.1): haircuts with brackets, vault shares, groups.
import {
  KIND_POOL,
  KIND_VAULT_SHARE,
  kindOf,
  numberOf,
  poolAsset,
  SETTLEMENT,
  underlyingAsset,
  vaultShareAsset,
} from "./assets.ts";
import { assetNotInTable } from "./errors.ts";
import { abs, BPS, divUp, max, min, mulDivFloor, mulDivUp, mulWadUp, WAD } from "./fixed.ts";
import { INITIAL, type Purpose } from "./model.ts";
import type { AssetTerms, HaircutTerms, Prepared } from "./prepared.ts";
import { totalsOf } from "./prepared.ts";
import { type Price, priceOf, settlementPrice } from "./prices.ts";

/** One balance as the engine is told it: token units (of a vault share: of the underlying), interest accrued. */
export interface Holding {
  readonly asset: number;
  /** Positive: owned, rounded down; negative: owed, rounded up. */
  readonly amount: bigint;
}

/** A sum of values and of the haircuts charged on them. Margin = value − charge. */
export interface Tally {
  value: bigint;
  chargeInitial: bigint;
  chargeMaintenance: bigint;
  /** What of `value` is owed, at mark. */
  debts: bigint;
}

/** One evaluation: what is summed, and the unit's price once it was asked for. */
export interface Evaluation {
  readonly prepared: Prepared;
  readonly purpose: Purpose;
  /** USD; 0 until read. */
  unit: bigint;
  /** The settlement asset alone, in settlement units. */
  readonly cash: Tally;
  /** All else, in USD. */
  readonly usd: Tally;
  /** Prices read before, by asset. */
  readonly book: Map<number, Price>;
}

/** Holdings that are valued together. */
export interface Cluster {
  readonly members: readonly Holding[];
  readonly prices: ReadonlyMap<number, Price>;
  /** Some low differs from its high. */
  readonly spread: boolean;
  /** Settlement asset and its vault share alone: prices and sums in settlement units. */
  readonly onlyCash: boolean;
  readonly group: { readonly initial: bigint; readonly maintenance: bigint } | undefined;
}

interface Charges {
  baseInitial: bigint;
  baseMaintenance: bigint;
  addInitial: bigint;
  addMaintenance: bigint;
}

const emptyTally = (): Tally => ({ value: 0n, chargeInitial: 0n, chargeMaintenance: 0n, debts: 0n });

/** Empty sums. */
export const startEvaluation = (prepared: Prepared, purpose: Purpose): Evaluation => ({
  prepared,
  purpose,
  unit: 0n,
  cash: emptyTally(),
  usd: emptyTally(),
  book: new Map(),
});

const addTally = (sum: Tally, part: Tally): void => {
  sum.value += part.value;
  sum.chargeInitial += part.chargeInitial;
  sum.chargeMaintenance += part.chargeMaintenance;
  sum.debts += part.debts;
};

/** What is in the safe but not in the table counts nothing; nobody can owe it. Refused as `AssetNotInTable`. */
export const requireWorthless = ({ asset, amount }: Holding): void => {
  if (amount < 0n) throw assetNotInTable(asset);
};

// ---------------------------------------------------------------- haircuts

/** Σ addOnᵢ · (X − sizeᵢ)⁺ / X, WAD, rounded up, with X = max(size, κ · total). */
const addOn = ({ brackets, kappaBps }: HaircutTerms, size: bigint, total: bigint): bigint => {
  const x = max(size, mulDivUp(kappaBps, total, BPS));
  let extra = 0n;
  for (const bracket of brackets) if (x > bracket.size) extra += bracket.addOnBps * (x - bracket.size);
  return extra === 0n ? 0n : mulDivUp(extra, WAD / BPS, x);
};

const setCharges = (terms: HaircutTerms, size: bigint, live: bigint, checkpoint: bigint): Charges => {
  const addMaintenance = terms.brackets.length === 0 ? 0n : addOn(terms, size, checkpoint);
  const addInitial = terms.brackets.length === 0 || live === checkpoint ? addMaintenance : addOn(terms, size, live);
  return { baseInitial: terms.initial, baseMaintenance: terms.maintenance, addInitial, addMaintenance };
};

const between = (from: bigint, to: bigint, weight: bigint): bigint => divUp(from * (WAD - weight) + to * weight, WAD);

/** During a ramp: between the haircuts before it and those after it, by the time gone. */
const chargesOf = ({ prepared, purpose }: Evaluation, { asset, now, before }: AssetTerms, size: bigint): Charges => {
  const ramping = prepared.ramp !== WAD;
  const crowded = now.kappaBps !== 0n || (ramping && before.kappaBps !== 0n);
  const { live, checkpoint } = crowded ? totalsOf(prepared, asset, purpose === INITIAL) : { live: 0n, checkpoint: 0n };
  const after = setCharges(now, size, live, checkpoint);
  if (!ramping) return after;
  const old = setCharges(before, size, live, checkpoint);
  return {
    baseInitial: between(old.baseInitial, after.baseInitial, prepared.ramp),
    baseMaintenance: between(old.baseMaintenance, after.baseMaintenance, prepared.ramp),
    addInitial: between(old.addInitial, after.addInitial, prepared.ramp),
    addMaintenance: between(old.addMaintenance, after.addMaintenance, prepared.ramp),
  };
};

/** Haircuts of `size` token units held alone at new risk, WAD: `ITableEngine.haircuts`. Refused as `AssetNotInTable`. */
export const haircutsOf = (
  prepared: Prepared,
  asset: number,
  size: bigint,
): { readonly initial: bigint; readonly maintenance: bigint } => {
  const terms = prepared.terms.get(asset);
  if (terms === undefined) throw assetNotInTable(asset);
  const h = chargesOf(startEvaluation(prepared, INITIAL), terms, size);
  return { initial: h.baseInitial + h.addInitial, maintenance: h.baseMaintenance + h.addMaintenance };
};

// ---------------------------------------------------------------- alone

/** amount · price / unit, towards minus infinity: collateral down, debt up. */
const valueOf = (amount: bigint, price: bigint, unit: bigint): bigint => mulDivFloor(amount, price, unit);

const addAt = (e: Evaluation, sum: Tally, terms: AssetTerms, amount: bigint, price: bigint): void => {
  const value = valueOf(amount, price, terms.unit);
  const size = abs(value);
  sum.value += value;
  if (value < 0n) sum.debts += size;
  const h = chargesOf(e, terms, abs(amount));
  sum.chargeInitial += mulWadUp(size, h.baseInitial + h.addInitial);
  sum.chargeMaintenance += mulWadUp(size, h.baseMaintenance + h.addMaintenance);
};

/** The settlement asset is its own unit: no price. */
export const addCash = (e: Evaluation, terms: AssetTerms, amount: bigint): void => addAt(e, e.cash, terms, amount, WAD);

const unitPrice = (e: Evaluation, askedFor: number): bigint => {
  if (e.unit === 0n) e.unit = settlementPrice(e.prepared.market, askedFor);
  return e.unit;
};

/**
 * An underlying with one balance is monotone in its price: collateral is worth least at the low price and debt weighs most at the
 * high one, so one of the two is the smaller result and the other the larger.
 */
const addAlone = (e: Evaluation, terms: AssetTerms, amount: bigint): void => {
  unitPrice(e, terms.asset);
  const { low, high } = priceOf(e.prepared, terms.asset, e.purpose);
  addAt(e, e.usd, terms, amount, amount > 0n === (e.purpose === INITIAL) ? low : high);
};

// ---------------------------------------------------------------- linked

const clusterKey = (e: Evaluation, asset: number): number => {
  const group = e.prepared.terms.get(asset)?.now.group ?? 0;
  return group !== 0 ? (1 << 16) | group : underlyingAsset(asset);
};

/** Low and high price of an underlying, read once per evaluation. */
export const bookedPrice = (e: Evaluation, underlying: number): Price => {
  const known = e.book.get(underlying);
  if (known !== undefined) return known;
  const unit = unitPrice(e, underlying);
  const price = underlying === SETTLEMENT ? { low: unit, high: unit } : priceOf(e.prepared, underlying, e.purpose);
  e.book.set(underlying, price);
  return price;
};

const PAR: Price = { low: WAD, high: WAD };

const groupCharges = ({ prepared }: Evaluation, { now, before }: AssetTerms): Cluster["group"] => {
  if (now.group === 0) return undefined;
  if (prepared.ramp === WAD) return { initial: now.groupInitial, maintenance: now.groupMaintenance };
  return {
    initial: between(before.groupInitial, now.groupInitial, prepared.ramp),
    maintenance: between(before.groupMaintenance, now.groupMaintenance, prepared.ramp),
  };
};

const termsAt = (e: Evaluation, asset: number): AssetTerms => {
  const terms = e.prepared.terms.get(asset);
  if (terms === undefined) throw assetNotInTable(asset);
  return terms;
};

/** The first of the holdings and all that belong to it: a group's members, else a pool and its vault share, else it alone. */
export const gather = (e: Evaluation, holdings: readonly Holding[]): Cluster => {
  const first = holdings[0];
  if (first === undefined) throw new RangeError("no holdings to gather");
  const key = clusterKey(e, first.asset);
  const members = holdings.filter(({ asset }) => clusterKey(e, asset) === key);
  const onlyCash = members.every(({ asset }) => underlyingAsset(asset) === SETTLEMENT);
  const prices = new Map<number, Price>();
  for (const { asset } of members) {
    const underlying = underlyingAsset(asset);
    prices.set(underlying, onlyCash ? PAR : bookedPrice(e, underlying));
  }
  const spread = [...prices.values()].some(({ low, high }) => low !== high);
  return { members, prices, spread, onlyCash, group: groupCharges(e, termsAt(e, first.asset)) };
};

/** A cluster at one side of its prices: values, and what the members' own haircuts charge on them. */
interface Side {
  collateral: bigint;
  collateralInitial: bigint;
  collateralMaintenance: bigint;
  owed: bigint;
  owedInitial: bigint;
  owedMaintenance: bigint;
  /** Brackets and set-off: never lowered by a match. */
  addInitial: bigint;
  addMaintenance: bigint;
  /** With what vault shares cancel. */
  debts: bigint;
}

const addLeg = (s: Side, h: Charges, signed: bigint): void => {
  const value = abs(signed);
  if (signed >= 0n) {
    s.collateral += value;
    s.collateralInitial += mulWadUp(value, h.baseInitial);
    s.collateralMaintenance += mulWadUp(value, h.baseMaintenance);
  } else {
    s.owed += value;
    s.owedInitial += mulWadUp(value, h.baseInitial);
    s.owedMaintenance += mulWadUp(value, h.baseMaintenance);
  }
  s.addInitial += mulWadUp(value, h.addInitial);
  s.addMaintenance += mulWadUp(value, h.addMaintenance);
};

/** A pool balance (or idle asset) and the vault shares of the same pool, in units of the same token. */
const addUnderlying = (
  e: Evaluation,
  s: Side,
  underlying: number,
  amount: bigint,
  shares: bigint,
  price: bigint,
): void => {
  const { unit } = termsAt(e, underlying);
  const owned = max(amount, 0n);
  const cancelled = amount < 0n ? min(shares, -amount) : 0n;
  if (shares > 0n) {
    const h = chargesOf(e, termsAt(e, vaultShareAsset(numberOf(underlying))), shares + owned);
    if (cancelled > 0n) {
      // Rounded like a debt: what is charged on it is a pure cost.
      const value = abs(valueOf(-cancelled, price, unit));
      s.addInitial += mulWadUp(value, h.baseInitial + h.addInitial);
      s.addMaintenance += mulWadUp(value, h.baseMaintenance + h.addMaintenance);
    }
    addLeg(s, h, valueOf(shares - cancelled, price, unit));
  }
  if (amount !== 0n) {
    const h = chargesOf(e, termsAt(e, underlying), amount > 0n ? owned + shares : -amount);
    addLeg(s, h, valueOf(amount + cancelled, price, unit));
    if (amount < 0n) s.debts += abs(valueOf(amount, price, unit));
  }
};

/** Sums a side up, its matched part at the group's haircuts. */
const match = ({ group }: Cluster, s: Side): Tally => {
  const matched = group ? min(s.collateral, s.owed) : 0n;
  let chargeInitial = s.addInitial + 2n * mulWadUp(matched, group?.initial ?? 0n);
  let chargeMaintenance = s.addMaintenance + 2n * mulWadUp(matched, group?.maintenance ?? 0n);
  if (s.collateral !== matched) {
    const free = s.collateral - matched;
    chargeInitial += mulDivUp(s.collateralInitial, free, s.collateral);
    chargeMaintenance += mulDivUp(s.collateralMaintenance, free, s.collateral);
  }
  if (s.owed !== matched) {
    const free = s.owed - matched;
    chargeInitial += mulDivUp(s.owedInitial, free, s.owed);
    chargeMaintenance += mulDivUp(s.owedMaintenance, free, s.owed);
  }
  return { value: s.collateral - s.owed, chargeInitial, chargeMaintenance, debts: s.debts };
};

/** The cluster at one side of its prices. */
export const valueAt = (e: Evaluation, cluster: Cluster, high: boolean): Tally => {
  const s: Side = {
    collateral: 0n,
    collateralInitial: 0n,
    collateralMaintenance: 0n,
    owed: 0n,
    owedInitial: 0n,
    owedMaintenance: 0n,
    addInitial: 0n,
    addMaintenance: 0n,
    debts: 0n,
  };
  const find = (asset: number): Holding | undefined => cluster.members.find((member) => member.asset === asset);
  for (const { asset, amount } of cluster.members) {
    const underlying = underlyingAsset(asset);
    const { low, high: top } = cluster.prices.get(underlying) ?? PAR;
    const price = high ? top : low;
    if (kindOf(asset) === KIND_VAULT_SHARE) {
      // With its pool, if that is held too: there.
      if (find(poolAsset(numberOf(asset))) === undefined) addUnderlying(e, s, underlying, 0n, amount, price);
    } else {
      const share = kindOf(asset) === KIND_POOL ? find(vaultShareAsset(numberOf(asset))) : undefined;
      addUnderlying(e, s, underlying, amount, share?.amount ?? 0n, price);
    }
  }
  return match(cluster, s);
};

/** Whether any vault share is held: then pools have to be valued together with theirs. */
export const holdsShares = (holdings: readonly Holding[]): boolean =>
  holdings.some(({ asset }) => kindOf(asset) === KIND_VAULT_SHARE);

/** Values every group, and every pool with its vault share, as a whole: at the low prices and at the high ones. */
const addLinked = (e: Evaluation, linked: readonly Holding[]): void => {
  let left = linked;
  while (left.length !== 0) {
    const cluster = gather(e, left);
    left = left.filter((holding) => !cluster.members.includes(holding));
    let best = valueAt(e, cluster, false);
    if (cluster.spread) {
      const other = valueAt(e, cluster, true);
      const takeOther =
        e.purpose === INITIAL
          ? other.value - other.chargeInitial < best.value - best.chargeInitial
          : other.value - other.chargeMaintenance > best.value - best.chargeMaintenance;
      if (takeOther) best = other;
    }
    addTally(cluster.onlyCash ? e.cash : e.usd, best);
  }
};

/** Sums of an account without perps and options, on the standard model. */
export const evaluateSpot = (prepared: Prepared, holdings: readonly Holding[], purpose: Purpose): Evaluation => {
  const e = startEvaluation(prepared, purpose);
  const shares = holdsShares(holdings);
  const linked: Holding[] = [];
  for (const holding of holdings) {
    const { asset, amount } = holding;
    const terms = prepared.terms.get(asset);
    const kind = kindOf(asset);
    if (terms === undefined) requireWorthless(holding);
    else if (terms.now.group !== 0 || (shares && (kind === KIND_POOL || kind === KIND_VAULT_SHARE))) {
      linked.push(holding);
    } else if (asset === SETTLEMENT) addCash(e, terms, amount);
    else addAlone(e, terms, amount);
  }
  addLinked(e, linked);
  return e;
};

/** Value less charges, in settlement units, rounded down. */
export const totalOf = (e: Evaluation, which: "initial" | "maintenance" | "mtm"): bigint => {
  const charge = (tally: Tally): bigint =>
    which === "mtm" ? 0n : which === "initial" ? tally.chargeInitial : tally.chargeMaintenance;
  const usd = e.usd.value - charge(e.usd);
  return e.cash.value - charge(e.cash) + (usd === 0n ? 0n : mulDivFloor(usd, WAD, e.unit));
};

/** What is owed, in settlement units, rounded up. */
export const liabilitiesOf = (e: Evaluation): bigint =>
  e.cash.debts + (e.usd.debts === 0n ? 0n : mulDivUp(e.usd.debts, WAD, e.unit));
