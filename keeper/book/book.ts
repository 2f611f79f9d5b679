// The book itself: rows, journal, checkpoints, tables, guards, and the queue of accounts to look at again.
import { decodeAccount } from "../../sdk/mirror/account.ts";
import type { AuctionParameters, Market } from "../../sdk/mirror/market.ts";
import { Checkpoints, pageOf } from "./checkpoint.ts";
import { WORD } from "./columns.ts";
import { Guards } from "./guards.ts";
import { bigWord, readWord, writeWord } from "./hex.ts";
import { Journal, type Undo } from "./journal.ts";
import { ACCOUNT_CHANGED, isIn, LEDGER_CHANGED, LogReader, POOL_CHANGED, type PoolChange } from "./logs.ts";
import { WeigherPool } from "./pool.ts";
import { hashId, IN_AUCTION, NO_ROW, Rows } from "./rows.ts";
import { Terms } from "./terms.ts";
import {
  type AccountView,
  type BlockLogs,
  type BlockRef,
  type BookOptions,
  type BookStatistics,
  type Candidate,
  ForkError,
  type Look,
  type Part,
  type RankOptions,
  type Weight,
} from "./types.ts";
import { type WeighedColumns, Weigher } from "./weigher.ts";
import { RESULT } from "./worker.ts";

const UNDO_BLOCKS = 128;
const WAD = 1e18;
/** States of a row. */
const DUE = 1;
const HOT = 2;
const BLIND = 4;
const BELOW = 8;
/** It changed itself since it was weighed. */
const CHANGED = 16;

export class AccountBook {
  private rows: Rows;
  private reader: LogReader;
  private journal: Journal;
  private terms: Terms;
  private weigher: Weigher;
  private readonly guards = new Guards();
  private readonly store: Checkpoints | undefined;
  private part: Part | undefined;
  private readonly identity;
  private readonly undoBlocks: number;
  private readonly threads: WeigherPool;

  private readonly dirty = new Set<number>();
  private isFresh = true;
  private state = new Uint8Array(1_024);
  private queue: number[] = [];
  private queued = 0;
  /** Too near the line for a guard, or below it. */
  private readonly hot = new Set<number>();
  private readonly blind = new Set<number>();
  private readonly below = new Set<number>();
  /** Of rows below: maintenance, mtm and gross value, and the market they are of. */
  private margins = new Float64Array(0);

  private evaluations = 0;
  private blocksRead = 0;
  private rollbacks = 0;
  private setMarketMs = 0;
  private lookMs = 0;
  private readonly scratch = new Uint32Array(WORD);

  private constructor(options: BookOptions) {
    const lower = (address: string | undefined) => address?.toLowerCase();
    this.part = options.part;
    this.identity = {
      chainId: options.chainId,
      safe: options.safe.toLowerCase(),
      positions: lower(options.positions),
      part: options.part,
    };
    this.undoBlocks = options.undoBlocks ?? UNDO_BLOCKS;
    this.store = options.file === undefined ? undefined : Checkpoints.open(options.file, this.identity);
    this.threads = new WeigherPool(options.workers ?? 0);
    this.rows = new Rows();
    this.reader = new LogReader(this.rows, this.identity.safe, this.identity.positions, this.part);
    this.journal = this.newJournal();
    this.terms = new Terms(this.rows.instruments);
    this.weigher = new Weigher(this.columns(), this.terms.tables);
  }

  /** Opens the book at its last checkpoint. Throws `CheckpointError` for a file that cannot be used. */
  static open(options: BookOptions): AccountBook {
    const book = new AccountBook(options);
    try {
      book.load();
    } catch (error) {
      book.store?.close();
      throw error;
    }
    return book;
  }

  // ------------------------------------------------------------------------------------------------ following

  get head(): BlockRef | undefined {
    const head = this.journal.head;
    return head === undefined ? undefined : { number: head.number, hash: head.hash };
  }

  blocks(): readonly BlockRef[] {
    return this.journal.blocks.map(({ number, hash }) => ({ number, hash })).reverse();
  }

  filter(): { readonly address: string[]; readonly topics: string[][] } {
    const { safe, positions } = this.identity;
    return {
      address: positions === undefined ? [safe] : [safe, positions],
      topics: [[ACCOUNT_CHANGED, LEDGER_CHANGED, POOL_CHANGED]],
    };
  }

