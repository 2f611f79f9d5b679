// Every invariant for a long time: `npm run test:deep [-- --runs N --depth N --only REGEX --minutes M]`, `SEED=…` for the same
// calls again. The runner keeps all calls of one test in memory, so the runs are made in chunks, each with a seed of its own,
// and added up. What is done is kept: a run can be stopped and goes on where it was.
import { createHash, randomBytes } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

import { type Campaign, campaignsOf, type Chunk, runChunk } from "./deep/campaigns.ts";
import { table, unreached } from "./deep/doors.ts";
import { readArtifacts } from "./lib/edr.ts";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "2000" },
    depth: { type: "string", default: "200" },
    chunk: { type: "string", default: "20" },
    only: { type: "string", default: "" },
    minutes: { type: "string", default: "1440" },
  },
});
const [runs, depth, size] = [values.runs, values.depth, values.chunk].map(Number) as [number, number, number];

const folder = resolve("out", "deep");
const [state, log] = [join(folder, "state.json"), join(folder, "chunks.jsonl")];
const artifacts = readArtifacts(process.env["BUILD_DIR"] ?? "artifacts");
const code = createHash("sha256").update(JSON.stringify(artifacts)).digest("hex").slice(0, 12);

interface State {
  readonly seed: string;
  readonly code: string;
  readonly depth: number;
}

/** What was done with other code, another depth or another seed does not count. */
const begin = (): State => {
  const wanted = process.env["SEED"];
  if (existsSync(state)) {
    const old = JSON.parse(readFileSync(state, "utf8")) as State;
    if (old.code === code && old.depth === depth && (wanted === undefined || wanted === old.seed)) return old;
  }
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const fresh = { seed: wanted ?? randomBytes(8).toString("hex"), code, depth };
  writeFileSync(state, JSON.stringify(fresh));
  return fresh;
};

const { seed } = begin();
const chunks: Chunk[] = existsSync(log)
  ? readFileSync(log, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Chunk)
  : [];
const doneOf = ({ name }: Campaign) => chunks.filter((chunk) => chunk.campaign === name);
const runsOf = (campaign: Campaign) => doneOf(campaign).reduce((sum, chunk) => sum + chunk.runs, 0);

const campaigns = campaignsOf(artifacts).filter(({ name }) => new RegExp(values.only).test(name));
console.log(
  `SEED=${seed}: ${campaigns.length} invariants, ${runs} runs of ${depth} calls each, ${size} runs at a time`,
);

const end = Date.now() + Number(values.minutes) * 60_000;
let failed = false;
/** Round after round, so that every invariant has had its part when time ends early. */
for (let round = 0; round * size < runs && !failed; round++) {
  for (const campaign of campaigns) {
    if (doneOf(campaign).some((chunk) => chunk.round === round) || Date.now() > end || failed) continue;
    const chunk = await runChunk(artifacts, campaign, {
      seed,
      round,
      depth,
      runs: Math.min(size, runs - round * size),
    });
    const { milliseconds, failure } = chunk;
    console.log(
      `${campaign.name}: ${chunk.runs} runs in ${(milliseconds / 1_000).toFixed(1)} s${failure ? " FAILED" : ""}`,
    );
    if (failure !== undefined) {
      console.error(`${failure}\nagain: SEED=${seed} npm run test:deep -- --only '${campaign.name}$'`);
      failed = true;
    } else {
      chunks.push(chunk);
      appendFileSync(log, `${JSON.stringify(chunk)}\n`);
    }
  }
}

console.log(`\n${table(campaigns, chunks)}`);
for (const campaign of campaigns) {
  const mine = doneOf(campaign);
  const seconds = mine.reduce((sum, chunk) => sum + chunk.milliseconds, 0) / 1_000;
  const all = runsOf(campaign) === 0 ? Number.NaN : (seconds / runsOf(campaign)) * runs;
  console.log(
    `${campaign.name}: ${runsOf(campaign)} of ${runs} runs in ${seconds.toFixed(0)} s; all would take ${(all / 60).toFixed(1)} min`,
  );
}
const missing = unreached(campaigns, chunks);
for (const door of missing) console.error(`never with success: ${door}`);
console.log(`SEED=${seed}`);
if (failed || missing.length > 0) process.exitCode = 1;
