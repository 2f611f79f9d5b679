// npm run keeper -- --rpc URL    (--help says the rest; the keeper itself is in keeper/)
import { ConfigError, type Keystore, parseOptions, readKey, USAGE } from "../keeper/config.ts";
import { runKeeper } from "../keeper/keeper.ts";
import { UntrustedHead } from "../keeper/heads.ts";
import { createLogger } from "../keeper/logger.ts";
import { runOptimistic } from "../keeper/optimistic.ts";
import { DatabaseLost } from "../keeper/replicas.ts";
import { StateLost } from "../keeper/state.ts";

const PATIENCE_MS = 1_000;

/** Loaded only when the environment has no key: Hardhat takes a while, and may ask for the keystore's password. */
const hardhatKeystore: Keystore = async (name) => {
  const { default: hre } = await import("hardhat");
  // With a default, a keystore that lacks the name is not even unlocked.
  const variable = { _type: "ConfigurationVariable" as const, name, default: "" };
  const value = await hre.hooks.runHandlerChain("configurationVariables", "fetchValue", [variable], () =>
    Promise.resolve(""),
  );
  return value === "" ? undefined : value;
};

/** What somebody has to put right is said in a line; anything else is a bug and shows its stack. */
const isExpected = (error: unknown): error is Error =>
  error instanceof ConfigError ||
  error instanceof DatabaseLost ||
  error instanceof StateLost ||
  error instanceof UntrustedHead;

class UsageError extends Error {}

const readOptions = () => {
  try {
    return parseOptions(process.argv.slice(2), process.env);
  } catch (error) {
    throw error instanceof ConfigError ? new UsageError(error.message) : error;
  }
};

const main = async (): Promise<void> => {
  const options = readOptions();
  if (options === undefined) {
    console.log(USAGE);
    return;
  }
  const stop = new AbortController();
  let askedAt = 0;
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    // The first asks, a later one does not wait. npm and tsx may pass the same one on twice.
    process.on(name, () => {
      if (stop.signal.aborted && Date.now() - askedAt > PATIENCE_MS) process.exit(130);
      if (!stop.signal.aborted) askedAt = Date.now();
      stop.abort();
    });
  }
  if (options.optimistic) {
    const { failed } = await runOptimistic(options, createLogger(options.logLevel), stop.signal);
    if (failed > 0) process.exitCode = 1;
    return;
  }
  const key = await readKey(process.env, hardhatKeystore, options.dryRun);

  await runKeeper(options, key, createLogger(options.logLevel), stop.signal);
};

try {
  await main();
} catch (error) {
  console.error(isExpected(error) || error instanceof UsageError ? `keeper: ${error.message}` : error);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
