// What a position has cost, by average: realised profit is what a part brings beyond its share of that. Pure.
export interface Cost {
  /** Signed, whole underlyings WAD. */
  size: bigint;
  /** Paid for it, settlement units WAD; negative: received for a short. */
  paid: bigint;
}

const sameSide = (a: bigint, b: bigint): boolean => a === 0n || b === 0n || a > 0n === b > 0n;

/**
 * Adds a trade for which `paid` was paid (negative: received) and returns the profit that it realises, settlement units WAD. What is
 * left keeps its average; a trade through zero closes all and opens the rest at its own price.
 */
export const trade = (cost: Cost, size: bigint, paid: bigint): bigint => {
  const [held, traded] = [abs(cost.size), abs(size)];
  const isAdding = sameSide(cost.size, size);
  const closed = isAdding ? 0n : held < traded ? held : traded;
  const costOfClosed = closed === 0n ? 0n : (cost.paid * closed) / held;
  const paidForClosed = closed === 0n ? 0n : (paid * closed) / traded;
  cost.size += size;
  cost.paid += paid - paidForClosed - costOfClosed;
  return closed === 0n ? 0n : -paidForClosed - costOfClosed;
};

/** A part that leaves in a bid, at its cost: nothing is realised. What comes in a bid is worth what the quote brings with it: no cost of its own. */
export const move = (cost: Cost, size: bigint): void => {
  if (!sameSide(cost.size, size)) {
    const closed = abs(size) < abs(cost.size) ? abs(size) : abs(cost.size);
    cost.paid -= (cost.paid * closed) / abs(cost.size);
  }
  cost.size += size;
};

const abs = (x: bigint): bigint => (x < 0n ? -x : x);
