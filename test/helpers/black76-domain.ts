// The domain over which Black-76 is measured, its exact prices, and the table of the normal distribution in arbitrary precision.
import { value } from "./exact/black76.ts";
import * as R from "./exact/real.ts";
import type { Real } from "./exact/real.ts";

const WAD = 10n ** 18n;
const DAY = 86_400n;
const YEAR = 365n * DAY;

const SECONDS = [1n, 60n, 3_600n, DAY, 7n * DAY, 30n * DAY, YEAR, 3n * YEAR] as const;
/** Percent. */
const SIGMAS = [1n, 5n, 20n, 60n, 100n, 250n, 500n] as const;
const RATIOS = 41;

/** T from 1 s to 3 years, σ from 1 % to 500 %, K/F from .01 to 100; more strikes where v is small and only those near count. */
export const DOMAIN = {
  seconds: SECONDS,
  sigmas: SIGMAS.map((percent) => (percent * WAD) / 100n),
  markets: SECONDS.flatMap((seconds) => SIGMAS.map((percent) => ({ seconds, sigma: (percent * WAD) / 100n }))),
  ratios: [
    ...Array.from({ length: RATIOS }, (_, i) => BigInt(Math.round(10 ** (16 + (4 * i) / (RATIOS - 1))))),
    ...[1n, 10n, 100n, 1_000n, 10_000n].flatMap((n) => [WAD + n * 10n ** 12n, WAD - n * 10n ** 12n]),
  ],
};

/** σ√T */
export const exactDeviation = (sigma: bigint, seconds: bigint): Real =>
  R.mul(R.fromWad(sigma), R.sqrt(R.fromFraction(seconds, YEAR)));

/** Undiscounted calls. */
export const exactCalls = (forward: bigint, strikes: readonly bigint[], v: Real): Real[] =>
  strikes.map((strike) => value({ strike: R.fromWad(strike), call: true }, R.fromWad(forward), v, R.ONE));

/** Coefficients in u in [0, 1] of degree 4 over the cell around `centre`; of N, or of N(−x). */
function coefficients(centre: Real, half: Real, mirrored: boolean): Real[] {
  const sign = mirrored ? -1n : 1n;
  const a = [R.normal(sign * centre)];
  // N⁽ᵏ⁺¹⁾ = −x·N⁽ᵏ⁾ − (k − 1)·N⁽ᵏ⁻¹⁾
  let [before, now] = [R.ZERO, R.density(centre)];
  let power = R.ONE;
  for (let k = 1n; k < 9n; k++) {
    power = R.mul(power, half) / k;
    a.push(sign * R.mul(now, power));
    [before, now] = [now, -R.mul(centre, now) - (k - 1n) * before];
  }
  const at = (k: number): Real => a[k] ?? R.ZERO;
  // a Chebyshev polynomial's worth less, from the highest power on
  const T: Readonly<Record<number, readonly bigint[]>> = {
    8: [1n, 0n, -32n, 0n, 160n, 0n, -256n, 0n, 128n],
    7: [0n, -7n, 0n, 56n, 0n, -112n, 0n, 64n],
    6: [-1n, 0n, 18n, 0n, -48n, 0n, 32n],
    5: [0n, 5n, 0n, -20n, 0n, 16n],
  };
  for (let n = 8; n > 4; n--) {
    const row = T[n] ?? [];
    const lead = row[n] ?? 1n;
    const top = at(n);
    row.forEach((c, k) => (a[k] = at(k) - (top * c) / lead));
  }
  // t = 2u − 1
  const binomial = (n: number, k: number): bigint => (k === 0 ? 1n : (binomial(n - 1, k - 1) * BigInt(n)) / BigInt(k));
  return Array.from({ length: 5 }, (_, j) =>
    R.sum(
      Array.from({ length: 5 - j }, (__, i) => {
        const k = i + j;
        return at(k) * binomial(k, j) * 2n ** BigInt(j) * ((k - j) % 2 === 0 ? 1n : -1n);
      }),
    ),
  );
}

/** What the code of NormalTable must be. */
export function tableWords(): bigint[] {
  const UNITS = 54n;
  const round = (x: Real): bigint => (x + (1n << (R.BITS - UNITS - 1n))) >> (R.BITS - UNITS);
  const word = (list: readonly Real[]): bigint =>
    BigInt.asUintN(
      256,
      list.reduce((sum, x, i) => sum + (round(x) << BigInt(48 * (4 - i))), 0n),
    );
  const centre = Array.from({ length: 720 }, (_, i) =>
    word(coefficients(R.fromFraction(BigInt(2 * i + 1 - 720), 120n), R.fromFraction(1n, 120n), false)),
  );
  const tail = Array.from({ length: 48 }, (_, i) =>
    word(coefficients(R.fromInt(6) + R.fromFraction(BigInt(2 * i + 1), 40n), R.fromFraction(1n, 40n), true)),
  );
  return [...centre, ...tail];
}
