// Prices, indices and haircuts of the assets, as floats.
import type { Market, Pool, SourcePrice } from "../../sdk/mirror/market.ts";
import type { Asset, Haircut, RiskTable, VaultShare } from "../../sdk/tables/riskTable.ts";
import { A, ASSETS } from "./tables.ts";

export const WAD = 1e18;
const BPS = 1e4;
const KIND_IDLE = 0x400;
const KIND_SHARE = 0x800;
const NUMBER = 0x3ff;
const INDEX_ONE = 1e15;
const YEAR = 31_536_000;
/** Of the built-in curve (contracts/accounts/AdaptiveCurve.sol). */
const CURVE = { target: 0.9, steepness: 4, speed: 50 / YEAR, first: 0.04 / YEAR, least: 0.001 / YEAR, most: 2 / YEAR };
const MOST_EXPONENT = 20;

/** Low and high of an asset in USD as liquidation has them; undefined: unusable. */
const sides = (source: SourcePrice | undefined, asset: Asset): readonly [number, number] | undefined => {
  if (source === undefined || source.fault !== 0 || source.primary <= 0n) return undefined;
  const primary = Number(source.primary);
  const { second } = source;
  if (asset.twap === undefined || second === undefined) return [primary, primary];
  const apart = source.primary > second.price ? source.primary - second.price : second.price - source.primary;
  const deviates = second.price === 0n || apart * 10_000n > BigInt(asset.twap.deviationBps) * source.primary;
  if (deviates && (second.price === 0n || second.primaryOnly)) return [primary, primary];
  const other = Number(second.price);
  return primary < other ? [primary, other] : [other, primary];
};

/** Growth of debts and of claims since the pool's words were written. */
const growth = (pool: Pool, time: bigint): readonly [debts: number, claims: number] => {
  const elapsed = Number(time - pool.lastAccrual);
  if (elapsed <= 0 || pool.debtShares === 0n) return [1, 1];
  const debts = (Number(pool.debtShares) * Number(pool.debtIndex)) / INDEX_ONE;
  const shares = Number(pool.lenderShares + pool.accountShares);
  const claims = (shares * Number(pool.supplyIndex)) / INDEX_ONE;
  const used = claims === 0 ? 0 : Math.min(1, debts / claims);
  const grown = Math.exp(Math.min(MOST_EXPONENT, rateOf(pool, used, elapsed) * elapsed));
  if (shares === 0) return [grown, 1];
  const forLenders = debts * (grown - 1) * (1 - Number(pool.reserveFactorBps) / BPS);
  return [grown, 1 + forLenders / claims];
};

const rateOf = (pool: Pool, used: number, elapsed: number): number => {
  if (pool.externalModel) {
    const model = pool.rateModel;
    if (model === undefined) return 0;
    if (model.kind === "reading") return Number(model.rate) / WAD;
    const [kink, base, first] = [Number(model.kink) / WAD, Number(model.base) / WAD, Number(model.slope1) / WAD];
    if (used <= kink) return base + (first * used) / kink;
    return base + first + ((Number(model.slope2) / WAD) * (used - kink)) / (1 - kink);
  }
  const bound = (rate: number) => Math.min(CURVE.most, Math.max(CURVE.least, rate));
  const error = (used - CURVE.target) / (used > CURVE.target ? 1 - CURVE.target : CURVE.target);
  const start = pool.rateAtTarget === 0n ? CURVE.first : bound(Number(pool.rateAtTarget) / WAD);
  const drift = Math.max(-16, Math.min(16, CURVE.speed * elapsed * error));
  const middle = bound(start * Math.exp(drift / 2));
  const mean = (start + 2 * middle + bound(start * Math.exp(drift))) / 4;
  return mean * (error < 0 ? (1 - 1 / CURVE.steepness) * error + 1 : (CURVE.steepness - 1) * error + 1);
};

