// Tells what came of transactions, whenever that is known.
import type { TransactionReceipt } from "ethers";
import type { Logger } from "pino";

import type { Chain } from "../chain.ts";
import { decimal } from "../logger.ts";
import type { Reckoning } from "../reckoning.ts";
import { contractError, describeError } from "../rpc.ts";
import type { Job, Outcome, Resumed } from "../sender.ts";
import type { Tally } from "../tally.ts";
import type { Teller } from "../teller.ts";
import { gasCost } from "./planner.ts";

type What = Pick<Job, "kind" | "subject" | "to" | "data">;

/** What is known of a bid when it is sent. */
export interface Terms {
  readonly account: string;
  /** Of one that is taken over: what its unwinder would say in an event. Settlement token units. */
  readonly worth?: (fraction: bigint, price: bigint) => bigint;
  readonly facts: object;
}

export class Outcomes {
  private readonly followUps = new Set<Promise<void>>();
  /** How many transactions have ended, one way or the other. */
  landed = 0;

  constructor(
    private readonly chain: Chain,
    private readonly reckoning: Reckoning,
    private readonly tally: Tally,
    private readonly address: string,
    private readonly teller: Teller,
    private readonly log: Logger,
  ) {}

  /** Resolves when everything followed has been told of. */
  async settled(): Promise<void> {
    await Promise.all(this.followUps);
  }

  /** What an earlier run, or a reorganisation, left on its way. */
  resume(resumed: readonly Resumed[]): void {
    for (const { job, landing } of resumed) {
      if (job.kind === "bid") this.ofBid(landing, job, { account: job.subject, facts: {} });
      else this.ofUpkeep(landing, job);
    }
  }

  ofBid(landing: Promise<Outcome>, job: What, terms: Terms, ended: () => Promise<void> | void = () => undefined): void {
    this.follow(landing, job, async (outcome) => {
      await ended();
      if (outcome.status === "mined") this.bidMined(outcome.receipt, outcome.hash, terms);
    });
  }

  ofUpkeep(landing: Promise<Outcome>, job: What): void {
    this.follow(landing, job, (outcome) => {
      if (outcome.status !== "mined") return;
      const { receipt, hash } = outcome;
      this.log.info(
        {
          event: job.kind,
          account: job.subject,
          gas: Number(receipt.gasUsed),
          gasCost: this.reckoning.money(this.costOf(receipt)),
          block: receipt.blockNumber,
          hash,
        },
        `${job.kind} done`,
      );
    });
  }

  private bidMined(receipt: TransactionReceipt, hash: string, { account, worth, facts }: Terms): void {
    this.teller.forget(account);
    const { fraction, price, profit } = this.taken(receipt, worth);
    this.tally.bidWon(hash, profit);
    this.log.info(
      {
        event: "bid",
        account,
        ...facts,
        fraction: decimal(fraction),
        price: this.reckoning.money(price),
        profit: this.reckoning.money(profit),
        gas: Number(receipt.gasUsed),
        gasCost: this.reckoning.money(this.costOf(receipt)),
        block: receipt.blockNumber,
        hash,
      },
      "bid taken",
    );
  }

  private taken(
    receipt: TransactionReceipt,
    worth: Terms["worth"],
  ): { fraction: bigint; price: bigint; profit: bigint } {
    const { unwinder, safe } = this.chain;
    for (const entry of receipt.logs) {
      const parsed = unwinder.interface.parseLog(entry);
      if (parsed?.name !== "Unwound") continue;
      const [, , fraction, price, profit] = parsed.args as unknown as [string, string, bigint, bigint, bigint];
      return { fraction, price, profit };
    }
    for (const entry of receipt.logs) {
      const parsed = safe.interface.parseLog(entry);
      if (parsed?.name !== "BidTaken") continue;
      const [, , fraction, price] = parsed.args as unknown as [string, string, bigint, bigint];
      return { fraction, price, profit: worth?.(fraction, price) ?? 0n };
    }
    return { fraction: 0n, price: 0n, profit: 0n };
  }

  /** Outcomes come when they come; what all kinds have in common is told here. */
  private follow(landing: Promise<Outcome>, job: What, done: (outcome: Outcome) => Promise<void> | void): void {
    const followUp = landing
      .then(async (outcome) => {
        const { status } = outcome;
        this.tally.metrics.transactions.inc({ kind: job.kind, status });
        if (status === "mined" || status === "reverted") {
          this.tally.spent(job.kind, outcome.receipt.gasUsed, this.costOf(outcome.receipt));
        }
        await done(outcome);
        if (status !== "mined" && status !== "left") await this.tellLost(job, outcome);
      })
      .catch((error: unknown) => {
        const { kind, subject: account } = job;
        this.tally.metrics.errors.inc({ kind: "transaction" });
        this.log.warn(
          { event: `${kind}-lost`, account, status: "failed", reason: describeError(error) },
          `${kind} failed`,
        );
      })
      .finally(() => {
        this.landed += 1;
        this.followUps.delete(followUp);
      });
    this.followUps.add(followUp);
  }

  private async tellLost(job: What, outcome: Outcome): Promise<void> {
    const { kind, subject: account } = job;
    if (kind === "bid") this.tally.bidLost();
    let reason: string = outcome.status;
    if (outcome.status === "rejected") reason = outcome.reason;
    if (outcome.status === "reverted") reason = await this.revertReason(job, outcome.receipt.blockNumber);
    const hash = "hash" in outcome ? outcome.hash : null;
    this.log.warn({ event: `${kind}-lost`, account, status: outcome.status, reason, hash }, `${kind} came to nothing`);
  }

  /** Why it failed, by doing it again where it failed. */
  private async revertReason(job: What, block: number): Promise<string> {
    try {
      await this.chain.provider.call({ from: this.address, to: job.to, data: job.data, blockTag: block });
      return "it would have passed at the end of its block";
    } catch (error) {
      return contractError(error)?.name ?? describeError(error);
    }
  }

  private costOf({ gasUsed, gasPrice }: TransactionReceipt): bigint {
    return gasCost(gasUsed, gasPrice, this.reckoning.rates());
  }
}
