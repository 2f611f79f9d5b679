// One who trades on the replayed market, and the seeded chance that populations are drawn from.
import type { Coin } from "./stage.ts";

/**
 * - `long`, `short`: through the LeverageRouter, margin in USDC;
 * - `batch-long`, `batch-short`: the same by a batch of the safe's doors with the swap adapter, USDC by permit;
 * - `borrow`: the coin as collateral (native ether for WETH), USDC taken out to the wallet;
 * - `share-short`: shares of the USDC vault as collateral, the coin borrowed and sold;
 * - `share-borrow`: shares of the coin's vault as collateral, USDC taken out.
 */
export type Strategy = "long" | "short" | "batch-long" | "batch-short" | "borrow" | "share-short" | "share-borrow";

export interface Role {
  readonly name: string;
  /** Roles of one person share his wallet. */
  readonly person: number;
  /** Number of the account: 1 is isolated from the person's account 0. */
  readonly index: 0 | 1;
  readonly strategy: Strategy;
  readonly coin: Coin;
  /** Position or collateral ÷ equity; of a short: debt ÷ equity. */
  readonly leverage: number;
  /** Dollars. */
  readonly equity: number;
  /** Part of the replay after which it opens. */
  readonly opensAt: number;
  /** Adds margin, once, when the account gets near its maintenance. */
  readonly vigilant: boolean;
}

/** Mulberry32: 32 bits of state are plenty for sizes of accounts. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
