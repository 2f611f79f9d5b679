// Every failure says calmly what happened and what to do.
import { decodeError, type ErrorContext } from "../../../sdk/errors/index.ts";
import { isRejection } from "../../../sdk/signatures.ts";

export type ProblemKind =
  "rejected" | "locked" | "wrong-network" | "rpc-down" | "refused" | "stale" | "no-gas" | "other";

export interface Problem {
  readonly kind: ProblemKind;
  readonly message: string;
}

/** A message that is meant for the trader already. */
export class Told extends Error {
  override readonly name = "Told";
}

const STALE = new Set(["PriceUnusable", "NewRiskBlocked", "StaleFeed"]);

const textOf = (error: unknown): string => {
  if (typeof error === "object" && error !== null) {
    if ("shortMessage" in error && typeof error.shortMessage === "string") return error.shortMessage;
    if ("message" in error && typeof error.message === "string") return error.message;
  }
  return String(error);
};

const codeOf = (error: unknown): unknown => {
  if (typeof error !== "object" || error === null) return undefined;
  if ("code" in error) return error.code;
  return undefined;
};

export const problemOf = (error: unknown, context: ErrorContext = {}): Problem => {
  if (error instanceof Told) return { kind: "refused", message: error.message };
  if (isRejection(error)) return { kind: "rejected", message: "You declined in the wallet. Nothing was sent." };
  const text = textOf(error);
  if (codeOf(error) === 4100 || /locked|unauthorized/i.test(text)) {
    return { kind: "locked", message: "The wallet is locked. Unlock it, then try again." };
  }
  if (codeOf(error) === -32002) {
    return { kind: "locked", message: "The wallet is waiting for you already: open it and answer its question." };
  }
  const revert = decodeError(error, context);
  if (revert !== undefined) {
    const message = revert.message.endsWith(".") ? revert.message : `${revert.message}.`;
    return { kind: STALE.has(revert.name) ? "stale" : "refused", message };
  }
  if (/insufficient funds/i.test(text)) {
    return { kind: "no-gas", message: "The wallet has too little ether to pay for gas. Add some, then try again." };
  }
  if (/fetch|network error|timeout|ECONNREFUSED|502|503|bad gateway|SERVER_ERROR/i.test(text)) {
    return {
      kind: "rpc-down",
      message: "The node does not answer. Nothing was sent; the page goes on as soon as it is back.",
    };
  }
  return { kind: "other", message: text.length > 200 ? `${text.slice(0, 200)}…` : text };
};
