// Books, trades and orders as they are shown.
import {
  instrumentName,
  InstrumentError,
  encodeInstrument,
  parseInstrumentName,
  type Symbols,
} from "../sdk/instruments.ts";
import type { Book } from "./book.ts";
import type { Fill } from "./commands.ts";
import type { Entry } from "./entry.ts";

const WAD = 10n ** 18n;

/** [price, size, orders]: settlement units (WAD) per unit, and WAD. */
export type LevelView = readonly [string, string, number];

/** WAD² to WAD, towards minus infinity. */
const perUnit = (cost: bigint): string => {
  const whole = cost / WAD;
  return (cost < 0n && whole * WAD !== cost ? whole - 1n : whole).toString();
};

const levels = (book: Book<Entry>, side: "buy" | "sell", depth: number): LevelView[] => {
  const list: LevelView[] = [];
  for (const level of book.side(side)) {
    if (list.length === depth) break;
    let size = 0n;
    for (let entry = level.head; entry !== undefined; entry = entry.after) size += entry.open;
    list.push([perUnit(level.price), size.toString(), level.count]);
  }
  return list;
};

export const bookView = (market: string, book: Book<Entry> | undefined, depth: number) => ({
  market,
  bids: book === undefined ? [] : levels(book, "buy", depth),
  asks: book === undefined ? [] : levels(book, "sell", depth),
});

export const tradeView = ({ id, at, key, side, price, size }: Fill) => ({
  id,
  market: key,
  time: at,
  /** Of the taker. */
  side,
  price: perUnit(price),
  size: size.toString(),
});

/** A book's key, of a key itself or of an instrument's name. */
export const marketKey = (text: string, symbols: Symbols): string | undefined => {
  if (/^[0-9a-f*+-]{1,1024}$/.test(text)) return text;
  try {
    return encodeInstrument(parseInstrumentName(text, symbols)).toString(16);
  } catch (error) {
    if (error instanceof InstrumentError) return undefined;
    throw error;
  }
};

/** "ETH-PERP", or of a spread "ETH-PERP − 2 × BTC-PERP" with the ratios in whole units. */
export const marketName = (key: string, symbols: Symbols): string =>
  key
    .split("+")
    .map((part) => {
      const [word = "0", ratio] = part.split("*");
      const name = instrumentName(BigInt(`0x${word}`), symbols);
      return ratio === undefined ? name : `${Number(ratio) / 1e18}*${name}`;
    })
    .join(" + ");
