/** Revert data, however deep a library has put it, to a typed error and a sentence that says what to do. */
import { AbiCoder, Interface, isHexString, type Result } from "ethers";

import type { ErrorContext } from "./format.ts";
import { Words } from "./format.ts";
import { NEIGHBOUR_ERRORS, PROTOCOL_ERRORS } from "./list.ts";
import { MARKET_MESSAGES } from "./markets.ts";
import { POOL_MESSAGES } from "./pool.ts";
import { REST_MESSAGES } from "./rest.ts";
import { SAFE_MESSAGES, type Templates } from "./safe.ts";
import type { CustomError, ErrorArgs, ErrorSignature } from "./types.ts";

/** Complete by its type: an error without a sentence does not compile. */
const MESSAGES: Templates = { ...SAFE_MESSAGES, ...MARKET_MESSAGES, ...POOL_MESSAGES, ...REST_MESSAGES };

/** What every decoded error has. */
interface Decoded {
  /** One sentence: what happened, and what to do. */
  readonly message: string;
  /** The innermost revert data. */
  readonly data: string;
  /** Calls of batches that it came through, outermost first; empty for a plain call. */
  readonly path: readonly number[];
}

/** An assertion of the compiler's (`Panic(uint256)`). */
export interface PanicError {
  readonly kind: "panic";
  readonly name: "Panic";
  readonly args: { readonly code: bigint };
}

/** A reason given as text (`Error(string)`). */
export interface TextError {
  readonly kind: "text";
  readonly name: "Error";
  readonly args: { readonly reason: string };
}

/** Revert data that names nothing known; empty data too. */
export interface UnknownError {
  readonly kind: "unknown";
  readonly name: "Unknown";
  readonly args: { readonly selector: string };
}

/** What a revert said. */
export type ContractError = Decoded & (CustomError | PanicError | TextError | UnknownError);

const KNOWN: readonly ErrorSignature[] = [...PROTOCOL_ERRORS, ...NEIGHBOUR_ERRORS];
const known = new Interface(KNOWN.map((signature) => `error ${signature}`));

/** By selector. Two errors may share one: of those the first in the list speaks. */
const bySelector = new Map<string, ErrorSignature>();
for (const signature of KNOWN) {
  const types = signature.replace(/ \w+(?=[,)])/g, "");
  const selector = known.getError(types)?.selector ?? "";
  if (!bySelector.has(selector)) bySelector.set(selector, signature);
}

const PANICS: Readonly<Record<number, string>> = {
  0x01: "an assertion failed",
  0x11: "a number overflowed: use a smaller amount",
  0x12: "a division by zero",
  0x21: "a value that its type does not have",
  0x31: "an empty list was popped",
  0x32: "an index outside its list",
  0x41: "too much memory was asked for",
  0x51: "a function that was never set was called",
};

/** What Uniswap's pools and periphery say in letters. */
const REASONS: Readonly<Record<string, string>> = {
  STF: "a token could not be taken from its owner: look at balance and allowance",
  ST: "a token could not be sent",
  TF: "a token could not be sent",
  SPL: "the swap's price limit lies on the wrong side",
  AS: "a swap of nothing",
  LOK: "the swap pool is in the middle of another call",
  IIA: "the swap pool was not paid",
  OLD: "the swap pool has no price that old yet",
  "Too little received": "the swap gives less than the minimum: fetch a new quote or allow more slippage",
  "Too much requested": "the swap costs more than the maximum: fetch a new quote or allow more slippage",
};

const PANIC_SELECTOR = "0x4e487b71";
const TEXT_SELECTOR = "0x08c379a0";
const SELECTOR_LENGTH = 10;
const abi = AbiCoder.defaultAbiCoder();

const tryDecode = (types: readonly string[], data: string): Result | undefined => {
  try {
    return abi.decode(types, `0x${data.slice(SELECTOR_LENGTH)}`);
  } catch {
    return undefined; // a selector that only looks like ours
  }
};

/** The sentence of a custom error. Also for errors of the mirror, which throws the same names. */
export const explain = <S extends ErrorSignature>(
  signature: S,
  args: ErrorArgs<S>,
  context: ErrorContext = {},
): string => MESSAGES[signature](args, new Words(context));

