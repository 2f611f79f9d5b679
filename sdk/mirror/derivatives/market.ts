// Everything besides the account that the margins of perps and options depend on, at one block, as plain data. It can be read from storage
// (words.ts decodes the words) or kept up to date from events. Values that only time changes (funding, ages, fixings) are kept as
// they were stored, so one snapshot serves any later moment until something is posted, poked or traded.
import type { RuleTerms, ScenarioTerms } from "./terms.ts";

export type { RuleTerms, ScenarioCell, ScenarioTerms } from "./terms.ts";

/** An underlying in the ledger table's directory (contracts/risk/LedgerTable.sol), with its records. */
export interface LedgerUnderlying {
  /** Pool number of the index, 2..255. */
  readonly number: number;
  /** Product group; 0: alone. */
  readonly group: number;
  /** φ of the group, basis points. */
  readonly phiBps: bigint;
  /** Per √year, basis points; 0: shocks are not scaled. */
  readonly referenceVolatilityBps: bigint;
  /** The most that realised volatility may scale spot shocks by, basis points. */
  readonly maxScaleBps: bigint;
  readonly rules: RuleTerms;
  readonly scenarios: ScenarioTerms;
}

/** The ledger table in force, decoded by `decodeLedgerTable`. */
export interface LedgerTable {
  /** w⁺: the part of unsettled profit that new risk may use, basis points. */
  readonly profitWeightBps: bigint;
  /** Who says whose attested credit counts, lower case; left out: nobody's does. */
  readonly creditTiers?: string;
  /** In the directory's order. */
  readonly underlyings: readonly LedgerUnderlying[];
}

/** Of `FundingWord`. Settlement units WAD per whole underlying; positive rates: longs pay. */
export interface FundingState {
  /** At {@link time}. */
  readonly index: bigint;
  /** Per eight hours. */
  readonly rate: bigint;
  /** Seconds; of the last poke. */
  readonly time: bigint;
  /** Seconds from `time` for which the rate counts. */
  readonly span: bigint;
}

/** A perp market as `Positions` stores it. Sizes are whole underlyings WAD. */
export interface PerpMarket {
  readonly listed: boolean;
  readonly frozen: boolean;
  readonly closed: boolean;
  /** Settlement units WAD; 0 while not frozen. */
  readonly frozenMark: bigint;
  readonly openInterest: bigint;
  /** The checkpoint that maintenance reckons with. */
  readonly slowOpenInterest: bigint;
  readonly openInterestCap: bigint;
  /** The premium counts within ±clamp, WAD. */
  readonly clamp: bigint;
  readonly funding: FundingState;
}

/** An expiry's market as `Positions` stores it. */
export interface ExpiryMarket {
  readonly listed: boolean;
  readonly reduceOnly: boolean;
  /** Settlement units WAD once it is settled; undefined before (a settlement price may be 0). */
  readonly settledAt?: bigint;
  /** Whole underlyings WAD, one side over all its options; 0 once settled. */
  readonly openInterest: bigint;
  readonly openInterestCap: bigint;
}

/** The last premium attested of a perp, with the ages that were in force when it was posted. */
export interface AttestedPremium {
  /** Of the index, WAD, not clamped. */
  readonly value: bigint;
  /** WAD. */
  readonly confidence: bigint;
  readonly time: bigint;
  readonly maxAge: bigint;
  readonly deadAge: bigint;
}

/** The last forward attested of an expiry; the ages count for its smile too. */
export interface AttestedForward {
  /** Forward ÷ index, WAD. */
  readonly ratio: bigint;
  /** Continuous, per year, WAD. */
  readonly rate: bigint;
  /** WAD; the smaller of forward's and rate's. */
  readonly confidence: bigint;
  readonly time: bigint;
  readonly maxAge: bigint;
  readonly deadAge: bigint;
}

