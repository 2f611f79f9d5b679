// What is tedious to write by hand in a configuration of derivatives: expiries, strikes, scenario lists.
import type { Scenario, VolatilityRule } from "../../sdk/tables/scenarioTable.ts";
import type { ExpiryConfig } from "./derivatives.ts";
import { type Amount, days, hours } from "./types.ts";

/** The hour (UTC) at which options expire everywhere. */
const EXPIRY_HOUR = hours(8);

/** The first 08:00 UTC at least `ahead` days after a time. */
export const expiryAfter = (time: number, ahead: number): number =>
  Math.ceil((time + days(ahead) - EXPIRY_HOUR) / days(1)) * days(1) + EXPIRY_HOUR;

/** Whole multiples of `tick` around a price; `moneyness` are strikes as parts of it. */
export const strikesAround = (price: number, tick: number, moneyness: readonly number[]): Amount[] =>
  [...new Set(moneyness.map((part) => Math.round((price * part) / tick) * tick))]
    .filter((strike) => strike > 0)
    .sort((a, b) => a - b)
    .map(String);

/** Expiries some days after a time, all with the same strikes. */
export const expiryGrid = (time: number, ahead: readonly number[], strikes: readonly Amount[]): ExpiryConfig[] =>
  [...new Set(ahead.map((day) => expiryAfter(time, day)))].sort((a, b) => a - b).map((at) => ({ at, strikes }));

const FACTOR_DECIMALS = 6;
const factor = (value: number): string => value.toFixed(FACTOR_DECIMALS);

/** A move that hardly ever comes: it counts in part, so that what is short far from the money needs something. */
export interface Tail {
  readonly spot: number;
  readonly weight: number;
}

/**
 * Spot unmoved and by ±1, ±2, ±3 steps with volatility up, unmoved and down; by ±4 steps with volatility up; tails with volatility
 * up; and both skew rules. With three tails up and two down that is 23 + 5 + 2.
 */
export const scenarioList = (step: number, tails: readonly Tail[]): Scenario[] => {
  const every: readonly VolatilityRule[] = ["up", "none", "down"];
  const at = (steps: number, rules: readonly VolatilityRule[]) =>
    rules.map((volatility) => ({ spot: factor(1 + steps * step), volatility, weight: "1" }));
  return [
    ...at(4, ["up"]),
    ...[3, 2, 1, 0, -1, -2, -3].flatMap((steps) => at(steps, every)),
    ...at(-4, ["up"]),
    ...tails.map(({ spot, weight }) => ({ spot: factor(spot), volatility: "up" as const, weight: factor(weight) })),
    { spot: "1", volatility: "linear", weight: "1" },
    { spot: "1", volatility: "abs", weight: "1" },
  ];
};
