// The connection, and what went wrong with it. Plain HTTP: each request stands alone, so a dropped connection is a failed
// request and nothing has to be set up again.
import { FetchRequest, type Interface, isError, JsonRpcProvider, Network } from "ethers";

import {
  IMarginAccounts__factory,
  IMarginEngine__factory,
  IPositionsErrors__factory,
  LiquidationAuction__factory,
  LiquidationUnwinder__factory,
} from "../types/ethers-contracts/index.js";

const REQUEST_TIMEOUT_MS = 30_000;
const BATCH_SIZE = 50;

/** A provider that trusts `chainId` (checked once, by {@link readChainId}) and answers nothing from memory. */
export const connect = (url: string, chainId: bigint): JsonRpcProvider => {
  const request = new FetchRequest(url);
  request.timeout = REQUEST_TIMEOUT_MS;
  const network = Network.from(chainId);
  return new JsonRpcProvider(request, network, {
    staticNetwork: network,
    cacheTimeout: -1,
    batchMaxCount: BATCH_SIZE,
  });
};

export const readChainId = async (url: string): Promise<bigint> => {
  const probe = connect(url, 1n);
  try {
    return BigInt((await probe.send("eth_chainId", [])) as string);
  } finally {
    probe.destroy();
  }
};

/** Time of the block being built. Raw, because it has neither number nor hash, which ethers insists on. */
export const readPendingTime = async (provider: JsonRpcProvider): Promise<number> => {
  const block = (await provider.send("eth_getBlockByNumber", ["pending", false])) as { timestamp: string } | null;
  return block === null ? 0 : Number(block.timestamp);
};

/** A call that the chain answered: it reverted. Anything else says nothing about the chain's state. */
export const isRevert = (error: unknown): boolean => isError(error, "CALL_EXCEPTION");

const CONNECTION_CODES = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "NETWORK_ERROR",
  "SERVER_ERROR",
  "TIMEOUT",
]);

/** Whether it is unknown if the node has even seen the request. */
export const isConnectionError = (error: unknown): boolean =>
  error instanceof Error && "code" in error && CONNECTION_CODES.has(String(error.code));

const INTERFACES: readonly Interface[] = [
  IMarginAccounts__factory.createInterface(),
  LiquidationAuction__factory.createInterface(),
  LiquidationUnwinder__factory.createInterface(),
  IMarginEngine__factory.createInterface(),
  IPositionsErrors__factory.createInterface(),
];

export interface ContractError {
  readonly name: string;
  readonly args: readonly unknown[];
}

/** The custom error that a call reverted with, if it is one of ours. */
export const contractError = (error: unknown): ContractError | undefined => {
  if (!isError(error, "CALL_EXCEPTION")) return undefined;
  return error.data == null ? undefined : parseContractError(error.data);
};

const parseContractError = (data: string): ContractError | undefined => {
  for (const candidate of INTERFACES) {
    const parsed = candidate.parseError(data);
    if (parsed !== null) return { name: parsed.name, args: [...(parsed.args as Iterable<unknown>)] };
  }
  return undefined;
};

/** What a revert's data says, in one line. */
export const namedError = (data: string): string => {
  const named = parseContractError(data);
  if (named === undefined) return data === "0x" ? "reverted without a reason" : `reverted with ${data.slice(0, 10)}`;
  return `${named.name}(${named.args.map(String).join(", ")})`;
};

const MAX_TEXT = 300;

/** One line for a log. */
export const describeError = (error: unknown): string => {
  const named = contractError(error);
  if (named !== undefined) return `${named.name}(${named.args.map(String).join(", ")})`;
  if (isError(error, "CALL_EXCEPTION") && error.reason !== null) return error.reason;
  const text =
    error instanceof Error ? ("shortMessage" in error ? String(error.shortMessage) : error.message) : String(error);
  const code = error instanceof Error && "code" in error ? `${String(error.code)}: ` : "";
  return `${code}${text}`.slice(0, MAX_TEXT);
};

/** Waits, or less when `signal` is aborted. */
export const sleep = async (ms: number, signal: AbortSignal): Promise<void> => {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
};

const FIRST_BACKOFF_MS = 250;
const MAX_BACKOFF_MS = 30_000;

/** How long to wait after this many failures in a row; the random part keeps many keepers from returning at once. */
export const backoffMs = (failures: number, random: () => number = Math.random): number =>
  Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.max(0, failures - 1)) * (0.75 + random() / 4);
