// The matcher's state: books, orders, and fills that are not on chain yet. No I/O, no clock: commands carry the time, so
// replaying a journal rebuilds it exactly.
import { isImmediateOrCancel, isPostOnly, isReduceOnly, type Order, ownerOfAccount } from "../sdk/orders.ts";
import { Book } from "./book.ts";
import type { Command, Fill, Happening, SignedOrder } from "./commands.ts";
import { Entry, makerOf } from "./entry.ts";
import { Refusal } from "./errors.ts";
import { Holdings } from "./holdings.ts";
import { OrderIndex } from "./orderIndex.ts";

export interface EngineOptions {
  /** Orders pinned to another executor are kept but not matched; lower case. */
  readonly executor: string;
  readonly maxOrders: number;
  readonly maxOrdersPerOwner: number;
  /** An immediate-or-cancel order is filled in one transaction, or it is used up: so many matches fit. */
  readonly maxImmediateFills: number;
}

export const DEFAULT_ENGINE_OPTIONS: Omit<EngineOptions, "executor"> = {
  maxOrders: 200_000,
  maxOrdersPerOwner: 1_000,
  maxImmediateFills: 8,
};

const seconds = (ms: number): number => Math.floor(ms / 1_000);
const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const ZERO_ADDRESS = `0x${"0".repeat(40)}`;

export interface Cursor {
  readonly block: number;
  readonly hash: string;
}

export class Engine {
  private readonly index = new OrderIndex();
  private readonly holdings = new Holdings();
  readonly fills = new Map<number, Fill>();
  readonly books = new Map<string, Book<Entry>>();
  readonly indexPrices = new Map<number, bigint>();
  readonly deadlines = { chain: new Map<string, number>(), matcher: new Map<string, number>() };
  cursor: Cursor | undefined;
  nextTurn = 1;
  nextFill = 1;
  private happenings: Happening[] = [];

  constructor(private options: EngineOptions) {}

  /** By hash. */
  get orders(): ReadonlyMap<string, Entry> {
    return this.index.all;
  }

  /** As the chain has them, by account and instrument. */
  get positions(): ReadonlyMap<string, bigint> {
    return this.holdings.positions;
  }

  /** Limits for orders to come. */
  limit(options: EngineOptions): void {
    this.options = options;
  }

  /** Throws {@link Refusal}, and then nothing has changed. */
  apply(command: Command): Happening[] {
    this.happenings = [];
    switch (command.kind) {
      case "place":
        this.place(command, command.at);
        break;
      case "cancel": {
        const entry = this.orders.get(command.hash);
        if (entry?.isLive !== true)
          throw new Refusal("OrderNotOpen", "no such open order", { order: command.hash }, 404);
        this.drop(entry, command.reason);
        break;
      }
      case "cancelAll":
        for (const entry of this.ordersOf(command.account)) {
          if (entry.isLive && (command.below === undefined || entry.order.salt < command.below)) {
            this.drop(entry, command.reason);
          }
        }
        break;
      case "deadline":
        if (command.until === 0) this.deadlines[command.scope].delete(command.account);
        else this.deadlines[command.scope].set(command.account, command.until);
        this.enforceDeadline(command.account, command.at);
        break;
      case "index":
        this.setIndex(command.underlying, command.price, command.at);
        break;
      case "position":
        this.holdings.setPosition(command.account, command.instrument, command.size);
        break;
      case "sweep":
        this.sweep(command.at);
        break;
      case "confirm":
        this.confirm(this.fillOf(command.fill));
        break;
      case "fail":
        this.fail(this.fillOf(command.fill), command.culprits, command.reason, command.at);
        break;
      case "external":
        this.external(command.hash, command.size);
        break;
      case "synced":
        this.cursor = { block: command.block, hash: command.hash };
        break;
    }
    return this.happenings;
  }

  /** Of an account, in the order of their arrival, so that whatever is done to them has one outcome. */
  ordersOf(account: string): Entry[] {
    return this.index.ofAccount(account);
  }

  /** Whose index some order waits for. */
  triggerUnderlyings(): number[] {
    return this.index.triggerUnderlyings();
  }

  // ------------------------------------------------------------------ orders in

