// The trading floor of the replay: who attests, quotes, trades, hedges, settles and bids, and when.
import { join } from "node:path";

import type { ContractTransaction, TransactionReceipt } from "ethers";

import { decodeInstrument, perpWord, WAD } from "../../sdk/instruments.ts";
import { accountId } from "../../scripts/lib/ids.ts";
import { indexAt, type PricePath, type PricePoint } from "../candles.ts";
import type { View } from "../observer.ts";
import type { Actor, Intent, Ledger } from "../sender.ts";
import { COINS, type Prices, pricesOf } from "../stage.ts";
import { Attestor } from "./attestor.ts";
import type { BookPlan } from "./books.ts";
import { Desk } from "./desk.ts";
import type { LedgerBook } from "./ledgerBook.ts";
import { Pricer } from "./maker.ts";
import { marketOf, type MarketPoint } from "./market.ts";
import { type Book, CAPITAL, capitalise, fund, hire } from "./people.ts";
import { type DerivativesRecord, FloorRecord } from "./record.ts";
import { Settler } from "./settler.ts";
import type { DerivativesStage } from "./stage.ts";
import { fromWad, toWad } from "./surface.ts";
import { type Moment, type Party, Trading } from "./trading.ts";
import { Venue } from "./venue.ts";

const HEDGE_EVERY_S = 4 * 3_600;
/** A delta below this part of the book's size is left alone. */
const HEDGE_TOLERANCE = 0.03;
const SETTLE_EVERY_S = 3_600;
const FUNDED_PER_BLOCK = 4;
const TRADES_PER_BLOCK = 8;

export interface FloorTools {
  readonly stage: DerivativesStage;
  readonly ledger: Ledger;
  readonly book: LedgerBook;
  readonly path: PricePath;
  /** Writes prices; whatever belongs to the same moment goes through it too, so that it comes in order. */
  readonly oracle: Actor;
  readonly plans: readonly BookPlan[];
  /** What maker and desk bring, dollars. */
  readonly capital?: { readonly maker: number; readonly desk: number };
  /** Where the matcher keeps its journal. */
  readonly directory: string;
}

/** What the replay lets the floor do. */
export interface Hands {
  /** Puts all of them into one block; fills and changes are read by the observer before it returns. */
  readonly mine: (intents: readonly Intent[]) => Promise<TransactionReceipt[]>;
  /** Time of the last block. */
  readonly now: () => number;
}

interface Cast {
  readonly books: readonly Book[];
  readonly maker: Party;
  readonly desk: Desk;
  readonly submitter: Actor;
}

export interface Opened {
  readonly name: string;
  readonly account: string;
}

export class Floor {
  readonly record: FloorRecord;
  private readonly market: readonly MarketPoint[];
  private readonly attestor: Attestor;
  private readonly settler: Settler;
  private readonly venue: Venue;
  private readonly trading: Trading;
  /** Index at which the stops of a book are set off. */
  private readonly stops = new Map<Book, number>();
  private hedgedAt = 0;
  private settledAt = 0;

  private constructor(
    private readonly tools: FloorTools,
    private readonly hands: Hands,
    private readonly cast: Cast,
  ) {
    const { stage, book, path, directory } = tools;
    const { books, maker, desk, submitter } = cast;
    this.market = marketOf(path);
    this.attestor = new Attestor(stage);
    this.settler = new Settler(stage, book);
    this.venue = new Venue(stage, submitter, join(directory, "matcher"));
    this.trading = new Trading(stage, this.venue, new Pricer(stage, this.attestor), book, maker, submitter, (intents) =>
      hands.mine(intents),
    );
    const { capital = CAPITAL } = tools;
    this.record = new FloorRecord({ stage, book, books, maker: maker.account, desk, capital, trading: this.trading });
  }

  static async open(tools: FloorTools, hands: Hands): Promise<Floor> {
    const { stage, ledger, book, capital = CAPITAL } = tools;
    const party = (actor: Actor): Party => ({ actor, account: accountId(actor.address) });
    const maker = party(await ledger.actor("maker"));
    const desk = new Desk(stage, book, await ledger.actor("liquidation desk"));
    const submitter = await ledger.actor("matcher");
    const floor = new Floor(tools, hands, { books: await hire(tools.plans, ledger), maker, desk, submitter });
    await hands.mine([
      ...(await capitalise(stage, maker, capital.maker)),
      ...(await capitalise(stage, desk, capital.desk)),
    ]);
    return floor;
  }

