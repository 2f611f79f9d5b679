// Integer arithmetic as the contracts do it: 18-decimal fixed point, every division says its direction in its name.
// Bigints do not overflow; where a contract wraps or reverts, the functions here say so.
import { Refused } from "./errors.ts";

/** One. */
export const WAD = 10n ** 18n;
/** One squared. */
export const WAD2 = WAD * WAD;
/** Basis points in one. */
export const BPS = 10_000n;
/** Seconds; a year is 365 days everywhere. */
export const YEAR = 31_536_000n;
/** All bits set: "all there is" where a door allows it. */
export const MAX_UINT256 = (1n << 256n) - 1n;

/** The smaller one. */
export const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);
/** The larger one. */
export const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);
/** Without its sign. */
export const abs = (a: bigint): bigint => (a < 0n ? -a : a);

/** floor(a·b / d), for a, b ≥ 0 and d > 0. */
export const mulDivDown = (a: bigint, b: bigint, d: bigint): bigint => (a * b) / d;

/** ceil(a / d), for a ≥ 0 and d > 0. */
export const divUp = (a: bigint, d: bigint): bigint => (a + d - 1n) / d;

/** a / d towards minus infinity, for a signed `a` and d > 0. */
export const divFloor = (a: bigint, d: bigint): bigint => (a >= 0n ? a / d : -((d - 1n - a) / d));

/** ceil(a·b / d), for a, b ≥ 0 and d > 0. */
export const mulDivUp = (a: bigint, b: bigint, d: bigint): bigint => divUp(a * b, d);

/** a·b / d towards minus infinity, for a signed `a`. */
export const mulDivFloor = (a: bigint, b: bigint, d: bigint): bigint => (a >= 0n ? (a * b) / d : -divUp(-a * b, d));

/** a·b / d towards plus infinity, for a signed `a`. */
export const mulDivCeil = (a: bigint, b: bigint, d: bigint): bigint => (a >= 0n ? divUp(a * b, d) : -((-a * b) / d));

/** ceil(a·b / 10^18), for a, b ≥ 0. */
export const mulWadUp = (a: bigint, b: bigint): bigint => divUp(a * b, WAD);
/** floor(a·b / 10^18), for a, b ≥ 0. */
export const mulWadDown = (a: bigint, b: bigint): bigint => (a * b) / WAD;

const float = new DataView(new ArrayBuffer(8));
const EXPONENT_BIAS = 1_023;

/** Number of bits: 0 for 0. For values below 2^1023. */
export const bitLength = (value: bigint): number => {
  if (value === 0n) return 0;
  float.setFloat64(0, Number(value));
  const exponent = (float.getUint16(0) >> 4) - EXPONENT_BIAS;
  // a double may have been rounded up to the next power of two
  return value >> BigInt(exponent) === 0n ? exponent : exponent + 1;
};

/** floor(√x), for 0 ≤ x < 2^256. */
export const sqrt = (x: bigint): bigint => {
  if (x < 2n) return x;
  // 52 bits are right, after one step 104, after two more than a root has.
  let z = BigInt(Math.floor(Math.sqrt(Number(x))));
  z = (z + x / z) >> 1n;
  z = (z + x / z) >> 1n;
  while (z * z > x) z -= 1n;
  return z;
};

/** floor(√x) of a WAD, as a WAD. */
export const sqrtWad = (x: bigint): bigint => sqrt(x * WAD);

// exp and ln are solady's rational approximations (the library that the contracts use, MIT): equal digits need equal
// coefficients. Both work in 96 binary digits; `>>` on bigints rounds towards minus infinity, as SAR does.
const BINARY = 96n;
const LN2_BINARY = 54916777467707473351141471128n;
const FIVE_18 = 5n ** 18n;

/** From here on 0. */
const EXP_UNDERFLOW = -41446531673892822313n;
const EXP_OVERFLOW = 135305999368893231589n;

/** e^x of a WAD. Throws where the contracts revert `ExpOverflow`. */
export const expWad = (wad: bigint): bigint => {
  if (wad <= EXP_UNDERFLOW) return 0n;
  if (wad >= EXP_OVERFLOW) throw new Refused("ExpOverflow");
  const scaled = (wad << 78n) / FIVE_18;
  const k = ((scaled << BINARY) / LN2_BINARY + (1n << 95n)) >> BINARY;
  const x = scaled - k * LN2_BINARY;
  const y = (((x + 1346386616545796478920950773328n) * x) >> BINARY) + 57155421227552351082224309758442n;
  let p = y + x - 94201549194550492254356042504812n;
  p = ((p * y) >> BINARY) + 28719021644029726153956944680412240n;
  p = p * x + (4385272521454847904659076985693276n << BINARY);
  let q = x - 2855989394907223263936484059900n;
  q = ((q * x) >> BINARY) + 50020603652535783019961831881945n;
  q = ((q * x) >> BINARY) - 533845033583426703283633433725380n;
  q = ((q * x) >> BINARY) + 3604857256930695427073651918091429n;
  q = ((q * x) >> BINARY) - 14423608567350463180887372962807573n;
  q = ((q * x) >> BINARY) + 26449188498355588339934803723976023n;
  return ((p / q) * 3822833074963236453042738258902158003155416615667n) >> (195n - k);
};

/** ln of a WAD above 0. Throws where the contracts revert `LnWadUndefined`. */
export const lnWad = (wad: bigint): bigint => {
  if (wad <= 0n) throw new Refused("LnWadUndefined");
  const zeros = BigInt(256 - bitLength(wad));
  const x = (wad << zeros) >> 159n;
  let p = x + 3273285459638523848632254066296n;
  p = 24828157081833163892658089445524n + ((p * x) >> BINARY);
  p = 43456485725739037958740375743393n + ((p * x) >> BINARY);
  p = ((p * x) >> BINARY) - 11111509109440967052023855526967n;
  p = ((p * x) >> BINARY) - 45023709667254063763336534515857n;
  p = ((p * x) >> BINARY) - 14706773417378608786704636184526n;
  p = p * x - (795164235651350426258249787498n << BINARY);
  let q = 5573035233440673466300451813936n + x;
  for (const term of [
    71694874799317883764090561454958n,
    283447036172924575727196451306956n,
    401686690394027663651624208769553n,
    204048457590392012362485061816622n,
    31853899698501571402653359427138n,
    909429971244387300277376558375n,
  ])
    q = term + ((x * q) >> BINARY);
  const series = 1677202110996718588342820967067443963516166n * (p / q);
  const whole = 16597577552685614221487285958193947469193820559219878177908093499208371n * (159n - zeros);
  return (series + whole + 600920179829731861736702779321621459595472258049074101567377883020018308n) >> 174n;
};

/** x^y of WADs, for x > 0. */
export const powWad = (x: bigint, y: bigint): bigint => expWad((lnWad(x) * y) / WAD);
