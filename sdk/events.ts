/** Every event of the protocol, typed, from logs and receipts. */
import type { Interface, Log, LogDescription } from "ethers";

import type { Deployment } from "./addresses.ts";
import {
  type ERC1967Proxy,
  ERC1967Proxy__factory,
  type GovernorTimelock,
  GovernorTimelock__factory,
  type IAccessManaged,
  IAccessManaged__factory,
  type IAttestations,
  IAttestations__factory,
  type IChoreRewards,
  IChoreRewards__factory,
  type ICreditTiers,
  ICreditTiers__factory,
  type ICircuitBreaker,
  ICircuitBreaker__factory,
  type IDeleveraging,
  IDeleveraging__factory,
  type IDeviationRecord,
  IDeviationRecord__factory,
  type IEngineFactory,
  IEngineFactory__factory,
  type IERC20Metadata,
  IERC20Metadata__factory,
  type IExchange,
  IExchange__factory,
  type IInsuranceFund,
  IInsuranceFund__factory,
  type ILedgerTableFactory,
  ILedgerTableFactory__factory,
  type ILeverageRouter,
  ILeverageRouter__factory,
  type ILiquidationAuction,
  ILiquidationAuction__factory,
  type ILiquidationUnwinder,
  ILiquidationUnwinder__factory,
  type IMakerRewards,
  IMakerRewards__factory,
  type ILiquidityPool,
  ILiquidityPool__factory,
  type IMarginAccounts,
  IMarginAccounts__factory,
  type IPositionsLedger,
  IPositionsLedger__factory,
  type IRewards,
  IRewards__factory,
  type IRiskSteward,
  IRiskSteward__factory,
  type ISettlementRounds,
  ISettlementRounds__factory,
  type ISizeCheckpoints,
  ISizeCheckpoints__factory,
  type IVault,
  IVault__factory,
  type IVolatilityObserver,
  IVolatilityObserver__factory,
  type PlimsollManager,
  PlimsollManager__factory,
  type TypedContractEvent,
} from "./contracts.ts";
import { plain, type Plain } from "./plain.ts";

/** Who emits what: parts of a deployment, its vaults and its tokens. */
interface Emitters {
  safe: IMarginAccounts | IAccessManaged;
  positions: IPositionsLedger | ERC1967Proxy | IAccessManaged;
  exchange: IExchange | ERC1967Proxy | IAccessManaged;
  auction: ILiquidationAuction;
  insuranceFund: IInsuranceFund | IAccessManaged;
  leverageRouter: ILeverageRouter;
  liquidationUnwinder: ILiquidationUnwinder;
  liquidityPool: ILiquidityPool | IAccessManaged;
  attestedFeed: IAttestations | IAccessManaged;
  realizedVolatility: IVolatilityObserver;
  settlementPrices: ISettlementRounds;
  sizeCheckpoints: ISizeCheckpoints;
  deviationRecord: IDeviationRecord;
  deleveraging: IDeleveraging;
  engineFactory: IEngineFactory;
  ledgerTableFactory: ILedgerTableFactory;
  rewardsController: IRewards | IAccessManaged;
  makerRewards: IMakerRewards | IAccessManaged;
  choreRewards: IChoreRewards | IAccessManaged;
  creditTiers: ICreditTiers | IAccessManaged;
  circuitBreaker: ICircuitBreaker | IAccessManaged;
  riskSteward: IRiskSteward | IAccessManaged;
  manager: PlimsollManager;
  timelock: GovernorTimelock;
  vault: IVault;
  token: IERC20Metadata;
}

/** A part of the protocol that emits events. */
export type EventSource = keyof Emitters;

/** "AccountChanged" of the two names that TypeChain gives each event. */
type PlainName<Key> = Key extends `${string}(${string}` ? never : Key extends string ? Key : never;

type EventsOf<Source extends EventSource, Contract> = Contract extends { readonly filters: infer Filters }
  ? {
      [Name in keyof Filters as PlainName<Name>]: Filters[Name] extends TypedContractEvent<never, never, infer Args>
        ? { readonly source: Source; readonly name: PlainName<Name>; readonly args: Plain<Args> }
        : never;
    } extends infer Events
    ? Events[keyof Events]
    : never
  : never;

/** Where an event stands. */
export interface EventPlace {
  /** The contract that emitted it. */
  readonly address: string;
  readonly blockNumber: number;
  readonly transactionHash: string;
  /** Position among the block's logs. */
  readonly logIndex: number;
}

/** Name and fields of every event, told apart by `source` and `name`. Fields are as the contract's interface has them. */
export type EventBody = { [Source in EventSource]: EventsOf<Source, Emitters[Source]> }[EventSource];

/** A decoded event of the protocol. */
export type ProtocolEvent = EventBody & EventPlace;

/** The event of this source and name: `EventOf<"safe", "AccountChanged">`. */
export type EventOf<Source extends EventSource, Name extends string> = Extract<
  EventBody,
  { source: Source; name: Name }
> &
  EventPlace;

