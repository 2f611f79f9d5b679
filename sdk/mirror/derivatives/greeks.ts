// Greeks per underlying over the same books and the same Black-76 as the scenarios: contracts/risk/ScenarioGreeks.sol.
import { max, WAD, YEAR } from "../fixed.ts";
import { greeks, type OptionGreeks } from "./black76.ts";
import type { OptionExpiry, UnderlyingBook } from "./books.ts";

/** Sensitivities of all that is held of one underlying. The forward moves with the spot as in the scenarios. */
export interface UnderlyingGreeks {
  /** Whole underlyings WAD, perp and spot included. */
  readonly delta: bigint;
  /** Of delta per settlement unit of spot, WAD. */
  readonly gamma: bigint;
  /** Settlement units WAD per 1.00 of volatility. */
  readonly vega: bigint;
  /** Settlement units WAD per year that passes. */
  readonly theta: bigint;
  /** Settlement units WAD per 1.00 of rate. */
  readonly rho: bigint;
}

type Sum = { -readonly [K in keyof UnderlyingGreeks]: bigint };

const addOption = (sum: Sum, x: OptionGreeks, size: bigint, slope: bigint): void => {
  sum.delta += (((size * x.delta) / WAD) * slope) / WAD;
  sum.gamma += (((((size * x.gamma) / WAD) * slope) / WAD) * slope) / WAD;
  sum.vega += (size * x.vega) / WAD;
  sum.theta += (size * x.theta) / WAD;
  sum.rho += (size * x.rho) / WAD;
};

const addExpiry = (sum: Sum, e: OptionExpiry, spot: bigint): void => {
  const terms = {
    forward: e.forwardVar + e.forwardFix,
    time: (e.secondsLeft * WAD) / YEAR,
    rate: max(e.rate, 0n),
  };
  // how the forward moves with the spot
  const slope = (e.forwardVar * WAD) / spot;
  for (const { strike, volatility, calls, puts } of e.legs) {
    const of = (isCall: boolean): OptionGreeks => greeks({ ...terms, strike, volatility, isCall });
    if (calls !== 0n) addOption(sum, of(true), calls, slope);
    if (puts !== 0n) addOption(sum, of(false), puts, slope);
  }
};

/** Rounded towards zero, leg by leg. */
export const underlyingGreeks = (book: UnderlyingBook): UnderlyingGreeks => {
  const sum: Sum = { delta: 0n, gamma: 0n, vega: 0n, theta: 0n, rho: 0n };
  if (book.spot === 0n) return sum;
  sum.delta = (book.perpSize * book.perpMark + book.spotValue * WAD) / book.spot;
  for (const e of book.expiries) addExpiry(sum, e, book.spot);
  return sum;
};
