// An append-only file of checksummed, numbered lines, and snapshots that let it start over. After a kill the state is what the
// last whole line says; anything else wrong with the files stops the start, because guessing would lose somebody's order.
import {
  closeSync,
  existsSync,
  fdatasync,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";

/**
 * When the disk must have it. "always": before a change is acknowledged; "interval": every so often, so that a power cut loses
 * at most that; "never": left to the system. A kill of the process loses nothing in any case.
 */
export type FsyncPolicy = "always" | "interval" | "never";
export const FSYNC_POLICIES: readonly FsyncPolicy[] = ["always", "interval", "never"];

export interface JournalOptions {
  readonly directory: string;
  readonly fsync: FsyncPolicy;
  /** Of the "interval" policy. */
  readonly intervalMs?: number;
}

const DEFAULT_INTERVAL_MS = 100;

/** Files that no crash of ours leaves behind. */
export class JournalError extends Error {
  override readonly name = "JournalError";
}

export interface Recovered {
  /** Undefined: there was none. */
  readonly snapshot: string | undefined;
  /** After the snapshot, in order. */
  readonly lines: readonly string[];
  /** Bytes of a torn last line that were cut off. */
  readonly torn: number;
}

const CHECKSUM_DIGITS = 8;
const checksum = (text: string): string => crc32(text).toString(16).padStart(CHECKSUM_DIGITS, "0");

const frame = (sequence: number, text: string): string => {
  const body = `${sequence} ${text}`;
  return `${checksum(body)} ${body}\n`;
};

/** The text of a whole line; undefined if it is none. */
const unframe = (line: string): { sequence: number; text: string } | undefined => {
  const body = line.slice(CHECKSUM_DIGITS + 1);
  if (line.charAt(CHECKSUM_DIGITS) !== " " || checksum(body) !== line.slice(0, CHECKSUM_DIGITS)) return undefined;
  const space = body.indexOf(" ");
  return { sequence: Number(body.slice(0, space)), text: body.slice(space + 1) };
};

const journalName = (base: number): string => `journal-${base}.log`;
const snapshotName = (base: number): string => `snapshot-${base}.json`;
const SNAPSHOT = /^snapshot-(\d+)\.json$/;
const JOURNAL = /^journal-(\d+)\.log$/;

const numbersOf = (directory: string, pattern: RegExp): number[] =>
  readdirSync(directory)
    .flatMap((name) => pattern.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);

const syncDirectory = (directory: string): void => {
  const fd = openSync(directory, "r");
  fsyncSync(fd);
  closeSync(fd);
};

const LOCK = "lock";

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
};

/** Two processes in one journal would tear it apart. A killed one's lock is taken over. */
const lock = (directory: string): void => {
  const file = join(directory, LOCK);
  const owner = existsSync(file) ? Number(readFileSync(file, "utf8")) : 0;
  if (owner > 0 && owner !== process.pid && isAlive(owner)) {
    throw new JournalError(`${directory} is in use by process ${owner}; if that is no matcher, remove ${file}`);
  }
  writeFileSync(file, String(process.pid));
};

const writeAll = (fd: number, text: string): void => {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done);
};

const NEWLINE = 0x0a;

/** Whole lines in order; where they end; what is after it. */
const readLines = (file: string, base: number): { lines: string[]; end: number; torn: number } => {
  const bytes = existsSync(file) ? readFileSync(file) : Buffer.alloc(0);
  const lines: string[] = [];
  let end = 0;
  while (end < bytes.length) {
    const newline = bytes.indexOf(NEWLINE, end);
    const line = newline === -1 ? undefined : unframe(bytes.toString("utf8", end, newline));
    if (line === undefined) break;
    if (line.sequence !== base + lines.length + 1) {
      throw new JournalError(`${file}: line ${lines.length + 1} is number ${line.sequence}: lines are missing`);
    }
    lines.push(line.text);
    end = newline + 1;
  }
  for (let at = bytes.indexOf(NEWLINE, end); at !== -1; at = bytes.indexOf(NEWLINE, at + 1)) {
    // A crash tears the end of the file only. A whole line behind a broken one means that something else broke it.
    const next = bytes.indexOf(NEWLINE, at + 1);
    if (next !== -1 && unframe(bytes.toString("utf8", at + 1, next)) !== undefined) {
      throw new JournalError(`${file}: broken at byte ${end}, with whole lines behind it: restore it from a copy`);
    }
  }
  return { lines, end, torn: bytes.length - end };
};

