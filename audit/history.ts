// The history of a deployment as the fold takes it: who speaks is found first, then everything is read in order.
import type { Deployment } from "../deploy/lib/addresses.ts";
import { auditFilters, type Block, inBatches, readBlocks, readLogs, toTag } from "./chain.ts";
import { decodeLog, LEDGER, type RawLog, SAFE, type Sources, TRANSFER, WRAPPED, UNWRAPPED } from "./decode.ts";
import { type At, type AuditEvent, TIMED } from "./events.ts";
import { type Rpc, RpcError } from "./rpc.ts";

export interface Placed {
  readonly event: AuditEvent;
  readonly at: At;
}

const NO_LEDGER = "";

/** Tokens, vaults, feeds and the ledger, as the safe and the ledger have named them up to the block. */
export const findSources = async (rpc: Rpc, deployment: Deployment, block: Block): Promise<Sources> => {
  const { fromBlock, contracts } = deployment;
  const safe = contracts.safe.toLowerCase();
  const sources = { feeds: new Set<string>(), vaults: new Set<string>(), tokens: new Set<string>() };
  let ledger = contracts.positions?.toLowerCase() ?? NO_LEDGER;
  const look = async (address: string, topics: string[], see: (event: AuditEvent) => void): Promise<void> => {
    const filter = { address, topics: [topics] };
    for await (const { logs } of readLogs(rpc, [filter], fromBlock, block.number)) {
      for (const log of logs) {
        const event = decodeLog(log, { ...sources, safe, ledger });
        if (event !== undefined) see(event);
      }
    }
  };
  const { topicHash: listed } = SAFE.getEvent("AssetListed");
  const { topicHash: vaultSet } = SAFE.getEvent("VaultSet");
  const { topicHash: pointerSet } = SAFE.getEvent("PointerSet");
  await look(safe, [listed, vaultSet, pointerSet], (event) => {
    if (event.kind === "AssetListed") sources.tokens.add(event.token);
    if (event.kind === "VaultSet") sources.vaults.add(event.vault);
    if (event.kind === "SafePointerSet" && event.what === "positions") ledger = event.target;
  });
  // a vault's share is listed like a token; its transfers are read whole
  for (const vault of sources.vaults) sources.tokens.delete(vault);
  if (ledger !== NO_LEDGER) {
    await look(ledger, [LEDGER.getEvent("PointerSet").topicHash], (event) => {
      if (event.kind === "LedgerPointerSet" && event.what === "feed") sources.feeds.add(event.target);
    });
  }
  return { ...sources, safe, ledger };
};

/** balanceOf(address) */
const BALANCE_OF = "0x70a08231";
export const balanceCall = (token: string, holder: string, block: number) => ({
  method: "eth_call",
  params: [{ to: token, data: BALANCE_OF + holder.slice(2).padStart(64, "0") }, toTag(block)],
});

/** What was sent to the safe's address before there was a safe. A node that does not know says nothing, which counts as none. */
export const openingCustody = async (rpc: Rpc, sources: Sources, fromBlock: number): Promise<Map<string, bigint>> => {
  const opening = new Map<string, bigint>();
  if (fromBlock === 0) return opening;
  const tokens = [...sources.tokens];
  const answers = await inBatches(
    rpc,
    tokens.map((token) => balanceCall(token, sources.safe, fromBlock - 1)),
  );
  tokens.forEach((token, i) => {
    const answer = answers[i];
    if (answer instanceof RpcError || typeof answer !== "string" || answer.length < 66) return;
    opening.set(token, BigInt(answer));
  });
  return opening;
};

const ZERO_TOPIC = `0x${"0".repeat(64)}`;

/** Tokens that tell a wrapping twice, as a transfer from nobody too: the second telling is left out. */
const withoutTwins = (logs: readonly RawLog[]): readonly RawLog[] => {
  const isWrap = ({ topics }: RawLog): boolean => topics[0] === WRAPPED || topics[0] === UNWRAPPED;
  const isMint = ({ topics }: RawLog): boolean =>
    topics[0] === TRANSFER && (topics[1] === ZERO_TOPIC || topics[2] === ZERO_TOPIC);
  if (!logs.some(isWrap)) return logs;
  const told = (wrap: RawLog): boolean =>
    logs.some(
      (log) =>
        isMint(log) &&
        log.address === wrap.address &&
        log.transactionHash === wrap.transactionHash &&
        log.data === wrap.data &&
        Math.abs(Number(log.logIndex) - Number(wrap.logIndex)) === 1,
    );
  return logs.filter((log) => !isWrap(log) || !told(log));
};

export interface Chunk {
  readonly to: number;
  readonly events: readonly Placed[];
}

/** Everything that the sources said from the deployment up to the block, in order. */
export async function* readHistory(
  rpc: Rpc,
  deployment: Deployment,
  sources: Sources,
  block: Block,
): AsyncGenerator<Chunk> {
  const filters = auditFilters(sources, deployment.wrappedNative.toLowerCase());
  for await (const { to, logs } of readLogs(rpc, filters, deployment.fromBlock, block.number)) {
    const decoded: { event: AuditEvent; log: RawLog }[] = [];
    const untimed = new Set<number>();
    for (const log of withoutTwins(logs)) {
      const event = decodeLog(log, sources);
      if (event === undefined) continue;
      decoded.push({ event, log });
      if (TIMED.has(event.kind) && log.blockTimestamp === undefined) untimed.add(Number(log.blockNumber));
    }
    const blocks = await readBlocks(rpc, [...untimed]);
    const times = new Map(blocks.map(({ number, timestamp }) => [number, timestamp]));
    yield { to, events: decoded.map(({ event, log }) => ({ event, at: placeOf(log, times) })) };
  }
}

const placeOf = (log: RawLog, times: ReadonlyMap<number, number>): At => {
  const block = Number(log.blockNumber);
  const time = log.blockTimestamp === undefined ? times.get(block) : Number(log.blockTimestamp);
  const { transactionHash: transaction } = log;
  return { block, transaction, logIndex: Number(log.logIndex), ...(time !== undefined && { time }) };
};
