// Numbers of the command line; what is wrong is said with the field's name.
import { UsageError } from "./errors.ts";

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600 };

/** "10m" in seconds. */
export function parseDuration(field: string, text: string): number {
  const [, number = "", unit = ""] = /^(\d+(?:\.\d+)?)([smh])$/.exec(text) ?? [];
  const seconds = Number(number) * (SECONDS[unit] ?? NaN);
  if (!Number.isInteger(seconds) || seconds <= 0 || seconds > 7 * 86_400)
    throw new UsageError(`${field}: "${text}" is not a time such as 90s, 10m or 2h (at most 168h)`);
  return seconds;
}

/** "20x" or "20". */
export function parseFactor(field: string, text: string, least: number, most: number): number {
  const number = Number(text.replace(/x$/, ""));
  if (!/^\d+(\.\d+)?x?$/.test(text) || number < least || number > most)
    throw new UsageError(`${field}: "${text}" is not a factor from ${least}x to ${most}x`);
  return number;
}

export function parseWhole(field: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < least || number > most)
    throw new UsageError(`${field} must be a whole number from ${least} to ${most}, not "${text}"`);
  return number;
}

export function parseNumber(field: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (text.trim() === "" || !Number.isFinite(number) || number < least || number > most)
    throw new UsageError(`${field} must be a number from ${least} to ${most}, not "${text}"`);
  return number;
}
