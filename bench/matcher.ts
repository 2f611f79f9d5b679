// npm run bench:matcher: orders a second through the engine, with and without its journal, and how long a recovery takes.
// Writes bench/matcher.json. Signatures and the chain are not in it: they are the service's, and cost far more.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { toBeHex, ZeroAddress } from "ethers";

import { encodeState } from "../matcher/codec.ts";
import type { Command } from "../matcher/commands.ts";
import { DurableEngine } from "../matcher/durable.ts";
import { DEFAULT_ENGINE_OPTIONS, Engine, type EngineOptions } from "../matcher/engine.ts";
import type { FsyncPolicy } from "../matcher/journal.ts";
import { optionWord, perpWord, WAD } from "../sdk/instruments.ts";
import { FLAG, NO_TRIGGER } from "../sdk/orders.ts";

const ORDERS = 200_000;
/** Acknowledged together, as the service does under load. */
const GROUP = 100;
const SEED = 20_260_521;
const OWNERS = 500;
const START = 1_800_000_000_000;
const OPTIONS: EngineOptions = { ...DEFAULT_ENGINE_OPTIONS, maxOrdersPerOwner: 100_000, executor: ZeroAddress };

/** mulberry32: the same orders every time. */
const randomFrom = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
};

/** A market around a wandering price: makers quote, takers cross, a third of what rests is cancelled. */
const commands = (count: number): Command[] => {
  const random = randomFrom(SEED);
  const instruments = [perpWord(2), perpWord(3)];
  for (let i = 0; i < 18; i += 1) {
    const strike = BigInt(2_000 + 100 * i) * 10n ** 8n;
    instruments.push(optionWord({ underlying: 2, expiry: 1_830_000_000, strike, isCall: i % 2 === 0 }));
  }
  const list: Command[] = [];
  const placed: string[] = [];
  let middle = 300_000;
  for (let i = 0; i < count; i += 1) {
    const at = START + i;
    middle += Math.round((random() - 0.5) * 20);
    if (random() < 0.25 && placed.length > 100) {
      const hash = placed[placed.length - 1 - Math.floor(random() * 100)] ?? "";
      list.push({ kind: "cancel", at, hash, reason: "asked" });
      continue;
    }
    const isBuy = random() < 0.5;
    const isTaker = random() < 0.4;
    const away = Math.round((isTaker ? -random() : random()) * 500);
    const price = BigInt(middle + (isBuy ? -away : away)) * 10n ** 16n;
    const hash = toBeHex(i + 1, 32);
    placed.push(hash);
    list.push({
      kind: "place",
      at,
      hash,
      signer: toBeHex(1, 20),
      signature: `0x${"5a".repeat(65)}`,
      order: {
        account: toBeHex((BigInt(1 + Math.floor(random() * OWNERS)) << 96n) | 0n, 32),
        legs: [
          {
            instrument: instruments[Math.floor(random() ** 2 * instruments.length)] ?? 0n,
            ratio: isBuy ? WAD : -WAD,
            price,
          },
        ],
        size: BigInt(1 + Math.floor(random() * 100)) * (WAD / 10n),
        maxFee: WAD,
        expiry: START / 1_000 + 86_400,
        nonce: BigInt(i),
        salt: BigInt(at),
        executor: ZeroAddress,
        flags: isTaker && random() < 0.5 ? FLAG.immediateOrCancel : 0,
        trigger: NO_TRIGGER,
      },
    });
  }
  return list;
};

interface Tally {
  orders: number;
  fills: number;
}

/** Refusals (of cancelling what is gone) count as orders: they are asked for and answered. */
const feed = (
  apply: (command: Command) => readonly { kind: string }[],
  list: readonly Command[],
  tally: Tally,
): void => {
  for (const command of list) {
    tally.orders += 1;
    try {
      for (const { kind } of apply(command)) if (kind === "traded") tally.fills += 1;
    } catch {
      // cancelled, filled or refused before
    }
  }
};

