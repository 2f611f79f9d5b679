// What a matcher is told: arguments, key and deployment file, each checked with a message that names the field.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { isAddress, parseUnits } from "ethers";

import { ConfigError } from "../keeper/config.ts";
import { LOG_LEVELS, type LogLevel } from "../keeper/logger.ts";
import type { Symbols } from "../sdk/instruments.ts";
import { FSYNC_POLICIES, type FsyncPolicy } from "./journal.ts";

export const KEY_VARIABLE = "PLIMSOLL_MATCHER_KEY";

export interface MatcherConfig {
  readonly rpc: string;
  /** Undefined: by chain id. */
  readonly deployment: string | undefined;
  /** Of the journal; undefined: by chain id. */
  readonly directory: string | undefined;
  readonly host: string;
  readonly port: number;
  readonly fsync: FsyncPolicy;
  /** Index of the wallet's own account. */
  readonly account: bigint;
  readonly batch: number;
  readonly confirmations: number;
  readonly intervalMs: number;
  readonly txTimeoutMs: number;
  /** Wei. */
  readonly maxGasPrice: bigint;
  readonly allowOrigin: string | undefined;
  readonly logLevel: LogLevel;
}

export interface MatcherDeployment {
  readonly chainId: number;
  readonly exchange: string;
  readonly safe: string;
  readonly symbols: Symbols;
}

const ROOT = fileURLToPath(new URL("..", import.meta.url));

export const USAGE = `Usage: npm run matcher -- --rpc URL [options]

  --rpc URL             JSON-RPC endpoint, http:// or https://
  --deployment FILE     addresses written by the deployment      (default: deployments/<chain id>.json)
  --journal DIRECTORY   where books are kept                     (default: out/matcher/<chain id>)
  --host ADDRESS        interface to listen on                   (default: 127.0.0.1)
  --port NUMBER         0 for any free one                       (default: 8645)
  --fsync POLICY        ${FSYNC_POLICIES.join(", ")}           (default: always)
  --account INDEX       the wallet's account that tries orders and earns keepers' fees (default: 0)
  --batch NUMBER        most fills of a transaction              (default: 10)
  --confirmations N     blocks before one counts                 (default: 0)
  --interval MS         pause between looks at the chain         (default: 1000)
  --tx-timeout SECONDS  replace a transaction that is not mined by then (default: 30)
  --max-gas-price GWEI  most for a unit of gas                   (default: 100)
  --allow-origin ORIGIN let web pages of this origin in          (default: none)
  --log-level LEVEL     ${LOG_LEVELS.join(", ")}   (default: info)

The private key that pays for gas comes from ${KEY_VARIABLE} in the environment, or from Hardhat's keystore;
never from an argument.`;

const KEY_ARGUMENT = /^--?(private-?key|key|pk|secret|mnemonic|seed)\b/i;
const KEY_VALUE = /\b(0x)?[0-9a-f]{64}\b/i;

/** Throws {@link ConfigError}; undefined when help was asked for. */
export const parseOptions = (args: readonly string[]): MatcherConfig | undefined => {
  refuseKeys(args, KEY_VARIABLE);
  const values = parse(args);
  if (values.help) return undefined;
  return {
    rpc: httpUrl(values.rpc),
    deployment: values.deployment,
    directory: values.journal,
    host: values.host,
    port: whole("--port", values.port, 0, 65_535),
    fsync: oneOf("--fsync", values.fsync, FSYNC_POLICIES),
    account: BigInt(whole("--account", values.account, 0, Number.MAX_SAFE_INTEGER)),
    batch: whole("--batch", values.batch, 1, 25),
    confirmations: whole("--confirmations", values.confirmations, 0, 1_000),
    intervalMs: whole("--interval", values.interval, 10, 600_000),
    txTimeoutMs: 1_000 * whole("--tx-timeout", values["tx-timeout"], 1, 3_600),
    maxGasPrice: parseUnits(String(whole("--max-gas-price", values["max-gas-price"], 1, 1_000_000)), "gwei"),
    allowOrigin: values["allow-origin"],
    logLevel: oneOf("--log-level", values["log-level"], LOG_LEVELS),
  };
};

/** Before anything else, and without repeating it: arguments show in process lists and shell histories. */
export const refuseKeys = (args: readonly string[], variable: string): void => {
  if (args.some((arg) => KEY_ARGUMENT.test(arg) || KEY_VALUE.test(arg))) {
    throw new ConfigError(
      `a private key does not belong into the arguments, where every process can read it: put it into ${variable} or Hardhat's keystore (and replace a key that was shown)`,
    );
  }
};

