// The ledger of perps and options as its events tell it, funding and dust of the clearing accounts included. Pure.
import { decodeInstrument, decodePosition, encodeInstrument } from "../../sdk/instruments.ts";
import type { At, LedgerEvent, PerpTerms } from "../events.ts";
import { floorWad, MAX_POSITIONS, ownerOf, WAD } from "../words.ts";
import type { Report } from "./safe.ts";

export interface Held {
  readonly size: bigint;
  /** Of a perp, at its last booking. */
  readonly fundingIndex: bigint;
}

export interface LedgerAccount {
  quote: bigint;
  /** By the instrument's word; of a clearing account what it has taken over. */
  readonly positions: Map<bigint, Held>;
}

export interface PerpBook {
  terms: PerpTerms;
  frozenMark: bigint;
  frozen: boolean;
  closed: boolean;
  /** Σ longs of the traders. */
  openInterest: bigint;
  rate: bigint;
  storedIndex: bigint;
  fundedAt: number;
  /** Seconds from `fundedAt` for which the rate counts. */
  span: number;
  /** What funding has booked to the clearing account, and what rounding kept (1e-36). */
  fundingQuote: bigint;
  dust: bigint;
  slow: { checkpoint: bigint; smallest: bigint; at: number };
}

export interface ExpiryBook {
  readonly underlying: number;
  readonly expiry: number;
  cap: bigint;
  reduceOnly: boolean;
  price: bigint | undefined;
  openInterest: bigint;
  readonly options: bigint[];
}

const FUNDING_PERIOD = 8n * 3_600n;
const MAX_INDEX = (1n << 117n) - 1n;
const MAX_SPAN = (1n << 22n) - 1n;

const bounded = (x: bigint, most: bigint): bigint => {
  if (x > most) return most;
  return x < -most ? -most : x;
};

/** The funding index at `time`, rounded towards zero. */
export const fundingIndexAt = ({ storedIndex, rate, fundedAt, span }: PerpBook, time: number): bigint =>
  storedIndex + (rate * BigInt(Math.min(time - fundedAt, span))) / FUNDING_PERIOD;

/** As storage keeps it: index 118 bits, rate 84, time 32, span 22. */
export const fundingWord = ({ storedIndex, rate, fundedAt, span }: PerpBook): bigint =>
  BigInt.asUintN(118, storedIndex) |
  (BigInt.asUintN(84, rate) << 118n) |
  (BigInt.asUintN(32, BigInt(fundedAt)) << 202n) |
  (BigInt(span) << 234n);

export const expiryKey = (underlying: number, expiry: number): string => `${underlying}:${expiry}`;

const hex96 = (index: bigint): string => index.toString(16).padStart(24, "0");
export const perpClearing = (ledger: string, underlying: number): string => ledger + hex96(BigInt(underlying));
export const expiryClearing = (ledger: string, underlying: number, expiry: number): string =>
  ledger + hex96((BigInt(underlying) << 40n) | BigInt(expiry));
export const feeAccountOf = (ledger: string): string => ledger + hex96(1n << 64n);
export const shortfallAccountOf = (ledger: string): string => ledger + hex96((1n << 64n) + 1n);

/** What one whole option pays at `price`, settlement units WAD. */
export const payoffOfOne = (instrument: bigint, price: bigint): bigint => {
  const option = decodeInstrument(instrument);
  if (option.kind !== "option") return 0n;
  const strike = option.strike * 10n ** 10n;
  const gain = option.isCall ? price - strike : strike - price;
  return gain > 0n ? gain : 0n;
};

export class LedgerBook {
  readonly accounts = new Map<string, LedgerAccount>();
  readonly perps = new Map<number, PerpBook>();
  readonly expiries = new Map<string, ExpiryBook>();
  readonly pointers = new Map<string, string>();
  /** Σ sizes by instrument, clearing accounts included: always 0 (D1). */
  readonly sums = new Map<bigint, bigint>();
  treasury = { account: `0x${"0".repeat(64)}`, insurancePart: 0 };
  /** Σ quote of all accounts: always 0 (D1). */
  quotes = 0n;
  settled = 0n;
  swept = 0n;

