// The typed description of perps, options and the portfolio model of a deployment: see types.ts for units and for how faults
// are told. validateDerivatives.ts says which field is wrong.
import type { RuleParameters } from "../../sdk/tables/ruleTable.ts";
import type { ScenarioParameters } from "../../sdk/tables/scenarioTable.ts";
import type { LiquidityPoolConfig } from "./liquidityPool.ts";
import type { Address, Amount, BasisPoints, Seconds } from "./types.ts";

/** Of a notional, in millionths: see {@link feePercent}. */
export type FeeRate = number;

export const feePercent = (value: number): FeeRate => Math.round(value * 10_000);

/** Perps, options and the portfolio model. Left out of a network: spot margin alone. */
export interface DerivativesConfig {
  /** Who signs what Chainlink does not carry; `threshold` of them are enough. */
  attesters: AttestersConfig;
  /** How realised volatility is watched. */
  volatility: VolatilityConfig;
  /** w⁺: part of unsettled profit that new risk may use. 0 unless there is a reason. */
  profitWeight: BasisPoints;
  fees: FeesConfig;
  /** Each needs a pool, whose asset is its index. */
  underlyings: readonly UnderlyingConfig[];
  /** The passive maker. Left out: none. */
  liquidityPool?: LiquidityPoolConfig;
}

export interface AttestersConfig {
  signers: readonly Address[];
  threshold: number;
}

/** One watch for all underlyings (RealizedVolatility.sol). */
export interface VolatilityConfig {
  /** Grid of observations, 1 hour to 1 day. */
  interval: Seconds;
  /** After which an observation counts half. */
  halfLife: Seconds;
  /** σ per √year from the first observation on, until returns replace it. */
  initial: BasisPoints;
  /** Most that the slow σ, which maintenance uses, rises in an hour. */
  risePerHour: BasisPoints;
}

export interface FeesConfig {
  /** By rising volume; the first begins at 0. */
  tiers: readonly FeeTierConfig[];
  /** An option's fee is at most this part of its premium. */
  optionCap: BasisPoints;
  /** Owner of the account (index 0) that fees go to. */
  treasury: Address;
  /** Part of the fees that goes to the insurance fund's account instead. */
  insurancePart: BasisPoints;
}

export interface FeeTierConfig {
  /** Whole settlement tokens traded in 30 days from which it applies: a multiple of 10,000. */
  minVolume: number;
  perpMaker: FeeRate;
  perpTaker: FeeRate;
  optionMaker: FeeRate;
  optionTaker: FeeRate;
}

export interface UnderlyingConfig {
  /** Unique; names the underlying in the deployment file and in instruments' names: "ETH". */
  name: string;
  /** Symbol of the pool whose asset is the index: "WETH". Its pool number is the underlying's. */
  asset: string;
  attestations: AttestationConfig;
  perp?: PerpConfig;
  options?: OptionsConfig;
  /** Of the standard model (DESIGN 6.2). */
  rules: RuleParameters;
  /** Of the portfolio model (DESIGN 6.3). */
  scenarios: ScenarioParameters;
  /** Underlyings of one product group (number from 1) offset each other's scenarios by the part φ, the same for all. */
  group?: { number: number; phi: BasisPoints };
  /** Spot shocks grow with realised ÷ reference volatility (per √year), at most `max` times. Left out: never. */
  volatilityScale?: { reference: BasisPoints; max: BasisPoints };
}

/** When attested values are believed, and what becomes of them when no new ones come (DESIGN 5). */
export interface AttestationConfig {
  /** Older attestations are refused. */
  postAge: Seconds;
  /** Older values allow no new risk. */
  maxAge: Seconds;
  /** T_dead: from here the premium is 0, the forward moves to the index and σ to σ × stress. */
  deadAge: Seconds;
  /** Over which forward and σ get there. */
  decay: Seconds;
  /** 100 % = σ as it was. */
  stress: BasisPoints;
  /** Most change per minute: of premium and forward as a part of the index, of σ as a part of itself. */
  jumpPerMinute: { premium: BasisPoints; forward: BasisPoints; volatility: BasisPoints };
}

export interface PerpConfig {
  /** c: the premium counts within ±c in mark and funding. At most half the perp's maintenance ratio. */
  clamp: BasisPoints;
  /** Funding stands still once the stored premium is older. */
  maxPremiumAge: Seconds;
  /** Most of one side, whole underlyings: what it costs to move the index has to exceed what that would gain. */
  openInterestCap: Amount;
  /** How fast the open interest that maintenance reckons with may rise in an hour. */
  risePerHour: BasisPoints;
}

export interface OptionsConfig {
  /** Most of one side over all options of an expiry, whole underlyings. */
  openInterestCap: Amount;
  /** What is listed with the deployment, ascending; the governor lists what comes later. */
  expiries: readonly ExpiryConfig[];
}

export interface ExpiryConfig {
  /** Unix time. */
  at: number;
  /** Settlement tokens per whole underlying, ascending; each is listed as call and as put. */
  strikes: readonly Amount[];
}
