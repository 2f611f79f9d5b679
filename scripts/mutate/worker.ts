// A process of its own that runs tests for `scripts/mutate.ts`: a mutant may never end, and a process can be ended.
import { readFileSync } from "node:fs";

import type { Artifact } from "@nomicfoundation/edr";

import { type Failure, runSuites, type RunOptions, suitesOf } from "../lib/edr.ts";

export interface Job {
  /** Regular expression of the suites' files. */
  readonly files: string;
  readonly options: RunOptions;
}

/** The first failure at once, then how the whole went. */
export type Answer =
  { readonly failure: Failure } | { readonly tests: number; readonly milliseconds: number; readonly failures: number };

/** Node passes a message between processes as JSON. */
const isJob = (message: unknown): message is Job => typeof message === "object" && message !== null;

const file = process.argv[2];
if (process.send !== undefined && file !== undefined) {
  const artifacts = JSON.parse(readFileSync(file, "utf8")) as Artifact[];
  const suites = suitesOf(artifacts);
  process.on("message", (message: unknown) => {
    if (!isJob(message)) return;
    const wanted = new RegExp(message.files);
    const mine = suites.filter(({ source }) => wanted.test(source));
    const begun = Date.now();
    let failed = false;
    const tell = (answer: Answer) => process.send?.(answer);
    const onFailure = (failure: Failure) => {
      if (!failed) tell({ failure });
      failed = true;
    };
    void runSuites(artifacts, mine, message.options, onFailure).then(({ tests, failures }) => {
      tell({ tests, failures: failures.length, milliseconds: Date.now() - begun });
    });
  });
  process.send("ready");
}
