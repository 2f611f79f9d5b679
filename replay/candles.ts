// Prices for the replay: recorded candles, or a path built from published facts when there is no file.
import { existsSync, readFileSync } from "node:fs";
import { basename, resolve } from "node:path";

import { CandleError } from "./candleError.ts";
import { type Hints, NO_HINTS, parseHints } from "./derivatives/hints.ts";

export { CandleError } from "./candleError.ts";

/** USD per whole token at one moment; `kind` says which part of its candle it is. */
export interface PricePoint {
  readonly time: number;
  readonly eth: number;
  readonly btc: number;
  readonly kind: "open" | "extreme" | "close";
}

export interface PricePath {
  readonly source: string;
  readonly points: readonly PricePoint[];
  /** Volatility and funding, where the source knows them. */
  readonly hints: Hints;
}

interface Candle {
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
}

const PARTS = { open: ["o", "open"], high: ["h", "high"], low: ["l", "low"], close: ["c", "close"] } as const;

/** Columns `<asset>_o` or `<asset>_open` and so on, beside `ts` (unix seconds). */
function columnsOf(header: readonly string[], asset: string, file: string): Record<keyof Candle, number> {
  const find = (part: keyof Candle): number => {
    const names = PARTS[part].map((p) => `${asset}_${p}`);
    const place = header.findIndex((h) => names.includes(h.toLowerCase()));
    if (place < 0) throw new CandleError(`${file}: no column ${names.join(" or ")}`);
    return place;
  };
  return { open: find("open"), high: find("high"), low: find("low"), close: find("close") };
}

/** The two assets of a header: eth and btc when they are there, else the first two with an open column, the dearer as btc. */
export function assetsOf(header: readonly string[], file: string): [string, string] {
  const names = header
    .map((h) => /^(.+)_(?:o|open)$/i.exec(h)?.[1]?.toLowerCase())
    .filter((name): name is string => name !== undefined);
  if (names.includes("eth") && names.includes("btc")) return ["eth", "btc"];
  const [first, second] = names;
  if (first === undefined || second === undefined)
    throw new CandleError(`${file}: needs columns ts and <asset>_open/high/low/close for two assets`);
  return [first, second];
}

/** Open, then the two extremes with the worse end last, then close: a fall goes over the high first. */
function pointsOf(time: number, step: number, eth: Candle, btc: Candle): PricePoint[] {
  const falling = eth.close < eth.open;
  const [e1, e2] = falling ? [eth.high, eth.low] : [eth.low, eth.high];
  const [b1, b2] = falling ? [btc.high, btc.low] : [btc.low, btc.high];
  return [
    { time, eth: eth.open, btc: btc.open, kind: "open" },
    { time: time + Math.floor(step / 4), eth: e1, btc: b1, kind: "extreme" },
    { time: time + Math.floor(step / 2), eth: e2, btc: b2, kind: "extreme" },
    { time: time + Math.floor((step * 3) / 4), eth: eth.close, btc: btc.close, kind: "close" },
  ];
}

export function parseCandles(text: string, file: string): PricePoint[] {
  const [first, ...rows] = text
    .split(/\r?\n/)
    .map((line, i) => ({ line, number: i + 1 }))
    .filter(({ line }) => line.trim() !== "");
  const head = first?.line;
  if (head === undefined) throw new CandleError(`${file}: is empty`);
  const header = head.split(",").map((h) => h.trim());
  const ts = header.indexOf("ts");
  if (ts < 0) throw new CandleError(`${file}: no column ts (unix seconds)`);
  const names = assetsOf(header, file);
  const columns = names.map((name) => columnsOf(header, name, file));

  const candles = rows.map(({ line, number: row }) => {
    const cells = line.split(",");
    const number = (place: number): number => {
      const value = Number(cells[place]);
      if (cells[place]?.trim() === "" || !Number.isFinite(value) || value <= 0)
        throw new CandleError(
          `${file}: row ${row}, column ${header[place] ?? place}: "${cells[place] ?? ""}" is no price`,
        );
      return value;
    };
    const [one, other] = columns.map((c): Candle => {
      const candle = { open: number(c.open), high: number(c.high), low: number(c.low), close: number(c.close) };
      if (candle.low > Math.min(candle.open, candle.close) || candle.high < Math.max(candle.open, candle.close))
        throw new CandleError(
          `${file}: row ${row}: low and high do not enclose open and close (columns ${header[c.low] ?? ""}, ${header[c.high] ?? ""})`,
        );
      return candle;
    });
    if (one === undefined || other === undefined) throw new CandleError(`${file}: row ${row} is incomplete`);
    return { time: number(ts), one, other, row };
  });
  if (candles.length < 2) throw new CandleError(`${file}: needs at least two candles`);
  return candles.flatMap(({ time, one, other }, i) => {
    const next = candles[i + 1]?.time ?? time + (time - (candles[i - 1]?.time ?? time));
    if (next <= time) throw new CandleError(`${file}: row ${candles[i + 1]?.row ?? 0}: ts does not rise (column ts)`);
    return pointsOf(time, next - time, one, other);
  });
}

