// Who else bids: bids in the chain that are not ours, and transactions on their way to the doors for bids.
import type { JsonRpcProvider } from "ethers";

import { isConnectionError } from "../rpc.ts";

// Who bid ten minutes ago is still there.
const NEAR_MS = 600_000;
const SELECTOR_LENGTH = 10;

interface PendingTransaction {
  readonly from: string;
  readonly to: string | null;
  readonly input: string;
}

export class Rivals {
  /** By the keeper's clock, ms. */
  private lastSeen = -Infinity;
  private uncounted = 0;

  constructor(
    private readonly provider: JsonRpcProvider,
    /** Where bids are sent, lower case, with the selectors of the doors. */
    private readonly doors: ReadonlyMap<string, ReadonlySet<string>>,
    private readonly own: string,
  ) {}

  /** A bid by somebody else is in the chain. */
  seen(): void {
    this.uncounted += 1;
    this.lastSeen = Date.now();
  }

  /** Bids seen since this was asked the last time. */
  takeUncounted(): number {
    const { uncounted } = this;
    this.uncounted = 0;
    return uncounted;
  }

  areNear(): boolean {
    return Date.now() - this.lastSeen <= NEAR_MS;
  }

  /** Looks into the pending block; nodes that do not show it say nothing. */
  async look(): Promise<boolean> {
    if (this.areNear()) return true;
    try {
      const block = (await this.provider.send("eth_getBlockByNumber", ["pending", true])) as {
        readonly transactions?: readonly (PendingTransaction | string)[];
      } | null;
      const found = (block?.transactions ?? []).some((each) => typeof each !== "string" && this.isBid(each));
      if (found) this.lastSeen = Date.now();
      return found;
    } catch (error) {
      if (isConnectionError(error)) throw error;
      return false;
    }
  }

  private isBid({ from, to, input }: PendingTransaction): boolean {
    const selectors = to === null ? undefined : this.doors.get(to.toLowerCase());
    if (selectors === undefined || from.toLowerCase() === this.own.toLowerCase()) return false;
    return selectors.has(input.slice(0, SELECTOR_LENGTH).toLowerCase());
  }
}