  readonly touched = new Set<string>();
  private readonly touchedInstruments = new Set<bigint>();
  /** Time of the last premium by feed and underlying: how long funding counts. */
  private readonly premiums = new Map<string, bigint>();

  /** @param address of the ledger, lower case: the owner of clearing and fee accounts. */
  constructor(
    readonly address: string,
    private readonly report: Report,
  ) {}

  apply(event: LedgerEvent, at: At): void {
    switch (event.kind) {
      case "LedgerChanged":
        return this.change(event.account, event.quote, event.changed);
      case "UnsettledPaid":
        this.settled += event.amount;
        return;
      case "FundingPoked":
        return this.poke(event, at);
      case "ExpirySettled":
        return this.settle(event.underlying, event.expiry, event.price);
      case "OpenInterestCheckpointed":
        return this.withPerp(event.underlying, event.kind, (perp) => {
          perp.slow = { checkpoint: event.checkpoint, smallest: event.openInterest, at: at.time ?? 0 };
        });
      case "LowerOpenInterestSeen":
        return this.withPerp(event.underlying, event.kind, (perp) => {
          perp.slow = { ...perp.slow, smallest: event.openInterest };
        });
      case "PerpListed":
        this.perps.set(event.underlying, newPerp(event.terms, at.time ?? 0));
        return;
      case "PerpConfigured":
        return this.withPerp(event.underlying, event.kind, (perp) => {
          perp.terms = event.terms;
        });
      case "PerpFrozen":
        return this.withPerp(event.underlying, event.kind, (perp) => {
          Object.assign(perp, { frozen: true, frozenMark: event.mark, rate: 0n, span: 0, fundedAt: at.time ?? 0 });
          perp.storedIndex = bounded(event.fundingIndex, MAX_INDEX);
        });
      case "PerpClosed":
        return this.withPerp(event.underlying, event.kind, (perp) => {
          perp.closed = true;
        });
      case "ExpiryListed":
        return this.listExpiry(event.underlying, event.expiry);
      case "ExpiryConfigured":
        return this.withExpiry(event.underlying, event.expiry, (book) => {
          book.cap = event.openInterestCap;
          book.reduceOnly = event.reduceOnly;
        });
      case "OptionListed": {
        const option = decodeInstrument(event.instrument);
        if (option.kind !== "option") return this.report("events", "ledger", `${event.instrument} is no option`);
        return this.withExpiry(option.underlying, option.expiry, (book) => book.options.push(event.instrument));
      }
      case "LedgerPointerSet":
        this.pointers.set(event.what, event.target);
        return;
      case "FeeReceiverSet":
        this.treasury = { account: event.treasury, insurancePart: event.insurancePart };
        return;
      case "FeesSwept":
        this.swept += event.toInsurance + event.toTreasury;
        return;
      case "PaidFromFees":
        return;
      case "PremiumPosted":
        this.premiums.set(`${event.feed}:${event.underlying}`, event.timestamp);
        return;
    }
  }

  private withPerp(underlying: number, what: string, change: (perp: PerpBook) => void): void {
    const perp = this.perps.get(underlying);
    if (perp === undefined) return this.report("events", `perp ${underlying}`, `${what} before it was listed`);
    change(perp);
  }

  private withExpiry(underlying: number, expiry: number, change: (book: ExpiryBook) => void): void {
    const book = this.expiries.get(expiryKey(underlying, expiry));
    if (book === undefined)
      return this.report("events", `expiry ${underlying}:${expiry}`, "changed before it was listed");
    change(book);
  }

  private listExpiry(underlying: number, expiry: number): void {
    const book: ExpiryBook = {
      underlying,
      expiry,
      cap: 0n,
      reduceOnly: false,
      price: undefined,
      openInterest: 0n,
      options: [],
    };
    this.expiries.set(expiryKey(underlying, expiry), book);
  }

  // ---------------------------------------------------------------- accounts

