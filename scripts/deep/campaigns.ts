// One invariant function of one contract is a campaign; a chunk is a part of its runs with a seed of its own.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";

import type { Artifact, ArtifactId, InvariantTestKind } from "@nomicfoundation/edr";

import { runSuites, suitesOf } from "../lib/edr.ts";

export interface Campaign {
  /** Contract.function. */
  readonly name: string;
  readonly suite: ArtifactId;
  readonly test: string;
}

export interface Calls {
  calls: number;
  reverts: number;
}

export interface Chunk {
  readonly campaign: string;
  readonly round: number;
  readonly runs: number;
  readonly milliseconds: number;
  /** What the runner called, by handler's function. */
  readonly moves: Record<string, Calls>;
  /** What the handler says was reached, by its own names. */
  readonly doors: Record<string, number>;
  readonly failure?: string;
}

export const campaignsOf = (artifacts: readonly Artifact[]): Campaign[] =>
  suitesOf(artifacts)
    .flatMap((suite) => {
      const artifact = artifacts.find(({ id }) => id.name === suite.name && id.source === suite.source);
      const members = JSON.parse(artifact?.contract.abi ?? "[]") as { type: string; name?: string }[];
      return members
        .filter(({ type, name }) => type === "function" && name?.startsWith("invariant"))
        .map(({ name }) => ({ name: `${suite.name}.${name}`, suite, test: name as string }));
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));

/** What {DoorLog} wrote: `door=count;` for each door, a line for each list and run. */
const readDoors = (file: string): Record<string, number> => {
  const doors: Record<string, number> = {};
  if (!existsSync(file)) return doors;
  for (const [, door, count] of readFileSync(file, "utf8").matchAll(/([^=;\n]+)=(\d+);/g)) {
    doors[door as string] = (doors[door as string] ?? 0) + Number(count);
  }
  return doors;
};

const isInvariant = (kind: object): kind is InvariantTestKind => "metrics" in kind;

export const runChunk = async (
  artifacts: Artifact[],
  campaign: Campaign,
  { seed, round, depth, runs }: { seed: string; round: number; depth: number; runs: number },
): Promise<Chunk> => {
  const folder = resolve("out", "deep");
  const file = join(folder, "doors.txt");
  mkdirSync(folder, { recursive: true });
  rmSync(file, { force: true });
  process.env["DOORS_FILE"] = file;
  const begun = Date.now();
  const { suites, failures } = await runSuites(artifacts, [campaign.suite], {
    fuzzRuns: runs,
    invariantRuns: runs,
    depth,
    seed: `0x${createHash("sha256").update(`${seed} ${campaign.name} ${round}`).digest("hex")}`,
    only: `^${campaign.test}\\(`,
    shrink: 200,
    folder,
  });
  const test = suites[0]?.testResults[0];
  if (test === undefined) throw new Error(`${campaign.name} was not run`);
  const metrics = isInvariant(test.kind) ? test.kind.metrics : {};
  const moves = Object.fromEntries(
    Object.entries(metrics).map(([name, { calls, reverts }]) => [
      name.replace(/^.*[.:]/, ""),
      { calls: Number(calls), reverts: Number(reverts) },
    ]),
  );
  const [failure] = failures;
  const counterexample = test.counterexample;
  const calls = counterexample !== undefined && "sequence" in counterexample ? counterexample.sequence : [];
  return {
    campaign: campaign.name,
    round,
    runs,
    milliseconds: Date.now() - begun,
    moves,
    doors: readDoors(file),
    ...(failure === undefined
      ? {}
      : { failure: [failure.reason, ...calls.map((c) => `  ${c.signature ?? ""} ${c.args ?? ""}`)].join("\n") }),
  };
};