const parse = (args: readonly string[]) => {
  try {
    return parseArgs({
      args: [...args],
      options: {
        rpc: { type: "string" },
        deployment: { type: "string" },
        journal: { type: "string" },
        host: { type: "string", default: "127.0.0.1" },
        port: { type: "string", default: "8645" },
        fsync: { type: "string", default: "always" },
        account: { type: "string", default: "0" },
        batch: { type: "string", default: "10" },
        confirmations: { type: "string", default: "0" },
        interval: { type: "string", default: "1000" },
        "tx-timeout": { type: "string", default: "30" },
        "max-gas-price": { type: "string", default: "100" },
        "allow-origin": { type: "string" },
        "log-level": { type: "string", default: "info" },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    throw new ConfigError(error instanceof Error ? error.message : String(error));
  }
};

export const httpUrl = (value: string | undefined): string => {
  if (value === undefined) {
    throw new ConfigError("--rpc is missing: name the JSON-RPC endpoint, e.g. --rpc http://127.0.0.1:8545");
  }
  if (!URL.canParse(value) || !["http:", "https:"].includes(new URL(value).protocol)) {
    throw new ConfigError("--rpc must be an http:// or https:// URL");
  }
  return value;
};

export const whole = (name: string, value: string, least: number, most: number): number => {
  const number = Number(value);
  if (!/^\d+$/.test(value) || number < least || number > most) {
    throw new ConfigError(`${name} must be a whole number from ${least} to ${most}, not "${value}"`);
  }
  return number;
};

export const oneOf = <T extends string>(name: string, value: string, choices: readonly T[]): T => {
  const choice = choices.find((each) => each === value);
  if (choice === undefined) throw new ConfigError(`${name} must be one of ${choices.join(", ")}, not "${value}"`);
  return choice;
};

export const journalDirectory = ({ directory }: MatcherConfig, chainId: bigint): string =>
  directory ?? join(ROOT, "out", "matcher", String(chainId));

// ------------------------------------------------------------------ deployment

type Node = Readonly<Record<string, unknown>>;
const isNode = (value: unknown): value is Node => typeof value === "object" && value !== null;

export const readDeploymentFile = (named: string | undefined, chainId: bigint): { file: string; value: Node } => {
  const file = named ?? join(ROOT, "deployments", `${chainId}.json`);
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new ConfigError(
      error instanceof SyntaxError
        ? `--deployment: ${file} is not JSON`
        : `--deployment: cannot read ${file}: deploy first, or name the file`,
    );
  }
  if (!isNode(value)) throw new ConfigError(`--deployment: ${file} is not an object`);
  if (value["chainId"] !== Number(chainId)) {
    throw new ConfigError(`--deployment: ${file} is for chain ${String(value["chainId"])}, --rpc is chain ${chainId}`);
  }
  return { file, value };
};

export const addressIn = (value: Node, name: string, file: string): string => {
  const contracts = isNode(value["contracts"]) ? value["contracts"] : {};
  const found = contracts[name];
  if (!isAddress(found)) throw new ConfigError(`--deployment: contracts.${name} in ${file} is not an address`);
  return found;
};

const POOL_IDS = 0x400;

/** Underlyings by the names that the deployment gives them; else after their pools' assets, wrapped ones after what is wrapped. */
export const symbolsIn = (value: Node): Symbols => {
  const symbols: Record<number, string> = {};
  const assets = isNode(value["assets"]) ? value["assets"] : {};
  for (const [symbol, asset] of Object.entries(assets)) {
    const id = isNode(asset) ? asset["id"] : undefined;
    if (typeof id === "number" && id > 1 && id < POOL_IDS) symbols[id] = symbol.replace(/^W(?=ETH$|BTC$)/, "");
  }
  const underlyings = isNode(value["underlyings"]) ? value["underlyings"] : {};
  for (const [name, underlying] of Object.entries(underlyings)) {
    const number = isNode(underlying) ? underlying["number"] : undefined;
    if (typeof number === "number") symbols[number] = name;
  }
  return symbols;
};

/** Nothing of the deployment is older. */
export const firstBlockIn = (value: Node): number => (typeof value["fromBlock"] === "number" ? value["fromBlock"] : 0);

export const readDeployment = (config: MatcherConfig, chainId: bigint): MatcherDeployment => {
  const { file, value } = readDeploymentFile(config.deployment, chainId);
  return {
    chainId: Number(chainId),
    exchange: addressIn(value, "exchange", file),
    safe: addressIn(value, "safe", file),
    symbols: symbolsIn(value),
  };
};
