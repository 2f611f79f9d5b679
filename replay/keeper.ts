// The keeper as a person runs it: its own process, JSON-RPC, a key in the environment, JSON lines on standard output.
import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { stopProcess } from "./processes.ts";
import { DemoError } from "./sender.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const START_TIMEOUT_MS = 60_000;
const INTERVAL_MS = 20;
const NUDGE_MS = 1_000;

/** What of a log line the demo reads. */
interface Line {
  readonly event?: string;
  readonly number?: number;
  readonly kind?: string;
  readonly account?: string;
  readonly reason?: string;
}

/** The chain as the demo sees it: its head, and who could be bid on there. */
export interface Head {
  readonly number: number;
  readonly unhealthy: readonly { readonly account: string; readonly inAuction: boolean }[];
}

/** What the keeper says of transactions that have landed, or come to nothing with `-lost` behind. */
const LANDED = /^(bid|start|poke|end|chore)(-lost)?$/;
/** Why it leaves an account alone for good. */
const IGNORED = /^too small/;
/** More than these it does not send before some have landed. */
const MOST_FLIGHTS = 16;

export interface KeeperSettings {
  readonly rpc: string;
  readonly key: string;
  readonly deployment: string;
  readonly state: string;
  /** Where its log goes. */
  readonly log: string;
  /** Whether the log of an earlier run is kept before this one's. */
  readonly append?: boolean;
}

export class KeeperProcess {
  /** The last block that it has looked at. */
  private seen = -1;
  /** Its transactions on the way. */
  private readonly flights = new Set<string>();
  /** Accounts below maintenance that it has spoken about since that block: why it does not bid. */
  private readonly told = new Map<string, string>();
  /** Why it left an account alone when it last spoke of it. */
  readonly reasons = new Map<string, string>();
  private waiters = new Set<() => void>();
  private started = false;
  private failure: string | undefined;
  private readonly complaints: string[] = [];

  private constructor(
    private readonly child: ReturnType<typeof KeeperProcess.spawn>,
    log: string,
    append: boolean,
  ) {
    child.stdout.pipe(createWriteStream(log, { flags: append ? "a" : "w" }));
    createInterface({ input: child.stdout }).on("line", (line) => this.take(line));
    child.stderr.on("data", (data: Buffer) => this.complaints.push(data.toString()));
    child.once("exit", (code) => {
      this.failure = `the keeper ended with code ${code ?? "none"}\n${this.complaints.join("")}`;
      this.wake();
    });
  }

  private static spawn({ rpc, key, deployment, state }: KeeperSettings) {
    const options = ["--rpc", rpc, "--deployment", deployment, "--state", state];
    return spawn(
      process.execPath,
      [
        // Not by tsx's own program, which would be a process between: killing it would leave the keeper running.
        ...["--import", "tsx", "--disable-warning=ExperimentalWarning"],
        join(ROOT, "scripts", "keeper.ts"),
        ...options,
        // No waiting for deeper discounts: between two candles lies more than anybody's patience.
        ...["--interval", String(INTERVAL_MS), "--patience", "0", "--log-level", "debug"],
      ],
      { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, PLIMSOLL_KEEPER_KEY: key } },
    );
  }

  static async start(settings: KeeperSettings): Promise<KeeperProcess> {
    const keeper = new KeeperProcess(KeeperProcess.spawn(settings), settings.log, settings.append ?? false);
    if (!(await keeper.until(() => keeper.started, START_TIMEOUT_MS))) {
      await keeper.stop();
      throw new DemoError(`the keeper did not start\n${keeper.complaints.join("")}`);
    }
    return keeper;
  }

  /**
   * Waits until it has looked at the head, has said of everybody below maintenance why it does not bid, and has nothing on
   * the way; false if that took too long. `mine` makes a block for transactions that came out of order, which a node that
   * mines each as it comes leaves lying.
   */
  async settled(look: () => Promise<Head>, mine: () => Promise<unknown>, timeoutMs: number): Promise<boolean> {
    const end = Date.now() + timeoutMs;
    for (let last = -1; ;) {
      const { number, unhealthy } = await look();
      const isQuiet = () => this.seen >= number && this.flights.size === 0;
      const isAnswered = () => isQuiet() && unhealthy.every((health) => this.isAnswered(health));
      // A start follows soon after the word that it is needed, or never.
      const isDone =
        (await this.until(isAnswered, Math.min(NUDGE_MS, end - Date.now()))) ||
        (isQuiet() && unhealthy.every(({ account }) => this.told.has(account)));
      // What it did made new blocks: look once more before believing it.
      if (isDone && number === last) return true;
      if (Date.now() >= end) return false;
      if (!isDone && this.flights.size > 0) await mine();
      last = number;
    }
  }

  /**
   * Waits until it has looked at the head and has said of everybody below maintenance what it does: bids, waits for something
   * and why, or has its hands full. False if that took too long.
   */
  answered({ number, unhealthy }: Head, timeoutMs: number): Promise<boolean> {
    const isSpokenOf = ({ account }: Head["unhealthy"][number]): boolean =>
      this.told.has(account) || this.isFlying(account);
    const isDone = (): boolean =>
      this.seen >= number && (this.flights.size >= MOST_FLIGHTS || unhealthy.every(isSpokenOf));
    return this.until(isDone, timeoutMs);
  }

  /** Waits until no more than so many of its transactions are on the way, as far as it knows. */
  down(to: number, timeoutMs: number): Promise<boolean> {
    return this.until(() => this.flights.size <= to, timeoutMs);
  }

  /** Its transactions on the way that are about accounts; chores go on for ever. */
  get inFlight(): number {
    return [...this.flights].filter((flight) => !flight.startsWith("chore:")).length;
  }

  private isFlying(account: string): boolean {
    return ["bid", "start", "poke", "end"].some((kind) => this.flights.has(`${kind}:${account}`));
  }

  private isAnswered({ account, inAuction }: Head["unhealthy"][number]): boolean {
    const reason = this.told.get(account);
    return reason !== undefined && (inAuction || IGNORED.test(reason));
  }

  stop(): Promise<number | null> {
    return stopProcess(this.child);
  }

  /** Ends it as a crash would: it can say nothing and write nothing more. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill("SIGKILL");
    await ended;
  }

  private async until(done: () => boolean, timeoutMs: number): Promise<boolean> {
    const end = Date.now() + timeoutMs;
    while (!done()) {
      if (this.failure !== undefined) throw new DemoError(this.failure);
      const left = end - Date.now();
      if (left <= 0) return false;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.waiters.add(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
    return true;
  }

  private take(text: string): void {
    let line: Line;
    try {
      line = JSON.parse(text) as Line;
    } catch {
      this.complaints.push(`${text}\n`);
      return;
    }
    const { event, number, kind, account, reason } = line;
    if (event === undefined) return;
    if (event === "started") this.started = true;
    if (event === "block" && number !== undefined) {
      this.seen = number;
      this.told.clear();
    }
    if (event === "waiting" && account !== undefined) {
      this.told.set(account, reason ?? "");
      this.reasons.set(account, reason ?? "");
    }
    if (event === "sent") this.flights.add(`${kind ?? ""}:${account ?? ""}`);
    const landed = LANDED.exec(event)?.[1];
    if (landed !== undefined) this.flights.delete(`${landed}:${account ?? ""}`);
    this.wake();
  }

  private wake(): void {
    const waiters = [...this.waiters];
    this.waiters.clear();
    for (const waiter of waiters) waiter();
  }
}