/** The last smile attested of an expiry: raw SVI of total variance, WAD. */
export interface AttestedSmile {
  readonly a: bigint;
  readonly b: bigint;
  readonly rho: bigint;
  readonly m: bigint;
  readonly sigma: bigint;
  /** F_ref, settlement units WAD. */
  readonly forwardReference: bigint;
  readonly confidence: bigint;
  readonly time: bigint;
}

/** What `AttestedFeed` stores of an expiry. Give the same object while nothing new is posted: volatilities are remembered by it. */
export interface AttestedExpiry {
  readonly forward: AttestedForward;
  readonly smile: AttestedSmile;
}

/** The limits of an underlying that count when its attestations are dead. */
export interface DecayLimits {
  /** Seconds from dead to wholly decayed. */
  readonly decay: bigint;
  /** What volatilities are multiplied by then, basis points. */
  readonly stress: bigint;
}

/** One asset's half of a settlement average as `SettlementPrices` stores it. */
export interface SettlementTrack {
  readonly heartbeat: bigint;
  readonly feedDecimals: number;
  readonly round: bigint;
  /** When the last round with a time began. */
  readonly time: bigint;
  /** Its answer; 0 when it is not sound. */
  readonly price: bigint;
  /** Seconds of the window that are in the sum. */
  readonly weight: bigint;
  readonly complete: boolean;
  readonly sum: bigint;
  /** Round id that the track's feed calls its latest now; 0 where it cannot be read. While it is `round` its price goes on counting. */
  readonly latestRound: bigint;
}

/** Realised volatility of an underlying as observed last, WAD per √year. */
export interface ObservedVolatility {
  readonly sigma: bigint;
  /** At {@link time}. */
  readonly slow: bigint;
  readonly time: bigint;
}

/** A row of the exchange's fees; rates in millionths. */
export interface FeeTier {
  /** Whole settlement units of 30 days' volume from which the row counts. */
  readonly minVolume: bigint;
  readonly perpMaker: bigint;
  readonly perpTaker: bigint;
  readonly optionMaker: bigint;
  readonly optionTaker: bigint;
}

/** The exchange's fees. */
export interface FeeSchedule {
  /** By rising volume, the first from 0. Empty: no fees. */
  readonly tiers: readonly FeeTier[];
  /** The most that an option's fee is of its premium, basis points. */
  readonly optionCapBps: bigint;
}

/**
 * Perps, options and their feeds at one block. Maps by underlying, or by {@link expiryKey}. Never changed in place: what is worked out of one
 * is remembered by it.
 */
export interface LedgerMarket {
  readonly table: LedgerTable;
  readonly perps: ReadonlyMap<number, PerpMarket>;
  readonly expiries: ReadonlyMap<number, ExpiryMarket>;
  /** Instrument words that are listed; without it previews of fills do not ask. */
  readonly options?: ReadonlySet<bigint>;
  readonly premiums: ReadonlyMap<number, AttestedPremium>;
  readonly attested: ReadonlyMap<number, AttestedExpiry>;
  readonly limits: ReadonlyMap<number, DecayLimits>;
  /** Final prices, by expiry. */
  readonly settlementPrices: ReadonlyMap<number, bigint>;
  /** Tracks by `expiryKey(asset, expiry)`; the settlement asset is asset 1. Only expiries less than 30 minutes away, or past, have any. */
  readonly tracks: ReadonlyMap<number, SettlementTrack>;
  readonly volatilities: ReadonlyMap<number, ObservedVolatility>;
  /** Most that the slow volatility rises per hour, basis points. */
  readonly volatilityRisePerHour: bigint;
  readonly fees?: FeeSchedule;
}

const EXPIRY_SPAN = 2 ** 40;

/** The number of an expiry: underlying · 2^40 + expiry, as the contracts have it. */
export const expiryKey = (underlying: number, expiry: number): number => underlying * EXPIRY_SPAN + expiry;

/** The reverse of {@link expiryKey}. */
export const splitExpiryKey = (key: number): { underlying: number; expiry: number } => ({
  underlying: Math.floor(key / EXPIRY_SPAN),
  expiry: key % EXPIRY_SPAN,
});
