// When chores of the ledger are due, and which price rounds an average still lacks. Pure but for the reader handed in.

const HOUR = 3_600;
const WINDOW = 1_800;
const TOLERANCE_PERCENT = 1n;
const PHASE_BITS = 64n;
const NUMBER_MASK = (1n << PHASE_BITS) - 1n;

/** Start of the average before an expiry. */
export const windowOf = (expiry: number): number => expiry - WINDOW;

/** One observation counts in each interval of the grid. */
export const isObservationDue = (last: number, now: number, interval: number): boolean =>
  Math.floor(now / interval) > Math.floor(last / interval);

/** Before the stored premium is too old to accrue by, and once an hour, so that the rate follows the premium. */
export const isPokeDue = (fundedAt: number, now: number, maxPremiumAge: number): boolean =>
  now - fundedAt >= Math.min(HOUR, Math.floor(maxPremiumAge / 2));

export const isSlowTotalDue = (total: bigint, slow: bigint, checkpointAt: number, now: number): boolean => {
  const apart = total > slow ? total - slow : slow - total;
  return apart * 100n > total * TOLERANCE_PERCENT && now >= checkpointAt + HOUR;
};

/** A price feed, as far as its rounds matter. */
export interface RoundReader {
  /** Phase in the high bits, number in it in the low 64. */
  readonly latest: bigint;
  /** Unix seconds; 0 or a failure: such a round says nothing. */
  readonly timeOf: (round: bigint) => Promise<number>;
}

/**
 * The rounds after `last` (0: none yet), at most `most`; a walk begins with the last round from before the window. Across
 * phases the caller goes on with the next phase's first once the old one is over.
 */
export const nextRounds = async (
  reader: RoundReader,
  last: bigint,
  windowStart: number,
  most: number,
): Promise<bigint[]> => {
  const { latest } = reader;
  const isSamePhase = last >> PHASE_BITS === latest >> PHASE_BITS;
  let first = isSamePhase ? last + 1n : (latest & ~NUMBER_MASK) + 1n;
  if (last === 0n) first = await lastBefore(reader, windowStart);
  const rounds: bigint[] = [];
  for (let round = first; round <= latest && rounds.length < most; round += 1n) rounds.push(round);
  return rounds;
};

/** By halving: the last round of the phase that began by `time`, or the phase's first. */
const lastBefore = async (reader: RoundReader, time: number): Promise<bigint> => {
  const first = (reader.latest & ~NUMBER_MASK) + 1n;
  let [low, high] = [first, reader.latest];
  while (low < high) {
    const middle = (low + high + 1n) / 2n;
    if ((await reader.timeOf(middle)) <= time) low = middle;
    else high = middle - 1n;
  }
  return low;
};
