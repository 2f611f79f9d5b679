/** What an action would do, asked of the chain before anything is sent. */
import { type Interface, isError, type Provider, toQuantity } from "ethers";

import { decodeError, RevertError } from "../errors/index.ts";
import { decodeEvents, type EventDecoder, eventSources, interfacesOf, type ProtocolEvent } from "../events.ts";
import { plain } from "../plain.ts";
import type { Action } from "./action.ts";
import { type AccountState, accountState, readAccount } from "./reads.ts";
import { errorContext, type Venue } from "./venue.ts";

/** An account before and after. */
export interface AccountChange {
  readonly account: string;
  readonly before: AccountState;
  /** Left out where neither a batch nor the node (`eth_simulateV1`) can show it. */
  readonly after?: AccountState;
}

/** What an action would do now. */
export interface Simulation {
  readonly action: Action;
  readonly from: string;
  /** What the node thinks that it takes. */
  readonly gas: bigint;
  /** What the call returns, decoded: one value, or an object of the named ones; undefined for none. */
  readonly returned: unknown;
  readonly changes: readonly AccountChange[];
  /** What it would emit; only from nodes that know `eth_simulateV1`. */
  readonly events?: readonly ProtocolEvent[];
}

interface Context {
  readonly venue: Venue;
  readonly provider: Provider;
  readonly decode: EventDecoder;
}

/** The call or transaction was refused: a typed error. Other errors pass through. */
export const refusal = (venue: Venue, error: unknown, { attempt }: Partial<Pick<Action, "attempt">> = {}): unknown => {
  const reason = decodeError(error, { ...errorContext(venue), ...(attempt !== undefined && { attempt }) });
  return reason === undefined ? error : new RevertError(reason, { cause: error });
};

const interfaceAt = (venue: Venue, address: string): Interface | undefined => {
  const source = eventSources(venue.deployment).get(address.toLowerCase());
  return source === undefined ? undefined : interfacesOf(source)[0];
};

/** The decoded return value of a call of a known contract. */
const decodeReturn = (venue: Venue, { to, data }: Pick<Action, "to" | "data">, returned: string): unknown => {
  const face = interfaceAt(venue, to);
  const call = face?.parseTransaction({ data });
  if (face === undefined || call === undefined || call === null || returned === "0x") return undefined;
  const result = face.decodeFunctionResult(call.fragment, returned);
  return result.length === 1 ? plain(result[0] as unknown) : plain(result as unknown);
};

/** Calls of the lenses that read these accounts. */
const lensCalls = (
  { contracts: { lens, derivatives }, deployment: { contracts: at } }: Venue,
  accounts: readonly string[],
) =>
  accounts.flatMap((account) => [
    { target: at.lens, data: lens.interface.encodeFunctionData("accountView", [account]) },
    ...(derivatives === undefined
      ? []
      : [
          {
            target: at.ledgerLens ?? "",
            data: derivatives.ledgerLens.interface.encodeFunctionData("ledgerView", [account]),
          },
        ]),
  ]);

/** Answers of {@link lensCalls}, the session's own pending check taken as passed. */
const readLensCalls = (venue: Venue, accounts: readonly string[], answers: readonly string[]): AccountState[] => {
  const { lens, derivatives } = venue.contracts;
  const each = derivatives === undefined ? 1 : 2;
  return accounts.map((_, i) => {
    const [view] = lens.interface.decodeFunctionResult("accountView", answers[each * i] ?? "0x");
    const ledger = answers[each * i + 1];
    const state = accountState(
      venue,
      plain(view as Awaited<ReturnType<typeof lens.accountView>>),
      derivatives === undefined || ledger === undefined || ledger === "0x"
        ? undefined
        : plain(
            derivatives.ledgerLens.interface.decodeFunctionResult("ledgerView", ledger)[0] as Awaited<
              ReturnType<typeof derivatives.ledgerLens.ledgerView>
            >,
          ),
    );
    return { ...state, pending: false };
  });
};

interface Look {
  readonly after: AccountState[];
  readonly events?: ProtocolEvent[];
}

