// Says what happens to accounts once, not at every look.
import type { Logger } from "pino";

import { type Health, isUnhealthy } from "./health.ts";
import { decimal } from "./logger.ts";

export class Teller {
  /** Accounts last seen below maintenance, with why nothing was done. */
  private readonly unhealthy = new Map<string, string>();
  private readonly unpriced = new Set<string>();
  private readonly told = new Set<string>();

  constructor(private readonly log: Logger) {}

  /** Whether some account needs to be looked at again even without a new block. */
  get hasUnhealthy(): boolean {
    return this.unhealthy.size > 0;
  }

  /** Those told of as below maintenance. */
  get known(): string[] {
    return [...this.unhealthy.keys()];
  }

  forget(account: string): void {
    this.unhealthy.delete(account);
  }

  changes(healths: readonly Health[]): void {
    const seen = new Set(healths.map(({ account }) => account));
    for (const account of this.unhealthy.keys()) if (!seen.has(account)) this.unhealthy.delete(account);
    for (const health of healths) {
      this.pricing(health);
      this.crossing(health);
    }
  }

  /** Aloud when the kind of reason is new; numbers in it change with every block. */
  waiting(account: string, reason: string, facts: object, event = "waiting"): void {
    const kind = `${event}:${reason.replace(/-?\d+(\.\d+)?/g, "#")}`;
    const isNew = this.unhealthy.get(account) !== kind;
    this.unhealthy.set(account, kind);
    this.log[isNew ? "info" : "debug"]({ event, account, reason, ...facts }, "not bidding");
  }

  /** Of a dry run. */
  would(kind: string, subject: string): void {
    const isNew = !this.told.has(`${kind}:${subject}`);
    this.told.add(`${kind}:${subject}`);
    this.log[isNew ? "info" : "debug"]({ event: `would-${kind}`, account: subject }, `dry run: would ${kind}`);
  }

  private pricing({ account, priced }: Health): void {
    if (!priced && !this.unpriced.has(account)) {
      this.unpriced.add(account);
      this.log.warn({ event: "unpriced", account }, "cannot be weighed: a price is unusable");
    } else if (priced && this.unpriced.delete(account)) {
      this.log.info({ event: "priced", account }, "can be weighed again");
    }
  }

  private crossing(health: Health): void {
    const { account, priced, maintenance, mtm, inAuction } = health;
    if (isUnhealthy(health) && !this.unhealthy.has(account)) {
      this.unhealthy.set(account, "");
      this.log.info(
        { event: "unhealthy", account, maintenance: decimal(maintenance), mtm: decimal(mtm), inAuction },
        "below maintenance",
      );
    } else if (priced && maintenance >= 0n && this.unhealthy.delete(account)) {
      this.log.info({ event: "recovered", account, maintenance: decimal(maintenance) }, "healthy again");
    }
  }
}
