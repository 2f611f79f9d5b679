// Every account of the protocol in columns, followed from raw logs, with a guard on each: how far prices may move before its maintenance can
// reach zero. docs/keeper-radius.md derives the guards.
//
//   const book = AccountBook.open({ chainId, safe, positions, file });
//   let head = book.head;                       // where to go on reading; undefined: from the deployment
//   book.apply({ number, hash, parentHash, logs });        // throws ForkError: book.rollback(ancestor) first
//   book.setMarket(market);                     // collects who must be looked at again
//   book.find();                                // weighs them: now it is known who is below maintenance
//   for (const candidate of book.rank()) …      // those below, by expected profit
//   book.look();                                // new guards, when there is time
//   book.checkpoint();                          // in one transaction
import type { Market } from "../../sdk/mirror/market.ts";
import type {
  AccountView,
  BlockLogs,
  BlockRef,
  BookOptions,
  BookStatistics,
  Candidate,
  Look,
  Part,
  RankOptions,
  Weight,
} from "./types.ts";

import { AccountBook } from "./book.ts";

export { AccountBook };
export * from "./types.ts";

/** The door of the book. Not safe to call from several threads; its workers are its own. */
export interface Book {
  /** The last block applied. */
  readonly head: BlockRef | undefined;
  /** Blocks that can be rolled back to, newest first; the first is the head. */
  blocks(): readonly BlockRef[];
  /** Topics of the logs it reads, and the addresses they come from: for `eth_getLogs`. */
  filter(): { readonly address: string[]; readonly topics: string[][] };
  /** Throws {@link ForkError} when the block does not follow the head, {@link LogError} for a log that cannot be. */
  apply(block: BlockLogs): void;
  /**
   * Back to a block of {@link blocks}. `false`: it is deeper than what is kept; then the book is back at its last checkpoint if that is
   * not after `ancestor` (and `isKnown` says that it is still part of the chain), or empty. `head` says where.
   */
  rollback(ancestor: BlockRef, isKnown?: (block: BlockRef) => boolean): boolean;
  /** Writes what changed since the last one. */
  checkpoint(): { readonly pages: number; readonly rows: number; readonly ms: number };
  /** Forgets or takes up accounts; true: history has to be read again for the new ones (the book is empty now). */
  restrict(part: Part): boolean;

  /** Takes over prices, volatilities, indices, parameters and time, and collects the accounts to look at again. */
  setMarket(market: Market): Look;
  /**
   * Weighs accounts that are due, without new guards: who fell below maintenance is known then. `look` has still to be called, when there
   * is time; until then the same accounts are weighed with every change.
   */
  find(): Look;
  /** Weighs accounts that are due and sets their guards; at most `limit` of them. Does what `find` does too. */
  look(limit?: number): Look;
  /** Weighs one. Undefined: no such account. */
  weigh(id: string): Weight | undefined;
  /** Every account below maintenance by expected profit, the largest first. */
  rank(options?: RankOptions): Candidate[];
  /** Weighs every account, guards or not, over all threads: a check of the guards. Nothing may be applied until it is done. */
  weighAll(): Promise<Look>;

  has(id: string): boolean;
  account(id: string): AccountView | undefined;
  /** Ids in the order of first sight, from the `offset`th. */
  ids(offset?: number, limit?: number): string[];
  /** Accounts in auction. */
  auctions(): string[];
  statistics(): BookStatistics;
  /** Ends threads and closes the file; without a checkpoint. */
  close(): Promise<void>;
}

/** Opens the book at its last checkpoint. Throws `CheckpointError` for a file that cannot be used. */
export const openBook = (options: BookOptions): Book => AccountBook.open(options);