  close(): void {
    this.venue.close();
  }

  results(): DerivativesRecord {
    return this.record.whole(this.venue);
  }

  /** What goes into the block of a price, after it. */
  async news(i: number, point: PricePoint, time: number): Promise<Intent[]> {
    const market = this.market[i];
    if (market === undefined) return [];
    const before = this.attestor.attestations;
    const posts = await this.attestor.due(time, pricesOf(point), market);
    const pokes = await this.settler.pokes(time, this.attestor.attestations > before);
    const by = this.tools.oracle;
    return [
      // A jump that the feed does not take within so short a time is refused too: the next one will do.
      ...posts.map((tx): Intent => ({ by, what: "attest", tx, optional: true })),
      // A checkpoint is refused inside of an hour, and that is how it should be.
      ...pokes.map((tx): Intent => ({ by, what: "poke", tx, optional: true })),
    ];
  }

  /** Bids on accounts with perps and options that are below maintenance; whether anything was mined. */
  async relieve(view: View, prices: Prices): Promise<boolean> {
    const { book } = this.tools;
    const moment = this.momentOf(prices);
    const below = view.healths.filter(
      ({ account, priced, maintenance }) => priced && maintenance < 0n && book.hasLedger(account),
    );
    const bids: Intent[] = [];
    for (const { account } of below) {
      const bid = await this.cast.desk.bidOn(account, this.trading.markAt(moment));
      if (bid !== undefined) bids.push(bid);
    }
    if (bids.length === 0) return false;
    await this.hands.mine(bids);
    await this.closeBids(prices);
    return true;
  }

  /** Everything else that is due after point `i`; who has opened a book. */
  async act(i: number, point: PricePoint): Promise<Opened[]> {
    const prices = pricesOf(point);
    const due = this.cast.books.filter(({ plan }) => indexAt(this.tools.path.points, plan.opensAt) === i);
    await this.trigger(prices);
    const opened = await this.openBooks(due, prices);
    await this.hedge(prices);
    await this.closeBids(prices);
    await this.expire();
    await this.settle(point.time);
    return opened;
  }

  /** Books what is pending, so that the last figures are whole. */
  async finish(prices: Prices): Promise<void> {
    const { positions } = this.tools.stage;
    const holders = this.traders().filter((account) => this.tools.book.hasLedger(account));
    const touches = await Promise.all(holders.map((account) => positions.touch.populateTransaction(account)));
    await this.mineAs(this.tools.oracle, "touch", touches);
    await this.closeBids(prices);
    await this.settle(Infinity);
    await this.mineAs(this.tools.oracle, "sweep fees", [await positions.sweepFees.populateTransaction()]);
  }

  // ------------------------------------------------------------------ trading

  private momentOf(prices: Prices): Moment {
    return { time: this.hands.now(), prices };
  }

  private async send(): Promise<void> {
    await this.trading.send(this.hands.now());
  }

  private async openBooks(due: readonly Book[], prices: Prices): Promise<Opened[]> {
    const { stage, book } = this.tools;
    for (let k = 0; k < due.length; k += FUNDED_PER_BLOCK) {
      const some = await Promise.all(due.slice(k, k + FUNDED_PER_BLOCK).map((each) => fund(stage, each, prices)));
      await this.hands.mine(some.flat());
    }
    for (let k = 0; k < due.length; k += TRADES_PER_BLOCK) {
      for (const each of due.slice(k, k + TRADES_PER_BLOCK)) await this.openBook(each, prices);
      await this.send();
    }
    for (const each of due) await this.leaveStop(each, prices);
    return due
      .filter(({ account }) => book.hasLedger(account))
      .map(({ plan, model, account }) => ({ name: `${plan.name}, ${model}`, account }));
  }

