// Reverts by the names that the contracts give them.
import { type Interface, isError } from "ethers";

import {
  IAttestations__factory,
  IExchange__factory,
  IMarginAccounts__factory,
  IMarginEngine__factory,
  IPositionsLedger__factory,
} from "../types/ethers-contracts/index.js";
import type { Failure } from "./gateway.ts";

const ERRORS: readonly Interface[] = [
  IExchange__factory.createInterface(),
  IPositionsLedger__factory.createInterface(),
  IMarginAccounts__factory.createInterface(),
  IMarginEngine__factory.createInterface(),
  IAttestations__factory.createInterface(),
];

const words = (value: unknown): string[] => {
  if (typeof value === "bigint") return [`0x${value.toString(16)}`];
  return typeof value === "string" && value.startsWith("0x") ? [value.toLowerCase()] : [];
};

/** The named error in revert data. */
export const failureOf = (data: string): Failure => {
  for (const candidate of ERRORS) {
    const parsed = data.length < 10 ? null : candidate.parseError(data);
    if (parsed === null) continue;
    const args = [...(parsed.args as Iterable<unknown>)];
    const index = parsed.name === "TriggerNotMet" ? args[1] : undefined;
    return { reason: parsed.name, about: args.flatMap(words), ...(typeof index === "bigint" && { index }) };
  }
  return { reason: data === "0x" ? "RevertedSilently" : `Reverted ${data.slice(0, 10)}`, about: [] };
};

/** Of a call that reverted; rethrows anything else. */
export const failureFrom = (error: unknown): Failure => {
  if (!isError(error, "CALL_EXCEPTION")) throw error;
  if (error.data !== null) return failureOf(error.data);
  return { reason: error.reason ?? "Reverted", about: [] };
};