  private place(signed: SignedOrder, at: number): void {
    const { order, hash } = signed;
    const owner = ownerOfAccount(order.account);
    if (this.orders.has(hash)) throw new Refusal("DuplicateOrder", "this order was sent before", { order: hash }, 409);
    if (order.expiry < seconds(at))
      throw new Refusal("OrderExpired", "the order has expired", { expiry: order.expiry });
    const deadline = this.deadlineOf(order.account);
    if (deadline < seconds(at)) {
      throw new Refusal("OrdersVoid", "the account's dead-man's switch has run out", { validUntil: deadline });
    }
    const sameNonce = this.index.withNonceOf(order);
    if (sameNonce !== undefined) {
      throw new Refusal("NonceInUse", "an open order has the same nonce", { order: sameNonce }, 409);
    }
    if (this.orders.size >= this.options.maxOrders) throw new Refusal("MatcherFull", "too many orders", {}, 503);
    if (this.index.countOf(owner) >= this.options.maxOrdersPerOwner) {
      throw new Refusal(
        "TooManyOrders",
        "the owner has too many open orders",
        { most: this.options.maxOrdersPerOwner },
        429,
      );
    }
    const entry = new Entry(hash, order, signed.signer, signed.signature, this.nextTurn);
    const isPrivate = order.executor !== ZERO_ADDRESS && order.executor !== this.options.executor;
    const isHeld = !isPrivate && !this.isTriggered(order);
    if (!isPrivate && !isHeld) this.checkEntry(entry);

    this.nextTurn += 1;
    this.index.add(entry);
    if (isPrivate) {
      entry.state = "private";
      this.happenings.push({ kind: "private", hash });
    } else if (isHeld) {
      this.hold(entry);
    } else {
      this.match(entry, at);
    }
  }

  private checkEntry(entry: Entry): void {
    if (isPostOnly(entry.order) && this.books.get(entry.key)?.crossing(entry.side, entry.price) !== undefined) {
      throw new Refusal("PostOnlyWouldCross", "a post-only order may not trade at once", { order: entry.hash });
    }
    if (isReduceOnly(entry.order) && this.holdings.reducible(entry) === 0n) {
      throw new Refusal("NothingToReduce", "a reduce-only order needs a position that it shrinks", {
        order: entry.hash,
      });
    }
  }

  // ------------------------------------------------------------------ matching

  private bookOf(key: string): Book<Entry> {
    let book = this.books.get(key);
    if (book === undefined) this.books.set(key, (book = new Book<Entry>()));
    return book;
  }

  /** Trades as far as it goes; what is left rests. */
  private match(taker: Entry, at: number): void {
    taker.state = "resting";
    let left = isImmediateOrCancel(taker.order) ? this.options.maxImmediateFills : Infinity;
    while (taker.open > 0n && left > 0) {
      const resting = this.books.get(taker.key)?.crossing(taker.side, taker.price)?.head;
      if (resting === undefined) break;
      const obstacle = this.obstacle(taker, resting, at);
      if (obstacle !== undefined) {
        this.drop(resting, obstacle);
        continue;
      }
      // Only an order that comes back after a failed fill can be here: both insist on being the maker.
      if (isPostOnly(taker.order) && isPostOnly(resting.order)) {
        this.drop(taker, "PostOnlyWouldCross");
        return;
      }
      const most = this.fillable(taker);
      if (most === 0n) break;
      left -= 1;
      this.trade(taker, resting, least(most, this.fillable(resting)), at);
    }
    this.settleDown(taker);
  }

  /** Why the resting order has to go instead of trading. */
  private obstacle(taker: Entry, resting: Entry, at: number): string | undefined {
    if (resting.owner === taker.owner) return "SelfTrade";
    if (resting.order.expiry < seconds(at)) return "Expired";
    if (isReduceOnly(resting.order) && this.holdings.reducible(resting) === 0n) return "NothingToReduce";
    return undefined;
  }

  private fillable(entry: Entry): bigint {
    return isReduceOnly(entry.order) ? least(entry.open, this.holdings.reducible(entry)) : entry.open;
  }

  private settleDown(entry: Entry): void {
    if (entry.open === 0n) {
      entry.state = "done";
      this.retire(entry);
    } else if (isImmediateOrCancel(entry.order)) {
      this.drop(entry, "ImmediateOrCancel");
    } else if (isReduceOnly(entry.order) && this.holdings.reducible(entry) === 0n) {
      this.drop(entry, "NothingToReduce");
    } else {
      this.bookOf(entry.key).add(entry);
      this.happenings.push({ kind: "rested", hash: entry.hash, open: entry.open });
    }
  }

