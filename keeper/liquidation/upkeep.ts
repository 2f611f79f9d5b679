// Transactions that earn nothing by themselves: auctions started, kept and ended, and chores.
import type { Logger } from "pino";

import type { Chain } from "../chain.ts";
import type { Coordinator } from "../replicas.ts";
import type { Round } from "../reckoning.ts";
import { describeError, isRevert } from "../rpc.ts";
import type { Job, Sender } from "../sender.ts";
import type { Teller } from "../teller.ts";
import type { Outcomes } from "./outcomes.ts";
import { gasLimit } from "./planner.ts";

const FEE_FACTOR = 4n;

export class UpkeepDesk {
  constructor(
    private readonly chain: Chain,
    /** Undefined in a dry run. */
    private readonly sender: Sender | undefined,
    private readonly outcomes: Outcomes,
    private readonly coordinator: Coordinator,
    private readonly address: string,
    private readonly teller: Teller,
    private readonly log: Logger,
  ) {}

  /** Sends it unless it would fail or is on its way already. */
  async keepUp(round: Round, kind: Job["kind"], subject: string, to: string, data: string): Promise<void> {
    if (this.sender === undefined) {
      this.teller.would(kind, subject);
      return;
    }
    if (this.sender.isBusy(subject) || this.sender.inFlight >= this.sender.maxInFlight) return;
    this.coordinator.check();
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
    const job: Job = { kind, subject, to, data, gasLimit: gas, feeCeiling: FEE_FACTOR * (2n * baseFee + tip) };
    this.outcomes.ofUpkeep(this.sender.send(job), job);
  }
}
