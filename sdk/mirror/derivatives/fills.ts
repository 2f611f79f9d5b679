// What a fill makes of an account's ledger: contracts/markets/Fills.sol, PerpMarkets.sol, OptionMarkets.sol.
import { encodeInstrument, type Position } from "../../instruments.ts";
import { Refused } from "../errors.ts";
import { divFloor, max, mulDivCeil, mulDivFloor, WAD } from "../fixed.ts";
import type { FillLeg } from "./fees.ts";
import { fundingIndexAt, perpOf, type LedgerAccount } from "./ledger.ts";
import { expiryKey, type ExpiryMarket, type LedgerMarket, type PerpMarket } from "./market.ts";

const MAX_POSITIONS = 128;

/** One side of a fill. */
export interface FillSide {
  readonly account: LedgerAccount;
  /** Its account id, for what errors say. */
  readonly id?: string;
  /** Settlement units WAD, keeper's fee included. */
  readonly fee: bigint;
  /** Signed as reduce-only. */
  readonly reduces?: boolean;
}

/** What a fill leaves. */
export interface Filled {
  readonly maker: LedgerAccount;
  readonly taker: LedgerAccount;
  /** What the maker owes the taker for options, settlement units WAD, signed. */
  readonly premium: bigint;
  /** What is paid for it in settlement token units, rounded up; positive: by the maker. */
  readonly cash: bigint;
  /** The market with its new open interest. */
  readonly ledger: LedgerMarket;
}

/** An account while legs are booked to it. */
interface Book {
  quote: bigint;
  readonly positions: Position[];
  readonly reduces: boolean;
  readonly id: string;
}

const long = (size: bigint): bigint => max(size, 0n);

const requireReduction = (b: Book, word: bigint, before: bigint, change: bigint, frozen: boolean): void => {
  if (before > 0n ? change < 0n && change >= -before : change > 0n && change <= -before) return;
  if (frozen) throw new Refused("MarketFrozen", word);
  if (b.reduces) throw new Refused("NotReducing", b.id, word);
};

/** Books a change of size; what it does to open interest, the sum of the longs. `index`: of a perp, funding booked up to it. */
const trade = (
  b: Book,
  { instrument }: FillLeg,
  change: bigint,
  index: bigint | undefined,
  frozen: boolean,
): bigint => {
  const word = encodeInstrument(instrument);
  const i = b.positions.findIndex((p) => encodeInstrument(p.instrument) === word);
  const held = b.positions[i];
  if (held !== undefined && index !== undefined) b.quote += divFloor(-held.size * (index - held.fundingIndex), WAD);
  const before = held?.size ?? 0n;
  requireReduction(b, word, before, change, frozen);
  const size = before + change;
  if (held === undefined) {
    if (b.positions.length >= MAX_POSITIONS) throw new Refused("TooManyPositions", b.id);
    b.positions.push({ instrument, size, fundingIndex: index ?? 0n });
  } else if (size !== 0n) {
    b.positions[i] = { instrument, size, fundingIndex: index ?? 0n };
  } else {
    // the last position fills the gap
    const last = b.positions.pop();
    if (last !== undefined && i < b.positions.length) b.positions[i] = last;
  }
  return long(size) - long(before);
};

const grownTo = (word: bigint, held: bigint, grown: bigint, cap: bigint): bigint => {
  const total = held + grown;
  // a market above a lowered cap may still shrink
  if (grown > 0n && total > cap) throw new Refused("OpenInterestCapExceeded", word, cap, total);
  return total;
};

/** Both sides' books and the markets, while a fill goes through its legs. */
class Booking {
  private readonly perps: Map<number, PerpMarket>;
  private readonly expiries: Map<number, ExpiryMarket>;
  premium = 0n;

  constructor(
    private readonly ledger: LedgerMarket,
    private readonly time: bigint,
    private readonly maker: Book | undefined,
    private readonly taker: Book | undefined,
  ) {
    this.perps = new Map(ledger.perps);
    this.expiries = new Map(ledger.expiries);
  }

  book(leg: FillLeg): void {
    if (leg.size === 0n) throw new Refused("ZeroSize", encodeInstrument(leg.instrument));
    if (leg.instrument.kind === "perp") {
      this.bookPerp(leg, leg.instrument.underlying);
    } else {
      this.bookOption(leg, leg.instrument.underlying, leg.instrument.expiry);
      this.premium += mulDivCeil(leg.size, leg.price, WAD);
    }
  }

