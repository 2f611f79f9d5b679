// Bids on accounts below maintenance, the most profitable first, until the next block is full; and sees to it that the
// auctions of the others run.
import type { Logger } from "pino";

import { accountId } from "../../sdk/ids.ts";
import type { Chain } from "../chain.ts";
import { decimal } from "../logger.ts";
import type { Coordinator } from "../replicas.ts";
import type { Reckoning, Round } from "../reckoning.ts";
import { describeError, isRevert } from "../rpc.ts";
import type { Job, Sender } from "../sender.ts";
import type { Teller } from "../teller.ts";
import { byProfit, type Candidate } from "./candidate.ts";
import type { Holder } from "./holder.ts";
import type { Finding, Offers, Ready } from "./offers.ts";
import { fractionOf, isRefusal, VALID_SECONDS } from "./orders.ts";
import type { Outcomes } from "./outcomes.ts";
import { isWorthWaiting } from "./patience.ts";
import { type AuctionStatus, feeCeiling, gasCost, isProofNeeded, stepWithoutBid } from "./planner.ts";
import type { Rivals } from "./rivals.ts";
import type { UpkeepDesk } from "./upkeep.ts";

const PHASES = ["none", "solvent", "insolvent"] as const;
// A start and a few pokes: what an auction costs whoever keeps it.
const UPKEEP_GAS = 400_000n;
/** Accounts simulated together: about as many as fit into a block. */
const CHUNK = 24;
/** A bid on a simple account; only to tell whether a block is enough for all. */
const USUAL_GAS = 600_000n;
/** Accounts on which nothing paid that are looked at again in one round: beyond these each waits for its turn. */
const REFUSED_PER_ROUND = 96;
// A block's worth on top of the next: so that it is full even when others' transactions drop out.
const BLOCKS_AHEAD = 2n;

/** How much may be sent. */
export interface BlockSpace {
  readonly gasLimit: bigint;
}

export class Liquidator {
  private readonly firstPaid = new Map<string, number>();
  /** When (counted in rounds) nothing paid on an account the last time. */
  private readonly refusedAt = new Map<string, number>();
  private rounds = 0;

  constructor(
    private readonly chain: Chain,
    private readonly reckoning: Reckoning,
    private readonly offers: Offers,
    private readonly rivals: Rivals,
    private readonly holder: Holder | undefined,
    /** Undefined in a dry run. */
    private readonly sender: Sender | undefined,
    private readonly desk: UpkeepDesk,
    private readonly outcomes: Outcomes,
    private readonly coordinator: Coordinator,
    private readonly patience: number,
    /** Where profits and starters' fees go. */
    private readonly address: string,
    private readonly teller: Teller,
    private readonly log: Logger,
  ) {}

  /** Takes on all of them, as far as the block goes. */
  async pursue(round: Round, candidates: readonly Candidate[], space: BlockSpace, signal: AbortSignal): Promise<void> {
    this.rounds += 1;
    const queue = this.inOrder(candidates.filter((candidate) => this.isFree(candidate.account)));
    const isCrowded = BigInt(queue.length) * USUAL_GAS > space.gasLimit;
    for (let at = 0, refused = 0; at < queue.length && refused < REFUSED_PER_ROUND; at += CHUNK) {
      if (signal.aborted || !this.hasRoom(space)) return;
      const findings = await this.offers.find(round, queue.slice(at, at + CHUNK));
      for (const finding of findings) {
        if (signal.aborted) return;
        try {
          if (!(await this.settle(round, finding, isCrowded))) refused += 1;
        } catch (error) {
          // Between the look and now the account may have been taken or have recovered: the next round will know.
          if (!isRevert(error)) throw error;
          this.teller.waiting(finding.candidate.account, describeError(error), {});
        }
      }
    }
  }

  /** Why there is no bid on each, without doing anything about it. */
  async explain(round: Round, candidates: readonly Candidate[]): Promise<Finding[]> {
    const findings: Finding[] = [];
    for (let at = 0; at < candidates.length; at += CHUNK) {
      findings.push(...(await this.offers.find(round, candidates.slice(at, at + CHUNK))));
    }
    return findings;
  }

  private isFree(account: string): boolean {
    return (
      this.coordinator.owns(account) && !this.coordinator.isClaimed(account) && this.sender?.isBusy(account) !== true
    );
  }

  private hasRoom({ gasLimit }: BlockSpace): boolean {
    if (this.sender === undefined) return true;
    return this.sender.inFlight < this.sender.maxInFlight && this.sender.gasInFlight < BLOCKS_AHEAD * gasLimit;
  }

  /** By profit; those on which nothing paid lately come after all others, the longest ago first. */
  private inOrder(candidates: readonly Candidate[]): Candidate[] {
    const alive = new Set(candidates.map(({ account }) => account));
    for (const account of this.refusedAt.keys()) if (!alive.has(account)) this.refusedAt.delete(account);
    for (const account of this.firstPaid.keys()) if (!alive.has(account)) this.firstPaid.delete(account);
    const age = ({ account }: Candidate) => this.refusedAt.get(account) ?? 0;
    return [...candidates].sort((a, b) => age(a) - age(b) || byProfit(a, b));
  }

