/** Sending, and waiting until it is known what became of it. */
import { isError, type Provider, type Signer, type TransactionReceipt, type TransactionRequest } from "ethers";

import { type ContractError, decodeRevert, RevertError, revertDataOf } from "../errors/index.ts";
import { decodeEvents, type EventDecoder, type ProtocolEvent } from "../events.ts";
import { isRejection } from "../signatures.ts";
import type { Action } from "./action.ts";
import { TransactionDropped, TransactionRejected, TransactionReplaced, TransactionTimeout } from "./errors.ts";
import { refusal } from "./simulate.ts";
import { errorContext, type Venue } from "./venue.ts";

/** What the sender decides; the rest is the node's proposal. */
export type SendOverrides = Pick<
  TransactionRequest,
  "nonce" | "gasLimit" | "gasPrice" | "maxFeePerGas" | "maxPriorityFeePerGas"
>;

/** How to wait. */
export interface WaitOptions {
  /** Blocks that it must be deep, its own included; 1 by default. */
  readonly confirmations?: number;
  /** Seconds until {@link TransactionTimeout}; 300 by default. */
  readonly timeout?: number;
  /** Milliseconds between looks; 1,000 by default. */
  readonly interval?: number;
}

/** A mined transaction that went through. */
export interface Receipt {
  readonly action: Action;
  readonly hash: string;
  readonly blockNumber: number;
  readonly gasUsed: bigint;
  /** Wei paid for gas. */
  readonly fee: bigint;
  /** The protocol's events in it, in order. */
  readonly events: readonly ProtocolEvent[];
}

/** A transaction on its way. */
export interface Sent {
  readonly action: Action;
  readonly hash: string;
  readonly from: string;
  readonly nonce: number;
  /**
   * Waits until it is mined. Throws {@link TransactionReverted}, {@link TransactionReplaced}, {@link TransactionDropped} or
   * {@link TransactionTimeout}.
   */
  readonly wait: (options?: WaitOptions) => Promise<Receipt>;
}

/** Mined, and refused by the chain. */
export class TransactionReverted extends RevertError {
  constructor(
    readonly hash: string,
    readonly blockNumber: number,
    reason: ContractError,
  ) {
    super(reason);
  }
}

interface Context {
  readonly venue: Venue;
  readonly provider: Provider;
  readonly decode: EventDecoder;
}

const SECOND_MS = 1_000;
const TIMEOUT_SECONDS = 300;
/** Looks in a row at which no node had it: one may be a node that lags. */
const LOST_LOOKS = 3;

const GAS_MARGIN = 12n;
const TEN = 10n;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Why a mined transaction failed: asked again on the state before its block, which is near enough for a reason. */
const reasonOf = async (
  { venue, provider }: Context,
  action: Action,
  receipt: TransactionReceipt,
): Promise<ContractError> => {
  const { from, blockNumber } = receipt;
  const context = { ...errorContext(venue), ...(action.attempt !== undefined && { attempt: action.attempt }) };
  try {
    const { to, data, value } = action;
    await provider.call({ to, data, value, from, blockTag: Math.max(0, blockNumber - 1) });
    return decodeRevert("0x", context);
  } catch (error) {
    return decodeRevert(revertDataOf(error) ?? "0x", context);
  }
};

const settled = async (context: Context, action: Action, receipt: TransactionReceipt): Promise<Receipt> => {
  if (receipt.status === 0) {
    throw new TransactionReverted(receipt.hash, receipt.blockNumber, await reasonOf(context, action, receipt));
  }
  return {
    action,
    hash: receipt.hash,
    blockNumber: receipt.blockNumber,
    gasUsed: receipt.gasUsed,
    fee: receipt.fee,
    events: decodeEvents(receipt.logs, context.decode),
  };
};

interface Tracked {
  readonly hash: string;
  readonly from: string;
  readonly nonce: number;
}

