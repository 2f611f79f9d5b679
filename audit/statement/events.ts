// What a statement reads beside the auditor's events: fills and auctions.
import { EventFragment, Interface } from "ethers";

import { IExchange__factory, ILiquidationAuction__factory } from "../../types/ethers-contracts/index.js";
import { decodeLog, type RawLog, type Sources, UnreadableLog } from "../decode.ts";
import type { At, AuditEvent } from "../events.ts";

export interface FillLeg {
  readonly instrument: bigint;
  /** Of the maker, whole underlyings WAD; positive: the maker bought. */
  readonly size: bigint;
  readonly price: bigint;
}

export type StatementEvent =
  | AuditEvent
  | {
      readonly kind: "OrdersFilled";
      readonly maker: string;
      readonly taker: string;
      readonly makerFee: bigint;
      readonly takerFee: bigint;
      readonly legs: readonly FillLeg[];
    }
  | { readonly kind: "AuctionStarted"; readonly account: string; readonly maintenance: bigint; readonly mtm: bigint }
  | { readonly kind: "AuctionRestarted" | "AuctionEnded"; readonly account: string };

export interface PlacedEvent {
  readonly event: StatementEvent;
  readonly at: At;
}

export interface StatementSources extends Sources {
  readonly exchanges: ReadonlySet<string>;
  readonly auctions: ReadonlySet<string>;
}

const EXCHANGE = IExchange__factory.createInterface();
export const AUCTION = ILiquidationAuction__factory.createInterface();

const lower = (value: unknown): string => String(value).toLowerCase();

const argsOf = (abi: Interface, log: RawLog): { name: string; args: readonly unknown[] } | undefined => {
  const fragment = abi.fragments.find((each) => each instanceof EventFragment && each.topicHash === log.topics[0]);
  if (!(fragment instanceof EventFragment)) return undefined;
  return { name: fragment.name, args: [...abi.decodeEventLog(fragment, log.data, log.topics)] as readonly unknown[] };
};

const fillOf = (log: RawLog): StatementEvent | undefined => {
  const parsed = argsOf(EXCHANGE, log);
  if (parsed?.name !== "OrdersFilled") return undefined;
  const [, , maker, taker, , makerFee, takerFee, legs] = parsed.args;
  return {
    kind: "OrdersFilled",
    maker: lower(maker),
    taker: lower(taker),
    makerFee: makerFee as bigint,
    takerFee: takerFee as bigint,
    legs: [...(legs as Iterable<readonly bigint[]>)].map(([instrument = 0n, size = 0n, price = 0n]) => ({
      instrument,
      size,
      price,
    })),
  };
};

const auctionOf = (log: RawLog): StatementEvent | undefined => {
  const parsed = argsOf(AUCTION, log);
  if (parsed === undefined) return undefined;
  const [account, , , maintenance, mtm] = parsed.args;
  if (parsed.name === "AuctionStarted") {
    return { kind: parsed.name, account: lower(account), maintenance: maintenance as bigint, mtm: mtm as bigint };
  }
  if (parsed.name === "AuctionRestarted" || parsed.name === "AuctionEnded") {
    return { kind: parsed.name, account: lower(account) };
  }
  return undefined;
};

/** As {@link decodeLog}, fills and auctions too. @throws UnreadableLog */
export const decodeStatementLog = (raw: RawLog, sources: StatementSources): StatementEvent | undefined => {
  const address = raw.address.toLowerCase();
  try {
    if (sources.exchanges.has(address)) return fillOf(raw);
    if (sources.auctions.has(address)) return auctionOf(raw);
  } catch (error) {
    throw new UnreadableLog(`log ${Number(raw.logIndex)} of block ${Number(raw.blockNumber)}: ${String(error)}`);
  }
  return decodeLog(raw, sources);
};
