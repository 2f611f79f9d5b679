// npm run dev    (--help says the rest): a whole local market and the page on it. The pieces are in scripts/dev/.
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { CandleError, loadPath } from "../replay/candles.ts";
import { stopSignal } from "./lib/service.ts";
import { startStack } from "./dev/stack.ts";
import { buildPage, serveBuilt, serveSources } from "./dev/web.ts";

const RECORDED = fileURLToPath(new URL("../../shared/data/candles/2021-05-19.csv", import.meta.url));
const USUAL_PORT = 5173;
const MOST_SPEED = 3_600;

const USAGE = `Usage: npm run dev -- [options]

  --port NUMBER    of the page, 0 for any free one          (default: ${USUAL_PORT})
  --speed NUMBER   seconds of the record in one second, 0 to ${MOST_SPEED}; 0 stands still   (default: 60)
  --block MS       between blocks, 250 to 60000             (default: 2000)
  --candles FILE   prices to replay (ts and open, high, low, close of two assets)
  --built          serve the page as it would be published, instead of its sources

Starts a local chain, deploys, runs keeper, attestor, matcher and maker, replays prices, and serves the page.
Ctrl-C stops all of it.`;

class UsageError extends Error {}

const number = (name: string, value: string, least: number, most: number): number => {
  const parsed = Number(value);
  if (value.trim() === "" || !(parsed >= least && parsed <= most)) {
    throw new UsageError(`--${name} must be a number from ${least} to ${most}, not "${value}"`);
  }
  return parsed;
};

const options = () => {
  try {
    return parseArgs({
      options: {
        port: { type: "string", default: String(USUAL_PORT) },
        speed: { type: "string", default: "60" },
        block: { type: "string", default: "2000" },
        candles: { type: "string" },
        built: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
};

const main = async (): Promise<void> => {
  const values = options();
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const port = number("port", values.port, 0, 65_535);
  const speed = number("speed", values.speed, 0, MOST_SPEED);
  const blockMs = number("block", values.block, 250, 60_000);
  const path = loadPath(values.candles, RECORDED, process.env["INIT_CWD"] ?? process.cwd());
  const stopped = stopSignal();
  const say = (what: string): void => console.log(what);
  if (values.built) {
    say("Building the page …");
    await buildPage();
  }
  const stack = await startStack({ path, speed, blockMs, say, stopped });
  try {
    const web = await (values.built ? serveBuilt : serveSources)(stack, port);
    try {
      say(
        `\nPrices: ${path.source}, ${speed} times as fast. Logs: out/dev.\n\n  Plimsoll is at ${web.url}\n\nCtrl-C stops it.`,
      );
      if (!stopped.aborted) await new Promise((resolve) => stopped.addEventListener("abort", resolve, { once: true }));
    } finally {
      await web.stop();
    }
  } finally {
    say("Stopping …");
    await stack.stop();
  }
};

try {
  await main();
  // Sockets that a browser keeps open would keep the program.
  process.exit(0);
} catch (error) {
  const isTheirs = error instanceof UsageError || error instanceof CandleError;
  console.error(isTheirs ? `dev: ${error.message}` : error);
  process.exit(isTheirs ? 2 : 1);
}
