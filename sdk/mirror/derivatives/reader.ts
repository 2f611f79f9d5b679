// An account's positions by underlying and expiry with what is said of each: contracts/risk/LedgerReader.sol.
import { STRIKE_UNIT, type Option, type Position } from "../../instruments.ts";
import { INITIAL, type ModelInput, type PerpState } from "../model.ts";
import { volatilities, WINDOW, type ExpiryFeed, type LedgerReadings } from "./feeds.ts";
import { expiryKey, type LedgerUnderlying } from "./market.ts";
import { Refused } from "../errors.ts";
import { WAD } from "../fixed.ts";

/** An option that has not expired. */
export interface LiveOption {
  readonly position: Position;
  readonly instrument: Option;
  /** Settlement units WAD. */
  readonly strike: bigint;
  readonly size: bigint;
  readonly isCall: boolean;
}

/** The account's options of one expiry, and what is known of the expiry now. */
export interface LiveExpiry {
  readonly expiry: number;
  /** Seconds left; 0 after the expiry while its price is not final. */
  readonly time: bigint;
  /** Of the settlement average, WAD. */
  readonly fixedPart: bigint;
  /** Its average so far, settlement units WAD. */
  readonly fixedPrice: bigint;
  readonly feed: ExpiryFeed;
  /** σ at a strike, per √year, WAD. */
  readonly volatility: (strike: bigint) => bigint;
  readonly options: readonly LiveOption[];
}

/** One underlying of the account with everything in it. */
export interface LiveUnderlying {
  readonly number: number;
  /** Index, settlement units WAD. */
  readonly low: bigint;
  readonly high: bigint;
  /** Own spot, whole tokens WAD. */
  readonly amount: bigint;
  /** Undefined: not in the ledger table, spot alone. */
  readonly terms: LedgerUnderlying | undefined;
  readonly perpSize: bigint;
  readonly perp: PerpState | undefined;
  readonly expiries: readonly LiveExpiry[];
}

export const priceOf = (u: LiveUnderlying, high: boolean): bigint => (high ? u.high : u.low);

/** index · (1 + clamped premium), or the frozen market's. Only of an underlying with a perp. */
export const markOf = (u: LiveUnderlying, high: boolean): bigint => {
  if (u.perp === undefined) return 0n;
  return u.perp.frozenMark !== 0n ? u.perp.frozenMark : (priceOf(u, high) * u.perp.markRatio) / WAD;
};

/** The forward's two parts: what still moves with the index, and what the settlement average has fixed already. */
export const forwardOf = (
  u: LiveUnderlying,
  e: LiveExpiry,
  high: boolean,
): { readonly moving: bigint; readonly fixed: bigint } => {
  const moving = (priceOf(u, high) * e.feed.forwardRatio) / WAD;
  if (e.fixedPart === 0n) return { moving, fixed: 0n };
  return { moving: (moving * (WAD - e.fixedPart)) / WAD, fixed: (e.fixedPrice * e.fixedPart) / WAD };
};

const optionOf = (position: Position): LiveOption => {
  const { instrument, size } = position;
  if (instrument.kind !== "option") throw new TypeError("a perp among options");
  return { position, instrument, strike: instrument.strike * STRIKE_UNIT, size, isCall: instrument.isCall };
};

const keyOf = ({ instrument }: Position): number =>
  instrument.kind === "perp" ? -1 : expiryKey(instrument.underlying, instrument.expiry);

interface Slice {
  readonly underlying: number;
  readonly expiry: number;
  readonly options: readonly LiveOption[];
}

/** The options of each expiry together, in the order that the contract's swaps leave them in (lenses list them so). */
const slicesOf = (positions: readonly Position[]): Slice[] => {
  const words = [...positions];
  const keys = words.map(keyOf);
  const slices: Slice[] = [];
  for (let i = 0; i < words.length;) {
    const first = words[i] as Position;
    const key = keys[i] as number;
    const { instrument } = first;
    if (instrument.kind === "perp") {
      i += 1;
      continue;
    }
    let next = i + 1;
    for (let q = next; q < words.length; q++) {
      if (keys[q] !== key) continue;
      [words[q], words[next]] = [words[next] as Position, words[q] as Position];
      [keys[q], keys[next]] = [keys[next] as number, keys[q] as number];
      next += 1;
    }
    const { underlying, expiry } = instrument;
    slices.push({ underlying, expiry, options: words.slice(i, next).map(optionOf) });
    i = next;
  }
  return slices;
};

/** A smile that cannot be reckoned with is refused where it is used, after whatever is read before. */
const lazily = <A, R>(make: () => (argument: A) => R): ((argument: A) => R) => {
  let made: ((argument: A) => R) | undefined;
  return (argument) => (made ??= make())(argument);
};

const liveExpiry = (readings: LedgerReadings, { underlying, expiry, options }: Slice, newRisk: boolean): LiveExpiry => {
  const feed = readings.expiryFeed(underlying, expiry);
  if (newRisk && feed.stale) throw new Refused("FeedStale", BigInt(underlying));
  const left = BigInt(expiry) - readings.time;
  const time = left > 0n ? left : 0n;
  const { part, price } = time < WINDOW ? readings.fixing(underlying, expiry) : { part: 0n, price: 0n };
  // what an expired option pays is decided, though not yet fixed: the index says nothing of it any more
  if (newRisk && time === 0n && part !== WAD) throw new Refused("FeedStale", BigInt(underlying));
  return {
    expiry,
    time,
    fixedPart: part,
    fixedPrice: price,
    feed,
    volatility: lazily(() => volatilities(feed)),
    options,
  };
};

/**
 * Everything that the account holds, one entry for each of `input.underlyings` in order. Reverts `FeedStale` for new risk on old
 * attestations, `UnderlyingNotInTable`, `UnknownExpiry`, `SmileOutOfRange`.
 */
export const readLedger = (input: ModelInput, readings: LedgerReadings): LiveUnderlying[] => {
  const newRisk = input.purpose === INITIAL;
  const known = new Map(readings.table.underlyings.map((u) => [u.number, u]));
  const held = new Set(input.underlyings.map((u) => u.number));
  const require = (number: number): void => {
    if (!held.has(number) || !known.has(number)) throw new Refused("UnderlyingNotInTable", BigInt(number));
  };
  const perps = new Map<number, { readonly size: bigint; readonly state: PerpState }>();
  let place = 0;
  for (const { instrument, size } of input.positions) {
    if (instrument.kind !== "perp") continue;
    require(instrument.underlying);
    const state = input.perps[place++];
    if (state === undefined) throw new RangeError("fewer perp states than perps");
    if (newRisk && state.stale && state.frozenMark === 0n)
      throw new Refused("FeedStale", BigInt(instrument.underlying));
    // Live open interest is for new risk alone.
    const openInterest = newRisk ? state.openInterest : state.slowOpenInterest;
    perps.set(instrument.underlying, { size, state: { ...state, openInterest } });
  }
  const slices = slicesOf(input.positions);
  for (const { underlying } of slices) require(underlying);
  return input.underlyings.map(({ number, low, high, amount }) => ({
    number,
    low,
    high,
    amount,
    terms: known.get(number),
    perpSize: perps.get(number)?.size ?? 0n,
    perp: perps.get(number)?.state,
    expiries: slices.filter((s) => s.underlying === number).map((s) => liveExpiry(readings, s, newRisk)),
  }));
};
