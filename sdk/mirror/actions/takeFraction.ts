// The ledger's part of a bid (contracts/markets/Positions.sol): the bidder takes the fraction of every position and of the quote.
import { encodeInstrument, type Instrument, type Position } from "../../instruments.ts";
import type { Account } from "../account.ts";
import { touched } from "../derivatives/ledger.ts";
import { expiryKey, type LedgerMarket } from "../derivatives/market.ts";
import { Refused } from "../errors.ts";
import { max, mulDivFloor, WAD } from "../fixed.ts";

const MAX_POSITIONS = 128;

const long = (size: bigint): bigint => max(size, 0n);
/** What a change of size does to open interest, the sum of the longs. */
const grown = (before: bigint, change: bigint): bigint => long(before + change) - long(before);

const isSame = (a: Instrument, b: Instrument): boolean => encodeInstrument(a) === encodeInstrument(b);

/** Two accounts' positions met outside of a fill: open interest falls, so no cap is asked. */
const shrunk = (ledger: LedgerMarket, instrument: Instrument, change: bigint): LedgerMarket => {
  if (change === 0n) return ledger;
  if (instrument.kind === "perp") {
    const perp = ledger.perps.get(instrument.underlying);
    if (perp === undefined) return ledger;
    const shrunkPerp = { ...perp, openInterest: perp.openInterest + change };
    return { ...ledger, perps: new Map(ledger.perps).set(instrument.underlying, shrunkPerp) };
  }
  const key = expiryKey(instrument.underlying, instrument.expiry);
  const expiry = ledger.expiries.get(key);
  if (expiry === undefined) return ledger;
  const shrunkExpiry = { ...expiry, openInterest: expiry.openInterest + change };
  return { ...ledger, expiries: new Map(ledger.expiries).set(key, shrunkExpiry) };
};

const withPosition = (positions: readonly Position[], i: number, size: bigint): Position[] => {
  const left = [...positions];
  const held = left[i];
  if (held === undefined) return left;
  if (size !== 0n) {
    left[i] = { ...held, size };
    return left;
  }
  // The last position fills the gap.
  const last = left.pop();
  if (last !== undefined && i < left.length) left[i] = last;
  return left;
};

const added = (bidder: Account, position: Position, part: bigint): Account => {
  const j = bidder.positions.findIndex(({ instrument }) => isSame(instrument, position.instrument));
  const held = bidder.positions[j];
  if (held !== undefined) return { ...bidder, positions: withPosition(bidder.positions, j, held.size + part) };
  if (bidder.positions.length >= MAX_POSITIONS) throw new Refused("TooManyPositions", bidder.id);
  return { ...bidder, positions: [...bidder.positions, { ...position, size: part }] };
};

const sizeOf = ({ positions }: Account, instrument: Instrument): bigint =>
  positions.find((held) => isSame(held.instrument, instrument))?.size ?? 0n;

/** The account with the flags that the ledger gives the safe. */
export const withLedgerFlags = (account: Account): Account => ({
  ...account,
  flags: {
    ...account.flags,
    hasPositions: account.positions.length !== 0 || account.quote < 0n,
    hasQuote: account.quote !== 0n,
  },
});

/** Sizes towards zero, the account keeps remainders; of the quote claims down, debts up: a bid never lowers what is left (L1). */
export const takeFraction = (
  ledger: LedgerMarket,
  time: bigint,
  accounts: { readonly account: Account; readonly bidder: Account },
  fraction: bigint,
): { readonly account: Account; readonly bidder: Account; readonly ledger: LedgerMarket } => {
  // First what is pending: at one funding index positions of both can be added.
  let account: Account = { ...accounts.account, ...touched(ledger, accounts.account, time) };
  let bidder: Account = { ...accounts.bidder, ...touched(ledger, accounts.bidder, time) };
  let market = ledger;
  for (let i = account.positions.length - 1; i >= 0; i -= 1) {
    const position = account.positions[i];
    if (position === undefined) continue;
    const part = (position.size * fraction) / WAD;
    if (part === 0n) continue;
    const held = sizeOf(bidder, position.instrument);
    account = { ...account, positions: withPosition(account.positions, i, position.size - part) };
    bidder = added(bidder, position, part);
    market = shrunk(market, position.instrument, grown(position.size, -part) + grown(held, part));
  }
  const quote = mulDivFloor(account.quote, fraction, WAD);
  return {
    account: withLedgerFlags({ ...account, quote: account.quote - quote }),
    bidder: withLedgerFlags({ ...bidder, quote: bidder.quote + quote }),
    ledger: market,
  };
};
