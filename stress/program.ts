// The program: from arguments to exit codes.
import { join, relative, resolve } from "node:path";

import { CandleError } from "../replay/candles.ts";
import { progressTo } from "../replay/progress.ts";
import { UsageError } from "./errors.ts";
import { writeAll } from "./files.ts";
import { parseOptions, type StressOptions, USAGE } from "./options.ts";
import { checkParameters } from "./parameters.ts";
import { reportHtml } from "./report.ts";
import { pathOf } from "./path.ts";
import { combinations, runSweep } from "./sweep.ts";
import { sweepHtml, sweepTable } from "./sweepReport.ts";
import { rows, table } from "./table.ts";

const EXIT = { broken: 1, usage: 2, stopped: 130 } as const;
const MOST_SHOWN = 20;

async function single(options: StressOptions, directory: string, stopped: AbortSignal): Promise<number> {
  const path = pathOf(options, directory);
  const progress = progressTo(process.stdout, options.json);
  progress.say(`Prices: ${path.source}`);
  const out = resolve(directory, options.out);
  // Hardhat takes its time to load: whoever has to change an argument need not wait for it.
  const { runStress } = await import("./run.ts");
  const run = await runStress(options, path, progress, join(out, "logs"), stopped);
  if (run === undefined) {
    progress.say("\nStopped; keepers and chain are down, nothing was written.");
    return EXIT.stopped;
  }
  const { result, record, nameOf } = run;
  const json = JSON.stringify(result, null, 2);
  writeAll(out, { "result.json": `${json}\n`, "report.html": reportHtml(result, record, nameOf) });
  if (options.json) console.log(json);
  progress.say(`\n${table(rows(result))}\n\nReport: ${relative(process.cwd(), join(out, "report.html"))}`);
  for (const { id, block, message } of result.violations.slice(0, MOST_SHOWN))
    console.error(`${id} broken at block ${block}: ${message}`);
  return result.violations.length === 0 ? 0 : EXIT.broken;
}

async function sweep(
  options: StressOptions,
  settings: NonNullable<StressOptions["sweep"]>,
  directory: string,
  stopped: AbortSignal,
): Promise<number> {
  for (const overrides of combinations(settings.axes))
    checkParameters("--vary", { ...options.overrides, ...overrides });
  pathOf(options, directory);
  const progress = progressTo(process.stdout, options.json);
  const out = resolve(directory, options.out);
  const result = await runSweep(options, settings, directory, out, progress, stopped);
  if (result === undefined) {
    progress.say("\nStopped; nothing was written of the sweep.");
    return EXIT.stopped;
  }
  const json = JSON.stringify(result, null, 2);
  writeAll(out, { "sweep.json": `${json}\n`, "sweep.html": sweepHtml(result) });
  if (options.json) console.log(json);
  progress.say(`\n${sweepTable(result)}\n\nReport: ${relative(process.cwd(), join(out, "sweep.html"))}`);
  return result.violations === 0 ? 0 : EXIT.broken;
}

/** Sets the exit code; leaves no process behind. */
export async function runProgram(args: readonly string[]): Promise<void> {
  try {
    const options = parseOptions(args);
    if (options === undefined) {
      console.log(USAGE);
      return;
    }
    checkParameters("--set", options.overrides);
    const stop = new AbortController();
    for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => stop.abort());
    // npm runs scripts in the project's folder; files are named from where the person is.
    const directory = process.env["INIT_CWD"] ?? process.cwd();
    process.exitCode =
      options.sweep === undefined
        ? await single(options, directory, stop.signal)
        : await sweep(options, options.sweep, directory, stop.signal);
  } catch (error) {
    const isTheirs = error instanceof CandleError || error instanceof UsageError;
    console.error(`stress: ${error instanceof Error ? error.message : String(error)}`);
    if (!isTheirs && error instanceof Error && process.env["DEBUG"] !== undefined) console.error(error.stack);
    process.exitCode = isTheirs ? EXIT.usage : EXIT.broken;
  }
}
