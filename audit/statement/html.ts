// The statement for a person: what there was, what happened, what there is.
import {
  accountHtml,
  type Cell,
  cutHtml,
  type Html,
  html,
  pageHtml,
  sectionHtml,
  shortHex,
  tableHtml,
  tileHtml,
} from "../html.ts";
import { exact, shown, utc } from "../text.ts";
import type { Parts } from "./lines.ts";
import type { Margins } from "./margin-calls.ts";
import type { BookSum, Statement } from "./statement.ts";

const when = (time: number): string => utc(time).slice(0, 16).replace("T", " ");
const dashed = (value: bigint, decimals: number): string => (value === 0n ? "–" : exact(value, decimals));
const DIGITS = 6;
/** Cut to six places, in full on hover; the balances above and the CSV have every digit. */
const cut = (value: bigint, decimals: number): Cell =>
  value === 0n ? "–" : cutHtml(shown(value, decimals, Math.min(DIGITS, decimals)), exact(value, decimals));
const sum = (books: readonly BookSum[], part: keyof Parts | "realised"): bigint =>
  books.reduce((total, book) => total + book[part], 0n);

const number = (name: string) => ({ name, isNumber: true });

const marginTile = (
  label: string,
  margins: Margins | undefined,
  of: (margins: Margins) => bigint,
  where: string,
): Html =>
  tileHtml(
    label,
    margins === undefined ? "–" : shown(of(margins), 18),
    margins === undefined ? "no usable price there" : where,
  );

const booksTable = (books: readonly BookSum[], nothing: string): Html =>
  tableHtml(
    [{ name: "" }, ...["opening", "movements", "interest", "write-off", "funding", "fees", "closing"].map(number)],
    books.map((book): Cell[] => [
      book.name,
      ...[book.opening, book.amount, book.interest, book.writeOff, book.funding, book.fee, book.closing].map((value) =>
        dashed(value, book.decimals),
      ),
    ]),
    nothing,
  );

const positionsTable = (books: readonly BookSum[]): Html =>
  tableHtml(
    [{ name: "instrument" }, ...["opening", "traded, settled", "closing", "realised PnL"].map(number)],
    books.map((book) => [
      book.name,
      ...[book.opening, book.amount, book.closing].map((value) => dashed(value, 18)),
      cut(book.realised, 18),
    ]),
    "No position of perps or options.",
  );

const callsHtml = ({ calls, settlement, books }: Statement): Html[] => {
  const decimals = books.find(({ name }) => name === settlement)?.decimals ?? 18;
  const spells = tableHtml(
    [{ name: "from" }, { name: "to" }, number("blocks"), number("least maintenance margin")],
    calls.spells.map(({ from, to, least }) => [
      when(from.timestamp),
      when(to.timestamp),
      from.number === to.number ? String(from.number) : `${from.number} – ${to.number}`,
      shown(least, 18),
    ]),
    "Never found below its maintenance margin.",
  );
  const looked = `Looked at ${calls.looks} of ${calls.blocks} blocks${calls.unpriced === 0 ? "" : `, at ${calls.unpriced} of them without a usable price`}. In ${settlement}.`;
  const auctions = tableHtml(
    [
      { name: "block" },
      { name: "what" },
      number("maintenance"),
      number("equity"),
      number("taken"),
      number("price"),
      { name: "transaction" },
    ],
    calls.auctions.map((note): Cell[] => [
      String(note.block),
      note.what,
      note.maintenance === undefined ? "" : shown(note.maintenance, 18),
      note.mtm === undefined ? "" : shown(note.mtm, 18),
      note.fraction === undefined ? "" : `${shown(note.fraction, 16)} %`,
      note.price === undefined ? "" : shown(note.price, decimals),
      shortHex(note.transaction),
    ]),
    "No auction.",
  );
  return [sectionHtml("Below maintenance", spells, looked), sectionHtml("Auctions", auctions)];
};

const linesTable = ({ lines }: Statement): Html =>
  tableHtml(
    [
      { name: "time (UTC)" },
      { name: "book" },
      { name: "what" },
      ...["amount", "interest", "other", "balance", "realised PnL"].map(number),
      { name: "note" },
      { name: "transaction" },
    ],
    lines.map((line): Cell[] => [
      when(line.time),
      line.name,
      line.what,
      cut(line.amount, line.decimals),
      cut(line.interest, line.decimals),
      cut(line.writeOff + line.funding + line.fee, line.decimals),
      cut(line.balance, line.decimals),
      cut(line.realised, 18),
      line.note,
      line.at.transaction === "" ? "" : shortHex(line.at.transaction),
    ]),
    "Nothing happened.",
  );

/** One self-contained page. */
export const statementHtml = (statement: Statement): string => {
  const { account, books, from, to, opening, closing, openingBlock, settlement } = statement;
  const assets = books.filter(({ book }) => book.kind === "asset");
  const quotes = books.filter(({ book }) => book.kind === "quote");
  const positions = books.filter(({ book }) => book.kind === "position");
  const { spells, auctions } = statement.calls;
  const before = openingBlock === undefined ? "before the first block" : `block ${openingBlock.number}`;
  const bids = auctions.filter(({ what }) => what === "Bid").length;
  const tiles = [
    marginTile("Equity at the opening", opening, ({ mtm }) => mtm, `${settlement}, at mark, ${before}`),
    marginTile("Equity at the end", closing, ({ mtm }) => mtm, `${settlement}, at mark, block ${to.number}`),
    marginTile(
      "Maintenance margin at the end",
      closing,
      ({ maintenance }) => maintenance,
      "below 0 it can be liquidated",
    ),
    tileHtml(
      "Realised PnL",
      shown(sum(positions, "realised"), 18),
      `${settlement}; of perps and options, at average cost`,
    ),
    tileHtml("Funding", shown(sum(quotes, "funding"), 18), `${settlement}; negative: paid`),
    tileHtml("Fees", shown(sum(quotes, "fee"), 18), `${settlement}; negative: paid`),
    tileHtml("Margin calls", String(spells.length), `${bids} bid${bids === 1 ? "" : "s"} in auctions`),
  ];
  const subtitle = html`Account ${accountHtml(account)} (<code>${account}</code>) on ${statement.network}, chain
  ${statement.chainId}. Blocks ${from.number} (${when(from.timestamp)}) to ${to.number} (${when(to.timestamp)} UTC).`;
  const balances =
    "Opening, what moved, interest and the rest make the closing balance, digit by digit. A negative balance is a debt.";
  return pageHtml("Account statement", subtitle, tiles, [
    sectionHtml("Balances", booksTable(assets, "No balance."), balances),
    sectionHtml(
      "Quote",
      booksTable(quotes, "No quote."),
      `What trades, funding, fees and settlements have booked, in ${settlement}. A perp's quote contains its notional; with the positions at mark it is profit not yet settled.`,
    ),
    sectionHtml("Positions", positionsTable(positions)),
    ...callsHtml(statement),
    sectionHtml("All movements", linesTable(statement)),
  ]);
};
