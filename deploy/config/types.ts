// The typed description of a deployment. Amounts are whole tokens in decimal text ("1000.5"), shares of one are basis
// points (see percent), times are seconds. validate.ts says which field is wrong, and why, before anything is sent.

import type { DerivativesConfig } from "./derivatives.ts";

export type Address = `0x${string}`;
/** 100 = 1 %. */
export type BasisPoints = number;
export type Seconds = number;
/** Whole tokens in decimal text. */
export type Amount = string;
/** Whole tokens in decimal text, or "none": no cap. */
export type Cap = string;

export const percent = (value: number): BasisPoints => Math.round(value * 100);
export const minutes = (value: number): Seconds => value * 60;
export const hours = (value: number): Seconds => value * 3600;
export const days = (value: number): Seconds => value * 86_400;

/** A whole deployment on one network. */
export interface NetworkConfig {
  /** For people. */
  name: string;
  chainId: number;
  /** The token that native value is wrapped into. */
  wrappedNative: Address;
  /** Uniswap v3's factory, through whose pools routers and the unwinder swap. */
  uniswapFactory: Address;
  governance: GovernanceConfig;
  oracles: OracleConfig;
  /** How fast the totals that maintenance haircuts reckon with may rise in an hour. */
  sizeRisePerHour: BasisPoints;
  /** In listing order. The first one is the settlement asset; pools and idle assets are each numbered from 1. */
  assets: readonly AssetConfig[];
  auction: AuctionConfig;
  /** Perps, options and the portfolio model. Left out: spot alone. */
  derivatives?: DerivativesConfig;
}

export interface GovernanceConfig {
  /** Between a proposal and its execution; also the floor that the timelock's delay can never go under. */
  timelockDelay: Seconds;
  /** Proposes to the timelock and may cancel there. */
  governor: Address;
  /** Pauses, nothing else. */
  guardian: Address;
  /** Reserved: no function has this role yet. */
  riskSteward: Address;
  /** Reserved: no function has this role yet. */
  feeCollector: Address;
}

export interface OracleConfig {
  /** Chainlink's uptime feed of an L2's sequencer, and how long prices rest after it came back. */
  sequencer?: { feed: Address; grace: Seconds };
  /** T_dev: how long two sources must have disagreed before liquidation uses the primary alone. At most 5 minutes. */
  deviationDelay: Seconds;
}

/** A token, where its price comes from, what it counts for, and how it is kept. */
export type AssetConfig = PoolAssetConfig | IdleAssetConfig;

interface CommonAssetConfig {
  /** Unique; names the asset in the deployment file. */
  symbol: string;
  token: Address;
  decimals: number;
  /** What the listing takes from the deployer to try the token out. */
  probe: Amount;
  feed: FeedConfig;
  twap?: TwapConfig;
  risk: RiskConfig;
  /** Net outflow limit: a bucket of `capacity` that refills within `window`. Left out: none. */
  outflow?: { capacity: Amount; window: Seconds };
}

/** Lent and borrowed. */
export interface PoolAssetConfig extends CommonAssetConfig {
  kind: "pool";
  pool: PoolSettings;
}

/** Collateral that is never lent. */
export interface IdleAssetConfig extends CommonAssetConfig {
  kind: "idle";
  /** Most of it that all accounts may hold together. */
  cap: Cap;
}

/** A Chainlink USD feed, and when to believe it. */
export interface FeedConfig {
  address: Address;
  decimals: number;
  /** Oldest answer that counts: the published heartbeat and a little for inclusion. */
  heartbeat: Seconds;
  /** USD. An answer at or below `min`, or at or above `max`, says nothing (the aggregator may be clamped). */
  min: Amount;
  max: Amount;
}

/** A second source: the time-weighted price of a Uniswap v3 pool. */
export interface TwapConfig {
  pool: Address;
  /** Symbol of the pool's other token. */
  quote: string;
  window: Seconds;
  /** Sources further apart than this stop new risk. */
  deviation: BasisPoints;
  /** Least harmonic mean of the pool's liquidity over the window, in Uniswap's units. */
  minLiquidity: bigint;
}

/** What value loses in the margin, as collateral and as debt alike. */
export interface HaircutConfig {
  /** hMM, in the maintenance margin. */
  maintenance: BasisPoints;
  /** ΔhIM, what the initial margin takes on top. */
  initialExtra: BasisPoints;
}

export interface RiskConfig {
  haircut: HaircutConfig;
  /** Haircut on top of all before, on the part above a size: the brackets of an income tax. At most two. */
  brackets?: readonly { above: Amount; addOn: BasisPoints }[];
  /** κ: an account counts as at least this part of all the collateral there is, for accounts are free to split. */
  kappa?: BasisPoints;
  /** Assets of one group (number from 1) are margined against each other with this lower haircut, the same for all. */
  group?: { number: number; haircut: HaircutConfig };
}

export type RateModelConfig =
  /** The safe's built-in curve, which learns the rate that keeps 90 % lent. */
  | { kind: "adaptive" }
  /** Yearly: at no use, the rise up to the kink, the rise from there to full use. */
  | { kind: "kinked"; base: BasisPoints; slope1: BasisPoints; slope2: BasisPoints; kink: BasisPoints };

export interface PoolSettings {
  supplyCap: Cap;
  borrowCap: Cap;
  /** A borrow may not leave debts above this part of the claims. */
  maxUtilisation: BasisPoints;
  /** Part of the accounts' claims that lenders and borrowers must leave in cash, so that seized collateral can leave. */
  reservedPart: BasisPoints;
  /** Part of the borrow and utilisation caps that only settlement of profits may use. */
  settlementPart: BasisPoints;
  /** Part of the interest that goes to the insurance fund. */
  reserveFactor: BasisPoints;
  rateModel: RateModelConfig;
  vault: {
    name: string;
    symbol: string;
    /** The vault's share as yield-bearing collateral. */
    collateral: {
      risk: RiskConfig;
      /** Most of it that all accounts may hold together, in shares. "0": not accepted. */
      cap: Cap;
      /** Most of the pool's shares that accounts may hold. */
      maxPart: BasisPoints;
    };
  };
}

export interface AuctionConfig {
  /** Discount factor at the start, and when the fast phase ends. */
  start: BasisPoints;
  cut: BasisPoints;
  /** From `start` to `cut`. */
  fast: Seconds;
  /** From `cut` to nothing. */
  slow: Seconds;
  /** Part of the requirement that the largest bid restores above maintenance. */
  buffer: BasisPoints;
  /** Whole settlement tokens: an account with no more for sale is sold whole. */
  dustThreshold: Amount;
  /** T_ins: over which the payment of an insolvent account's bidder rises. */
  insuranceTime: Seconds;
  /** q: part of the requirement that it rises by. */
  insuranceShare: BasisPoints;
  /** Part of the first price for whoever started the auction. */
  starterFee: BasisPoints;
}
