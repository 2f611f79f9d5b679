// Shows a signed transaction to nodes: the private relays if there are any, else the node that is read from.
import { isError, type JsonRpcProvider } from "ethers";

import type { Flight } from "./flight.ts";
import { describeError, isConnectionError } from "./rpc.ts";

/** Undefined: some node has it, or it will be tried again (`accepted` says which). Else why no node will ever take it. */
export const broadcast = async (
  flight: Flight,
  relays: readonly JsonRpcProvider[],
  reader: JsonRpcProvider,
): Promise<string | undefined> => {
  const answers = await Promise.all(relays.map((relay) => offer(flight, relay, reader)));
  flight.accepted = answers.some((answer) => answer === "accepted");
  if (flight.accepted || answers.includes("unknown")) return undefined;
  return answers[0]?.slice(REFUSED.length) ?? "there is nowhere to send to";
};

const REFUSED = "refused: ";
type Answer = "accepted" | "unknown" | `${typeof REFUSED}${string}`;

const offer = async (flight: Flight, relay: JsonRpcProvider, reader: JsonRpcProvider): Promise<Answer> => {
  try {
    await relay.send("eth_sendRawTransaction", [flight.raw]);
    return "accepted";
  } catch (error) {
    if (isConnectionError(error)) return "unknown"; // perhaps it arrived: the same bytes can be sent again
    const text = describeError(error);
    if (/already known|already imported|known transaction/i.test(text)) return "accepted";
    // Some nodes mine a failing transaction and answer with its failure.
    if (await isKnown(flight, reader)) return "accepted";
    // An earlier version of ours stays.
    if (isError(error, "REPLACEMENT_UNDERPRICED") && flight.record.hashes.length > 1) return "accepted";
    return `${REFUSED}${text}`;
  }
};

const isKnown = async (flight: Flight, reader: JsonRpcProvider): Promise<boolean> => {
  try {
    return (await reader.send("eth_getTransactionByHash", [flight.lastHash])) !== null;
  } catch {
    return true; // not known not to be: the flight goes on and finds out
  }
};
