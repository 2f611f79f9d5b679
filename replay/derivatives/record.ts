// What became of the books, for summary and report.
import { instrumentName, type Symbols } from "../../sdk/instruments.ts";
import type { SeenBid, View } from "../observer.ts";
import { type Coin, COINS, dollarsOf } from "../stage.ts";
import type { Desk } from "./desk.ts";
import type { LedgerBook } from "./ledgerBook.ts";
import type { Book, CAPITAL } from "./people.ts";
import type { DerivativesStage } from "./stage.ts";
import { fromWad } from "./surface.ts";
import type { Trading } from "./trading.ts";
import type { Venue } from "./venue.ts";

const SAMPLE_EVERY_S = 800;

/** One sample of every chart; by book. */
export interface BookSample {
  readonly time: number;
  /** Value of the account, dollars. */
  readonly equity: readonly (number | null)[];
  /** What the model asks for: equity less maintenance margin, dollars. */
  readonly required: readonly (number | null)[];
}

export interface BookRecord {
  readonly account: string;
  /** Where it stands in the samples. */
  readonly place: number;
  readonly name: string;
  readonly coin: Coin;
  readonly model: string;
  readonly positions: string;
  readonly equity: number;
  readonly profit: number;
  readonly funding: number;
  /** Least maintenance margin ÷ equity that was seen. */
  readonly leastMargin: number;
  readonly bids: number;
}

export interface ExpiryRecord {
  readonly coin: Coin;
  readonly at: number;
  readonly settlementPrice: number;
}

export interface DerivativesRecord {
  readonly samples: readonly BookSample[];
  readonly books: readonly BookRecord[];
  readonly expiries: readonly ExpiryRecord[];
  readonly orders: number;
  readonly fills: number;
  /** Fills that the exchange left out, mostly for want of margin. */
  readonly refused: number;
  readonly gasPerFill: number;
  readonly fees: number;
  /** Received by those who were paid; what longs and shorts paid each other. */
  readonly funding: number;
  readonly settled: number;
  readonly settlements: number;
  readonly liquidated: number;
  readonly bids: number;
  readonly makerProfit: number;
  readonly deskProfit: number;
}

export interface RecordTools {
  readonly stage: DerivativesStage;
  readonly book: LedgerBook;
  readonly books: readonly Book[];
  readonly maker: string;
  readonly desk: Desk;
  /** What both brought, dollars. */
  readonly capital: Readonly<Record<keyof typeof CAPITAL, number>>;
  readonly trading: Trading;
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

export class FloorRecord {
  readonly samples: BookSample[] = [];
  private readonly bids: SeenBid[] = [];
  private readonly descriptions = new Map<Book, string>();
  private readonly least = new Map<Book, number>();
  private last: View | undefined;

  constructor(private readonly tools: RecordTools) {}

  /** What the book bought and sold, in names. */
  describe(book: Book, price: number): void {
    const { stage } = this.tools;
    const symbols: Symbols = Object.fromEntries(COINS.map((coin) => [stage.underlyingOf(coin), coin.slice(1)]));
    const units = (book.plan.equity * book.plan.leverage) / price;
    const legs = book.plan.legs.map((leg) => {
      const name = instrumentName(stage.instrumentOf(book.plan, leg, price), symbols);
      return `${leg.ratio > 0 ? "+" : "−"}${(units * Math.abs(leg.ratio)).toPrecision(3)} ${name}`;
    });
    this.descriptions.set(book, legs.join(", "));
  }

  note(view: View): void {
    const { books } = this.tools;
    this.last = view;
    const accounts = new Set(books.map(({ account }) => account));
    this.bids.push(...view.bids.filter(({ account }) => accounts.has(account)));
    const healths = new Map(view.healths.map((health) => [health.account, health]));
    const rows = books.map((book) => {
      const health = this.descriptions.has(book) ? healths.get(book.account) : undefined;
      if (health === undefined || !health.priced) return undefined;
      const [equity, maintenance] = [fromWad(health.mtm), fromWad(health.maintenance)];
      const margin = equity === 0 ? 0 : maintenance / Math.abs(equity);
      this.least.set(book, Math.min(this.least.get(book) ?? margin, margin));
      return { equity, required: equity - maintenance };
    });
    const before = this.samples.at(-1)?.time ?? 0;
    if (view.time - before < SAMPLE_EVERY_S || this.descriptions.size === 0) return;
    this.samples.push({
      time: view.time,
      equity: rows.map((row) => row?.equity ?? null),
      required: rows.map((row) => row?.required ?? null),
    });
  }

  whole({ orderCount, skipped }: Venue): DerivativesRecord {
    const { book, books, maker, desk, capital, trading, stage } = this.tools;
    const equityOf = (account: string): number =>
      fromWad(this.last?.healths.find((health) => health.account === account)?.mtm ?? 0n);
    const fundings = [...book.accounts.values()].map(({ funding }) => fromWad(funding));
    return {
      samples: this.samples,
      books: books
        .map((each, place) => ({ each, place }))
        .filter(({ each }) => this.descriptions.has(each))
        .map(({ each, place }) => ({
          ...{ place, account: each.account },
          ...{ name: each.plan.name, coin: each.plan.coin, model: each.model, equity: each.plan.equity },
          positions: this.descriptions.get(each) ?? "",
          profit: equityOf(each.account) - each.plan.equity,
          funding: fromWad(book.accounts.get(each.account)?.funding ?? 0n),
          leastMargin: this.least.get(each) ?? 0,
          bids: this.bids.filter(({ account }) => account === each.account).length,
        })),
      // Whoever settles, keepers or the replay: in the order of the market's underlyings.
      expiries: book.news.expiries
        .toSorted((a, b) => a.expiry - b.expiry || a.underlying - b.underlying)
        .map(({ underlying, expiry, price }) => ({
          coin: stage.coinOf(underlying),
          at: expiry,
          settlementPrice: fromWad(price),
        })),
      orders: orderCount,
      refused: skipped.length,
      fills: trading.trades.length,
      gasPerFill:
        trading.trades.length === 0 ? 0 : sum(trading.trades.map(({ gasUsed }) => gasUsed)) / trading.trades.length,
      fees: sum(trading.trades.map(({ makerFee, takerFee }) => fromWad(makerFee + takerFee))),
      funding: sum(fundings.filter((each) => each > 0)),
      settled: dollarsOf("USDC", book.news.settledPnl),
      settlements: book.news.settlements,
      liquidated: new Set(this.bids.map(({ account }) => account)).size,
      bids: this.bids.length,
      makerProfit: equityOf(maker) - capital.maker,
      deskProfit: sum(desk.accounts.map(equityOf)) - capital.desk,
    };
  }
}
