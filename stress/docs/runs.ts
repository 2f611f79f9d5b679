// The runs of docs/resilience.md: what is asked of `npm run stress`, word for word.

export interface DocumentedRun {
  readonly name: string;
  /** Heading of the row. */
  readonly title: string;
  readonly table: "candles" | "shocks" | "faults" | "remedies" | "sweep";
  readonly args: readonly string[];
}

const CANDLES = "../shared/data/candles";
const PEOPLE = ["--accounts", "200", "--keepers", "1"] as const;

const candles = (name: string, title: string, file: string, more: readonly string[] = []): DocumentedRun => ({
  ...{ name, title, table: "candles" },
  args: ["--candles", `${CANDLES}/${file}`, ...PEOPLE, ...more],
});

const shock = (name: string, title: string, moves: string, hours: string): DocumentedRun => ({
  ...{ name, title, table: "shocks" },
  args: ["--shock", moves, "--hours", hours, ...PEOPLE],
});

/** Every fault on the same shock, so that the rows compare. */
const BASE = ["--shock", "ETH=-40%,BTC=-30%,vol=+80%", "--hours", "1", ...PEOPLE] as const;

const fault = (name: string, title: string, ...more: string[]): DocumentedRun => ({
  ...{ name, title, table: "faults" },
  args: [...BASE, ...more],
});

export const RUNS: readonly DocumentedRun[] = [
  candles("black-thursday", "12 and 13 March 2020", "2020-03-black-thursday.csv"),
  candles("may-2021", "19 May 2021, the worst 24 h", "2021-05-19.csv", ["--hours", "24"]),
  candles("ftx", "FTX, November 2022, the worst 48 h", "2022-11-ftx.csv", ["--hours", "48"]),
  fault("no-fault", "none"),
  fault(
    "everything",
    "gas × 20, oracle silent 10 min, depth × 0.3, keepers killed 30 min",
    ...["--gas-price-spike", "20x", "--oracle-delay", "10m", "--pool-depth", "0.3", "--keeper-outage", "30m"],
  ),
  fault("gas", "gas price × 20", "--gas-price-spike", "20x"),
  fault("keepers", "keepers killed for 30 min", "--keeper-outage", "30m"),
  fault("oracle", "oracle silent for 30 min", "--oracle-delay", "30m"),
  fault("rpc", "RPC gone for 30 min", "--rpc-outage", "30m"),
  fault("pools", "pool depth × 0.3", "--pool-depth", "0.3"),
  {
    ...{ name: "faster", title: "fast phase of 3 min instead of 15", table: "remedies" },
    args: [...BASE, "--set", "fast=3m"],
  },
  {
    ...{ name: "haircut", title: "hMM of 15 % instead of 10 %", table: "remedies" },
    args: [...BASE, "--set", "haircut=15%"],
  },
  shock("minus-60", "more than half of everything, in twenty minutes", "ETH=-60%,BTC=-50%,vol=+150%", "1"),
  shock("minus-20", "a bad afternoon", "ETH=-20%,BTC=-15%,vol=+40%", "1"),
  shock("plus-40", "a squeeze", "ETH=+40%,BTC=+25%,vol=+50%", "1"),
  {
    ...{ name: "sweep", title: "the frontier", table: "sweep" },
    args: [
      ...["--shock", "ETH=-50%,BTC=-45%,vol=+100%", "--sweep", "--hours", "1", "--accounts", "50"],
      ...["--vary", "haircut=5%/8%/10%", "--vary", "buffer=10%/30%"],
    ],
  },
];