  /** Whether the account is dealt with, by a bid or by knowing that it needs none. */
  private async settle(round: Round, { candidate, status, offer }: Finding, isCrowded: boolean): Promise<boolean> {
    const { account } = candidate;
    if (status === undefined) {
      this.teller.waiting(account, isRefusal(offer) ? offer.reason : "", {});
      return false;
    }
    if (!status.liquidatable) return true;
    if (isRefusal(offer)) {
      this.refusedAt.set(account, this.rounds);
      this.firstPaid.delete(account);
      await this.withoutBid(round, account, status, offer.reason);
      return false;
    }
    if (await this.shouldWait(round, offer, isCrowded)) {
      await this.withoutBid(round, account, status, "the discount grows faster than the risk of losing it");
      return false;
    }
    this.refusedAt.delete(account);
    this.bid(round, candidate, offer);
    return true;
  }

  private async shouldWait(round: Round, offer: Ready, isCrowded: boolean): Promise<boolean> {
    if (this.patience === 0 || isCrowded) return false;
    const { account, status } = offer;
    const since = this.firstPaid.get(account) ?? round.now;
    this.firstPaid.set(account, since);
    const { economics, now, pace } = round;
    const forSale =
      ((status.mtm / this.reckoning.unit - status.reserved) * fractionOf(offer.fraction, status.maxFraction)) /
      10n ** 18n;
    const net = offer.profit - gasCost(offer.gas, economics.gasPrice, economics);
    const circumstances = { rivalsNear: false, isCrowded, waited: now - since, patience: this.patience };
    if (!isWorthWaiting(status, net, forSale, pace, circumstances)) return false;
    return !(await this.rivals.look());
  }

  private bid(round: Round, candidate: Candidate, offer: Ready): void {
    const { account, status, way } = offer;
    const { economics } = round;
    const facts = {
      way,
      phase: PHASES[Number(status.phase)] ?? "none",
      fraction: decimal(offer.taken),
      maxFraction: decimal(status.maxFraction),
      discountFactor: decimal(status.discountFactor),
      price: this.reckoning.money(offer.price),
      expectedProfit: this.reckoning.money(offer.profit),
    };
    const { sender, holder } = this;
    if (sender === undefined) {
      this.teller.waiting(account, "dry run", { ...facts, gas: Number(offer.gas) }, "would-bid");
      return;
    }
    this.coordinator.check();
    const validUntil = way === "unwind" ? round.now + VALID_SECONDS : undefined;
    let nonce: number | undefined;
    const job: Job = {
      kind: "bid",
      subject: account,
      to: offer.call.to,
      data: offer.call.data,
      gasLimit: offer.gas,
      feeCeiling: feeCeiling(offer.profit, offer.gas, economics),
      reconsider: async () => {
        const again = await this.worthNow(offer);
        return again === undefined ? undefined : feeCeiling(again, offer.gas, economics);
      },
      permit: async (signed) => {
        nonce = signed.nonce;
        return this.coordinator.claim(account, this.address, signed, validUntil);
      },
    };
    if (way === "hold") holder?.sent(account, candidate.gross, offer.taken);
    this.log.info({ event: "bidding", account, ...facts, gasLimit: Number(offer.gas) }, "bidding");
    const perFraction = offer.taken === 0n ? 0n : ((offer.profit + offer.price) * 10n ** 18n) / offer.taken;
    const worth = (fraction: bigint, price: bigint) => (perFraction * fraction) / 10n ** 18n - price;
    this.outcomes.ofBid(sender.send(job), job, { account, worth, facts }, async () => {
      holder?.ended(account);
      if (nonce !== undefined) await this.coordinator.settle(account, nonce);
    });
  }

  /** What the same bid would bring if it were the next; undefined: it is wanted no more. */
  private async worthNow(offer: Ready): Promise<bigint | undefined> {
    const call = { ...offer.again, blockTag: "latest" };
    try {
      const data = await this.chain.provider.call(call);
      const again = offer.read({ ok: true, data, gasUsed: 0n });
      return isRefusal(again) ? undefined : again.profit;
    } catch (error) {
      if (!isRevert(error)) throw error;
      return undefined;
    }
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
    const step = stepWithoutBid(status, isContinuous, round.now, round.q, UPKEEP_GAS, round.economics);
    const facts = {
      phase: PHASES[Number(status.phase)] ?? "none",
      discountFactor: decimal(status.discountFactor),
      mtm: decimal(status.mtm),
      maintenance: decimal(status.maintenance),
    };
    this.teller.waiting(account, step === "ignore" ? `too small to be worth its gas (${reason})` : reason, facts);
    if (step === "start") {
      const { to, data } = await auction.start.populateTransaction(account, accountId(this.address));
      await this.desk.keepUp(round, "start", account, to, data);
    } else if (step === "poke") {
      const { to, data } = await auction.poke.populateTransaction(account);
      await this.desk.keepUp(round, "poke", account, to, data);
    }
  }
}
