// Every transaction from the first simulation to its last state, kept over reloads: what was sent is followed on.
import type { JsonRpcProvider } from "ethers";

import type { ErrorContext } from "../../../sdk/errors/index.ts";
import { decodeError } from "../../../sdk/errors/index.ts";
import { problemOf, type ProblemKind, Told } from "../lib/problems.ts";
import { createKeptStore } from "../lib/store.ts";
import { wallet } from "../wallet/wallet.ts";

export type TxState = "simulating" | "wallet" | "pending" | "replaced" | "confirmed" | "failed";

export interface Tx {
  readonly id: string;
  readonly title: string;
  readonly state: TxState;
  readonly chainId: number;
  readonly from: string;
  readonly at: number;
  readonly hash?: string;
  readonly nonce?: number;
  readonly block?: number;
  readonly problem?: ProblemKind;
  readonly message?: string;
}

export interface Call {
  readonly to: string;
  readonly data: string;
  readonly value?: bigint;
}

const KEPT = 30;
const POLL_MS = 1_000;
/** A node of a chain that began anew does not know what was sent to the old one. */
const LOST_AFTER_MS = 90_000;

const isTx = (value: unknown): value is Tx =>
  typeof value === "object" && value !== null && "id" in value && "state" in value && "title" in value;

/** A reload ends what only this page knew of. */
const revive = (value: unknown): readonly Tx[] | undefined => {
  if (!Array.isArray(value)) return undefined;
  return value
    .filter(isTx)
    .map((tx) =>
      tx.state === "simulating" || tx.state === "wallet"
        ? { ...tx, state: "failed", message: "The page was reloaded before the wallet had answered." }
        : tx,
    );
};

export const transactions = createKeptStore<readonly Tx[]>("transactions", [], revive);

const put = (id: string, part: Partial<Tx>): void =>
  transactions.set((now) => now.map((tx) => (tx.id === id ? { ...tx, ...part } : tx)));

export const dismiss = (id: string): void => transactions.set((now) => now.filter((tx) => tx.id !== id));

export const isOver = ({ state }: Tx): boolean => state === "confirmed" || state === "failed" || state === "replaced";

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const following = new Set<string>();

export interface TxContext {
  readonly provider: JsonRpcProvider;
  readonly chainId: number;
  readonly errors: ErrorContext;
  /** Something on chain has changed. */
  readonly onMined: () => void;
}

/** Until it is mined, replaced or lost. */
const follow = async ({ provider, errors, onMined }: TxContext, tx: Tx): Promise<Tx["state"]> => {
  const { id, hash, nonce, from } = tx;
  if (hash === undefined || following.has(id)) return tx.state;
  following.add(id);
  try {
    for (;;) {
      try {
        const receipt = await provider.getTransactionReceipt(hash);
        if (receipt !== null) {
          if (receipt.status === 1) put(id, { state: "confirmed", block: receipt.blockNumber });
          else put(id, { state: "failed", message: await whyFailed(provider, tx, receipt.blockNumber, errors) });
          onMined();
          return receipt.status === 1 ? "confirmed" : "failed";
        }
        const used = nonce === undefined ? 0 : await provider.getTransactionCount(from);
        // Another one took its place; a receipt that came in between is looked for once more.
        if (nonce !== undefined && used > nonce && (await provider.getTransactionReceipt(hash)) === null) {
          put(id, { state: "replaced", message: "The wallet sent another transaction in its place." });
          onMined();
          return "replaced";
        }
        if (Date.now() - tx.at > LOST_AFTER_MS && (await provider.getTransaction(hash)) === null) {
          put(id, {
            state: "failed",
            message: "The node no longer knows this transaction: the chain may have begun anew.",
          });
          return "failed";
        }
      } catch {
        // The node is away: what was sent is not lost by that.
      }
      await pause(POLL_MS);
    }
  } finally {
    following.delete(id);
  }
};

const whyFailed = async (
  provider: JsonRpcProvider,
  { hash }: Tx,
  block: number,
  errors: ErrorContext,
): Promise<string> => {
  try {
    const sent = await provider.getTransaction(hash ?? "");
    if (sent !== null) {
      const { from, to, data, value } = sent;
      await provider.call({ from, to, data, value, blockTag: block });
    }
  } catch (error) {
    const reason = decodeError(error, errors);
    if (reason !== undefined) return reason.message;
  }
  return "The chain refused it: prices moved between the simulation and the block. Try again.";
};

export const followAll = (context: TxContext): void => {
  for (const tx of transactions.get()) {
    if (tx.state === "pending" && tx.chainId === context.chainId) void follow(context, tx);
  }
};

const GAS_NUMERATOR = 13n;
const GAS_DENOMINATOR = 10n;
const LEAST_GAS = 60_000n;

const quantity = (value: bigint): string => `0x${value.toString(16)}`;

/** Simulates, opens the wallet, follows. Resolves with the state in which it ended; never throws. */
export const submit = async (
  context: TxContext,
  title: string,
  makeCall: (step: (title: string) => void) => Promise<Call>,
): Promise<Tx> => {
  const { address: from = "", chosen, chainId } = wallet.get();
  const id = crypto.randomUUID();
  const first: Tx = { id, title, state: "simulating", chainId: context.chainId, from, at: Date.now() };
  transactions.set((now) => [first, ...now].slice(0, KEPT));
  const done = (): Tx => transactions.get().find((tx) => tx.id === id) ?? first;
  try {
    if (chosen === undefined || from === "") throw new Told("Connect a wallet first.");
    if (chainId !== context.chainId) {
      put(id, {
        state: "failed",
        problem: "wrong-network",
        message: "The wallet is on another network: switch it, then try again.",
      });
      return done();
    }
    // Permits are signed on the way.
    const call = await makeCall((step) => put(id, { state: "wallet", message: step }));
    put(id, { state: "simulating", message: undefined });
    const request = { from, to: call.to, data: call.data, ...(call.value !== undefined && { value: call.value }) };
    const [gas, nonce] = await Promise.all([
      context.provider.estimateGas(request),
      context.provider.getTransactionCount(from, "pending"),
    ]);
    put(id, { state: "wallet" });
    const hash = await chosen.provider.request({
      method: "eth_sendTransaction",
      params: [
        {
          from,
          to: call.to,
          data: call.data,
          value: quantity(call.value ?? 0n),
          gas: quantity((gas * GAS_NUMERATOR) / GAS_DENOMINATOR + LEAST_GAS),
        },
      ],
    });
    if (typeof hash !== "string") throw new Told("The wallet did not say what it sent.");
    put(id, { state: "pending", hash, nonce, at: Date.now() });
    await follow(context, done());
  } catch (error) {
    const { kind, message } = problemOf(error, context.errors);
    put(id, { state: "failed", problem: kind, message });
  }
  return done();
};
