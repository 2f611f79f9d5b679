// The ledger of perps and options as `Positions` has it: funding, marks, what is pending (contracts/markets/PerpMarkets.sol, OptionMarkets.sol,
// Clearing.sol).
import { STRIKE_UNIT, type Option, type Position } from "../../instruments.ts";
import type { PerpState } from "../model.ts";
import { premiumAt } from "./feeds.ts";
import { expiryKey, type FundingState, type LedgerMarket, type PerpMarket } from "./market.ts";
import { max, min, mulDivCeil, mulDivFloor, WAD, divFloor } from "../fixed.ts";

const FUNDING_PERIOD = 28_800n;

/** What the ledger stores of an account. */
export interface LedgerAccount {
  /** Settlement units WAD. */
  readonly quote: bigint;
  /** In the order of their slots. */
  readonly positions: readonly Position[];
}

const UNLISTED: PerpMarket = {
  listed: false,
  frozen: false,
  closed: false,
  frozenMark: 0n,
  openInterest: 0n,
  slowOpenInterest: 0n,
  openInterestCap: 0n,
  clamp: 0n,
  funding: { index: 0n, rate: 0n, time: 0n, span: 0n },
};

export const perpOf = (market: LedgerMarket, underlying: number): PerpMarket =>
  market.perps.get(underlying) ?? UNLISTED;

/** The funding index at `time`, settlement units WAD per whole underlying, rounded towards zero. */
export const fundingIndexAt = ({ index, rate, time: from, span }: FundingState, time: bigint): bigint =>
  index + (rate * min(time - from, span)) / FUNDING_PERIOD;

/** 1 + the premium within its clamp, WAD. */
const markRatio = (market: LedgerMarket, perp: PerpMarket, underlying: number, time: bigint): bigint =>
  WAD + max(min(premiumAt(market, underlying, time).value, perp.clamp), -perp.clamp);

/** Mark at mid: the frozen one, or index·(1 + clamped premium), rounded down. `index`: settlement units WAD. */
export const markAt = (market: LedgerMarket, underlying: number, index: bigint, time: bigint): bigint => {
  const perp = perpOf(market, underlying);
  if (perp.frozen) return perp.frozenMark;
  return (index * markRatio(market, perp, underlying, time)) / WAD;
};

/** A perp's market as margins need it. */
export const perpStateAt = (market: LedgerMarket, underlying: number, time: bigint): PerpState => {
  const perp = perpOf(market, underlying);
  const { openInterest, slowOpenInterest } = perp;
  if (perp.frozen) {
    const { frozenMark } = perp;
    return { markRatio: WAD, frozenMark, openInterest, slowOpenInterest, confidence: WAD, stale: false };
  }
  const { confidence, stale } = premiumAt(market, underlying, time);
  const ratio = markRatio(market, perp, underlying, time);
  return { markRatio: ratio, frozenMark: 0n, openInterest, slowOpenInterest, confidence, stale };
};

/** What one option pays at a final price, settlement units WAD. */
export const payoffOfOne = ({ strike, isCall }: Option, price: bigint): bigint => {
  const k = strike * STRIKE_UNIT;
  return max(isCall ? price - k : k - price, 0n);
};

/** What a position has pending: funding, or the payoff of a settled expiry. */
export interface Pending {
  /** To the quote, rounded down, settlement units WAD. */
  readonly amount: bigint;
  /** The clearing account has the position. */
  readonly gone: boolean;
}

const NONE: Pending = { amount: 0n, gone: false };

/** Funding of a perp until `time` and, in a closed market, its value; the payoff of an option whose expiry is settled. */
export const pendingOf = (
  market: LedgerMarket,
  { instrument, size, fundingIndex }: Position,
  time: bigint,
): Pending => {
  if (instrument.kind === "perp") {
    const perp = perpOf(market, instrument.underlying);
    const amount = divFloor(-size * (fundingIndexAt(perp.funding, time) - fundingIndex), WAD);
    if (!perp.closed) return { amount, gone: false };
    return { amount: amount + mulDivFloor(size, perp.frozenMark, WAD), gone: true };
  }
  if (time < BigInt(instrument.expiry)) return NONE;
  const price = market.expiries.get(expiryKey(instrument.underlying, instrument.expiry))?.settledAt;
  if (price === undefined) return NONE;
  return { amount: mulDivFloor(size, payoffOfOne(instrument, price), WAD), gone: true };
};

