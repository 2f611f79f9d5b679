// Perps and options in numbers.
import { dollars } from "../../../replay/numbers.ts";
import type { BookRecord, DerivativesRecord } from "../../../replay/derivatives/record.ts";

export interface DerivativesSummary extends Omit<DerivativesRecord, "samples" | "expiries"> {
  readonly expiries: readonly { readonly coin: string; readonly at: string; readonly settlementPrice: number }[];
}

const iso = (time: number): string => new Date(time * 1000).toISOString().replace(".000Z", "Z");

export const summariseDerivatives = ({ samples: _, expiries, ...rest }: DerivativesRecord): DerivativesSummary => ({
  ...rest,
  expiries: expiries.map((each) => ({ ...each, at: iso(each.at) })),
});

const signed = (value: number): string => (value < 0 ? "−" : "+") + dollars(Math.abs(value));

/** A row for each book: its profit under either model. */
const bookRows = (books: readonly BookRecord[]): [string, string][] =>
  [...new Set(books.map(({ name }) => name))].map((name) => [
    `  ${name}`,
    books
      .filter((book) => book.name === name)
      .map(({ model, profit, bids }) => `${model} ${signed(profit)}${bids > 0 ? ", liquidated" : ""}`)
      .join("; "),
  ]);

/** Rows of the table, in words. */
export function derivativeRows(d: DerivativesSummary): [string, string][] {
  const settled = d.expiries.map(({ coin, settlementPrice }) => `${coin.slice(1)} ${dollars(settlementPrice)}`);
  return [
    [
      "perps, options",
      `${d.books.length} books; ${d.orders} signed orders, ${d.fills} fills, ${d.refused} refused; fees ${dollars(d.fees)}`,
    ],
    ...bookRows(d.books),
    ["", `${d.liquidated} of them liquidated in ${d.bids} bids; the bidder made ${signed(d.deskProfit)}`],
    [
      "funding, settlement",
      `${dollars(d.funding)} of funding received; ${dollars(d.settled)} of unsettled profit paid in ${d.settlements} settlements`,
    ],
    [
      "expiry",
      settled.length === 0 ? "none settled inside the replay" : `${d.expiries[0]?.at ?? ""}: ${settled.join(", ")}`,
    ],
  ];
}
