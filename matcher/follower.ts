// Keeps the books in step with the chain: what was filled, cancelled or voided there, the index that sets orders off, and makers
// who could no longer honour what they signed.
import { isReduceOnly } from "../sdk/orders.ts";
import type { Command, Fill } from "./commands.ts";
import type { Entry } from "./entry.ts";
import type { ChainEvent } from "./gateway.ts";
import type { Matcher } from "./matcher.ts";

export interface FollowerOptions {
  readonly intervalMs: number;
  /** Blocks asked for at once. */
  readonly chunk: number;
  /** Orders tried per round, beside those whose accounts changed: prices move margins too. */
  readonly probesPerRound: number;
}

export const DEFAULT_FOLLOWER_OPTIONS: FollowerOptions = { intervalMs: 1_000, chunk: 2_000, probesPerRound: 20 };

const NONCES_PER_WORD = 256n;

export class Follower {
  /** When the chain was last read to its head; milliseconds. */
  lastSync = 0;
  private readonly changed = new Set<string>();
  private syncing: Promise<void> | undefined;
  private lastProbed = 0;
  private timer: NodeJS.Timeout | undefined;
  private round: Promise<void> | undefined;
  private stopped = false;

  constructor(
    private readonly matcher: Matcher,
    private readonly options: FollowerOptions = DEFAULT_FOLLOWER_OPTIONS,
  ) {}

