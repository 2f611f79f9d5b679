// Which options are listed: one expiry that settles inside the replay and a later one, strikes around the first price.
import type { PricePoint } from "../candles.ts";
import { type Coin, type Prices, pricesOf } from "../stage.ts";

const DAY_S = 86_400;
/** Options expire at 08:00 UTC where the replay is long enough to hold one … */
const USUAL_HOUR_S = 8 * 3_600;
const LONG_S = 2 * DAY_S;
/** … else at a quarter of an hour. */
const QUARTER_S = 900;
/** Part of the replay at which the near expiry should settle. */
const NEAR_AT = 0.6;
const FAR_AFTER_S = 14 * DAY_S;
const MONEYNESS = [0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.4];
const STEP = 0.05;

export interface Calendar {
  /** Settles inside the replay. */
  readonly near: number;
  readonly far: number;
  readonly strikes: Readonly<Record<Coin, readonly number[]>>;
}

/** The nearest time on a grid of `step` that is `phase` after a multiple of it. */
const onGrid = (time: number, step: number, phase: number): number => Math.round((time - phase) / step) * step + phase;

function nearExpiry(points: readonly PricePoint[]): number {
  const [first, last] = [points[0]?.time ?? 0, points.at(-1)?.time ?? 0];
  const wanted = first + (last - first) * NEAR_AT;
  return last - first >= LONG_S ? onGrid(wanted, DAY_S, USUAL_HOUR_S) : onGrid(wanted, QUARTER_S, 0);
}

/** 1, 2 or 5 times a power of ten, the nearest above. */
function roundStep(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 2, 5, 10].find((each) => each * power >= value) ?? 10);
}

function strikesAround(price: number): number[] {
  const step = roundStep(price * STEP);
  return [...new Set(MONEYNESS.map((each) => Number((Math.round((price * each) / step) * step).toPrecision(12))))];
}

export function calendarOf(points: readonly PricePoint[]): Calendar {
  const [first] = points;
  if (first === undefined) throw new RangeError("no prices, no calendar");
  const prices: Prices = pricesOf(first);
  const near = nearExpiry(points);
  return {
    near,
    far: onGrid(near + FAR_AFTER_S, DAY_S, USUAL_HOUR_S),
    strikes: { WETH: strikesAround(prices.WETH), WBTC: strikesAround(prices.WBTC) },
  };
}

/** The listed strike nearest to `moneyness` times the first price. */
export const strikeAt = ({ strikes }: Calendar, coin: Coin, price: number): number =>
  strikes[coin].reduce((best, each) => (Math.abs(each - price) < Math.abs(best - price) ? each : best), Infinity);
