// The program: from arguments to exit codes.
import { mkdirSync } from "node:fs";
import { join, relative, resolve } from "node:path";

import { CandleError } from "../replay/candles.ts";
import { progressTo } from "../replay/progress.ts";
import { UsageError } from "./errors.ts";
import { parseOptions, type StressOptions, USAGE } from "./options.ts";
import { pathOf, runStress } from "./run.ts";

const EXIT = { broken: 1, usage: 2, stopped: 130 } as const;

async function single(options: StressOptions, directory: string, stopped: AbortSignal): Promise<number> {
  const path = pathOf(options, directory);
  const progress = progressTo(process.stdout, options.json);
  progress.say(`Prices: ${path.source}`);
  const out = resolve(directory, options.out);
  const run = await runStress(options, path, progress, join(out, "logs"), stopped);
  if (run === undefined) {
    progress.say("\nStopped; keepers and chain are down, nothing was written.");
    return EXIT.stopped;
  }
  mkdirSync(out, { recursive: true });
  console.log(JSON.stringify({ ...run.result, timeToHealthy: { ...run.result.timeToHealthy, blocks: [] } }, null, 1), relative);
  return run.result.violations.length === 0 ? 0 : EXIT.broken;
}

/** Sets the exit code; leaves no process behind. */
export async function runProgram(args: readonly string[]): Promise<void> {
  try {
    const options = parseOptions(args);
    if (options === undefined) {
      console.log(USAGE);
      return;
    }
    const stop = new AbortController();
    for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => stop.abort());
    // npm runs scripts in the project's folder; files are named from where the person is.
    const directory = process.env["INIT_CWD"] ?? process.cwd();
    process.exitCode = await single(options, directory, stop.signal);
  } catch (error) {
    const isTheirs = error instanceof CandleError || error instanceof UsageError;
    console.error(`stress: ${error instanceof Error ? error.message : String(error)}`);
    if (!isTheirs && error instanceof Error && process.env["DEBUG"] !== undefined) console.error(error.stack);
    process.exitCode = isTheirs ? EXIT.usage : EXIT.broken;
  }
}
