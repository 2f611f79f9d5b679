// Does documented runs one after the other and keeps what they say.
import { spawn } from "node:child_process";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { stopProcess } from "../../replay/processes.ts";
import type { StressResult } from "../result.ts";
import type { SweepResult } from "../sweep.ts";
import type { DocumentedRun } from "./runs.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** A run has to stop its own keepers and chain first: killed before, it would leave them behind. */
const PATIENCE_MS = 60_000;
const FILE = join(ROOT, "bench", "resilience.json");

/** What is kept of a run: the long lists stay in its own result.json. */
export type KeptRun = Omit<StressResult, "timeToHealthy" | "violations" | "unliquidated"> & {
  readonly timeToHealthy: Omit<StressResult["timeToHealthy"], "blocks">;
  readonly unliquidated: readonly { readonly equity: number; readonly why: string }[];
};

export interface Kept {
  readonly args: readonly string[];
  readonly run?: KeptRun;
  readonly sweep?: SweepResult;
}

export const readKept = (): Readonly<Record<string, Kept>> =>
  existsSync(FILE) ? (JSON.parse(readFileSync(FILE, "utf8")) as Record<string, Kept>) : {};

const DIGITS = 6;
/** Short numbers: nobody needs more, and the file is read in reviews. */
const short = (_: string, value: unknown): unknown =>
  typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(DIGITS)) : value;

function keep(name: string, kept: Kept): void {
  const all = { ...readKept(), [name]: kept };
  writeFileSync(`${FILE}.new`, `${JSON.stringify(all, short, 2)}\n`);
  renameSync(`${FILE}.new`, FILE);
}

function keptOf(args: readonly string[], result: StressResult | SweepResult): Kept {
  if ("points" in result) return { args, sweep: result };
  const unliquidated = result.unliquidated.map(({ equity, why }) => ({ equity, why }));
  const timeToHealthy = Object.fromEntries(Object.entries(result.timeToHealthy).filter(([name]) => name !== "blocks"));
  const rest = Object.fromEntries(Object.entries(result).filter(([name]) => name !== "violations"));
  return { args, run: { ...rest, timeToHealthy, unliquidated } as unknown as KeptRun };
}

async function doRun({ name, args }: DocumentedRun, stopped: AbortSignal): Promise<number> {
  const program = ["--import", "tsx", "--disable-warning=ExperimentalWarning", join("scripts", "stress.ts")];
  const child = spawn(process.execPath, [...program, ...args, "--json", "--out", join("out", "resilience", name)], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, INIT_CWD: ROOT },
  });
  let text = "";
  child.stdout.on("data", (data: Buffer) => (text += data.toString()));
  const stop = () => void stopProcess(child, PATIENCE_MS);
  stopped.addEventListener("abort", stop);
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  stopped.removeEventListener("abort", stop);
  if (text.trim() !== "") keep(name, keptOf(args, JSON.parse(text) as StressResult | SweepResult));
  return code ?? 1;
}

/** The worst exit code of all. */
export async function doRuns(runs: readonly DocumentedRun[], stopped: AbortSignal): Promise<number> {
  let worst = 0;
  for (const run of runs) {
    if (stopped.aborted) return 130;
    console.log(`${new Date().toISOString().slice(11, 19)}  npm run stress -- ${run.args.join(" ")}`);
    worst = Math.max(worst, await doRun(run, stopped));
  }
  return worst;
}