  after(): LedgerMarket {
    return { ...this.ledger, perps: this.perps, expiries: this.expiries };
  }

  /** What open interest grows by; 0 where one side is not known. */
  private trades(leg: FillLeg, index: bigint | undefined, frozen: boolean): bigint {
    const ofMaker = this.maker && trade(this.maker, leg, leg.size, index, frozen);
    const ofTaker = this.taker && trade(this.taker, leg, -leg.size, index, frozen);
    return ofMaker === undefined || ofTaker === undefined ? 0n : ofMaker + ofTaker;
  }

  private bookPerp(leg: FillLeg, underlying: number): void {
    const word = encodeInstrument(leg.instrument);
    const perp = this.perps.get(underlying) ?? perpOf(this.ledger, underlying);
    if (!perp.listed) throw new Refused("NotListed", word);
    if (perp.closed) throw new Refused("MarketClosed", word);
    const grown = this.trades(leg, fundingIndexAt(perp.funding, this.time), perp.frozen);
    const openInterest = grownTo(word, perp.openInterest, grown, perp.openInterestCap);
    this.perps.set(underlying, { ...perp, openInterest });
    const paid = mulDivFloor(leg.size, leg.price, WAD);
    if (this.maker !== undefined) this.maker.quote -= paid;
    if (this.taker !== undefined) this.taker.quote += paid;
  }

  private bookOption(leg: FillLeg, underlying: number, expiry: number): void {
    const word = encodeInstrument(leg.instrument);
    const market = this.expiries.get(expiryKey(underlying, expiry));
    const isListed = this.ledger.options === undefined || this.ledger.options.has(word);
    if (market === undefined || !isListed) throw new Refused("NotListed", word);
    if (this.time >= BigInt(expiry)) throw new Refused("InstrumentExpired", word);
    const grown = this.trades(leg, undefined, market.reduceOnly);
    const openInterest = grownTo(word, market.openInterest, grown, market.openInterestCap);
    this.expiries.set(expiryKey(underlying, expiry), { ...market, openInterest });
  }
}

const bookOf = ({ account, reduces, id }: FillSide): Book => ({
  id: id ?? "",
  quote: account.quote,
  positions: [...account.positions],
  reduces: reduces ?? false,
});

const accountOf = ({ quote, positions }: Book, fee: bigint): LedgerAccount => ({ quote: quote - fee, positions });

const cashOf = (premium: bigint, cashUnit: bigint): bigint =>
  premium < 0n ? -((-premium + cashUnit - 1n) / cashUnit) : (premium + cashUnit - 1n) / cashUnit;

/**
 * Books a fill to both accounts at `time`; legs are the maker's. Asks for listing, freezing, reduction, open interest and the number of
 * positions as the ledger does, and refuses by its errors; signatures, margins and cash are not asked for. `cashUnit`: quote (WAD)
 * of one unit of the settlement token.
 */
export const filled = (
  ledger: LedgerMarket,
  legs: readonly FillLeg[],
  maker: FillSide,
  taker: FillSide,
  cashUnit: bigint,
  time: bigint,
): Filled => {
  const [a, b] = [bookOf(maker), bookOf(taker)];
  const booking = new Booking(ledger, time, a, b);
  for (const leg of legs) booking.book(leg);
  return {
    maker: accountOf(a, maker.fee),
    taker: accountOf(b, taker.fee),
    premium: booking.premium,
    cash: cashOf(booking.premium, cashUnit),
    ledger: booking.after(),
  };
};

/** What a fill leaves of one side, when nothing is known of the other. */
export interface FilledSide {
  readonly account: LedgerAccount;
  /** What this side pays for options in settlement token units; negative: it is paid. */
  readonly cash: bigint;
}

/**
 * The same for one side alone; legs are **its own** (positive: it buys). `asMaker`: which one it is, since roundings are the maker's.
 * Open interest caps are not asked for: the other side decides what the market grows by.
 */
export const filledOneSide = (
  ledger: LedgerMarket,
  legs: readonly FillLeg[],
  side: FillSide,
  asMaker: boolean,
  cashUnit: bigint,
  time: bigint,
): FilledSide => {
  const book = bookOf(side);
  const booking = new Booking(ledger, time, asMaker ? book : undefined, asMaker ? undefined : book);
  for (const leg of legs) booking.book(asMaker ? leg : { ...leg, size: -leg.size });
  const cash = cashOf(booking.premium, cashUnit);
  return { account: accountOf(book, side.fee), cash: asMaker ? cash : -cash };
};
