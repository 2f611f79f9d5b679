// What the stress tool is told.
import { parseArgs } from "node:util";

import { UsageError } from "./errors.ts";
import { type Overrides, type ParameterName, PARAMETERS, parseOverrides, parseValue } from "./parameters.ts";
import { parseShock, type Shock } from "./shock.ts";
import { parseDuration, parseFactor, parseNumber, parseWhole } from "./units.ts";

export type Source =
  | { readonly kind: "candles"; readonly file: string }
  | { readonly kind: "shock"; readonly shock: Shock; readonly text: string };

export interface FaultOptions {
  /** Base fee ÷ the usual. 1: none. */
  readonly gasPriceSpike: number;
  /** Seconds; 0: none. */
  readonly oracleDelay: number;
  readonly keeperOutage: number;
  readonly rpcOutage: number;
  /** Liquidity left ÷ the usual. 1: none. */
  readonly poolDepth: number;
}

export interface Axis {
  readonly name: ParameterName;
  readonly values: readonly number[];
}

export interface StressOptions {
  readonly source: Source;
  /** Of a shock; of candles: cut to so much around the worst. Undefined: all there are. */
  readonly hours: number | undefined;
  readonly accounts: number;
  /** Part of the accounts with perps and options. */
  readonly books: number;
  /** Whether people use what leverage the parameters allow, however much it is. */
  readonly stretch: boolean;
  readonly keepers: number;
  readonly seed: number;
  /** Insurance fund ÷ what is lent. */
  readonly insurance: number;
  readonly faults: FaultOptions;
  readonly overrides: Overrides;
  readonly json: boolean;
  readonly out: string;
  readonly sweep: { readonly axes: readonly Axis[]; readonly workers: number } | undefined;
}

export const DEFAULT_OUT = "out/stress";
/** What a sweep varies when it is not told. */
const USUAL_AXES = ["haircut=4%/6%/8%/10%/14%", "buffer=10%/30%"];

export const USAGE = `Usage: npm run stress -- --candles FILE | --shock "ETH=-40%,BTC=-30%,vol=+80%" [options]

Replays prices on a local chain (anvil) with the deployed protocol, real Uniswap pools, real keeper processes and a seeded
population, breaks what it is told to break, and says what it cost whom. Writes report.html and result.json.

  --candles FILE         CSV as for npm start: ts and <asset>_open/high/low/close of two assets
  --shock MOVES          percentages of ETH, BTC and vol (implied volatility, of its own value)
  --hours N              length of a shock (default 6); of candles: only so much around the worst hour
  --accounts N           how many (default 2000)
  --books PART           of them with perps and options (default 0.1)
  --keepers N            keeper processes, 0 to 8 (default 2)
  --seed N               another population, another noise (default 1)
  --insurance PART       insurance fund ÷ what is lent (default 0.02)
  --gas-price-spike 20x  base fee for two hours from the worst moment on
  --oracle-delay 10m     feeds are silent for so long from the worst moment on, then jump
  --pool-depth 0.3       liquidity left in the Uniswap pools for six hours from the worst moment on
  --keeper-outage 10m    all keepers are killed (-9) at the worst moment and start again so much later
  --rpc-outage 10m       keepers cannot reach the chain for so long from the worst moment on
  --set NAME=VALUE       a parameter: ${Object.keys(PARAMETERS).join(", ")}
  --stretch              people use 80 % of what leverage the parameters allow, instead of at most 5x
  --json                 print the result as JSON and nothing else
  --out DIR              where the files go (default ${DEFAULT_OUT})

  --sweep                many runs with varied parameters, in processes of their own, and the frontier between bad
                         debt and capital efficiency; --accounts is 60 then, --books 0, --keepers 1, --hours 12 and
                         --stretch on if not given
  --vary NAME=V1/V2/…    what it varies; may be given again (default ${USUAL_AXES.join(", ")})
  --workers N            runs at a time, 1 to 8 (default 1)

Exit code: 0 all well, 1 an invariant was broken or the run failed, 2 wrong arguments or candles, 130 stopped.`;

const MOST_ACCOUNTS = 20_000;
const MOST_RUNS = 200;

