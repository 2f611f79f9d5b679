// The normal distribution as contracts/risk/NormalTable.sol has it: the same words by the same walk, and the same polynomials, so every
// probability is the same to its last bit. docs/black76.md has the argument.

/** Units of a probability. */
export const ONE = 1n << 54n;
/** Units of an argument: (x + 6)·60·2^48. */
export const UNIT = 60n << 48n;
export const CENTRE = 6n * UNIT;
/** Arguments from here on are in the tail. */
export const LIMIT = 720n << 48n;
/** So far beyond the centre N is 0 or 1. */
export const REACH = 144n << 48n;

const ONE_128 = 1n << 128n;
const FIRST_DENSITY = 0x66202c69c38316b73e2334689d432083n;
const FIRST_VALUE = 0x80d9df87221ee48e5a7a0f222bf381d1n;
const DECAY = 0xffedcc4f36e5ef995dc414485e4bc64cn;
const FINE = 360;
const STEPS = 504;
const CELLS = 768;
const ORDER = 13;

const at = (list: readonly bigint[], i: number): bigint => list[i] as bigint;

/** N⁽ᵏ⁾ at x = n / 120 for k = 1..12. */
const derivatives = (density: bigint, n: bigint): bigint[] => {
  const d = [0n, density];
  let [previous, last] = [0n, density];
  for (let k = 2; k < ORDER; k++) {
    [previous, last] = [last, -(n * last) / 120n - BigInt(k - 2) * previous];
    d.push(last);
  }
  return d;
};

/** N(x + 1/60) − N(x). */
const taylor = (d: readonly bigint[]): bigint => {
  let [sum, divisor] = [0n, 1n];
  for (let k = 1; k < ORDER; k++) {
    divisor *= BigInt(60 * k);
    sum += at(d, k) / divisor;
  }
  return sum;
};

type Quartic = readonly [bigint, bigint, bigint, bigint, bigint];

/** Coefficients in t in [−1, 1] of a cell whose half width is 1/halves, the highest powers economised. */
const economised = (d: readonly bigint[], value: bigint, halves: bigint): Quartic => {
  const a = [value];
  let divisor = 1n;
  for (let k = 1; k < 9; k++) {
    divisor *= halves * BigInt(k);
    a.push(at(d, k) / divisor);
  }
  const [a8, a7] = [at(a, 8), at(a, 7)];
  const a6 = at(a, 6) + 2n * a8;
  const a5 = at(a, 5) + (7n * a7) / 4n;
  return [
    at(a, 0) + a6 / 32n - a8 / 128n,
    at(a, 1) + (7n * a7) / 64n - (5n * a5) / 16n,
    at(a, 2) + a8 / 4n - (9n * a6) / 16n,
    at(a, 3) + (5n * a5) / 4n - (7n * a7) / 8n,
    at(a, 4) + (3n * a6) / 2n - (5n * a8) / 4n,
  ];
};

const rounded = (x: bigint): bigint => (x + (1n << 73n)) >> 74n;

/** From powers of t = 2u − 1 to powers of u. */
const packed = ([a0, a1, a2, a3, a4]: Quartic): bigint =>
  (rounded(a0 - a1 + a2 - a3 + a4) << 192n) +
  (rounded(2n * a1 - 4n * a2 + 6n * a3 - 8n * a4) << 144n) +
  (rounded(4n * a2 - 12n * a3 + 24n * a4) << 96n) +
  (rounded(8n * a3 - 32n * a4) << 48n) +
  rounded(16n * a4);

/** The 768 words of the table's code. */
export const normalWords = (): bigint[] => {
  const words = new Array<bigint>(CELLS).fill(0n);
  let [density, value, ratio] = [FIRST_DENSITY, FIRST_VALUE, DECAY];
  for (let j = 0; j < STEPS; j++) {
    const d = derivatives(density, BigInt(2 * j + 1));
    if (j < FINE) {
      const a = economised(d, value, 120n);
      words[FINE + j] = packed(a);
      words[FINE - 1 - j] = packed([ONE_128 - a[0], a[1], -a[2], a[3], -a[4]]);
    } else if (j % 3 === 1) {
      const a = economised(d, value, 40n);
      words[2 * FINE + (j - FINE - 1) / 3] = packed([ONE_128 - a[0], -a[1], -a[2], -a[3], -a[4]]);
    }
    value += taylor(d);
    density = (density * ratio) >> 128n;
    ratio = (ratio * DECAY) >> 128n;
  }
  return words;
};

/** A cell's word, and its low 192, 144, 96 and 48 bits as signed numbers: what Horner's rule adds. */
type Cell = readonly [bigint, bigint, bigint, bigint, bigint];

let remembered: readonly Cell[] | undefined;

const cells = (): readonly Cell[] =>
  (remembered ??= normalWords().map((w): Cell => {
    const low = (bits: number): bigint => BigInt.asIntN(bits, w);
    return [w, low(192), low(144), low(96), low(48)];
  }));

const FRACTION = (1n << 48n) - 1n;

/** N at an argument below 768·2^48, units of 2^−54; below zero by a unit in the last cell of the tail. */
const interpolated = (argument: bigint): bigint => {
  const [w, c1, c2, c3, c4] = cells()[Number(argument >> 48n)] as Cell;
  const u = argument & FRACTION;
  return ((((c4 * u + c3) * u + c2) * u + c1) * u + w) >> 192n;
};

/** N at an argument inside of the centre, 0 ≤ argument < {@link LIMIT}. */
export const centralCdf = interpolated;

const END = BigInt(CELLS) << 48n;

/** N at an argument of any size, units of 2^−54. */
export const cdf = (argument: bigint): bigint => {
  if (argument >= 0n && argument < LIMIT) return interpolated(argument);
  const mirrored = argument > 0n;
  const x = (mirrored ? argument - LIMIT : -argument) / 3n + LIMIT;
  let probability = 0n;
  if (x < END) {
    const r = interpolated(x);
    if (r > 0n) probability = r;
  }
  return mirrored ? ONE - probability : probability;
};
