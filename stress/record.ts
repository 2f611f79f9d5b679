// What a run leaves behind, gathered look by look.
import type { Health, SeenBid, View } from "../replay/observer.ts";
import { DECIMALS, dollarsOf, type Prices, SYMBOLS, type Symbol } from "../replay/assets.ts";
import { Spells } from "./spells.ts";

const WAD = 1e18;
const INDEX_ONE = 1e15;

export const usd = (wad: bigint): number => Number(wad) / WAD;

/** Dollars, and parts of one. */
export interface BidRecord {
  readonly time: number;
  readonly hash: string;
  readonly account: string;
  readonly fraction: number;
  readonly discount: number;
  /** Paid by the bidder; negative: paid to him. */
  readonly price: number;
  readonly debtRepaid: number;
  /** Equity below zero that the bid took over. */
  readonly deficit: number;
  readonly fromInsurance: number;
  readonly writtenOff: number;
}

/** One sample of every chart, dollars. */
export interface Sample {
  readonly time: number;
  readonly eth: number;
  readonly btc: number;
  /** What the feeds say, which may be older. */
  readonly feedEth: number;
  readonly unhealthy: number;
  /** Equity below zero of all accounts together. */
  readonly hole: number;
  readonly equity: number;
  readonly debt: number;
  readonly insurance: number;
  readonly insurancePaid: number;
  readonly writtenOff: number;
  readonly bids: number;
  readonly keepers: number;
}

export class RunRecord {
  readonly samples: Sample[] = [];
  readonly bids: BidRecord[] = [];
  readonly writeOffs: { readonly time: number; readonly symbol: Symbol; readonly dollars: number }[] = [];
  readonly spells = new Spells();
  readonly everUnhealthy = new Set<string>();
  /** Supply index of each pool at every look. */
  readonly supplyIndices: Readonly<Record<Symbol, number[]>> = { USDC: [], WETH: [], WBTC: [] };
  private debtIndices: Partial<Record<Symbol, number>> = {};
  lastHealths: readonly Health[] = [];
  auctionsStarted = 0;
  looks = 0;
  firstTime = 0;
  lastTime = 0;
  insuranceBefore: number | undefined;
  insuranceAfter = 0;
  openedEquity = 0;
  mostDebt = 0;

  /** `feedEth`: what the chain's feed says; `prices`: the world's; `people`: accounts whose equity is counted. */
  note(
    view: View,
    prices: Prices,
    { feedEth, keepers, people }: { feedEth: number; keepers: number; people: ReadonlyMap<string, string> },
  ): void {
    const { time, snapshot } = view;
    this.looks += 1;
    if (this.firstTime === 0) this.firstTime = time;
    this.lastTime = time;
    const insurance = dollarsOf("USDC", view.insurance);
    this.insuranceBefore ??= insurance;
    this.insuranceAfter = insurance;
    this.auctionsStarted += view.auctionsStarted;
    this.lastHealths = view.healths;
    let debt = 0;
    for (const [i, symbol] of SYMBOLS.entries()) {
      const pool = snapshot.pools[i];
      if (pool === undefined) continue;
      this.supplyIndices[symbol].push(Number(pool.supplyIndex));
      this.debtIndices[symbol] = Number(pool.debtIndex);
      debt += dollarsOf(symbol, pool.debts, prices[symbol]);
    }
    this.mostDebt = Math.max(this.mostDebt, debt);
    for (const { account, priced, maintenance } of view.healths)
      if (priced && maintenance < 0n) this.everUnhealthy.add(account);
    this.spells.note(time, view.healths, new Set(view.bids.map(({ account }) => account)));
    for (const bid of view.bids) this.bids.push(this.bidRecord(bid, prices));
    for (const { asset, assets } of snapshot.writeOffs) {
      const symbol = SYMBOLS.find((_, i) => snapshot.pools[i]?.asset === asset);
      if (symbol !== undefined)
        this.writeOffs.push({ time, symbol, dollars: dollarsOf(symbol, assets, prices[symbol]) });
    }
    this.samples.push({
      time,
      ...{ eth: prices.WETH, btc: prices.WBTC, feedEth },
      unhealthy: view.healths.filter(({ priced, maintenance }) => priced && maintenance < 0n).length,
      hole: this.hole(view.healths),
      equity: view.healths.reduce((sum, { account, mtm }) => sum + (people.has(account) ? usd(mtm) : 0), 0),
      ...{ debt, insurance, keepers },
      insurancePaid: this.bids.reduce((sum, { fromInsurance }) => sum + fromInsurance, 0),
      writtenOff: this.writeOffs.reduce((sum, { dollars }) => sum + dollars, 0),
      bids: this.bids.length,
    });
  }

  /** Equity below zero now, dollars. */
  hole(healths: readonly Health[] = this.lastHealths): number {
    return healths.reduce((sum, { priced, mtm }) => sum + (priced ? Math.max(0, -usd(mtm)) : 0), 0);
  }

  private bidRecord(bid: SeenBid, prices: Prices): BidRecord {
    let debtRepaid = 0;
    for (const [asset, shares] of bid.debtShares) {
      const symbol = SYMBOLS[asset - 1];
      const index = symbol && this.debtIndices[symbol];
      if (symbol === undefined || index === undefined) continue;
      debtRepaid += ((Number(shares) * index) / INDEX_ONE / 10 ** DECIMALS[symbol]) * prices[symbol];
    }
    const isInsolvent = bid.price <= 0n;
    return {
      time: bid.time,
      hash: bid.hash,
      account: bid.account,
      fraction: usd(bid.fraction),
      discount: isInsolvent ? 1 : 1 - usd(bid.discountFactor),
      price: dollarsOf("USDC", bid.price),
      debtRepaid,
      deficit: usd(bid.fraction) * Math.max(0, -usd(bid.before.mtm)),
      fromInsurance: dollarsOf("USDC", bid.fromInsurance),
      writtenOff: dollarsOf("USDC", bid.writtenOff),
    };
  }
}
