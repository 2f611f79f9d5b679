// What a run of mutants showed: bench/mutation.json, and a few lines for whoever waits.
import { readFileSync, writeFileSync } from "node:fs";

import type { Mutant } from "./weave.ts";
import type { Result } from "./run.ts";

const FIGURES = new URL("../../bench/mutation.json", import.meta.url);
/** Why a mutant that no test notices may live, by what it changes. */
const EXPLAINED = new URL("./explained.json", import.meta.url);

interface Explanation {
  readonly file: string;
  readonly function: string;
  readonly before: string;
  readonly after: string;
  readonly why: string;
}

const oneLine = (text: string) => text.replaceAll(/\s+/g, " ").trim();

/** undefined for one that nobody has looked at. */
const explanationOf = (mutant: Mutant, known: readonly Explanation[]): string | undefined =>
  known.find(
    (e) =>
      e.file === mutant.file &&
      e.function === mutant.function &&
      e.before === oneLine(mutant.before) &&
      e.after === oneLine(mutant.after),
  )?.why;

const countsOf = (mutants: readonly Mutant[], results: ReadonlyMap<number, Result>, key: (m: Mutant) => string) => {
  const counts: Record<string, { mutants: number; killed: number }> = {};
  for (const mutant of [...mutants].sort((a, b) => (key(a) < key(b) ? -1 : 1))) {
    const count = (counts[key(mutant)] ??= { mutants: 0, killed: 0 });
    count.mutants++;
    if (results.get(mutant.id)?.killed === true) count.killed++;
  }
  return counts;
};

const survivorsOf = (mutants: readonly Mutant[], results: ReadonlyMap<number, Result>) =>
  mutants.filter(({ id }) => results.get(id)?.killed === false);

/** A few lines. */
export const summary = (mutants: readonly Mutant[], results: ReadonlyMap<number, Result>): string => {
  const killed = [...results.values()].filter((result) => result.killed).length;
  const part = results.size === 0 ? 0 : (100 * killed) / results.size;
  const lines = survivorsOf(mutants, results).map(
    (m) => `  ${m.file}:${m.line} ${m.function} ${m.kind}: ${oneLine(m.before)} → ${oneLine(m.after) || "(nothing)"}`,
  );
  return [`${killed} of ${results.size} mutants killed (${part.toFixed(1)} %); survivors:`, ...lines].join("\n");
};

/** Writes the figures of what was run. */
export const report = (
  chosen: readonly Mutant[],
  results: ReadonlyMap<number, Result>,
  facts: { readonly places: number; readonly chosen: number; readonly seed: number },
): void => {
  const mutants = chosen.filter(({ id }) => results.has(id));
  const known = JSON.parse(readFileSync(EXPLAINED, "utf8")) as Explanation[];
  const survivors = survivorsOf(mutants, results).map((mutant) => ({
    file: mutant.file,
    line: mutant.line,
    function: mutant.function,
    kind: mutant.kind,
    before: oneLine(mutant.before),
    after: oneLine(mutant.after),
    why: explanationOf(mutant, known) ?? "not looked at",
  }));
  const figures = {
    mutants: mutants.length,
    killed: mutants.length - survivors.length,
    ...facts,
    byContract: countsOf(mutants, results, ({ file }) => file.replace(/^.*\/(.*)\.sol$/, "$1")),
    byKind: countsOf(mutants, results, ({ kind }) => kind),
    survivors,
  };
  writeFileSync(FIGURES, `${JSON.stringify(figures, null, 2)}\n`);
  const open = survivors.filter(({ why }) => why === "not looked at").length;
  console.log(`bench/mutation.json written; ${open} survivors are not explained in scripts/mutate/explained.json`);
};
