// Numbers that follow from a seed, so that a failure can be repeated from it.

/** A whole number below `below`. */
export type Random = (below: number) => number;

export const seeded = (seed: number): Random => {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
};

/** A number of up to `digits` decimal digits, short ones as likely as long ones. */
export const digitsOf = (r: Random, digits: number): bigint => {
  let value = 0n;
  for (let n = 1 + r(digits); n > 0; n--) value = value * 10n + BigInt(r(10));
  return value;
};

export const oneOf = <T>(r: Random, values: readonly [T, ...T[]]): T => values[r(values.length)] ?? values[0];

export const shuffled = <T>(r: Random, values: readonly T[]): T[] =>
  values
    .map((value) => [r(1 << 30), value] as const)
    .sort(([a], [b]) => a - b)
    .map(([, value]) => value);
