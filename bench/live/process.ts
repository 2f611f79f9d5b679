// A keeper as its operator runs it: a process with a key in its environment, that can be killed.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export interface Line {
  readonly event?: string;
  readonly [key: string]: unknown;
}

export class KeeperProcess {
  readonly lines: Line[] = [];
  errors = "";
  private readonly waiters = new Set<() => void>();

  private constructor(private readonly child: ChildProcess) {
    if (child.stdout !== null) {
      createInterface({ input: child.stdout }).on("line", (line) => {
        this.lines.push(JSON.parse(line) as Line);
        for (const wake of this.waiters) wake();
      });
    }
    child.stderr?.on("data", (data: Buffer) => (this.errors += data.toString()));
    child.once("exit", () => {
      for (const wake of this.waiters) wake();
    });
  }

  static start(args: readonly string[], key: string, environment: Record<string, string> = {}): KeeperProcess {
    const child = spawn(
      process.execPath,
      ["--disable-warning=ExperimentalWarning", "--import", "tsx", join(ROOT, "scripts", "keeper.ts"), ...args],
      {
        cwd: ROOT,
        stdio: ["ignore", "pipe", "pipe"],
        env: { ...process.env, ...environment, PLIMSOLL_KEEPER_KEY: key },
      },
    );
    return new KeeperProcess(child);
  }

  of(event: string): Line[] {
    return this.lines.filter((line) => line.event === event);
  }

  get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** The first line of the event, now or later. */
  async until(event: string, matches: (line: Line) => boolean = () => true, ms = 60_000): Promise<Line> {
    for (const end = Date.now() + ms; ;) {
      const found = this.of(event).find(matches);
      if (found !== undefined) return found;
      if (this.hasEnded || Date.now() > end) {
        const last = this.lines.slice(-5).map((line) => JSON.stringify(line));
        throw new Error(`the keeper said no "${event}":\n${last.join("\n")}\n${this.errors}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(wake, 200);
        const { waiters } = this;
        waiters.add(wake);
        function wake() {
          clearTimeout(timer);
          waiters.delete(wake);
          resolve();
        }
      });
    }
  }

  /** As the machine's power: nothing is finished. */
  async kill(): Promise<void> {
    await this.end("SIGKILL");
  }

  /** Its exit code. */
  async stop(): Promise<number | null> {
    return this.end("SIGINT");
  }

  async ended(): Promise<number | null> {
    if (!this.hasEnded) await once(this.child, "exit");
    return this.child.exitCode;
  }

  private async end(signal: NodeJS.Signals): Promise<number | null> {
    if (!this.hasEnded) {
      this.child.kill(signal);
      await once(this.child, "exit");
    }
    return this.child.exitCode;
  }
}
