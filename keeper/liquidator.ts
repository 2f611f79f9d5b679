// Does what pays about accounts below maintenance, and the upkeep that it takes.
import type { TransactionReceipt } from "ethers";
import type { Logger } from "pino";

import { accountId } from "../scripts/lib/ids.ts";
import type { Chain } from "./chain.ts";
import type { Health } from "./evaluator.ts";
import { decimal } from "./logger.ts";
import {
  type AuctionStatus,
  feeCeiling,
  fractionsToTry,
  gasCost,
  gasLimit,
  isProfitable,
  isProofNeeded,
  leastProfit,
  mustStartFirst,
  type Offer,
  type Simulation,
  type Step,
  stepWithoutBid,
} from "./planner.ts";
import type { Reckoning, Round } from "./reckoning.ts";
import { contractError, describeError, isRevert } from "./rpc.ts";
import { type Job, MAX_IN_FLIGHT, type Outcome, type Sender } from "./sender.ts";
import { bidOrder, type BidPlan, estimate, isRefusal, type Refusal, simulate } from "./simulator.ts";
import type { Teller } from "./teller.ts";

const PHASES = ["none", "solvent", "insolvent"] as const;
// A start and a few pokes: what an auction costs whoever keeps it.
const UPKEEP_GAS = 400_000n;
const UPKEEP_FEE_FACTOR = 4n;

export interface Totals {
  bids: number;
  lost: number;
  /** Settlement tokens, decimal text. */
  profit: string;
  gasCost: string;
}

export class Liquidator {
  private readonly counts = { bids: 0, lost: 0, profit: 0n, gasCost: 0n };
  private readonly followUps = new Set<Promise<void>>();
  /** How many of its transactions have ended, one way or the other. */
  landed = 0;

  constructor(
    private readonly chain: Chain,
    private readonly reckoning: Reckoning,
    /** Undefined in a dry run. */
    private readonly sender: Sender | undefined,
    /** Where profits and starters' fees go. */
    private readonly address: string,
    private readonly teller: Teller,
    private readonly log: Logger,
  ) {}

  get totals(): Totals {
    const { bids, lost, profit, gasCost: cost } = this.counts;
    return { bids, lost, profit: this.reckoning.money(profit), gasCost: this.reckoning.money(cost) };
  }

  /** Takes up what an earlier run left on its way, so that its end is told too. */
  async resume(): Promise<void> {
    for (const { job, landing } of (await this.sender?.resume()) ?? []) {
      this.whenDone(landing, job, (outcome) => {
        if (job.kind === "bid") this.bidEnded(outcome, { account: job.subject });
        else this.upkeepEnded(outcome, job);
      });
    }
  }

  /** Resolves when everything sent has been told of, or `ms` later. */
  async finish(ms: number): Promise<void> {
    if (this.sender !== undefined && this.sender.inFlight > 0) {
      this.log.info({ event: "stopping", inFlight: this.sender.inFlight }, "waiting for what was sent");
    }
    await this.sender?.drain(ms);
    await Promise.all(this.followUps);
  }

  /** Bids on an account below maintenance, or sees to it that its auction runs. */
  async consider(round: Round, health: Health): Promise<void> {
    const { account } = health;
    if (this.sender !== undefined && (this.sender.isBusy(account) || this.sender.inFlight >= MAX_IN_FLIGHT)) return;
    try {
      const status = await round.neighbours.auction.status(account, { blockTag: "pending" });
      if (!status.liquidatable) return;
      if (mustStartFirst(status)) {
        await this.withoutBid(round, account, status, "insolvent: an auction must be started before it can be bid on");
        return;
      }
      const offer = await this.findOffer(round, account, status);
      if (isRefusal(offer)) await this.withoutBid(round, account, status, offer.reason);
      else await this.bid(round, account, status, offer);
    } catch (error) {
      // Between the look and now the account may have been taken or have recovered: the next round will know.
      if (!isRevert(error)) throw error;
      this.teller.waiting(account, describeError(error), {});
    }
  }

  private async planFor(round: Round, account: string): Promise<BidPlan> {
    const { balances } = await this.chain.lens.accountView(account);
    const { unit } = this.reckoning;
    const routes = round.pickRoutes(
      balances.map(({ asset, value }) => ({ asset: Number(asset), value: value / unit })),
    );
    return { account, routes, recipient: this.address };
  }

