// What the logs of the safe and of the ledger say, into the rows (contracts/interfaces/IMarginAccounts.sol, IPositions.sol).
import { id as topicOf } from "ethers";

import { WORD } from "./columns.ts";
import { DIGITS, readSmall, readWord } from "./hex.ts";
import { hashId, NO_ROW, type Rows } from "./rows.ts";
import { LogError, type Part, type RawLog } from "./types.ts";

export const ACCOUNT_CHANGED = topicOf("AccountChanged(bytes32,uint8,uint256[])");
export const LEDGER_CHANGED = topicOf("LedgerChanged(bytes32,uint8,int256,uint256[])");
export const POOL_CHANGED = topicOf("PoolChanged(uint16,uint256,uint256)");

const MAX_WORDS = 8;
const MAX_POSITIONS = 128;
/** Nothing of the high half of a position's word differs but, of a perp, the funding index. */
const PERP_TOP = 0xffc00000;

/** Words of a pool, 0x-hex, as it last changed. */
export interface PoolChange {
  readonly supplyWord: string;
  readonly debtWord: string;
}

/** Before a row changes, so that the change can be undone. */
export interface Witness {
  row(row: number): void;
  pool(asset: number): void;
}

export class LogReader {
  readonly pools = new Map<number, PoolChange>();
  read = 0;
  private readonly id = new Uint32Array(WORD);
  private readonly scratch = new Uint32Array(WORD * (2 * MAX_POSITIONS + 2));
  private readonly merged = new Uint32Array(WORD * (MAX_POSITIONS + 1));

  constructor(
    private readonly rows: Rows,
    private readonly safe: string,
    private readonly positions: string | undefined,
    private readonly part: Part | undefined,
  ) {}

  /** Logs of others, and those that say nothing of balances, are passed over. */
  take(log: RawLog, witness: Witness): void {
    const [topic, subject] = log.topics;
    if (subject === undefined) return;
    if (topic === ACCOUNT_CHANGED && isSame(log.address, this.safe)) this.account(subject, log.data, witness);
    else if (topic === LEDGER_CHANGED && this.positions !== undefined && isSame(log.address, this.positions)) {
      this.ledger(subject, log.data, witness);
    } else if (topic === POOL_CHANGED && isSame(log.address, this.safe)) this.pool(subject, log.data, witness);
    else return;
    this.read += 1;
  }

  /** AccountChanged: all balance words after the change. */
  private account(subject: string, data: string, witness: Witness): void {
    const row = this.rowOf(subject);
    if (row === NO_ROW) return;
    const start = 2 + 2 * readSmall(data, 2);
    const n = readSmall(data, start);
    if (n > MAX_WORDS) throw new LogError(`AccountChanged of ${subject} says ${n} words, at most ${MAX_WORDS} exist`);
    for (let i = 0; i < n; i += 1) readWord(data, start + DIGITS * (1 + i), this.scratch, WORD * i);
    witness.row(row);
    this.rows.setWords(row, this.scratch, 0, n);
  }

  /** LedgerChanged: the quote, and the positions that changed; a closed one has size 0. */
  private ledger(subject: string, data: string, witness: Witness): void {
    // The ledger's own accounts clear and collect fees; they have no margin.
    if (this.positions !== undefined && isSame(subject.slice(0, 42), this.positions)) return;
    const row = this.rowOf(subject);
    if (row === NO_ROW) return;
    const { rows, merged, scratch } = this;
    readWord(data, 2, merged, 0);
    const start = 2 + 2 * readSmall(data, 2 + DIGITS);
    const changes = readSmall(data, start);
    if (changes > 2 * MAX_POSITIONS) throw new LogError(`LedgerChanged of ${subject} says ${changes} positions`);
    for (let i = 0; i < changes; i += 1) readWord(data, start + DIGITS * (1 + i), scratch, WORD * i);

    const run = rows.ledgerAt[row] ?? 0;
    let n = rows.ledgerCount[row] ?? 0;
    const old = rows.slab.words;
    for (let i = 0; i < WORD * n; i += 1) merged[WORD + i] = old[WORD * (run + 1) + i] ?? 0;
    // What is closed and opened again in one event is in it twice, and is open.
    for (let i = 0; i < changes; i += 1) {
      if (!isClosed(scratch, WORD * i)) continue;
      const at = findPosition(merged, n, scratch, WORD * i);
      if (at === 0) continue;
      if (at !== n) merged.copyWithin(WORD * at, WORD * n, WORD * (n + 1));
      n -= 1;
    }
    for (let i = 0; i < changes; i += 1) {
      if (isClosed(scratch, WORD * i)) continue;
      let at = findPosition(merged, n, scratch, WORD * i);
      if (at === 0) {
        n += 1;
        at = n;
        if (n > MAX_POSITIONS) throw new LogError(`${subject} would have more than ${MAX_POSITIONS} positions`);
      }
      for (let k = 0; k < WORD; k += 1) merged[WORD * at + k] = scratch[WORD * i + k] ?? 0;
    }
    witness.row(row);
    rows.setLedger(row, merged, n);
  }

  private pool(subject: string, data: string, witness: Witness): void {
    if (data.length < 2 + 2 * DIGITS) throw new LogError(`PoolChanged of ${subject} has ${data.length} digits`);
    const asset = readSmall(subject, 2);
    witness.pool(asset);
    this.pools.set(asset, {
      supplyWord: `0x${data.slice(2, 2 + DIGITS)}`,
      debtWord: `0x${data.slice(2 + DIGITS, 2 + 2 * DIGITS)}`,
    });
  }

  /** Its row, or none when the account is not in this book's part. */
  private rowOf(subject: string): number {
    readWord(subject, 2, this.id, 0);
    if (this.part !== undefined && !isIn(this.part, hashId(this.id, 0))) return NO_ROW;
    return this.rows.findOrAdd(this.id, 0);
  }
}

export const isIn = ({ from, to }: Part, hash: number): boolean => hash >= from && hash < to;

/** Addresses are compared as most nodes write them first: in lower case. */
const isSame = (address: string, lower: string): boolean => address === lower || address.toLowerCase() === lower;

const isClosed = (words: Uint32Array, at: number): boolean =>
  words[at + 4] === 0 && words[at + 5] === 0 && words[at + 6] === 0 && words[at + 7] === 0;

/** Which of the `n` positions after the quote is of the instrument at `from[w]`; 0: none. */
const findPosition = (list: Uint32Array, n: number, from: Uint32Array, w: number): number => {
  const top = from[w] ?? 0;
  const isPerp = top >>> 30 === 1;
  for (let i = 1; i <= n; i += 1) {
    const at = WORD * i;
    if (isPerp) {
      if ((((list[at] ?? 0) ^ top) & PERP_TOP) === 0) return i;
    } else if (
      list[at] === top &&
      list[at + 1] === from[w + 1] &&
      list[at + 2] === from[w + 2] &&
      list[at + 3] === from[w + 3]
    ) {
      return i;
    }
  }
  return 0;
};
