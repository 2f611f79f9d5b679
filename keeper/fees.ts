// What a transaction offers to pay, and by how much a replacement has to pay more. All but the readers pure.
import type { JsonRpcProvider } from "ethers";

import { isConnectionError } from "./rpc.ts";

// Nodes accept a replacement that pays a tenth more; an eighth leaves room for rounding.
const BUMP_NUMERATOR = 9n;
const BUMP_DENOMINATOR = 8n;
const DEFAULT_TIP = 1_000_000_000n;

/** Wei for a unit of gas. */
export interface Fees {
  readonly baseFee: bigint;
  readonly tip: bigint;
}

/** What a transaction of type 2 says. Wei for a unit of gas. */
export interface Bid {
  readonly maxFee: bigint;
  readonly tip: bigint;
}

export const readFees = async (provider: JsonRpcProvider): Promise<Fees> => {
  const [block, tip] = await Promise.all([provider.getBlock("latest"), readTip(provider)]);
  return { baseFee: block?.baseFeePerGas ?? 0n, tip };
};

const readTip = async (provider: JsonRpcProvider): Promise<bigint> => {
  try {
    return BigInt((await provider.send("eth_maxPriorityFeePerGas", [])) as string);
  } catch (error) {
    if (isConnectionError(error)) throw error;
    return DEFAULT_TIP; // not every node has an opinion
  }
};

/** Fees of a first attempt: the base fee may double, but it is never more than the ceiling. */
export const firstFees = ({ baseFee, tip }: Fees, ceiling: bigint): Bid => {
  const maxFee = min(2n * baseFee + tip, ceiling);
  return { maxFee, tip: min(tip, maxFee) };
};

/** Fees of a replacement that nodes accept; undefined when that is over the ceiling. */
export const bumpedFees = (last: Bid, market: Fees, ceiling: bigint): Bid | undefined => {
  const leastFee = bump(last.maxFee);
  const leastTip = bump(last.tip);
  if (leastFee > ceiling) return undefined;
  const maxFee = min(max(leastFee, 2n * market.baseFee + market.tip), ceiling);
  return { maxFee, tip: min(max(leastTip, market.tip), maxFee) };
};

/** Fees of an empty transaction that frees the nonce: the market's, whatever that is, for 21,000 gas is all it costs. */
export const cancelFees = (last: Bid, market: Fees): Bid => {
  const maxFee = max(bump(last.maxFee), 2n * market.baseFee + market.tip);
  return { maxFee, tip: min(max(bump(last.tip), market.tip), maxFee) };
};

const bump = (value: bigint): bigint => (value * BUMP_NUMERATOR) / BUMP_DENOMINATOR + 1n;
const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);
