// Accounts in columns: a row each, found by id through a table of open addresses. Balance words, quote and position words are kept as the
// events say them, so every amount is exact.
import { grown, roomier, shareInt32, shareUint32, shareUint8, WORD, WordSlab } from "./columns.ts";
import { Instruments } from "./instruments.ts";

export const NO_ROW = -1;
const FIRST_ROWS = 1_024;

/** Of the flag bits in the top of an account's first word. */
export const PORTFOLIO = 1 << 5;
export const HAS_POSITIONS = 1 << 7;
export const HAS_QUOTE = 1 << 8;
export const IN_AUCTION = 1 << 9;
const COUNT = 0x1f;

/** What the columns hold besides the slab; all of it is shared with the workers. */
export interface RowColumns {
  /** Eight u32 a row. */
  ids: Uint32Array;
  /** Runs of balance words, and how many of them. */
  wordsAt: Uint32Array;
  wordsCount: Uint8Array;
  /** Runs of [quote, positions…], and how many positions. 0: the ledger said nothing of the account. */
  ledgerAt: Uint32Array;
  ledgerCount: Uint8Array;
}

/** A row as it was: to undo, and for the pages of checkpoints. */
export interface RowImage {
  readonly words: Uint32Array;
  /** Quote and positions; undefined: never heard of. */
  readonly ledger: Uint32Array | undefined;
}

const mix = (h: number, word: number): number => {
  const x = Math.imul(h ^ word, 0x9e3779b1);
  return x ^ (x >>> 15);
};

/** 32 bits of an id that divide accounts among replicas, and find their rows. */
export const hashId = (id: Uint32Array, at: number): number => {
  let h = 0x2545f491;
  for (let i = 0; i < WORD; i += 1) h = mix(h, id[at + i] ?? 0);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  return (h ^ (h >>> 13)) >>> 0;
};

export class Rows implements RowColumns {
  ids = shareUint32(WORD * FIRST_ROWS);
  wordsAt = shareUint32(FIRST_ROWS);
  wordsCount = shareUint8(FIRST_ROWS);
  ledgerAt = shareUint32(FIRST_ROWS);
  ledgerCount = shareUint8(FIRST_ROWS);
  readonly slab: WordSlab;
  readonly instruments = new Instruments();
  count = 0;
  private table = new Int32Array(4 * FIRST_ROWS).fill(NO_ROW);

  constructor(expected = FIRST_ROWS) {
    this.slab = new WordSlab(2 * expected);
  }

  get bytes(): number {
    const columns = [this.ids, this.wordsAt, this.wordsCount, this.ledgerAt, this.ledgerCount, this.table];
    return columns.reduce((sum, { byteLength }) => sum + byteLength, this.slab.bytes);
  }

  /** The row of an id given as eight u32, or {@link NO_ROW}. */
  find(id: Uint32Array, at: number): number {
    return this.table[this.place(id, at)] ?? NO_ROW;
  }

  findOrAdd(id: Uint32Array, at: number): number {
    const place = this.place(id, at);
    const found = this.table[place] ?? NO_ROW;
    if (found !== NO_ROW) return found;
    const row = this.count;
    if (row === this.wordsAt.length) this.grow();
    this.count = row + 1;
    for (let i = 0; i < WORD; i += 1) this.ids[WORD * row + i] = id[at + i] ?? 0;
    this.table[place] = row;
    if (2 * this.count > this.table.length) this.rehash();
    return row;
  }

  /** Whether there is anything to the row; a row whose creation was undone is empty. */
  isKnown(row: number): boolean {
    return this.wordsCount[row] !== 0 || this.ledgerAt[row] !== 0;
  }

  flags(row: number): number {
    if (this.wordsCount[row] === 0) return 0;
    return (this.slab.words[WORD * (this.wordsAt[row] ?? 0)] ?? 0) >>> 8;
  }

  entries(row: number): number {
    return this.flags(row) & COUNT;
  }

