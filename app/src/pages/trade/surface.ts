// An option's volatility, model price and greeks from the attested smile, in floats: for showing and drawing.
import { black76Greeks, type Greeks } from "../../../../sdk/black76.ts";
import { expiryFeedAt, volatilities } from "../../../../sdk/mirror/derivatives/feeds.ts";
import type { Market } from "../../../../sdk/mirror/market.ts";
import { midPrice } from "../../../../sdk/mirror/prices.ts";
import { toNumber } from "../../lib/format.ts";

const YEAR_S = 365 * 86_400;
const STRIKE_TO_WAD = 10n ** 10n;

export interface OptionModel extends Greeks {
  readonly volatility: number;
  readonly forward: number;
}

/** Undefined where nothing is attested, or the index cannot be used. */
export const modelOf = (
  market: Market,
  underlying: number,
  expiry: number,
  option: { readonly strike: bigint; readonly isCall: boolean },
  { spot = 1, laterSeconds = 0 }: { spot?: number; laterSeconds?: number } = {},
): OptionModel | undefined => {
  if (market.ledger === undefined) return undefined;
  try {
    const feed = expiryFeedAt(market.ledger, underlying, expiry, market.time);
    const index = toNumber(midPrice(market, underlying)) * spot;
    const forward = index * toNumber(feed.forwardRatio);
    const time = Math.max(0, (expiry - Number(market.time) - laterSeconds) / YEAR_S);
    const volatility = toNumber(volatilities(feed)(option.strike * STRIKE_TO_WAD));
    const discount = Math.exp(-toNumber(feed.rate) * time);
    const strike = Number(option.strike) / 1e8;
    return {
      ...black76Greeks({ forward, strike, time, volatility, isCall: option.isCall, discount }),
      volatility,
      forward,
    };
  } catch {
    return undefined;
  }
};
