// Finds, for a handful of accounts together, the largest bid on each that pays: through the unwinder, or into the keeper's
// own account. All are simulated in one block, in the order in which they would be sent, so each meets the prices that those
// before it leave behind.
import type { LiquidationAuction } from "../../types/ethers-contracts/index.js";
import type { Chain } from "../chain.ts";
import { namedError } from "../rpc.ts";
import type { Reckoning, Round } from "../reckoning.ts";
import type { Candidate } from "./candidate.ts";
import type { Holder } from "./holder.ts";
import { isRefusal, type Refusal, takeCall, takenOver, unwindCall, unwound } from "./orders.ts";
import {
  type AuctionStatus,
  fractionsToTry,
  gasCost,
  isProfitable,
  leastProfit,
  mustStartFirst,
  type Offer,
  type Simulation,
} from "./planner.ts";
import type { Call, Result, Simulator } from "./simulation.ts";

/** A bid that pays, ready to be sent. */
export interface Ready extends Offer {
  readonly account: string;
  readonly status: AuctionStatus;
  readonly way: "unwind" | "hold";
  readonly call: Call;
  /** The same without a least profit: to see what it would bring later. */
  readonly again: Call;
  readonly read: (result: Result) => Simulation | Refusal;
  readonly routes: readonly string[];
}

/** What was found out about one account. */
export interface Finding {
  readonly candidate: Candidate;
  /** Undefined: it could not be read. */
  readonly status: AuctionStatus | undefined;
  readonly offer: Ready | Refusal;
}

type Way = Pick<Ready, "way" | "routes"> & {
  readonly build: (fraction: bigint, minProfit: bigint) => Call;
  readonly read: (fraction: bigint, result: Result) => Simulation | Refusal;
};

const STATUS_BATCH = 40;

export class Offers {
  constructor(
    private readonly chain: Chain,
    private readonly reckoning: Reckoning,
    private readonly simulator: Simulator,
    /** Undefined: the keeper has no account of its own. */
    private readonly holder: Holder | undefined,
    private readonly address: string,
  ) {}

  /** In the order of the candidates. */
  async find(round: Round, candidates: readonly Candidate[]): Promise<Finding[]> {
    const statuses = await this.statuses(round.neighbours.auction, candidates);
    const findings = new Map<Candidate, Finding>();
    let open: { candidate: Candidate; status: AuctionStatus; ways: Way[] }[] = [];
    candidates.forEach((candidate, i) => {
      const status = statuses[i];
      if (status === undefined || "reason" in status) {
        const reason = status?.reason ?? "its auction cannot be read";
        findings.set(candidate, { candidate, status: undefined, offer: { reason } });
      } else if (!status.liquidatable) {
        findings.set(candidate, { candidate, status, offer: { reason: "not below maintenance" } });
      } else if (mustStartFirst(status)) {
        const reason = "insolvent: an auction must be started before it can be bid on";
        findings.set(candidate, { candidate, status, offer: { reason } });
      } else {
        open.push({ candidate, status, ways: this.waysFor(round, candidate, status) });
      }
    });
    // A whole round for each size: those that pay at the largest are done after the first.
    for (let size = 0; open.length > 0; size += 1) {
      const tries = open.flatMap(({ candidate, status, ways }) => {
        const fraction = fractionsToTry(status.maxFraction)[size];
        return fraction === undefined ? [] : ways.map((way) => ({ candidate, status, way, fraction }));
      });
      const results = await this.simulator.run(tries.map(({ way, fraction }) => way.build(fraction, 0n)));
      const offers = await Promise.all(
        tries.map((each, i) => this.priced(round, each.status, each.candidate, each.way, each.fraction, results[i])),
      );
      for (const { candidate, status, ways } of open) {
        const own = offers.filter((_, i) => tries[i]?.candidate === candidate);
        const best = own.filter((each): each is Ready => !isRefusal(each)).sort(byNet(round))[0];
        const earlier = findings.get(candidate)?.offer;
        const none: Refusal = { reason: ways.length === 0 ? "no way to take it over" : "nothing to bid on" };
        const offer = best ?? earlier ?? own[0] ?? none;
        findings.set(candidate, { candidate, status, offer });
      }
      open = open.filter(({ candidate, status }) => {
        const offer = findings.get(candidate)?.offer;
        return offer !== undefined && isRefusal(offer) && fractionsToTry(status.maxFraction)[size + 1] !== undefined;
      });
    }
    return candidates.flatMap((candidate) => findings.get(candidate) ?? []);
  }

