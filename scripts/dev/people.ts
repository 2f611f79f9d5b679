// Who is on the local market before anybody opens the page: enough that lists are not empty and prices have a counterpart.
import type { Role } from "../../replay/role.ts";

type Line = readonly [Role["strategy"], Role["coin"], leverage: number, equity: number];

/** Some are near the line, so that a fall of a few percent has something to liquidate. */
const LINES: readonly Line[] = [
  ["long", "WETH", 1.8, 42_000],
  ["long", "WETH", 3, 18_000],
  ["long", "WETH", 4.4, 9_500],
  ["long", "WBTC", 2.2, 36_000],
  ["long", "WBTC", 4, 12_000],
  ["borrow", "WETH", 2, 27_000],
  ["short", "WETH", 2, 16_000],
  ["short", "WBTC", 3, 8_000],
];

export const PEOPLE: readonly Role[] = LINES.map(([strategy, coin, leverage, equity], person) => ({
  name: `${strategy} ${coin} ${leverage}x`,
  person,
  index: 0,
  strategy,
  coin,
  leverage,
  equity,
  opensAt: 0,
  vigilant: false,
}));