  start(): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.round = this.once()
        .catch((error: unknown) => {
          this.matcher.log.warn({ event: "follow-error", reason: String(error) }, "cannot read the chain now");
        })
        .finally(() => this.start());
    }, this.options.intervalMs);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.round;
    clearTimeout(this.timer);
  }

  async once(): Promise<void> {
    await this.matcher.commit({ kind: "sweep", at: this.matcher.clock() });
    await this.sync();
    await this.followIndices();
    await this.probe();
  }

  /** Reads events up to the head. One reader at a time: an event must count once. */
  async sync(): Promise<void> {
    while (this.syncing !== undefined) await this.syncing;
    this.syncing = this.read().finally(() => (this.syncing = undefined));
    await this.syncing;
  }

  private async read(): Promise<void> {
    const { gateway, engine } = this.matcher;
    const head = await gateway.head();
    const cursor = engine.cursor;
    if (cursor === undefined) {
      // A first start: there is no order yet that older events could be about.
      await this.matcher.commit({ kind: "synced", at: this.matcher.clock(), block: head.number, hash: head.hash });
    } else if (!(await gateway.isCanonical({ number: cursor.block, hash: cursor.hash }))) {
      await this.rejoin(cursor.block);
    } else {
      for (let from = cursor.block + 1; from <= head.number; from += this.options.chunk) {
        const to = Math.min(head.number, from + this.options.chunk - 1);
        await this.take(await gateway.events(from, to), to, to === head.number ? head.hash : "");
      }
    }
    this.lastSync = this.matcher.clock();
  }

  /** All of these blocks' events and the note that they were read, in one flush: after a kill it is both or neither. */
  private async take(events: readonly ChainEvent[], block: number, hash: string): Promise<void> {
    const at = this.matcher.clock();
    const confirmed = new Set<number>();
    const commands: Command[] = [];
    for (const event of events) commands.push(...this.commandsFor(event, at, confirmed));
    const known = hash === "" ? await this.matcher.gateway.blockHash(block) : hash;
    await this.matcher.accept(...commands, { kind: "synced", at, block, hash: known });
  }

  private commandsFor(event: ChainEvent, at: number, confirmed: Set<number>): Command[] {
    const { engine } = this.matcher;
    const drop = (account: string, isMeant: (entry: Entry) => boolean, reason: string): Command[] =>
      engine
        .ordersOf(account)
        .filter((entry) => entry.isLive && isMeant(entry))
        .map(({ hash }) => ({ kind: "cancel", at, hash, reason }));
    switch (event.kind) {
      case "filled": {
        const fill = this.ours(event.maker, event.taker, event.size, confirmed);
        if (fill !== undefined) {
          confirmed.add(fill.id);
          return [{ kind: "confirm", at, fill: fill.id }];
        }
        return [event.maker, event.taker]
          .filter((hash) => engine.orders.has(hash))
          .map((hash) => ({ kind: "external", at, hash, size: event.size }));
      }
      case "nonces":
        return drop(
          event.account,
          ({ order }) =>
            order.nonce / NONCES_PER_WORD === event.word &&
            ((event.mask >> (order.nonce % NONCES_PER_WORD)) & 1n) === 1n,
          "CancelledOnChain",
        );
      case "upTo":
        return [{ kind: "cancelAll", at, account: event.account, below: event.salt, reason: "CancelledOnChain" }];
      case "alive":
        return [{ kind: "deadline", at, scope: "chain", account: event.account, until: event.validUntil }];
      case "changed":
        this.changed.add(event.account);
        return [];
    }
  }

  private ours(maker: string, taker: string, size: bigint, confirmed: ReadonlySet<number>): Fill | undefined {
    for (const fill of this.matcher.engine.fills.values()) {
      if (fill.maker === maker && fill.taker === taker && fill.size === size && !confirmed.has(fill.id)) return fill;
    }
    return undefined;
  }

  /** The chain was reorganised below what was read: every order is compared with what the exchange says now. */
  private async rejoin(block: number): Promise<void> {
    const { gateway, engine, log } = this.matcher;
    const head = await gateway.head();
    log.warn({ event: "reorg", block, head: head.number }, "the chain was reorganised: comparing all orders with it");
    const commands: Command[] = [];
    const at = this.matcher.clock();
    for (const entry of engine.orders.values()) {
      const { remaining, validUntil } = await gateway.standing(entry, head.number);
      commands.push({ kind: "deadline", at, scope: "chain", account: entry.order.account, until: validUntil });
      const ours = entry.order.size - entry.filled;
      if (remaining < ours) commands.push({ kind: "external", at, hash: entry.hash, size: ours - remaining });
    }
    await this.matcher.accept(...commands, { kind: "synced", at, block: head.number, hash: head.hash });
  }

  // ------------------------------------------------------------------ prices and margins

  private async followIndices(): Promise<void> {
    const { engine, gateway } = this.matcher;
    for (const underlying of engine.triggerUnderlyings()) {
      const price = await gateway.index(underlying);
      if (price === undefined || engine.indexPrices.get(underlying) === price) continue;
      await this.matcher.commit({ kind: "index", at: this.matcher.clock(), underlying, price });
    }
  }

  /** Drops what its maker could not honour: first the accounts that changed, then some of the others, in turn. */
  private async probe(): Promise<void> {
    const { engine } = this.matcher;
    const dirty = [...this.changed];
    this.changed.clear();
    const due = dirty.flatMap((account) => engine.ordersOf(account));
    const resting = [...engine.orders.values()].filter(({ turn }) => turn > this.lastProbed);
    const inTurn = resting.slice(0, this.options.probesPerRound);
    this.lastProbed = inTurn.length < this.options.probesPerRound ? 0 : (inTurn.at(-1)?.turn ?? 0);
    for (const entry of new Set([...due, ...inTurn])) if (!this.stopped) await this.probeOne(entry);
  }

  private async probeOne(entry: Entry): Promise<void> {
    if (entry.state !== "resting" && entry.state !== "held") return;
    const { gateway, clock } = this.matcher;
    const at = clock();
    if (isReduceOnly(entry.order)) {
      // These are cut to the position when they match, so the position is what has to be right.
      for (const { instrument } of entry.order.legs) {
        const size = await gateway.position(entry.order.account, instrument);
        await this.matcher.commit({ kind: "position", at, account: entry.order.account, instrument, size });
      }
      return;
    }
    const failure = await gateway.probe(entry, entry.open);
    if (failure === undefined || !entry.isLive) return;
    this.matcher.log.info(
      { event: "dropped", order: entry.hash, reason: failure.reason },
      "its maker could not honour it",
    );
    await this.matcher.accept({ kind: "cancel", at, hash: entry.hash, reason: failure.reason });
  }
}
