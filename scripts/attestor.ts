// npm run attestor -- --rpc URL    (--help says the rest; the attestor itself is in attestor/)
import { runAttestor } from "../attestor/attestor.ts";
import { parseOptions, SENDER_VARIABLE, SIGNERS_VARIABLE, USAGE } from "../attestor/config.ts";
import { ConfigError } from "../keeper/config.ts";
import { createLogger } from "../keeper/logger.ts";
import { checkedKey, requireKey, stopSignal } from "./lib/service.ts";

const main = async (): Promise<void> => {
  const options = parseOptions(process.argv.slice(2));
  if (options === undefined) {
    console.log(USAGE);
    return;
  }
  const sender = await requireKey(SENDER_VARIABLE);
  const signers = (await requireKeys(SIGNERS_VARIABLE)).map((key) => checkedKey(key, SIGNERS_VARIABLE));
  await runAttestor(options, { sender, signers }, createLogger(options.logLevel, undefined, "attestor"), stopSignal());
};

const requireKeys = (variable: string): Promise<string[]> => {
  const keys = (process.env[variable] ?? "").split(",").map((key) => key.trim());
  if (keys[0] === "") throw new ConfigError(`no signers: set ${variable} in the environment, separated by commas`);
  return Promise.resolve(keys);
};

try {
  await main();
} catch (error) {
  console.error(error instanceof ConfigError ? `attestor: ${error.message}` : error);
  process.exitCode = 1;
}
