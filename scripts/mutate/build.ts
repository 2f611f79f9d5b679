// Finds the places, chooses the mutants, and compiles the one build that carries them all, into files. Run as a process of
// its own by `scripts/mutate.ts`: the compiler keeps gigabytes.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { posix } from "node:path";
import { pathToFileURL } from "node:url";

import type { Artifact } from "@nomicfoundation/edr";

import { choose, TARGETS } from "./choose.ts";
import { findPlaces, functionsOf } from "./find.ts";
import { compile, parse, readSources } from "./solc.ts";
import { SWITCH_FILE, SWITCH_SOURCE, weave } from "./weave.ts";

/** What a build was made of, so that the next one compiles only what has changed. */
interface Last {
  readonly file: string;
  readonly sources: Record<string, string>;
}

/** The files that have changed, and those that import them, at any distance. */
const staleFiles = (sources: Record<string, string>, before: Record<string, string>): string[] => {
  const stale = new Set(Object.keys(sources).filter((file) => sources[file] !== before[file]));
  const imports = (file: string): string[] =>
    [...(sources[file] ?? "").matchAll(/from "(\.[^"]*)"/g)].map(([, path]) =>
      posix.join(posix.dirname(file), path as string),
    );
  for (let size = -1; size !== stale.size;) {
    size = stale.size;
    for (const file of Object.keys(sources)) if (imports(file).some((path) => stale.has(path))) stale.add(file);
  }
  return [...stale];
};

const compileChanges = (woven: Record<string, string>, last: Last | undefined): Artifact[] => {
  if (last === undefined || !existsSync(last.file)) return compile(woven);
  const stale = staleFiles(woven, last.sources);
  console.log(`${stale.length} files have changed since the last build`);
  const gone = new Set([...stale, ...Object.keys(last.sources).filter((file) => woven[file] === undefined)]);
  const kept = (JSON.parse(readFileSync(last.file, "utf8")) as Artifact[]).filter(({ id }) => !gone.has(id.source));
  return stale.length === 0 ? kept : [...kept, ...compile(woven, stale)];
};

const build = (folder: string, file: string, max: number, seed: number, only: RegExp): void => {
  const [list, lastFile] = [posix.join(folder, "mutants.json"), posix.join(folder, "last.json")];
  const sources = readSources();
  const trees = parse(sources);
  const functions = functionsOf(Object.values(trees));
  const places = Object.entries(sources)
    .filter(([path]) => TARGETS.test(path) && only.test(path))
    .flatMap(([path, source]) => {
      const tree = trees[path];
      return tree === undefined ? [] : findPlaces(path, source, tree, functions);
    });
  const mutants = choose(places, max, seed);
  console.log(`${mutants.length} mutants of ${places.length} places; compiling them takes some minutes`);

  const woven: Record<string, string> = Object.fromEntries(
    Object.entries(sources).map(([path, source]) => [path, weave(path, source, mutants)]),
  );
  woven[SWITCH_FILE] = SWITCH_SOURCE;
  const last = existsSync(lastFile) ? (JSON.parse(readFileSync(lastFile, "utf8")) as Last) : undefined;
  const artifacts = compileChanges(woven, last);
  writeFileSync(list, JSON.stringify({ places: places.length, mutants }, null, 1));
  writeFileSync(file, JSON.stringify(artifacts));
  writeFileSync(lastFile, JSON.stringify({ file, sources: woven } satisfies Last));
};

const [, script, folder, file, max, seed, only] = process.argv;
if (
  script !== undefined &&
  import.meta.url === pathToFileURL(script).href &&
  folder !== undefined &&
  file !== undefined
) {
  build(folder, file, Number(max), Number(seed), new RegExp(only ?? ""));
}
