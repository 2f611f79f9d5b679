// Instrument and position words (contracts/types/Position.sol), and their names. Pure functions.
/** 18 decimals: one. */
export const WAD = 10n ** 18n;
/** Strikes are stored in units of 1e-8; times this they are WAD. */
export const STRIKE_UNIT = 10n ** 10n;

const KIND_PERP = 1n;
const KIND_OPTION = 2n;
const KIND_SHIFT = 126n;
const UNDERLYING_SHIFT = 118n;
const EXPIRY_SHIFT = 78n;
const STRIKE_SHIFT = 14n;
const CALL_SHIFT = 13n;
const FUNDING_BITS = 118;
const SIZE_BITS = 128;
const PERP_MASK = ((1n << 10n) - 1n) << UNDERLYING_SHIFT;
const STRIKE_DECIMALS = 8;
const DAY_SECONDS = 86_400;
/** Listed options expire at 08:00 UTC unless their name says otherwise. */
const USUAL_EXPIRY_SECONDS = 8 * 3_600;

/** A perpetual future on the index of a pool. */
export interface Perp {
  readonly kind: "perp";
  readonly underlying: number;
}

/** A European option, settled in cash. */
export interface Option {
  readonly kind: "option";
  readonly underlying: number;
  /** Unix seconds. */
  readonly expiry: number;
  /** Settlement units per whole underlying, in units of 1e-8. */
  readonly strike: bigint;
  readonly isCall: boolean;
}

/** What can be traded. */
export type Instrument = Perp | Option;

/** What an account holds of an instrument. */
export interface Position {
  readonly instrument: Instrument;
  /** Whole underlyings, WAD; positive is long. */
  readonly size: bigint;
  /** Of a perp: the funding index of its last touch, settlement units (WAD) per whole underlying; else 0. */
  readonly fundingIndex: bigint;
}

/** A word, name or part of one that says no instrument. */
export class InstrumentError extends Error {
  override readonly name = "InstrumentError";
}

const checkBits = (what: string, value: bigint, bits: number): bigint => {
  if (value < 0n || value >> BigInt(bits) !== 0n)
    throw new InstrumentError(`${what} ${value} does not fit ${bits} bits`);
  return value;
};

/** The word of an underlying's perp; throws {@link InstrumentError} for a number that does not fit. */
export const perpWord = (underlying: number): bigint =>
  (KIND_PERP << KIND_SHIFT) | (checkBits("underlying", BigInt(underlying), 8) << UNDERLYING_SHIFT);

/** The word of an option; throws {@link InstrumentError} for fields that do not fit. */
export const optionWord = ({ underlying, expiry, strike, isCall }: Omit<Option, "kind">): bigint =>
  (KIND_OPTION << KIND_SHIFT) |
  (checkBits("underlying", BigInt(underlying), 8) << UNDERLYING_SHIFT) |
  (checkBits("expiry", BigInt(expiry), 40) << EXPIRY_SHIFT) |
  (checkBits("strike", strike, 64) << STRIKE_SHIFT) |
  (isCall ? 1n << CALL_SHIFT : 0n);

/** The word of an instrument; throws {@link InstrumentError} for fields that do not fit. */
export const encodeInstrument = (instrument: Instrument): bigint =>
  instrument.kind === "perp" ? perpWord(instrument.underlying) : optionWord(instrument);

/** Throws {@link InstrumentError} for words that no market can have. */
export const decodeInstrument = (word: bigint): Instrument => {
  checkBits("instrument", word, 128);
  const underlying = Number((word >> UNDERLYING_SHIFT) & 0xffn);
  const kind = word >> KIND_SHIFT;
  if (kind === KIND_PERP) {
    if ((word & ~PERP_MASK & ((1n << KIND_SHIFT) - 1n)) !== 0n) {
      throw new InstrumentError("a perp's word holds its kind and underlying only");
    }
    return { kind: "perp", underlying };
  }
  if (kind !== KIND_OPTION) throw new InstrumentError(`unknown kind ${kind}`);
  if ((word & ((1n << CALL_SHIFT) - 1n)) !== 0n) throw new InstrumentError("the low 13 bits of an option are 0");
  return {
    kind: "option",
    underlying,
    expiry: Number((word >> EXPIRY_SHIFT) & ((1n << 40n) - 1n)),
    strike: (word >> STRIKE_SHIFT) & ((1n << 64n) - 1n),
    isCall: ((word >> CALL_SHIFT) & 1n) === 1n,
  };
};

