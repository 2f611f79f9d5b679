// Comparisons of floating-point numbers. Hardhat's matchers take every number for an integer, in all tests of one process, so
// chai's own words for these cannot be used.
import { expect } from "chai";

type Float = number | undefined;

const holds = (is: boolean, x: Float, should: string, what: string | undefined): void => {
  expect(is, `${what === undefined ? "" : `${what}: `}${x} ${should}`).to.equal(true);
};

export const near = (x: Float, y: number, tolerance: number, what?: string): void =>
  holds(x !== undefined && Math.abs(x - y) <= tolerance, x, `should be within ${tolerance} of ${y}`, what);

export const less = (x: Float, y: number, what?: string): void =>
  holds(x !== undefined && x < y, x, `should be less than ${y}`, what);

export const more = (x: Float, y: number, what?: string): void =>
  holds(x !== undefined && x > y, x, `should be more than ${y}`, what);

export const atMost = (x: Float, y: number, what?: string): void =>
  holds(x !== undefined && x <= y, x, `should be at most ${y}`, what);

export const atLeast = (x: Float, y: number, what?: string): void =>
  holds(x !== undefined && x >= y, x, `should be at least ${y}`, what);

export const between = (x: Float, low: number, high: number, what?: string): void =>
  holds(x !== undefined && x >= low && x <= high, x, `should be between ${low} and ${high}`, what);
