// Many runs that differ in parameters, in processes of their own, and the frontier between safety and capital efficiency.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { stopProcess } from "../replay/processes.ts";
import type { Progress } from "../replay/progress.ts";
import type { Axis, StressOptions } from "./options.ts";
import { type Overrides, overridesText, type ParameterName, valueText } from "./parameters.ts";
import type { StressResult } from "./result.ts";
import { sum } from "./statistics.ts";

const PROGRAM = fileURLToPath(new URL("../scripts/stress.ts", import.meta.url));
/** A run has to stop its own keepers and chain first: killed before, it would leave them behind. */
const PATIENCE_MS = 60_000;
const ROOT = fileURLToPath(new URL("..", import.meta.url));

export interface SweepPoint {
  readonly parameters: string;
  readonly values: Readonly<Record<string, string>>;
  readonly maxLeverage: number;
  readonly initialHaircut: number;
  readonly maintenanceHaircut: number;
  /** Dollars. */
  readonly badDebt: number;
  readonly mostDebt: number;
  /** Bad debt ÷ what was owed at most. */
  readonly badDebtPart: number;
  readonly insuranceUsed: number;
  readonly lendersLoss: number;
  readonly bids: number;
  readonly p50: number;
  readonly p99: number;
  readonly keepersProfit: number;
  readonly left: number;
  /** Whether no other point is at least as efficient with less bad debt, or more so with as much. */
  readonly onFrontier: boolean;
}

export interface SweepResult {
  readonly source: string;
  readonly accounts: number;
  readonly seed: number;
  readonly seconds: number;
  readonly points: readonly SweepPoint[];
  readonly violations: number;
}

/** Every combination of the axes' values, the last axis fastest. */
export const combinations = (axes: readonly Axis[]): Overrides[] =>
  axes.reduce<Overrides[]>(
    (all, { name, values }) => all.flatMap((each) => values.map((value): Overrides => ({ ...each, [name]: value }))),
    [{}],
  );

interface Judged {
  readonly maxLeverage: number;
  readonly badDebtPart: number;
}

/** Which of them are beaten by none. Equal ones are all on it. */
export function frontier(points: readonly Judged[]): boolean[] {
  const beats = (a: Judged, b: Judged): boolean =>
    a.maxLeverage >= b.maxLeverage &&
    a.badDebtPart <= b.badDebtPart &&
    (a.maxLeverage > b.maxLeverage || a.badDebtPart < b.badDebtPart);
  return points.map((point) => !points.some((other) => beats(other, point)));
}

/** The command line of one point. */
export function argumentsOf(options: StressOptions, overrides: Overrides, out: string): string[] {
  const { source, hours, accounts, books, keepers, seed, insurance, faults } = options;
  const all = overridesText({ ...options.overrides, ...overrides });
  const seconds = (name: string, value: number): string[] => (value > 0 ? [name, `${value}s`] : []);
  return [
    ...(source.kind === "candles" ? ["--candles", source.file] : ["--shock", source.text]),
    ...(hours === undefined ? [] : ["--hours", String(hours)]),
    ...["--accounts", String(accounts), "--books", String(books), "--keepers", String(keepers)],
    ...["--seed", String(seed), "--insurance", String(insurance)],
    ...["--gas-price-spike", `${faults.gasPriceSpike}x`, "--pool-depth", String(faults.poolDepth)],
    ...seconds("--oracle-delay", faults.oracleDelay),
    ...seconds("--keeper-outage", faults.keeperOutage),
    ...seconds("--rpc-outage", faults.rpcOutage),
    ...(all === "" ? [] : ["--set", all]),
    ...(options.stretch ? ["--stretch"] : []),
    ...["--json", "--out", out],
  ];
}

