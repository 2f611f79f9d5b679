// The two ways to take an account: through the unwinder, which sells what it takes, and into the keeper's own account.
import type { ILiquidationUnwinder, IMarginAccounts } from "../../types/ethers-contracts/index.js";
import { namedError } from "../rpc.ts";
import { ANY_PRICE, AS_MUCH_AS_ALLOWED, type Simulation } from "./planner.ts";
import type { Call, Result } from "./simulation.ts";

/** Why a bid would not go through, or not pay. */
export interface Refusal {
  readonly reason: string;
}

export const isRefusal = (result: object): result is Refusal => "reason" in result;

// Long enough for a replacement or two, short enough that a forgotten one cannot surprise anybody.
export const VALID_SECONDS = 120;

export interface UnwindPlan {
  readonly account: string;
  readonly routes: readonly string[];
  readonly recipient: string;
}

export const unwindCall = (
  unwinder: { address: string; contract: ILiquidationUnwinder },
  plan: UnwindPlan,
  fraction: bigint,
  minProfit: bigint,
  now: number,
): Call => ({
  from: plan.recipient,
  to: unwinder.address,
  data: unwinder.contract.interface.encodeFunctionData("liquidate", [
    {
      account: plan.account,
      fraction,
      limit: ANY_PRICE,
      minProfit,
      routes: [...plan.routes],
      recipient: plan.recipient,
      deadline: BigInt(now + VALID_SECONDS),
    },
  ]),
});

/** `limit`: the most that is paid for it, settlement token units; negative: the least that must be received. */
export const takeCall = (
  safe: { address: string; contract: IMarginAccounts },
  from: string,
  account: string,
  into: string,
  fraction: bigint,
  limit: bigint,
): Call => ({
  from,
  to: safe.address,
  data: safe.contract.interface.encodeFunctionData("bid", [account, into, fraction, limit]),
});

/** What an unwinding bid would bring. */
export const unwound = (unwinder: ILiquidationUnwinder, fraction: bigint, result: Result): Simulation | Refusal => {
  if (!result.ok) return { reason: namedError(result.data) };
  const [taken, price, profit] = unwinder.interface.decodeFunctionResult("liquidate", result.data) as unknown as [
    bigint,
    bigint,
    bigint,
  ];
  return { fraction, taken, price, profit };
};

/** What taking an account over is worth: its equity at the mid marks, less price and what unwinding it will cost. */
export interface Worth {
  /** Settlement token units, at mid; earlier bids' cash left out. */
  readonly equity: bigint;
  /** Of everything that is taken, either sign. */
  readonly gross: bigint;
  readonly unwindCostBps: number;
}

const WAD = 10n ** 18n;
const BPS = 10_000n;

export const takenOver = (
  safe: IMarginAccounts,
  fraction: bigint,
  result: Result,
  { equity, gross, unwindCostBps }: Worth,
): Simulation | Refusal => {
  if (!result.ok) return { reason: namedError(result.data) };
  const [taken, price] = safe.interface.decodeFunctionResult("bid", result.data) as unknown as [bigint, bigint];
  const profit = (equity * taken) / WAD - price - (gross * taken * BigInt(unwindCostBps)) / WAD / BPS;
  return { fraction, taken, price, profit };
};

/** As much as is allowed cannot be said as a number: it moves with the prices. */
export const fractionOf = (fraction: bigint, maximum: bigint): bigint =>
  fraction === AS_MUCH_AS_ALLOWED ? maximum : fraction;
