// The index of guards: per factor and side a ring of buckets of bounds in logarithms of the price, per kind of drift a ring of sums. A change
// walks the buckets between the old value and the new one: its cost is that of the guards it crosses, whatever the number of all.
import { roomier, WORD } from "./columns.ts";
import { hashId } from "./rows.ts";
import { WINDOW } from "./tables.ts";
import { MOST_DRIFT, SCENARIO_PLACES, type Weigher } from "./weigher.ts";

const NONE = -1;
const FIRST_ENTRIES = 1_024;
/** Fields of an entry. LINK: the owner's next entry, or the next free one. */
const F = { NEXT: 0, PREVIOUS: 1, BUCKET: 2, OWNER: 3, LINK: 4, STRIDE: 8 } as const;
const BOUND = 3;
const BOUNDS = 4;
/** Buckets of a ring; guards further away than a whole turn share a bucket with nearer ones, and are told apart by their bound. */
const RING = 2_048;
/** Width of a bucket in ln(price), and in drift. */
const PRICE_WIDTH = 1 / 1_024;
const DRIFT_WIDTH = MOST_DRIFT / 1_024;
const DRIFT_KINDS = 3;
/** Of what is left above maintenance, kept for drift: of spot accounts and of others. */
const DRIFT_PART = [0.01, 0.03, 0.06];
/** A guard of an account with positions ends where the price has doubled: drift is counted in units of a price within that. */
const MOST_RISE = 1;

export class Guards {
  /** Entries in use. */
  count = 0;
  /** Entries of 32 bytes, so that each is in one line of the cache: {@link F}, and the bound as the last eight of them. */
  private entries: Int32Array = new Int32Array(8 * FIRST_ENTRIES);
  private bounds = new Float64Array(this.entries.buffer);
  private free = NONE;
  private used = 0;
  private heads = new Int32Array(DRIFT_KINDS * RING).fill(NONE);
  private first: Int32Array = new Int32Array(0);
  private readonly prices: number[] = [];
  private readonly drifts = [0, 0, 0];

  get bytes(): number {
    return this.entries.byteLength + this.heads.byteLength + this.first.byteLength;
  }

  /** Drops the guards of a row. */
  clear(row: number): void {
    if (row >= this.first.length) return;
    const { entries } = this;
    let entry = this.first[row] ?? NONE;
    while (entry !== NONE) {
      const at = F.STRIDE * entry;
      const next = entries[at + F.NEXT] ?? NONE;
      const previous = entries[at + F.PREVIOUS] ?? NONE;
      const after = entries[at + F.LINK] ?? NONE;
      if (previous === NONE) this.heads[entries[at + F.BUCKET] ?? 0] = next;
      else entries[F.STRIDE * previous + F.NEXT] = next;
      if (next !== NONE) entries[F.STRIDE * next + F.PREVIOUS] = previous;
      entries[at + F.LINK] = this.free;
      this.free = entry;
      this.count -= 1;
      entry = after;
    }
    this.first[row] = NONE;
  }

  clearAll(): void {
    this.heads.fill(NONE);
    this.first.fill(NONE);
    this.count = this.used = 0;
    this.free = NONE;
  }

  /** Room for factors and rows. */
  reserve(factors: number, rows: number): void {
    const buckets = (DRIFT_KINDS + 2 * factors) * RING;
    if (buckets > this.heads.length) {
      const longer = new Int32Array(buckets).fill(NONE);
      longer.set(this.heads);
      this.heads = longer;
    }
    while (this.prices.length < factors) this.prices.push(NaN);
    if (rows > this.first.length) {
      const longer = new Int32Array(roomier(this.first.length, rows)).fill(NONE);
      longer.set(this.first);
      this.first = longer;
    }
  }

  /** Where a factor stands; guards are set from it. */
  setPrice(factor: number, price: number): void {
    this.prices[factor] = price;
  }

  /** Collects the owners of guards that a price crosses. They keep their guards until they are set anew. */
  movePrice(factor: number, price: number, due: (row: number) => void): void {
    const before = this.prices[factor] ?? NaN;
    this.prices[factor] = price;
    if (Number.isNaN(before)) return;
    const [from, to] = [bucketOf(before), bucketOf(price)];
    const steps = Math.abs(to - from);
    const isFall = price < before;
    const ring = ringOf(factor, isFall);
    const { entries, bounds } = this;
    // One more at either end: a logarithm may be off by its last digit. After a whole turn all buckets are seen.
    for (let i = -1; i <= Math.min(steps + 1, RING - 2); i += 1) {
      const at = wrap(isFall ? from - i : from + i);
      for (let entry = this.heads[ring + at] ?? NONE; entry !== NONE; entry = entries[F.STRIDE * entry] ?? NONE) {
        const bound = bounds[BOUNDS * entry + BOUND] ?? NaN;
        if (isFall ? price <= bound : price >= bound) due(entries[F.STRIDE * entry + F.OWNER] ?? 0);
      }
    }
  }

  moveDrift(kind: number, sum: number, due: (row: number) => void): void {
    const before = this.drifts[kind] ?? 0;
    this.drifts[kind] = sum;
    const [from, to] = [Math.floor(before / DRIFT_WIDTH), Math.floor(sum / DRIFT_WIDTH)];
    const { entries, bounds } = this;
    for (let i = from; i <= Math.min(to, from + RING - 1); i += 1) {
      const head = this.heads[kind * RING + wrap(i)] ?? NONE;
      for (let entry = head; entry !== NONE; entry = entries[F.STRIDE * entry] ?? NONE) {
        if (sum >= (bounds[BOUNDS * entry + BOUND] ?? NaN)) due(entries[F.STRIDE * entry + F.OWNER] ?? 0);
      }
    }
  }