  private change(account: string, quote: bigint, changed: readonly bigint[]): void {
    const held = this.accounts.get(account) ?? { quote: 0n, positions: new Map<bigint, Held>() };
    this.accounts.set(account, held);
    this.quotes += quote - held.quote;
    held.quote = quote;
    this.touched.add(account);
    const own = ownerOf(account) === this.address;
    for (const word of changed) {
      let position;
      try {
        position = decodePosition(word);
      } catch (error) {
        this.report("events", `account ${account}`, error instanceof Error ? error.message : String(error));
        continue;
      }
      const instrument = encodeInstrument(position.instrument);
      const before = held.positions.get(instrument);
      const { size, fundingIndex } = position;
      this.touchedInstruments.add(instrument);
      this.sums.set(instrument, (this.sums.get(instrument) ?? 0n) + size - (before?.size ?? 0n));
      if (!own) {
        if (before !== undefined) this.book(position.instrument, before, fundingIndex);
        this.grow(position.instrument, long(size) - long(before?.size ?? 0n));
      }
      if (size === 0n) held.positions.delete(instrument);
      else held.positions.set(instrument, { size, fundingIndex });
    }
    if (!own && held.positions.size > MAX_POSITIONS) {
      this.report("events", `account ${account}`, `has ${held.positions.size} positions`);
    }
  }

  /** Funding from the index of the last booking to this one: what the account got, rounded down, its clearing account gave. */
  private book(instrument: { kind: string; underlying: number }, before: Held, index: bigint): void {
    if (instrument.kind !== "perp" || index === before.fundingIndex) return;
    const perp = this.perps.get(instrument.underlying);
    if (perp === undefined) return;
    const exact = -before.size * (index - before.fundingIndex);
    const booked = floorWad(exact);
    perp.fundingQuote -= booked;
    perp.dust += exact - booked * WAD;
  }

  private grow(instrument: ReturnType<typeof decodeInstrument>, longs: bigint): void {
    const book =
      instrument.kind === "perp"
        ? this.perps.get(instrument.underlying)
        : this.expiries.get(expiryKey(instrument.underlying, instrument.expiry));
    if (book === undefined) {
      return this.report("events", `underlying ${instrument.underlying}`, "traded before its market was listed");
    }
    book.openInterest += longs;
  }

  // ---------------------------------------------------------------- markets

  private poke(event: Extract<LedgerEvent, { kind: "FundingPoked" }>, at: At): void {
    this.withPerp(event.underlying, event.kind, (perp) => {
      const now = at.time ?? 0;
      const feed = this.pointers.get("feed") ?? "";
      const posted = this.premiums.get(`${feed}:${event.underlying}`) ?? 0n;
      const span = posted + BigInt(perp.terms.maxPremiumAge) - BigInt(now);
      Object.assign(perp, {
        rate: event.fundingRate,
        storedIndex: bounded(event.fundingIndex, MAX_INDEX),
        fundedAt: now,
      });
      perp.span = span > 0n ? Number(bounded(span, MAX_SPAN)) : 0;
    });
  }

  private settle(underlying: number, expiry: number, price: bigint): void {
    this.withExpiry(underlying, expiry, (book) => {
      if (book.price !== undefined) this.report("events", `expiry ${underlying}:${expiry}`, "settled twice");
      book.price = price;
    });
  }

  // ---------------------------------------------------------------- judged when a transaction ends

  /** D1: sizes of what was touched, and all quotes, add up to nothing. */
  endTransaction(nameOf: (instrument: bigint) => string): void {
    if (this.touched.size > 0 && this.quotes !== 0n) {
      this.report("D1", "quotes", `all quotes add up to ${this.quotes}, not to 0`);
    }
    for (const instrument of this.touchedInstruments) {
      const sum = this.sums.get(instrument) ?? 0n;
      if (sum !== 0n) this.report("D1", nameOf(instrument), `all sizes add up to ${sum}, not to 0`);
    }
    this.touched.clear();
    this.touchedInstruments.clear();
  }
}

const long = (size: bigint): bigint => (size > 0n ? size : 0n);

const newPerp = (terms: PerpTerms, time: number): PerpBook => ({
  terms,
  frozenMark: 0n,
  frozen: false,
  closed: false,
  openInterest: 0n,
  rate: 0n,
  storedIndex: 0n,
  fundedAt: time,
  span: 0,
  fundingQuote: 0n,
  dust: 0n,
  slow: { checkpoint: 0n, smallest: 0n, at: 0 },
});
