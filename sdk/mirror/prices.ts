// Low and high price of every asset (contracts/risk/PriceBook.sol). USD per whole token, WAD.
import { poolAsset, SETTLEMENT, underlyingAsset, vaultShareAsset, numberOf } from "./assets.ts";
import { assetNotInTable, priceUnusable, Refused } from "./errors.ts";
import { abs, BPS, max, min, mulDivDown, WAD } from "./fixed.ts";
import { type Market, PriceFault, type SourcePrice } from "./market.ts";
import { INITIAL, MID, type Purpose } from "./model.ts";
import { prepare, type Prepared } from "./prepared.ts";

/** What an evaluation values an asset at. */
export interface Price {
  readonly low: bigint;
  readonly high: bigint;
}

const UNREADABLE: SourcePrice = { primary: 0n, updatedAt: 0n, fault: PriceFault.SourceReverted };

/** What is known of the sources of an asset; of one that is unknown: unreadable. */
export const sourceOf = (market: Market, asset: number): SourcePrice => market.prices.assets.get(asset) ?? UNREADABLE;

const isDeviating = (primary: bigint, secondary: bigint, deviationBps: number): boolean =>
  secondary === 0n || abs(primary - secondary) * BPS > BigInt(deviationBps) * primary;

/** The settlement asset's price in USD, after the sequencer's health. Refused as `PriceUnusable`. */
export const settlementPrice = (market: Market, askedFor: number): bigint => {
  if (market.prices.sequencer !== PriceFault.None) throw priceUnusable(askedFor, market.prices.sequencer);
  const { primary, fault } = sourceOf(market, SETTLEMENT);
  if (fault !== PriceFault.None) throw priceUnusable(SETTLEMENT, fault);
  return primary;
};

/**
 * Low and high price of a pool or idle asset. Refused as `PriceUnusable` with a fault of the primary, as `NewRiskBlocked` for `initial`
 * while the sources deviate. Liquidation takes the primary alone once they have disagreed for T_dev, or there is nothing else.
 */
export const priceOf = ({ market, terms }: Prepared, asset: number, purpose: Purpose): Price => {
  const { primary, fault, second } = sourceOf(market, asset);
  if (fault !== PriceFault.None) throw priceUnusable(asset, fault);
  const twap = terms.get(asset)?.twap;
  if (twap === undefined) return { low: primary, high: primary };
  const secondary = second?.price ?? 0n;
  if (isDeviating(primary, secondary, twap.deviationBps)) {
    if (purpose === INITIAL) throw new Refused("NewRiskBlocked", BigInt(asset));
    if (secondary === 0n || second?.primaryOnly === true) return { low: primary, high: primary };
  }
  const [low, high] = primary < secondary ? [primary, secondary] : [secondary, primary];
  if (purpose !== MID) return { low, high };
  const mid = (low + high) / 2n;
  return { low: mid, high: mid };
};

/** What `IMarginEngine.priceState` answers. */
export interface PriceState extends Price {
  readonly primary: bigint;
  readonly secondary: bigint;
  readonly updatedAt: bigint;
  readonly fault: PriceFault;
  readonly primaryOnly: boolean;
}

/** Low, high and why not: what the sources say of an asset. Refused as `AssetNotInTable`. */
export const priceState = (market: Market, asset: number): PriceState => {
  const underlying = underlyingAsset(asset);
  const terms = prepare(market).terms.get(underlying);
  if (terms === undefined) throw assetNotInTable(asset);
  const { primary, updatedAt, fault: own, second } = sourceOf(market, underlying);
  const { sequencer } = market.prices;
  const first = sequencer !== PriceFault.None ? sequencer : own;
  const fault = first !== PriceFault.None ? first : sourceOf(market, SETTLEMENT).fault;
  const state = { low: primary, high: primary, primary, secondary: 0n, updatedAt, fault, primaryOnly: false };
  if (fault !== PriceFault.None || terms.twap === undefined) return state;
  const secondary = second?.price ?? 0n;
  const deviating = isDeviating(primary, secondary, terms.twap.deviationBps);
  const primaryOnly = deviating && (secondary === 0n || second?.primaryOnly === true);
  return {
    ...state,
    secondary,
    primaryOnly,
    fault: deviating ? PriceFault.Deviating : PriceFault.None,
    low: primaryOnly ? primary : min(primary, secondary),
    high: primaryOnly ? primary : max(primary, secondary),
  };
};

/** `IMarginEngine.midPrice`: settlement units per whole token, WAD. Refused as `PriceUnusable`, `AssetNotInTable`. */
export const midPrice = (market: Market, asset: number): bigint => {
  if (asset === SETTLEMENT || asset === vaultShareAsset(SETTLEMENT)) return WAD;
  const underlying = underlyingAsset(asset);
  const prepared = prepare(market);
  if (!prepared.terms.has(underlying)) throw assetNotInTable(asset);
  const unit = settlementPrice(market, asset);
  return mulDivDown(priceOf(prepared, underlying, MID).low, WAD, unit);
};

/** The market with one price of an asset (pool or idle asset), both sources saying it: for "what if". USD WAD, above 0. */
export const withPrice = (market: Market, asset: number, usd: bigint): Market => {
  const { updatedAt, second } = sourceOf(market, asset);
  const source: SourcePrice = {
    primary: usd,
    updatedAt: updatedAt === 0n ? market.time : updatedAt,
    fault: PriceFault.None,
    ...(second && { second: { ...second, price: usd } }),
  };
  const assets = new Map(market.prices.assets).set(asset, source);
  return { ...market, prices: { ...market.prices, assets } };
};

/**
 * The market at a later time: interest, ramps and ages run on, prices are what they were; too old ones are stale. The sequencer's grace
 * and how long sources have disagreed are what they were: for those, read again.
 */
export const atTime = (market: Market, time: bigint): Market => {
  if (time === market.time) return market;
  const heartbeats = new Map<number, number>();
  for (const [i, asset] of market.table.pools.entries()) if (asset) heartbeats.set(poolAsset(i + 1), asset.heartbeat);
  const assets = new Map<number, SourcePrice>();
  for (const [asset, source] of market.prices.assets) {
    const heartbeat = heartbeats.get(asset) ?? market.table.idles[numberOf(asset) - 1]?.heartbeat ?? 0;
    const stale = source.fault === PriceFault.None && time - source.updatedAt > BigInt(heartbeat);
    assets.set(asset, stale ? { ...source, primary: 0n, fault: PriceFault.Stale } : source);
  }
  return { ...market, time, prices: { ...market.prices, assets } };
};
