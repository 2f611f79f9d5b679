// The auditor every so often, as anybody would run it: its own process, its verdict kept for the page.
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

import { stopProcess } from "../../replay/processes.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const MOST_OUTPUT = 4_000_000;

/** `result`: what `npm run audit -- --json` said, as it said it; `failure`: why there was no verdict. */
export interface LastAudit {
  readonly at: number;
  readonly result?: unknown;
  readonly failure?: string;
}

export class Auditor {
  private child: ChildProcess | undefined;
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;
  private kept: LastAudit | undefined;

  constructor(
    private readonly rpc: string,
    private readonly deployment: string,
    private readonly everyMs: number,
  ) {}

  /** Undefined until the first one is through. */
  get last(): LastAudit | undefined {
    return this.kept;
  }

  start(): void {
    const next = (): void => {
      if (this.isStopped) return;
      void this.run().then((audit) => {
        if (this.isStopped) return;
        this.kept = audit;
        this.timer = setTimeout(next, this.everyMs);
      });
    };
    next();
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.timer);
    if (this.child !== undefined) await stopProcess(this.child);
  }

  private async run(): Promise<LastAudit> {
    const args = ["scripts/audit.ts", "--rpc", this.rpc, "--deployment", this.deployment, "--json"];
    const child = spawn(process.execPath, ["--import", "tsx", "--disable-warning=ExperimentalWarning", ...args], {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    this.child = child;
    let [text, words] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => {
      if (text.length < MOST_OUTPUT) text += chunk.toString("utf8");
    });
    child.stderr.on("data", (chunk: Buffer) => {
      words = (words + chunk.toString("utf8")).slice(-500);
    });
    await new Promise<void>((resolve) => {
      child.once("error", () => resolve());
      child.once("close", () => resolve());
    });
    this.child = undefined;
    const at = Date.now();
    try {
      return { at, result: JSON.parse(text) as unknown };
    } catch {
      return { at, failure: words.trim().split("\n").at(-1) ?? "the auditor said nothing" };
    }
  }
}
