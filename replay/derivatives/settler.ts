// What anybody may do for the ledger: funding, observations, checkpoints, settlement of unsettled profit, expiries.
import type { ContractTransaction } from "ethers";

import { perpWord } from "../../sdk/instruments.ts";
import { type Coin, COINS, type Symbol } from "../stage.ts";
import type { LedgerBook } from "./ledgerBook.ts";
import type { DerivativesStage } from "./stage.ts";

const HOUR_S = 3_600;
const WINDOW_S = 1_800;
const WAD = 10n ** 18n;
/** Settlement units (WAD) of one USDC unit. */
const CASH_UNIT = 10n ** 12n;
/** Less than this is left to grow. */
const LEAST = 100n * WAD;
/** Until the settlement is mined a little funding flows. */
const MARGIN_PARTS = 10_000n;
/** Settlements in one transaction. */
const MOST_PAIRS = 12;

/** Unsettled PnL of an account, WAD. */
export interface Unsettled {
  readonly account: string;
  readonly amount: bigint;
}

export interface PerpNow {
  readonly mark: bigint;
  readonly fundingIndex: bigint;
}

const floorDiv = (a: bigint, b: bigint): bigint => a / b - (a % b < 0n ? 1n : 0n);

/** The largest loser pays the largest winner, and so on. */
export function pairsOf(all: readonly Unsettled[]): { winner: string; loser: string; amount: bigint }[] {
  const bySize = (a: { left: bigint }, b: { left: bigint }): number => (a.left > b.left ? -1 : 1);
  const side = (sign: bigint) =>
    all
      .map(({ account, amount }) => ({ account, left: amount * sign }))
      .filter(({ left }) => left >= LEAST)
      .sort(bySize);
  const [winners, losers] = [side(1n), side(-1n)];
  const pairs: { winner: string; loser: string; amount: bigint }[] = [];
  while (winners[0] !== undefined && losers[0] !== undefined && pairs.length < MOST_PAIRS) {
    const [winner, loser] = [winners[0], losers[0]];
    const least = winner.left < loser.left ? winner.left : loser.left;
    const amount = (least - least / MARGIN_PARTS) / CASH_UNIT - 1n;
    pairs.push({ winner: winner.account, loser: loser.account, amount });
    for (const each of [winner, loser]) each.left -= least;
    if (winner.left < LEAST) winners.shift();
    if (loser.left < LEAST) losers.shift();
  }
  return pairs;
}

export class Settler {
  private pokedAt = 0;
  private observedAt = 0;
  private readonly submitted = new Map<Symbol, bigint>();
  private isNearSettled = false;

  constructor(
    private readonly stage: DerivativesStage,
    private readonly book: LedgerBook,
  ) {}

  /** Funding must be poked before the premium gets old; what else has an hourly rhythm comes along. */
  async pokes(time: number, isNewPremium: boolean): Promise<ContractTransaction[]> {
    if (!isNewPremium && time - this.pokedAt < HOUR_S) return [];
    this.pokedAt = time;
    const { positions, volatility, underlyingOf } = this.stage;
    const numbers = COINS.map(underlyingOf);
    const pokes = await Promise.all(numbers.map((each) => positions.pokeFunding.populateTransaction(each)));
    if (Math.floor(time / HOUR_S) === Math.floor(this.observedAt / HOUR_S)) return pokes;
    this.observedAt = time;
    const observed = numbers.flatMap((each) => [
      volatility.observe.populateTransaction(each),
      positions.checkpointOpenInterest.populateTransaction(each),
    ]);
    return [...pokes, ...(await Promise.all(observed))];
  }

  /** Marks and funding indices as the ledger has them now. */
  async perpsNow(): Promise<ReadonlyMap<bigint, PerpNow>> {
    const { positions, underlyingOf } = this.stage;
    const states = await Promise.all(
      COINS.map(async (coin: Coin): Promise<[bigint, PerpNow]> => {
        const number = underlyingOf(coin);
        const [mark, { fundingIndex }] = await Promise.all([positions.markPrice(number), positions.perpMarket(number)]);
        return [perpWord(number), { mark, fundingIndex }];
      }),
    );
    return new Map(states);
  }

  /** U of everybody, in the ledger's own arithmetic. */
  unsettled(perps: ReadonlyMap<bigint, PerpNow>, accounts: readonly string[]): Unsettled[] {
    return accounts.map((account) => {
      let amount = this.book.quoteOf(account);
      for (const [perp, { mark, fundingIndex }] of perps) {
        const { size, entry } = this.book.perpOf(account, perp);
        amount += floorDiv(-size * (fundingIndex - entry), WAD) + floorDiv(size * mark, WAD);
      }
      return { account, amount };
    });
  }

  /** One transaction for each pair: a loser whom it would put below maintenance stops nobody else. */
  async settlements(accounts: readonly string[]): Promise<ContractTransaction[]> {
    const { positions } = this.stage;
    const pairs = pairsOf(this.unsettled(await this.perpsNow(), accounts));
    return Promise.all(
      pairs.map(({ winner, loser, amount }) => positions.settle.populateTransaction(winner, loser, amount)),
    );
  }

  // ------------------------------------------------------------------ the near expiry

  /** Hands rounds in while the average before the near expiry is being made, and fixes it. */
  async rounds(time: number): Promise<ContractTransaction[]> {
    const { near } = this.stage.calendar;
    if (this.isNearSettled || time < near - WINDOW_S) return [];
    const submissions = await Promise.all(
      (["USDC", ...COINS] as const).map((symbol) => this.submission(symbol, near, time)),
    );
    return submissions.flat();
  }

  private async submission(symbol: Symbol, expiry: number, time: number): Promise<ContractTransaction[]> {
    const { settlementPrices, feeds, listed } = this.stage;
    const { asset } = listed[symbol];
    const { complete } = await settlementPrices.trackOf(asset, expiry);
    if (complete) return [];
    const latest = await feeds[symbol].latestRound();
    const from = this.submitted.get(symbol);
    const first = from === undefined ? await this.roundBefore(symbol, latest, expiry - WINDOW_S) : from + 1n;
    const ids: bigint[] = [];
    for (let id = first; id <= latest; id += 1n) ids.push(id);
    if (ids.length === 0 && time < expiry) return [];
    this.submitted.set(symbol, latest);
    return [await settlementPrices.submit.populateTransaction(asset, expiry, ids)];
  }

  private async roundBefore(symbol: Symbol, latest: bigint, time: number): Promise<bigint> {
    for (let id = latest; id > 1n; id -= 1n) {
      if ((await this.stage.feeds[symbol].getTimestamp(id)) <= BigInt(time)) return id;
    }
    return 1n;
  }

  /** Stores the final price and has the clearing accounts take everybody's options over; nothing while it is not final. */
  async expiry(time: number): Promise<ContractTransaction[]> {
    const { positions, settlementPrices, calendar, underlyingOf } = this.stage;
    const { near } = calendar;
    if (this.isNearSettled || time < near) return [];
    const prices = await Promise.all(COINS.map((coin) => settlementPrices.settlementPrice(underlyingOf(coin), near)));
    if (!prices.every(({ isFinal }) => isFinal)) return [];
    this.isNearSettled = true;
    const holders = [...this.book.accounts.keys()].filter((account) => this.book.holdsExpiry(account, near));
    return Promise.all([
      ...COINS.map((coin) => positions.settleExpiry.populateTransaction(underlyingOf(coin), near)),
      ...holders.map((account) => positions.touch.populateTransaction(account)),
    ]);
  }
}
