// What the feeds say at a moment: attested values with their decay and stress (contracts/oracles/AttestedFeed.sol), the part of a settlement
// average that is fixed (SettlementPrices.sol), realised volatility (RealizedVolatility.sol).
import type { AttestedSmile, LedgerMarket, LedgerTable, SettlementTrack } from "./market.ts";
import { expiryKey } from "./market.ts";
import { Refused } from "../errors.ts";
import { BPS, max, min, WAD, YEAR } from "../fixed.ts";
import { smileOf, volatilityAt, type Smile, type SmileParameters } from "./svi.ts";

/** Before an expiry its average is being fixed for so long, seconds. */
export const WINDOW = 1_800n;
const SETTLEMENT_POOL = 1;
const HOUR = 3_600n;

/** `AttestedFeed.premium` at a time. */
export interface PremiumReading {
  /** Of the index, WAD, not clamped; 0 after T_dead. */
  readonly value: bigint;
  readonly confidence: bigint;
  readonly stale: boolean;
}

/** `AttestedFeed.premium` at `time`. */
export const premiumAt = (market: LedgerMarket, underlying: number, time: bigint): PremiumReading => {
  const premium = market.premiums.get(underlying);
  if (premium === undefined) return { value: 0n, confidence: 0n, stale: true };
  const age = time - premium.time;
  return {
    value: age <= premium.deadAge ? premium.value : 0n,
    confidence: premium.confidence,
    stale: age > premium.maxAge,
  };
};

/** One expiry as the scale uses it: `ExpiryFeed` of contracts/interfaces/IAttestedFeed.sol. WAD unless said otherwise. */
export interface ExpiryFeed {
  readonly forwardRatio: bigint;
  readonly rate: bigint;
  readonly smile: SmileParameters & { readonly forwardReference: bigint };
  /** Years, from the attestation to the expiry. */
  readonly tau: bigint;
  /** Above 1 after T_dead. */
  readonly volFactor: bigint;
  readonly forwardConfidence: bigint;
  readonly volConfidence: bigint;
  readonly stale: boolean;
}

/** How much of the way from "as attested" to "dead", WAD. */
const decayed = (age: bigint, deadAge: bigint, decay: bigint): bigint => {
  if (age <= deadAge) return 0n;
  return age - deadAge >= decay ? WAD : ((age - deadAge) * WAD) / decay;
};

/** `AttestedFeed.expiryFeeds` of one expiry at `time`. Reverts `UnknownExpiry`. */
export const expiryFeedAt = (market: LedgerMarket, underlying: number, expiry: number, time: bigint): ExpiryFeed => {
  const attested = market.attested.get(expiryKey(underlying, expiry));
  if (attested === undefined) throw new Refused("UnknownExpiry", BigInt(underlying), BigInt(expiry));
  const { forward, smile } = attested;
  const end = BigInt(expiry);
  const now = min(time, end);
  const [forwardAge, smileAge] = [now - forward.time, now - smile.time];
  const age = max(forwardAge, smileAge);
  const feed = {
    forwardRatio: forward.ratio,
    rate: forward.rate,
    smile,
    tau: ((end - smile.time) * WAD) / YEAR,
    volFactor: WAD,
    forwardConfidence: forward.confidence,
    volConfidence: smile.confidence,
    stale: age > forward.maxAge,
  };
  if (age <= forward.deadAge) return feed;
  const { decay, stress } = market.limits.get(underlying) ?? { decay: 0n, stress: 0n };
  const left = WAD - decayed(forwardAge, forward.deadAge, decay);
  return {
    ...feed,
    forwardRatio: WAD + ((forward.ratio - WAD) * left) / WAD,
    volFactor: WAD + (decayed(smileAge, forward.deadAge, decay) * (stress - BPS)) / BPS,
  };
};

// ---------------------------------------------------------------- settlement averages

/** How much of a settlement average is known. */
export interface Fixing {
  /** Of the average, WAD. */
  readonly part: bigint;
  /** Its average so far, settlement units WAD. */
  readonly price: bigint;
}

const NOTHING: Fixing = { part: 0n, price: 0n };

/** Average so far, USD WAD, and its seconds. */
const soFar = (
  track: SettlementTrack | undefined,
  expiry: bigint,
  time: bigint,
): { readonly average: bigint; readonly weight: bigint } => {
  if (track === undefined) return { average: 0n, weight: 0n };
  let [weight, sum] = [track.weight, track.sum];
  if (!track.complete && track.latestRound === track.round && track.price !== 0n) {
    const from = max(track.time, expiry - WINDOW);
    const until = min(min(time, expiry), track.time + track.heartbeat);
    if (until > from) {
      weight += until - from;
      sum += track.price * (until - from);
    }
  }
  if (weight === 0n) return { average: sum, weight };
  return { average: (sum * 10n ** BigInt(18 - track.feedDecimals)) / weight, weight };
};

