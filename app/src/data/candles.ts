// Candles from the index's own rounds on chain: what margins see, not what some exchange said.
import type { CandlestickData, UTCTimestamp } from "lightweight-charts";
import { Contract } from "ethers";

import type { Site } from "./site.ts";

const FEED_ABI = [
  "function latestRoundData() view returns (uint80, int256, uint256, uint256, uint80)",
  "function getRoundData(uint80) view returns (uint80, int256, uint256, uint256, uint80)",
  "function decimals() view returns (uint8)",
];
type Round = [bigint, bigint, bigint, bigint, bigint];

/** Rounds looked back for at first; later only new ones are asked for. */
const FIRST = 240n;
const MOST_KEPT = 3_000;

interface Spoken {
  readonly time: number;
  readonly price: number;
}
interface Known {
  readonly rounds: Map<bigint, Spoken>;
  last: bigint;
}
const known = new Map<string, Known>();

export type Candle = CandlestickData<UTCTimestamp>;

export const readCandles = async (site: Site, feed: string, seconds: number): Promise<Candle[]> => {
  const contract = new Contract(feed, FEED_ABI, site.provider);
  const name = `${site.key}:${feed}`;
  const memory: Known = known.get(name) ?? { rounds: new Map<bigint, Spoken>(), last: 0n };
  known.set(name, memory);
  const [latest, answer, , updatedAt] = (await contract.getFunction("latestRoundData").staticCall()) as Round;
  const from = memory.last === 0n ? (latest > FIRST ? latest - FIRST : 1n) : memory.last + 1n;
  const missing: bigint[] = [];
  for (let id = from; id < latest; id += 1n) missing.push(id);
  const scale = 1e8;
  const note = (id: bigint, price: bigint, time: bigint): void => {
    if (time > 0n && price > 0n) memory.rounds.set(id, { time: Number(time), price: Number(price) / scale });
  };
  await Promise.all(
    missing.map(async (id) => {
      try {
        const [, price, , time] = (await contract.getFunction("getRoundData").staticCall(id)) as Round;
        note(id, price, time);
      } catch {
        // A feed may have gaps between its phases.
      }
    }),
  );
  note(latest, answer, updatedAt);
  memory.last = latest;
  for (const id of memory.rounds.keys()) {
    if (memory.rounds.size <= MOST_KEPT) break;
    memory.rounds.delete(id);
  }
  return candlesOf(
    [...memory.rounds].sort(([a], [b]) => (a < b ? -1 : 1)).map((entry) => entry[1]),
    seconds,
  );
};

const candlesOf = (rounds: readonly { readonly time: number; readonly price: number }[], seconds: number): Candle[] => {
  const candles: Candle[] = [];
  let close: number | undefined;
  for (const { time, price } of rounds) {
    const start = (Math.floor(time / seconds) * seconds) as UTCTimestamp;
    const last = candles.at(-1);
    if (last === undefined || last.time < start) {
      const open = close ?? price;
      candles.push({ time: start, open, high: Math.max(open, price), low: Math.min(open, price), close: price });
    } else {
      candles[candles.length - 1] = {
        ...last,
        high: Math.max(last.high, price),
        low: Math.min(last.low, price),
        close: price,
      };
    }
    close = price;
  }
  return candles;
};
