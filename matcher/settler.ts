// Brings fills onto the chain: one batch at a time, tried before it is sent, so that bad fills cost nobody gas.
import { isImmediateOrCancel } from "../sdk/orders.ts";
import type { Command, Fill } from "./commands.ts";
import type { Entry } from "./entry.ts";
import type { Failure, Match } from "./gateway.ts";
import type { Matcher } from "./matcher.ts";

export interface SettlerOptions {
  /** Most fills of a transaction. */
  readonly batch: number;
  /** Pause before what could not be tried or sent is tried again. */
  readonly retryMs: number;
  /** After so many tries a fill is given up. */
  readonly tries: number;
}

export const DEFAULT_SETTLER_OPTIONS: SettlerOptions = { batch: 10, retryMs: 3_000, tries: 20 };

/** Nobody's fault, and over soon: prices that are stale or disagree, a session in progress, a guardian's pause. */
const PASSING: ReadonlySet<string> = new Set([
  "PriceUnusable",
  "NewRiskBlocked",
  "Reentered",
  "CheckPending",
  "ActionPaused",
  "SessionOpen",
  "NotEnoughGas",
]);

const hex = (value: bigint | number): string => `0x${BigInt(value).toString(16)}`;
const bare = (word: string): string => `0x${word.slice(2).replace(/^0+/, "")}`;

/** The orders that a failure is about; both when it names neither: whoever is to blame, they cannot be filled like this. */
export const culpritsOf = (failure: Failure, maker: Entry, taker: Entry): string[] => {
  const about = new Set(failure.about.map((word) => bare(word.toLowerCase())));
  const isNamed = ({ hash, order, signer }: Entry): boolean =>
    [hash, order.account, signer].some((name) => about.has(bare(name))) ||
    // An owner is named by errors like `SelfTrade`, which are about both; his account is what others say.
    (failure.reason === "NonceUsed" && about.has(bare(order.account)) && about.has(bare(hex(order.nonce))));
  const named = [maker, taker].filter(isNamed).map(({ hash }) => hash);
  return named.length > 0 ? named : [maker.hash, taker.hash];
};

export class Settler {
  private readonly tries = new Map<number, number>();
  private running: Promise<void> | undefined;
  private wanted = false;
  private retry: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(
    private readonly matcher: Matcher,
    /** Reads the chain's events up to now, so that what was mined is known. */
    private readonly sync: () => Promise<void>,
    private readonly options: SettlerOptions = DEFAULT_SETTLER_OPTIONS,
  ) {
    matcher.listen(({ kind }) => {
      if (kind === "traded") this.wake();
    });
  }

  /** Looks now, or again when what runs is through. */
  wake(): void {
    this.wanted = true;
    if (this.running !== undefined || this.stopped) return;
    this.running = this.run().finally(() => (this.running = undefined));
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.retry);
    await this.running;
  }

  private async run(): Promise<void> {
    while (this.wanted && !this.stopped) {
      this.wanted = false;
      try {
        while (!this.stopped && (await this.settleSome()));
      } catch (error) {
        this.matcher.log.warn({ event: "settle-error", reason: String(error) }, "cannot settle now");
        this.later();
      }
    }
  }

  private later(): void {
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.wake(), this.options.retryMs);
  }

  /** False: nothing more to do for now. */
  private async settleSome(): Promise<boolean> {
    const batch = this.nextBatch();
    if (batch.length === 0) return false;
    const { gateway } = this.matcher;
    const simulated = await gateway.simulate(batch);
    const isAllGood = await this.handle(batch, simulated);
    const good = batch.filter(({ fill }) => !simulated.has(fill) && this.matcher.engine.fills.has(fill));
    if (good.length === 0 || this.stopped) return isAllGood || this.nextBatch()[0]?.fill !== batch[0]?.fill;

    const submission = await gateway.submit(good);
    if (submission.status === "failed") {
      this.matcher.log.warn(
        { event: "batch-failed", reason: submission.reason, fills: good.length },
        "a batch did not land",
      );
      const failure = { reason: submission.reason, about: [] };
      for (const { fill } of good) await this.postpone(fill, failure);
      this.later();
      return false;
    }
    this.matcher.log.info(
      {
        event: "batch-mined",
        hash: submission.hash,
        fills: good.length - submission.failures.size,
        skipped: submission.failures.size,
      },
      "a batch is on chain",
    );
    await this.sync(); // its events confirm the fills
    return this.handle(good, submission.failures);
  }

  /** In order; an immediate order's fills are not torn apart, because it cannot be filled in a second transaction. */
  private nextBatch(): Match[] {
    const batch: Match[] = [];
    const { fills } = this.matcher.engine;
    const list = [...fills.values()];
    for (let i = 0; i < list.length;) {
      const group = [...this.group(list, i)];
      if (batch.length > 0 && batch.length + group.length > this.options.batch) break;
      batch.push(...group.map((fill) => this.matchOf(fill)));
      i += group.length;
      if (batch.length >= this.options.batch) break;
    }
    return batch;
  }

  private *group(list: readonly Fill[], from: number): Generator<Fill> {
    const first = list[from];
    if (first === undefined) return;
    yield first;
    const taker = this.entry(first.taker);
    if (!isImmediateOrCancel(taker.order)) return;
    for (let i = from + 1; list[i]?.taker === first.taker; i += 1) yield list[i] as Fill;
  }

  private matchOf({ id, maker, taker, size }: Fill): Match {
    return { fill: id, maker: this.entry(maker), taker: this.entry(taker), size };
  }

  private entry(hash: string): Entry {
    const entry = this.matcher.engine.orders.get(hash);
    if (entry === undefined) throw new Error(`order ${hash} is not remembered`);
    return entry;
  }

  /** False: something has to wait. */
  private async handle(batch: readonly Match[], failures: ReadonlyMap<number, Failure>): Promise<boolean> {
    let isAllGood = true;
    for (const { fill } of batch) {
      const failure = failures.get(fill);
      if (failure === undefined || !this.matcher.engine.fills.has(fill)) continue;
      if (PASSING.has(failure.reason)) {
        isAllGood = false;
        await this.postpone(fill, failure);
        this.later();
      } else {
        await this.fail(fill, failure);
      }
    }
    return isAllGood;
  }

  private async postpone(fill: number, failure: Failure): Promise<void> {
    const tries = (this.tries.get(fill) ?? 0) + 1;
    this.tries.set(fill, tries);
    if (tries >= this.options.tries) await this.fail(fill, failure);
  }

  private async fail(id: number, failure: Failure): Promise<void> {
    this.tries.delete(id);
    const fill = this.matcher.engine.fills.get(id);
    if (fill === undefined) return;
    const [maker, taker] = [this.entry(fill.maker), this.entry(fill.taker)];
    const at = this.matcher.clock();
    const commands: Command[] = [];
    let culprits = culpritsOf(failure, maker, taker);
    if (failure.reason === "TriggerNotMet" && failure.index !== undefined) {
      // The index has moved back: the order waits again, it is nobody's fault.
      const { underlying } = (maker.order.trigger.underlying === 0 ? taker : maker).order.trigger;
      commands.push({ kind: "index", at, underlying, price: failure.index });
      culprits = [];
    }
    this.matcher.log.info({ event: "fill-failed", fill: id, reason: failure.reason, culprits }, "a fill was refused");
    await this.matcher.accept(...commands, { kind: "fail", at, fill: id, culprits, reason: failure.reason });
  }
}