  apply(block: BlockLogs): void {
    const { head } = this.journal;
    if (head !== undefined) {
      const isNext = block.parentHash === undefined || block.parentHash === head.hash;
      if (block.number <= head.number || (block.parentHash !== undefined && !isNext)) {
        throw new ForkError(
          `block ${block.number} ${block.hash} does not follow ${head.number} ${head.hash}: roll back to a common ancestor`,
        );
      }
    }
    this.journal.begin(block, block.isFinal === true);
    try {
      for (const log of block.logs) this.reader.take(log, this.journal);
    } catch (error) {
      this.journal.abort();
      throw error;
    }
    this.journal.end();
    this.blocksRead += 1;
  }

  rollback(ancestor: BlockRef, isKnown: (block: BlockRef) => boolean = () => false): boolean {
    this.rollbacks += 1;
    if (this.journal.rollback(ancestor)) return true;
    const saved = this.store?.head();
    this.reset();
    if (saved !== undefined && saved.number <= ancestor.number && isKnown(saved)) this.load();
    return false;
  }

  checkpoint(): { readonly pages: number; readonly rows: number; readonly ms: number } {
    const start = performance.now();
    if (this.store === undefined || this.journal.head === undefined) return { pages: 0, rows: 0, ms: 0 };
    if (this.isFresh) for (let page = 0; page <= pageOf(this.rows.count - 1); page += 1) this.dirty.add(page);
    const pages = this.store.save(this.rows, this.dirty, this.journal.blocks, this.reader.pools, this.isFresh);
    this.dirty.clear();
    this.isFresh = false;
    return { pages, rows: this.rows.count, ms: performance.now() - start };
  }

  restrict(part: Part): boolean {
    const held = this.part ?? { from: 0, to: 2 ** 32 };
    const isNarrower = part.from >= held.from && part.to <= held.to;
    const [old, head, pools] = [this.rows, this.head, [...this.reader.pools]];
    this.part = part;
    this.reset();
    if (!isNarrower) return true;
    for (let row = 0; row < old.count; row += 1) {
      if (!old.isKnown(row) || !isIn(part, hashId(old.ids, WORD * row))) continue;
      const to = this.rows.findOrAdd(old.ids, WORD * row);
      this.rows.restore(to, old.image(row));
      this.changed(to);
    }
    for (const [asset, change] of pools) this.reader.pools.set(asset, change);
    if (head !== undefined) this.journal.blocks.push(emptyBlock(head));
    return false;
  }

  /** The words of a pool as it last changed; undefined: it never did. */
  pool(asset: number): PoolChange | undefined {
    return this.reader.pools.get(asset);
  }

  // ------------------------------------------------------------------------------------------------ looking

  setMarket(market: Market): Look {
    const start = performance.now();
    const { terms, guards, rows } = this;
    const moves = terms.set(market);
    this.weigher.bind(this.columns(), terms.tables);
    guards.reserve(terms.factorCount, rows.count);
    const due = (row: number): void => this.makeDue(row);
    if (moves.isReset) {
      guards.clearAll();
      for (let factor = 0; factor < terms.factorCount; factor += 1) guards.setPrice(factor, terms.priceOf(factor));
      for (let row = 0; row < rows.count; row += 1) if (this.weigher.isWatched(row)) this.makeDue(row);
      for (const row of [...this.hot, ...this.blind]) this.makeDue(row);
    } else {
      for (const [factor, , price] of moves.prices) guards.movePrice(factor, price, due);
      for (let factor = 0; factor < terms.factorCount; factor += 1) guards.setPrice(factor, terms.priceOf(factor));
      if (moves.jumped !== undefined) this.makeHoldersDue(moves.jumped);
      if (moves.isFaultsChanged) for (const row of this.blind) this.makeDue(row);
    }
    for (const [kind, sum] of terms.drifts.entries()) guards.moveDrift(kind, sum, due);
    for (const row of this.hot) this.makeDue(row);
    this.setMarketMs = performance.now() - start;
    return { due: this.queue.length - this.queued, looked: 0, pending: this.pending, below: this.below.size };
  }

  find(): Look {
    const due = this.pending;
    let looked = 0;
    if (this.terms.market !== undefined) {
      this.prepare();
      for (let i = this.queued; i < this.queue.length; i += 1) {
        const row = this.queue[i] ?? 0;
        // Who was below is known already.
        if (((this.state[row] ?? 0) & (BELOW | CHANGED)) === BELOW) continue;
        if (!this.weigher.isWatched(row)) continue;
        this.weigher.weigh(row, false);
        looked += 1;
        this.note(row);
      }
      this.evaluations += looked;
    }
    return { due, looked, pending: this.pending, below: this.below.size };
  }

