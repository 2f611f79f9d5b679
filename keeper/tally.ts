// What came of the keeper's work, for its totals and for the metrics. A reorganisation takes back what it gave.
import type { Metrics } from "./metrics.ts";
import type { Reckoning } from "./reckoning.ts";
import type { JobKind } from "./state.ts";

export interface Totals {
  bids: number;
  lost: number;
  /** Settlement tokens, decimal text. */
  profit: string;
  gasCost: string;
}

export class Tally {
  private readonly counts = { bids: 0, lost: 0, profit: 0n, gasCost: 0n };
  /** Won bids by transaction: what to take back should they be undone. */
  private readonly won = new Map<string, bigint>();

  constructor(
    private readonly reckoning: Reckoning,
    readonly metrics: Metrics,
  ) {}

  get totals(): Totals {
    const { bids, lost, profit, gasCost } = this.counts;
    return { bids, lost, profit: this.reckoning.money(profit), gasCost: this.reckoning.money(gasCost) };
  }

  bidWon(hash: string, profit: bigint): void {
    if (this.won.has(hash)) return;
    this.won.set(hash, profit);
    this.counts.bids += 1;
    this.counts.profit += profit;
    this.metrics.bids.inc({ outcome: "won" });
    // A counter cannot fall; what a hedge loses shows in the balance.
    if (profit > 0n) this.metrics.profit.inc(this.whole(profit));
  }

  bidLost(): void {
    this.counts.lost += 1;
    this.metrics.bids.inc({ outcome: "lost" });
  }

  undone(hashes: readonly string[]): void {
    for (const hash of hashes) {
      const profit = this.won.get(hash);
      if (profit === undefined) continue;
      this.won.delete(hash);
      this.counts.bids -= 1;
      this.counts.profit -= profit;
      this.metrics.bids.inc({ outcome: "undone" });
    }
  }

  spent(kind: JobKind, gasUsed: bigint, cost: bigint): void {
    this.counts.gasCost += cost;
    this.metrics.gasUsed.inc({ kind }, Number(gasUsed));
    this.metrics.gasCost.inc(this.whole(cost));
  }

  private whole(amount: bigint): number {
    return Number(this.reckoning.money(amount));
  }
}