  private async statuses(
    auction: LiquidationAuction,
    candidates: readonly Candidate[],
  ): Promise<(AuctionStatus | Refusal)[]> {
    const to = await auction.getAddress();
    const calls = candidates.map(({ account }) => ({
      from: this.address,
      to,
      data: auction.interface.encodeFunctionData("status", [account]),
    }));
    const results: Result[] = [];
    for (let at = 0; at < calls.length; at += STATUS_BATCH) {
      results.push(...(await this.simulator.run(calls.slice(at, at + STATUS_BATCH))));
    }
    return results.map(({ ok, data }) =>
      ok ? (auction.interface.decodeFunctionResult("status", data)[0] as AuctionStatus) : { reason: namedError(data) },
    );
  }

  private waysFor(round: Round, candidate: Candidate, status: AuctionStatus): Way[] {
    const { account } = candidate;
    const { hasLedger, trades } = candidate.details();
    const { unwinder, safe, addresses } = this.chain;
    const ways: Way[] = [];
    if (!hasLedger) {
      const routes = round.pickRoutes(trades);
      const plan = { account, routes, recipient: this.address };
      const door = { address: addresses.unwinder, contract: unwinder };
      ways.push({
        way: "unwind",
        routes,
        build: (fraction, minProfit) => unwindCall(door, plan, fraction, minProfit, round.now),
        read: (fraction, result) => unwound(unwinder, fraction, result),
      });
    }
    const { holder } = this;
    if (holder?.mayTake(candidate, status.maxFraction) === true) {
      const { unit } = this.reckoning;
      const worth = {
        equity: status.mtm / unit - status.reserved,
        gross: (BigInt(Math.round(candidate.gross * 1e6)) * 10n ** 12n) / unit,
        unwindCostBps: holder.options.unwindCostBps,
      };
      const door = { address: addresses.safe, contract: safe };
      ways.push({
        way: "hold",
        routes: [],
        // What is paid more than the least profit allows would be a worse bid than the one that was simulated.
        build: (fraction, limit) =>
          takeCall(door, this.address, account, holder.account, fraction, limit === 0n ? (1n << 255n) - 1n : limit),
        read: (fraction, result) => takenOver(safe, fraction, result, worth),
      });
    }
    return ways;
  }

  /** With its gas; refused when that leaves too little. */
  private async priced(
    round: Round,
    status: AuctionStatus,
    candidate: Candidate,
    way: Way,
    fraction: bigint,
    result: Result | undefined,
  ): Promise<Ready | Refusal> {
    if (result === undefined) return { reason: "the node did not simulate it" };
    const simulation = way.read(fraction, result);
    if (isRefusal(simulation)) return simulation;
    const again = way.build(fraction, 0n);
    const gas = await this.simulator.gasFor(again, result);
    if (gas === undefined) return { reason: "it passes alone, but not with what is about to be mined" };
    const offer: Offer = { ...simulation, gas };
    const { economics } = round;
    if (!isProfitable(offer, economics)) {
      const [profit, cost] = [
        this.reckoning.money(offer.profit),
        this.reckoning.money(gasCost(gas, economics.gasPrice, economics)),
      ];
      return { reason: `profit ${profit} does not cover gas ${cost} and the least profit` };
    }
    const spare = offer.profit - leastProfit(offer, economics);
    // The unwinder is told the least profit; the safe the most that may be paid for it to be left.
    const bound = way.way === "unwind" ? leastProfit(offer, economics) : nonZero(offer.price + spare);
    return {
      ...offer,
      account: candidate.account,
      status,
      way: way.way,
      routes: way.routes,
      call: way.build(fraction, bound),
      again,
      read: (later) => way.read(fraction, later),
    };
  }
}

// Zero means "no limit" to the builder; a limit of exactly zero is said as the unit beside it.
const nonZero = (limit: bigint): bigint => (limit === 0n ? -1n : limit);

const byNet =
  ({ economics }: Round) =>
  (a: Ready, b: Ready): number => {
    const net = (offer: Ready) => offer.profit - gasCost(offer.gas, economics.gasPrice, economics);
    return net(b) > net(a) ? 1 : -1;
  };
