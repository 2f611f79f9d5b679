// What a sender must not forget between runs: what it signed, until it is known how it ended.
import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { ConfigError } from "./config.ts";

export interface BlockRef {
  readonly number: number;
  readonly hash: string;
}

export type JobKind = "bid" | "start" | "poke" | "end" | "chore" | "cancel" | "fill" | "attest";

/** A transaction that was signed, until it is known how it ended. */
export interface FlightRecord {
  readonly nonce: number;
  readonly kind: JobKind;
  /** What it is about: an account, or an asset's chore. */
  readonly account: string;
  readonly to: string;
  readonly data: string;
  readonly gasLimit: bigint;
  readonly feeCeiling: bigint;
  readonly maxFee: bigint;
  readonly tip: bigint;
  /** Of every version sent; any of them may be mined. */
  readonly hashes: readonly string[];
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS flights (nonce INTEGER PRIMARY KEY, record TEXT NOT NULL) STRICT;
`;

/** The file of the state is gone or cannot be written: what is sent now would be forgotten. */
export class StateLost extends Error {
  override readonly name = "StateLost";
}

export class State {
  private readonly db: DatabaseSync;

  private constructor(private readonly file: string) {
    if (file !== ":memory:") mkdirSync(dirname(file), { recursive: true });
    this.db = new DatabaseSync(file);
    this.db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;");
    this.db.exec(SCHEMA);
  }

  /** Opens or creates the file. Throws when it is of another chain or deployment. */
  static open(file: string, deployment: { chainId: number; safe: string }): State {
    const state = State.begin(file);
    const identity = `${deployment.chainId}:${deployment.safe.toLowerCase()}`;
    const stored = state.db.prepare("SELECT value FROM meta WHERE key = 'deployment'").get();
    if (stored === undefined) {
      state.db.prepare("INSERT INTO meta (key, value) VALUES ('deployment', ?)").run(identity);
    } else if (stored["value"] !== identity) {
      state.close();
      throw new ConfigError(
        `--state: ${file} is of another deployment (${String(stored["value"])}, not ${identity}): name another file`,
      );
    }
    return state;
  }

  private static begin(file: string): State {
    try {
      return new State(file);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new ConfigError(
        `--state: ${file} cannot be used (${reason}): move it away, and everything is read again, or name another file`,
      );
    }
  }

  /** Throws {@link StateLost} when the file is not there any more: on Linux writes to it would still seem to succeed. */
  check(): void {
    if (this.file !== ":memory:" && !existsSync(this.file)) {
      throw new StateLost(`--state: ${this.file} is gone: somebody removed it while the keeper ran`);
    }
  }

  close(): void {
    this.db.close();
  }

  flights(): FlightRecord[] {
    return this.db
      .prepare("SELECT record FROM flights ORDER BY nonce")
      .all()
      .map((row) => JSON.parse(String(row["record"]), reviveBigints) as FlightRecord);
  }

  saveFlight(flight: FlightRecord): void {
    const record = JSON.stringify(flight, writeBigints);
    this.attempt(() =>
      this.db.prepare("INSERT OR REPLACE INTO flights (nonce, record) VALUES (?, ?)").run(flight.nonce, record),
    );
  }

  deleteFlight(nonce: number): void {
    this.attempt(() => this.db.prepare("DELETE FROM flights WHERE nonce = ?").run(nonce));
  }

  private attempt<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new StateLost(`--state: ${this.file} cannot be written: ${reason}`);
    }
  }
}

// JSON knows no bigint: they are written as "123n".
const writeBigints = (_key: string, value: unknown): unknown => (typeof value === "bigint" ? `${value}n` : value);
const reviveBigints = (_key: string, value: unknown): unknown =>
  typeof value === "string" && /^\d+n$/.test(value) ? BigInt(value.slice(0, -1)) : value;
