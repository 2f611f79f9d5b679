// Small numbers for the instruments that accounts hold. A number is never given up: the columns are full of them.
import { decodeInstrument, type Instrument } from "../../sdk/instruments.ts";

const KIND_PERP = 1;
const FULL = 0xffff;

/** 1 for a perp, 2 for an option: the top two bits of a position's word. */
export const kindOf = (first: number): number => first >>> 30;

export class Instruments {
  /** By number; the first is nothing. */
  readonly list: (Instrument | undefined)[] = [undefined];
  private readonly numbers = new Map<bigint, number>();

  get count(): number {
    return this.list.length;
  }

  /** The number of the instrument in the high half of a position's word, given as four u32. */
  numberOf(a: number, b: number, c: number, d: number): number {
    const isPerp = kindOf(a) === KIND_PERP;
    // A perp carries a funding index below its underlying.
    const word = isPerp
      ? BigInt((a & 0xffc00000) >>> 0) << 96n
      : (BigInt(a) << 96n) | (BigInt(b) << 64n) | (BigInt(c) << 32n) | BigInt(d);
    const known = this.numbers.get(word);
    if (known !== undefined) return known;
    const number = this.list.length;
    if (number > FULL) throw new RangeError("more than 65,535 instruments in one book");
    this.list.push(decodeInstrument(word));
    this.numbers.set(word, number);
    return number;
  }
}
