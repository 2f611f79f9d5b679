// The programs around a market, each as anybody would run it: its own process, its key in the environment.
import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { stopProcess } from "../../replay/processes.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const START_TIMEOUT_MS = 90_000;
const LAST_WORDS = 12;

export interface Program {
  readonly name: string;
  /** Under scripts/. */
  readonly script: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** The event of its log that says it is at work. */
  readonly ready: string;
  readonly log: string;
}

export class Child {
  private isStopping = false;

  private constructor(
    readonly name: string,
    private readonly process: ChildProcess,
  ) {}

  /** Resolves when it is at work; rejects with its last words when it ends or says nothing for too long. */
  static async start(program: Program, onEnd: (name: string, words: string) => void): Promise<Child> {
    const { name, script, args, env, ready, log } = program;
    // Loaded into the process itself: a wrapper's child would outlive a wrapper that is killed.
    const child = spawn(
      process.execPath,
      ["--import", "tsx", "--disable-warning=ExperimentalWarning", script, ...args],
      {
        cwd: ROOT,
        stdio: ["ignore", "pipe", "pipe"],
        env: { ...process.env, ...env },
        // A Ctrl-C in the terminal reaches this program alone, which then stops its children one after the other.
        detached: true,
      },
    );
    const words: string[] = [];
    const remember = (line: string): void => void (words.push(line), words.length > LAST_WORDS && words.shift());
    child.stdout.pipe(createWriteStream(log));
    createInterface({ input: child.stderr }).on("line", remember);
    const self = new Child(name, child);
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`the ${name} did not start in time`)), START_TIMEOUT_MS);
      let isReady = false;
      createInterface({ input: child.stdout }).on("line", (line) => {
        remember(line);
        if (isReady || !line.includes(`"event":"${ready}"`)) return;
        isReady = true;
        clearTimeout(timer);
        resolve();
      });
      child.once("exit", () => {
        clearTimeout(timer);
        if (self.isStopping) return;
        if (isReady) onEnd(name, words.join("\n"));
        else reject(new Error(`the ${name} did not start:\n${words.join("\n")}`));
      });
    }).catch(async (error: unknown) => {
      await self.stop();
      throw error;
    });
    return self;
  }

  async stop(): Promise<void> {
    this.isStopping = true;
    await stopProcess(this.process);
  }
}
