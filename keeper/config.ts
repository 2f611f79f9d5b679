// What a keeper is told: arguments, key and deployment file, each checked with a message that names the field.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { isAddress, parseUnits } from "ethers";

import { LOG_LEVELS, type LogLevel } from "./logger.ts";

export const KEY_VARIABLE = "PLIMSOLL_KEEPER_KEY";

/** Somebody has to change how the keeper is called; the message says what. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

export interface KeeperOptions {
  readonly rpc: string;
  /** Undefined: by chain id. */
  readonly deployment: string | undefined;
  /** Undefined: by chain id. */
  readonly state: string | undefined;
  readonly intervalMs: number;
  /** Whole settlement tokens, WAD. */
  readonly minProfit: bigint;
  readonly txTimeoutMs: number;
  readonly dryRun: boolean;
  readonly once: boolean;
  readonly logLevel: LogLevel;
}

/** The contracts that a keeper talks to, as `deploy/` wrote them down. */
export interface KeeperDeployment {
  readonly chainId: number;
  readonly fromBlock: number;
  readonly safe: string;
  readonly lens: string;
  readonly unwinder: string;
  readonly sizeCheckpoints: string;
  readonly deviationRecord: string;
  readonly uniswapFactory: string;
}

const ROOT = join(dirnameOf(import.meta.url), "..");
const WAD_DECIMALS = 18;

export const USAGE = `Usage: npm run keeper -- --rpc URL [options]

  --rpc URL            JSON-RPC endpoint, http:// or https://
  --deployment FILE    addresses written by the deployment    (default: deployments/<chain id>.json)
  --state FILE         where to resume from                   (default: out/keeper/<chain id>.sqlite)
  --interval MS        pause between looks at the chain       (default: 1000)
  --min-profit AMOUNT  least profit of a bid, after gas, in settlement tokens   (default: 1)
  --tx-timeout SECONDS replace a transaction that is not mined by then          (default: 30)
  --dry-run            say what would be done, send nothing
  --once               one pass, then stop
  --log-level LEVEL    ${LOG_LEVELS.join(", ")}   (default: info)

The private key comes from ${KEY_VARIABLE} in the environment, or from Hardhat's keystore
(npx hardhat keystore set ${KEY_VARIABLE}); never from an argument. A dry run needs none.`;

const KEY_ARGUMENT = /^--?(private-?key|key|pk|secret|mnemonic|seed)\b/i;
const KEY_VALUE = /\b(0x)?[0-9a-f]{64}\b/i;

/** Throws {@link ConfigError}; undefined when help was asked for. */
export const parseOptions = (args: readonly string[]): KeeperOptions | undefined => {
  // Before anything else, and without repeating it: arguments show in process lists and shell histories.
  if (args.some((arg) => KEY_ARGUMENT.test(arg) || KEY_VALUE.test(arg))) {
    throw new ConfigError(
      `a private key does not belong into the arguments, where every process can read it: put it into ${KEY_VARIABLE} or Hardhat's keystore (and replace a key that was shown)`,
    );
  }
  const values = parse(args);
  if (values.help) return undefined;
  return {
    rpc: httpUrl(values.rpc),
    deployment: values.deployment,
    state: values.state,
    intervalMs: Number(whole("--interval", values.interval, 10, 600_000)),
    minProfit: amount("--min-profit", values["min-profit"]),
    txTimeoutMs: 1_000 * whole("--tx-timeout", values["tx-timeout"], 1, 3_600),
    dryRun: values["dry-run"],
    once: values.once,
    logLevel: logLevel(values["log-level"]),
  };
};