/** 0 before a ramp, 1 after it. */
const rampOf = ({ ramp }: RiskTable, time: number): number => {
  if (ramp === undefined || time >= ramp.end) return 1;
  return time <= ramp.start ? 0 : (time - ramp.start) / (ramp.end - ramp.start);
};

const setBrackets = (to: Float64Array, at: number, haircut: Haircut, total: number): void => {
  const [first, second] = haircut.brackets ?? [];
  to[at] = Number(first?.size ?? 0n);
  to[at + 1] = (first?.addOnBps ?? 0) / BPS;
  to[at + 2] = Number(second?.size ?? 0n);
  to[at + 3] = (second?.addOnBps ?? 0) / BPS;
  to[at + 4] = ((haircut.kappaBps ?? 0) / BPS) * total;
};

/** Fills the assets of the tables. The price factors are left alone but for their numbers. */
export const fillAssets = (to: Float64Array, market: Market, factorOf: (asset: number) => number): void => {
  to.fill(0);
  const { table, prices } = market;
  const ramp = rampOf(table, Number(market.time));
  const settlement = prices.assets.get(1);
  const unit =
    prices.sequencer !== 0 || settlement === undefined || settlement.fault !== 0 ? NaN : Number(settlement.primary);

  const set = (
    id: number,
    priced: number,
    asset: Asset,
    { haircut, previous = haircut }: Pick<VaultShare, "haircut" | "previous">,
  ): void => {
    const at = id * A.STRIDE;
    const decimals = 10 ** -asset.tokenDecimals;
    // The settlement asset is its own unit: cash by itself needs no price.
    const found = priced === 1 ? ([unit, unit] as const) : sides(prices.assets.get(priced), asset);
    to[at + A.LISTED] = 1;
    to[at + A.LOW] = priced === 1 ? decimals : found === undefined ? NaN : (found[0] / unit) * decimals;
    to[at + A.HIGH] = priced === 1 ? decimals : found === undefined ? NaN : (found[1] / unit) * decimals;
    to[at + A.HAIRCUT] = (ramp * haircut.maintenanceBps + (1 - ramp) * previous.maintenanceBps) / BPS;
    to[at + A.RAMP] = ramp;
    const total = Number(market.checkpoints.get(id) ?? 0n);
    setBrackets(to, at + A.NEW, haircut, total);
    setBrackets(to, at + A.OLD, previous, total);
    to[at + A.GROUP] = haircut.group?.id ?? 0;
    const [group, before] = [haircut.group?.maintenanceBps ?? 0, previous.group?.maintenanceBps ?? 0];
    to[at + A.GROUP_HAIRCUT] = (ramp * group + (1 - ramp) * before) / BPS;
    to[at + A.FACTOR] = factorOf(priced);
    to[at + A.UNDERLYING] = priced > 1 && priced < 256 ? priced : 0;
  };

  table.pools.forEach((asset, i) => {
    if (asset !== null) set(i + 1, i + 1, asset, asset);
  });
  table.idles.forEach((asset, i) => {
    if (asset !== null) set(KIND_IDLE + i + 1, KIND_IDLE + i + 1, asset, asset);
  });
  table.vaultShares.forEach((share, i) => {
    const asset = table.pools[i] ?? null;
    if (share !== null && asset !== null) set(KIND_SHARE + i + 1, i + 1, asset, share);
  });
  for (let id = KIND_IDLE; id < KIND_SHARE; id += 1) to[id * A.STRIDE + A.DOWN] = 1;
  for (const [number, pool] of market.pools) {
    const [debts, claims] = growth(pool, market.time);
    const supply = (Number(pool.supplyIndex) / INDEX_ONE) * claims;
    const [at, share] = [number * A.STRIDE, (KIND_SHARE + (number & NUMBER)) * A.STRIDE];
    to[at + A.DOWN] = supply;
    to[at + A.UP] = (Number(pool.debtIndex) / INDEX_ONE) * debts;
    if (KIND_SHARE + number < ASSETS) to[share + A.DOWN] = supply;
  }
};
