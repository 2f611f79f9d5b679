// What a candle file may say beyond prices: volatility and funding, where they were known.
import { CandleError } from "../candleError.ts";

/** A value known from `time` on, of either coin. */
export interface Hint {
  readonly time: number;
  readonly eth?: number;
  readonly btc?: number;
}

export interface Hints {
  /** Implied volatility of a month (Deribit's DVOL), per √year; 1 = 100 %. */
  readonly volatility: readonly Hint[];
  /** Funding of 8 hours, as a part of the notional; positive: longs pay. */
  readonly funding: readonly Hint[];
}

export const NO_HINTS: Hints = { volatility: [], funding: [] };

const MOST_VOLATILITY = 5;
const MOST_FUNDING = 0.1;

/** Columns `<asset>_dvol` and `<asset>_funding8h` beside `ts`; a column that is not there, and an empty cell, say nothing. */
export function parseHints(text: string, file: string, [eth, btc]: readonly [string, string]): Hints {
  const [first, ...rows] = text
    .split(/\r?\n/)
    .map((line, i) => ({ line, number: i + 1 }))
    .filter(({ line }) => line.trim() !== "");
  const header = (first?.line ?? "").split(",").map((name) => name.trim().toLowerCase());
  const table = rows.map(({ line, number }) => ({ cells: line.split(",").map((cell) => cell.trim()), number }));
  const ts = header.indexOf("ts");
  const column = (suffix: string, valid: (value: number) => boolean): Hint[] => {
    const [ethAt, btcAt] = [header.indexOf(`${eth}_${suffix}`), header.indexOf(`${btc}_${suffix}`)];
    const read = (cells: readonly string[], at: number, row: number): number | undefined => {
      const cell = cells[at] ?? "";
      if (at < 0 || cell === "") return undefined;
      const value = Number(cell);
      if (!Number.isFinite(value) || !valid(value))
        throw new CandleError(`${file}: row ${row}, column ${header[at] ?? at}: "${cell}" cannot be`);
      return value;
    };
    return table.flatMap(({ cells, number: row }) => {
      const [ofEth, ofBtc] = [read(cells, ethAt, row), read(cells, btcAt, row)];
      if (ofEth === undefined && ofBtc === undefined) return [];
      return [
        {
          time: Number(cells[ts]),
          ...(ofEth !== undefined && { eth: ofEth }),
          ...(ofBtc !== undefined && { btc: ofBtc }),
        },
      ];
    });
  };
  return {
    volatility: column("dvol", (value) => value > 0 && value <= MOST_VOLATILITY),
    funding: column("funding8h", (value) => Math.abs(value) <= MOST_FUNDING),
  };
}