  private trade(taker: Entry, resting: Entry, size: bigint, at: number): void {
    const maker = makerOf(taker, resting);
    const fill: Fill = {
      id: this.nextFill,
      at,
      key: taker.key,
      maker: maker.hash,
      taker: maker === taker ? resting.hash : taker.hash,
      side: maker === taker ? resting.side : taker.side,
      price: maker.price,
      size,
    };
    this.nextFill += 1;
    this.fills.set(fill.id, fill);
    for (const entry of [taker, resting]) {
      entry.open -= size;
      entry.pending += size;
      this.holdings.expect(entry, size);
    }
    if (resting.open === 0n) {
      this.unrest(resting);
      resting.state = "done";
    }
    this.happenings.push({ kind: "traded", fill });
  }

  // ------------------------------------------------------------------ orders out

  /** Takes it out of wherever it waits. What was matched already stays on its way. */
  private drop(entry: Entry, reason: string): void {
    this.unrest(entry);
    const { open } = entry;
    entry.open = 0n;
    entry.state = "done";
    entry.cancelled = true;
    this.happenings.push({ kind: "cancelled", hash: entry.hash, reason, open });
    this.retire(entry);
  }

  /** An order is remembered as long as a fill of it is on its way. */
  private retire(entry: Entry): void {
    if (entry.state === "done" && entry.pending === 0n) this.index.delete(entry);
  }

  private unrest(entry: Entry): void {
    const book = this.books.get(entry.key);
    if (entry.level === undefined || book === undefined) return;
    book.remove(entry);
    if (book.isEmpty) this.books.delete(entry.key);
  }

  private sweep(at: number): void {
    const now = seconds(at);
    for (const entry of [...this.orders.values()]) {
      if (entry.isLive && entry.order.expiry < now) this.drop(entry, "Expired");
    }
    // They are asked for again when the owner sends a reduce-only order.
    this.holdings.prune((owner) => this.index.countOf(owner) > 0);
    for (const scope of ["chain", "matcher"] as const) {
      for (const [account, until] of [...this.deadlines[scope]]) if (until < now) this.enforceDeadline(account, at);
    }
  }

  private deadlineOf(account: string): number {
    return Math.min(this.deadlines.chain.get(account) ?? Infinity, this.deadlines.matcher.get(account) ?? Infinity);
  }

  private enforceDeadline(account: string, at: number): void {
    if (this.deadlineOf(account) >= seconds(at)) return;
    for (const entry of this.ordersOf(account)) if (entry.isLive) this.drop(entry, "OrdersVoid");
  }

  // ------------------------------------------------------------------ triggers

  private isTriggered({ trigger }: Order): boolean {
    if (trigger.underlying === 0) return true;
    const index = this.indexPrices.get(trigger.underlying);
    return index !== undefined && (trigger.above ? index >= trigger.price : index <= trigger.price);
  }

  private hold(entry: Entry): void {
    entry.state = "held";
    this.happenings.push({ kind: "held", hash: entry.hash });
  }

  private setIndex(underlying: number, price: bigint, at: number): void {
    this.indexPrices.set(underlying, price);
    const waiting = this.index.triggeredBy(underlying);
    // First back into waiting what the exchange would refuse now, so that nothing set off below trades with it.
    for (const entry of waiting) {
      if (entry.state === "resting" && !this.isTriggered(entry.order)) {
        this.unrest(entry);
        this.hold(entry);
      }
    }
    for (const entry of waiting) {
      if (entry.state !== "held" || !this.isTriggered(entry.order)) continue;
      this.happenings.push({ kind: "triggered", hash: entry.hash });
      this.admit(entry, at);
    }
  }

  /** Lets an order in that was checked before; what may not enter now is dropped, not refused. */
  private admit(entry: Entry, at: number): void {
    try {
      this.checkEntry(entry);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.drop(entry, error.code);
      return;
    }
    this.match(entry, at);
  }

  // ------------------------------------------------------------------ what the chain says

  private fillOf(id: number): Fill {
    const fill = this.fills.get(id);
    if (fill === undefined) throw new Refusal("UnknownFill", "no such fill is on its way", { fill: id }, 404);
    return fill;
  }

  private settled(fill: Fill): Entry[] {
    this.fills.delete(fill.id);
    return [fill.maker, fill.taker].map((hash) => {
      const entry = this.orders.get(hash);
      if (entry === undefined) throw new Error("an order is remembered as long as a fill of it is on its way");
      entry.pending -= fill.size;
      this.holdings.expect(entry, -fill.size);
      return entry;
    });
  }

  private confirm(fill: Fill): void {
    for (const entry of this.settled(fill)) {
      entry.filled += fill.size;
      this.holdings.settle(entry, fill.size);
      this.retire(entry);
    }
    this.happenings.push({ kind: "confirmed", fill });
  }

