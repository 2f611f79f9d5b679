// One block of one chain, held fast while it is read, and the history before it.
import type { Deployment } from "../deploy/lib/addresses.ts";
import { PREMIUM_POSTED, type RawLog, type Sources, TRANSFER, UNWRAPPED, WRAPPED } from "./decode.ts";
import { type Call, EndpointError, type Rpc, RpcError } from "./rpc.ts";

/** What the person asked for cannot be: the message names the option. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The deployment does not fit the chain, or the chain is not as it should be. */
export class ChainError extends Error {
  override readonly name = "ChainError";
}

export interface Block {
  readonly number: number;
  readonly hash: string;
  readonly timestamp: number;
}

export const toTag = (block: number): string => `0x${block.toString(16)}`;

interface RawBlock {
  readonly number: string;
  readonly hash: string;
  readonly timestamp: string;
}

const isRawBlock = (value: unknown): value is RawBlock => {
  if (typeof value !== "object" || value === null) return false;
  return ["number", "hash", "timestamp"].every((key) => typeof (value as Record<string, unknown>)[key] === "string");
};

/** Undefined when the endpoint has no such block. */
export const readBlock = async (rpc: Rpc, tag: string): Promise<Block | undefined> => {
  const raw = await rpc.request("eth_getBlockByNumber", [tag, false]);
  if (raw === null) return undefined;
  if (!isRawBlock(raw)) throw new EndpointError(`the endpoint's block ${tag} has no number, hash or time`);
  return { number: Number(raw.number), hash: raw.hash, timestamp: Number(raw.timestamp) };
};

/** Headers of many blocks, in their order. */
export const readBlocks = async (rpc: Rpc, numbers: readonly number[]): Promise<Block[]> => {
  const raws = await inBatches(
    rpc,
    numbers.map((number) => ({ method: "eth_getBlockByNumber", params: [toTag(number), false] })),
  );
  return raws.map((raw, i) => {
    if (raw instanceof RpcError) throw raw;
    if (!isRawBlock(raw)) throw new EndpointError(`the endpoint has no block ${numbers[i]}, whose events it told`);
    return { number: Number(raw.number), hash: raw.hash, timestamp: Number(raw.timestamp) };
  });
};

const BATCH = 100;

/** Any number of calls, a batch at a time. */
export const inBatches = async (rpc: Rpc, calls: readonly Call[]): Promise<unknown[]> => {
  const answers: unknown[] = [];
  for (let i = 0; i < calls.length; i += BATCH) answers.push(...(await rpc.batch(calls.slice(i, i + BATCH))));
  return answers;
};

const LOST_STATE =
  /missing trie node|pruned|archive|state .*(not available|unavailable)|header not found|block not found/i;

/** An endpoint's refusal, with the way out when it has forgotten the block's state. */
export const stateError = (error: RpcError, block: Block): RpcError =>
  LOST_STATE.test(error.message)
    ? new RpcError(`state of block ${block.number}`, error.code, `use an archive node (${error.message})`)
    : error;

/** The head as the endpoint says it, if it can show it. */
export const readHead = async (rpc: Rpc): Promise<Block> => {
  const said = Number(await rpc.request("eth_blockNumber", []));
  const head = await readBlock(rpc, toTag(said));
  if (!Number.isSafeInteger(said) || head === undefined) {
    throw new EndpointError(`the endpoint says that its head is block ${said}, but has no such block`);
  }
  if (head.number !== said)
    throw new EndpointError(`asked for its head, block ${said}, the endpoint shows ${head.number}`);
  const latest = await readBlock(rpc, "latest");
  if (latest === undefined || latest.number < said) {
    throw new EndpointError(`the endpoint says that its head is block ${said}, its latest block is ${latest?.number}`);
  }
  return head;
};

/** The block to look at: the head, or the one asked for. @throws UsageError when it is not there yet. */
export const pinBlock = async (rpc: Rpc, asked: number | undefined): Promise<Block> => {
  const head = await readHead(rpc);
  if (asked === undefined) return head;
  if (asked > head.number) throw new UsageError(`--block: ${asked} is in the future, the head is block ${head.number}`);
  const block = await readBlock(rpc, toTag(asked));
  if (block?.number !== asked) throw new EndpointError(`the endpoint does not show block ${asked}, below its head`);
  return block;
};

/** Refuses what was read meanwhile if the block is not the same any more. */
export const requireSame = async (rpc: Rpc, block: Block): Promise<void> => {
  const now = await readBlock(rpc, toTag(block.number));
  if (now?.hash === block.hash) return;
  throw new EndpointError(
    `block ${block.number} was another when the reading began (a reorganisation, or two nodes): run it again`,
  );
};