  /** The largest bid that pays, or why none does. */
  private async findOffer(
    round: Round,
    account: string,
    status: AuctionStatus,
  ): Promise<{ plan: BidPlan; offer: Offer } | Refusal> {
    const plan = await this.planFor(round, account);
    const { unwinder } = this.chain;
    const [smallest, ...larger] = fractionsToTry(status.maxFraction);
    if (smallest === undefined) return { reason: "nothing to bid on" };
    const probe = await simulate(unwinder, plan, smallest, round.now);
    // What a part earns grows slower than the part, for it moves the market: if the smallest loses, the larger lose more.
    if (isRefusal(probe)) return probe;
    const others = await Promise.all(larger.map((each) => simulate(unwinder, plan, each, round.now)));
    let refusal: Refusal | undefined;
    for (const result of [...others.reverse(), probe]) {
      const offer = isRefusal(result) ? result : await this.priced(round, plan, result);
      if (!isRefusal(offer)) return { plan, offer };
      refusal ??= offer;
    }
    return refusal ?? { reason: "nothing to bid on" };
  }

  /** With its gas; refused when that leaves too little. */
  private async priced(round: Round, plan: BidPlan, simulation: Simulation): Promise<Offer | Refusal> {
    const { economics } = round;
    const gas = await estimate(this.chain.unwinder, plan, simulation, round.now);
    if (typeof gas !== "bigint") return gas;
    const offer = { ...simulation, gas };
    if (isProfitable(offer, economics)) return offer;
    const { reckoning } = this;
    const [profit, cost] = [
      reckoning.money(offer.profit),
      reckoning.money(gasCost(gas, economics.gasPrice, economics)),
    ];
    return { reason: `profit ${profit} does not cover gas ${cost} and the least profit` };
  }

  private async bid(
    round: Round,
    account: string,
    status: AuctionStatus,
    { plan, offer }: { plan: BidPlan; offer: Offer },
  ): Promise<void> {
    const { unwinder } = this.chain;
    const { economics } = round;
    const terms = {
      account,
      phase: PHASES[Number(status.phase)] ?? "none",
      fraction: decimal(offer.taken),
      maxFraction: decimal(status.maxFraction),
      discountFactor: decimal(status.discountFactor),
      price: this.reckoning.money(offer.price),
      expectedProfit: this.reckoning.money(offer.profit),
    };
    const order = bidOrder(plan, offer.fraction, leastProfit(offer, economics), round.now);
    if (this.sender === undefined) {
      this.teller.waiting(account, "dry run", { ...terms, gas: Number(offer.gas) }, "would-bid");
      return;
    }
    const { to, data } = await unwinder.liquidate.populateTransaction(order);
    const job: Job = {
      kind: "bid",
      subject: account,
      to,
      data,
      gasLimit: offer.gas,
      feeCeiling: feeCeiling(offer.profit, offer.gas, economics),
      reconsider: async () => {
        const again = await simulate(unwinder, plan, offer.fraction, round.now, "latest");
        return isRefusal(again) ? undefined : feeCeiling(again.profit, offer.gas, economics);
      },
    };
    this.log.info({ event: "bidding", ...terms, gasLimit: Number(offer.gas) }, "bidding");
    this.whenDone(this.sender.send(job), job, (outcome) => {
      this.bidEnded(outcome, terms);
    });
  }

  private bidEnded(outcome: Outcome, terms: { account: string }): void {
    if (outcome.status !== "mined") return;
    this.teller.forget(terms.account);
    const { receipt, hash } = outcome;
    const unwound = receipt.logs
      .map((entry) => this.chain.unwinder.interface.parseLog(entry))
      .find((parsed) => parsed?.name === "Unwound");
    const [, , fraction, price, profit] = (unwound?.args ?? []) as unknown as [string, string, bigint, bigint, bigint];
    const cost = this.costOf(receipt);
    this.counts.bids += 1;
    this.counts.profit += profit;
    this.counts.gasCost += cost;
    this.log.info(
      {
        event: "bid",
        ...terms,
        fraction: decimal(fraction),
        price: this.reckoning.money(price),
        profit: this.reckoning.money(profit),
        gas: Number(receipt.gasUsed),
        gasCost: this.reckoning.money(cost),
        block: receipt.blockNumber,
        hash,
      },
      "bid taken",
    );
  }

