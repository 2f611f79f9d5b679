// npm run bench:keeper-live [-- accounts [runs [block seconds]]]: keepers, faults and a gap of 30 % on a live local chain. Writes
// `first_bid_blocks` and `live` into bench/keeper.json and leaves its other keys alone.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";

import { type Faults, prepareState, runOnce, type RunResult } from "./live/run.ts";
import { createLiveWorld } from "./live/world.ts";

const FILE = fileURLToPath(new URL("keeper.json", import.meta.url));
const GAP = 0.3;
const BLOCK_GAS = 30_000_000;
const MOST_DEBT = 2_030;
const TIMEOUT = 900;

/** The kinds of trouble in turn; seconds after the gap. */
const FAULTS: readonly Faults[] = [
  {},
  { killAt: 8 },
  { outageAt: 8, outageFor: 5 },
  { reorgAt: 16, reorgDepth: 6 },
  { rival: true },
  { killAt: 6, outageAt: 12, outageFor: 4 },
  { killAt: 8, reorgAt: 18, reorgDepth: 6 },
  { rival: true, killAt: 8 },
  { rival: true, reorgAt: 16, reorgDepth: 6 },
  { rival: true, killAt: 6, outageAt: 12, outageFor: 4, reorgAt: 24, reorgDepth: 6 },
];

const write = (accounts: number, blockSeconds: number, runs: readonly RunResult[]): void => {
  const before = existsSync(FILE) ? (JSON.parse(readFileSync(FILE, "utf8")) as Record<string, unknown>) : {};
  const firsts = runs.map(({ firstBidBlocks }) => firstBidBlocks ?? Infinity);
  const live = { accounts, gap: GAP, block_gas: BLOCK_GAS, block_seconds: blockSeconds, runs };
  const after = { ...before, first_bid_blocks: Math.max(...firsts), live };
  writeFileSync(FILE, `${JSON.stringify(after, null, 2)}\n`);
};

const main = async (): Promise<void> => {
  const [accounts = 20_000, count = FAULTS.length, blockSeconds = 4] = process.argv.slice(2).map(Number);
  console.log(`opening ${accounts} accounts`);
  const world = await createLiveWorld({ accounts, mostDebt: MOST_DEBT, blockGas: BLOCK_GAS });
  try {
    const template = await prepareState(world);
    const runs: RunResult[] = [];
    for (let run = 0; run < count; run += 1) {
      const faults = FAULTS[run % FAULTS.length] ?? {};
      const result = await runOnce(world, template, { gap: GAP, blockSeconds, faults, timeout: TIMEOUT });
      runs.push(result);
      console.log(JSON.stringify(result));
      write(accounts, blockSeconds, runs);
    }
  } finally {
    await world.close();
  }
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main();