  look(limit = Infinity): Look {
    const start = performance.now();
    const due = this.pending;
    let looked = 0;
    if (this.terms.market !== undefined) {
      this.prepare();
      while (this.queued < this.queue.length && looked < limit) {
        const row = this.queue[this.queued] ?? 0;
        this.queued += 1;
        this.lookAt(row);
        looked += 1;
      }
      if (this.queued === this.queue.length) [this.queue, this.queued] = [[], 0];
    }
    this.lookMs = performance.now() - start;
    return { due, looked, pending: this.pending, below: this.below.size };
  }

  weigh(id: string): Weight | undefined {
    const row = this.rowOf(id);
    if (row === NO_ROW || this.terms.market === undefined) return undefined;
    this.prepare();
    return this.weightOf(row);
  }

  rank(options: RankOptions = {}): Candidate[] {
    const { market } = this.terms;
    if (market === undefined) return [];
    this.refresh();
    const count = this.below.size;
    const [rows, profits, fractions] = [new Int32Array(count), new Float64Array(count), new Float64Array(count)];
    let n = 0;
    for (const row of this.below) {
      const bid = bestBid(market.auction, this.margin(row, 0), this.margin(row, 1), this.margin(row, 2), options);
      rows[n] = row;
      profits[n] = bid.profit;
      fractions[n] = bid.fraction;
      n += 1;
    }
    const order = Uint32Array.from({ length: count }, (_, i) => i).sort(
      (a, b) => (profits[b] ?? 0) - (profits[a] ?? 0),
    );
    const list: Candidate[] = [];
    for (const i of order.subarray(0, Math.min(count, options.limit ?? count))) {
      const row = rows[i] ?? 0;
      const gross = this.margin(row, 2);
      list.push({
        id: writeWord(this.rows.ids, WORD * row),
        priced: true,
        maintenance: this.margin(row, 0),
        mtm: this.margin(row, 1),
        gross,
        error: errorOf(gross),
        inAuction: (this.rows.flags(row) & IN_AUCTION) !== 0,
        fraction: fractions[i] ?? 0,
        profit: profits[i] ?? 0,
      });
    }
    return list;
  }

  async weighAll(): Promise<Look> {
    const due = this.pending;
    if (this.terms.market === undefined) return { due, looked: 0, pending: due, below: this.below.size };
    this.prepare();
    const list: number[] = [];
    for (let row = 0; row < this.rows.count; row += 1) if (this.weigher.isWatched(row)) list.push(row);
    const results = await this.threads.weigh(this.weigher, this.columns(), this.terms.tables, list);
    this.evaluations += list.length;
    list.forEach((row, i) => {
      const at = RESULT * i;
      const maintenance = results[at] ?? NaN;
      const isBelow = maintenance < (results[at + 3] ?? 0);
      this.take(row, isBelow, maintenance, results[at + 1] ?? 0, results[at + 2] ?? 0);
      // A guard would have told: this is for those whose guards are still to be set.
      if (isBelow) this.makeDue(row);
    });
    return { due, looked: list.length, pending: this.pending, below: this.below.size };
  }

  // ------------------------------------------------------------------------------------------------ views

  has(id: string): boolean {
    return this.rowOf(id) !== NO_ROW;
  }

  account(id: string): AccountView | undefined {
    const row = this.rowOf(id);
    if (row === NO_ROW) return undefined;
    const { words, ledger } = this.rows.image(row);
    const list = (from: Uint32Array, at: number): bigint[] =>
      Array.from({ length: from.length / WORD - at }, (_, i) => bigWord(from, WORD * (at + i)));
    const account = decodeAccount(writeWord(this.rows.ids, WORD * row), list(words, 0), {
      quote: ledger === undefined ? 0n : BigInt.asIntN(256, bigWord(ledger, 0)),
      positions: ledger === undefined ? [] : list(ledger, 1),
    });
    const weight = this.weigh(id);
    return weight === undefined ? account : { ...account, weight };
  }

  ids(offset = 0, limit = Infinity): string[] {
    const list: string[] = [];
    for (let row = offset; row < this.rows.count && list.length < limit; row += 1) {
      if (this.rows.isKnown(row)) list.push(writeWord(this.rows.ids, WORD * row));
    }
    return list;
  }

