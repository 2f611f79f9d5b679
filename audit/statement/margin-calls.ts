// When the account was below maintenance, and its auctions.
import type { Interface } from "ethers";

import { type Block, inBatches, readBlocks, toTag } from "../chain.ts";
import { type Rpc, RpcError } from "../rpc.ts";
import type { PlacedEvent } from "./events.ts";

/** Settlement units WAD. */
export interface Margins {
  readonly maintenance: bigint;
  readonly mtm: bigint;
  readonly inAuction: boolean;
}

/** Looks in a row that found it below maintenance. */
export interface Spell {
  readonly from: Block;
  readonly to: Block;
  readonly least: bigint;
}

export interface AuctionNote {
  readonly block: number;
  readonly transaction: string;
  readonly what: string;
  /** At the start; settlement units WAD. */
  readonly maintenance?: bigint;
  readonly mtm?: bigint;
  readonly fraction?: bigint;
  /** Settlement token units; negative: paid to the bidder. */
  readonly price?: bigint;
}

export interface MarginCalls {
  /** Blocks that were looked at, of all from the first to the last. */
  readonly looks: number;
  readonly blocks: number;
  /** Looks that found a price unusable. */
  readonly unpriced: number;
  readonly spells: readonly Spell[];
  readonly auctions: readonly AuctionNote[];
}

interface Lens {
  readonly address: string;
  readonly abi: Interface;
}

interface Span {
  readonly account: string;
  readonly from: Block;
  readonly to: Block;
  readonly samples: number;
}

const healthCall = ({ address, abi }: Lens, account: string, block: number) => ({
  method: "eth_call",
  params: [{ to: address, data: abi.encodeFunctionData("healthOf", [[account]]) }, toTag(block)],
});

/** Undefined where a price is unusable, or the lens was not there yet. */
const marginsOf = ({ abi }: Lens, answer: unknown): Margins | undefined => {
  if (answer instanceof RpcError || answer === "0x") return undefined;
  const [healths] = abi.decodeFunctionResult("healthOf", String(answer)) as unknown as [
    { priced: boolean; inAuction: boolean; maintenance: bigint; mtm: bigint }[],
  ];
  const [health] = healths;
  if (health?.priced !== true) return undefined;
  const { maintenance, mtm, inAuction } = health;
  return { maintenance, mtm, inAuction };
};

/** The blocks to look at: those of the account's own events first, the rest evenly between. */
const sampled = (first: number, { to, samples }: Span, own: readonly number[]): number[] => {
  const blocks = new Set(own.slice(-samples));
  const length = to.number - first;
  const even = Math.max(1, samples - blocks.size);
  for (let i = 0; i <= even; i += 1) blocks.add(first + Math.floor((length * i) / even));
  return [...blocks].sort((a, b) => a - b);
};

export const readMarginCalls = async (
  rpc: Rpc,
  lens: Lens,
  span: Span,
  transactions: readonly (readonly PlacedEvent[])[],
): Promise<{ calls: MarginCalls; opening: Margins | undefined; closing: Margins | undefined }> => {
  const { account, from, to } = span;
  const inSpan = transactions.filter(([first]) => (first?.at.block ?? -1) >= from.number);
  // before its first event it had nothing
  const since = transactions[0]?.[0]?.at.block ?? from.number;
  const first = Math.min(to.number, Math.max(from.number, since));
  const blocks = sampled(first, span, [...new Set(inSpan.map(([each]) => each?.at.block ?? 0))]);
  const before = from.number === 0 ? [] : [from.number - 1];
  const answers = await inBatches(
    rpc,
    [...before, ...blocks].map((block) => healthCall(lens, account, block)),
  );
  const [opening, ...looks] = (before.length === 0 ? [undefined, ...answers] : answers).map((answer) =>
    answer === undefined ? undefined : marginsOf(lens, answer),
  );

  const runs: { first: number; last: number; least: bigint }[] = [];
  blocks.forEach((block, i) => {
    const look = looks[i];
    if (look === undefined || look.maintenance >= 0n) return;
    const run = runs.at(-1);
    const follows = run !== undefined && run.last === blocks[i - 1];
    if (follows) {
      run.last = block;
      if (look.maintenance < run.least) run.least = look.maintenance;
    } else runs.push({ first: block, last: block, least: look.maintenance });
  });
  const ends = await readBlocks(
    rpc,
    runs.flatMap(({ first, last }) => [first, last]),
  );
  const spells = runs.flatMap(({ least }, i): Spell[] => {
    const [first, last] = [ends[2 * i], ends[2 * i + 1]];
    return first === undefined || last === undefined ? [] : [{ from: first, to: last, least }];
  });
  const calls = {
    looks: blocks.length,
    blocks: to.number - first + 1,
    unpriced: looks.filter((look) => look === undefined).length,
    spells,
    auctions: inSpan.flat().flatMap((placed) => auctionNote(placed, account)),
  };
  return { calls, opening, closing: looks.at(-1) };
};

const auctionNote = ({ event, at }: PlacedEvent, account: string): AuctionNote[] => {
  if (!("account" in event) || event.account !== account) return [];
  const { block, transaction } = at;
  if (event.kind === "AuctionStarted") {
    const { maintenance, mtm } = event;
    return [{ block, transaction, what: "Auction started", maintenance, mtm }];
  }
  if (event.kind === "AuctionRestarted") return [{ block, transaction, what: "Auction started anew" }];
  if (event.kind === "AuctionEnded") return [{ block, transaction, what: "Auction ended" }];
  if (event.kind !== "BidTaken") return [];
  return [{ block, transaction, what: "Bid", fraction: event.fraction, price: event.price }];
};
