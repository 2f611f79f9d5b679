// Where on a path the worst happens, and paths cut and completed around it.
import type { PricePath, PricePoint } from "../replay/candles.ts";

const HOUR_S = 3_600;
/** Of a window, before the worst. */
const BEFORE = 1 / 3;

/** Most people are long: a rise has to be twice as large as a fall to be as bad. */
const OF_A_RISE = 1 / 2;

function badness(from: PricePoint, to: PricePoint): number {
  const move = (Math.log(to.eth / from.eth) + Math.log(to.btc / from.btc)) / 2;
  return move < 0 ? -move : move * OF_A_RISE;
}

/** Time at which the worst move of both coins together within `seconds` begins. */
export function worstMoment(points: readonly PricePoint[], seconds = HOUR_S): number {
  const [first] = points;
  if (first === undefined) throw new RangeError("no prices, no worst moment");
  let worst = { time: first.time, size: -1 };
  for (const [i, from] of points.entries()) {
    for (let k = i + 1; k < points.length; ++k) {
      const to = points[k];
      if (to === undefined || to.time - from.time > seconds) break;
      const size = badness(from, to);
      if (size > worst.size) worst = { time: from.time, size };
    }
  }
  return worst.time;
}

/** So many hours of the path, a third of them before the worst moment, within what there is. */
export function windowOf(path: PricePath, hours: number): PricePath {
  const { points } = path;
  const [first, last] = [points[0]?.time ?? 0, points.at(-1)?.time ?? 0];
  const length = hours * HOUR_S;
  if (length >= last - first) return path;
  const wanted = worstMoment(points) - length * BEFORE;
  const from = Math.max(first, Math.min(last - length, wanted));
  const inside = points.filter(({ time }) => time >= from && time <= from + length);
  return { ...path, points: inside };
}

/** The path with a point at each of `times` inside of it: the price as last known then. */
export function withTimes(points: readonly PricePoint[], times: readonly number[]): PricePoint[] {
  const [first, last] = [points[0]?.time ?? 0, points.at(-1)?.time ?? 0];
  const known = new Set(points.map(({ time }) => time));
  const added = [...new Set(times)]
    .filter((time) => time > first && time < last && !known.has(time))
    .flatMap((time) => {
      const before = points.findLast((point) => point.time < time);
      return before === undefined ? [] : [{ ...before, time }];
    });
  return [...points, ...added].sort((a, b) => a.time - b.time);
}
