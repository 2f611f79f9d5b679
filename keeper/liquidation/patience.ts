// Whether to take a bid that pays now, or to let the discount grow. Pure.
import { type AuctionStatus, PHASE, WAD } from "./planner.ts";

/** `LiquidationAuction.Parameters`, as far as they set the pace. */
export interface Pace {
  readonly start: bigint;
  readonly cut: bigint;
  readonly fast: bigint;
  readonly slow: bigint;
}

export interface Circumstances {
  /** Somebody else bids these days, or is about to. */
  readonly rivalsNear: boolean;
  /** More pays than fits into a block: what is not taken now waits anyhow. */
  readonly isCrowded: boolean;
  /** Seconds since a bid on the account paid for the first time. */
  readonly waited: number;
  /** Longest wait, seconds; 0: never. */
  readonly patience: number;
}

// With nobody seen for long, the price's return is what ends a chance: about once in two minutes.
const QUIET_HAZARD_PER_SECOND = 1 / 120;

/** By how much the discount factor falls in a second, WAD. */
export const pacePerSecond = (discountFactor: bigint, { start, cut, fast, slow }: Pace): bigint =>
  discountFactor > cut ? (start - cut) / fast : slow === 0n ? 0n : cut / slow;

/**
 * Waiting pays while what a second adds to the profit is more than what a second may lose of it. The profit is f·(mtm − R)·(1 − d)
 * less costs, so a second adds f·(mtm − R)·pace.
 *
 * @param profit after gas, settlement token units.
 * @param forSale (mtm − R)·f, settlement token units.
 */
export const isWorthWaiting = (
  status: Pick<AuctionStatus, "phase" | "discountFactor">,
  profit: bigint,
  forSale: bigint,
  pace: Pace,
  { rivalsNear, isCrowded, waited, patience }: Circumstances,
): boolean => {
  if (rivalsNear || isCrowded || waited >= patience || profit <= 0n) return false;
  if (Number(status.phase) !== PHASE.solvent) return false; // what insurance adds, others see as well: take it
  const added = (forSale * pacePerSecond(status.discountFactor, pace)) / WAD;
  return Number(added) > Number(profit) * QUIET_HAZARD_PER_SECOND;
};
