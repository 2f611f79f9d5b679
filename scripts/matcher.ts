// npm run matcher -- --rpc URL    (--help says the rest; the matcher itself is in matcher/)
import { ConfigError } from "../keeper/config.ts";
import { createLogger } from "../keeper/logger.ts";
import { KEY_VARIABLE, parseOptions, USAGE } from "../matcher/config.ts";
import { JournalError } from "../matcher/journal.ts";
import { runMatcher } from "../matcher/main.ts";
import { requireKey, stopSignal } from "./lib/service.ts";

const main = async (): Promise<void> => {
  const options = parseOptions(process.argv.slice(2));
  if (options === undefined) {
    console.log(USAGE);
    return;
  }
  const key = await requireKey(KEY_VARIABLE);
  await runMatcher(options, key, createLogger(options.logLevel, undefined, "matcher"), stopSignal());
};

try {
  await main();
} catch (error) {
  // What somebody has to put right is said in a line; anything else is a bug and shows its stack.
  const isTheirs = error instanceof ConfigError || error instanceof JournalError;
  console.error(isTheirs ? `matcher: ${error.message}` : error);
  process.exitCode = 1;
}
