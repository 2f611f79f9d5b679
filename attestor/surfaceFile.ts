// Reads a file of option quotes with bid and ask volatilities per expiry (the shape of public Deribit snapshots).
import { YEAR_SECONDS } from "../sdk/svi.ts";
import type { ExpiryQuotes, VolQuote } from "./calibrate.ts";

export class SurfaceFileError extends Error {
  override readonly name = "SurfaceFileError";
}

type Row = Readonly<Record<string, unknown>>;
const isRow = (value: unknown): value is Row => typeof value === "object" && value !== null;

const numberOf = (row: Row, field: string): number => {
  const value = row[field];
  const number = typeof value === "string" || typeof value === "number" ? Number(value) : NaN;
  if (!Number.isFinite(number)) throw new SurfaceFileError(`${field} is not a number: ${JSON.stringify(row)}`);
  return number;
};

const secondsOf = (row: Row, field: string): number => {
  const time = Date.parse(String(row[field]));
  if (Number.isNaN(time)) throw new SurfaceFileError(`${field} is not a time: ${String(row[field])}`);
  return time / 1_000;
};

export interface SurfaceFile {
  /** Unix seconds of the snapshot. */
  readonly time: number;
  readonly spot: number;
  readonly expiries: readonly ExpiryQuotes[];
}

/** Expiries without a forward or past their time are left out; quotes without both sides too. */
export const parseSurface = (text: string): SurfaceFile => {
  const root: unknown = JSON.parse(text);
  if (!isRow(root) || !Array.isArray(root["inputs"]) || !isRow(root["asset_curve"])) {
    throw new SurfaceFileError("not a surface: it has no inputs or asset_curve");
  }
  const time = secondsOf(root["asset_curve"], "ref_date");
  const rows = (root["inputs"] as unknown[]).filter(isRow);
  const of = (type: string): Row[] => rows.filter((row) => row["security_type"] === type);
  const middle = (row: Row): number => (numberOf(row, "bid") + numberOf(row, "ask")) / 2;
  const [spot] = of("spot");
  if (spot === undefined) throw new SurfaceFileError("no spot price");
  const quotes = new Map<number, VolQuote[]>();
  for (const row of of("option")) {
    if (row["iv_bid"] == null || row["iv_ask"] == null) continue;
    const quote = { strike: numberOf(row, "strike"), bid: numberOf(row, "iv_bid"), ask: numberOf(row, "iv_ask") };
    const expiry = secondsOf(row, "maturity");
    if (quote.bid > 0 && quote.ask >= quote.bid) quotes.set(expiry, [...(quotes.get(expiry) ?? []), quote]);
  }
  const expiries = of("forward").flatMap((row) => {
    const expiry = secondsOf(row, "maturity");
    const own = quotes.get(expiry) ?? [];
    if (expiry <= time || own.length === 0) return [];
    const sorted = [...own].sort((a, b) => a.strike - b.strike);
    return [{ expiry, time: (expiry - time) / YEAR_SECONDS, forward: middle(row), quotes: sorted }];
  });
  return { time, spot: middle(spot), expiries: expiries.sort((a, b) => a.expiry - b.expiry) };
};
