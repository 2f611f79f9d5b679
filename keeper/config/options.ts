// Where a keeper's options come from: the file first, the environment over it, flags over both.
import { readFileSync } from "node:fs";
import { extname } from "node:path";
import { parseArgs } from "node:util";

import { parse as parseToml } from "smol-toml";

import type { LogLevel } from "../logger.ts";
import { ConfigError } from "./error.ts";
import { type ChoreName, FIELD_NAMES, type FieldName, type Fields, LISTS, SCHEMA, SWITCHES } from "./fields.ts";
import { KEY_VARIABLE, refuseKeys } from "./key.ts";

export interface MarginOptions {
  /** Index of the keeper's own account; undefined: it bids only through the unwinder, without capital. */
  readonly index: bigint | undefined;
  /** Most value of everything that one bid takes, either sign, settlement units WAD; 0: none. */
  readonly maxBid: bigint;
  /** Most gross value that the account may hold. */
  readonly maxTotal: bigint;
  /** Initial margin that must be left after a bid. */
  readonly reserve: bigint;
  /** What getting rid of what was taken is reckoned to cost, basis points of its value. */
  readonly unwindCostBps: number;
}

export interface KeeperOptions {
  /** Read from, in this order. */
  readonly rpc: readonly string[];
  /** Sent to; undefined: the same. */
  readonly sendRpc: readonly string[] | undefined;
  /** Told of new blocks by; undefined: only by looking. */
  readonly ws: string | undefined;
  /** Undefined: by chain id. */
  readonly deployment: string | undefined;
  /** Undefined: by chain id. */
  readonly state: string | undefined;
  /** Shared by replicas; undefined: this keeper is alone. */
  readonly database: string | undefined;
  /** Undefined: host and process. */
  readonly replica: string | undefined;
  readonly leaseMs: number;
  readonly intervalMs: number;
  /** Whole settlement tokens, WAD. */
  readonly minProfit: bigint;
  readonly txTimeoutMs: number;
  readonly maxInFlight: number;
  /** Longest wait for a deeper discount, seconds. */
  readonly patience: number;
  /** Undefined: by chain (a development chain's clock is its own). */
  readonly maxHeadAge: number | undefined;
  readonly maxHeadAhead: number | undefined;
  readonly maxHeadLag: number;
  /** How long a head that cannot be believed is waited out. */
  readonly headGraceMs: number;
  readonly margin: MarginOptions;
  readonly chores: ReadonlySet<ChoreName>;
  readonly listen: { readonly host: string; readonly port: number } | undefined;
  readonly dryRun: boolean;
  /** Liquidate everybody on a copy of the chain, and report. */
  readonly optimistic: boolean;
  /** Symbol to basis points. */
  readonly shock: ReadonlyMap<string, number>;
  /** Where the optimistic report is written as JSON. */
  readonly report: string | undefined;
  readonly once: boolean;
  readonly logLevel: LogLevel;
}

export type Environment = Readonly<Record<string, string | undefined>>;

const PREFIX = "PLIMSOLL_KEEPER_";
export const variableOf = (field: string): string => `${PREFIX}${field.toUpperCase().replaceAll("-", "_")}`;

interface Given {
  readonly value: unknown;
  /** How the message calls it. */
  readonly label: string;
}

/** Throws {@link ConfigError}; undefined when help was asked for. */
export const parseOptions = (args: readonly string[], environment: Environment = {}): KeeperOptions | undefined => {
  refuseKeys(args);
  const { flags, config, help } = fromFlags(args);
  if (help) return undefined;
  const variables = fromEnvironment(environment);
  const file = config ?? environment[variableOf("config")];
  const given = new Map([...(file === undefined ? [] : fromFile(file)), ...variables, ...flags]);
  return toOptions(check(given));
};

const check = (given: ReadonlyMap<FieldName, Given>): Fields => {
  if (!given.has("rpc")) {
    throw new ConfigError("--rpc is missing: name the JSON-RPC endpoint, e.g. --rpc http://127.0.0.1:8545");
  }
  const result = SCHEMA.safeParse(Object.fromEntries([...given].map(([name, { value }]) => [name, value])));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const name = issue?.path[0] as FieldName | undefined;
  const source = name === undefined ? undefined : given.get(name);
  const isSecret = name === "database" || name === "rpc" || name === "send-rpc" || name === "ws"; // URLs may hold keys
  const shown = isSecret ? "" : `, not "${String(source?.value)}"`;
  throw new ConfigError(`${source?.label ?? name ?? "configuration"} ${issue?.message ?? "is not valid"}${shown}`);
};

const fromFlags = (args: readonly string[]) => {
  const options = Object.fromEntries(
    FIELD_NAMES.map((name) => [
      name,
      { type: SWITCHES.includes(name) ? ("boolean" as const) : ("string" as const), multiple: LISTS.includes(name) },
    ]),
  );
  const values = parse(args, options);
  const flags = new Map<FieldName, Given>();
  for (const name of FIELD_NAMES) {
    const value = values[name];
    if (value !== undefined) {
      flags.set(name, {
        value: Array.isArray(value) ? value.flatMap((each) => String(each).split(",")) : value,
        label: `--${name}`,
      });
    }
  }
  const database = flags.get("database")?.value;
  if (typeof database === "string" && hasPassword(database)) throw passwordRefused("--database");
  return { flags, config: values["config"] as string | undefined, help: values["help"] === true };
};

