// The report's section about perps and options.
import { dollars, percent } from "../../../replay/numbers.ts";
import type { BookRecord, DerivativesRecord } from "../../../replay/derivatives/record.ts";

/** What `report.client.js` here draws: one chart for each book, both models in it. Times are unix seconds. */
export interface DerivativesData {
  readonly time: readonly number[];
  readonly charts: readonly {
    readonly name: string;
    readonly lines: readonly {
      readonly model: string;
      readonly equity: readonly (number | null)[];
      readonly required: readonly (number | null)[];
    }[];
  }[];
}

const DIGITS = 5;
const short = (value: number | null | undefined): number | null =>
  value === null || value === undefined ? null : Number(value.toPrecision(DIGITS));

export function derivativesData({ samples, books }: DerivativesRecord): DerivativesData {
  const names = [...new Set(books.map(({ name }) => name))];
  return {
    time: samples.map(({ time }) => time),
    charts: names.map((name) => ({
      name,
      lines: books
        .filter((book) => book.name === name)
        .map(({ model, place }) => ({
          model,
          equity: samples.map(({ equity }) => short(equity[place])),
          required: samples.map(({ required }) => short(required[place])),
        })),
    })),
  };
}

const cells = (values: readonly string[]): string => values.map((value) => `<td class="number">${value}</td>`).join("");

const bookRow = (book: BookRecord): string =>
  `<tr><td>${book.name}</td><td>${book.model}</td><td class="wrap">${book.positions}</td>` +
  cells([
    dollars(book.equity),
    dollars(book.profit),
    dollars(book.funding),
    book.leastMargin < -1 ? "under water" : percent(book.leastMargin, 0),
    book.bids === 0 ? "" : String(book.bids),
  ]) +
  "</tr>";

export const bookRows = ({ books }: DerivativesRecord): string => books.map(bookRow).join("\n");

/** What happened to the near expiry, in a sentence. */
export function expiryText({ expiries }: DerivativesRecord): string {
  if (expiries.length === 0) return "no expiry inside the replay";
  const at = new Date((expiries[0]?.at ?? 0) * 1000).toISOString().slice(0, 16).replace("T", " ");
  const prices = expiries.map(
    ({ coin, settlementPrice }) =>
      `${coin.slice(1)} at ${settlementPrice.toLocaleString("en-US", { maximumFractionDigits: 2 })}`,
  );
  return `${at} UTC settled on the average of 30 minutes: ${prices.join(", ")}`;
}
