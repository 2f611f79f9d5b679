// npm run maker -- --rpc URL    (--help says the rest; the bot itself is in maker/)
import { ConfigError } from "../keeper/config.ts";
import { createLogger } from "../keeper/logger.ts";
import { KEY_VARIABLE, parseOptions, USAGE } from "../maker/config.ts";
import { runMaker } from "../maker/maker.ts";
import { requireKey, stopSignal } from "./lib/service.ts";

const main = async (): Promise<void> => {
  const options = parseOptions(process.argv.slice(2));
  if (options === undefined) {
    console.log(USAGE);
    return;
  }
  const key = await requireKey(KEY_VARIABLE);
  await runMaker(options, key, createLogger(options.logLevel, undefined, "maker"), stopSignal());
};

try {
  await main();
} catch (error) {
  console.error(error instanceof ConfigError ? `maker: ${error.message}` : error);
  process.exitCode = 1;
}