  auctions(): string[] {
    const list: string[] = [];
    for (let row = 0; row < this.rows.count; row += 1) {
      if ((this.rows.flags(row) & IN_AUCTION) !== 0) list.push(writeWord(this.rows.ids, WORD * row));
    }
    return list;
  }

  statistics(): BookStatistics {
    let [accounts, watched, inAuction] = [0, 0, 0];
    this.weigher.bind(this.columns(), this.terms.tables);
    for (let row = 0; row < this.rows.count; row += 1) {
      if (!this.rows.isKnown(row)) continue;
      accounts += 1;
      if (this.weigher.isWatched(row)) watched += 1;
      if ((this.rows.flags(row) & IN_AUCTION) !== 0) inAuction += 1;
    }
    return {
      accounts,
      watched,
      inAuction,
      below: this.below.size,
      guards: this.guards.count,
      pending: this.pending,
      evaluations: this.evaluations,
      logs: this.reader.read,
      blocks: this.blocksRead,
      undoBlocks: Math.max(0, this.journal.blocks.length - 1),
      rollbacks: this.rollbacks,
      bytes: this.rows.bytes + this.guards.bytes,
      dirty: this.dirty.size,
      lastSetMarketMs: this.setMarketMs,
      lastLookMs: this.lookMs,
    };
  }

  async close(): Promise<void> {
    this.store?.close();
    await this.threads.close();
  }

  // ------------------------------------------------------------------------------------------------ inside

  private get pending(): number {
    return this.queue.length - this.queued;
  }

  /** Before accounts are weighed: columns and tables may have grown. */
  private prepare(): void {
    this.terms.catchUp();
    this.weigher.bind(this.columns(), this.terms.tables);
    this.guards.reserve(this.terms.factorCount, this.rows.count);
  }

  private columns(): WeighedColumns {
    const { ids, wordsAt, wordsCount, ledgerAt, ledgerCount, slab } = this.rows;
    return { ids, wordsAt, wordsCount, ledgerAt, ledgerCount, words: slab.words, tags: slab.tags };
  }

  private newJournal(): Journal {
    return new Journal(this.rows, this.reader, (row) => this.changed(row), this.undoBlocks);
  }

  private reset(): void {
    this.rows = new Rows();
    this.reader = new LogReader(this.rows, this.identity.safe, this.identity.positions, this.part);
    this.journal = this.newJournal();
    const { market } = this.terms;
    this.terms = new Terms(this.rows.instruments);
    this.weigher = new Weigher(this.columns(), this.terms.tables);
    this.guards.clearAll();
    this.hot.clear();
    this.blind.clear();
    this.below.clear();
    this.state.fill(0);
    [this.queue, this.queued] = [[], 0];
    this.dirty.clear();
    this.isFresh = true;
    if (market !== undefined) this.setMarket(market);
  }

  private load(): void {
    const restored = this.store?.load(this.rows);
    if (restored === undefined) return;
    const isSamePart = JSON.stringify(this.part ?? null) === JSON.stringify(this.identity.part ?? null);
    this.isFresh = !isSamePart || this.part !== undefined;
    this.journal.blocks.push(...restored.blocks);
    for (const [asset, change] of restored.pools) this.reader.pools.set(asset, change);
    for (let row = 0; row < this.rows.count; row += 1) this.makeDue(row);
  }

  private changed(row: number): void {
    this.dirty.add(pageOf(row));
    this.makeDue(row);
    this.state[row] = (this.state[row] ?? 0) | CHANGED;
  }

  private makeDue(row: number): void {
    if (row >= this.state.length) {
      const longer = new Uint8Array(Math.max(2 * this.state.length, row + 1));
      longer.set(this.state);
      this.state = longer;
    }
    const state = this.state[row] ?? 0;
    if ((state & DUE) !== 0) return;
    this.state[row] = state | DUE;
    this.queue.push(row);
  }

  private makeHoldersDue(jumped: Uint8Array): void {
    const { rows } = this;
    const { tags } = rows.slab;
    for (let row = 0; row < rows.count; row += 1) {
      const run = rows.ledgerAt[row] ?? 0;
      const n = rows.ledgerCount[row] ?? 0;
      for (let k = 1; k <= n; k += 1) {
        if (jumped[tags[run + k] ?? 0] !== 1) continue;
        this.makeDue(row);
        break;
      }
    }
  }

