// The statement as one table. Of each book: opening + Σ (amount, interest, write_off, funding, fee) = closing, digit by digit.
import { toCsv } from "../csv.ts";
import { exact, utc } from "../text.ts";
import type { BookSum, Statement } from "./statement.ts";

export const STATEMENT_HEAD = [
  "block",
  "time",
  "transaction",
  "log",
  "book",
  "what",
  "amount",
  "interest",
  "write_off",
  "funding",
  "fee",
  "balance",
  "realised_pnl",
  "note",
] as const;

export const statementCsv = ({ books, lines, from, to, openingBlock }: Statement): string => {
  const zero = ["0", "0", "0", "0", "0"];
  const opening = (book: BookSum): string[] => {
    const where =
      openingBlock === undefined
        ? ["", utc(from.timestamp)]
        : [String(openingBlock.number), utc(openingBlock.timestamp)];
    return [...where, "", "", book.name, "Opening balance", ...zero, exact(book.opening, book.decimals), "0", ""];
  };
  const closing = (book: BookSum): string[] => {
    const where = [String(to.number), utc(to.timestamp), "", ""];
    return [...where, book.name, "Closing balance", ...zero, exact(book.closing, book.decimals), "0", ""];
  };
  const rows = lines.map((line) => {
    const number = (value: bigint): string => exact(value, line.decimals);
    const parts = [line.amount, line.interest, line.writeOff, line.funding, line.fee, line.balance].map(number);
    const log = line.at.transaction === "" ? "" : String(line.at.logIndex);
    const where = [String(line.at.block), utc(line.time), line.at.transaction, log];
    return [...where, line.name, line.what, ...parts, exact(line.realised, 18), line.note];
  });
  return toCsv(STATEMENT_HEAD, [...books.map(opening), ...rows, ...books.map(closing)]);
};
