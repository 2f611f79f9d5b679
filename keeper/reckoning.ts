// What the chain says besides the accounts: prices of gas, routes, terms of the auction. Kept between rounds where it rarely changes.
import type { LiquidationAuction } from "../types/ethers-contracts/index.js";
import type { Chain, Neighbours } from "./chain.ts";
import { readUpkeep, type Upkeep } from "./chores/prices.ts";
import { decimal } from "./logger.ts";
import type { Pace } from "./liquidation/patience.ts";
import type { Economics } from "./liquidation/planner.ts";
import { Routes } from "./routes.ts";
import { isRevert, readPendingTime } from "./rpc.ts";
import { type Fees, readFees } from "./fees.ts";

const SETTLEMENT = 1;
const WAD_DECIMALS = 18n;
const WAD = 10n ** 18n;
const ROUTES_EVERY_MS = 600_000;

/** What one round reckons with. */
export interface Round {
  /** Time of the next block, as far as the node knows. */
  readonly now: number;
  readonly fees: Fees;
  readonly economics: Economics;
  readonly neighbours: Neighbours;
  /** Part of the requirement that insurance adds for insolvent accounts. */
  readonly q: bigint;
  readonly pace: Pace;
  readonly pickRoutes: Awaited<ReturnType<Routes["prepare"]>>;
}

export class Reckoning {
  private routes: { found: Routes; at: number } | undefined;
  private upkeep: { engine: string; needs: Upkeep } | undefined;
  private auctionTerms: { auction: string; terms: Pace & { q: bigint } } | undefined;
  private nativePrice: bigint | undefined;
  private lastGasPrice = 0n;

  private constructor(
    private readonly chain: Chain,
    /** Whole settlement tokens, WAD. */
    private readonly minProfit: bigint,
    private readonly wrappedNative: bigint,
    readonly settlementDecimals: bigint,
  ) {}

  static async create(chain: Chain, minProfit: bigint): Promise<Reckoning> {
    const { safe } = chain;
    const [wrappedNative, { decimals }] = await Promise.all([
      safe.wrappedNative().then((token) => safe.assetIdOf(token)),
      safe.assetToken(SETTLEMENT),
    ]);
    return new Reckoning(chain, minProfit, wrappedNative, decimals);
  }

  /** WADs of settlement units for one unit of the settlement token. */
  get unit(): bigint {
    return 10n ** (WAD_DECIMALS - this.settlementDecimals);
  }

  /** Settlement token units as decimal text. */
  money(value: bigint): string {
    return decimal(value, this.settlementDecimals);
  }

  /** Of an ordinary bid, the least profit included: whole settlement tokens. */
  usualCost(gas: bigint): number {
    const cost = this.lastGasPrice * gas * (this.nativePrice ?? 0n);
    return Number(cost / WAD) / 1e18 + Number(this.minProfit) / 1e18;
  }

  /** To count gas that was spent; before the first round it has no price. */
  rates(): Pick<Economics, "nativePrice" | "settlementDecimals"> {
    return { nativePrice: this.nativePrice ?? 0n, settlementDecimals: this.settlementDecimals };
  }

  async round(neighbours: Neighbours, timestamp: number): Promise<Round> {
    const { provider } = this.chain;
    const [fees, nativePrice, routes, terms, pendingTime] = await Promise.all([
      readFees(provider),
      this.priceOfNative(neighbours),
      this.findRoutes(),
      this.termsOf(neighbours.auction),
      readPendingTime(provider),
    ]);
    this.lastGasPrice = fees.baseFee + fees.tip;
    const economics: Economics = {
      nativePrice,
      settlementDecimals: this.settlementDecimals,
      gasPrice: fees.baseFee + fees.tip,
      minProfit: this.minProfit / this.unit,
    };
    return {
      now: Math.max(timestamp, pendingTime),
      fees,
      economics,
      neighbours,
      q: terms.q,
      pace: terms,
      pickRoutes: await routes.prepare(),
    };
  }

  async upkeepOf({ engine }: Neighbours): Promise<Upkeep> {
    const address = await engine.getAddress();
    if (this.upkeep?.engine !== address) this.upkeep = { engine: address, needs: await readUpkeep(engine) };
    return this.upkeep.needs;
  }

  private async priceOfNative({ engine }: Neighbours): Promise<bigint> {
    try {
      this.nativePrice = await engine.midPrice(this.wrappedNative);
    } catch (error) {
      // Gas is small beside a bid: the last price will do while the feed is silent.
      if (!isRevert(error) || this.nativePrice === undefined) throw error;
    }
    return this.nativePrice;
  }

  private async findRoutes(): Promise<Routes> {
    const { safe, uniswap } = this.chain;
    if (this.routes === undefined || Date.now() - this.routes.at > ROUTES_EVERY_MS) {
      this.routes = { found: await Routes.discover(safe, uniswap), at: Date.now() };
    }
    return this.routes.found;
  }

  private async termsOf(auction: LiquidationAuction): Promise<Pace & { q: bigint }> {
    const address = await auction.getAddress();
    if (this.auctionTerms?.auction !== address) {
      const { start, cut, fast, slow, q } = await auction.parameters();
      this.auctionTerms = { auction: address, terms: { start, cut, fast, slow, q } };
    }
    return this.auctionTerms.terms;
  }
}
