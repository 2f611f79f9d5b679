// Follows the chain into the book of accounts, and asks the book who may be below maintenance at the prices of now.
import type { Log } from "ethers";
import type { Logger } from "pino";

import type { Market } from "../sdk/mirror/market.ts";
import type { AccountView, Book, RawLog } from "./book/index.ts";
import type { Chain } from "./chain.ts";
import type { Health } from "./health.ts";
import type { Head } from "./heads.ts";
import type { Candidate } from "./liquidation/candidate.ts";
import type { MarketReader } from "./market.ts";
import { describeError, isConnectionError } from "./rpc.ts";
import type { Scout, ScoutState, Sighting } from "./scout.ts";
import type { BlockRef } from "./state.ts";
import type { Teller } from "./teller.ts";
import { valuesOf } from "./values.ts";

const FIRST_CHUNK = 5_000;
const MAX_CHUNK = 50_000;
/** Blocks behind the head that are read one by one, so that each can be undone. */
const UNDOABLE = 128;
const WAD = 1e18;

export interface ScoutOptions {
  readonly fromBlock: number;
  /** Settlement token: how many decimals. */
  readonly decimals: number;
  /** What a bid costs: gas and the least profit, whole settlement units. */
  readonly cost: () => number;
  /** Told of every bid in the chain. */
  readonly onBid: (bid: { readonly account: string; readonly hash: string }) => void;
}

export class BookScout implements Scout {
  private chunk = FIRST_CHUNK;
  private reorgs = 0;
  private evaluated = 0;
  private market: Market | undefined;
  private marketAt = "";
  private counted: ScoutState;

  constructor(
    private readonly chain: Chain,
    private readonly book: Book,
    private readonly reader: MarketReader,
    private readonly options: ScoutOptions,
    private readonly teller: Teller,
    private readonly log: Logger,
  ) {
    this.counted = this.count();
  }

  get head(): BlockRef | undefined {
    return this.book.head;
  }

  get state(): ScoutState {
    return this.counted;
  }

  async sync(head: BlockRef, signal: AbortSignal): Promise<boolean> {
    const undone = await this.toCommonAncestor(head);
    const { book } = this;
    let from = (book.head?.number ?? this.options.fromBlock - 1) + 1;
    if (from <= head.number) this.log.debug({ event: "reading", from, to: head.number }, "reading events");
    while (from <= head.number && !signal.aborted) {
      const final = head.number - UNDOABLE;
      const to = Math.min(from + this.chunk - 1, from <= final ? final : head.number);
      // The hash is asked for before the events: if the chain reorganises in between, the stored hash is the old one and
      // the next pass notices. The other way round it would never.
      const reached = to === head.number ? head : await this.blockAt(to);
      const logs = await this.logs(from, to);
      if (logs === undefined) continue; // with smaller chunks
      this.take(logs, reached, to <= final);
      from = to + 1;
    }
    return undone;
  }

  async look(head: Pick<Head, "number" | "hash">): Promise<Sighting> {
    let looked = 0;
    if (this.marketAt !== head.hash || this.market === undefined) {
      this.market = await this.reader.read(head);
      this.book.setMarket(this.market);
      looked = this.book.look().looked;
      this.marketAt = head.hash;
      this.evaluated += looked;
    }
    const ranked = this.book.rank({ cost: this.options.cost() });
    this.tell(ranked);
    this.counted = this.count();
    const recovered = this.book.auctions().filter((id) => {
      const weight = this.book.weigh(id);
      return weight?.priced === true && weight.maintenance > weight.error;
    });
    return { unhealthy: ranked.map((each) => this.candidate(each)), recovered, weighed: looked };
  }

  grossOf(account: string): number | undefined {
    const weight = this.book.weigh(account);
    return weight?.priced === true ? weight.gross : undefined;
  }

  traders(offset: number, limit: number): readonly string[] {
    return this.book.ids(offset, limit).filter((id) => (this.book.account(id)?.positions.length ?? 0) > 0);
  }

  describe(account: string): object | undefined {
    const found = this.book.account(account);
    return found === undefined ? undefined : page(found);
  }

  list(offset: number, limit: number): object[] {
    return this.book.ids(offset, limit).flatMap((id) => this.describe(id) ?? []);
  }

  checkpoint(): void {
    const { pages, rows, ms } = this.book.checkpoint();
    this.log.debug({ event: "checkpoint", pages, rows, ms: Math.round(ms) }, "wrote the book down");
  }

  close(): Promise<void> {
    return this.book.close();
  }

  // ------------------------------------------------------------------ following

