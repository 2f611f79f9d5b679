// Statistics of a run. Pure.

/** Nearest rank: the least value that at least the part `p` of all are not above. 0 of nothing. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(p * sorted.length) - 1)] ?? 0;
}

export const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

export const mean = (values: readonly number[]): number => (values.length === 0 ? 0 : sum(values) / values.length);

/** Largest fall from a peak, as a part of the peak. */
export function worstFall(values: readonly number[]): number {
  let [peak, worst] = [-Infinity, 0];
  for (const value of values) {
    peak = Math.max(peak, value);
    if (peak > 0) worst = Math.max(worst, (peak - value) / peak);
  }
  return worst;
}

/** Sums of `of` by hour since `from`, every hour up to the last one that has any. */
export function byHour<T extends { readonly time: number }>(
  items: readonly T[],
  from: number,
  of: (item: T) => number,
): number[] {
  const hours: number[] = [];
  for (const item of items) {
    const hour = Math.max(0, Math.floor((item.time - from) / 3_600));
    while (hours.length <= hour) hours.push(0);
    hours[hour] = (hours[hour] ?? 0) + of(item);
  }
  return hours;
}