/** The storage word of a position; throws {@link InstrumentError} for a size or index that does not fit. */
export const encodePosition = ({ instrument, size, fundingIndex }: Position): bigint => {
  if (BigInt.asIntN(SIZE_BITS, size) !== size) throw new InstrumentError(`size ${size} does not fit int128`);
  if (BigInt.asIntN(FUNDING_BITS, fundingIndex) !== fundingIndex) {
    throw new InstrumentError(`funding index ${fundingIndex} does not fit int118`);
  }
  const funding = instrument.kind === "perp" ? BigInt.asUintN(FUNDING_BITS, fundingIndex) : 0n;
  return ((encodeInstrument(instrument) | funding) << BigInt(SIZE_BITS)) | BigInt.asUintN(SIZE_BITS, size);
};

/** The position of a storage word; throws {@link InstrumentError} for a word that no market can have. */
export const decodePosition = (word: bigint): Position => {
  const high = word >> BigInt(SIZE_BITS);
  const size = BigInt.asIntN(SIZE_BITS, word);
  const isPerp = high >> KIND_SHIFT === KIND_PERP;
  return {
    instrument: decodeInstrument(isPerp ? high & PERP_MASK : high),
    size,
    fundingIndex: isPerp ? BigInt.asIntN(FUNDING_BITS, high) : 0n,
  };
};

/** Symbols by underlying number (= pool number), for names. */
export type Symbols = Readonly<Record<number, string>>;

const symbolOf = (underlying: number, symbols: Symbols): string => symbols[underlying] ?? `U${underlying}`;

const pad = (value: number, digits: number): string => String(value).padStart(digits, "0");

const expiryName = (expiry: number): string => {
  const date = new Date(expiry * 1_000);
  const day = `${date.getUTCFullYear()}${pad(date.getUTCMonth() + 1, 2)}${pad(date.getUTCDate(), 2)}`;
  if (expiry % DAY_SECONDS === USUAL_EXPIRY_SECONDS) return day;
  return `${day}T${pad(date.getUTCHours(), 2)}${pad(date.getUTCMinutes(), 2)}${pad(date.getUTCSeconds(), 2)}`;
};

const strikeName = (strike: bigint): string => {
  const digits = strike.toString().padStart(STRIKE_DECIMALS + 1, "0");
  const fraction = digits.slice(-STRIKE_DECIMALS).replace(/0+$/, "");
  return digits.slice(0, -STRIKE_DECIMALS) + (fraction === "" ? "" : `.${fraction}`);
};

/** "ETH-PERP", "ETH-20261225-3000-C"; "ETH-20261225T143000-3000-P" when the expiry is not at 08:00 UTC. */
export const instrumentName = (instrument: Instrument | bigint, symbols: Symbols): string => {
  const what = typeof instrument === "bigint" ? decodeInstrument(instrument) : instrument;
  const symbol = symbolOf(what.underlying, symbols);
  if (what.kind === "perp") return `${symbol}-PERP`;
  return `${symbol}-${expiryName(what.expiry)}-${strikeName(what.strike)}-${what.isCall ? "C" : "P"}`;
};

const NAME = /^([A-Za-z0-9]+)-(?:PERP|(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})(\d{2}))?-(\d+)(?:\.(\d{1,8}))?-([CP]))$/;

const parseUnderlying = (symbol: string, symbols: Symbols): number => {
  for (const [number, name] of Object.entries(symbols)) if (name === symbol) return Number(number);
  const numbered = /^U(\d{1,3})$/.exec(symbol)?.[1];
  if (numbered === undefined) throw new InstrumentError(`unknown underlying "${symbol}"`);
  return Number(numbered);
};

/** The instrument of a name; throws {@link InstrumentError}. */
export const parseInstrumentName = (name: string, symbols: Symbols): Instrument => {
  const match = NAME.exec(name);
  if (match === null) throw new InstrumentError(`"${name}" names no instrument (ETH-PERP, ETH-20261225-3000-C)`);
  const [, symbol = "", year, month, day, hour, minute, second, whole, fraction = "", right] = match;
  const underlying = parseUnderlying(symbol, symbols);
  if (year === undefined) return { kind: "perp", underlying };
  const midnight = Date.UTC(Number(year), Number(month) - 1, Number(day)) / 1_000;
  const time = hour === undefined ? USUAL_EXPIRY_SECONDS : Number(hour) * 3_600 + Number(minute) * 60 + Number(second);
  const option: Option = {
    kind: "option",
    underlying,
    expiry: midnight + time,
    strike: BigInt(whole + fraction.padEnd(STRIKE_DECIMALS, "0")),
    isCall: right === "C",
  };
  // "20260231" or "T250000" would name another moment.
  const said = `${year}${month}${day}${hour === undefined ? "" : `T${hour}${minute}${second}`}`;
  if (expiryName(option.expiry) !== said) throw new InstrumentError(`"${name}" has no such time`);
  encodeInstrument(option);
  return option;
};
