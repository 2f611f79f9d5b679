// What a maker bot is told.
import { parseArgs } from "node:util";

import { ConfigError } from "../keeper/config.ts";
import { LOG_LEVELS, type LogLevel } from "../keeper/logger.ts";
import { httpUrl, oneOf, refuseKeys, whole } from "../matcher/config.ts";
import { type QuoteSettings, USUAL_QUOTES } from "./quoter.ts";

export const KEY_VARIABLE = "PLIMSOLL_MAKER_KEY";

export interface MakerConfig {
  readonly rpc: string;
  readonly deployment: string | undefined;
  readonly matcher: string;
  readonly underlyings: readonly number[];
  /** Index of the wallet's account. */
  readonly account: bigint;
  readonly intervalMs: number;
  readonly quotes: QuoteSettings;
  /** Most fee that orders allow, part of the underlying's price. */
  readonly maxFeeRate: number;
  readonly logLevel: LogLevel;
}

const MAX_FEE_RATE = 0.002;

export const USAGE = `Usage: npm run maker -- --rpc URL [options]

  --rpc URL             JSON-RPC endpoint, http:// or https://
  --matcher URL         the matcher                             (default: http://127.0.0.1:8645)
  --deployment FILE     addresses written by the deployment     (default: deployments/<chain id>.json)
  --underlyings LIST    pool numbers                            (default: 2,3)
  --account INDEX       the wallet's account that trades        (default: 0)
  --interval MS         pause between rounds                    (default: 2000)
  --perp-spread BPS     half of bid to ask of perps             (default: 5)
  --option-spread BPS   half of bid to ask of options, in vol   (default: 100)
  --perp-size NUMBER    whole underlyings a side                (default: 1)
  --option-size NUMBER  contracts a side                        (default: 2)
  --delta-limit NUMBER  delta at which one side stops           (default: 20)
  --log-level LEVEL     ${LOG_LEVELS.join(", ")}   (default: info)

The key comes from ${KEY_VARIABLE} in the environment, or from Hardhat's keystore; never from an argument.`;

const parse = (args: readonly string[]) => {
  try {
    return parseArgs({
      args: [...args],
      options: {
        rpc: { type: "string" },
        matcher: { type: "string", default: "http://127.0.0.1:8645" },
        deployment: { type: "string" },
        underlyings: { type: "string", default: "2,3" },
        account: { type: "string", default: "0" },
        interval: { type: "string", default: "2000" },
        "perp-spread": { type: "string", default: "5" },
        "option-spread": { type: "string", default: "100" },
        "perp-size": { type: "string", default: "1" },
        "option-size": { type: "string", default: "2" },
        "delta-limit": { type: "string", default: "20" },
        "log-level": { type: "string", default: "info" },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    throw new ConfigError(error instanceof Error ? error.message : String(error));
  }
};

const positive = (name: string, value: string): number => {
  const number = Number(value);
  if (!(number > 0) || !Number.isFinite(number))
    throw new ConfigError(`${name} must be a number above 0, not "${value}"`);
  return number;
};

const BPS = 10_000;

/** Throws {@link ConfigError}; undefined when help was asked for. */
export const parseOptions = (args: readonly string[]): MakerConfig | undefined => {
  refuseKeys(args, KEY_VARIABLE);
  const values = parse(args);
  if (values.help) return undefined;
  if (!URL.canParse(values.matcher)) throw new ConfigError("--matcher must be a URL");
  return {
    rpc: httpUrl(values.rpc),
    deployment: values.deployment,
    matcher: values.matcher,
    underlyings: values.underlyings.split(",").map((each) => whole("--underlyings", each.trim(), 1, 255)),
    account: BigInt(whole("--account", values.account, 0, Number.MAX_SAFE_INTEGER)),
    intervalMs: whole("--interval", values.interval, 100, 600_000),
    quotes: {
      ...USUAL_QUOTES,
      perpHalfSpread: positive("--perp-spread", values["perp-spread"]) / BPS,
      optionHalfSpread: positive("--option-spread", values["option-spread"]) / BPS,
      perpSize: positive("--perp-size", values["perp-size"]),
      optionSize: positive("--option-size", values["option-size"]),
      deltaLimit: positive("--delta-limit", values["delta-limit"]),
    },
    maxFeeRate: MAX_FEE_RATE,
    logLevel: oneOf("--log-level", values["log-level"], LOG_LEVELS),
  };
};
