// At which prices an account could be liquidated. Pure, and without anything of the page, so that a worker can do it.
import { liquidationPrices, primaryOf } from "../../../sdk/analysis/index.ts";
import { type Account, needsCheck } from "../../../sdk/mirror/account.ts";
import { SETTLEMENT, underlyingAsset } from "../../../sdk/mirror/assets.ts";
import { attempt } from "../../../sdk/mirror/errors.ts";
import type { Market } from "../../../sdk/mirror/market.ts";

/** An account in a market: as it is, or as it would be. */
export interface Standing {
  readonly market: Market;
  readonly account: Account;
}

export interface Liquidation {
  readonly asset: number;
  /** Falling to it, and rising to it, settlement units; undefined: never. */
  readonly below?: number;
  readonly above?: number;
}

/** Of the search, on each side: between two steps every price is looked at by halves. */
const STEPS = 16;

/** Assets whose prices move the account: own and owed ones, and underlyings of positions. */
export const movers = ({ entries, positions }: Account): number[] => {
  const found = new Set(entries.map(({ asset }) => underlyingAsset(asset)));
  for (const { instrument } of positions) found.add(instrument.underlying);
  found.delete(SETTLEMENT);
  return [...found].sort((a, b) => a - b);
};

/** For each asset, all others unmoved; none for an account that can be liquidated already. */
export const liquidationsOf = ({ market, account }: Standing): Liquidation[] => {
  if (!needsCheck(account)) return [];
  const unit = Number(primaryOf(market, SETTLEMENT));
  return movers(account).flatMap((asset): Liquidation[] => {
    const found = attempt(() => liquidationPrices(market, account, asset, { steps: STEPS }));
    if (!found.ok || found.value.liquidatable) return [];
    const { below, above } = found.value;
    return [
      {
        asset,
        ...(below !== undefined && { below: Number(below) / unit }),
        ...(above !== undefined && { above: Number(above) / unit }),
      },
    ];
  });
};
