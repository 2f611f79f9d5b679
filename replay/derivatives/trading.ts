// Trades at the venue: asks the maker for a quote, signs what hits it, sends what was matched.
import type { TransactionReceipt } from "ethers";

import { decodeInstrument, WAD } from "../../sdk/instruments.ts";
import { stop } from "../../sdk/orders.ts";
import type { Actor, Intent } from "../sender.ts";
import type { Prices } from "../stage.ts";
import type { LedgerBook } from "./ledgerBook.ts";
import { type Basket, type Mark, type Pricer, quoteFor } from "./maker.ts";
import type { DerivativesStage } from "./stage.ts";
import { toWad } from "./surface.ts";
import type { Trade, Venue } from "./venue.ts";

/** Whose account trades. */
export interface Party {
  readonly actor: Actor;
  readonly account: string;
}

/** Puts them into one block. */
export type MineBlock = (intents: readonly Intent[]) => Promise<TransactionReceipt[]>;

export interface Moment {
  readonly time: number;
  readonly prices: Prices;
}

const FOREVER_S = 365 * 86_400;
/** What a stop pays whoever executes it, dollars. */
const KEEPER_FEE = 5;

export class Trading {
  readonly trades: (Trade & { readonly time: number })[] = [];

  constructor(
    private readonly stage: DerivativesStage,
    private readonly venue: Venue,
    private readonly pricer: Pricer,
    private readonly book: LedgerBook,
    private readonly maker: Party,
    private readonly submitter: Actor,
    private readonly mine: MineBlock,
  ) {}

  indexAt({ prices }: Moment): (underlying: number) => number {
    return (underlying) => prices[this.stage.coinOf(underlying)];
  }

  markAt(moment: Moment): (instrument: bigint) => Mark {
    return (instrument) => this.pricer.mark(instrument, this.indexAt(moment), moment.time);
  }

  /** Hands both orders in; nothing is on chain before {@link send}. */
  async take(taker: Party, basket: Basket, moment: Moment, reduceOnly = false): Promise<void> {
    const now = moment.time;
    const indexOf = (instrument: bigint): number => this.indexAt(moment)(decodeInstrument(instrument).underlying);
    const { quote, order } = quoteFor(basket, this.markAt(moment), indexOf, {
      maker: { account: this.maker.account, nonce: this.venue.nonce(), now },
      taker: { account: taker.account, nonce: this.venue.nonce(), now, ...(reduceOnly && { reduceOnly }) },
      executor: this.submitter.address.toLowerCase(),
    });
    if (reduceOnly) {
      for (const { instrument } of basket.legs) {
        const size = this.book.sizesOf(taker.account).get(instrument) ?? 0n;
        this.venue.position(taker.account, instrument, size, now);
      }
    }
    await this.venue.place(this.maker.actor, quote, now);
    await this.venue.place(taker.actor, order, now);
  }

  /** Leaves a reduce-only order with the matcher that sells a perp when the index has fallen to `triggerPrice`. */
  async leaveStop(by: Party, perp: bigint, size: bigint, triggerPrice: number, moment: Moment): Promise<void> {
    const { underlying } = decodeInstrument(perp);
    const order = stop({
      account: by.account,
      size,
      maxFee: toWad(triggerPrice / 100),
      nonce: this.venue.nonce(),
      now: moment.time * 1000,
      expiry: moment.time + FOREVER_S,
      executor: this.submitter.address.toLowerCase(),
      instrument: perp,
      side: "sell",
      // The worst that it takes: a stop is to get out.
      price: toWad(triggerPrice / 2),
      underlying,
      triggerPrice: toWad(triggerPrice),
      keeperFee: toWad(KEEPER_FEE),
    });
    await this.venue.place(by.actor, order, moment.time);
  }

  /** A standing bid for a perp, for stops to be filled with. */
  async bidFor(perp: bigint, size: bigint, moment: Moment): Promise<void> {
    const indexOf = (): number => this.indexAt(moment)(decodeInstrument(perp).underlying);
    const now = moment.time;
    const basket: Basket = { legs: [{ instrument: perp, ratio: -WAD }], size };
    const terms = { account: this.maker.account, nonce: this.venue.nonce(), now };
    const executor = this.submitter.address.toLowerCase();
    const { quote } = quoteFor(basket, this.markAt(moment), indexOf, { maker: terms, taker: terms, executor });
    await this.venue.place(this.maker.actor, quote, now);
  }

  /** Sends what has been matched, in one block. */
  async send(now: number): Promise<Trade[]> {
    const batches = await this.venue.batches();
    if (batches.length === 0) return [];
    const receipts = await this.mine(batches.map(({ intent }) => intent));
    const done = batches.flatMap((batch, i) => {
      const receipt = receipts[i];
      return receipt === undefined ? [] : this.venue.landed(batch, receipt, now);
    });
    this.trades.push(...done.map((trade) => ({ ...trade, time: now })));
    await this.venue.sweep(now);
    return done;
  }
}