  /**
   * Sets the guards of a row that was just weighed with slopes, by docs/keeper-radius.md. False: it is too near the line for any, and has
   * to be looked at with every change.
   */
  set(row: number, w: Weigher, ids: Uint32Array): boolean {
    this.clear(row);
    const left = w.atLow - w.error;
    if (!(left > 0)) return false;
    const jitter = 0.5 + (hashId(ids, WORD * row) % 1_024) / 2_048;
    const kind = w.driftKind;
    let drift = MOST_DRIFT * jitter;
    if (w.gross > 0) drift = Math.min(drift, (left * (DRIFT_PART[kind] ?? 0)) / w.gross);
    const budget = left - drift * w.gross;
    this.push(row, kind * RING, (this.drifts[kind] ?? 0) + drift, DRIFT_WIDTH);

    let total = 0;
    for (let k = 0; k < w.factors; k += 1) total += mostOf(w, k);
    const window = WINDOW * jitter;
    for (let k = 0; k < w.factors; k += 1) {
      const factor = w.factor[k] ?? 0;
      const price = this.prices[factor] ?? NaN;
      const part = total > 0 ? (budget * mostOf(w, k)) / total : budget;
      const fall = radius(w, k, part, window, false);
      if (fall < 1) this.push(row, ringOf(factor, true), price * (1 - fall), 0);
      let rise = radius(w, k, part, window, true);
      if (kind !== 0) rise = Math.min(rise, MOST_RISE);
      if (rise < Infinity) this.push(row, ringOf(factor, false), price * (1 + rise), 0);
    }
    return true;
  }

  private push(row: number, ring: number, bound: number, width: number): void {
    let entry = this.free;
    if (entry === NONE) {
      entry = this.used;
      this.used += 1;
      if (F.STRIDE * entry === this.entries.length) this.grow();
    } else this.free = this.entries[F.STRIDE * entry + F.LINK] ?? NONE;
    const { entries } = this;
    const bucket = ring + wrap(width === 0 ? bucketOf(bound) : Math.floor(bound / width));
    const head = this.heads[bucket] ?? NONE;
    const at = F.STRIDE * entry;
    this.bounds[BOUNDS * entry + BOUND] = bound;
    entries[at + F.OWNER] = row;
    entries[at + F.BUCKET] = bucket;
    entries[at + F.PREVIOUS] = NONE;
    entries[at + F.NEXT] = head;
    if (head !== NONE) entries[F.STRIDE * head + F.PREVIOUS] = entry;
    this.heads[bucket] = entry;
    entries[at + F.LINK] = this.first[row] ?? NONE;
    this.first[row] = entry;
    this.count += 1;
  }

  private grow(): void {
    const longer = new Int32Array(F.STRIDE * roomier(this.used, this.used + 1));
    longer.set(this.entries);
    this.entries = longer;
    this.bounds = new Float64Array(longer.buffer);
  }
}

const bucketOf = (price: number): number => Math.floor(Math.log(price) / PRICE_WIDTH);
const wrap = (bucket: number): number => ((bucket % RING) + RING) % RING;
const ringOf = (factor: number, isFall: boolean): number => (DRIFT_KINDS + 2 * factor + (isFall ? 0 : 1)) * RING;

/** The larger of what a whole relative fall and rise of a factor may cost: by which what is left is divided among the factors. */
const mostOf = (w: Weigher, k: number): number => {
  let down = w.nearDown[k] ?? 0;
  let up = w.nearUp[k] ?? 0;
  const b = w.block[k] ?? NONE;
  if (b !== NONE) {
    down = up = -Infinity;
    const end = b * SCENARIO_PLACES + (w.places[b] ?? 0);
    for (let i = b * SCENARIO_PLACES; i < end; i += 1) {
      const fall = w.windowDown[i] ?? 0;
      const rise = w.windowUp[i] ?? 0;
      if (fall > down) down = fall;
      if (rise > up) up = rise;
    }
  }
  const linear = w.linear[k] ?? 0;
  return Math.max(0, linear + (w.down[k] ?? 0) + down, (w.up[k] ?? 0) - linear + up);
};

/** How far a factor may fall or rise, as a part of its price, before more than `part` is lost. */
const radius = (w: Weigher, k: number, part: number, window: number, isRise: boolean): number => {
  const linear = isRise ? (w.up[k] ?? 0) - (w.linear[k] ?? 0) : (w.down[k] ?? 0) + (w.linear[k] ?? 0);
  const b = w.block[k] ?? NONE;
  if (b === NONE) {
    const near = linear + ((isRise ? w.nearUp[k] : w.nearDown[k]) ?? 0);
    const wide = linear + ((isRise ? w.wideUp[k] : w.wideDown[k]) ?? 0);
    return Math.max(Math.min(reach(part, near), window), reach(part, wide));
  }
  const near = isRise ? w.windowUp : w.windowDown;
  const far = isRise ? w.farUp : w.farDown;
  let inside = Infinity;
  let anywhere = Infinity;
  const end = b * SCENARIO_PLACES + (w.places[b] ?? 0);
  for (let i = b * SCENARIO_PLACES; i < end; i += 1) {
    const allowed = part + (w.excess[i] ?? 0);
    const a = linear + (near[i] ?? 0);
    const c = linear + (far[i] ?? 0);
    if (a > 0 && allowed < a * inside) inside = allowed / a;
    if (c > 0 && allowed < c * anywhere) anywhere = allowed / c;
  }
  return Math.max(Math.min(inside, window), anywhere);
};

const reach = (part: number, slope: number): number => (slope > 0 ? part / slope : Infinity);