/** `SettlementPrices.fixing` at `time`. */
export const fixingAt = (market: LedgerMarket, underlying: number, expiry: number, time: bigint): Fixing => {
  const end = BigInt(expiry);
  if (time + WINDOW <= end) return NOTHING;
  const final = market.settlementPrices.get(expiryKey(underlying, expiry)) ?? 0n;
  if (final !== 0n) return { part: WAD, price: final };
  const own = soFar(market.tracks.get(expiryKey(underlying, expiry)), end, time);
  if (own.weight === 0n) return NOTHING;
  const unit = soFar(market.tracks.get(expiryKey(SETTLEMENT_POOL, expiry)), end, time);
  if (unit.weight === 0n) return NOTHING;
  return {
    part: (min(own.weight, unit.weight) * WAD) / WINDOW,
    price: (own.average * WAD) / unit.average,
  };
};

// ---------------------------------------------------------------- realised volatility

/** `RealizedVolatility.volatility` at a time. */
export interface VolatilityReading {
  /** WAD per √year. */
  readonly sigma: bigint;
  readonly slow: bigint;
}

/** `RealizedVolatility.volatility` at `time`. */
export const realisedAt = (market: LedgerMarket, underlying: number, time: bigint): VolatilityReading => {
  const last = market.volatilities.get(underlying);
  if (last === undefined) return { sigma: 0n, slow: 0n };
  const rise = (last.slow * market.volatilityRisePerHour * (time - last.time)) / (BPS * HOUR);
  return { sigma: last.sigma, slow: min(last.sigma, last.slow + rise) };
};

// ---------------------------------------------------------------- all of it

/** What margins read of feeds at one moment. {@link readingsAt} makes one of a market; a test may script its own. */
export interface LedgerReadings {
  readonly table: LedgerTable;
  readonly time: bigint;
  /** What was attested of an expiry, as it counts now. */
  expiryFeed(underlying: number, expiry: number): ExpiryFeed;
  /** How far its settlement average has come. */
  fixing(underlying: number, expiry: number): Fixing;
  /** Realised volatility now. */
  realised(underlying: number): VolatilityReading;
}

const memoised = <T>(read: (underlying: number, expiry: number) => T): ((underlying: number, expiry: number) => T) => {
  const known = new Map<number, T>();
  return (underlying, expiry) => {
    const key = expiryKey(underlying, expiry);
    let value = known.get(key);
    if (value === undefined) known.set(key, (value = read(underlying, expiry)));
    return value;
  };
};

const lastReadings = new WeakMap<LedgerMarket, LedgerReadings>();

/** Every reading of a market is made once and remembered until another moment is asked for. */
export const readingsAt = (market: LedgerMarket, time: bigint): LedgerReadings => {
  const known = lastReadings.get(market);
  if (known?.time === time) return known;
  const readings: LedgerReadings = {
    table: market.table,
    time,
    expiryFeed: memoised((underlying, expiry) => expiryFeedAt(market, underlying, expiry, time)),
    fixing: memoised((underlying, expiry) => fixingAt(market, underlying, expiry, time)),
    realised: (underlying) => realisedAt(market, underlying, time),
  };
  lastReadings.set(market, readings);
  return readings;
};

// ---------------------------------------------------------------- volatilities, remembered by what was attested

type Attested = SmileParameters & Pick<AttestedSmile, "forwardReference">;
interface Remembered {
  readonly smile: Smile;
  readonly tau: bigint;
  /** σ by strike, before any stress. */
  readonly sigmas: Map<bigint, bigint>;
}
/** An option's σ follows from its strike and the smile alone, so it outlives every price: it goes with the attestation. */
const remembered = new WeakMap<Attested, Remembered>();

/** σ at strikes of an expiry, per √year, WAD. */
export const volatilities = (feed: ExpiryFeed): ((strike: bigint) => bigint) => {
  const tau = feed.tau === 0n ? 1n : feed.tau;
  let known = remembered.get(feed.smile);
  if (known === undefined || known.tau !== tau) {
    known = { smile: smileOf(feed.smile), tau, sigmas: new Map() };
    remembered.set(feed.smile, known);
  }
  const { smile, sigmas } = known;
  const factor = feed.volFactor;
  return (strike) => {
    let sigma = sigmas.get(strike);
    if (sigma === undefined) {
      sigma = volatilityAt(smile, feed.smile.forwardReference, tau, strike);
      sigmas.set(strike, sigma);
    }
    return factor === WAD ? sigma : (sigma * factor) / WAD;
  };
};