const parse = (args: readonly string[], fields: Record<string, { type: "boolean" | "string"; multiple: boolean }>) => {
  try {
    const options = { ...fields, config: { type: "string" as const }, help: { type: "boolean" as const } };
    return parseArgs({ args: [...args], options }).values as Record<string, unknown>;
  } catch (error) {
    throw new ConfigError(error instanceof Error ? error.message : String(error));
  }
};

const fromEnvironment = (environment: Environment): Map<FieldName, Given> => {
  const given = new Map<FieldName, Given>();
  for (const name of FIELD_NAMES) {
    const variable = variableOf(name);
    const value = environment[variable];
    if (value !== undefined && value !== "") given.set(name, { value, label: variable });
  }
  const known = new Set([KEY_VARIABLE, variableOf("config"), ...FIELD_NAMES.map(variableOf)]);
  for (const variable of Object.keys(environment)) {
    if (variable.startsWith(PREFIX) && !known.has(variable)) {
      throw new ConfigError(`${variable} is not an option of the keeper (--help lists them)`);
    }
  }
  return given;
};

const fromFile = (file: string): Map<FieldName, Given> => {
  const given = new Map<FieldName, Given>();
  for (const [name, value] of Object.entries(flatten(readFile(file)))) {
    const label = `${file}: ${name}`;
    if (/^(private-?key|key|secret|mnemonic|seed)$/i.test(name)) {
      throw new ConfigError(`${label} does not belong into a file: put it into ${KEY_VARIABLE} or Hardhat's keystore`);
    }
    if (!FIELD_NAMES.includes(name as FieldName)) {
      throw new ConfigError(`${label} is not an option of the keeper (--help lists them)`);
    }
    if (name === "database" && typeof value === "string" && hasPassword(value)) throw passwordRefused(label);
    given.set(name as FieldName, { value, label });
  }
  return given;
};

/** `[margin] max-bid` is `margin-max-bid`; `minProfit` is `min-profit`. */
const flatten = (node: Record<string, unknown>, prefix = ""): Record<string, unknown> => {
  const flat: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(node)) {
    const name =
      prefix +
      key
        .replace(/([a-z\d])([A-Z])/g, "$1-$2")
        .replaceAll("_", "-")
        .toLowerCase();
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      Object.assign(flat, flatten(value as Record<string, unknown>, `${name}-`));
    } else {
      flat[name] = value;
    }
  }
  return flat;
};

const readFile = (file: string): Record<string, unknown> => {
  let content: string;
  try {
    content = readFileSync(file, "utf8");
  } catch {
    throw new ConfigError(`--config: cannot read ${file}`);
  }
  const isJson = extname(file).toLowerCase() === ".json";
  try {
    const value: unknown = isJson ? JSON.parse(content) : parseToml(content);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (error) {
    const [line] = String(error instanceof Error ? error.message : error).split("\n");
    throw new ConfigError(`--config: ${file} is not ${isJson ? "JSON" : "TOML"}: ${line ?? ""}`);
  }
  throw new ConfigError(`--config: ${file} holds no options`);
};

const hasPassword = (url: string): boolean => URL.canParse(url) && new URL(url).password !== "";

const passwordRefused = (label: string): ConfigError =>
  new ConfigError(
    `${label} has a password in it, which others can read there: put the URL into ${variableOf("database")}, or the password into PGPASSWORD`,
  );

const toOptions = (fields: Fields): KeeperOptions => {
  const { "margin-account": index, "margin-max-bid": maxBid, "margin-max-total": maxTotal } = fields;
  if (index !== undefined && (maxBid === 0n || maxTotal === 0n)) {
    throw new ConfigError("--margin-account needs limits: set --margin-max-bid and --margin-max-total");
  }
  if (fields.shock !== undefined && !fields.optimistic) {
    throw new ConfigError("--shock moves prices on a copy of the chain: it needs --optimistic");
  }
  return {
    rpc: fields.rpc,
    sendRpc: fields["send-rpc"],
    ws: fields.ws,
    deployment: fields.deployment,
    state: fields.state,
    database: fields.database,
    replica: fields.replica,
    leaseMs: fields["lease-ms"],
    intervalMs: fields.interval,
    minProfit: fields["min-profit"],
    txTimeoutMs: 1_000 * fields["tx-timeout"],
    maxInFlight: fields["max-in-flight"],
    patience: fields.patience,
    maxHeadAge: fields["max-head-age"],
    maxHeadAhead: fields["max-head-ahead"],
    maxHeadLag: fields["max-head-lag"],
    headGraceMs: 1_000 * fields["head-grace"],
    margin: {
      index: index === undefined ? undefined : BigInt(index),
      maxBid,
      maxTotal,
      reserve: fields["margin-reserve"],
      unwindCostBps: fields["margin-unwind-cost"],
    },
    chores: fields.chores,
    listen: fields.listen,
    dryRun: fields["dry-run"],
    optimistic: fields.optimistic,
    shock: fields.shock ?? new Map(),
    report: fields.report,
    once: fields.once,
    logLevel: fields["log-level"],
  };
};
