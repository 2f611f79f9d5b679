// Roughly what an account's balances are worth: to choose routes by, never to decide.
import type { Account } from "../sdk/mirror/account.ts";
import { isPool, numberOf, poolAsset, underlyingAsset } from "../sdk/mirror/assets.ts";
import type { Market } from "../sdk/mirror/market.ts";
import { INDEX_ONE } from "../sdk/mirror/pools.ts";
import { pricedAssets } from "../sdk/mirror/sources.ts";
import type { Trade } from "./routes.ts";

const SETTLEMENT = 1;

/** Settlement token units, either sign; what has no price is worth nothing. */
export const valuesOf = ({ entries }: Account, market: Market, settlementDecimals: number): Trade[] => {
  const { prices, pools, table } = market;
  const unit = Number(prices.assets.get(SETTLEMENT)?.primary ?? 0n);
  const listed = pricedAssets(table);
  return entries.map(({ asset, shares }) => {
    const priced = underlyingAsset(asset);
    const price = Number(prices.assets.get(priced)?.primary ?? 0n) / unit;
    const pool = pools.get(numberOf(poolAsset(priced)));
    const index = isPool(priced) && pool !== undefined ? (shares < 0n ? pool.debtIndex : pool.supplyIndex) : INDEX_ONE;
    const amount = (Number(shares) * Number(index)) / Number(INDEX_ONE);
    const decimals = listed.get(priced)?.tokenDecimals ?? 0;
    const value = amount * price * 10 ** (settlementDecimals - decimals);
    return { asset, value: Number.isFinite(value) ? BigInt(Math.round(value)) : 0n };
  });
};
