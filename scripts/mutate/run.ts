// One mutant after another against the tests: the nearest first, then all; what nobody noticed, once more with more effort.
import { type ChildProcess, fork } from "node:child_process";
import { posix } from "node:path";
import { fileURLToPath } from "node:url";

import type { Answer, Job } from "./worker.ts";
import type { Mutant } from "./weave.ts";

/** The same inputs for every mutant: what kills one is found again. */
export const FUZZ_SEED = `0x${"5eed".padStart(64, "0")}`;

/** A mutant that takes so many times what the unchanged code takes hangs. */
const PATIENCE = 10;
const LEAST_PATIENCE_MS = 60_000;
/** How long a process may go on with the other tests after a failure before it is replaced, which takes some seconds. */
const GRACE_MS = 2_000;

interface Stage {
  readonly name: string;
  readonly job: (folder: string) => Omit<Job, "options"> & { options: Omit<Job["options"], "seed"> };
}

const QUICK = { fuzzRuns: 16, invariantRuns: 4, depth: 48 };
/** Many calls each, all of which the runner makes again when one fails: asked when all else has passed. */
const LONG = "^(invariant|test_EveryMoveIsReached)";

const QUICK_STAGES: readonly Stage[] = [
  {
    name: "near",
    job: (folder) => ({ files: `^contracts/${folder}/`, options: { ...QUICK, without: LONG } }),
  },
  {
    name: "all",
    job: (folder) => ({ files: `^contracts/(?!${folder}/)`, options: { ...QUICK, without: LONG } }),
  },
  { name: "long", job: () => ({ files: ".", options: { ...QUICK, only: LONG } }) },
];

const THOROUGH: Stage = {
  name: "thorough",
  job: () => ({
    files: ".",
    options: { fuzzRuns: 64, invariantRuns: 8, depth: 64, only: "^(testFuzz|invariant)" },
  }),
};

export interface Result {
  readonly id: number;
  readonly killed: boolean;
  /** The test that failed, or "time". */
  readonly by: string;
  /** Where it was killed; for a survivor the last that it has passed. */
  readonly stage: string;
  readonly milliseconds: number;
}

export class Runner {
  private child: ChildProcess | undefined;
  /** What each stage takes without a mutant. */
  private readonly usual = new Map<string, number>();

  constructor(private readonly artifacts: string) {}

  private async start(): Promise<ChildProcess> {
    const child = fork(fileURLToPath(new URL("./worker.ts", import.meta.url)), [this.artifacts]);
    await new Promise<void>((resolve, reject) => {
      child.once("message", () => resolve());
      child.once("exit", () => reject(new Error("the tests' process ended before it began")));
    });
    child.removeAllListeners("exit");
    this.child = child;
    return child;
  }

  /** The first failure, or what all took; undefined when it took too long or the process died. */
  private async ask(job: Job, patience: number): Promise<Answer | undefined> {
    const child = this.child ?? (await this.start());
    return new Promise((resolve) => {
      let answer: Answer | undefined;
      const finish = (isIdle: boolean) => {
        clearTimeout(timer);
        child.removeAllListeners();
        if (!isIdle) this.stop();
        resolve(answer);
      };
      let timer = setTimeout(() => finish(false), patience);
      child.on("message", (message) => {
        answer ??= message as Answer;
        if (!("failure" in (message as Answer))) return finish(true);
        clearTimeout(timer);
        timer = setTimeout(() => finish(false), GRACE_MS);
      });
      child.once("exit", () => finish(false));
      child.send(job);
    });
  }

  stop(): void {
    this.child?.kill("SIGKILL");
    this.child = undefined;
  }

  private jobOf(stage: Stage, folder: string, mutant: number): Job {
    const { files, options } = stage.job(folder);
    return { files, options: { ...options, seed: FUZZ_SEED, mutant } };
  }

  /** What the stage takes with no mutant on; throws if a test fails then, for then it says nothing of mutants. */
  private async usualTime(stage: Stage, folder: string): Promise<number> {
    const key = `${stage.name} ${this.jobOf(stage, folder, 0).files}`;
    const known = this.usual.get(key);
    if (known !== undefined) return known;
    const answer = await this.ask(this.jobOf(stage, folder, 0), 1_800_000);
    if (answer === undefined) throw new Error(`the tests did not end without a mutant (${key})`);
    if ("failure" in answer) throw new Error(`a test fails without a mutant (${key}): ${JSON.stringify(answer)}`);
    console.log(`no mutant, ${key}: ${answer.tests} tests in ${(answer.milliseconds / 1_000).toFixed(1)} s`);
    this.usual.set(key, answer.milliseconds);
    return answer.milliseconds;
  }

  /** All tests, with little effort. */
  runQuickly(mutant: Mutant): Promise<Result> {
    return this.run(mutant, QUICK_STAGES);
  }

  /** The tests with random inputs again, with more of them. */
  runThoroughly(mutant: Mutant): Promise<Result> {
    return this.run(mutant, [THOROUGH]);
  }

  private async run(mutant: Mutant, stages: readonly Stage[]): Promise<Result> {
    const folder = posix.basename(posix.dirname(mutant.file));
    let milliseconds = 0;
    let last = "";
    for (const stage of stages) {
      const usual = await this.usualTime(stage, folder);
      const patience = Math.max(PATIENCE * usual, LEAST_PATIENCE_MS);
      const begun = Date.now();
      const answer = await this.ask(this.jobOf(stage, folder, mutant.id), patience);
      milliseconds += Date.now() - begun;
      last = stage.name;
      if (answer !== undefined && !("failure" in answer)) continue;
      const by = answer === undefined ? "time" : `${answer.failure.suite}.${answer.failure.test.replace(/\(.*/, "")}`;
      return { id: mutant.id, killed: true, by, stage: last, milliseconds };
    }
    return { id: mutant.id, killed: false, by: "", stage: last, milliseconds };
  }
}