const custom = (data: string): CustomError | undefined => {
  const signature = bySelector.get(data.slice(0, SELECTOR_LENGTH));
  if (signature === undefined) return undefined;
  const list = signature.slice(signature.indexOf("(") + 1, -1);
  const fields = list === "" ? [] : list.split(",").map((field) => field.split(" ") as [string, string]);
  const values = tryDecode(
    fields.map(([type]) => type),
    data,
  );
  if (values === undefined) return undefined;
  const args = Object.fromEntries(fields.map(([, name], i) => [name, values[i] as unknown]));
  const name = signature.slice(0, signature.indexOf("("));
  return { kind: "custom", name, signature, args } as CustomError;
};

const unknown = (data: string): PanicError | TextError | UnknownError => {
  if (data.startsWith(PANIC_SELECTOR)) {
    const code = tryDecode(["uint256"], data)?.[0] as bigint | undefined;
    if (code !== undefined) return { kind: "panic", name: "Panic", args: { code } };
  }
  if (data.startsWith(TEXT_SELECTOR)) {
    const reason = tryDecode(["string"], data)?.[0] as string | undefined;
    if (reason !== undefined) return { kind: "text", name: "Error", args: { reason } };
  }
  return { kind: "unknown", name: "Unknown", args: { selector: data.slice(0, SELECTOR_LENGTH) } };
};

const sentence = (error: CustomError | PanicError | TextError | UnknownError, context: ErrorContext): string => {
  switch (error.kind) {
    case "custom":
      // The union is narrowed by signature, which the compiler cannot follow through the table.
      return explain(error.signature, error.args, context);
    case "panic":
      return PANICS[Number(error.args.code)] ?? `the contract panicked with code 0x${error.args.code.toString(16)}`;
    case "text":
      return REASONS[error.args.reason] ?? error.args.reason;
    case "unknown":
      return error.args.selector === "0x"
        ? "the call failed without a reason: out of gas, or there is no such function at the address"
        : `the call failed with ${error.args.selector}, which no contract of the protocol knows`;
  }
};

/**
 * Decodes revert data. A batch's `CallFailed` is unwrapped to what failed in it, as deep as it goes; `path` says which calls they
 * were. `context` gives symbols and what was tried, for the sentence.
 */
export const decodeRevert = (data: string, context: ErrorContext = {}): ContractError => {
  const path: number[] = [];
  let inner = data;
  for (;;) {
    const error = custom(inner);
    if (error?.name !== "CallFailed") {
      const found = error ?? unknown(inner);
      const text = sentence(found, context);
      const where = path.length === 0 ? "" : `call ${path.join(", in it call ")} of the batch: `;
      return { ...found, data: inner, path, message: upper(where + text) };
    }
    path.push(Number(error.args.index));
    inner = error.args.reason;
  }
};

const upper = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

const MAX_DEPTH = 8;
/** Where libraries and nodes put it: ethers, viem, Hardhat, Geth, Nethermind, wallets. */
const PLACES = ["data", "error", "info", "cause", "originalError", "details", "message"] as const;

const search = (value: unknown, depth: number): string | undefined => {
  if (depth > MAX_DEPTH) return undefined;
  if (typeof value === "string") {
    if (isHexString(value) && value.length % 2 === 0)
      return value.length === 2 || value.length >= SELECTOR_LENGTH ? value : undefined;
    const [, hex] =
      /(?:[Rr]everted|revert(?:ed)? with|return data:?|custom error)[^0-9a-zA-Z]*(0x[0-9a-fA-F]{8,})/.exec(value) ?? [];
    return hex;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const fields = value as Readonly<Record<string, unknown>>;
  let empty: string | undefined;
  for (const place of PLACES) {
    if (place === "message" && typeof fields[place] === "string" && isHexString(fields[place])) continue;
    const found = search(fields[place], depth + 1);
    if (found !== undefined && found !== "0x") return found;
    empty ??= found;
  }
  return empty;
};

/**
 * Revert data inside whatever a provider, signer or wallet threw; undefined when there is none, so that it was no revert: a
 * refused connection, a rejected signature. "0x" for a revert without a reason.
 */
export const revertDataOf = (error: unknown): string | undefined => search(error, 0);

/** {@link decodeRevert} of a thrown error; undefined when it was no revert. */
export const decodeError = (error: unknown, context: ErrorContext = {}): ContractError | undefined => {
  if (error instanceof RevertError) return error.reason;
  const data = revertDataOf(error);
  return data === undefined ? undefined : decodeRevert(data, context);
};

/** A call or transaction that the chain refused. `reason` is the typed error; the message says what to do. */
export class RevertError extends Error {
  override readonly name = "RevertError";
  constructor(
    readonly reason: ContractError,
    options?: { readonly cause?: unknown },
  ) {
    super(reason.message, options);
  }
}