  /** Nobody earns on it yet: sees to it that the auction runs. */
  private async withoutBid(round: Round, account: string, status: AuctionStatus, reason: string): Promise<void> {
    const { auction, engine } = round.neighbours;
    const { lastTick } = status;
    let isContinuous = true;
    if (isProofNeeded(Number(lastTick), round.now)) {
      const { flags, holdings } = await this.chain.safe.portfolio(account);
      isContinuous = await engine.pricesContinuousSince(account, flags, [...holdings], lastTick);
    }
    const step: Step = stepWithoutBid(status, isContinuous, round.now, round.q, UPKEEP_GAS, round.economics);
    const facts = {
      phase: PHASES[Number(status.phase)] ?? "none",
      discountFactor: decimal(status.discountFactor),
      mtm: decimal(status.mtm),
      maintenance: decimal(status.maintenance),
    };
    this.teller.waiting(account, step === "ignore" ? `too small to be worth its gas (${reason})` : reason, facts);
    if (step === "start") {
      const { to, data } = await auction.start.populateTransaction(account, accountId(this.address));
      await this.keepUp(round, "start", account, to, data);
    } else if (step === "poke") {
      const { to, data } = await auction.poke.populateTransaction(account);
      await this.keepUp(round, "poke", account, to, data);
    }
  }

  /** A transaction that earns nothing by itself. */
  async keepUp(round: Round, kind: Job["kind"], subject: string, to: string, data: string): Promise<void> {
    if (this.sender === undefined) {
      this.teller.would(kind, subject);
      return;
    }
    if (this.sender.isBusy(subject) || this.sender.inFlight >= MAX_IN_FLIGHT) return;
    let gas: bigint;
    try {
      gas = gasLimit(await this.chain.provider.estimateGas({ to, data, from: this.address }));
    } catch (error) {
      if (!isRevert(error)) throw error;
      // Somebody else was first, as a rule.
      this.log.debug(
        { event: "not-needed", kind, account: subject, reason: describeError(error) },
        `${kind} not needed`,
      );
      return;
    }
    const { baseFee, tip } = round.fees;
    const job: Job = {
      kind,
      subject,
      to,
      data,
      gasLimit: gas,
      feeCeiling: UPKEEP_FEE_FACTOR * (2n * baseFee + tip),
    };
    this.whenDone(this.sender.send(job), job, (outcome) => {
      this.upkeepEnded(outcome, job);
    });
  }

  private upkeepEnded(outcome: Outcome, { kind, subject }: Pick<Job, "kind" | "subject">): void {
    if (outcome.status !== "mined") return;
    const cost = this.costOf(outcome.receipt);
    this.counts.gasCost += cost;
    this.log.info(
      {
        event: kind,
        account: subject,
        gas: Number(outcome.receipt.gasUsed),
        gasCost: this.reckoning.money(cost),
        block: outcome.receipt.blockNumber,
        hash: outcome.hash,
      },
      `${kind} done`,
    );
  }

  /** Outcomes come when they come; what all kinds have in common is told here. */
  private whenDone(landing: Promise<Outcome>, job: Job, done: (outcome: Outcome) => void): void {
    const followUp = landing
      .then(async (outcome) => {
        done(outcome);
        if (outcome.status !== "mined" && outcome.status !== "left") await this.tellLost(job, outcome);
      })
      .catch((error: unknown) => {
        const { kind, subject: account } = job;
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

  private async tellLost(job: Job, outcome: Outcome): Promise<void> {
    const { kind, subject: account } = job;
    if (kind === "bid") this.counts.lost += 1;
    let reason: string = outcome.status;
    if (outcome.status === "rejected") reason = outcome.reason;
    if (outcome.status === "reverted") {
      const { receipt } = outcome;
      reason = await this.revertReason(job, receipt.blockNumber);
      this.counts.gasCost += this.costOf(receipt);
    }
    const hash = "hash" in outcome ? outcome.hash : null;
    this.log.warn({ event: `${kind}-lost`, account, status: outcome.status, reason, hash }, `${kind} came to nothing`);
  }

  /** Why it failed, by doing it again where it failed. */
  private async revertReason(job: Job, block: number): Promise<string> {
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
