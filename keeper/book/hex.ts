// Hexadecimal text to 32-bit words, without an object per value.
import { LogError } from "./types.ts";

const BAD = 0x100;
const NIBBLES = new Uint16Array(128).fill(BAD);
for (let i = 0; i < 10; i += 1) NIBBLES[48 + i] = i;
for (let i = 0; i < 6; i += 1) {
  NIBBLES[65 + i] = 10 + i;
  NIBBLES[97 + i] = 10 + i;
}

/** Digits of a 32-byte word. */
export const DIGITS = 64;

/** Writes the 32 bytes of text from `position` on as eight u32, the most significant first. */
export const readWord = (text: string, position: number, to: Uint32Array, at: number): void => {
  if (position + DIGITS > text.length) throw new LogError(`hexadecimal data ends at digit ${text.length}`);
  let seen = 0;
  for (let word = 0; word < 8; word += 1) {
    let value = 0;
    const start = position + 8 * word;
    for (let i = start; i < start + 8; i += 1) {
      const digit = NIBBLES[text.charCodeAt(i)] ?? BAD;
      seen |= digit;
      value = (value << 4) | digit;
    }
    to[at + word] = value;
  }
  if ((seen & BAD) !== 0) throw new LogError(`no hexadecimal digits at ${position}`);
};

/** A 32-byte word that is a small number: a length or an offset. */
export const readSmall = (text: string, position: number): number => {
  let value = 0;
  if (position + DIGITS > text.length) throw new LogError(`hexadecimal data ends at digit ${text.length}`);
  for (let i = position; i < position + DIGITS; i += 1) {
    const digit = NIBBLES[text.charCodeAt(i)] ?? BAD;
    if (digit === BAD) throw new LogError(`no hexadecimal digit at ${i}`);
    value = value * 16 + digit;
    if (value > 0xffffff) throw new LogError(`a length or offset beyond any log's at digit ${position}`);
  }
  return value;
};

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** 0x-text of eight u32. */
export const writeWord = (from: Uint32Array, at: number): string => {
  let text = "0x";
  for (let i = at; i < at + 8; i += 1) {
    const value = from[i] ?? 0;
    text +=
      (HEX[value >>> 24] ?? "") +
      (HEX[(value >>> 16) & 0xff] ?? "") +
      (HEX[(value >>> 8) & 0xff] ?? "") +
      (HEX[value & 0xff] ?? "");
  }
  return text;
};

/** The word as a number that is as exact as a bigint can be. */
export const bigWord = (from: Uint32Array, at: number): bigint => BigInt(writeWord(from, at));

const TWO32 = 2 ** 32;

/** A signed 128-bit value in the low half of a word: its nearest float but for one rounding more. */
export const lowHalf = (from: Uint32Array, at: number): number => {
  const high = from[at + 4] ?? 0;
  const [b, c, d] = [from[at + 5] ?? 0, from[at + 6] ?? 0, from[at + 7] ?? 0];
  // Negated first where negative: small negative values would drown in 2^128.
  if (high >>> 31 === 0) return ((high * TWO32 + b) * TWO32 + c) * TWO32 + d;
  return -((((~high >>> 0) * TWO32 + (~b >>> 0)) * TWO32 + (~c >>> 0)) * TWO32 + (~d >>> 0) + 1);
};
