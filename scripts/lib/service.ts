// What every long-running script needs: a key that was never an argument, and an end when it is asked for.
import { ConfigError } from "../../keeper/config.ts";

const PATIENCE_MS = 1_000;
const KEY = /^(0x)?[0-9a-f]{64}$/i;

/** Loaded only when the environment has no key: Hardhat takes a while, and may ask for the keystore's password. */
const fromKeystore = async (name: string): Promise<string> => {
  const { default: hre } = await import("hardhat");
  // With a default, a keystore that lacks the name is not even unlocked.
  const variable = { _type: "ConfigurationVariable" as const, name, default: "" };
  return hre.hooks.runHandlerChain("configurationVariables", "fetchValue", [variable], () => Promise.resolve(""));
};

export const checkedKey = (value: string, variable: string): string => {
  if (!KEY.test(value)) {
    throw new ConfigError(`${variable} is not a private key: expected 32 bytes in hexadecimal`);
  }
  return value.startsWith("0x") ? value : `0x${value}`;
};

/** From the environment, else from Hardhat's keystore; throws {@link ConfigError}. */
export const requireKey = async (variable: string): Promise<string> => {
  const value = process.env[variable]?.trim() || (await fromKeystore(variable)).trim();
  if (value === "") {
    throw new ConfigError(
      `no key: set ${variable} in the environment, or run \`npx hardhat keystore set ${variable}\``,
    );
  }
  return checkedKey(value, variable);
};

/** Aborted by SIGINT or SIGTERM; a second one does not wait. */
export const stopSignal = (): AbortSignal => {
  const stop = new AbortController();
  let askedAt = 0;
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    // npm and tsx may pass the same one on twice.
    process.on(name, () => {
      if (stop.signal.aborted && Date.now() - askedAt > PATIENCE_MS) process.exit(130);
      if (!stop.signal.aborted) askedAt = Date.now();
      stop.abort();
    });
  }
  return stop.signal;
};
