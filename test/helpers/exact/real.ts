// Real numbers to 48 digits: bigints in units of 2^-160, and the functions that option prices need. Every result is within a few
// units in the last place, which is some thirty digits more than the contracts can see.

/** A number as `value / 2^160`. */
export type Real = bigint;

export const BITS = 160n;
export const ONE: Real = 1n << BITS;
export const HALF: Real = ONE >> 1n;
export const ZERO: Real = 0n;

const WAD = 10n ** 18n;
/** Extra bits inside of series. */
const GUARD = 48n;

const round = (value: bigint, bits: bigint): bigint => (bits === 0n ? value : (value + (1n << (bits - 1n))) >> bits);
/** A series ends where its terms round to nothing (−1 is what a negative term rounds to). */
const over = (term: bigint): boolean => term === 0n || term === -1n;

export const mul = (a: Real, b: Real): Real => (a * b) >> BITS;
export const div = (a: Real, b: Real): Real => (a << BITS) / b;
export const abs = (a: Real): Real => (a < 0n ? -a : a);
export const min = (a: Real, ...rest: readonly Real[]): Real => rest.reduce((x, y) => (y < x ? y : x), a);
export const max = (a: Real, ...rest: readonly Real[]): Real => rest.reduce((x, y) => (y > x ? y : x), a);
export const sum = (values: readonly Real[]): Real => values.reduce((x, y) => x + y, 0n);

export const fromInt = (n: bigint | number): Real => BigInt(n) << BITS;
export const fromFraction = (n: bigint, d: bigint): Real => (n << BITS) / d;
export const fromWad = (wad: bigint): Real => (wad << BITS) / WAD;
/** Rounded to the nearest. */
export const toWad = (a: Real): bigint => round(a * WAD, BITS);
export const toNumber = (a: Real): number => Number(round(a * 10n ** 30n, BITS)) / 1e30;

/** Decimal text or a number (in its shortest decimal form), with or without exponent. */
export function parse(text: string | number): Real {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d+))?$/i.exec(String(text).trim());
  if (!match) throw new SyntaxError(`not a decimal number: ${text}`);
  const [, sign, whole = "", fraction = "", exponent = "0"] = match;
  const shift = BigInt(exponent) - BigInt(fraction.length);
  const digits = BigInt(`${whole}${fraction}` || "0") * (sign === "-" ? -1n : 1n);
  return shift >= 0n ? (digits * 10n ** shift) << BITS : (digits << BITS) / 10n ** -shift;
}

export function sqrt(a: Real): Real {
  if (a < 0n) throw new RangeError("square root of a negative number");
  return integerRoot(a << BITS);
}

function integerRoot(n: bigint): bigint {
  if (n < 2n) return n;
  let x = 1n << BigInt((n.toString(2).length + 1) >> 1);
  for (;;) {
    const y = (x + n / x) >> 1n;
    if (y >= x) return x;
    x = y;
  }
}

/** 2·atanh(z), |z| ≤ 1/3, in units of 2^-bits. */
function twiceArtanh(z: bigint, bits: bigint): bigint {
  const square = (z * z) >> bits;
  let term = z;
  let total = 0n;
  for (let n = 1n; !over(term); n += 2n) {
    total += term / n;
    term = (term * square) >> bits;
  }
  return total << 1n;
}

const WIDE = BITS + GUARD;
/** ln 2 = 2·atanh(1/3). */
const LN2 = twiceArtanh((1n << WIDE) / 3n, WIDE);

export function ln(a: Real): Real {
  if (a <= 0n) throw new RangeError("logarithm of a number that is not positive");
  // a = m · 2^power with m in [3/4, 3/2)
  let power = BigInt(a.toString(2).length) - BITS - 1n;
  const scale = GUARD - power;
  let m = scale >= 0n ? a << scale : a >> -scale;
  if (m > 3n << (WIDE - 1n)) {
    m >>= 1n;
    power += 1n;
  }
  const one = 1n << WIDE;
  return round(twiceArtanh(((m - one) << WIDE) / (m + one), WIDE) + power * LN2, GUARD);
}

export const exp = (a: Real): Real => expOf(a << GUARD, WIDE) >> GUARD;

