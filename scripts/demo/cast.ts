// Who trades in the demo: always the same people, from a fixed seed.
import { randomFrom, type Role, type Strategy } from "../../replay/role.ts";
import type { Coin } from "../../replay/stage.ts";

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