  private lookAt(row: number): void {
    const { weigher, guards } = this;
    const state = (this.state[row] ?? 0) & ~DUE;
    this.state[row] = 0;
    if ((state & BLIND) !== 0) this.blind.delete(row);
    if (!weigher.isWatched(row)) {
      guards.clear(row);
      this.cool(row, state);
      return;
    }
    weigher.weigh(row, true);
    this.evaluations += 1;
    if (!weigher.priced) {
      guards.clear(row);
      this.cool(row, state);
      this.state[row] = BLIND;
      this.blind.add(row);
      return;
    }
    if (guards.set(row, weigher, this.rows.ids)) {
      this.cool(row, state);
      return;
    }
    this.state[row] = HOT | (state & BELOW);
    if ((state & HOT) === 0) this.hot.add(row);
    this.note(row);
  }

  /** Takes a row that was just weighed among those below maintenance, or out of them. */
  private note(row: number): void {
    const { priced, maintenance, mtm, gross, error } = this.weigher;
    this.take(row, priced && maintenance < error, maintenance, mtm, gross);
  }

  private take(row: number, isBelow: boolean, maintenance: number, mtm: number, gross: number): void {
    const state = this.state[row] ?? 0;
    if (!isBelow) {
      if ((state & BELOW) === 0) return;
      this.state[row] = state & ~BELOW;
      this.below.delete(row);
      return;
    }
    if ((state & BELOW) === 0) {
      this.state[row] = state | BELOW;
      this.below.add(row);
    }
    if (4 * row >= this.margins.length) {
      const longer = new Float64Array(4 * this.rows.wordsAt.length);
      longer.set(this.margins);
      this.margins = longer;
    }
    this.margins[4 * row] = maintenance;
    this.margins[4 * row + 1] = mtm;
    this.margins[4 * row + 2] = gross;
    this.margins[4 * row + 3] = this.terms.number;
  }

  /** It need not be looked at with every change any more. */
  private cool(row: number, state: number): void {
    if ((state & HOT) !== 0) this.hot.delete(row);
    if ((state & BELOW) !== 0) this.below.delete(row);
  }

  /** Weighs those below again whose numbers are of an older market. */
  private refresh(): void {
    this.prepare();
    for (const row of [...this.below]) {
      if (this.margin(row, 3) === this.terms.number && ((this.state[row] ?? 0) & CHANGED) === 0) continue;
      this.weigher.weigh(row, false);
      this.evaluations += 1;
      this.note(row);
      // Where it is above now its guard is still to be set.
      this.makeDue(row);
    }
  }

  private margin(row: number, field: number): number {
    return this.margins[4 * row + field] ?? 0;
  }

  private weightOf(row: number): Weight {
    const { weigher } = this;
    weigher.weigh(row, false);
    const { priced, maintenance, mtm, gross, error } = weigher;
    const inAuction = (this.rows.flags(row) & IN_AUCTION) !== 0;
    const id = writeWord(this.rows.ids, WORD * row);
    return priced
      ? { id, priced, maintenance, mtm, gross, error, inAuction }
      : { id, priced, maintenance: 0, mtm: 0, gross: 0, error: 0, inAuction };
  }

  private rowOf(id: string): number {
    if (!/^0x[0-9a-f]{64}$/i.test(id)) return NO_ROW;
    readWord(id, 2, this.scratch, 0);
    const row = this.rows.find(this.scratch, 0);
    return row !== NO_ROW && this.rows.isKnown(row) ? row : NO_ROW;
  }
}

const emptyBlock = ({ number, hash }: BlockRef): Undo => ({ number, hash, rows: new Map(), pools: new Map() });

const errorOf = (gross: number): number => 1e-9 + 1e-8 * gross;

/** What the largest bid brings: DESIGN 8.2, with nothing reserved yet; below zero equity insurance pays. */
const bestBid = (
  auction: AuctionParameters,
  maintenance: number,
  mtm: number,
  gross: number,
  { discount = Number(auction.start) / WAD, cost = 0, slippage = 0 }: RankOptions,
): { readonly fraction: number; readonly profit: number } => {
  if (mtm <= 0) {
    const q = Number(auction.q) / WAD;
    return { fraction: 1, profit: q * (mtm - maintenance) - slippage * gross - cost };
  }
  const buffered = maintenance + (Number(auction.buffer) / WAD) * (maintenance - mtm);
  const most = buffered < 0 ? buffered / (buffered - mtm * discount) : 0;
  const fraction = mtm < Number(auction.dustThreshold) / WAD ? 1 : Math.min(1, most);
  return { fraction, profit: fraction * (mtm * (1 - discount) - slippage * gross) - cost };
};