/** Refuses a deployment that is not on this chain. */
export const verifyDeployment = async (rpc: Rpc, deployment: Deployment, block: Block): Promise<void> => {
  const chainId = Number(await rpc.request("eth_chainId", []));
  if (chainId !== deployment.chainId) {
    throw new ChainError(
      `wrong chain: the deployment is on chain ${deployment.chainId}, the endpoint serves chain ${chainId}`,
    );
  }
  if (block.number < deployment.fromBlock) {
    throw new UsageError(`--block: ${block.number} is before the deployment (block ${deployment.fromBlock})`);
  }
  const { safe, positions } = deployment.contracts;
  for (const [name, address] of Object.entries({ safe, ...(positions !== undefined && { positions }) })) {
    const code = await rpc.request("eth_getCode", [address, toTag(block.number)]);
    if (code === "0x") {
      throw new ChainError(
        `there is no contract at ${address} (${name}) in block ${block.number}: another chain, or not yet deployed`,
      );
    }
  }
};

// ---------------------------------------------------------------- logs

type Topic = string | readonly string[] | null;

export interface LogFilter {
  readonly address: string | readonly string[];
  readonly topics?: readonly Topic[];
}

const FIRST_RANGE = 2_000;
const LARGEST_RANGE = 100_000;
/** Fewer than this in a range, and the next one is twice as long. */
const FEW = 2_000;

/** Numbers first, so that merged answers stand in the order of the chain. */
const inOrder = (a: RawLog, b: RawLog): number =>
  Number(a.blockNumber) - Number(b.blockNumber) || Number(a.logIndex) - Number(b.logIndex);

const placeOf = (log: RawLog): string => `${log.blockNumber}:${log.logIndex}`;

/**
 * All logs of the filters from block to block, merged and in order, a range of blocks at a time. A range that the endpoint refuses
 * is halved; one that brought little is doubled. Answers that cannot be true stop it.
 */
export async function* readLogs(
  rpc: Rpc,
  filters: readonly LogFilter[],
  from: number,
  to: number,
): AsyncGenerator<{ readonly from: number; readonly to: number; readonly logs: readonly RawLog[] }> {
  let range = FIRST_RANGE;
  for (let start = from; start <= to;) {
    const end = Math.min(to, start + range - 1);
    let logs: RawLog[];
    try {
      logs = await readRange(rpc, filters, start, end);
    } catch (error) {
      // Endpoints refuse long ranges and large answers each in their own words.
      if (!(error instanceof RpcError) || start === end) throw error;
      range = Math.max(1, (end - start + 1) >> 1);
      continue;
    }
    yield { from: start, to: end, logs };
    start = end + 1;
    if (logs.length < FEW) range = Math.min(LARGEST_RANGE, range * 2);
  }
}

const readRange = async (rpc: Rpc, filters: readonly LogFilter[], from: number, to: number): Promise<RawLog[]> => {
  const answers = await rpc.batch(
    filters.map(({ address, topics }) => ({
      method: "eth_getLogs",
      params: [{ address, fromBlock: toTag(from), toBlock: toTag(to), ...(topics !== undefined && { topics }) }],
    })),
  );
  const found = new Map<string, RawLog>();
  const hashes = new Map<string, string>();
  for (const answer of answers) {
    if (answer instanceof RpcError) throw answer;
    if (!Array.isArray(answer))
      throw new EndpointError("the endpoint answered eth_getLogs with something else than a list");
    for (const log of answer as RawLog[]) {
      const block = Number(log.blockNumber);
      if (log.removed === true || !(block >= from && block <= to)) {
        throw new EndpointError(`asked for logs of blocks ${from} to ${to}, the endpoint told one of block ${block}`);
      }
      const hash = hashes.get(log.blockNumber) ?? log.blockHash;
      if (hash !== log.blockHash) throw new EndpointError(`the endpoint tells two blocks ${block}: run it again`);
      hashes.set(log.blockNumber, hash);
      found.set(placeOf(log), log);
    }
  }
  return [...found.values()].sort(inOrder);
};

const topicOf = (address: string): string => `0x${address.slice(2).padStart(64, "0")}`;

/** What the audit reads: whole contracts of the protocol; of the tokens only what concerns the safe. */
export const auditFilters = ({ safe, ledger, feeds, vaults, tokens }: Sources, wrapped: string): LogFilter[] => {
  const whole = [safe, ledger].filter((address) => address !== "");
  const me = topicOf(safe);
  return [
    { address: whole },
    ...(feeds.size === 0 ? [] : [{ address: [...feeds], topics: [PREMIUM_POSTED] }]),
    ...(vaults.size === 0 ? [] : [{ address: [...vaults], topics: [TRANSFER] }]),
    ...(tokens.size === 0
      ? []
      : [
          { address: [...tokens], topics: [TRANSFER, me] },
          { address: [...tokens], topics: [TRANSFER, null, me] },
          { address: wrapped, topics: [[WRAPPED, UNWRAPPED], me] },
        ]),
  ];
};
