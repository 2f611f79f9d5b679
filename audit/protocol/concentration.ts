// How much of a whole stands with how few. Pure.

export interface Holder {
  readonly holder: string;
  readonly amount: bigint;
}

export interface Concentration {
  readonly total: bigint;
  readonly count: number;
  /** 0 to 1. */
  readonly largest: number;
  readonly top10: number;
  /** Herfindahl-Hirschman index, 0 to 10,000: the sum of the squares of the shares in percent. Above 2,500 is highly concentrated. */
  readonly hhi: number;
  readonly top: readonly (Holder & { readonly part: number })[];
}

const PRECISION = 10n ** 15n;
const TOP = 10;

/** Amounts of one holder are added up; those of zero and below are left out. */
export const concentrationOf = (holders: Iterable<Holder>): Concentration => {
  const sums = new Map<string, bigint>();
  for (const { holder, amount } of holders) sums.set(holder, (sums.get(holder) ?? 0n) + amount);
  const sorted = [...sums]
    .filter(([, amount]) => amount > 0n)
    // equal amounts by name, so that a report is the same each time
    .sort(([a, x], [b, y]) => (x === y ? (a < b ? -1 : 1) : x > y ? -1 : 1));
  const total = sorted.reduce((sum, [, amount]) => sum + amount, 0n);
  const partOf = (amount: bigint): number => Number((amount * PRECISION) / total) / Number(PRECISION);
  const parts = sorted.map(([, amount]) => partOf(amount));
  return {
    total,
    count: sorted.length,
    largest: parts[0] ?? 0,
    top10: parts.slice(0, TOP).reduce((sum, part) => sum + part, 0),
    hhi: parts.reduce((sum, part) => sum + part * part, 0) * 10_000,
    top: sorted.slice(0, TOP).map(([holder, amount]) => ({ holder, amount, part: partOf(amount) })),
  };
};