  /** Back to a block that is still part of the chain; whether that was needed. */
  private async toCommonAncestor(head: BlockRef): Promise<boolean> {
    const before = this.book.head;
    if (before === undefined || (await this.isCanonical(before, head))) return false;
    let ancestor: BlockRef | undefined;
    for (const block of this.book.blocks()) {
      if (await this.isCanonical(block, head)) {
        ancestor = block;
        break;
      }
    }
    this.book.rollback(ancestor ?? { number: -1, hash: "" });
    this.reorgs += 1;
    this.marketAt = "";
    const fork = this.book.head?.number ?? null;
    this.log.warn(
      { event: "reorg", from: before.number, fork },
      fork === null ? "another chain than before: reading everything again" : "the chain was reorganised",
    );
    return true;
  }

  private async isCanonical(block: BlockRef, head: BlockRef): Promise<boolean> {
    if (block.number > head.number) return false;
    if (block.number === head.number) return block.hash === head.hash;
    return (await this.chain.provider.getBlock(block.number))?.hash === block.hash;
  }

  /** Undefined if it takes smaller chunks. */
  private async logs(from: number, to: number): Promise<Log[] | undefined> {
    const { address, topics } = this.book.filter();
    const bidTaken = this.chain.safe.interface.getEvent("BidTaken").topicHash;
    const [first = [], ...others] = topics;
    const hex = (block: number) => `0x${block.toString(16)}`;
    try {
      const logs = (await this.chain.provider.send("eth_getLogs", [
        { fromBlock: hex(from), toBlock: hex(to), address, topics: [[...first, bidTaken], ...others] },
      ])) as Log[];
      this.chunk = Math.min(MAX_CHUNK, this.chunk * 2);
      return logs;
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

  private take(logs: readonly Log[], { number, hash }: BlockRef, isFinal: boolean): void {
    // No more of the block than this: spans have no parent that the book could know.
    const reached = { number, hash };
    const { safe } = this.chain;
    const bidTaken = safe.interface.getEvent("BidTaken").topicHash;
    const own: Log[] = [];
    for (const each of logs) {
      if (each.topics[0] !== bidTaken) own.push(each);
      else if (!isFinal) {
        this.options.onBid({ account: each.topics[1] ?? "", hash: each.transactionHash });
      }
    }
    if (isFinal) {
      this.book.apply({ ...reached, logs: own, isFinal });
      return;
    }
    const blocks = new Map<number, { number: number; hash: string; logs: RawLog[] }>();
    for (const each of own) {
      const at = Number(each.blockNumber);
      const block = blocks.get(at) ?? { number: at, hash: each.blockHash, logs: [] };
      block.logs.push(each);
      blocks.set(at, block);
    }
    const last = blocks.get(reached.number);
    blocks.delete(reached.number);
    for (const block of [...blocks.values()].sort((a, b) => a.number - b.number)) this.book.apply(block);
    this.book.apply({ ...reached, logs: last?.logs ?? [] });
  }

  private async blockAt(number: number): Promise<BlockRef> {
    const block = await this.chain.provider.getBlock(number);
    if (block?.hash == null) throw new Error(`the node does not know block ${number}`);
    return { number: block.number, hash: block.hash };
  }

  // ------------------------------------------------------------------ looking

  private candidate({ id, profit, inAuction, gross }: ReturnType<Book["rank"]>[number]): Candidate {
    return {
      account: id,
      profit,
      inAuction,
      gross,
      // Only of those whose turn comes.
      details: () => {
        const view = this.book.account(id);
        const { market } = this;
        const trades = view === undefined || market === undefined ? [] : valuesOf(view, market, this.options.decimals);
        return { hasLedger: view !== undefined && (view.positions.length > 0 || view.quote !== 0n), trades };
      },
    };
  }

  /** Those below the line, and those told of before. */
  private tell(below: ReturnType<Book["rank"]>): void {
    const toHealth = (weight: ReturnType<Book["rank"]>[number] | NonNullable<ReturnType<Book["weigh"]>>): Health => ({
      account: weight.id,
      priced: weight.priced,
      inAuction: weight.inAuction,
      pending: false,
      maintenance: wad(weight.maintenance),
      mtm: wad(weight.mtm),
    });
    const ids = new Set(below.map(({ id }) => id));
    const others = this.teller.known.filter((id) => !ids.has(id)).flatMap((id) => this.book.weigh(id) ?? []);
    this.teller.changes([...below, ...others].map(toHealth));
  }

  private count(): ScoutState {
    const { accounts, watched, below, inAuction } = this.book.statistics();
    return { accounts, watched, below, inAuction, reorgs: this.reorgs, evaluations: this.evaluated };
  }
}

const wad = (value: number): bigint => BigInt(Math.round(value * 1e6)) * BigInt(WAD / 1e6);

const page = ({ id, weight, ...rest }: AccountView): object => ({
  id,
  ...rest,
  ...(weight !== undefined && { weight }),
});
