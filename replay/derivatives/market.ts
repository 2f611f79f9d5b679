// What attesters see at each moment of the replay: volatility, and the perp's premium. Pure.
import type { PricePath, PricePoint } from "../candles.ts";
import { type Coin, COINS } from "../stage.ts";
import type { Hint, Hints } from "./hints.ts";

const YEAR_S = 365 * 86_400;
const HOUR_S = 3_600;

/** Of one coin at one moment. */
export interface CoinMarket {
  /** Implied volatility of a month, per √year. */
  readonly volatility: number;
  /** Perp ÷ index − 1; clamped it is the funding rate of 8 hours. */
  readonly premium: number;
}

export interface MarketPoint {
  readonly time: number;
  readonly coins: Readonly<Record<Coin, CoinMarket>>;
}

/** Without any word of it a month's options are sold so much above what prices did lately … */
const IMPLIED_OVER_REALISED = 1.15;
/** … between these. */
const LEAST_VOLATILITY = 0.45;
const MOST_VOLATILITY = 2.2;
/** Where only bitcoin's is known: ether has been so much wilder. */
const ETHER_OVER_BITCOIN = 1.2;
const FIRST_VOLATILITY = 0.7;
const HALF_LIFE_S = 12 * HOUR_S;
/** What perps charge when nobody says otherwise. */
const USUAL_FUNDING = 0.0001;

const KEY = { WETH: "eth", WBTC: "btc" } as const;

/** The last hint at `time` that says something of the coin. */
function known(hints: readonly Hint[], coin: Coin, time: number): number | undefined {
  return hints.findLast((hint) => hint.time <= time && hint[KEY[coin]] !== undefined)?.[KEY[coin]];
}

/** Realised volatility by point: squared hourly returns, those of half a day ago counting half. */
function realised(points: readonly PricePoint[], coin: Coin): number[] {
  let variance = FIRST_VOLATILITY ** 2;
  let last: { time: number; price: number } | undefined;
  return points.map((point) => {
    const price = point[KEY[coin]];
    if (last !== undefined && point.time - last.time >= HOUR_S) {
      const elapsed = point.time - last.time;
      const weight = 0.5 ** (elapsed / HALF_LIFE_S);
      variance = weight * variance + ((1 - weight) * Math.log(price / last.price) ** 2 * YEAR_S) / elapsed;
    }
    if (last === undefined || point.time - last.time >= HOUR_S) last = { time: point.time, price };
    return Math.sqrt(variance);
  });
}

function volatilityAt(hints: Hints, coin: Coin, time: number, realisedNow: number): number {
  const own = known(hints.volatility, coin, time);
  const bitcoins = known(hints.volatility, "WBTC", time);
  if (own !== undefined) return own;
  if (coin === "WETH" && bitcoins !== undefined) return bitcoins * ETHER_OVER_BITCOIN;
  return Math.min(MOST_VOLATILITY, Math.max(LEAST_VOLATILITY, realisedNow * IMPLIED_OVER_REALISED));
}

/** One for each point of the path; what happens later has no part in it. */
export function marketOf({ points, hints }: PricePath): MarketPoint[] {
  const lately = { WETH: realised(points, "WETH"), WBTC: realised(points, "WBTC") };
  const of = (coin: Coin, i: number, time: number): CoinMarket => ({
    volatility: volatilityAt(hints, coin, time, lately[coin][i] ?? FIRST_VOLATILITY),
    premium: known(hints.funding, coin, time) ?? USUAL_FUNDING,
  });
  return points.map(({ time }, i) => ({ time, coins: { WETH: of("WETH", i, time), WBTC: of("WBTC", i, time) } }));
}

/** How the volatility was found, for the report. */
export const sourceOf = ({ hints }: PricePath): string =>
  COINS.some((coin) => hints.volatility.some((hint) => hint[KEY[coin]] !== undefined))
    ? "implied volatility from the candle file"
    : `implied volatility ${IMPLIED_OVER_REALISED} × what prices did lately`;