const parse = (args: readonly string[]) => {
  try {
    return parseArgs({
      args: [...args],
      options: {
        rpc: { type: "string" },
        deployment: { type: "string" },
        state: { type: "string" },
        interval: { type: "string", default: "1000" },
        "min-profit": { type: "string", default: "1" },
        "tx-timeout": { type: "string", default: "30" },
        "dry-run": { type: "boolean", default: false },
        once: { type: "boolean", default: false },
        "log-level": { type: "string", default: "info" },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    throw new ConfigError(error instanceof Error ? error.message : String(error));
  }
};

const httpUrl = (value: string | undefined): string => {
  if (value === undefined)
    throw new ConfigError("--rpc is missing: name the JSON-RPC endpoint, e.g. --rpc http://127.0.0.1:8545");
  if (!URL.canParse(value) || !["http:", "https:"].includes(new URL(value).protocol)) {
    throw new ConfigError("--rpc must be an http:// or https:// URL (the keeper polls; it needs no WebSocket)");
  }
  return value;
};

const whole = (name: string, value: string, least: number, most: number): number => {
  const number = Number(value);
  if (!/^\d+$/.test(value) || number < least || number > most) {
    throw new ConfigError(`${name} must be a whole number from ${least} to ${most}, not "${value}"`);
  }
  return number;
};

const amount = (name: string, value: string): bigint => {
  if (!/^\d+(\.\d{1,18})?$/.test(value)) {
    throw new ConfigError(`${name} must be an amount of settlement tokens such as 2.5, not "${value}"`);
  }
  return parseUnits(value, WAD_DECIMALS);
};

const logLevel = (value: string): LogLevel => {
  const level = LOG_LEVELS.find((each) => each === value);
  if (level === undefined) throw new ConfigError(`--log-level must be one of ${LOG_LEVELS.join(", ")}, not "${value}"`);
  return level;
};

/** Where to ask for the key when the environment has none. */
export type Keystore = (name: string) => Promise<string | undefined>;

/** The key; undefined without one in a dry run. */
export const readKey = async (
  environment: Readonly<Record<string, string | undefined>>,
  keystore: Keystore,
  dryRun: boolean,
): Promise<string | undefined> => {
  const fromEnvironment = environment[KEY_VARIABLE]?.trim();
  if ((fromEnvironment === undefined || fromEnvironment === "") && dryRun) return undefined;
  const key = fromEnvironment || (await keystore(KEY_VARIABLE))?.trim();
  if (key === undefined || key === "") {
    throw new ConfigError(
      `no key: set ${KEY_VARIABLE} in the environment, or run \`npx hardhat keystore set ${KEY_VARIABLE}\` (--dry-run needs none)`,
    );
  }
  if (!/^(0x)?[0-9a-f]{64}$/i.test(key)) {
    throw new ConfigError(`${KEY_VARIABLE} is not a private key: expected 32 bytes in hexadecimal`);
  }
  return key.startsWith("0x") ? key : `0x${key}`;
};

export const stateFile = (options: KeeperOptions, chainId: bigint): string =>
  options.state ?? join(ROOT, "out", "keeper", `${chainId}.sqlite`);

export const readDeployment = (options: KeeperOptions, chainId: bigint): KeeperDeployment => {
  const file = options.deployment ?? join(ROOT, "deployments", `${chainId}.json`);
  const deployment = parseDeployment(readJson(file), file);
  if (BigInt(deployment.chainId) !== chainId) {
    throw new ConfigError(`--deployment: ${file} is for chain ${deployment.chainId}, --rpc is chain ${chainId}`);
  }
  return deployment;
};

const readJson = (file: string): unknown => {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    throw new ConfigError(`--deployment: cannot read ${file}: deploy first, or name the file`);
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new ConfigError(`--deployment: ${file} is not JSON`);
  }
};

export const parseDeployment = (value: unknown, file: string): KeeperDeployment => {
  const at = (path: string): unknown =>
    path.split(".").reduce<unknown>((node, key) => (isRecord(node) ? node[key] : undefined), value);
  const address = (path: string): string => {
    const found = at(path);
    if (!isAddress(found)) throw new ConfigError(`--deployment: ${path} in ${file} is not an address`);
    return found;
  };
  const count = (path: string): number => {
    const found = at(path);
    if (typeof found !== "number" || !Number.isSafeInteger(found) || found < 0) {
      throw new ConfigError(`--deployment: ${path} in ${file} is not a whole number`);
    }
    return found;
  };
  return {
    chainId: count("chainId"),
    fromBlock: count("fromBlock"),
    safe: address("contracts.safe"),
    lens: address("contracts.lens"),
    unwinder: address("contracts.liquidationUnwinder"),
    sizeCheckpoints: address("contracts.sizeCheckpoints"),
    deviationRecord: address("contracts.deviationRecord"),
    uniswapFactory: address("uniswap.factory"),
  };
};

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

function dirnameOf(url: string): string {
  return fileURLToPath(new URL(".", url));
}