/**
 * 12 and 13 March 2020 in six-hour strokes, from what was published of those days: ETH opened near 195 USD, fell to about 86 at
 * 02:00 of the 13th and closed near 133; BTC fell from about 7,930 to about 3,800 and closed near 5,600. Between the
 * strokes the path jumps in eight equal steps of the logarithm.
 */
const BUILT_IN: readonly (readonly [hour: number, eth: number, btc: number])[] = [
  [0, 195, 7930],
  [10, 165, 7200],
  [12, 142, 6000],
  [20, 130, 5700],
  [23, 108, 4900],
  [26, 86, 3800],
  [30, 118, 5200],
  [40, 121, 5000],
  [48, 133, 5600],
];
const STROKES = 8;

export function builtInPath(): PricePath {
  const start = 1_583_971_200; // 2020-03-12T00:00:00Z
  const points = BUILT_IN.flatMap(([hour, eth, btc], i): PricePoint[] => {
    const next = BUILT_IN[i + 1];
    if (next === undefined) return [{ time: start + hour * 3600, eth, btc, kind: "close" }];
    return Array.from({ length: STROKES }, (_, k): PricePoint => {
      const part = k / STROKES;
      const between = (from: number, to: number): number => from * (to / from) ** part;
      return {
        time: start + Math.round((hour + (next[0] - hour) * part) * 3600),
        eth: between(eth, next[1]),
        btc: between(btc, next[2]),
        kind: k === 0 ? "open" : "extreme",
      };
    });
  });
  return { source: "built-in path after published facts of 12–13 March 2020", points, hints: NO_HINTS };
}

/** The file, named from `directory`; without a name the recorded crash when it is there, else the built-in path. */
export function loadPath(file: string | undefined, recorded: string, directory: string): PricePath {
  const chosen = file === undefined ? recorded : resolve(directory, file);
  if (file === undefined && !existsSync(recorded)) return builtInPath();
  const name = file ?? basename(recorded);
  let text: string;
  try {
    text = readFileSync(chosen, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    throw new CandleError(code === "ENOENT" ? `${name}: no such file` : `${name}: cannot be read (${code})`);
  }
  const points = parseCandles(text, name);
  const header = (text.split(/\r?\n/)[0] ?? "").split(",").map((each) => each.trim());
  return { source: name, points, hints: parseHints(text, name, assetsOf(header, name)) };
}

/** Chainlink's feeds of ether and bitcoin: a round when a price has moved so far, or after so long. */
const DEVIATION = 0.005;
const HEARTBEAT_S = 3_600;

/** The points at which a feed like Chainlink's would speak; always the first and the last. */
export function rounds(points: readonly PricePoint[]): PricePoint[] {
  const spoken: PricePoint[] = [];
  const isFar = (a: number, b: number): boolean => Math.abs(Math.log(a / b)) >= DEVIATION;
  for (const [i, point] of points.entries()) {
    const last = spoken.at(-1);
    const isDue =
      last === undefined ||
      i === points.length - 1 ||
      point.time - last.time >= HEARTBEAT_S ||
      isFar(point.eth, last.eth) ||
      isFar(point.btc, last.btc);
    if (isDue) spoken.push(point);
  }
  return spoken;
}

/** Which of the points is the first when so large a part of the time has passed. */
export function indexAt(points: readonly PricePoint[], part: number): number {
  const [first, last] = [points[0]?.time ?? 0, points.at(-1)?.time ?? 0];
  return points.findIndex(({ time }) => time >= first + part * (last - first));
}
