// What the page weighs on first load, and how long a margin preview of 64 positions takes: `npm run bench:app`, writes bench/app.json.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import { liquidationsOf, type Standing } from "../app/src/data/liquidations.ts";
import { previewActions } from "../app/src/data/preview.ts";
import { optionWord, type Position } from "../sdk/instruments.ts";
import type { Account } from "../sdk/mirror/account.ts";
import { buildPage } from "../scripts/dev/web.ts";
import { EXPIRIES, madeUpMarket, USDC } from "../test/helpers/made-up-market.ts";

const OUT = fileURLToPath(new URL("../out/app", import.meta.url));
const RESULT = fileURLToPath(new URL("app.json", import.meta.url));
const WAD = 10n ** 18n;
const POSITIONS = 64;
const RUNS = 60;
const WARM = 10;
const MOST_SCRIPT_KB = 350;
const MOST_PREVIEW_MS = 16;

interface Chunk {
  readonly file: string;
  readonly imports?: readonly string[];
  readonly isEntry?: boolean;
}

/** The entry, the page that opens first, and all that they import at once; charts come later. */
const scriptsOf = (manifest: Readonly<Record<string, Chunk>>, names: readonly string[]): Set<string> => {
  const files = new Set<string>();
  const add = (name: string): void => {
    const chunk = manifest[name];
    if (chunk === undefined || files.has(chunk.file)) return;
    files.add(chunk.file);
    for (const each of chunk.imports ?? []) add(each);
  };
  for (const name of names) add(name);
  return files;
};

const kilobytes = (files: Iterable<string>): number =>
  [...files].reduce((sum, file) => sum + gzipSync(readFileSync(join(OUT, file))).length, 0) / 1_000;

const holder = (model: 0 | 1): Account => {
  const positions: Position[] = Array.from({ length: POSITIONS }, (_, i) => {
    const expiry = EXPIRIES[i % EXPIRIES.length] ?? EXPIRIES[0];
    const strike = BigInt(1_200 + 50 * Math.floor(i / 2)) * 10n ** 8n;
    const instrument = { kind: "option" as const, underlying: 2, expiry, strike, isCall: i % 2 === 0 };
    optionWord(instrument);
    return { instrument, size: (i % 3 === 0 ? -WAD : WAD) / 10n, fundingIndex: 0n };
  });
  return {
    id: `0x${"1".repeat(64)}`,
    flags: { model, hasPositions: true, hasQuote: false, inAuction: false },
    entries: [{ asset: USDC, shares: 50_000n * 10n ** 6n }],
    quote: 0n,
    positions,
  };
};

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

interface Timing {
  /** By the clock, and of this process's CPU: on a machine with others at work only the second says something. */
  readonly clock: number;
  readonly cpu: number;
}

/** Before and after a deposit. `fresh`: in a market that was just read, as once a block; else as while one types. */
const previewMs = (model: 0 | 1, fresh: boolean): Timing => {
  const account = holder(model);
  const [clock, cpu]: [number[], number[]] = [[], []];
  let market = madeUpMarket();
  for (let i = 0; i < WARM + RUNS; i += 1) {
    if (fresh) market = madeUpMarket();
    const [began, used] = [performance.now(), process.cpuUsage()];
    previewActions({ market, account }, [
      { kind: "deposit", account: account.id, asset: USDC, amount: 1_000_000n * BigInt(i + 1) },
    ]);
    if (i < WARM) continue;
    clock.push(performance.now() - began);
    cpu.push(process.cpuUsage(used).user / 1_000);
  }
  return { clock: median(clock), cpu: median(cpu) };
};

/** Liquidation prices: in a worker, so that the page never waits for them. */
const liquidationMs = (model: 0 | 1): number => {
  const standing: Standing = { market: madeUpMarket(), account: holder(model) };
  liquidationsOf(standing);
  const began = performance.now();
  if (liquidationsOf(standing).length === 0) throw new Error("the account cannot be liquidated: nothing was measured");
  return performance.now() - began;
};

await buildPage();
const manifest = JSON.parse(readFileSync(join(OUT, ".vite", "manifest.json"), "utf8")) as Record<string, Chunk>;
const first = scriptsOf(manifest, ["index.html", "src/pages/Trade.tsx"]);
const chart = scriptsOf(manifest, ["src/pages/trade/Chart.tsx"]);
const round = (value: number): number => Math.round(value * 10) / 10;
const typing = ([0, 1] as const).map((model) => previewMs(model, false));
const anew = ([0, 1] as const).map((model) => previewMs(model, true));
const slower = (list: readonly Timing[], pick: (timing: Timing) => number): number =>
  round(Math.max(...list.map(pick)));
const result = {
  script_gzip_kb: round(kilobytes(first)),
  chart_gzip_kb: round(kilobytes([...chart].filter((file) => !first.has(file)))),
  preview64_ms: slower(typing, ({ clock }) => clock),
  preview64_cpu_ms: slower(typing, ({ cpu }) => cpu),
  preview64_new_block_ms: slower(anew, ({ clock }) => clock),
  preview64_new_block_cpu_ms: slower(anew, ({ cpu }) => cpu),
  liquidation64_ms: round(Math.max(liquidationMs(0), liquidationMs(1))),
};
writeFileSync(RESULT, `${JSON.stringify(result, null, 2)}\n`);
console.log(result);
if (result.script_gzip_kb > MOST_SCRIPT_KB || result.preview64_ms > MOST_PREVIEW_MS) process.exitCode = 1;
