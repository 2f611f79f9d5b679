// Checkpoints in SQLite: pages of rows that changed, the block they stand at, and what undoes the last blocks, in one transaction.
import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { crc32 } from "node:zlib";

import type { Undo } from "./journal.ts";
import type { PoolChange } from "./logs.ts";
import { isIn } from "./logs.ts";
import { PAGE_ROWS, packImages, packPage, unpackImages, unpackPage } from "./pages.ts";
import { hashId, type Rows } from "./rows.ts";
import { type BlockRef, CheckpointError, type Part } from "./types.ts";

const VERSION = "1";
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS pages (page INTEGER PRIMARY KEY, crc INTEGER NOT NULL, rows BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS undo (number INTEGER PRIMARY KEY, hash TEXT NOT NULL, pools TEXT NOT NULL, crc INTEGER NOT NULL,
    rows BLOB) STRICT;
`;

/** Of which deployment and which accounts a checkpoint is. */
export interface Identity {
  readonly chainId: number;
  readonly safe: string;
  readonly positions: string | undefined;
  readonly part: Part | undefined;
}

/** What a checkpoint holds besides the rows. */
export interface Restored {
  readonly head: BlockRef;
  readonly blocks: Undo[];
  readonly pools: [number, PoolChange][];
}

const ALL: Part = { from: 0, to: 2 ** 32 };
const identityOf = ({ chainId, safe, positions }: Identity): string => `${chainId}:${safe}:${positions ?? "none"}`;

export class Checkpoints {
  private constructor(
    readonly file: string,
    private readonly db: DatabaseSync,
    private readonly identity: Identity,
  ) {}

  /** Opens or creates the file. Throws {@link CheckpointError} when it is not one, or of another deployment. */
  static open(file: string, identity: Identity): Checkpoints {
    mkdirSync(dirname(file), { recursive: true });
    const isNew = !existsSync(file);
    let db: DatabaseSync | undefined;
    try {
      db = new DatabaseSync(file);
      if (isNew) db.exec("PRAGMA page_size = 16384;");
      db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;");
      db.exec(SCHEMA);
      const store = new Checkpoints(file, db, identity);
      store.identify();
      return store;
    } catch (error) {
      db?.close();
      if (error instanceof CheckpointError) throw error;
      throw new CheckpointError(
        `${file} is no checkpoint (${error instanceof Error ? error.message : String(error)}): name another file, or delete it`,
      );
    }
  }

  close(): void {
    this.db.close();
  }

  /** The block of the last checkpoint. */
  head(): BlockRef | undefined {
    const [number, hash] = [this.meta("number"), this.meta("hash")];
    return number === undefined || hash === undefined ? undefined : { number: Number(number), hash };
  }

  /** Fills empty rows. Undefined: there is no checkpoint yet. */
  load(rows: Rows): Restored | undefined {
    const head = this.head();
    if (head === undefined) return undefined;
    try {
      const [expected, held] = [Number(this.meta("rows")), this.part()];
      const wanted = this.identity.part;
      const isWhole = wanted === undefined || (wanted.from <= held.from && wanted.to >= held.to);
      const isWanted = isWhole ? undefined : (list: Uint32Array, at: number) => isIn(wanted, hashId(list, at));
      let read = 0;
      const pages = this.db.prepare("SELECT page, crc, rows FROM pages ORDER BY page");
      for (const row of pages.iterate()) {
        const [page, bytes] = [Number(row["page"]), row["rows"] as Uint8Array];
        if (crc32(bytes) !== Number(row["crc"])) throw this.damaged(`page ${page} does not match its checksum`);
        read += unpackPage(rows, page, bytes, isWanted);
      }
      if (read !== expected) throw this.damaged(`${read} of ${expected} accounts are in it`);
      // Rows of a part have other numbers than they had when the blocks were written.
      const blocks = isWhole ? this.blocks() : [];
      const pools = JSON.parse(this.meta("pools") ?? "[]") as [number, PoolChange][];
      return { head, blocks: blocks.length > 0 ? blocks : [emptyUndo(head)], pools };
    } catch (error) {
      if (error instanceof CheckpointError) throw error;
      throw this.damaged(error instanceof Error ? error.message : String(error));
    }
  }

  /** Everything or nothing. `dirty`: pages that changed since the last time. */
  save(
    rows: Rows,
    dirty: Iterable<number>,
    blocks: readonly Undo[],
    pools: ReadonlyMap<number, PoolChange>,
    isFresh: boolean,
  ): number {
    const head = blocks.at(-1);
    if (head === undefined) return 0;
    const [oldest, before] = [blocks[0]?.number ?? 0, isFresh ? undefined : this.head()];
    let written = 0;
    this.db.exec("BEGIN IMMEDIATE");
    try {
      if (isFresh) this.db.exec("DELETE FROM pages; DELETE FROM undo;");
      const putPage = this.db.prepare("INSERT OR REPLACE INTO pages (page, crc, rows) VALUES (?, ?, ?)");
      for (const page of dirty) {
        const bytes = packPage(rows, page);
        putPage.run(page, crc32(bytes), bytes);
        written += 1;
      }
      this.saveBlocks(blocks, oldest, before);
      this.put("number", String(head.number));
      this.put("hash", head.hash);
      this.put("rows", String(rows.count));
      this.put("pools", JSON.stringify([...pools]));
      this.put("part", JSON.stringify(this.identity.part ?? ALL));
      this.db.exec("COMMIT");
    } catch (error) {
      this.db.exec("ROLLBACK");
      throw error;
    }
    return written;
  }

  private saveBlocks(blocks: readonly Undo[], oldest: number, before: BlockRef | undefined): void {
    const known = new Map(
      this.db
        .prepare("SELECT number, hash FROM undo")
        .all()
        .map((row) => [Number(row["number"]), String(row["hash"])]),
    );
    const put = this.db.prepare("INSERT OR REPLACE INTO undo (number, hash, pools, crc, rows) VALUES (?, ?, ?, ?, ?)");
    const drop = this.db.prepare("DELETE FROM undo WHERE number = ?");
    const numbers = new Set(blocks.map(({ number }) => number));
    for (const number of known.keys()) if (number < oldest || !numbers.has(number)) drop.run(number);
    for (const { number, hash, rows, pools } of blocks) {
      if (before !== undefined && known.get(number) === hash && number !== oldest) continue;
      const bytes = packImages(rows);
      put.run(number, hash, JSON.stringify([...pools]), crc32(bytes), bytes);
    }
  }

  private blocks(): Undo[] {
    return this.db
      .prepare("SELECT number, hash, pools, crc, rows FROM undo ORDER BY number")
      .all()
      .map((row) => {
        // SQLite's driver stores an empty list as nothing.
        const [number, bytes] = [Number(row["number"]), (row["rows"] as Uint8Array | null) ?? new Uint8Array(0)];
        if (crc32(bytes) !== Number(row["crc"])) throw this.damaged(`block ${number} does not match its checksum`);
        const pools = JSON.parse(String(row["pools"])) as [number, PoolChange | null][];
        return {
          number,
          hash: String(row["hash"]),
          rows: unpackImages(bytes, number),
          pools: new Map(pools.map(([asset, change]) => [asset, change ?? undefined])),
        };
      });
  }

  private identify(): void {
    const [version, of] = [this.meta("version"), this.meta("deployment")];
    const ours = identityOf(this.identity);
    if (version === undefined && of === undefined) {
      if (this.meta("number") !== undefined) throw this.damaged("it does not say of which deployment it is");
      this.put("version", VERSION);
      this.put("deployment", ours);
      return;
    }
    if (version !== VERSION) {
      throw new CheckpointError(`${this.file} has format ${version ?? "none"}, not ${VERSION}: name another file`);
    }
    if (of !== ours) {
      throw new CheckpointError(
        `${this.file} is of another deployment (${of ?? "none"}, not ${ours}): name another file`,
      );
    }
    const held = this.part();
    const wanted = this.identity.part ?? ALL;
    if (this.head() !== undefined && (wanted.from < held.from || wanted.to > held.to)) {
      throw new CheckpointError(
        `${this.file} has the accounts ${held.from}..${held.to} only, not ${wanted.from}..${wanted.to}: name another file`,
      );
    }
  }

  private part(): Part {
    const text = this.meta("part");
    return text === undefined ? ALL : (JSON.parse(text) as Part);
  }

  private meta(key: string): string | undefined {
    const row = this.db.prepare("SELECT value FROM meta WHERE key = ?").get(key);
    return row === undefined ? undefined : String(row["value"]);
  }

  private put(key: string, value: string): void {
    this.db.prepare("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)").run(key, value);
  }

  private damaged(why: string): CheckpointError {
    return new CheckpointError(`${this.file} is damaged (${why}): delete it to read history again`);
  }
}

const emptyUndo = ({ number, hash }: BlockRef): Undo => ({ number, hash, rows: new Map(), pools: new Map() });

export const pageOf = (row: number): number => Math.floor(row / PAGE_ROWS);