/** By one session of the safe: the action's own calls, then the lenses' look at the result. */
const lookInSession = async ({ venue, provider }: Context, action: Action, from: string): Promise<Look | undefined> => {
  const { safe } = venue.contracts;
  const calls = [...action.calls, ...lensCalls(venue, action.accounts)].map((call) => ({ ...call }));
  const data = safe.interface.encodeFunctionData("batch", [calls]);
  try {
    const answer = await provider.call({ to: venue.deployment.contracts.safe, from, data, value: action.value });
    const [results] = safe.interface.decodeFunctionResult("batch", answer) as unknown as [string[]];
    return { after: readLensCalls(venue, action.accounts, [...results].slice(action.calls.length)) };
  } catch (error) {
    if (decodeError(error) !== undefined) return undefined; // an account without a usable price cannot be looked at
    throw error;
  }
};

interface SimulatedCall {
  readonly status: string;
  readonly returnData: string;
  readonly logs?: readonly {
    readonly address: string;
    readonly topics: string[];
    readonly data: string;
    readonly logIndex?: string;
  }[];
}

interface RawSender {
  send(method: string, params: readonly unknown[]): Promise<unknown>;
}

const canSend = (provider: Provider): provider is Provider & RawSender =>
  "send" in provider && typeof provider.send === "function";

/** By the node itself: several calls one after the other on top of the latest block. Not all nodes can. */
const lookByNode = async (
  { venue, provider, decode }: Context,
  action: Action,
  from: string,
): Promise<Look | undefined> => {
  if (!canSend(provider)) return undefined;
  const first = { from, to: action.to, data: action.data, value: toQuantity(action.value) };
  const looks = lensCalls(venue, action.accounts).map(({ target, data }) => ({ from, to: target, data }));
  let answers: readonly { readonly calls: readonly SimulatedCall[] }[];
  try {
    const request = { blockStateCalls: [{ calls: [first, ...looks] }] };
    answers = (await provider.send("eth_simulateV1", [request, "latest"])) as typeof answers;
  } catch {
    return undefined; // a method that the node does not know, or does in its own way
  }
  const [done, ...rest] = answers[0]?.calls ?? [];
  if (done === undefined || done.status !== "0x1") return undefined;
  const logs = (done.logs ?? []).map(({ address, topics, data }, index) => ({
    address,
    topics,
    data,
    index,
    blockNumber: 0,
    transactionHash: "0x",
  }));
  const views = rest.map(({ status, returnData }) => (status === "0x1" ? returnData : "0x"));
  return { after: readLensCalls(venue, action.accounts, views), events: decodeEvents(logs, decode) };
};

/**
 * Simulates an action at the latest block, as `from` would send it. The accounts' state afterwards comes from the chain's own code:
 * doors of the safe are tried in one session with a look by the lenses at its end, other calls by `eth_simulateV1` where the node
 * has it. Throws {@link RevertError} when the chain would refuse it.
 */
export const simulate = async (context: Context, action: Action, from: string): Promise<Simulation> => {
  const { venue, provider } = context;
  const request = { to: action.to, from, data: action.data, value: action.value };
  try {
    const [gas, returned, before, look] = await Promise.all([
      provider.estimateGas(request),
      provider.call(request),
      Promise.all(action.accounts.map((account) => readAccount(venue, account))),
      action.accounts.length === 0
        ? undefined
        : action.calls.length > 0
          ? lookInSession(context, action, from)
          : lookByNode(context, action, from),
    ]);
    const changes = action.accounts.map((account, i) => {
      const [now, after] = [before[i], look?.after[i]];
      if (now === undefined) throw new Error("as many states as accounts were read");
      return { account, before: now, ...(after !== undefined && { after }) };
    });
    const events = look?.events;
    return {
      action,
      from,
      gas,
      returned: decodeReturn(venue, action, returned),
      changes,
      ...(events !== undefined && { events }),
    };
  } catch (error) {
    if (isError(error, "INSUFFICIENT_FUNDS")) throw error;
    throw refusal(venue, error, action);
  }
};