  private fail(fill: Fill, culprits: readonly string[], reason: string, at: number): void {
    const entries = this.settled(fill);
    this.happenings.push({ kind: "failed", fill, reason, culprits });
    // Culprits first, so that what comes back does not trade with them again.
    for (const entry of entries) {
      if (culprits.includes(entry.hash) && !entry.cancelled) this.drop(entry, reason);
    }
    for (const entry of entries) {
      if (entry.cancelled) this.retire(entry);
      else this.giveBack(entry, fill.size, at);
    }
  }

  private giveBack(entry: Entry, size: bigint, at: number): void {
    const { order } = entry;
    if (isImmediateOrCancel(order) || order.expiry < seconds(at)) {
      this.drop(entry, isImmediateOrCancel(order) ? "ImmediateOrCancel" : "Expired");
      return;
    }
    this.unrest(entry);
    // Somebody else may have had part of it filled in the meantime.
    entry.open = least(entry.open + size, order.size - entry.filled - entry.pending);
    if (entry.open <= 0n) {
      entry.open = 0n;
      entry.state = "done";
      this.retire(entry);
    } else if (this.isTriggered(order)) {
      this.match(entry, at);
    } else {
      this.hold(entry);
    }
  }

  private external(hash: string, size: bigint): void {
    const entry = this.orders.get(hash);
    if (entry === undefined) return;
    entry.filled += size;
    const left = entry.order.size - entry.filled - entry.pending;
    entry.open = left > 0n ? least(entry.open, left) : 0n;
    if (entry.isLive && entry.open === 0n) this.drop(entry, "FilledElsewhere");
  }

  // ------------------------------------------------------------------ whole state

  /** Everything, in an order that depends on nothing but the state. */
  state(): EngineState {
    const byText = <T>(a: readonly [string, T], b: readonly [string, T]): number => (a[0] < b[0] ? -1 : 1);
    return {
      nextTurn: this.nextTurn,
      nextFill: this.nextFill,
      cursor: this.cursor ?? null,
      indexPrices: [...this.indexPrices].sort((a, b) => a[0] - b[0]),
      chainDeadlines: [...this.deadlines.chain].sort(byText),
      matcherDeadlines: [...this.deadlines.matcher].sort(byText),
      positions: [...this.positions].sort(byText),
      orders: [...this.orders.values()]
        .sort((a, b) => a.turn - b.turn)
        .map(({ hash, order, signer, signature, turn, state, open, pending, filled, cancelled }) => ({
          hash,
          order,
          signer,
          signature,
          turn,
          state,
          open,
          pending,
          filled,
          cancelled,
        })),
      fills: [...this.fills.values()].sort((a, b) => a.id - b.id),
    };
  }

  static restore(state: EngineState, options: EngineOptions): Engine {
    const engine = new Engine(options);
    engine.nextTurn = state.nextTurn;
    engine.nextFill = state.nextFill;
    engine.cursor = state.cursor ?? undefined;
    for (const [underlying, price] of state.indexPrices) engine.indexPrices.set(underlying, price);
    for (const [account, until] of state.chainDeadlines) engine.deadlines.chain.set(account, until);
    for (const [account, until] of state.matcherDeadlines) engine.deadlines.matcher.set(account, until);
    for (const [key, size] of state.positions) engine.holdings.positions.set(key, size);
    for (const { hash, order, signer, signature, turn, ...rest } of state.orders) {
      const entry = Object.assign(new Entry(hash, order, signer, signature, turn), rest);
      engine.index.add(entry);
      if (entry.state === "resting") engine.bookOf(entry.key).add(entry);
    }
    for (const fill of state.fills) {
      engine.fills.set(fill.id, fill);
      for (const hash of [fill.maker, fill.taker]) {
        const entry = engine.orders.get(hash);
        if (entry !== undefined) engine.holdings.expect(entry, fill.size);
      }
    }
    return engine;
  }
}

export type OrderRecord = SignedOrder & Pick<Entry, "turn" | "state" | "open" | "pending" | "filled" | "cancelled">;

export interface EngineState {
  readonly nextTurn: number;
  readonly nextFill: number;
  readonly cursor: Cursor | null;
  readonly indexPrices: readonly (readonly [number, bigint])[];
  readonly chainDeadlines: readonly (readonly [string, number])[];
  readonly matcherDeadlines: readonly (readonly [string, number])[];
  readonly positions: readonly (readonly [string, bigint])[];
  readonly orders: readonly OrderRecord[];
  readonly fills: readonly Fill[];
}
