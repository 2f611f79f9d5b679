// Who trades perps and options in the demo, and what. Every book is opened twice, with the same money: once under the standard
// margin model and once under the portfolio model.
import type { Coin } from "../stage.ts";

export const MODELS = ["standard", "portfolio"] as const;
export type Model = (typeof MODELS)[number];

/** One leg of a book, `ratio` units of the coin for each unit of the book; positive: bought. */
export type LegPlan =
  | { readonly what: "perp"; readonly ratio: number }
  | {
      readonly what: "call" | "put";
      readonly expiry: "near" | "far";
      /** Strike ÷ price at the opening. */
      readonly at: number;
      readonly ratio: number;
    };

export interface BookPlan {
  readonly name: string;
  readonly coin: Coin;
  /** What the account brings: dollars, or as many dollars' worth of the coin. */
  readonly collateral: "USDC" | "coin";
  /** Dollars. */
  readonly equity: number;
  /** Value of one leg of ratio 1 ÷ equity. */
  readonly leverage: number;
  /** Traded as one order. */
  readonly legs: readonly LegPlan[];
  /** Keeps its delta near zero with the perp. */
  readonly hedged?: boolean;
  /** A stop order for the perp, signed at the opening: at so much of the price then. */
  readonly stopAt?: number;
  /** Part of the replay after which it opens. */
  readonly opensAt: number;
}

const call = (expiry: "near" | "far", at: number, ratio: number): LegPlan => ({ what: "call", expiry, at, ratio });
const put = (expiry: "near" | "far", at: number, ratio: number): LegPlan => ({ what: "put", expiry, at, ratio });
const perp = (ratio: number): LegPlan => ({ what: "perp", ratio });

const BEGINNING = 0;
/** Near the bottom of the recorded crash. */
const BOTTOM = 0.53;

export const BOOKS: readonly BookPlan[] = [
  {
    name: "covered calls",
    ...{ coin: "WETH", collateral: "coin", equity: 30_000, leverage: 1, opensAt: BEGINNING },
    legs: [call("far", 1.1, -1)],
  },
  {
    name: "short straddle",
    ...{ coin: "WETH", collateral: "USDC", equity: 30_000, leverage: 2, opensAt: BEGINNING },
    legs: [call("near", 1, -1), put("near", 1, -1)],
  },
  {
    name: "calendar spread",
    ...{ coin: "WETH", collateral: "USDC", equity: 15_000, leverage: 3, opensAt: BEGINNING },
    legs: [call("near", 1, -1), call("far", 1, 1)],
  },
  {
    name: "delta-hedged strangle",
    ...{ coin: "WETH", collateral: "USDC", equity: 30_000, leverage: 2, opensAt: BEGINNING },
    legs: [call("far", 1.1, -1), put("far", 0.9, -1)],
    hedged: true,
  },
  {
    name: "naked short puts",
    ...{ coin: "WETH", collateral: "USDC", equity: 15_000, leverage: 3, opensAt: BEGINNING },
    legs: [put("far", 0.8, -1)],
  },
  {
    name: "hedged by puts",
    ...{ coin: "WETH", collateral: "USDC", equity: 12_000, leverage: 4, opensAt: BEGINNING },
    legs: [perp(1), put("far", 0.9, 1)],
  },
  {
    name: "basis trade",
    ...{ coin: "WETH", collateral: "coin", equity: 25_000, leverage: 1, opensAt: BEGINNING },
    legs: [perp(-1)],
  },
  {
    name: "long with a stop",
    ...{ coin: "WBTC", collateral: "USDC", equity: 12_000, leverage: 3, opensAt: BEGINNING },
    legs: [perp(1)],
    stopAt: 0.85,
  },
  {
    name: "long perp",
    ...{ coin: "WBTC", collateral: "USDC", equity: 12_000, leverage: 5, opensAt: BEGINNING },
    legs: [perp(1)],
  },
  {
    name: "iron condor",
    ...{ coin: "WBTC", collateral: "USDC", equity: 15_000, leverage: 3, opensAt: BEGINNING },
    legs: [put("near", 0.8, 1), put("near", 0.9, -1), call("near", 1.1, -1), call("near", 1.2, 1)],
  },
  {
    name: "naked short calls",
    ...{ coin: "WBTC", collateral: "USDC", equity: 15_000, leverage: 2, opensAt: BOTTOM },
    legs: [call("far", 1.1, -1)],
  },
];
