// What the book of accounts takes and gives. Plain data, so that the parts of the keeper depend on this and not on each other.
import type { Account } from "../../sdk/mirror/account.ts";

export interface BlockRef {
  readonly number: number;
  readonly hash: string;
}

/** A log as `eth_getLogs` gives it; topics and data are 0x-hex. */
export interface RawLog {
  readonly address: string;
  readonly topics: readonly string[];
  readonly data: string;
}

/** A block, or several at once (then `number` and `hash` are the last one's), with its logs in order. */
export interface BlockLogs extends BlockRef {
  /** Left out where blocks are read in spans: then nothing checks that the block follows the head. */
  readonly parentHash?: string;
  readonly logs: readonly RawLog[];
  /** It can never be undone, so nothing is kept to undo it: while history is read. */
  readonly isFinal?: boolean;
}

/** A part of all accounts, by the first 32 bits of a hash of the id: `from` ≤ hash < `to`, 0..2^32. */
export interface Part {
  readonly from: number;
  readonly to: number;
}

export interface BookOptions {
  readonly chainId: number;
  /** Addresses, any case. */
  readonly safe: string;
  readonly positions?: string;
  /** File of the checkpoints; left out: nothing is kept between runs. */
  readonly file?: string;
  /** Left out: all. A checkpoint of a larger part serves, one of a smaller is refused. */
  readonly part?: Part;
  /** How many blocks can be undone; 128 by default. */
  readonly undoBlocks?: number;
  /** Threads that evaluate beside this one, 0 by default. */
  readonly workers?: number;
}

/** What {@link AccountBook.setMarket} and {@link AccountBook.look} did. */
export interface Look {
  /** Accounts whose guards were crossed by the change of the market, or that changed themselves. */
  readonly due: number;
  /** Accounts evaluated. */
  readonly looked: number;
  /** Accounts still to be looked at: call `look` again. 0 unless a limit was given. */
  readonly pending: number;
  /** Accounts below maintenance (or within the error of it), all together. */
  readonly below: number;
}

/** What an account is worth now, in whole settlement units. */
export interface Weight {
  readonly id: string;
  /** False: a price that it needs is unusable, then the numbers are 0. */
  readonly priced: boolean;
  readonly maintenance: number;
  readonly mtm: number;
  /** Sum of values that the numbers are made of: they are within `error` of what the chain reckons. */
  readonly gross: number;
  readonly error: number;
  readonly inAuction: boolean;
}

/** An account below maintenance, with what the best bid on it now would bring. */
export interface Candidate extends Weight {
  /** The largest fraction that a bid may take, 0..1. */
  readonly fraction: number;
  /** Expected, after costs, whole settlement units. */
  readonly profit: number;
}

/** What a bid costs its bidder. */
export interface RankOptions {
  /** Factor on mtm that the bidder pays; the auction's `start` by default. */
  readonly discount?: number;
  /** Whole settlement units per bid. */
  readonly cost?: number;
  /** Part of the value taken that unwinding costs, 0 by default. */
  readonly slippage?: number;
  /** How many at most. */
  readonly limit?: number;
}

/** For metrics. */
export interface BookStatistics {
  readonly accounts: number;
  /** With debts, positions or a quote. */
  readonly watched: number;
  readonly below: number;
  readonly inAuction: number;
  readonly guards: number;
  readonly pending: number;
  readonly evaluations: number;
  readonly logs: number;
  readonly blocks: number;
  readonly undoBlocks: number;
  readonly rollbacks: number;
  /** Bytes of the columns. */
  readonly bytes: number;
  /** Rows changed since the last checkpoint. */
  readonly dirty: number;
  readonly lastSetMarketMs: number;
  readonly lastLookMs: number;
}

/** The whole of an account, for `/accounts`. */
export interface AccountView extends Account {
  readonly weight?: Weight;
}

/** A checkpoint that cannot be used; the message says what to do. */
export class CheckpointError extends Error {
  override readonly name = "CheckpointError";
}

/** A block that does not follow the head: roll back to a common ancestor first. */
export class ForkError extends Error {
  override readonly name = "ForkError";
}

/** A log that no version of the contracts emits. */
export class LogError extends Error {
  override readonly name = "LogError";
}
