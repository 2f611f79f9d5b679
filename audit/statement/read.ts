// What a statement needs of the chain: the account's transactions whole, prices that are final, indices of the blocks that matter.
import type { Deployment } from "../../deploy/lib/addresses.ts";
import { payoffOfOne } from "../books/ledger.ts";
import { type Block, inBatches, readBlocks, readLogs, toTag } from "../chain.ts";
import { decodeLog, LEDGER, type RawLog, SAFE } from "../decode.ts";
import type { At } from "../events.ts";
import { EndpointError, type Rpc, RpcError } from "../rpc.ts";
import { findSources } from "../history.ts";
import { assetKind, decodeAccount } from "../words.ts";
import { decodeStatementLog, type PlacedEvent, type StatementSources } from "./events.ts";
import type { Indices, Terms } from "./lines.ts";

/** As the auditor's, and every exchange and auction that has ever been pointed at. */
export const statementSources = async (rpc: Rpc, deployment: Deployment, to: Block): Promise<StatementSources> => {
  const sources = await findSources(rpc, deployment, to);
  const { contracts, fromBlock } = deployment;
  const exchanges = new Set(contracts.exchange === undefined ? [] : [contracts.exchange.toLowerCase()]);
  const auctions = new Set([contracts.auction.toLowerCase()]);
  const address = [sources.safe, sources.ledger].filter((each) => each !== "");
  const topics = [[SAFE.getEvent("PointerSet").topicHash, LEDGER.getEvent("PointerSet").topicHash]];
  for await (const { logs } of readLogs(rpc, [{ address, topics }], fromBlock, to.number)) {
    for (const log of logs) {
      const event = decodeLog(log, sources);
      if (event?.kind === "SafePointerSet" && event.what === "auction") auctions.add(event.target);
      if (event?.kind === "LedgerPointerSet" && event.what === "exchange") exchanges.add(event.target);
    }
  }
  return { ...sources, exchanges, auctions };
};

/** Every transaction that named the account, whole, in order. */
export const readTransactions = async (
  rpc: Rpc,
  deployment: Deployment,
  sources: StatementSources,
  account: string,
  to: number,
): Promise<PlacedEvent[][]> => {
  const address = [sources.safe, sources.ledger, ...sources.auctions].filter((each) => each !== "");
  const filters = [
    { address, topics: [null, account] },
    { address, topics: [null, null, account] },
  ];
  const hashes = new Set<string>();
  for await (const { logs } of readLogs(rpc, filters, deployment.fromBlock, to)) {
    for (const { transactionHash } of logs) hashes.add(transactionHash);
  }
  const receipts = await inBatches(
    rpc,
    [...hashes].map((hash) => ({ method: "eth_getTransactionReceipt", params: [hash] })),
  );
  return receipts.map((receipt, i) => {
    if (receipt instanceof RpcError) throw receipt;
    const logs = (receipt as { logs?: readonly RawLog[] } | null)?.logs;
    if (logs === undefined)
      throw new EndpointError(`the endpoint has no receipt of ${[...hashes][i]}, whose events it told`);
    return logs.flatMap((log): PlacedEvent[] => {
      const event = decodeStatementLog(log, sources);
      return event === undefined ? [] : [{ event, at: placeOf(log) }];
    });
  });
};

const placeOf = ({ blockNumber, transactionHash, logIndex }: RawLog): At => ({
  block: Number(blockNumber),
  transaction: transactionHash,
  logIndex: Number(logIndex),
});

const isBefore = (a: At, b: At): boolean => a.block < b.block || (a.block === b.block && a.logIndex < b.logIndex);

export interface Context {
  readonly finalPrice: Terms["finalPrice"];
  readonly losses: Terms["losses"];
  readonly decimals: (asset: number) => number;
}

