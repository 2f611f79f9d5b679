// Σ n·N(d1) and Σ n·K·N(d2) over shocks: contracts/risk/ScenarioKernel.sol. There both sums share a word; here they are two numbers.
import { cdf, centralCdf, CENTRE, LIMIT, ONE, REACH } from "./normal.ts";

/** ln s in units of 2^−27 times this over the width is an argument. */
const INVERSE = 3600n << 69n;

/** Both sums of every cell, and its ln s as cells hold it. */
export interface Accumulators {
  readonly upper: bigint[];
  readonly lower: bigint[];
  readonly logs: readonly bigint[];
}

/** One volatility rule with its cells, `from` to `to` − 1: the width of a leg is max(σ·scale / 2^64, least). */
export interface KernelRule {
  readonly from: number;
  readonly to: number;
  readonly scale: bigint;
  readonly least: bigint;
}

const add = (sums: Accumulators, i: number, a: bigint, b: bigint, first: bigint, second: bigint): void => {
  sums.upper[i] = (sums.upper[i] as bigint) + a * first;
  sums.lower[i] = (sums.lower[i] as bigint) + b * second;
};

/** Outside of the centre. */
const addTail = (sums: Accumulators, i: number, a: bigint, b: bigint, first: bigint, second: bigint): void => {
  // so far below that neither is exercised
  if (first < -REACH) return;
  if (second >= LIMIT + REACH) add(sums, i, a, b, ONE, ONE);
  else add(sums, i, a, b, cdf(first), cdf(second));
};

/**
 * Adds one leg to the accumulators of a rule; ln s rise within it. `ln`: of F / K in units of arguments times arguments. `a`: n and
 * `b`: −n·K, both scaled down to 57 bits.
 */
export const accumulate = (
  sums: Accumulators,
  rule: KernelRule,
  sigma: bigint,
  ln: bigint,
  a: bigint,
  b: bigint,
): void => {
  let width = (sigma * rule.scale) >> 64n;
  if (width < rule.least) width = rule.least;
  const inverse = INVERSE / width;
  const offset = ln / width + (width >> 1n) + CENTRE - (inverse << 30n);
  const argument = (i: number): bigint => offset + (sums.logs[i] as bigint) * inverse;
  let [first, end] = [rule.from, rule.to];
  for (; first !== end; first++) {
    const x = argument(first);
    if (x >= width) break;
    addTail(sums, first, a, b, x, x - width);
  }
  for (; first !== end; end--) {
    const x = argument(end - 1);
    if (x < LIMIT) break;
    addTail(sums, end - 1, a, b, x, x - width);
  }
  for (let i = first; i < end; i++) {
    const x = argument(i);
    add(sums, i, a, b, centralCdf(x), centralCdf(x - width));
  }
};