/** One run in a process of its own; undefined when it was stopped. */
async function runPoint(args: readonly string[], directory: string, stopped: AbortSignal) {
  const child = spawn(
    process.execPath,
    ["--import", "tsx", "--disable-warning=ExperimentalWarning", PROGRAM, ...args],
    {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, INIT_CWD: directory },
    },
  );
  let [text, complaint] = ["", ""];
  child.stdout.on("data", (data: Buffer) => (text += data.toString()));
  child.stderr.on("data", (data: Buffer) => (complaint += data.toString()));
  const stop = () => void stopProcess(child, PATIENCE_MS);
  stopped.addEventListener("abort", stop);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  stopped.removeEventListener("abort", stop);
  if (stopped.aborted) return undefined;
  // With an invariant broken there is a result all the same.
  if (text.trim() === "") throw new Error(`a run ended with code ${code ?? "none"}: ${complaint.trim()}`);
  return JSON.parse(text) as StressResult;
}

function pointOf(overrides: Overrides, result: StressResult): Omit<SweepPoint, "onFrontier"> {
  const { efficiency, badDebt, mostDebt, insurance, lenders, liquidations, timeToHealthy, keepers } = result;
  const names = Object.keys(overrides) as ParameterName[];
  return {
    parameters: overridesText(overrides),
    values: Object.fromEntries(names.map((name) => [name, valueText(name, overrides[name] ?? 0)])),
    ...efficiency,
    ...{ badDebt: badDebt.total, mostDebt, badDebtPart: mostDebt > 0 ? badDebt.total / mostDebt : 0 },
    ...{ insuranceUsed: insurance.used, lendersLoss: lenders.loss, bids: liquidations.bids },
    ...{ p50: timeToHealthy.p50, p99: timeToHealthy.p99, left: result.unliquidated.length },
    keepersProfit: sum(keepers.map(({ profit, gas }) => profit - gas)),
  };
}

/** Runs that differ in `overrides`, judged against each other. */
export function sweepOf(
  runs: readonly { readonly overrides: Overrides; readonly result: StressResult }[],
  { accounts, seed }: Pick<StressOptions, "accounts" | "seed">,
  seconds: number,
): SweepResult {
  const points = runs.map(({ overrides, result }) => pointOf(overrides, result));
  const isOn = frontier(points);
  return {
    ...{ source: runs[0]?.result.source ?? "", accounts, seed, seconds },
    points: points.map((point, i) => ({ ...point, onFrontier: isOn[i] ?? false })),
    violations: sum(runs.map(({ result }) => result.violations.length)),
  };
}

/** Runs all points; undefined when it was stopped before the end. */
export async function runSweep(
  options: StressOptions,
  { axes, workers }: NonNullable<StressOptions["sweep"]>,
  directory: string,
  out: string,
  progress: Progress,
  stopped: AbortSignal,
): Promise<SweepResult | undefined> {
  const began = Date.now();
  const todo = [...combinations(axes).entries()];
  const total = todo.length;
  const results = new Map<number, { overrides: Overrides; result: StressResult }>();
  const failed = new AbortController();
  const halt = AbortSignal.any([stopped, failed.signal]);
  const work = async (): Promise<void> => {
    for (let next = todo.shift(); next !== undefined && !halt.aborted; next = todo.shift()) {
      const [place, overrides] = next;
      const args = argumentsOf(options, overrides, join(out, "points", String(place)));
      const result = await runPoint(args, directory, halt).catch((error: unknown) => {
        failed.abort();
        throw new Error(`${overridesText(overrides)}: ${error instanceof Error ? error.message : String(error)}`);
      });
      if (result === undefined) return;
      results.set(place, { overrides, result });
      progress.step(results.size, total, `${overridesText(overrides)}: bad debt $${result.badDebt.total.toFixed(0)}`);
    }
  };
  await Promise.all(Array.from({ length: Math.min(workers, total) }, work));
  if (stopped.aborted) return undefined;
  const ordered = [...results].sort(([a], [b]) => a - b).map(([, each]) => each);
  return sweepOf(ordered, options, (Date.now() - began) / 1000);
}
