// How the rows that a block changed looked before it, so that the block can be undone.
import type { LogReader, PoolChange, Witness } from "./logs.ts";
import type { RowImage, Rows } from "./rows.ts";
import { perRow } from "./rows.ts";
import type { BlockRef } from "./types.ts";

export interface Undo extends BlockRef {
  readonly rows: Map<number, RowImage>;
  readonly pools: Map<number, PoolChange | undefined>;
}

/** The last blocks, each with what it changed. The oldest is known by its hash alone: nothing goes back before it. */
export class Journal implements Witness {
  readonly blocks: Undo[] = [];
  private open: Undo | undefined;
  private stamp = 0;
  private stamps: Int32Array = new Int32Array(0);

  constructor(
    private readonly rows: Rows,
    private readonly reader: LogReader,
    /** Told of every row that changes or is put back. */
    private readonly changed: (row: number) => void,
    private readonly depth: number,
  ) {}

  get head(): BlockRef | undefined {
    return this.blocks.at(-1);
  }

  begin(block: BlockRef, isFinal: boolean): void {
    this.stamp += 1;
    this.open = { number: block.number, hash: block.hash, rows: new Map(), pools: new Map() };
    // What is final is not undone, nor anything before it.
    if (isFinal) this.blocks.length = 0;
    this.keeping = !isFinal;
  }

  end(): void {
    if (this.open === undefined) return;
    this.blocks.push(this.open);
    this.open = undefined;
    if (this.blocks.length > this.depth + 1) this.blocks.splice(0, this.blocks.length - this.depth - 1);
    const oldest = this.blocks[0];
    oldest?.rows.clear();
    oldest?.pools.clear();
  }

  /** Puts back what an unfinished block changed. */
  abort(): void {
    if (this.open === undefined) return;
    this.undo(this.open);
    this.open = undefined;
  }

  /** Whether the book can go back to the block; then it has. */
  rollback(ancestor: BlockRef): boolean {
    const at = this.blocks.findLastIndex(({ number, hash }) => number === ancestor.number && hash === ancestor.hash);
    if (at === -1) return false;
    while (this.blocks.length > at + 1) {
      const last = this.blocks.pop();
      if (last !== undefined) this.undo(last);
    }
    return true;
  }

  row(row: number): void {
    if (this.stamps.length <= row) this.stamps = perRow(this.stamps, row + 1);
    if (this.stamps[row] === this.stamp) return;
    this.stamps[row] = this.stamp;
    if (this.keeping) this.open?.rows.set(row, this.rows.image(row));
    this.changed(row);
  }

  pool(asset: number): void {
    if (this.keeping && this.open?.pools.has(asset) === false) this.open.pools.set(asset, this.reader.pools.get(asset));
  }

  private keeping = true;

  private undo({ rows, pools }: Undo): void {
    for (const [row, image] of rows) {
      this.rows.restore(row, image);
      this.changed(row);
    }
    for (const [asset, change] of pools) {
      if (change === undefined) this.reader.pools.delete(asset);
      else this.reader.pools.set(asset, change);
    }
    // The same rows may change again in the block that comes instead.
    this.stamp += 1;
  }
}