  /** Takes over the balance words in `from`. */
  setWords(row: number, from: Uint32Array, at: number, n: number): void {
    const had = this.wordsCount[row] ?? 0;
    let run = this.wordsAt[row] ?? 0;
    if (had === 0 || n === 0 || !WordSlab.fits(had, n)) {
      if (had !== 0) this.slab.release(run, had);
      run = n === 0 ? 0 : this.slab.allocate(n);
    }
    this.wordsAt[row] = run;
    this.wordsCount[row] = n;
    this.slab.words.set(from.subarray(at, at + WORD * n), WORD * run);
  }

  /** Takes over quote and positions in `from`: `n` positions after the quote. Undefined: nothing is known. */
  setLedger(row: number, from: Uint32Array | undefined, n: number): void {
    const had = this.ledgerCount[row] ?? 0;
    let run = this.ledgerAt[row] ?? 0;
    if (run === 0 || from === undefined || !WordSlab.fits(had + 1, n + 1)) {
      if (run !== 0) this.slab.release(run, had + 1);
      run = from === undefined ? 0 : this.slab.allocate(n + 1);
    }
    this.ledgerAt[row] = run;
    this.ledgerCount[row] = from === undefined ? 0 : n;
    if (from === undefined) return;
    const { words, tags } = this.slab;
    for (let i = 0; i < WORD * (n + 1); i += 1) words[WORD * run + i] = from[i] ?? 0;
    for (let k = 1; k <= n; k += 1) {
      const w = WORD * (run + k);
      tags[run + k] = this.instruments.numberOf(words[w] ?? 0, words[w + 1] ?? 0, words[w + 2] ?? 0, words[w + 3] ?? 0);
    }
  }

  /** A copy of the row. */
  image(row: number): RowImage {
    const { words } = this.slab;
    const at = WORD * (this.wordsAt[row] ?? 0);
    const ledger = this.ledgerAt[row] ?? 0;
    return {
      words: words.slice(at, at + WORD * (this.wordsCount[row] ?? 0)),
      ledger: ledger === 0 ? undefined : words.slice(WORD * ledger, WORD * (ledger + 1 + (this.ledgerCount[row] ?? 0))),
    };
  }

  restore(row: number, { words, ledger }: RowImage): void {
    this.setWords(row, words, 0, words.length / WORD);
    this.setLedger(row, ledger, ledger === undefined ? 0 : ledger.length / WORD - 1);
  }

  /** Where the id is in the table, or where it would be. */
  private place(id: Uint32Array, at: number): number {
    const mask = this.table.length - 1;
    let place = hashId(id, at) & mask;
    for (;;) {
      const row = this.table[place] ?? NO_ROW;
      if (row === NO_ROW || this.isAt(row, id, at)) return place;
      place = (place + 1) & mask;
    }
  }

  private isAt(row: number, id: Uint32Array, at: number): boolean {
    for (let i = 0; i < WORD; i += 1) if (this.ids[WORD * row + i] !== id[at + i]) return false;
    return true;
  }

  private grow(): void {
    const n = roomier(this.wordsAt.length, this.count + 1);
    this.ids = grown(this.ids, shareUint32, WORD * n);
    this.wordsAt = grown(this.wordsAt, shareUint32, n);
    this.wordsCount = grown(this.wordsCount, shareUint8, n);
    this.ledgerAt = grown(this.ledgerAt, shareUint32, n);
    this.ledgerCount = grown(this.ledgerCount, shareUint8, n);
  }

  private rehash(): void {
    this.table = new Int32Array(2 * this.table.length).fill(NO_ROW);
    for (let row = 0; row < this.count; row += 1) this.table[this.place(this.ids, WORD * row)] = row;
  }
}

/** A column of a value per row that grows with the rows. */
export const perRow = (column: Int32Array, rows: number): Int32Array =>
  rows <= column.length ? column : grown(column, shareInt32, roomier(column.length, rows));
