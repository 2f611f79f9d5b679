// npm start [-- --candles FILE] [--json]: a real crash on a real local chain (see --help).
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { CandleError, loadPath } from "../replay/candles.ts";
import { progressTo } from "../replay/progress.ts";
import { reportHtml } from "./demo/report.ts";
import { runDemo } from "./demo/run.ts";
import { table } from "./demo/summary.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const RECORDED = join(ROOT, "..", "shared", "data", "candles", "2020-03-black-thursday.csv");
const REPORT = join(ROOT, "out", "report.html");

const USAGE = `Usage: npm start [-- options]

Replays a crash on a local chain: lenders, leveraged traders, real Uniswap pools, a keeper that liquidates
through JSON-RPC; perps and options traded by signed orders under both margin models. Writes out/report.html.

  --candles FILE   CSV with ts (unix seconds) and <asset>_open/high/low/close (or _o/_h/_l/_c) of two assets,
                   and <asset>_dvol and <asset>_funding8h where known
                   (default: the recorded crash of March 2020 when it is there, else a path built after it)
  --json           print the summary as JSON and nothing else

Exit code: 0 all well, 1 an invariant or the audit was broken or the demo failed, 2 wrong arguments or candles, 130 stopped.`;

const EXIT = { broken: 1, usage: 2, stopped: 130 } as const;

class UsageError extends Error {}

const parse = () => {
  try {
    return parseArgs({
      options: {
        candles: { type: "string" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  }
};

const main = async (): Promise<void> => {
  const options = parse();
  if (options.help) {
    console.log(USAGE);
    return;
  }
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => stop.abort());

  // npm runs scripts in the project's folder; the file was named from where the person is.
  const path = loadPath(options.candles, RECORDED, process.env["INIT_CWD"] ?? process.cwd());
  const progress = progressTo(process.stdout, options.json);
  progress.say(`Prices: ${path.source}`);
  const result = await runDemo(path, progress, stop.signal);
  if (result === undefined) {
    progress.say("\nStopped; keeper and chain are down.");
    process.exitCode = EXIT.stopped;
    return;
  }
  const { summary, recorder, derivatives } = result;
  mkdirSync(dirname(REPORT), { recursive: true });
  writeFileSync(REPORT, reportHtml(summary, recorder, derivatives));
  if (options.json) console.log(JSON.stringify(summary, null, 2));
  progress.say(`\n${table(summary)}\n\nReport: ${relative(process.cwd(), REPORT)}  (${summary.seconds.toFixed(0)} s)`);
  if (summary.violations.length === 0 && summary.audit.differences === 0) return;
  process.exitCode = EXIT.broken;
  for (const { id, block, message } of summary.violations.slice(0, 20)) {
    console.error(`${id} broken at block ${block}: ${message}`);
  }
  for (const finding of summary.audit.findings.slice(0, 20)) console.error(`audit: ${finding}`);
};

try {
  await main();
} catch (error) {
  const isTheirs = error instanceof CandleError || error instanceof UsageError;
  console.error(`demo: ${error instanceof Error ? error.message : String(error)}`);
  if (!isTheirs && error instanceof Error && process.env["DEBUG"] !== undefined) console.error(error.stack);
  process.exitCode = isTheirs ? EXIT.usage : EXIT.broken;
}