/** What is on its way lands after a while, as on a chain; else remembered orders would grow without end. */
const confirmAll = (engine: Engine, apply: (command: Command) => unknown, at: number): void => {
  for (const id of [...engine.fills.keys()]) apply({ kind: "confirm", at, fill: id });
};

const inMemory = (list: readonly Command[]) => {
  const engine = new Engine(OPTIONS);
  const tally = { orders: 0, fills: 0 };
  const spent = stopwatch();
  for (let i = 0; i < list.length; i += GROUP) {
    feed((command) => engine.apply(command), list.slice(i, i + GROUP), tally);
    confirmAll(engine, (command) => engine.apply(command), START + i);
  }
  return { ...rates(tally, spent()), resting: engine.orders.size };
};

/** Wall time, and what of it this process had a core for: on a busy machine they differ. */
interface Spent {
  readonly ms: number;
  readonly cpuMs: number;
}

const stopwatch = (): (() => Spent) => {
  const [wall, cpu] = [performance.now(), process.cpuUsage()];
  return () => {
    const { user, system } = process.cpuUsage(cpu);
    return { ms: performance.now() - wall, cpuMs: (user + system) / 1_000 };
  };
};

const rates = ({ orders, fills }: Tally, { ms, cpuMs }: Spent) => ({
  orders,
  fills,
  seconds: round(ms / 1_000),
  ordersPerSecond: Math.round((1_000 * orders) / ms),
  ordersPerCpuSecond: Math.round((1_000 * orders) / cpuMs),
});
const round = (value: number): number => Math.round(value * 1_000) / 1_000;

const journalled = async (list: readonly Command[], fsync: FsyncPolicy) => {
  const directory = mkdtempSync(join(tmpdir(), "plimsoll-matcher-"));
  const settings = { directory, fsync, snapshotEvery: Infinity };
  try {
    const durable = DurableEngine.open(OPTIONS, settings);
    const tally = { orders: 0, fills: 0 };
    const spent = stopwatch();
    for (let i = 0; i < list.length; i += GROUP) {
      feed((command) => durable.apply(command), list.slice(i, i + GROUP), tally);
      confirmAll(durable.engine, (command) => durable.apply(command), START + i);
      await durable.flush();
    }
    const result = rates(tally, spent());
    durable.close();
    const bytes = statSync(join(directory, "journal-0.log")).size;

    const recovered = DurableEngine.open(OPTIONS, settings);
    const { commands: replayed, ms } = recovered.recovery;
    if (encodeState(recovered.engine.state()) !== encodeState(durable.engine.state())) {
      throw new Error("the recovered state differs");
    }
    const snapshotStarted = performance.now();
    recovered.snapshot();
    const snapshotMs = performance.now() - snapshotStarted;
    recovered.close();
    const again = DurableEngine.open(OPTIONS, settings);
    again.close();
    return {
      ...result,
      journalMegabytes: round(bytes / 1e6),
      recovery: {
        commands: replayed,
        seconds: round(ms / 1_000),
        snapshotSeconds: round(snapshotMs / 1_000),
        fromSnapshotSeconds: round(again.recovery.ms / 1_000),
      },
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
};

const list = commands(ORDERS);
inMemory(list.slice(0, 20_000)); // warms the compiler up
const result = {
  what: `${ORDERS} orders and cancels over 20 instruments and ${OWNERS} owners, acknowledged in groups of ${GROUP}; every group's fills confirmed`,
  machine: {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    node: process.version,
    /** Above the number of cores others were at work too. */
    load: round(loadavg()[0] ?? 0),
  },
  memory: inMemory(list),
  journal: {
    never: await journalled(list, "never"),
    interval: await journalled(list, "interval"),
    always: await journalled(list, "always"),
  },
};
const file = join(dirname(fileURLToPath(import.meta.url)), "matcher.json");
writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
console.log(readFileSync(file, "utf8"));
