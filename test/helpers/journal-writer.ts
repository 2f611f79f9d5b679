// A process that trades into a journal until it is killed. After every flush it says how many lines are in it.
//   node --import tsx test/helpers/journal-writer.ts DIRECTORY SEED
import { pathToFileURL } from "node:url";

import type { Command } from "../../matcher/commands.ts";
import { DurableEngine } from "../../matcher/durable.ts";
import { DEFAULT_ENGINE_OPTIONS, type Engine, type EngineOptions } from "../../matcher/engine.ts";
import { Refusal } from "../../matcher/errors.ts";
import { hashOf, makeSigned, ownerAddress, START } from "./orders.ts";

export const WRITER_ENGINE: EngineOptions = { ...DEFAULT_ENGINE_OPTIONS, executor: ownerAddress(0xe0) };
const GROUP = 20;
const SNAPSHOT_EVERY = 700;

/** A linear congruential sequence: the same for the same seed. */
const dice = (seed: number) => {
  let state = seed + 1;
  return (sides: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 4_294_967_296) * sides);
  };
};

/** Without end. It looks at the engine for fills to confirm, so it has to be the engine that the commands go to. */
export function* commandsFor(engine: Engine, seed: number): Generator<Command> {
  const roll = dice(seed);
  for (let id = 1; ; id += 1) {
    const at = START + id;
    const side = roll(2) === 0 ? "buy" : "sell";
    yield {
      kind: "place",
      at,
      ...makeSigned({
        id,
        owner: 1 + roll(40),
        side,
        price: 100 + roll(20),
        size: 1 + roll(9),
        postOnly: roll(5) === 0,
      }),
    };
    if (roll(4) === 0) yield { kind: "cancel", at, hash: hashOf(1 + roll(id)), reason: "asked" };
    const [oldest] = engine.fills.values();
    if (oldest !== undefined && roll(2) === 0) yield { kind: "confirm", at, fill: oldest.id };
    else if (oldest !== undefined && roll(8) === 0) {
      yield { kind: "fail", at, fill: oldest.id, culprits: [oldest.taker], reason: "InsufficientMargin" };
    }
    if (roll(50) === 0) yield { kind: "sweep", at };
  }
}

/** Applies what can be; false for a refusal. */
export const applied = (apply: (command: Command) => unknown, command: Command): boolean => {
  try {
    apply(command);
    return true;
  } catch (error) {
    if (error instanceof Refusal) return false;
    throw error;
  }
};

const run = async (directory: string, seed: number): Promise<void> => {
  const durable = DurableEngine.open(WRITER_ENGINE, { directory, fsync: "never", snapshotEvery: SNAPSHOT_EVERY });
  let inGroup = 0;
  for (const command of commandsFor(durable.engine, seed)) {
    applied((each) => durable.apply(each), command);
    inGroup += 1;
    if (inGroup < GROUP) continue;
    inGroup = 0;
    await durable.flush();
    process.stdout.write(`${durable.sequence}\n`);
    await new Promise((resolve) => setImmediate(resolve));
  }
};

const [, script = "", directory, seed] = process.argv;
if (import.meta.url === pathToFileURL(script).href && directory !== undefined) await run(directory, Number(seed));
