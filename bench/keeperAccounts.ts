// Accounts of a made-up world with a margin that is asked for: the book's own weigher says what each needs.
import type { Instrument } from "../sdk/instruments.ts";
import { encodePosition } from "../sdk/instruments.ts";
import { WORD } from "../keeper/book/columns.ts";
import { readWord } from "../keeper/book/hex.ts";
import { Rows } from "../keeper/book/rows.ts";
import { Terms } from "../keeper/book/terms.ts";
import { Weigher } from "../keeper/book/weigher.ts";
import { type Draft, drawHealth, type Random, type World, wordsOf } from "./keeperWorld.ts";

/** Of the world's settlement pool, about. */
const SUPPLY_INDEX = 1.02;

const hex = (value: bigint): string => BigInt.asUintN(256, value).toString(16).padStart(64, "0");

/** Words in the form that rows take. */
export const packed = (words: readonly bigint[]): Uint32Array => {
  const list = new Uint32Array(WORD * words.length);
  words.forEach((word, i) => readWord(hex(word), 0, list, WORD * i));
  return list;
};

export class Tailor {
  private readonly rows = new Rows();
  private readonly terms: Terms;
  private readonly weigher: Weigher;
  private readonly id = new Uint32Array(WORD);

  constructor(
    world: World,
    private readonly random: Random,
    instruments: readonly Instrument[],
  ) {
    // Numbers for all instruments, before the market is set.
    this.terms = new Terms(this.rows.instruments);
    const all = packed([
      0n,
      ...instruments.map((instrument) => encodePosition({ instrument, size: 1n, fundingIndex: 0n })),
    ]);
    for (let i = 1; i <= instruments.length; i += 1) {
      const at = WORD * i;
      this.rows.instruments.numberOf(all[at] ?? 0, all[at + 1] ?? 0, all[at + 2] ?? 0, all[at + 3] ?? 0);
    }
    this.terms.set(world.market());
    this.weigher = new Weigher(this.columns(), this.terms.tables);
  }

  /** Balance words with so much cash that maintenance is the drawn part of gross value. */
  fit(draft: Draft, health = drawHealth(this.random)): bigint[] {
    if (draft.kind === "lender") return wordsOf(draft, 0);
    const row = this.rows.findOrAdd(this.id, 0);
    const words = packed(wordsOf(draft, 0));
    this.rows.setWords(row, words, 0, words.length / WORD);
    const ledger = packed([draft.quote, ...draft.positions.map(encodePosition)]);
    this.rows.setLedger(row, ledger, draft.positions.length);
    this.weigher.bind(this.columns(), this.terms.tables);
    this.weigher.weigh(row, false);
    const wanted = health * this.weigher.gross - this.weigher.maintenance;
    return wordsOf(draft, wanted / SUPPLY_INDEX);
  }

  private columns() {
    const { ids, wordsAt, wordsCount, ledgerAt, ledgerCount, slab } = this.rows;
    return { ids, wordsAt, wordsCount, ledgerAt, ledgerCount, words: slab.words, tags: slab.tags };
  }
}
