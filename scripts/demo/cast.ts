// Who trades in the demo: always the same people, from a fixed seed.
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

type Line = readonly [strategy: Strategy, coin: Coin, leverages: readonly number[], opensAt?: number];

const LINES: readonly Line[] = [
  ["long", "WETH", [1.5, 1.8, 2, 2.5, 3, 4, 5]],
  ["long", "WBTC", [1.5, 1.7, 2, 2.5, 3, 4, 5]],
  ["batch-long", "WETH", [1.6, 2.2, 3.5]],
  ["batch-long", "WBTC", [1.6, 2.2, 3.5]],
  ["borrow", "WETH", [1.5, 1.75, 2, 2.4]],
  ["borrow", "WBTC", [1.5, 1.75, 2, 2.4]],
  ["share-borrow", "WETH", [1.5, 2]],
  ["share-borrow", "WBTC", [1.5, 1.9]],
  ["short", "WETH", [1.5, 3]],
  ["short", "WBTC", [2, 4]],
  ["batch-short", "WETH", [2, 5]],
  ["batch-short", "WBTC", [1.5, 3]],
  ["share-short", "WETH", [1.5, 2]],
  ["share-short", "WBTC", [1.5]],
  // Latecomers: those who sell near the bottom are caught by the way back up.
  ["short", "WETH", [2, 3.5, 5], 0.5],
  ["short", "WBTC", [3, 5], 0.5],
  ["batch-short", "WETH", [4], 0.53],
  ["share-short", "WBTC", [4], 0.53],
  ["long", "WETH", [3], 0.56],
  ["long", "WBTC", [4], 0.56],
];

const SEED = 0x20200312;
const LEAST_EQUITY = 8_000;
const MOST_EQUITY = 60_000;
/** Every so many roles are the isolated second account of the person before. */
const ISOLATED_EVERY = 6;
const VIGILANT_EVERY = 7;

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

export function castRoles(seed = SEED): Role[] {
  const random = randomFrom(seed);
  const roles: Role[] = [];
  let people = 0;
  for (const [strategy, coin, leverages, opensAt = 0] of LINES) {
    for (const leverage of leverages) {
      const number = roles.length;
      const isolated = number % ISOLATED_EVERY === ISOLATED_EVERY - 1;
      const person = isolated ? people - 1 : people++;
      const equity = Math.round((LEAST_EQUITY * (MOST_EQUITY / LEAST_EQUITY) ** random()) / 100) * 100;
      const vigilant = number % VIGILANT_EVERY === 2;
      const name = `${strategy} ${coin} ${leverage}x${isolated ? " isolated" : ""} #${number + 1}`;
      roles.push({ name, person, index: isolated ? 1 : 0, strategy, coin, leverage, equity, opensAt, vigilant });
    }
  }
  return roles;
}