export class Journal {
  private readonly buffer: string[] = [];
  private syncedAt = 0;
  private unsynced = false;
  private closed = false;

  private constructor(
    private readonly options: JournalOptions,
    private base: number,
    /** Number of the last line. */
    public sequence: number,
    private fd: number,
  ) {}

  /** Opens the directory, cuts a torn last line off, and says what was there. */
  static open(options: JournalOptions): { journal: Journal; recovered: Recovered } {
    const { directory } = options;
    mkdirSync(directory, { recursive: true });
    lock(directory);
    const snapshots = numbersOf(directory, SNAPSHOT);
    const base = snapshots.at(-1) ?? 0;
    const newer = numbersOf(directory, JOURNAL).find((each) => each > base);
    if (newer !== undefined) throw new JournalError(`${directory}: ${journalName(newer)} has lost its snapshot`);
    const snapshot = snapshots.length === 0 ? undefined : readSnapshot(join(directory, snapshotName(base)), base);
    const file = join(directory, journalName(base));
    const { lines, end, torn } = readLines(file, base);
    const fd = openSync(file, "a+");
    if (torn > 0) {
      ftruncateSync(fd, end);
      fdatasyncSync(fd);
    }
    syncDirectory(directory);
    return { journal: new Journal(options, base, base + lines.length, fd), recovered: { snapshot, lines, torn } };
  }

  /** Lines since the snapshot. */
  get length(): number {
    return this.sequence - this.base;
  }

  /** Written down at the next {@link flush}. */
  append(text: string): void {
    this.sequence += 1;
    this.buffer.push(frame(this.sequence, text));
  }

  /** After this a kill of the process loses nothing that was appended; with "always" neither does a power cut. */
  async flush(): Promise<void> {
    this.write();
    if (!this.isSyncDue()) return;
    this.unsynced = false;
    this.syncedAt = Date.now();
    const { fd } = this;
    await new Promise<void>((resolve, reject) => {
      fdatasync(fd, (error) => (error === null ? resolve() : reject(error)));
    });
  }

  flushSync(): void {
    this.write();
    if (!this.isSyncDue()) return;
    this.sync();
  }

  /** Puts `state` in the place of everything appended so far. */
  snapshot(state: string): void {
    const { directory } = this.options;
    this.write();
    const base = this.sequence;
    if (base === this.base && existsSync(join(directory, snapshotName(base)))) return;
    const temporary = join(directory, "snapshot.tmp");
    const fd = openSync(temporary, "w");
    writeAll(fd, frame(base, state));
    fsyncSync(fd);
    closeSync(fd);
    // From the rename on the new snapshot holds, and the journal that belongs to it is empty or not there yet.
    renameSync(temporary, join(directory, snapshotName(base)));
    syncDirectory(directory);
    closeSync(this.fd);
    this.fd = openSync(join(directory, journalName(base)), "a+");
    this.base = base;
    this.unsynced = false;
    syncDirectory(directory);
    for (const each of numbersOf(directory, SNAPSHOT)) if (each < base) rmSync(join(directory, snapshotName(each)));
    for (const each of numbersOf(directory, JOURNAL)) if (each < base) rmSync(join(directory, journalName(each)));
  }

  close(): void {
    if (this.closed) return;
    this.write();
    this.sync();
    this.closed = true;
    closeSync(this.fd);
    rmSync(join(this.options.directory, LOCK), { force: true });
  }

  private write(): void {
    if (this.buffer.length === 0) return;
    writeAll(this.fd, this.buffer.join(""));
    this.buffer.length = 0;
    this.unsynced = true;
  }

  private sync(): void {
    fdatasyncSync(this.fd);
    this.unsynced = false;
    this.syncedAt = Date.now();
  }

  private isSyncDue(): boolean {
    const { fsync, intervalMs = DEFAULT_INTERVAL_MS } = this.options;
    if (!this.unsynced || fsync === "never") return false;
    return fsync === "always" || Date.now() - this.syncedAt >= intervalMs;
  }
}

const readSnapshot = (file: string, base: number): string => {
  const text = readFileSync(file, "utf8");
  const whole = text.endsWith("\n") ? unframe(text.slice(0, -1)) : undefined;
  if (whole?.sequence !== base) throw new JournalError(`${file}: the snapshot is broken: restore it from a copy`);
  return whole.text;
};