/** An account's ledger with what is pending booked. */
export interface LedgerReckoning {
  /** Pending funding and settled payoffs included. */
  readonly quote: bigint;
  /** Live ones. */
  readonly positions: readonly Position[];
  /** One for each perp among the positions, in their order. */
  readonly perps: readonly PerpState[];
}

/** `Positions.ledgerOf`: an account as its margin sees it at `time`. */
export const ledgerOf = (market: LedgerMarket, account: LedgerAccount, time: bigint): LedgerReckoning => {
  let quote = account.quote;
  const positions: Position[] = [];
  const perps: PerpState[] = [];
  for (const position of account.positions) {
    const { amount, gone } = pendingOf(market, position, time);
    quote += amount;
    if (gone) continue;
    positions.push(position);
    const { instrument } = position;
    if (instrument.kind === "perp") perps.push(perpStateAt(market, instrument.underlying, time));
  }
  return { quote, positions, perps };
};

/** Mid prices by underlying, settlement units WAD. */
export type Indices = (underlying: number) => bigint;

const unsettled = (
  market: LedgerMarket,
  account: LedgerAccount,
  indices: Indices,
  time: bigint,
  up: boolean,
): bigint => {
  const { quote, positions } = ledgerOf(market, account, time);
  let u = quote;
  for (const { instrument, size } of positions) {
    if (instrument.kind !== "perp") continue;
    const perp = perpOf(market, instrument.underlying);
    const mark = perp.frozen
      ? perp.frozenMark
      : markAt(market, instrument.underlying, indices(instrument.underlying), time);
    u += (up ? mulDivCeil : mulDivFloor)(size, mark, WAD);
  }
  return u;
};

/** U at mid, every position's value rounded down: `Positions.unsettledOf`. */
export const unsettledOf = (market: LedgerMarket, account: LedgerAccount, indices: Indices, time: bigint): bigint =>
  unsettled(market, account, indices, time, false);

/** Settlement token units that may be settled from `loser` to `winner`: `Positions.settleable`. `cashUnit`: quote (WAD) of one unit. */
export const settleable = (
  market: LedgerMarket,
  winner: LedgerAccount,
  loser: LedgerAccount,
  indices: Indices,
  time: bigint,
  cashUnit: bigint,
): bigint => {
  const won = unsettled(market, winner, indices, time, false);
  const lost = -unsettled(market, loser, indices, time, true);
  const limit = min(won, lost);
  return limit > 0n ? limit / cashUnit : 0n;
};

/** The account as a touch leaves it: funding booked, settled positions gone, the last one in their places. */
export const touched = (market: LedgerMarket, account: LedgerAccount, time: bigint): LedgerAccount => {
  let quote = account.quote;
  const positions = [...account.positions];
  for (let i = positions.length - 1; i >= 0; i--) {
    const position = positions[i] as Position;
    const { amount, gone } = pendingOf(market, position, time);
    quote += amount;
    const { instrument } = position;
    if (gone) {
      const last = positions.pop() as Position;
      if (i < positions.length) positions[i] = last;
    } else if (instrument.kind === "perp") {
      positions[i] = { ...position, fundingIndex: fundingIndexAt(perpOf(market, instrument.underlying).funding, time) };
    }
  }
  return { quote, positions };
};

/** Both accounts after `amount` settlement token units were settled; does not ask whether they may be. */
export const settled = (
  market: LedgerMarket,
  winner: LedgerAccount,
  loser: LedgerAccount,
  amount: bigint,
  cashUnit: bigint,
  time: bigint,
): readonly [winner: LedgerAccount, loser: LedgerAccount] => {
  const value = amount * cashUnit;
  const [a, b] = [touched(market, winner, time), touched(market, loser, time)];
  return [
    { ...a, quote: a.quote - value },
    { ...b, quote: b.quote + value },
  ];
};
