// Follows the one event that every change of an account emits, and keeps the set of accounts worth looking at.
import type { JsonRpcProvider } from "ethers";
import type { Logger } from "pino";

import type { IMarginAccounts } from "../types/ethers-contracts/index.js";
import { describeError, isConnectionError } from "./rpc.ts";
import type { AccountRecord, BlockRef, State } from "./state.ts";
import { decodeWords, isWatched } from "./words.ts";

const FIRST_CHUNK = 5_000;
const MAX_CHUNK = 50_000;

export class Follower {
  /** Accounts with debts, positions or an auction. */
  readonly watched = new Set<string>();
  private chunk = FIRST_CHUNK;

  constructor(
    private readonly provider: JsonRpcProvider,
    private readonly safe: IMarginAccounts,
    private readonly state: State,
    private readonly fromBlock: number,
    private readonly log: Logger,
  ) {
    for (const account of state.accounts()) this.note(account);
  }

  /** Reads what is new, up to the head. What was read stays read if it stops half way. */
  async sync(head: BlockRef, signal: AbortSignal): Promise<boolean> {
    const before = this.state.checkpoint();
    const checkpoint = await this.verifiedCheckpoint(head);
    let from = checkpoint === undefined ? this.fromBlock : checkpoint.number + 1;
    if (from <= head.number) this.log.debug({ event: "reading", from, to: head.number }, "reading events");
    while (from <= head.number && !signal.aborted) {
      const to = Math.min(from + this.chunk - 1, head.number);
      // The hash is asked for before the events: if the chain reorganises in between, the stored hash is the old one and
      // the next pass notices. The other way round it would never.
      const reached = to === head.number ? head : await this.blockAt(to);
      const changes = await this.changes(from, to);
      if (changes === undefined) continue; // with smaller chunks
      this.state.advance(changes, { number: reached.number, hash: reached.hash });
      for (const change of changes) this.note(change);
      from = to + 1;
    }
    return before !== undefined && checkpoint?.hash !== before.hash;
  }

  /** The checkpoint, after going back to a block that is still part of the chain. */
  private async verifiedCheckpoint(head: BlockRef): Promise<BlockRef | undefined> {
    const checkpoint = this.state.checkpoint();
    if (checkpoint === undefined || (await this.isCanonical(checkpoint, head))) return checkpoint;

    let fork: BlockRef | undefined;
    for (const block of this.state.blocks()) {
      if (await this.isCanonical(block, head)) {
        fork = block;
        break;
      }
    }
    // An account whose last change is gone may have an older one below the fork: its words say what holds now.
    const stale = fork === undefined ? [] : this.state.accountsChangedAfter(fork.number);
    const corrected: AccountRecord[] = await Promise.all(
      stale.map(async ({ id }) => ({ id, words: await this.safe.words(id), block: fork?.number ?? 0 })),
    );
    this.state.rollback(fork, corrected);
    this.watched.clear();
    for (const account of this.state.accounts()) this.note(account);
    this.log.warn(
      { event: "reorg", from: checkpoint.number, fork: fork?.number ?? null, accounts: stale.length },
      fork === undefined ? "another chain than before: reading everything again" : "the chain was reorganised",
    );
    return fork;
  }

  private async isCanonical(block: BlockRef, head: BlockRef): Promise<boolean> {
    if (block.number > head.number) return false;
    if (block.number === head.number) return block.hash === head.hash;
    return (await this.provider.getBlock(block.number))?.hash === block.hash;
  }

  /** The last change of each account in these blocks; undefined if it takes smaller chunks. */
  private async changes(from: number, to: number): Promise<AccountRecord[] | undefined> {
    try {
      const logs = await this.safe.queryFilter(this.safe.filters.AccountChanged(), from, to);
      this.chunk = Math.min(MAX_CHUNK, this.chunk * 2);
      const last = new Map<string, AccountRecord>();
      for (const { args, blockNumber } of logs) {
        last.set(args.account, { id: args.account, words: args.words, block: blockNumber });
      }
      return [...last.values()];
    } catch (error) {
      // Nodes limit blocks or results per request, each with an error of its own.
      if (isConnectionError(error) || from === to) throw error;
      this.chunk = Math.max(1, Math.floor((to - from + 1) / 2));
      this.log.debug(
        { event: "smaller-chunk", blocks: this.chunk, reason: describeError(error) },
        "reading less at once",
      );
      return undefined;
    }
  }

  private async blockAt(tag: number | "latest"): Promise<BlockRef & { timestamp: number }> {
    const block = await this.provider.getBlock(tag);
    if (block?.hash == null) throw new Error(`the node does not know block ${tag}`);
    return { number: block.number, hash: block.hash, timestamp: block.timestamp };
  }

  private note({ id, words }: AccountRecord): void {
    if (isWatched(decodeWords(words))) this.watched.add(id);
    else this.watched.delete(id);
  }
}
