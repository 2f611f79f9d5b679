// Rows as bytes: pages of a checkpoint, and the images that undo a block. Little-endian u32, as every machine that runs this has them.
import { WORD } from "./columns.ts";
import type { RowImage, Rows } from "./rows.ts";
import { CheckpointError } from "./types.ts";

export const PAGE_ROWS = 512;
const LEDGER = 1 << 8;

/** A growing list of u32. */
class Writer {
  private list = new Uint32Array(1 << 14);
  length = 0;

  reserve(n: number): void {
    if (this.length + n <= this.list.length) return;
    const longer = new Uint32Array(Math.max(2 * this.list.length, this.length + n));
    longer.set(this.list);
    this.list = longer;
  }

  put(value: number): void {
    this.list[this.length] = value;
    this.length += 1;
  }

  words(from: Uint32Array, at: number, n: number): void {
    this.list.set(from.subarray(at, at + n), this.length);
    this.length += n;
  }

  bytes(): Uint8Array {
    return new Uint8Array(this.list.buffer.slice(0, 4 * this.length));
  }
}

class Reader {
  at = 0;
  readonly list: Uint32Array;

  constructor(
    bytes: Uint8Array,
    private readonly what: string,
  ) {
    if (bytes.length % 4 !== 0) throw this.broken();
    this.list = new Uint32Array(bytes.slice().buffer);
  }

  get isDone(): boolean {
    return this.at === this.list.length;
  }

  take(): number {
    const value = this.list[this.at];
    if (value === undefined) throw this.broken();
    this.at += 1;
    return value;
  }

  /** Where `n` words begin. */
  skip(n: number): number {
    const at = this.at;
    this.at += n;
    if (this.at > this.list.length) throw this.broken();
    return at;
  }

  broken(): CheckpointError {
    return new CheckpointError(`the checkpoint is damaged (${this.what}): delete the file to read history again`);
  }
}

const headOf = (words: number, positions: number, hasLedger: boolean): number =>
  words | (hasLedger ? LEDGER : 0) | (positions << 16);

/** The rows of a page, ids in it. */
export const packPage = (rows: Rows, page: number): Uint8Array => {
  const to = new Writer();
  const { words } = rows.slab;
  const end = Math.min(rows.count, PAGE_ROWS * (page + 1));
  for (let row = PAGE_ROWS * page; row < end; row += 1) {
    const [n, positions] = [rows.wordsCount[row] ?? 0, rows.ledgerCount[row] ?? 0];
    const ledger = rows.ledgerAt[row] ?? 0;
    to.reserve(WORD * (n + positions + 2) + 1);
    to.put(headOf(n, positions, ledger !== 0));
    to.words(rows.ids, WORD * row, WORD);
    to.words(words, WORD * (rows.wordsAt[row] ?? 0), WORD * n);
    if (ledger !== 0) to.words(words, WORD * ledger, WORD * (positions + 1));
  }
  return to.bytes();
};

/** Adds a page's rows; its first must be the next row. `isWanted`: of an id, else the row is left out. */
export const unpackPage = (
  rows: Rows,
  page: number,
  bytes: Uint8Array,
  isWanted: ((list: Uint32Array, at: number) => boolean) | undefined,
): number => {
  const from = new Reader(bytes, `page ${page}`);
  let read = 0;
  while (!from.isDone) {
    const head = from.take();
    const [n, positions] = [head & 0xff, head >>> 16];
    const id = from.skip(WORD);
    const words = from.skip(WORD * n);
    const ledger = (head & LEDGER) === 0 ? undefined : from.skip(WORD * (positions + 1));
    read += 1;
    if (isWanted?.(from.list, id) === false) continue;
    const before = rows.count;
    const row = rows.findOrAdd(from.list, id);
    if (row !== before) throw from.broken();
    rows.setWords(row, from.list, words, n);
    if (ledger !== undefined) rows.setLedger(row, from.list.subarray(ledger, from.at), positions);
  }
  return read;
};

/** Images by row. */
export const packImages = (images: ReadonlyMap<number, RowImage>): Uint8Array => {
  const to = new Writer();
  for (const [row, { words, ledger }] of images) {
    to.reserve(2 + words.length + (ledger?.length ?? 0));
    to.put(row);
    to.put(
      headOf(
        words.length / WORD,
        ledger === undefined || ledger.length === 0 ? 0 : ledger.length / WORD - 1,
        ledger !== undefined,
      ),
    );
    to.words(words, 0, words.length);
    if (ledger !== undefined) to.words(ledger, 0, ledger.length);
  }
  return to.bytes();
};

export const unpackImages = (bytes: Uint8Array, block: number): Map<number, RowImage> => {
  const from = new Reader(bytes, `what undoes block ${block}`);
  const images = new Map<number, RowImage>();
  while (!from.isDone) {
    const row = from.take();
    const head = from.take();
    const words = from.skip(WORD * (head & 0xff));
    const wordsEnd = from.at;
    const ledger = (head & LEDGER) === 0 ? undefined : from.skip(WORD * ((head >>> 16) + 1));
    images.set(row, {
      words: from.list.slice(words, wordsEnd),
      ledger: ledger === undefined ? undefined : from.list.slice(ledger, from.at),
    });
  }
  return images;
};
