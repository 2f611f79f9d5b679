// Markets that are moved: other prices, other volatilities. Every result is a market that weigh takes like any other.
import { splitExpiryKey } from "../mirror/derivatives/market.ts";
import { WAD } from "../mirror/fixed.ts";
import type { Market } from "../mirror/market.ts";
import { sourceOf, withPrice } from "../mirror/prices.ts";
import { pricedAssets } from "../mirror/sources.ts";
import type { Asset } from "../tables/riskTable.ts";

const PRICE_DECIMALS = 18;

/** The table's record of a pool or idle asset. */
export const recordOf = (market: Market, asset: number): Asset => {
  const record = pricedAssets(market.table).get(asset);
  if (record === undefined) throw new RangeError(`asset ${asset} has no price in the table`);
  return record;
};

/** The smallest step of an asset's price: one unit of its feed, USD WAD. */
export const tickOf = (market: Market, asset: number): bigint =>
  10n ** BigInt(PRICE_DECIMALS - recordOf(market, asset).feedDecimals);

/** Prices that an asset's feed can say without being taken for clamped, USD WAD, both included. */
export const priceRange = (market: Market, asset: number): { readonly lowest: bigint; readonly highest: bigint } => {
  const { minAnswer, maxAnswer } = recordOf(market, asset);
  const tick = tickOf(market, asset);
  return { lowest: (minAnswer + 1n) * tick, highest: (maxAnswer - 1n) * tick };
};

/** What the primary says, USD WAD. */
export const primaryOf = (market: Market, asset: number): bigint => sourceOf(market, asset).primary;

/**
 * One price of an asset, USD WAD, both sources saying it; `together` move by the same factor from their primaries.
 */
export const movedTo = (market: Market, asset: number, usd: bigint, together: readonly number[] = []): Market => {
  const from = primaryOf(market, asset);
  let moved = withPrice(market, asset, usd);
  for (const other of together) {
    if (other === asset) continue;
    const price = from === 0n ? 0n : (primaryOf(market, other) * usd) / from;
    moved = withPrice(moved, other, price > 0n ? price : 1n);
  }
  return moved;
};

/**
 * All smiles of an underlying with volatilities times `factor` (WAD): raw SVI of total variance, so a and b go with the factor's
 * square. Realised volatility stays: it does not move in a moment.
 */
export const withVolatility = (market: Market, underlying: number, factor: bigint): Market => {
  const { ledger } = market;
  if (ledger === undefined || factor === WAD) return market;
  const scaled = (value: bigint): bigint => (value * factor * factor) / (WAD * WAD);
  const attested = new Map(ledger.attested);
  for (const [key, { forward, smile }] of ledger.attested) {
    if (splitExpiryKey(key).underlying !== underlying) continue;
    attested.set(key, { forward, smile: { ...smile, a: scaled(smile.a), b: scaled(smile.b) } });
  }
  return { ...market, ledger: { ...ledger, attested } };
};