function parseAxis(text: string): Axis {
  const [name = "", list = "", ...rest] = text.split("=").map((each) => each.trim());
  if (list === "" || rest.length > 0) throw new UsageError(`--vary: "${text}" is not like haircut=6%/10%/14%`);
  const values = list.split("/").map((each) => parseValue("--vary", name, each.trim()));
  const [first] = values;
  if (first === undefined) throw new UsageError(`--vary: ${name} has no values`);
  if (new Set(values.map(({ value }) => value)).size < values.length)
    throw new UsageError(`--vary: ${name} has a value twice`);
  return { name: first.name, values: values.map(({ value }) => value) };
}

function parseAxes(texts: readonly string[]): readonly Axis[] {
  const axes = (texts.length > 0 ? texts : USUAL_AXES).map(parseAxis);
  if (new Set(axes.map(({ name }) => name)).size < axes.length)
    throw new UsageError("--vary: a parameter is named twice");
  const runs = axes.reduce((product, { values }) => product * values.length, 1);
  if (runs > MOST_RUNS) throw new UsageError(`--vary: ${runs} runs are more than ${MOST_RUNS}`);
  return axes;
}

const raw = (args: readonly string[]) => {
  try {
    return parseArgs({
      args: [...args],
      options: {
        candles: { type: "string" },
        shock: { type: "string" },
        hours: { type: "string" },
        accounts: { type: "string" },
        books: { type: "string" },
        keepers: { type: "string" },
        seed: { type: "string", default: "1" },
        insurance: { type: "string", default: "0.02" },
        "gas-price-spike": { type: "string" },
        "oracle-delay": { type: "string" },
        "pool-depth": { type: "string" },
        "keeper-outage": { type: "string" },
        "rpc-outage": { type: "string" },
        set: { type: "string", multiple: true, default: [] },
        stretch: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        out: { type: "string", default: DEFAULT_OUT },
        sweep: { type: "boolean", default: false },
        vary: { type: "string", multiple: true, default: [] },
        workers: { type: "string" },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
};

function sourceOf(candles: string | undefined, shock: string | undefined): Source {
  if (candles !== undefined && shock !== undefined) throw new UsageError("--candles and --shock: only one of them");
  if (candles !== undefined) return { kind: "candles", file: candles };
  if (shock !== undefined) return { kind: "shock", shock: parseShock(shock), text: shock };
  throw new UsageError("--candles or --shock is missing: say which prices to replay");
}

/** Throws {@link UsageError}; undefined when help was asked for. Negative numbers are written `--hours=-1`, and refused. */
export function parseOptions(args: readonly string[]): StressOptions | undefined {
  const values = raw(args);
  if (values.help) return undefined;
  const { sweep } = values;
  if (!sweep && values.vary.length > 0) throw new UsageError("--vary: only with --sweep");
  if (!sweep && values.workers !== undefined) throw new UsageError("--workers: only with --sweep");
  const source = sourceOf(values.candles, values.shock);
  const time = (name: "oracle-delay" | "keeper-outage" | "rpc-outage"): number => {
    const text = values[name];
    return text === undefined ? 0 : parseDuration(`--${name}`, text);
  };
  const hours = values.hours === undefined ? undefined : parseNumber("--hours", values.hours, 0.25, 720);
  return {
    source,
    hours: hours ?? (sweep ? 12 : source.kind === "shock" ? 6 : undefined),
    accounts: parseWhole("--accounts", values.accounts ?? (sweep ? "60" : "2000"), 1, MOST_ACCOUNTS),
    books: parseNumber("--books", values.books ?? (sweep ? "0" : "0.1"), 0, 1),
    stretch: values.stretch || sweep,
    keepers: parseWhole("--keepers", values.keepers ?? (sweep ? "1" : "2"), 0, 8),
    seed: parseWhole("--seed", values.seed, 0, 2 ** 32 - 1),
    insurance: parseNumber("--insurance", values.insurance, 0, 1),
    faults: {
      gasPriceSpike: parseFactor("--gas-price-spike", values["gas-price-spike"] ?? "1x", 1, 1_000),
      oracleDelay: time("oracle-delay"),
      keeperOutage: time("keeper-outage"),
      rpcOutage: time("rpc-outage"),
      poolDepth: parseNumber("--pool-depth", values["pool-depth"] ?? "1", 0.01, 1),
    },
    overrides: parseOverrides("--set", values.set),
    json: values.json,
    out: values.out,
    sweep: sweep
      ? { axes: parseAxes(values.vary), workers: parseWhole("--workers", values.workers ?? "1", 1, 8) }
      : undefined,
  };
}