/** Reads a log of a known address; undefined for a log that is none of the protocol's. */
export type EventDecoder = (log: LogLike) => ProtocolEvent | undefined;

/** What decoding needs of a log: ethers' `Log`, or what a node's JSON says, with numbers. */
export type LogLike = Pick<Log, "address" | "data" | "blockNumber" | "transactionHash" | "index"> & {
  readonly topics: readonly string[];
};

const proxy = ERC1967Proxy__factory.createInterface();
const managed = IAccessManaged__factory.createInterface();

const INTERFACES: { readonly [Source in EventSource]: readonly Interface[] } = {
  safe: [IMarginAccounts__factory.createInterface(), managed],
  positions: [IPositionsLedger__factory.createInterface(), proxy, managed],
  exchange: [IExchange__factory.createInterface(), proxy, managed],
  auction: [ILiquidationAuction__factory.createInterface()],
  insuranceFund: [IInsuranceFund__factory.createInterface(), managed],
  leverageRouter: [ILeverageRouter__factory.createInterface()],
  liquidationUnwinder: [ILiquidationUnwinder__factory.createInterface()],
  liquidityPool: [ILiquidityPool__factory.createInterface(), managed],
  attestedFeed: [IAttestations__factory.createInterface(), managed],
  realizedVolatility: [IVolatilityObserver__factory.createInterface()],
  settlementPrices: [ISettlementRounds__factory.createInterface()],
  sizeCheckpoints: [ISizeCheckpoints__factory.createInterface()],
  deviationRecord: [IDeviationRecord__factory.createInterface()],
  deleveraging: [IDeleveraging__factory.createInterface()],
  engineFactory: [IEngineFactory__factory.createInterface()],
  ledgerTableFactory: [ILedgerTableFactory__factory.createInterface()],
  rewardsController: [IRewards__factory.createInterface(), managed],
  makerRewards: [IMakerRewards__factory.createInterface(), managed],
  choreRewards: [IChoreRewards__factory.createInterface(), managed],
  creditTiers: [ICreditTiers__factory.createInterface(), managed],
  circuitBreaker: [ICircuitBreaker__factory.createInterface(), managed],
  riskSteward: [IRiskSteward__factory.createInterface(), managed],
  manager: [PlimsollManager__factory.createInterface()],
  timelock: [GovernorTimelock__factory.createInterface()],
  vault: [IVault__factory.createInterface()],
  token: [IERC20Metadata__factory.createInterface()],
};

/** Functions, events and errors of a part; its own interface first. */
export const interfacesOf = (source: EventSource): readonly Interface[] => INTERFACES[source];

/** Parts that stand under the same name in a deployment's list of contracts. */
const NAMED = Object.keys(INTERFACES).filter(
  (source): source is Exclude<EventSource, "vault" | "token"> => source !== "vault" && source !== "token",
);

/** Addresses of a deployment, in lower case, and what they emit. */
export const eventSources = ({ contracts, assets }: Deployment): Map<string, EventSource> => {
  const sources = new Map<string, EventSource>();
  for (const { token, vault } of Object.values(assets)) {
    sources.set(token.toLowerCase(), "token");
    if (vault !== undefined) sources.set(vault.toLowerCase(), "vault");
  }
  for (const name of NAMED) {
    const address = contracts[name];
    if (address !== undefined) sources.set(address.toLowerCase(), name);
  }
  return sources;
};

const describe = (source: EventSource, log: LogLike): LogDescription | undefined => {
  for (const candidate of INTERFACES[source]) {
    const found = candidate.parseLog({ topics: [...log.topics], data: log.data });
    if (found !== null) return found;
  }
  return undefined;
};

/** Decodes logs of one deployment. Governance may move engine and auction later: give those addresses in `more`. */
export const eventDecoder = (
  deployment: Deployment,
  more: Iterable<readonly [string, EventSource]> = [],
): EventDecoder => {
  const sources = eventSources(deployment);
  for (const [address, source] of more) sources.set(address.toLowerCase(), source);
  return (log) => {
    const source = sources.get(log.address.toLowerCase());
    const found = source === undefined ? undefined : describe(source, log);
    if (source === undefined || found === undefined) return undefined;
    const { address, blockNumber, transactionHash, index } = log;
    const args = Object.fromEntries(found.fragment.inputs.map(({ name }, i) => [name, plain(found.args[i])]));
    // Source and name come from the interfaces that the type was made of.
    return {
      source,
      name: found.name,
      args,
      address,
      blockNumber,
      transactionHash,
      logIndex: index,
    } as unknown as ProtocolEvent;
  };
};

/** The events of the protocol among logs, or in a receipt (`receipt.logs`), in their order. */
export const decodeEvents = (logs: readonly LogLike[], decode: EventDecoder): ProtocolEvent[] =>
  logs.map(decode).filter((event) => event !== undefined);

/** Whether an event is this one of this source; narrows its type. */
export const isEvent = <Source extends EventSource, Name extends string>(
  event: ProtocolEvent,
  source: Source,
  name: Name,
): event is EventOf<Source, Name> & ProtocolEvent => event.source === source && event.name === name;