/** The mined transaction that took the nonce, looked for from the block on at which ours was sent. */
const findReplacement = async (
  { provider, decode }: Context,
  action: Action,
  sent: Tracked,
  firstBlock: number,
): Promise<TransactionReplaced | undefined> => {
  const last = await provider.getBlockNumber();
  for (let number = firstBlock; number <= last; number += 1) {
    const block = await provider.getBlock(number, true);
    const taker = block?.prefetchedTransactions.find(
      ({ from, nonce }) => nonce === sent.nonce && from.toLowerCase() === sent.from.toLowerCase(),
    );
    if (taker === undefined) continue;
    if (taker.hash === sent.hash) return undefined;
    const receipt = await provider.getTransactionReceipt(taker.hash);
    const same =
      taker.to?.toLowerCase() === action.to.toLowerCase() && taker.data === action.data && taker.value === action.value;
    const nothing = taker.to?.toLowerCase() === sent.from.toLowerCase() && taker.data === "0x" && taker.value === 0n;
    return new TransactionReplaced(sent.hash, {
      hash: taker.hash,
      how: same ? "repriced" : nothing ? "cancelled" : "replaced",
      succeeded: receipt?.status === 1,
      blockNumber: number,
      events: receipt === null || !same ? [] : decodeEvents(receipt.logs, decode),
    });
  }
  return undefined;
};

/** Looks until the transaction is deep enough, or it is known that it never will be mined. */
const follow = async (
  context: Context,
  action: Action,
  sent: Tracked,
  firstBlock: number,
  options: WaitOptions,
): Promise<Receipt> => {
  const { provider } = context;
  const { confirmations = 1, timeout = TIMEOUT_SECONDS, interval = SECOND_MS } = options;
  const until = Date.now() + timeout * SECOND_MS;
  for (let lost = 0; ;) {
    const receipt = await provider.getTransactionReceipt(sent.hash);
    if (receipt !== null) {
      lost = 0;
      const depth = (await provider.getBlockNumber()) - receipt.blockNumber + 1;
      if (depth >= confirmations) return settled(context, action, receipt);
    } else if ((await provider.getTransactionCount(sent.from, "latest")) > sent.nonce) {
      const replaced = await findReplacement(context, action, sent, firstBlock);
      if (replaced !== undefined) throw replaced;
    } else {
      lost = (await provider.getTransaction(sent.hash)) === null ? lost + 1 : 0;
      if (lost >= LOST_LOOKS) throw new TransactionDropped(sent.hash, sent.nonce);
    }
    if (Date.now() >= until) throw new TransactionTimeout(sent.hash, timeout);
    await sleep(interval);
  }
};

/** The node's estimate and a fifth: interest accrues until the block, and what is not used is not paid. */
const gasFor = async ({ provider }: Context, signer: Signer, { to, data, value }: Action): Promise<bigint> =>
  ((await provider.estimateGas({ to, data, value, from: await signer.getAddress() })) * GAS_MARGIN) / TEN;

/**
 * Sends an action. Throws {@link RevertError} when the node sees already that it would fail, {@link TransactionRejected} when the
 * wallet's holder refuses.
 */
export const send = async (
  context: Context,
  signer: Signer,
  action: Action,
  overrides: SendOverrides = {},
): Promise<Sent> => {
  const { provider, venue } = context;
  const firstBlock = await provider.getBlockNumber();
  const { to, data, value } = action;
  try {
    const gasLimit = overrides.gasLimit ?? (await gasFor(context, signer, action));
    const { hash, from, nonce } = await signer.sendTransaction({ to, data, value, ...overrides, gasLimit });
    const tracked = { hash, from, nonce };
    return { action, ...tracked, wait: (options = {}) => follow(context, action, tracked, firstBlock, options) };
  } catch (error) {
    if (isRejection(error)) throw new TransactionRejected(action.title, { cause: error });
    if (isError(error, "INSUFFICIENT_FUNDS")) throw error;
    throw refusal(venue, error, action);
  }
};