/** e^a in units of 2^-bits; bits ≥ those of ln 2 lose nothing for |a| < 2^10. */
function expOf(a: bigint, bits: bigint): bigint {
  const ln2 = bits === WIDE ? LN2 : twiceArtanh((1n << bits) / 3n, bits);
  const power = a / ln2;
  if (power > 4_000n) throw new RangeError("exp of a number that large");
  if (power < -bits) return 0n;
  // exp(r)^(2^8) with |r| < 2^-8: the series ends after two dozen terms
  const r = (a - power * ln2) >> 8n;
  const one = 1n << bits;
  let total = one;
  let term = one;
  for (let n = 1n; ; n++) {
    term = ((term * r) >> bits) / n;
    if (over(term)) break;
    total += term;
  }
  for (let i = 0; i < 8; i++) total = (total * total) >> bits;
  return power >= 0n ? total << power : total >> -power;
}

/** a^p for a > 0; 0^p = 0. */
export const pow = (a: Real, p: Real): Real => (a === 0n ? 0n : exp(mul(p, ln(a))));

/** π by Machin's formula. */
function pi(): Real {
  const one = 1n << WIDE;
  const arctan = (inverse: bigint): bigint => {
    let term = one / inverse;
    let total = 0n;
    for (let n = 1n, sign = 1n; !over(term); n += 2n, sign = -sign) {
      total += (sign * term) / n;
      term /= inverse * inverse;
    }
    return total;
  };
  return round(4n * (4n * arctan(5n) - arctan(239n)), GUARD);
}

export const PI: Real = pi();
const ROOT_TWO_PI = sqrt(2n * PI);

/** Density of the standard normal distribution. */
export const density = (x: Real): Real => div(exp(-mul(x, x) >> 1n), ROOT_TWO_PI);

/** Bits that the next function reckons with: near |x| = 15 the series is 2^163 times as large as its factor φ is small. */
const SERIES_BITS = 2n * BITS + 64n;

/** Φ(x) − 1/2 = φ(x)·(x + x³/3 + x⁵/(3·5) + …), |x| ≤ 15: all terms of one sign, so nothing cancels. */
export function normalBySeries(x: Real): Real {
  const shift = SERIES_BITS - BITS;
  const wide = x << shift;
  const square = (wide * wide) >> SERIES_BITS;
  let term = wide;
  let total = 0n;
  for (let n = 3n; !over(term); n += 2n) {
    total += term;
    term = ((term * square) >> SERIES_BITS) / n;
  }
  const product = (total * expOf(-(square >> 1n), SERIES_BITS)) >> SERIES_BITS;
  return HALF + div(round(product, shift), ROOT_TWO_PI);
}

/** Beyond it Φ is 0 or 1 to the last bit. */
const FAR = 15n << BITS;
const STEP_BITS = 5n;
const anchors = new Map<bigint, { readonly value: Real; readonly slope: Real }>();

/** Φ(x), by Taylor's series from the nearest multiple of 1/32; the values there come from {@link normalBySeries}. */
export function normal(x: Real): Real {
  if (x > FAR) return ONE;
  if (x < -FAR) return 0n;
  const place = round(x, BITS - STEP_BITS);
  const at = place << (BITS - STEP_BITS);
  let anchor = anchors.get(place);
  if (!anchor) {
    anchor = { value: normalBySeries(at), slope: density(at) };
    anchors.set(place, anchor);
  }
  // φ's derivatives: (−1)ⁿ·Heₙ(x)·φ(x). With hₙ = (−h)ⁿ·Heₙ / n!: n·hₙ = −h·x·hₙ₋₁ − h²·hₙ₋₂
  const h = x - at;
  const hx = mul(h, at);
  const hh = mul(h, h);
  let before = 0n;
  let now = ONE;
  let total = 0n;
  for (let n = 1n; n < 60n; n++) {
    total += now / n;
    const next = -(((hx * now + hh * before) >> BITS) / n);
    [before, now] = [now, next];
    if (abs(now) < 2n && abs(before) < 2n) break;
  }
  return anchor.value + mul(anchor.slope, mul(h, total));
}
