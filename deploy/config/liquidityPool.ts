// The typed description of the liquidity pool of a deployment: see types.ts for units. It is optional; a network without it has no
// price on-chain but that of its makers.
import type { FeeRate } from "./derivatives.ts";
import type { Address, Amount, BasisPoints, Seconds } from "./types.ts";

export interface LiquidityPoolConfig {
  /** Of the share, an ERC-20. */
  name: string;
  symbol: string;
  /** Deposits may not lift the pool above. */
  depositCap: Amount;
  /** Between asking to leave and leaving, 1 hour to 14 days. */
  exitDelay: Seconds;
  /** Part of its margin requirement that the pool keeps free above it. */
  reserve: BasisPoints;
  /** Different options held, at most 64. */
  maxOptions: number;
  /** Whole settlement tokens: Σ |delta| · index, and Σ |vega|. */
  totalDelta: number;
  totalVega: number;
  /** By names of `derivatives.underlyings`; what is not here is not quoted. */
  markets: readonly PoolMarketConfig[];
  /** The first deposit, by the deployer, whose shares go to `owner`. */
  seed?: { amount: Amount; owner: Address };
}

/** How one underlying is quoted (docs/liquidity-pool.md). */
export interface PoolMarketConfig {
  underlying: string;
  /** Half-spread, part of the index. Not below what the index feed may lag. */
  base: FeeRate;
  /** By which the marginal price has moved at the delta limit, part of the index. */
  skew: FeeRate;
  /** Half-spread of an option and move of its marginal price at the vega limit, in volatility. */
  volSpread: FeeRate;
  volSkew: FeeRate;
  /** Least half-spread of an option, part of the index. */
  optionMin: FeeRate;
  /** 100 = 1: of σ · √(age of the index). */
  ageWeight: number;
  /** 100 = 1: of the distance between the index feed's two sources. */
  deviationWeight: number;
  /** An older index is not quoted on. */
  maxAge: Seconds;
  /** Options nearer to their expiry are not quoted. */
  minTime: Seconds;
  /** Whole underlyings; 0: not quoted. */
  deltaLimit: Amount;
  /** Whole settlement tokens per 1.00 of volatility. */
  vegaLimit: Amount;
  /** Whole underlyings, Σ |size|. */
  optionLimit: Amount;
}
