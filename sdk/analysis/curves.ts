// Margins over a range of prices and, with volatilities, over a grid. Every point equals weigh in the moved market.
import type { Account } from "../mirror/account.ts";
import { divUp, WAD } from "../mirror/fixed.ts";
import type { Market } from "../mirror/market.ts";
import { type MarginView, marginsOf } from "./margins.ts";
import { movedTo, primaryOf, withVolatility } from "./moves.ts";

/** A point of a margin curve. */
export interface CurvePoint extends MarginView {
  /** USD WAD per whole token. */
  readonly price: bigint;
}

/** `count` prices from `from` to `to` in equal steps, both included; USD WAD. */
export const pricesBetween = (from: bigint, to: bigint, count: number): bigint[] => {
  if (count < 2 || from <= 0n || to <= from) throw new RangeError("a range needs 0 < from < to and two points or more");
  const steps = BigInt(count - 1);
  return Array.from({ length: count }, (_, i) => from + ((to - from) * BigInt(i)) / steps);
};

/** Margins of an account at each price of an asset (pool or idle asset); `together` move by the same factor. */
export const marginCurve = (
  market: Market,
  account: Account,
  asset: number,
  prices: readonly bigint[],
  together: readonly number[] = [],
): CurvePoint[] => prices.map((price) => ({ price, ...marginsOf(movedTo(market, asset, price, together), account) }));

/** What to shock an account by. */
export interface StressRequest {
  /** Assets whose prices move by the same factor; the first one's number is the underlying whose volatilities move. */
  readonly assets: readonly [number, ...number[]];
  /** WAD: 0.6e18 is 40 % down. */
  readonly priceFactors: readonly bigint[];
  /** WAD; left out: volatilities stay. */
  readonly volatilityFactors?: readonly bigint[];
}

/** A cell of a stress grid. */
export interface StressCell extends MarginView {
  readonly priceFactor: bigint;
  readonly volatilityFactor: bigint;
  /** Against the market as it is: mtm's change, settlement units WAD. */
  readonly pnl: bigint | undefined;
}

/** Margins and profit of an account under price × volatility shocks: rows by volatility, columns by price. */
export const stressGrid = (market: Market, account: Account, request: StressRequest): StressCell[][] => {
  const { assets, priceFactors, volatilityFactors = [WAD] } = request;
  const [first, ...together] = assets;
  const { mtm: before } = marginsOf(market, account);
  const from = primaryOf(market, first);
  return volatilityFactors.map((volatilityFactor) => {
    const shaken = withVolatility(market, first, volatilityFactor);
    return priceFactors.map((priceFactor): StressCell => {
      const price = divUp(from * priceFactor, WAD);
      // Without a price now there is nothing to move: the cells say why.
      const moved = priceFactor === WAD || from === 0n ? shaken : movedTo(shaken, first, price, together);
      const view = marginsOf(moved, account);
      const pnl = view.mtm === undefined || before === undefined ? undefined : view.mtm - before;
      return { priceFactor, volatilityFactor, pnl, ...view };
    });
  });
};
