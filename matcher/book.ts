// One book: two sides of price levels, each level first come, first served. It knows nothing of orders but price, turn and size.

export type Side = "buy" | "sell";

export const opposite = (side: Side): Side => (side === "buy" ? "sell" : "buy");

/** What rests in a book. The links belong to its level. */
export interface Resting {
  readonly side: Side;
  /** Higher is better for a sell's counterpart: what a buyer of the whole spread pays. */
  readonly price: bigint;
  /** Arrival: the lower, the earlier its turn. */
  readonly turn: number;
  /** What is left to match. */
  open: bigint;
  level: Level<this> | undefined;
  before: this | undefined;
  after: this | undefined;
}

export interface Level<T> {
  readonly price: bigint;
  head: T | undefined;
  tail: T | undefined;
  count: number;
}

/** Levels from the worst to the best, so that what changes most is at the array's cheap end. */
class HalfBook<T extends Resting> {
  private readonly levels: Level<T>[] = [];
  private readonly byPrice = new Map<bigint, Level<T>>();

  constructor(private readonly side: Side) {}

  get best(): Level<T> | undefined {
    return this.levels[this.levels.length - 1];
  }

  add(entry: T): void {
    const level = this.byPrice.get(entry.price) ?? this.open(entry.price);
    // Nearly always at the tail; an order that comes back after a failed fill takes its old turn.
    let before = level.tail;
    while (before !== undefined && before.turn > entry.turn) before = before.before;
    const after = before === undefined ? level.head : before.after;
    entry.level = level;
    entry.before = before;
    entry.after = after;
    if (before === undefined) level.head = entry;
    else before.after = entry;
    if (after === undefined) level.tail = entry;
    else after.before = entry;
    level.count += 1;
  }

  remove(entry: T): void {
    const { level, before, after } = entry;
    if (level === undefined) throw new Error("it rests in no book");
    if (before === undefined) level.head = after;
    else before.after = after;
    if (after === undefined) level.tail = before;
    else after.before = before;
    level.count -= 1;
    entry.level = undefined;
    entry.before = undefined;
    entry.after = undefined;
    if (level.count === 0) this.close(level.price);
  }

  /** Best first. */
  *[Symbol.iterator](): Generator<Level<T>> {
    for (let i = this.levels.length - 1; i >= 0; i -= 1) {
      const level = this.levels[i];
      if (level !== undefined) yield level;
    }
  }

  get isEmpty(): boolean {
    return this.levels.length === 0;
  }

  private open(price: bigint): Level<T> {
    const level: Level<T> = { price, head: undefined, tail: undefined, count: 0 };
    this.levels.splice(this.indexOf(price), 0, level);
    this.byPrice.set(price, level);
    return level;
  }

  private close(price: bigint): void {
    this.levels.splice(this.indexOf(price), 1);
    this.byPrice.delete(price);
  }

  /** Where the price stands, or would. */
  private indexOf(price: bigint): number {
    let low = 0;
    let high = this.levels.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const there = this.levels[middle]?.price ?? 0n;
      if (this.side === "buy" ? there < price : there > price) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

export class Book<T extends Resting> {
  private readonly buys = new HalfBook<T>("buy");
  private readonly sells = new HalfBook<T>("sell");

  side(side: Side): Iterable<Level<T>> {
    return side === "buy" ? this.buys : this.sells;
  }

  get isEmpty(): boolean {
    return this.buys.isEmpty && this.sells.isEmpty;
  }

  best(side: Side): Level<T> | undefined {
    return (side === "buy" ? this.buys : this.sells).best;
  }

  add(entry: T): void {
    (entry.side === "buy" ? this.buys : this.sells).add(entry);
  }

  remove(entry: T): void {
    (entry.side === "buy" ? this.buys : this.sells).remove(entry);
  }

  /** The best level that an order of this side and limit would trade with. */
  crossing(side: Side, price: bigint): Level<T> | undefined {
    const level = this.best(opposite(side));
    if (level === undefined) return undefined;
    return (side === "buy" ? level.price <= price : level.price >= price) ? level : undefined;
  }
}
