// What the report draws and the summary sums up, gathered look by look.
import type { Health, SeenBid, View } from "../../replay/observer.ts";
import type { Trader } from "../../replay/opening.ts";
import { type Coin, DECIMALS, dollarsOf, type Prices, SYMBOLS, type Symbol } from "../../replay/stage.ts";

const INDEX_ONE = 1e15;
const WAD = 1e18;

export interface PoolRecord {
  readonly supplyIndex: bigint;
  readonly debtIndex: bigint;
  readonly claims: bigint;
  readonly debts: bigint;
}

/** A bid in dollars and shares of one. */
export interface BidRecord {
  readonly time: number;
  readonly account: string;
  readonly fraction: number;
  readonly maxFraction: number;
  readonly discountFactor: number;
  /** Paid by the bidder; negative: paid to it. */
  readonly price: number;
  /** By which the account's debts went down. */
  readonly debtRepaid: number;
  readonly profit: number;
  readonly fromInsurance: number;
  readonly writtenOff: number;
  readonly insolvent: boolean;
}

/** One sample of every chart. */
export interface Sample {
  readonly time: number;
  readonly prices: Readonly<Record<Coin, number>>;
  readonly equity: number;
  readonly debt: number;
  readonly insurance: number;
  /** Accounts that could be bid on. */
  readonly unhealthy: number;
  /** maintenance ÷ mtm by trader; null without equity. */
  readonly margins: readonly (number | null)[];
}

const usd = (wad: bigint): number => Number(wad) / WAD;

export class Recorder {
  readonly samples: Sample[] = [];
  readonly bids: BidRecord[] = [];
  readonly writeOffs: { time: number; symbol: string; dollars: number }[] = [];
  /** Accounts ever seen below maintenance. */
  readonly everUnhealthy = new Set<string>();
  /** Charts begin when the first accounts are open. */
  isDrawing = false;
  toppedUp = 0;
  /** Openings that the contracts refused. */
  refused = 0;
  auctionsStarted = 0;
  looks = 0;
  firstPools: ReadonlyMap<Symbol, PoolRecord> | undefined;
  lastPools: ReadonlyMap<Symbol, PoolRecord> = new Map();
  firstTime = 0;
  lastTime = 0;
  insuranceBefore: number | undefined;
  insuranceAfter = 0;
  lastPrices: Prices = { USDC: 1, WETH: 0, WBTC: 0 };
  lastHealths: ReadonlyMap<string, Health> = new Map();

  constructor(readonly traders: readonly Trader[]) {}

  note(view: View, prices: Prices): void {
    this.looks += 1;
    const pools = new Map(
      SYMBOLS.map((symbol, i): [Symbol, PoolRecord] => {
        const pool = view.snapshot.pools[i];
        if (pool === undefined) throw new Error(`no pool of ${symbol}`);
        return [symbol, pool];
      }),
    );
    const insurance = dollarsOf("USDC", view.insurance);
    if (this.firstPools === undefined) {
      [this.firstPools, this.firstTime, this.insuranceBefore] = [pools, view.time, insurance];
    }
    [this.lastPools, this.lastTime, this.insuranceAfter, this.lastPrices] = [pools, view.time, insurance, prices];
    this.auctionsStarted += view.auctionsStarted;
    this.lastHealths = new Map(view.healths.map((health) => [health.account, health]));
    for (const { account, priced, maintenance } of view.healths) {
      if (priced && maintenance < 0n) this.everUnhealthy.add(account);
    }
    for (const bid of view.bids) this.bids.push(this.bidRecord(bid, prices));
    for (const { asset, assets } of view.snapshot.writeOffs) {
      const symbol = SYMBOLS.find((_, i) => view.snapshot.pools[i]?.asset === asset);
      if (symbol === undefined) continue;
      this.writeOffs.push({ time: view.time, symbol, dollars: dollarsOf(symbol, assets, prices[symbol]) });
    }
    if (this.isDrawing) this.samples.push(this.sample(view, prices, insurance));
  }

  /** Debts of all pools, dollars. */
  private debtOf(prices: Prices): number {
    let sum = 0;
    for (const [symbol, { debts }] of this.lastPools) sum += dollarsOf(symbol, debts, prices[symbol]);
    return sum;
  }

  private sample(view: View, prices: Prices, insurance: number): Sample {
    const healths = this.traders.map(({ account }) => this.lastHealths.get(account));
    return {
      time: view.time,
      prices: { WETH: prices.WETH, WBTC: prices.WBTC },
      equity: healths.reduce((sum, health) => sum + usd(health?.mtm ?? 0n), 0),
      debt: this.debtOf(prices),
      insurance,
      unhealthy: healths.filter((health) => health !== undefined && health.maintenance < 0n).length,
      margins: healths.map((health) =>
        health === undefined || health.mtm === 0n ? null : marginRatio(health.maintenance, health.mtm),
      ),
    };
  }

  private bidRecord(bid: SeenBid, prices: Prices): BidRecord {
    let debtRepaid = 0;
    for (const [asset, shares] of bid.debtShares) {
      const symbol = SYMBOLS[asset - 1];
      const index = symbol && this.lastPools.get(symbol)?.debtIndex;
      if (symbol === undefined || index === undefined) continue;
      debtRepaid += ((Number(shares) * Number(index)) / INDEX_ONE / 10 ** DECIMALS[symbol]) * prices[symbol];
    }
    return {
      time: bid.time,
      account: bid.account,
      fraction: usd(bid.fraction),
      maxFraction: usd(bid.maxFraction),
      discountFactor: usd(bid.discountFactor),
      price: dollarsOf("USDC", bid.price),
      debtRepaid,
      profit: dollarsOf("USDC", bid.profit),
      fromInsurance: dollarsOf("USDC", bid.fromInsurance),
      writtenOff: dollarsOf("USDC", bid.writtenOff),
      insolvent: bid.price <= 0n,
    };
  }
}

/** maintenance ÷ |equity|: of an account under water it is at most −1. */
const marginRatio = (maintenance: bigint, mtm: bigint): number => Number(maintenance) / Math.abs(Number(mtm));
