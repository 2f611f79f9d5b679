// What a bid would do if it were mined next.
import type { ILiquidationUnwinder } from "../types/ethers-contracts/index.js";
import { ANY_PRICE, gasLimit, type Simulation } from "./planner.ts";
import { describeError, isRevert } from "./rpc.ts";

export interface BidPlan {
  readonly account: string;
  readonly routes: readonly string[];
  readonly recipient: string;
}

/** Why a bid would not go through, or not pay. */
export interface Refusal {
  readonly reason: string;
}

export const isRefusal = (result: object): result is Refusal => "reason" in result;

// Long enough for a replacement or two, short enough that a forgotten one cannot surprise anybody.
const VALID_SECONDS = 600;

export const bidOrder = (
  plan: BidPlan,
  fraction: bigint,
  minProfit: bigint,
  now: number,
): ILiquidationUnwinder.OrderStruct => ({
  account: plan.account,
  fraction,
  limit: ANY_PRICE,
  minProfit,
  routes: [...plan.routes],
  recipient: plan.recipient,
  deadline: BigInt(now + VALID_SECONDS),
});

/**
 * Runs the bid on top of what is about to be mined (`pending`), or, for a bid that is itself about to be mined, without that
 * (`latest`).
 */
export const simulate = async (
  unwinder: ILiquidationUnwinder,
  plan: BidPlan,
  fraction: bigint,
  now: number,
  blockTag: "pending" | "latest" = "pending",
): Promise<Simulation | Refusal> => {
  try {
    const order = bidOrder(plan, fraction, 0n, now);
    const {
      fraction: taken,
      price,
      profit,
    } = await unwinder.liquidate.staticCall(order, {
      from: plan.recipient,
      blockTag,
    });
    return { fraction, taken, price, profit };
  } catch (error) {
    if (!isRevert(error)) throw error;
    return { reason: describeError(error) };
  }
};

/** Gas to allow, or why it would fail. */
export const estimate = async (
  unwinder: ILiquidationUnwinder,
  plan: BidPlan,
  simulation: Simulation,
  now: number,
): Promise<bigint | Refusal> => {
  try {
    const order = bidOrder(plan, simulation.fraction, 0n, now);
    return gasLimit(await unwinder.liquidate.estimateGas(order, { from: plan.recipient }));
  } catch (error) {
    if (!isRevert(error)) throw error;
    return { reason: describeError(error) };
  }
};
