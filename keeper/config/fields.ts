// Everything that a keeper can be told, each with its check. A name is a flag (`--min-profit`), a variable
// (`PLIMSOLL_KEEPER_MIN_PROFIT`) and a key of the file (`min-profit`) alike.
import { parseUnits } from "ethers";
import { z } from "zod";

import { LOG_LEVELS } from "../logger.ts";

const WAD_DECIMALS = 18;

// A file has numbers and booleans of its own; flags and variables are text.
const text = z.union([z.string(), z.number(), z.boolean()]).transform(String);

const whole = (least: number, most: number) =>
  text
    .refine((value) => /^\d+$/.test(value) && Number(value) >= least && Number(value) <= most, {
      message: `must be a whole number from ${least} to ${most}`,
    })
    .transform(Number);

const amount = (example: string) =>
  text
    .refine((value) => /^\d+(\.\d{1,18})?$/.test(value), {
      message: `must be an amount of settlement tokens such as ${example}`,
    })
    .transform((value) => parseUnits(value, WAD_DECIMALS));

const flag = text
  .refine((value) => ["true", "false", "1", "0", ""].includes(value), { message: "must be true or false" })
  .transform((value) => value === "true" || value === "1" || value === "");

const isUrl = (value: string, ...protocols: string[]) =>
  URL.canParse(value) && protocols.includes(new URL(value).protocol);

const httpUrls = z
  .union([text.transform((value) => value.split(",")), z.array(z.string())])
  .transform((urls) => urls.map((url) => url.trim()).filter((url) => url !== ""))
  .refine((urls) => urls.length > 0 && urls.every((url) => isUrl(url, "http:", "https:")), {
    message: "must be http:// or https:// URLs, separated by commas (a WebSocket goes into --ws)",
  });

const basisPoints = whole(0, 10_000);

/** `ETH=-40%,BTC=+10%`: by the symbol of the asset, in basis points. */
const shock = text
  .refine((value) => value.split(",").every((part) => /^\s*\w+\s*=\s*[+-]?\d+(\.\d{1,2})?%\s*$/.test(part)), {
    message: "must be moves such as WETH=-40%,WBTC=-30%",
  })
  .transform(
    (value): ReadonlyMap<string, number> =>
      new Map(
        value.split(",").map((part) => {
          const [symbol = "", move = "0"] = part.split("=");
          return [symbol.trim(), Math.round(Number(move.replace("%", "").trim()) * 100)] as const;
        }),
      ),
  )
  .refine((moves) => [...moves.values()].every((move) => move > -10_000), { message: "may not move a price to zero" });

export const CHORES = [
  "deviation",
  "checkpoint",
  "volatility",
  "settlement",
  "expiry",
  "funding",
  "open-interest",
  "settle",
  "fees",
  "deleverage",
] as const;
export type ChoreName = (typeof CHORES)[number];

const chores = z
  .union([text.transform((value) => value.split(",")), z.array(z.string())])
  .transform((names) => names.map((name) => name.trim()).filter((name) => name !== "" && name !== "none"))
  .refine((names) => names.every((name) => name === "all" || CHORES.includes(name as ChoreName)), {
    message: `must be all, none, or some of ${CHORES.join(", ")}`,
  })
  .transform((names): ReadonlySet<ChoreName> => new Set(names.includes("all") ? CHORES : (names as ChoreName[])));

/** `host:port`, `:port` or `port`; the loopback interface unless a host is named. */
const listen = text
  .refine((value) => /^([\w.-]*:|\[[\da-f:]+\]:)?\d{1,5}$/i.test(value) && Number(value.split(":").at(-1)) < 65_536, {
    message: "must be a port or host:port",
  })
  .transform((value) => {
    const port = Number(value.split(":").at(-1));
    const host = value.includes(":") ? value.slice(0, value.lastIndexOf(":")) : "";
    return { host: host === "" ? "127.0.0.1" : host.replace(/[[\]]/g, ""), port };
  });

const database = text
  .refine((value) => isUrl(value, "postgres:", "postgresql:"), {
    message: "must be a postgres:// URL (without one the state is a file, see --state)",
  })
  .refine((value) => value.length > 0, { message: "is empty" });

export const SCHEMA = z.object({
  rpc: httpUrls,
  "send-rpc": httpUrls.optional(),
  ws: text.refine((value) => isUrl(value, "ws:", "wss:"), { message: "must be a ws:// or wss:// URL" }).optional(),
  deployment: text.optional(),
  state: text.optional(),
  database: database.optional(),
  replica: text
    .refine((value) => /^[\w.:-]{1,64}$/.test(value), { message: "must be up to 64 letters, digits and .:_-" })
    .optional(),
  "lease-ms": whole(500, 60_000).default(3_000),
  interval: whole(10, 600_000).default(1_000),
  "min-profit": amount("2.5").default("1"),
  "tx-timeout": whole(1, 3_600).default(30),
  "max-in-flight": whole(1, 1_000).default(64),
  patience: whole(0, 86_400).default(30),
  "max-head-age": whole(0, 86_400).optional(),
  "max-head-ahead": whole(0, 86_400).optional(),
  "max-head-lag": whole(0, 10_000).default(3),
  "head-grace": whole(0, 86_400).default(60),
  "margin-account": whole(0, 2 ** 31).optional(),
  "margin-max-bid": amount("10000").default("0"),
  "margin-max-total": amount("100000").default("0"),
  "margin-reserve": amount("1000").default("0"),
  "margin-unwind-cost": basisPoints.default(100),
  chores: chores.default("all"),
  listen: listen.optional(),
  "dry-run": flag.default("false"),
  optimistic: flag.default("false"),
  shock: shock.optional(),
  report: text.optional(),
  once: flag.default("false"),
  "log-level": z
    .string()
    .refine((value): value is (typeof LOG_LEVELS)[number] => (LOG_LEVELS as readonly string[]).includes(value), {
      message: `must be one of ${LOG_LEVELS.join(", ")}`,
    })
    .default("info"),
});

export type Fields = z.output<typeof SCHEMA>;
export type FieldName = keyof Fields;
export const FIELD_NAMES = Object.keys(SCHEMA.shape) as FieldName[];
/** Those that need no value on the command line. */
export const SWITCHES: readonly FieldName[] = ["dry-run", "optimistic", "once"];
/** May be given several times on the command line. */
export const LISTS: readonly FieldName[] = ["rpc", "send-rpc"];
