// At which price of one underlying an account falls below maintenance, all else unchanged.
import { STRIKE_UNIT } from "../instruments.ts";
import type { Account } from "../mirror/account.ts";
import { isPool, numberOf, SETTLEMENT } from "../mirror/assets.ts";
import { attempt, priceUnusable } from "../mirror/errors.ts";
import { WAD } from "../mirror/fixed.ts";
import { type Market, PriceFault } from "../mirror/market.ts";
import { LIQUIDATION } from "../mirror/model.ts";
import { sourceOf } from "../mirror/prices.ts";
import { weigh } from "../mirror/weigh.ts";
import { movedTo, primaryOf, priceRange, tickOf } from "./moves.ts";

/** Prices of one asset at which the account is just below maintenance, nearest to what it is now. USD WAD, whole ticks. */
export interface LiquidationPrices {
  /** The price now, both sources saying what the primary does. */
  readonly now: bigint;
  /** Maintenance is below zero at the price now. */
  readonly liquidatable: boolean;
  /** When the price falls; undefined: at no price that the feed can say. */
  readonly below: bigint | undefined;
  /** When the price rises. */
  readonly above: bigint | undefined;
}

/** What moves, and how closely to look. */
export interface SearchOptions {
  /** Assets that move by the same factor (a staked token with its underlying). */
  readonly together?: readonly number[];
  /** Steps of the search on each side; margins of options may cross zero more than once. */
  readonly steps?: number;
}

const STEPS = 48;
/** The first step away from the price, ten thousandths of it; each is larger than the one before by the same factor. */
const FIRST_STEP = 20n;
const TEN_THOUSAND = 10_000n;

/** Prices from `now` outwards to `end`, steps growing: fine where it matters, and there in a few dozen. */
const ladder = (now: bigint, end: bigint, tick: bigint, steps: number): bigint[] => {
  const prices: bigint[] = [];
  const span = end > now ? end - now : now - end;
  let step = (now * FIRST_STEP) / TEN_THOUSAND;
  if (step < tick) step = tick;
  // The factor by which so many steps reach the end, in floating point: it only says where to look.
  let ratio = 1.0;
  const reach = (q: number): number => {
    let [sum, each] = [0, Number(step)];
    for (let i = 0; i < steps; i++) [sum, each] = [sum + each, each * q];
    return sum;
  };
  while (reach(ratio) < Number(span)) ratio *= 1.02;
  let [gone, each] = [0n, step];
  for (let i = 0; i < steps && gone < span; i++) {
    gone += each;
    each = BigInt(Math.ceil(Number(each) * ratio));
    prices.push(end > now ? now + gone : now - gone);
  }
  return prices.filter((price) => (end > now ? price < end : price > end)).concat(end);
};

const strikesOf = (market: Market, account: Account, asset: number): bigint[] => {
  if (!isPool(asset)) return [];
  const unit = primaryOf(market, SETTLEMENT);
  const strikes: bigint[] = [];
  for (const { instrument } of account.positions) {
    if (instrument.kind !== "option" || instrument.underlying !== numberOf(asset)) continue;
    strikes.push((instrument.strike * STRIKE_UNIT * unit) / WAD);
  }
  return strikes;
};

/**
 * The nearest prices of `asset` on both sides at which `maintenance` < 0, to one tick of its feed: one tick nearer it is ≥ 0. Exact for what
 * falls (or rises) through zero once on each side; between two looked-at prices a margin that dips below zero and comes back (many
 * options) may be missed, which more `steps` make less likely. Throws `Refused` when the account cannot be valued, or the asset has no
 * price now.
 */
export const liquidationPrices = (
  market: Market,
  account: Account,
  asset: number,
  { together = [], steps = STEPS }: SearchOptions = {},
): LiquidationPrices => {
  const tick = tickOf(market, asset);
  const { lowest, highest } = priceRange(market, asset);
  const { primary: now, fault } = sourceOf(market, asset);
  if (fault !== PriceFault.None) throw priceUnusable(asset, fault);
  const sick = (price: bigint): boolean =>
    weigh(movedTo(market, asset, price, together), account, LIQUIDATION).maintenance < 0n;
  if (sick(now)) return { now, liquidatable: true, below: now, above: now };

  const onTick = (price: bigint): bigint => (price / tick) * tick;
  const strikes = strikesOf(market, account, asset).map(onTick);
  /** Between a healthy and a sick price, whole ticks: the sick one that is next to a healthy one. */
  const bisected = (healthy: bigint, ill: bigint): bigint => {
    let [good, bad] = [healthy / tick, ill / tick];
    while (good - bad > 1n || bad - good > 1n) {
      const middle = (good + bad) / 2n;
      if (sick(middle * tick)) bad = middle;
      else good = middle;
    }
    return bad * tick;
  };
  const search = (end: bigint): bigint | undefined => {
    const isInside = (price: bigint): boolean => (end > now ? price > now && price < end : price < now && price > end);
    const looked = [...ladder(now, end, tick, steps).map(onTick), ...strikes].filter(isInside).concat(end);
    looked.sort((a, b) => (end > now ? (a < b ? -1 : 1) : a > b ? -1 : 1));
    let healthy = now;
    for (const price of looked) {
      // Beyond what a model can value (a smile out of range) nothing is said.
      const answer = attempt(() => sick(price));
      if (!answer.ok) return undefined;
      if (answer.value) return bisected(healthy, price);
      healthy = price;
    }
    return undefined;
  };
  return {
    now,
    liquidatable: false,
    below: now > lowest ? search(lowest) : undefined,
    above: now < highest ? search(highest) : undefined,
  };
};
