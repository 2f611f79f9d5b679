// Interest and rate models (contracts/accounts/Interest.sol, AdaptiveCurve.sol, KinkedRateModel.sol). Rates are per second, WAD.
import { divUp, expWad, max, min, mulDivUp, WAD, YEAR } from "./fixed.ts";
import type { RateModel } from "./market.ts";

/** rate · time saturates here. */
const MAX_EXPONENT = 20n * WAD;
/** What the contracts put between the exponential and what they round it to. */
const EXP_MARGIN = 2n;
const EXP_MARGIN_PART = 10n ** 19n;

const exponent = (rate: bigint, elapsed: bigint): bigint => {
  if (elapsed === 0n) return 0n;
  return rate > MAX_EXPONENT / elapsed ? MAX_EXPONENT : rate * elapsed;
};

const margin = (grown: bigint): bigint => EXP_MARGIN + grown / EXP_MARGIN_PART;

/** exp(rate · elapsed) − 1, WAD, rounded down; at least rate · elapsed. */
export const growthDown = (rate: bigint, elapsed: bigint): bigint => {
  const x = exponent(rate, elapsed);
  if (x === 0n) return 0n;
  const grown = expWad(x);
  return max(x, max(grown - WAD - margin(grown), 0n));
};

/** exp(rate · elapsed) − 1, WAD, rounded up. */
export const growthUp = (rate: bigint, elapsed: bigint): bigint => {
  const x = exponent(rate, elapsed);
  if (x === 0n) return 0n;
  const grown = expWad(x);
  return grown + margin(grown) - WAD;
};

/** A mean rate over a time, and the rate at target at its end. */
export interface Rates {
  readonly average: bigint;
  readonly rateAtTarget: bigint;
}

/** u* of the adaptive curve, WAD. */
export const TARGET_UTILISATION = (9n * WAD) / 10n;
const STEEPNESS = 4n;
const ADJUSTMENT_SPEED = (50n * WAD) / YEAR;
const INITIAL_RATE_AT_TARGET = (4n * WAD) / 100n / YEAR;
const MIN_RATE_AT_TARGET = WAD / 1000n / YEAR;
const MAX_RATE_AT_TARGET = (2n * WAD) / YEAR;
const MAX_DRIFT = 16n * WAD;
const MAX_ELAPSED = (1n << 64n) - 1n;

const bound = (rate: bigint): bigint => max(min(rate, MAX_RATE_AT_TARGET), MIN_RATE_AT_TARGET);

/** Distance from u* in units of the room on that side: −1..1, WAD. */
const errorOf = (u: bigint): bigint =>
  u > TARGET_UTILISATION
    ? ((u - TARGET_UTILISATION) * WAD) / (WAD - TARGET_UTILISATION)
    : -(((TARGET_UTILISATION - u) * WAD) / TARGET_UTILISATION);

const curve = (err: bigint): bigint =>
  err < 0n ? WAD - (-err * (STEEPNESS - 1n)) / STEEPNESS : WAD + err * (STEEPNESS - 1n);

/** The built-in curve: the mean rate over `elapsed` seconds at a constant utilisation, rounded up. `rateAtTarget` 0: never set. */
export const adaptiveRates = (utilisation: bigint, elapsed: bigint, rateAtTarget: bigint): Rates => {
  const err = errorOf(min(utilisation, WAD));
  const start = rateAtTarget === 0n ? INITIAL_RATE_AT_TARGET : bound(rateAtTarget);
  let next = start;
  let fourMeans = 4n * start;
  if (err !== 0n && elapsed !== 0n) {
    const drift = (ADJUSTMENT_SPEED * min(elapsed, MAX_ELAPSED) * err) / WAD;
    // Bigint division rounds towards zero, as the contract's does.
    const half = expWad(max(min(drift, MAX_DRIFT), -MAX_DRIFT) / 2n);
    next = bound((start * half * half + (WAD * WAD) / 2n) / (WAD * WAD));
    fourMeans = start + 2n * bound((start * half + WAD / 2n) / WAD) + next;
  }
  return { average: divUp(fourMeans * curve(err), 4n * WAD), rateAtTarget: next };
};

/** Two slopes, rounded up; a utilisation above one counts as one. */
export const kinkedRate = (model: Extract<RateModel, { kind: "kinked" }>, utilisation: bigint): bigint => {
  const u = min(utilisation, WAD);
  return u <= model.kink
    ? model.base + mulDivUp(model.slope1, u, model.kink)
    : model.base + model.slope1 + mulDivUp(model.slope2, u - model.kink, WAD - model.kink);
};

/** No model may ask for more than 1000 % a year. */
const MAX_MODEL_RATE = (10n * WAD) / YEAR;
const MAX_RATE_WORD = (1n << 36n) - 1n;

/** What an external model's answer counts as; without a model: a pool that charges nothing. */
export const modelRates = (model: RateModel | undefined, utilisation: bigint, rateAtTarget: bigint): Rates => {
  if (model === undefined) return { average: 0n, rateAtTarget };
  const average = model.kind === "kinked" ? kinkedRate(model, utilisation) : model.rate;
  const next = model.kind === "kinked" ? rateAtTarget : model.rateAtTarget;
  return { average: min(average, MAX_MODEL_RATE), rateAtTarget: min(next, MAX_RATE_WORD) };
};
