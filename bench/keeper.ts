// Figures of the keeper's book at 10,000, 100,000 and 1,000,000 accounts: `npm run bench:keeper`, into bench/keeper.json. Every phase runs in a
// process of its own, so that memory and times are those of a keeper that does just this.
//   tsx bench/keeper.ts [--accounts 1000000] [--out bench/keeper.json]
import { spawnSync } from "node:child_process";
import {
  closeSync,
  createReadStream,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

import { AccountBook, type BlockLogs } from "../keeper/book/index.ts";
import { ACCOUNT_CHANGED, LEDGER_CHANGED } from "../keeper/book/logs.ts";
import { Tailor } from "./keeperAccounts.ts";
import {
  accountLog,
  blockHash,
  draftAccount,
  idOf,
  ledgerLog,
  MIX_TEXT,
  POSITIONS,
  randomOf,
  SAFE,
  World,
  wordsOf,
} from "./keeperWorld.ts";

const SEED = 20_261_122;
const LOGS_PER_BLOCK = 400;
const MOVES = 400;
const WARM_UP = 20;
const CHAIN = 31_337;
const WORLD = { seed: SEED, phiBps: 3_000 };

const say = (text: string): void => void process.stderr.write(`${text}\n`);

// ------------------------------------------------------------------------------------------------ phases

/** Writes a file of blocks as a node gives their logs, a line each. Most accounts changed more than once. */
const generate = (file: string, accounts: number): { logs: number; bytes: number } => {
  const world = new World(WORLD);
  const random = randomOf(SEED + 1);
  const instruments = world.instruments();
  const tailor = new Tailor(world, random, instruments);
  const out = openSync(file, "w");
  let [number, logs] = [0, 0];
  let block: unknown[] = [];
  const flush = (): void => {
    number += 1;
    const line = { number, hash: blockHash(number), parentHash: blockHash(number - 1), logs: block };
    writeSync(out, `${JSON.stringify(line)}\n`);
    block = [];
  };
  const put = (log: unknown): void => {
    logs += 1;
    if (block.push(log) >= LOGS_PER_BLOCK) flush();
  };
  for (let i = 0; i < accounts; i += 1) {
    const id = idOf(random);
    const draft = draftAccount(world, random, instruments);
    const words = tailor.fit(draft);
    // A first deposit, then what the account became; positions one fill at a time up to three.
    if (random() < 0.7)
      put(accountLog(ACCOUNT_CHANGED, id, wordsOf({ ...draft, kind: "lender", positions: [], quote: 0n }, 1_000)));
    if (draft.positions.length > 0) {
      const fills = Math.min(draft.positions.length, 1 + Math.floor(3 * random()));
      for (let k = 1; k < fills; k += 1)
        put(ledgerLog(LEDGER_CHANGED, id, draft.quote / 2n, draft.positions.slice(0, k)));
      put(ledgerLog(LEDGER_CHANGED, id, draft.quote, draft.positions));
    }
    put(accountLog(ACCOUNT_CHANGED, id, words));
  }
  if (block.length > 0) flush();
  closeSync(out);
  return { logs, bytes: statSync(file).size };
};

const open = (file: string): AccountBook =>
  AccountBook.open({ chainId: CHAIN, safe: SAFE, positions: POSITIONS, file });

const peakMb = (): number => Math.round(process.resourceUsage().maxRSS / 1_024);

/** From the logs to a book with every guard set, and its checkpoint. */
const rebuild = async (logs: string, file: string): Promise<Record<string, number>> => {
  const start = performance.now();
  const book = open(file);
  const lines = createInterface({ input: createReadStream(logs, { highWaterMark: 1 << 20 }) });
  for await (const line of lines) book.apply({ ...(JSON.parse(line) as BlockLogs), isFinal: true });
  const read = performance.now();
  book.setMarket(new World(WORLD).market());
  book.look();
  const ready = performance.now();
  const { ms } = book.checkpoint();
  const { accounts, watched, below, guards, bytes } = book.statistics();
  await book.close();
  return {
    read_s: (read - start) / 1e3,
    guards_s: (ready - read) / 1e3,
    checkpoint_s: ms / 1e3,
    rebuild_s: (ready - start) / 1e3,
    accounts,
    watched,
    below,
    guards,
    columns_mb: bytes / 2 ** 20,
    rss_mb: peakMb(),
  };
};

const quantile = (list: readonly number[], q: number): number =>
  [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(q * list.length))] ?? NaN;

