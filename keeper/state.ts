// What a keeper must not forget between runs: how far it has read, what accounts looked like there, and what it sent.
import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { ConfigError } from "./config.ts";

export interface BlockRef {
  readonly number: number;
  readonly hash: string;
}

export interface AccountRecord {
  readonly id: string;
  readonly words: readonly bigint[];
  /** Of the change. */
  readonly block: number;
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

// Deeper reorganisations start over from the deployment.
const REMEMBERED_BLOCKS = 256;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS accounts (id TEXT PRIMARY KEY, words TEXT NOT NULL, block INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS blocks (number INTEGER PRIMARY KEY, hash TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS flights (nonce INTEGER PRIMARY KEY, record TEXT NOT NULL) STRICT;
`;

/** The file of the state is gone or cannot be written: what is sent now would be forgotten. */
export class StateLost extends Error {
  override readonly name = "StateLost";
}

const packWords = (words: readonly bigint[]): string => words.map((word) => word.toString(16)).join(",");
const unpackWords = (text: string): bigint[] => text.split(",").map((word) => BigInt(`0x${word}`));

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

  /** Up to where events were read; undefined before the first time. */
  checkpoint(): BlockRef | undefined {
    return this.blocks(1)[0];
  }

  /** Blocks at which reading stopped, newest first. */
  blocks(limit = REMEMBERED_BLOCKS): BlockRef[] {
    return this.db
      .prepare("SELECT number, hash FROM blocks ORDER BY number DESC LIMIT ?")
      .all(limit)
      .map((row) => ({ number: Number(row["number"]), hash: String(row["hash"]) }));
  }

  accounts(): AccountRecord[] {
    return this.db.prepare("SELECT id, words, block FROM accounts").all().map(toAccount);
  }

  accountsChangedAfter(block: number): AccountRecord[] {
    return this.db.prepare("SELECT id, words, block FROM accounts WHERE block > ?").all(block).map(toAccount);
  }

  /** Takes over what was read up to `checkpoint`, all or nothing. */
  advance(changes: readonly AccountRecord[], checkpoint: BlockRef): void {
    this.atomically(() => {
      this.put(changes);
      this.db
        .prepare("INSERT OR REPLACE INTO blocks (number, hash) VALUES (?, ?)")
        .run(checkpoint.number, checkpoint.hash);
      this.db
        .prepare("DELETE FROM blocks WHERE number NOT IN (SELECT number FROM blocks ORDER BY number DESC LIMIT ?)")
        .run(REMEMBERED_BLOCKS);
    });
  }

  /** Forgets what was read after `fork` (undefined: everything), and takes over how those accounts look instead. */
  rollback(fork: BlockRef | undefined, corrected: readonly AccountRecord[]): void {
    this.atomically(() => {
      const after = fork?.number ?? -1;
      this.db.prepare("DELETE FROM blocks WHERE number > ?").run(after);
      this.db.prepare("DELETE FROM accounts WHERE block > ?").run(after);
      this.put(corrected);
    });
  }

  flights(): FlightRecord[] {
    return this.db
      .prepare("SELECT record FROM flights ORDER BY nonce")
      .all()
      .map((row) => JSON.parse(String(row["record"]), reviveBigints) as FlightRecord);
  }

  saveFlight(flight: FlightRecord): void {
    this.db
      .prepare("INSERT OR REPLACE INTO flights (nonce, record) VALUES (?, ?)")
      .run(flight.nonce, JSON.stringify(flight, writeBigints));
  }

  deleteFlight(nonce: number): void {
    this.db.prepare("DELETE FROM flights WHERE nonce = ?").run(nonce);
  }

  private put(changes: readonly AccountRecord[]): void {
    const insert = this.db.prepare("INSERT OR REPLACE INTO accounts (id, words, block) VALUES (?, ?, ?)");
    for (const { id, words, block } of changes) insert.run(id, packWords(words), block);
  }

  private atomically(work: () => void): void {
    try {
      this.db.exec("BEGIN IMMEDIATE");
    } catch (error) {
      throw new StateLost(`--state: ${this.file} cannot be written: ${error instanceof Error ? error.message : ""}`);
    }
    try {
      work();
      this.db.exec("COMMIT");
    } catch (error) {
      this.db.exec("ROLLBACK");
      throw error;
    }
  }
}

const toAccount = (row: Record<string, unknown>): AccountRecord => ({
  id: String(row["id"]),
  words: unpackWords(String(row["words"])),
  block: Number(row["block"]),
});

// JSON knows no bigint: they are written as "123n".
const writeBigints = (_key: string, value: unknown): unknown => (typeof value === "bigint" ? `${value}n` : value);
const reviveBigints = (_key: string, value: unknown): unknown =>
  typeof value === "string" && /^\d+n$/.test(value) ? BigInt(value.slice(0, -1)) : value;
