// What evaluations of one market share, worked out once: the table's records as numbers to reckon with, pools with their interest,
// totals. Remembered by the market object, which is never changed in place.
import type { Asset, Haircut, Twap, VaultShare } from "../tables/riskTable.ts";
import { idleAsset, KIND_IDLE, KIND_VAULT_SHARE, kindOf, numberOf, poolAsset, vaultShareAsset } from "./assets.ts";
import { divUp, max, WAD } from "./fixed.ts";
import type { Market, Pool } from "./market.ts";
import { accrued, INDEX_ONE, toAssetsDown } from "./pools.ts";

const BPS_WAD = 10n ** 14n;

/** Haircuts of one table record, WAD; sizes in token units. */
export interface HaircutTerms {
  readonly maintenance: bigint;
  readonly initial: bigint;
  readonly brackets: readonly { readonly size: bigint; readonly addOnBps: bigint }[];
  readonly kappaBps: bigint;
  /** 0: none. */
  readonly group: number;
  readonly groupMaintenance: bigint;
  readonly groupInitial: bigint;
}

/** A listed asset of the table. */
export interface AssetTerms {
  readonly asset: number;
  /** Token units per whole token; of a vault share its pool's. */
  readonly unit: bigint;
  readonly now: HaircutTerms;
  /** What the ramp starts from. */
  readonly before: HaircutTerms;
  readonly twap: Twap | undefined;
}

/** A market with what its evaluations share. */
export interface Prepared {
  readonly market: Market;
  /** By asset id; what is not in it is not listed. */
  readonly terms: ReadonlyMap<number, AssetTerms>;
  /** Weight of the new haircuts, WAD; 1e18: no ramp, or over. */
  readonly ramp: bigint;
  /** Undefined: the safe has no such pool. */
  readonly pool: (number: number) => Pool | undefined;
  /** What accounts hold of an asset: token units, as brackets reckon with it. */
  readonly total: (asset: number) => bigint;
}

const haircutTerms = ({ maintenanceBps, initialExtraBps, brackets, kappaBps, group }: Haircut): HaircutTerms => ({
  maintenance: BigInt(maintenanceBps) * BPS_WAD,
  initial: BigInt(maintenanceBps + initialExtraBps) * BPS_WAD,
  brackets: (brackets ?? []).map(({ size, addOnBps }) => ({ size, addOnBps: BigInt(addOnBps) })),
  kappaBps: BigInt(kappaBps ?? 0),
  group: group?.id ?? 0,
  groupMaintenance: BigInt(group?.maintenanceBps ?? 0) * BPS_WAD,
  groupInitial: BigInt((group?.maintenanceBps ?? 0) + (group?.initialExtraBps ?? 0)) * BPS_WAD,
});

const termsOf = (asset: number, record: Asset | VaultShare, tokenDecimals: number): AssetTerms => {
  const now = haircutTerms(record.haircut);
  return {
    asset,
    unit: 10n ** BigInt(tokenDecimals),
    now,
    before: record.previous ? haircutTerms(record.previous) : now,
    twap: "twap" in record ? record.twap : undefined,
  };
};

const tableTerms = new WeakMap<Market["table"], ReadonlyMap<number, AssetTerms>>();

const termsOfTable = (table: Market["table"]): ReadonlyMap<number, AssetTerms> => {
  const known = tableTerms.get(table);
  if (known !== undefined) return known;
  const terms = new Map<number, AssetTerms>();
  const put = (asset: number, record: Asset | VaultShare | null, decimals: number): void => {
    if (record) terms.set(asset, termsOf(asset, record, decimals));
  };
  for (const [i, asset] of table.pools.entries()) put(poolAsset(i + 1), asset, asset?.tokenDecimals ?? 0);
  for (const [i, asset] of table.idles.entries()) put(idleAsset(i + 1), asset, asset?.tokenDecimals ?? 0);
  for (const [i, share] of table.vaultShares.entries()) {
    put(vaultShareAsset(i + 1), share, table.pools[i]?.tokenDecimals ?? 0);
  }
  tableTerms.set(table, terms);
  return terms;
};

/** How far the table's ramp has come at the market's time, WAD, rounded down. */
const rampOf = ({ table, time }: Market): bigint => {
  if (table.ramp === undefined) return WAD;
  const [start, end] = [BigInt(table.ramp.start), BigInt(table.ramp.end)];
  if (time >= end) return WAD;
  return time <= start ? 0n : ((time - start) * WAD) / (end - start);
};

const totalOf = (market: Market, pool: Prepared["pool"], asset: number): bigint => {
  const kind = kindOf(asset);
  if (kind === KIND_IDLE) return market.idles.get(asset)?.held ?? 0n;
  if (kind === KIND_VAULT_SHARE) {
    const held = market.idles.get(asset)?.held ?? 0n;
    // At the index as last stored: interest since then is no size.
    return divUp(held * (market.pools.get(numberOf(asset))?.supplyIndex ?? 0n), INDEX_ONE);
  }
  const p = pool(numberOf(asset));
  return p === undefined ? 0n : toAssetsDown(p.accountShares, p.supplyIndex);
};

/** Interest is the same in markets that differ in prices alone, of which curves and searches make many. */
const reckonedPools = new WeakMap<Market["pools"], { readonly time: bigint; readonly pool: Prepared["pool"] }>();

const poolsOf = (market: Market): Prepared["pool"] => {
  const known = reckonedPools.get(market.pools);
  if (known?.time === market.time) return known.pool;
  const pools = new Map<number, Pool | undefined>();
  const pool = (number: number): Pool | undefined => {
    if (pools.has(number)) return pools.get(number);
    const stored = market.pools.get(number);
    const now = stored && accrued(stored, market.time);
    pools.set(number, now);
    return now;
  };
  reckonedPools.set(market.pools, { time: market.time, pool });
  return pool;
};

const prepared = new WeakMap<Market, Prepared>();

/** The market ready for evaluations. Markets are values: make a new one (`{...market, ...}`) instead of changing one. */
export const prepare = (market: Market): Prepared => {
  const known = prepared.get(market);
  if (known !== undefined) return known;
  const pool = poolsOf(market);
  const totals = new Map<number, bigint>();
  const total = (asset: number): bigint => {
    const sum = totals.get(asset) ?? totalOf(market, pool, asset);
    totals.set(asset, sum);
    return sum;
  };
  const made: Prepared = { market, terms: termsOfTable(market.table), ramp: rampOf(market), pool, total };
  prepared.set(market, made);
  return made;
};

/** The totals that brackets reckon with: the live one counts in `initial` only, and never less than the checkpoint. */
export const totalsOf = (
  { market, total }: Prepared,
  asset: number,
  initial: boolean,
): { readonly live: bigint; readonly checkpoint: bigint } => {
  const checkpoint = market.checkpoints.get(asset) ?? 0n;
  return { live: initial ? max(total(asset), checkpoint) : checkpoint, checkpoint };
};
