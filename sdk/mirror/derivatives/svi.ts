// Volatility off an attested smile as contracts/oracles/RawSvi.sol and risk/VolSurface.sol have it, to its last bit. `sdk/svi.ts` is the one in
// floating point, for fits.
import { Refused } from "../errors.ts";
import { abs, lnWad, sqrt, WAD, WAD2 } from "../fixed.ts";

/** A smile of total variance, cut where k² exceeds `wing2`. */
export interface Smile {
  /** 1e36. */
  readonly a: bigint;
  /** WAD, as ρ and m. */
  readonly b: bigint;
  readonly rho: bigint;
  readonly m: bigint;
  /** 1e36. */
  readonly sigma2: bigint;
  readonly wing2: bigint;
}

/** Raw SVI, WAD. */
export interface SmileParameters {
  readonly a: bigint;
  readonly b: bigint;
  readonly rho: bigint;
  readonly m: bigint;
  readonly sigma: bigint;
}

const LIMIT = 1n << 80n;
/** k is cut at ±4·√(a + b·σ): 4². */
const WING2 = 16n;
const MAX_TOTAL_VARIANCE = 20n * WAD2;

/** Reverts `SmileOutOfRange` for |ρ| > 1 or a parameter of a million and more. */
export const smileOf = ({ a, b, rho, m, sigma }: SmileParameters): Smile => {
  const within = (x: bigint): boolean => x >= -LIMIT && x < LIMIT;
  if (!within(a) || !within(m) || b < 0n || b >= LIMIT || sigma < 0n || sigma >= LIMIT || abs(rho) > WAD) {
    throw new Refused("SmileOutOfRange");
  }
  const level = a * WAD + b * sigma;
  return { a: a * WAD, b, rho, m, sigma2: sigma * sigma, wing2: level > 0n ? WING2 * level : 0n };
};

/** `k` cut to the wings, WAD. */
export const cut = (s: Smile, k: bigint): bigint => {
  if (k * k <= s.wing2) return k;
  const wing = sqrt(s.wing2);
  return k < 0n ? -wing : wing;
};

/** w(k), 1e36, for a `k` that is cut already. */
export const totalVariance = (s: Smile, k: bigint): bigint => {
  const x = k - s.m;
  const root = sqrt((x * x + s.sigma2) << 60n);
  return s.a + (s.b * (s.rho * x + ((root * WAD) >> 30n))) / WAD;
};

/** σ at a strike (settlement units WAD), per √year, WAD, before any stress; `tau` in years WAD, at least 1. */
export const volatilityAt = (s: Smile, reference: bigint, tau: bigint, strike: bigint): bigint => {
  if (reference === 0n) throw new Refused("Panic", 0x12n);
  const moneyness = (strike * WAD) / reference;
  const k = moneyness === 0n ? -sqrt(s.wing2) : cut(s, lnWad(moneyness));
  const w = totalVariance(s, k);
  if (w <= 0n) return 0n;
  return sqrt(((w > MAX_TOTAL_VARIANCE ? MAX_TOTAL_VARIANCE : w) * WAD) / tau);
};