/** From the checkpoint: ready again, then moves of one per cent, then the crash. */
const run = async (file: string): Promise<Record<string, number>> => {
  const start = performance.now();
  const cpuStart = process.cpuUsage();
  const book = open(file);
  const loaded = performance.now();
  const world = new World(WORLD);
  book.setMarket(world.market());
  book.look();
  const ready = performance.now();
  const random = randomOf(SEED + 2);
  const assets = [2, 3, 4, 0x401];
  const first = new Map(world.price);
  const [times, wholes, looks, used]: [number[], number[], number[], number[]] = [[], [], [], []];
  for (let i = 0; i < MOVES + WARM_UP; i += 1) {
    world.time += 12;
    // Every volatile asset moves by one per cent, up or down; back where it has drifted far.
    for (const id of assets) {
      const [price, from] = [world.price.get(id) ?? 1, first.get(id) ?? 1];
      const up = random() < 0.5 - 15 * Math.log(price / from);
      world.price.set(id, price * (up ? 1.01 : 0.99));
    }
    const market = world.market();
    const cpuBefore = process.cpuUsage();
    const before = performance.now();
    book.setMarket(market);
    const { looked } = book.find();
    const known = performance.now();
    const cpu = process.cpuUsage(cpuBefore);
    book.look();
    const done = performance.now();
    if (i < WARM_UP) continue;
    times.push(known - before);
    wholes.push(done - before);
    looks.push(looked);
    used.push((cpu.user + cpu.system) / 1e3);
  }
  const health = book.statistics().below;
  for (const id of assets) world.price.set(id, (world.price.get(id) ?? 1) * 0.8);
  world.time += 12;
  const market = world.market();
  const crashCpu = process.cpuUsage();
  const crash = performance.now();
  book.setMarket(market);
  const { looked } = book.find();
  const ranked = book.rank({ cost: 5 });
  const done = performance.now();
  const crashUsed = process.cpuUsage(crashCpu);
  await book.close();
  return {
    load_s: (loaded - start) / 1e3,
    restart_s: (ready - start) / 1e3,
    update_ms: wholes.reduce((a, b) => a + b, 0) / wholes.length,
    update_p99_ms: quantile(wholes, 0.99),
    move_ms: times.reduce((a, b) => a + b, 0) / times.length,
    move_p50_ms: quantile(times, 0.5),
    move_p99_ms: quantile(times, 0.99),
    // What the process itself used: on a machine with other work the times above are longer.
    move_cpu_p50_ms: quantile(used, 0.5),
    move_cpu_p99_ms: quantile(used, 0.99),
    move_max_ms: Math.max(...times),
    looked_mean: looks.reduce((a, b) => a + b, 0) / looks.length,
    looked_p99: quantile(looks, 0.99),
    below_before_crash: health,
    crash_ms: done - crash,
    crash_cpu_ms: (crashUsed.user + crashUsed.system) / 1e3,
    crash_looked: looked,
    crash_ranked: ranked.length,
    cpu_s: process.cpuUsage(cpuStart).user / 1e6,
    rss_mb: peakMb(),
  };
};

// ------------------------------------------------------------------------------------------------ the whole

const phase = (name: string, ...args: string[]): Record<string, number> => {
  const tsx = join(fileURLToPath(new URL("..", import.meta.url)), "node_modules", ".bin", "tsx");
  const child = spawnSync(
    tsx,
    ["--disable-warning=ExperimentalWarning", fileURLToPath(import.meta.url), "--phase", name, ...args],
    {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
      maxBuffer: 1 << 26,
    },
  );
  if (child.status !== 0) throw new Error(`phase ${name} ended with ${child.status ?? "a signal"}`);
  const figures = JSON.parse(child.stdout) as Record<string, number>;
  say(`${name} ${args.at(-1) ?? ""} ${JSON.stringify(figures)}`);
  return figures;
};

const round = (x: number | undefined, digits = 1): number => Number((x ?? NaN).toFixed(digits));

const bench = (most: number, out: string): void => {
  const folder = mkdtempSync(join(tmpdir(), "keeper-bench-"));
  try {
    const scaling: Record<string, unknown> = {};
    const detail: Record<string, unknown> = {};
    let figures: Record<string, unknown> = {};
    for (const [name, accounts] of [
      ["10k", 10_000],
      ["100k", 100_000],
      ["1m", 1_000_000],
    ] as const) {
      if (accounts > most) continue;
      const [logs, file] = [join(folder, `${name}.jsonl`), join(folder, `${name}.sqlite`)];
      const made = phase("generate", logs, String(accounts));
      const built = phase("rebuild", logs, file);
      rmSync(logs);
      const moved = phase("run", file);
      scaling[name] = round(moved["update_ms"], 2);
      detail[name] = { ...made, ...built, ...moved };
      figures = {
        [`rebuild_${name}_s`]: round(built["rebuild_s"]),
        [`restart_${name}_s`]: round(moved["restart_s"]),
        [`rss_${name}_mb`]: Math.max(built["rss_mb"] ?? NaN, moved["rss_mb"] ?? NaN),
        move1pct_p99_ms: round(moved["move_p99_ms"]),
        crash20_ms: round(moved["crash_ms"], 0),
      };
    }
    const kept = existsSync(out) ? (JSON.parse(readFileSync(out, "utf8")) as Record<string, unknown>) : {};
    const result = {
      ...kept,
      ...figures,
      scaling,
      books: MIX_TEXT,
      move: "every volatile asset by ±1 %, 12 s later: market taken over, guards crossed, all accounts behind them weighed (move1pct); scaling: and their guards set anew",
      crash: "every volatile asset −20 %: the same, then every account below maintenance in order of profit",
      machine: `${cpus().length} × ${cpus()[0]?.model ?? "?"}, Node ${process.versions.node}`,
      /** Of the machine beside this: over its number of processors, times are those of a share of it. */
      load: loadavg().map((x) => round(x)),
      detail,
    };
    writeFileSync(out, `${JSON.stringify(result, null, 2)}\n`);
    say(`wrote ${out}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const main = async (): Promise<void> => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { accounts: { type: "string" }, out: { type: "string" }, phase: { type: "string" } },
  });
  const [first = "", second = ""] = positionals;
  if (values.phase === undefined) {
    bench(Number(values.accounts ?? 1_000_000), values.out ?? fileURLToPath(new URL("keeper.json", import.meta.url)));
    return;
  }
  const figures =
    values.phase === "generate"
      ? generate(first, Number(second))
      : values.phase === "rebuild"
        ? await rebuild(first, second)
        : await run(first);
  process.stdout.write(JSON.stringify(figures));
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main();
