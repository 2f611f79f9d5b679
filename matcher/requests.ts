// What a trader asks the matcher itself: to cancel without a transaction, to keep his orders alive, to see them. Signed under the
// matcher's own name, so that no such message means anything to the exchange.
import { recoverAddress, type Signer, type TypedDataDomain, TypedDataEncoder, type TypedDataField } from "ethers";

import { type ExchangeDomain, OrderFormatError, signatureFromJson } from "../sdk/orders.ts";
import { Refusal } from "./errors.ts";

/**
 * cancel: `orders`. cancelAll: all of the account, with a salt below `value` unless that is 0. keepAlive: the matcher's own
 * dead-man's switch, `value` unix seconds, 0 to take it away. list: the account's orders. pinned: orders pinned to the signer.
 */
export const ACTIONS = ["cancel", "cancelAll", "keepAlive", "list", "pinned"] as const;
export type Action = (typeof ACTIONS)[number];

export interface Request {
  readonly action: Action;
  readonly account: string;
  readonly orders: readonly string[];
  readonly value: bigint;
  /** Milliseconds at which it was signed; it counts for a short while, and once. */
  readonly time: number;
}

export interface SignedRequest {
  readonly request: Request;
  readonly signer: string;
  readonly signature: string;
}

export const REQUEST_TYPES: Record<string, TypedDataField[]> = {
  Request: [
    { name: "action", type: "string" },
    { name: "account", type: "bytes32" },
    { name: "orders", type: "bytes32[]" },
    { name: "value", type: "uint64" },
    { name: "time", type: "uint64" },
  ],
};

export const requestDomain = ({ chainId, exchange }: ExchangeDomain): TypedDataDomain => ({
  name: "Plimsoll Matcher",
  version: "1",
  chainId,
  verifyingContract: exchange,
});

export const signRequest = (signer: Signer, request: Request, domain: ExchangeDomain): Promise<string> =>
  signer.signTypedData(requestDomain(domain), REQUEST_TYPES, request);

export const hashRequest = (request: Request, domain: ExchangeDomain): string =>
  TypedDataEncoder.hash(requestDomain(domain), REQUEST_TYPES, request);

export const requestToJson = ({ request, signer, signature }: SignedRequest) => ({
  request: { ...request, value: request.value.toString() },
  signer,
  signature,
});

const MOST_ORDERS = 256;

const record = (value: unknown, field: string): Readonly<Record<string, unknown>> => {
  if (typeof value !== "object" || value === null) throw new OrderFormatError(field, "an object");
  return value as Readonly<Record<string, unknown>>;
};

const isHex = (value: unknown, bytes: number): value is string =>
  typeof value === "string" && new RegExp(`^0x[0-9a-fA-F]{${2 * bytes}}$`).test(value);

/** Throws {@link OrderFormatError}. */
export const requestFromJson = (body: unknown): SignedRequest => {
  const outer = record(body, "body");
  const inner = record(outer["request"], "request");
  const action = ACTIONS.find((each) => each === inner["action"]);
  if (action === undefined) throw new OrderFormatError("request.action", `one of ${ACTIONS.join(", ")}`);
  const { account, orders = [], value = "0", time } = inner;
  if (!isHex(account, 32)) throw new OrderFormatError("request.account", "32 bytes in hexadecimal");
  if (!Array.isArray(orders) || orders.length > MOST_ORDERS || !orders.every((each) => isHex(each, 32))) {
    throw new OrderFormatError("request.orders", `a list of at most ${MOST_ORDERS} order hashes`);
  }
  if (typeof value !== "string" || !/^\d{1,19}$/.test(value)) {
    throw new OrderFormatError("request.value", "a whole number as decimal text");
  }
  if (!Number.isSafeInteger(time)) throw new OrderFormatError("request.time", "milliseconds since 1970");
  if (!isHex(outer["signer"], 20)) throw new OrderFormatError("signer", "an address");
  return {
    request: {
      action,
      account: account.toLowerCase(),
      orders: orders.map((hash) => hash.toLowerCase()),
      value: BigInt(value),
      time: time as number,
    },
    signer: outer["signer"].toLowerCase(),
    signature: signatureFromJson(outer["signature"]),
  };
};

const WINDOW_MS = 30_000;

/** Lets each request in once, while it is fresh. */
export class Gate {
  private readonly seen = new Map<string, number>();

  check(digest: string, time: number, now: number): void {
    if (Math.abs(now - time) > WINDOW_MS) {
      throw new Refusal("RequestStale", "the request's time is too far from the matcher's", { time, now }, 408);
    }
    for (const [each, until] of this.seen) {
      if (until >= now) break; // in order of arrival, and all live equally long
      this.seen.delete(each);
    }
    if (this.seen.has(digest)) throw new Refusal("RequestRepeated", "this request was made before", {}, 409);
  }

  /** After its signature was found to be good: a forged copy must not use it up. */
  use(digest: string, now: number): void {
    this.seen.set(digest, now + 2 * WINDOW_MS);
  }
}

/** Whether the key of `signer` has made the signature. */
export const isKeySignature = (signer: string, digest: string, signature: string): boolean => {
  try {
    return recoverAddress(digest, signature).toLowerCase() === signer;
  } catch {
    return false;
  }
};
