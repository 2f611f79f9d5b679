// Numbers and tables for people; exact numbers for machines.
import { formatUnits } from "ethers";

/** Exactly, without a trailing point: "1234.5", "-0.000001", "7". */
export const exact = (amount: bigint, decimals: number): string => formatUnits(amount, decimals).replace(/\.0$/, "");

const GROUP = /\B(?=(\d{3})+(?!\d))/g;

/** Rounded towards zero to `digits` places, thousands apart: "1,234,567.89". */
export const shown = (amount: bigint, decimals: number, digits = 2): string => {
  const sign = amount < 0n ? "-" : "";
  const size = amount < 0n ? -amount : amount;
  const scale = 10n ** BigInt(decimals);
  const whole = (size / scale).toString().replace(GROUP, ",");
  const fraction = (size % scale).toString().padStart(decimals, "0").slice(0, digits).padEnd(digits, "0");
  return digits === 0 ? `${sign}${whole}` : `${sign}${whole}.${fraction}`;
};

/** part ÷ whole in percent: "12.34 %". */
export const percentOf = (part: bigint, whole: bigint, digits = 2): string =>
  whole === 0n ? "–" : `${shown((part * 10n ** 20n) / whole, 18, digits)} %`;

export const utc = (time: number): string => new Date(time * 1_000).toISOString().replace(".000Z", "Z");

/** Columns of a text table: names, and numbers to the right. */
export const textTable = (head: readonly string[], rows: readonly (readonly string[])[], left = 1): string => {
  const widths = head.map((name, i) => Math.max(name.length, ...rows.map((row) => (row[i] ?? "").length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (i < left ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join("  ")
      .trimEnd();
  return [line(head), widths.map((width) => "─".repeat(width)).join("  "), ...rows.map(line)].join("\n");
};

/** JSON with bigints as decimal strings. */
export const toJson = (value: unknown): string =>
  JSON.stringify(value, (_, each: unknown) => (typeof each === "bigint" ? each.toString() : each), 2);