  private async openBook(each: Book, prices: Prices): Promise<void> {
    const { plan } = each;
    const { stage } = this.tools;
    const price = prices[plan.coin];
    this.record.describe(each, price);
    const legs = plan.legs.map((leg) => ({
      instrument: stage.instrumentOf(plan, leg, price),
      ratio: toWad(leg.ratio),
    }));
    const size = toWad((plan.equity * plan.leverage) / price);
    await this.trading.take(each, { legs, size }, this.momentOf(prices));
  }

  private async leaveStop(each: Book, prices: Prices): Promise<void> {
    const { plan, account } = each;
    const perp = perpWord(this.tools.stage.underlyingOf(plan.coin));
    const size = this.tools.book.sizesOf(account).get(perp);
    if (plan.stopAt === undefined || size === undefined || size <= 0n) return;
    const at = prices[plan.coin] * plan.stopAt;
    this.stops.set(each, at);
    await this.trading.leaveStop(each, perp, size, at, this.momentOf(prices));
  }

  /** Tells the matcher the index; stops that it sets off find the maker's bid waiting. */
  private async trigger(prices: Prices): Promise<void> {
    const { stage, book } = this.tools;
    const moment = this.momentOf(prices);
    for (const [each, at] of this.stops) {
      const { plan, account } = each;
      if (prices[plan.coin] > at) continue;
      this.stops.delete(each);
      const perp = perpWord(stage.underlyingOf(plan.coin));
      const size = book.sizesOf(account).get(perp) ?? 0n;
      this.venue.position(account, perp, size, moment.time);
      if (size > 0n) await this.trading.bidFor(perp, size, moment);
    }
    for (const coin of COINS) this.venue.index(stage.underlyingOf(coin), toWad(prices[coin]), moment.time);
    await this.send();
  }

  private async hedge(prices: Prices): Promise<void> {
    if (this.hands.now() - this.hedgedAt < HEDGE_EVERY_S) return;
    this.hedgedAt = this.hands.now();
    const { stage, book } = this.tools;
    const moment = this.momentOf(prices);
    const markOf = this.trading.markAt(moment);
    for (const each of this.cast.books) {
      const sizes = [...book.sizesOf(each.account)];
      const hasOptions = sizes.some(([word]) => decodeInstrument(word).kind === "option");
      if (each.plan.hedged !== true || !hasOptions) continue;
      const perp = perpWord(stage.underlyingOf(each.plan.coin));
      const delta = sizes.reduce((sum, [word, size]) => sum + fromWad(size) * markOf(word).delta, 0);
      const whole = (each.plan.equity * each.plan.leverage) / prices[each.plan.coin];
      if (Math.abs(delta) < whole * HEDGE_TOLERANCE) continue;
      const legs = [{ instrument: perp, ratio: delta > 0 ? -WAD : WAD }];
      await this.trading.take(each, { legs, size: toWad(Math.abs(delta)) }, moment);
    }
    await this.send();
  }

  private async closeBids(prices: Prices): Promise<void> {
    const moment = this.momentOf(prices);
    for (const { party, sizes } of this.cast.desk.closings(moment.time)) {
      const legs = [...sizes]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([instrument, size]) => ({ instrument, ratio: -size }));
      await this.trading.take(party, { legs, size: WAD }, moment, true);
    }
    await this.send();
    const returns = await this.cast.desk.returns();
    if (returns.length > 0) await this.hands.mine(returns);
  }

  // ------------------------------------------------------------------ chores

  private traders(): string[] {
    const { books, maker, desk } = this.cast;
    return [...books.map(({ account }) => account), maker.account, ...desk.accounts];
  }

  private async settle(time: number): Promise<void> {
    if (time - this.settledAt < SETTLE_EVERY_S) return;
    this.settledAt = time;
    await this.mineAs(this.tools.oracle, "settle", await this.settler.settlements(this.traders()));
  }

  private async expire(): Promise<void> {
    await this.mineAs(this.tools.oracle, "submit rounds", await this.settler.rounds(this.hands.now()));
    await this.mineAs(this.tools.oracle, "settle the expiry", await this.settler.expiry(this.hands.now()));
  }

  /** May be refused, one by one: a settlement that would put the loser below maintenance, say. */
  private async mineAs(by: Actor, what: string, txs: readonly ContractTransaction[]): Promise<void> {
    if (txs.length > 0) await this.hands.mine(txs.map((tx) => ({ by, what, tx, optional: true })));
  }
}
