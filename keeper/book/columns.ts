// Typed arrays over shared memory that grow by doubling, and a slab of 32-byte words in runs of any length.

export const shareFloat64 = (n: number): Float64Array => new Float64Array(new SharedArrayBuffer(8 * n));
export const shareUint32 = (n: number): Uint32Array => new Uint32Array(new SharedArrayBuffer(4 * n));
export const shareInt32 = (n: number): Int32Array => new Int32Array(new SharedArrayBuffer(4 * n));
export const shareUint16 = (n: number): Uint16Array => new Uint16Array(new SharedArrayBuffer(2 * n));
export const shareUint8 = (n: number): Uint8Array => new Uint8Array(new SharedArrayBuffer(n));

interface Growing<T> {
  readonly length: number;
  set(from: T): void;
}

/** A longer copy; memory grows by half so that a large book does not hold twice what it needs. */
export const grown = <T extends Growing<T>>(old: T, make: (n: number) => T, length: number): T => {
  const copy = make(length);
  copy.set(old);
  return copy;
};

export const roomier = (length: number, needed: number): number => Math.max(needed, Math.ceil(length * 1.5));

/** u32 of a 32-byte word, the most significant first. */
export const WORD = 8;

// Runs are kept in sizes of their own, so that a freed one serves the next of about its length.
const SIZES = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 144];
const CLASS_OF = Array.from({ length: 145 }, (_, n) => SIZES.findIndex((size) => size >= n));

/** Runs of words. A run is known by the number of its first word; 0 is none. */
export class WordSlab {
  words: Uint32Array;
  /** What a word says, as a small number: the instrument of a position. */
  tags: Uint16Array;
  private used = 1;
  private readonly free: number[][] = SIZES.map(() => []);

  constructor(capacity: number) {
    this.words = shareUint32(WORD * capacity);
    this.tags = shareUint16(capacity);
  }

  get bytes(): number {
    return this.words.byteLength + this.tags.byteLength;
  }

  /** A run of at least `n` words; its contents are what was there before. */
  allocate(n: number): number {
    const kind = CLASS_OF[n];
    if (kind === undefined) throw new RangeError(`a run of ${n} words`);
    const reused = this.free[kind]?.pop();
    if (reused !== undefined) return reused;
    const at = this.used;
    this.used += SIZES[kind] ?? n;
    if (this.used > this.tags.length) {
      const capacity = roomier(this.tags.length, this.used);
      this.tags = grown(this.tags, shareUint16, capacity);
      this.words = grown(this.words, shareUint32, WORD * capacity);
    }
    return at;
  }

  /** @param n what the run was allocated for. */
  release(at: number, n: number): void {
    if (at !== 0) this.free[CLASS_OF[n] ?? 0]?.push(at);
  }

  /** Whether a run for `n` words has room for `m`, and not much more. */
  static fits(n: number, m: number): boolean {
    return CLASS_OF[n] === CLASS_OF[m];
  }
}