/** Of the markets: settled expiries, closed perps; of the pools: decimals, and losses that lenders bore from the first block on. */
export const readContext = async (
  rpc: Rpc,
  deployment: Deployment,
  sources: StatementSources,
  from: number,
  to: number,
): Promise<Context> => {
  const address = [sources.safe, sources.ledger].filter((each) => each !== "");
  const topics = [
    [
      SAFE.getEvent("AssetListed").topicHash,
      SAFE.getEvent("DebtWrittenOff").topicHash,
      LEDGER.getEvent("ExpirySettled").topicHash,
      LEDGER.getEvent("PerpFrozen").topicHash,
      LEDGER.getEvent("PerpClosed").topicHash,
    ],
  ];
  const decimals = new Map<number, number>();
  const losses = new Map<string, Terms["losses"][number]>();
  const settled = new Map<string, { price: bigint; at: At }>();
  const marks = new Map<number, bigint>();
  const closed = new Map<number, At>();
  for await (const { logs } of readLogs(rpc, [{ address, topics }], deployment.fromBlock, to)) {
    for (const log of logs) {
      const [event, at] = [decodeLog(log, sources), placeOf(log)];
      if (event?.kind === "AssetListed") decimals.set(event.asset, event.decimals);
      if (event?.kind === "ExpirySettled")
        settled.set(`${event.underlying}:${event.expiry}`, { price: event.price, at });
      if (event?.kind === "PerpFrozen") marks.set(event.underlying, event.mark);
      if (event?.kind === "PerpClosed") closed.set(event.underlying, at);
      if (event?.kind === "DebtWrittenOff" && at.block >= from) {
        losses.set(`${at.block}:${event.asset}`, { block: at.block, asset: event.asset, at });
      }
    }
  }
  return {
    losses: [...losses.values()],
    decimals: (asset) => decimals.get(asset) ?? 18,
    finalPrice: (instrument, at) => {
      const underlying = Number((instrument >> 118n) & 0xffn);
      if (instrument >> 126n === 1n) {
        const since = closed.get(underlying);
        return since !== undefined && isBefore(since, at) ? marks.get(underlying) : undefined;
      }
      const final = settled.get(`${underlying}:${(instrument >> 78n) & ((1n << 40n) - 1n)}`);
      return final !== undefined && isBefore(final.at, at) ? payoffOfOne(instrument, final.price) : undefined;
    },
  };
};

/** Pools of which the account has ever had a balance. */
export const heldAssets = (transactions: readonly (readonly PlacedEvent[])[], account: string): number[] => {
  const assets = new Set<number>();
  for (const { event } of transactions.flat()) {
    if (event.kind !== "AccountChanged" || event.account !== account) continue;
    for (const { asset } of decodeAccount(event.words).entries) if (assetKind(asset) === "pool") assets.add(asset);
  }
  return [...assets];
};

/** Share indices by `block:asset`, of every block at which a line is reckoned. */
export const readIndexTable = async (
  rpc: Rpc,
  safe: string,
  { from, to }: { readonly from: Block; readonly to: Block },
  transactions: readonly (readonly PlacedEvent[])[],
  losses: Terms["losses"],
  assets: readonly number[],
): Promise<Map<string, Indices>> => {
  const blocks = new Set([to.number]);
  if (from.number > 0) blocks.add(from.number - 1);
  for (const [first] of transactions)
    if (first !== undefined && first.at.block >= from.number) blocks.add(first.at.block);
  for (const { block } of losses) blocks.add(block).add(block - 1);
  const wanted = [...blocks].flatMap((block) => assets.map((asset) => ({ block, asset })));
  const answers = await inBatches(
    rpc,
    wanted.map(({ block, asset }) => ({
      method: "eth_call",
      params: [{ to: safe, data: SAFE.encodeFunctionData("poolIndices", [asset]) }, toTag(block)],
    })),
  );
  const ONE = 10n ** 15n;
  return new Map(
    wanted.map(({ block, asset }, i) => {
      const answer = answers[i];
      if (answer instanceof RpcError) {
        throw new RpcError(
          "poolIndices",
          answer.code,
          `of block ${block}: a statement needs an archive node (${answer.message})`,
        );
      }
      // before there was a safe
      if (answer === "0x") return [`${block}:${asset}`, { supply: ONE, debt: ONE }];
      const [supply, debt] = SAFE.decodeFunctionResult("poolIndices", String(answer)) as unknown as [bigint, bigint];
      return [`${block}:${asset}`, { supply, debt }];
    }),
  );
};

/** The first block at or after a time, or the last at or before it. */
export const blockAt = async (
  rpc: Rpc,
  time: number,
  side: "first" | "last",
  low: number,
  head: Block,
): Promise<Block | undefined> => {
  let [from, to] = [low, head.number];
  // the first block after `time` (or at it, for "first")
  while (from < to) {
    const middle = (from + to) >> 1;
    const [block] = await readBlocks(rpc, [middle]);
    const isAfter = side === "first" ? (block?.timestamp ?? 0) >= time : (block?.timestamp ?? 0) > time;
    if (isAfter) to = middle;
    else from = middle + 1;
  }
  const [found] = await readBlocks(rpc, [from]);
  if (found === undefined) return undefined;
  if (side === "first") return found.timestamp >= time ? found : undefined;
  if (found.timestamp <= time) return found;
  return found.number === low ? undefined : (await readBlocks(rpc, [found.number - 1]))[0];
};
