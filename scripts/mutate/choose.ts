// Which of all places become mutants: by a seed, spread over files, functions' kinds of change first of all.
import type { Place } from "./find.ts";
import type { Mutant } from "./weave.ts";

/** What is mutated: where money, rights and requirements are decided. */
export const TARGETS =
  /^contracts\/(vaults|accounts|risk|liquidation|markets|types)\/(?!.*(\.t|Lens|Views|Greeks|FeedWords)\.sol$)/;

/** A small generator (splitmix32): the same seed chooses the same mutants everywhere. */
const randomFrom = (seed: number) => () => {
  seed = (seed + 0x9e3779b9) | 0;
  let t = seed ^ (seed >>> 16);
  t = Math.imul(t, 0x21f0aaad);
  t ^= t >>> 15;
  t = Math.imul(t, 0x735a2d97);
  return ((t ^ (t >>> 15)) >>> 0) / 4294967296;
};

const shuffled = <T>(list: readonly T[], random: () => number): T[] => {
  const result = [...list];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j] as T, result[i] as T];
  }
  return result;
};

const groupBy = <T>(list: readonly T[], key: (item: T) => string): Map<string, T[]> => {
  const groups = new Map<string, T[]>();
  for (const item of list) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return groups;
};

/** One of each kind in turn, so that a kind with many places does not crowd out the others. */
const inTurn = (places: readonly Place[], random: () => number): Place[] => {
  const queues = shuffled([...groupBy(shuffled(places, random), ({ kind }) => kind).values()], random);
  const result: Place[] = [];
  for (let i = 0; result.length < places.length; i++) {
    for (const queue of queues) {
      const place = queue[i];
      if (place !== undefined) result.push(place);
    }
  }
  return result;
};

/** `max` of the places. A file's part grows with the root of its number of places: large ones get more, small ones some. */
export const choose = (places: readonly Place[], max: number, seed: number): Mutant[] => {
  const random = randomFrom(seed);
  const files = [...groupBy(places, ({ file }) => file)].sort(([a], [b]) => (a < b ? -1 : 1));
  const queues = files.map(([, list]) => ({ list: inTurn(list, random), weight: Math.sqrt(list.length), taken: 0 }));
  const chosen: Place[] = [];
  while (chosen.length < Math.min(max, places.length)) {
    const open = queues.filter(({ list, taken }) => taken < list.length);
    const next = open.reduce((a, b) => ((a.taken + 1) / a.weight <= (b.taken + 1) / b.weight ? a : b));
    chosen.push(next.list[next.taken++] as Place);
  }
  return chosen
    .sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.start - b.start || a.end - b.end))
    .map((place, i) => ({ ...place, id: i + 1 }));
};
