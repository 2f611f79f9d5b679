// How good are the tests? Changes the contracts in many small ways and counts the changes that some test notices:
// `npm run mutate [-- --only FILE --max N --seed S --minutes M]`. See docs/security.md. What is done is kept, so a run can be
// stopped and goes on where it was.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { report, summary } from "./mutate/report.ts";
import { type Result, Runner } from "./mutate/run.ts";
import { readSources } from "./mutate/solc.ts";
import type { Mutant } from "./mutate/weave.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    max: { type: "string", default: "240" },
    seed: { type: "string", default: "1" },
    minutes: { type: "string", default: "600" },
  },
});
const { only, max, seed } = values;

const digest = (...parts: string[]): string =>
  createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 12);

const isTest = (file: string): boolean => /^contracts\/test\/|\.t\.sol$/.test(file);
const sourcesOf = (wanted: (file: string) => boolean): string =>
  JSON.stringify(Object.entries(readSources()).filter(([file]) => wanted(file)));

const tools = ["find", "weave", "choose"].map((name) =>
  readFileSync(fileURLToPath(new URL(`./mutate/${name}.ts`, import.meta.url)), "utf8"),
);
const code = digest(
  sourcesOf((file) => !isTest(file)),
  only,
  max,
  seed,
  ...tools,
);
const tests = digest(sourcesOf(isTest));

const folder = join("out", "mutation", code);
const artifacts = join(folder, `${tests}.json`);
const [list, done] = [join(folder, "mutants.json"), join(folder, "results.jsonl")];

if (!existsSync(artifacts)) {
  mkdirSync(folder, { recursive: true });
  const script = fileURLToPath(new URL("./mutate/build.ts", import.meta.url));
  const options = [folder, artifacts, max, seed, only];
  execFileSync(process.execPath, [...process.execArgv, script, ...options], { stdio: "inherit" });
}

const { places, mutants } = JSON.parse(readFileSync(list, "utf8")) as { places: number; mutants: Mutant[] };

interface Known extends Result {
  /** Which tests were asked. */
  readonly tests: string;
}

const results = new Map<number, Known>();
if (existsSync(done)) {
  for (const line of readFileSync(done, "utf8").trim().split("\n")) {
    const result = JSON.parse(line) as Known;
    results.set(result.id, result);
  }
}
/** What a test has killed stays killed when tests are added; what survived other tests is run again, and counts as alive until then. */
const isOpen = (known: Known | undefined): boolean => known === undefined || (!known.killed && known.tests !== tests);

const runner = new Runner(artifacts);
let stopped = false;
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.on(name, () => {
    stopped = true;
    runner.stop();
  });
}
const end = Date.now() + Number(values.minutes) * 60_000;
const isStopped = () => stopped || Date.now() > end;

/** Not file by file: what a run that is stopped early has done stands for all. */
const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));
let stride = Math.floor(mutants.length * 0.618) || 1;
while (gcd(stride, mutants.length) !== 1) stride++;
const spread = mutants.map((_, i) => mutants[(i * stride) % mutants.length] as Mutant);

/** All mutants quickly first: whoever stops early knows where the gaps are. */
const passes = [
  { wanted: isOpen, run: (mutant: Mutant) => runner.runQuickly(mutant) },
  {
    wanted: (old: Known | undefined) => !isOpen(old) && old?.killed === false && old.stage !== "thorough",
    run: (mutant: Mutant) => runner.runThoroughly(mutant),
  },
];
for (const { wanted, run } of passes) {
  for (const mutant of spread) {
    if (!wanted(results.get(mutant.id)) || isStopped()) continue;
    const result = { ...(await run(mutant)), tests };
    if (stopped) break; // an end that we caused kills no mutant
    results.set(mutant.id, result);
    appendFileSync(done, `${JSON.stringify(result)}\n`);
    const { id, file, line, kind, before, after } = mutant;
    const verdict = result.killed ? `killed by ${result.by}` : `SURVIVED (${result.stage})`;
    const change = `${before} → ${after || "(nothing)"}`.replaceAll(/\s+/g, " ").slice(0, 100);
    console.log(`${id}/${mutants.length} ${verdict} in ${result.milliseconds} ms: ${file}:${line} ${kind}: ${change}`);
  }
}
runner.stop();

console.log(summary(mutants, results));
if (results.size < mutants.length) console.log(`${results.size} of ${mutants.length} done; run it again to go on`);
if (only === "") report(mutants, results, { places, chosen: mutants.length, seed: Number(seed) });
