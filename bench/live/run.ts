// One gap with keepers and faults, and what the chain says came of it.
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";

import { freePort } from "../../replay/chain.ts";
import { KeeperProcess } from "./process.ts";
import { startWire } from "./wire.ts";
import { keyOf, type LiveWorld } from "./world.ts";

const KEEPER = 9;
const RIVAL = 8;
const SUFFIXES = ["", ".book"] as const;

/** What happens, in seconds after the gap. */
export interface Faults {
  readonly killAt?: number;
  readonly outageAt?: number;
  readonly outageFor?: number;
  readonly reorgAt?: number;
  readonly reorgDepth?: number;
  readonly rival?: boolean;
}

export interface RunOptions {
  readonly gap: number;
  readonly blockSeconds: number;
  readonly faults: Faults;
  /** Seconds after which it is given up. */
  readonly timeout: number;
}

export interface RunResult {
  readonly faults: Faults;
  /** Accounts below maintenance after the gap. */
  readonly below: number;
  /** Blocks from the gap to the first bid. */
  readonly firstBidBlocks: number | null;
  /** Bids that stand in the chain. */
  readonly bids: number;
  readonly rivalBids: number;
  /** Accounts bid on more than once: by us, or by both. */
  readonly doubles: number;
  /** Transactions of ours that failed in the chain. */
  readonly reverted: number;
  /** Still below maintenance at the end. */
  readonly left: number;
  /** Nonces of ours that are still open at the end. */
  readonly open: number;
  /** Blocks from the gap to the last bid. */
  readonly blocks: number;
  /** Part of the gas limit used, mean over the blocks between first and last bid. */
  readonly fill: number;
  readonly seconds: number;
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** A checkpoint of everything, so that a run begins with a keeper that knows the accounts. */
export const prepareState = async (world: LiveWorld): Promise<string> => {
  const state = join(world.directory, "template.sqlite");
  const keeper = KeeperProcess.start(
    argumentsOf(world, world.node.url, state, ["--dry-run", "--once"]),
    keyOf(KEEPER).privateKey,
  );
  const code = await keeper.ended();
  if (code !== 0) throw new Error(`the keeper did not read the chain: ${keeper.errors}`);
  return state;
};

export const argumentsOf = (world: LiveWorld, rpc: string, state: string, more: readonly string[]) => [
  ...["--rpc", rpc, "--deployment", world.file, "--state", state, "--interval", "50", "--chores", "none"],
  ...["--min-profit", "0.01", "--max-in-flight", "400", "--tx-timeout", "20", "--patience", "0"],
  ...more,
];

export const runOnce = async (world: LiveWorld, template: string, options: RunOptions): Promise<RunResult> => {
  const { faults, blockSeconds } = options;
  const depth = faults.reorgDepth ?? 6;
  await world.reset();
  const directory = mkdtempSync(join(world.directory, "run-"));
  const wire = await startWire(world.node.url);
  const port = await freePort();
  const rivalPort = await freePort();
  const launch = (name: string, index: number, more: readonly string[]) => {
    const state = join(directory, `${name}.sqlite`);
    if (!existsSync(state)) for (const end of SUFFIXES) copyFileSync(template + end, state + end);
    const rpc = name === "keeper" ? wire.url : world.node.url;
    return KeeperProcess.start(argumentsOf(world, rpc, state, more), keyOf(index).privateKey);
  };
  const startOurs = () => launch("keeper", KEEPER, ["--listen", String(port)]);
  let keeper = startOurs();
  const rival = faults.rival === true ? launch("rival", RIVAL, ["--listen", String(rivalPort)]) : undefined;
  try {
    await ready(port, keeper);
    if (rival !== undefined) await ready(rivalPort, rival);
    const gapBlock = await world.gap(options.gap);
    const startedAt = Date.now();
    await world.send("evm_setIntervalMining", blockSeconds);
    // at the gap: while this is counted, the first bids may be mined
    const below = (await world.below(gapBlock)).length;
    const after = async (seconds: number) => sleep(Math.max(0, startedAt + seconds * 1_000 - Date.now()));
    const events: Promise<void>[] = [];
    if (faults.killAt !== undefined) {
      events.push(
        after(faults.killAt).then(async () => {
          await keeper.kill();
          keeper = startOurs();
        }),
      );
    }
    if (faults.outageAt !== undefined) {
      events.push(
        after(faults.outageAt).then(async () => {
          wire.cut();
          await sleep((faults.outageFor ?? 5) * 1_000);
          wire.restore();
        }),
      );
    }
    if (faults.reorgAt !== undefined) {
      events.push(
        // Not so early that it would undo the gap itself.
        after(Math.max(faults.reorgAt, (depth + 2) * blockSeconds)).then(async () => {
          await world.send("anvil_reorg", depth, []);
        }),
      );
    }
    await Promise.all(events);
    await quiet(port, blockSeconds, startedAt + options.timeout * 1_000);
    const seconds = (Date.now() - startedAt) / 1_000;
    await world.send("evm_setIntervalMining", 0);
    return { faults, below, seconds, ...(await outcome(world, gapBlock)) };
  } finally {
    await keeper.kill();
    await rival?.kill();
    await wire.close();
    rmSync(directory, { recursive: true, force: true });
  }
};

const ready = async (port: number, keeper: KeeperProcess): Promise<void> => {
  await keeper.until("started");
  for (let tries = 0; tries < 600; tries += 1, await sleep(100)) {
    const answer = await fetch(`http://127.0.0.1:${port}/ready`).catch(() => undefined);
    if (answer?.ok === true) return;
  }
  throw new Error(`the keeper is not ready: ${keeper.errors}`);
};

/** Until the keeper sees nobody below maintenance and has nothing on its way, for some blocks. */
const quiet = async (port: number, blockSeconds: number, end: number): Promise<void> => {
  for (let calm = 0; calm < 4 && Date.now() < end; await sleep(blockSeconds * 1_000)) {
    try {
      const status = (await (await fetch(`http://127.0.0.1:${port}/health`)).json()) as {
        below: number;
        inFlight: number;
      };
      calm = status.below === 0 && status.inFlight === 0 ? calm + 1 : 0;
    } catch {
      calm = 0; // it starts anew
    }
  }
};

interface RawBlock {
  readonly gasUsed: string;
  readonly gasLimit: string;
  readonly transactions: readonly { readonly hash: string; readonly from: string }[];
}

/** anvil counts a block a moment before it can show it. */
const blockAt = async ({ provider }: LiveWorld, number: number): Promise<RawBlock> => {
  for (let tries = 0; tries < 50; tries += 1, await sleep(100)) {
    const tag = `0x${number.toString(16)}`;
    const block = (await provider.send("eth_getBlockByNumber", [tag, true])) as RawBlock | null;
    if (block !== null) return block;
  }
  throw new Error(`the chain does not show its block ${number}`);
};

const outcome = async (world: LiveWorld, gapBlock: number) => {
  const { provider, safe } = world;
  const [ours, theirs] = [keyOf(KEEPER).address.toLowerCase(), keyOf(RIVAL).address.toLowerCase()];
  const bids = await safe.queryFilter(safe.filters.BidTaken(), gapBlock + 1);
  const last = bids.at(-1)?.blockNumber ?? gapBlock;
  const senders = new Map<string, string>();
  let [used, limit, reverted] = [0n, 0n, 0];
  const head = await provider.getBlockNumber();
  for (let number = gapBlock + 1; number <= head; number += 1) {
    const block = await blockAt(world, number);
    for (const { hash, from } of block.transactions) senders.set(hash, from.toLowerCase());
    const first = bids[0]?.blockNumber ?? Infinity;
    // The last one is as full as what is left.
    if (number >= first && number < last)
      [used, limit] = [used + BigInt(block.gasUsed), limit + BigInt(block.gasLimit)];
  }
  for (const [hash, from] of senders) {
    if (from === ours && (await provider.getTransactionReceipt(hash))?.status === 0) reverted += 1;
  }
  const counts = new Map<string, number>();
  for (const { args } of bids) counts.set(args.account, (counts.get(args.account) ?? 0) + 1);
  const mine = bids.filter(({ transactionHash }) => senders.get(transactionHash) === ours).length;
  const [latest, pending] = await Promise.all([
    provider.getTransactionCount(ours, "latest"),
    provider.getTransactionCount(ours, "pending"),
  ]);
  return {
    firstBidBlocks: bids[0] === undefined ? null : bids[0].blockNumber - gapBlock,
    bids: mine,
    rivalBids: bids.filter(({ transactionHash }) => senders.get(transactionHash) === theirs).length,
    doubles: [...counts.values()].reduce((sum, n) => sum + n - 1, 0),
    reverted,
    left: (await world.below()).length,
    open: pending - latest,
    blocks: last - gapBlock,
    fill: limit === 0n ? 0 : Number((used * 10_000n) / limit) / 10_000,
  };
};
