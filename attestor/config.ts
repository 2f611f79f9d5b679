// What an attestor is told.
import { parseArgs } from "node:util";

import { parseUnits } from "ethers";

import { ConfigError } from "../keeper/config.ts";
import { LOG_LEVELS, type LogLevel } from "../keeper/logger.ts";
import { httpUrl, oneOf, refuseKeys, whole } from "../matcher/config.ts";

export const SENDER_VARIABLE = "PLIMSOLL_ATTESTOR_KEY";
export const SIGNERS_VARIABLE = "PLIMSOLL_ATTESTOR_SIGNERS";

export interface AttestorConfig {
  readonly rpc: string;
  readonly deployment: string | undefined;
  readonly source: string;
  /** Pool numbers, and what candles call their assets. */
  readonly underlyings: readonly { readonly underlying: number; readonly asset: string }[];
  readonly intervalMs: number;
  /** Expiries nearer than this are left alone: their surface says nothing any more. */
  readonly lastCallSeconds: number;
  readonly txTimeoutMs: number;
  readonly maxGasPrice: bigint;
  readonly once: boolean;
  readonly logLevel: LogLevel;
}

export const USAGE = `Usage: npm run attestor -- --rpc URL [options]

  --rpc URL             JSON-RPC endpoint, http:// or https://
  --deployment FILE     addresses written by the deployment      (default: deployments/<chain id>.json)
  --source SOURCE       synthetic, a surface (.json) or candles (.csv)      (default: synthetic)
  --underlyings LIST    number:asset pairs                       (default: 2:eth,3:btc)
  --interval SECONDS    pause between looks                      (default: 30)
  --last-call SECONDS   leaves expiries alone that are nearer    (default: 60)
  --tx-timeout SECONDS  replace a transaction that is not mined by then (default: 30)
  --max-gas-price GWEI  most for a unit of gas                   (default: 100)
  --once                post once, then stop
  --log-level LEVEL     ${LOG_LEVELS.join(", ")}   (default: info)

Keys come from the environment: ${SENDER_VARIABLE} pays for gas, ${SIGNERS_VARIABLE} (separated by commas) sign.`;

const parseUnderlyings = (text: string): AttestorConfig["underlyings"] =>
  text.split(",").map((pair) => {
    const [, number = "", asset = ""] = /^(\d{1,3}):([a-z0-9]+)$/i.exec(pair.trim()) ?? [];
    if (asset === "") throw new ConfigError(`--underlyings: "${pair}" is not number:asset, e.g. 2:eth`);
    return { underlying: whole("--underlyings", number, 1, 255), asset: asset.toLowerCase() };
  });

const parse = (args: readonly string[]) => {
  try {
    return parseArgs({
      args: [...args],
      options: {
        rpc: { type: "string" },
        deployment: { type: "string" },
        source: { type: "string", default: "synthetic" },
        underlyings: { type: "string", default: "2:eth,3:btc" },
        interval: { type: "string", default: "30" },
        "last-call": { type: "string", default: "60" },
        "tx-timeout": { type: "string", default: "30" },
        "max-gas-price": { type: "string", default: "100" },
        once: { type: "boolean", default: false },
        "log-level": { type: "string", default: "info" },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    throw new ConfigError(error instanceof Error ? error.message : String(error));
  }
};

/** Throws {@link ConfigError}; undefined when help was asked for. */
export const parseOptions = (args: readonly string[]): AttestorConfig | undefined => {
  refuseKeys(args, SENDER_VARIABLE);
  const values = parse(args);
  if (values.help) return undefined;
  return {
    rpc: httpUrl(values.rpc),
    deployment: values.deployment,
    source: values.source,
    underlyings: parseUnderlyings(values.underlyings),
    intervalMs: 1_000 * whole("--interval", values.interval, 1, 86_400),
    lastCallSeconds: whole("--last-call", values["last-call"], 0, 86_400),
    txTimeoutMs: 1_000 * whole("--tx-timeout", values["tx-timeout"], 1, 3_600),
    maxGasPrice: parseUnits(String(whole("--max-gas-price", values["max-gas-price"], 1, 1_000_000)), "gwei"),
    once: values.once,
    logLevel: oneOf("--log-level", values["log-level"], LOG_LEVELS),
  };
};
