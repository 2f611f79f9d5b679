// What is attested of perps and expiries, now, as floats (contracts/oracles/AttestedFeed.sol, SettlementPrices.sol, RealizedVolatility.sol).
import type {
  AttestedExpiry,
  DecayLimits,
  LedgerMarket,
  ObservedVolatility,
  PerpMarket,
  SettlementTrack,
} from "../../sdk/mirror/derivatives/market.ts";
import { expiryKey } from "../../sdk/mirror/derivatives/market.ts";
import { feedVariance, type Svi } from "../../sdk/svi.ts";
import { WAD } from "./prices.ts";

const YEAR = 31_536_000;
const WINDOW = 1_800;
const BPS = 1e4;
const EIGHT_HOURS = 28_800;
const SETTLEMENT = 1;
const MOST_VARIANCE = 20;

/** An expiry's feed now. */
export interface Feed {
  /** Seconds left; 0 after it. */
  readonly time: number;
  /** Forward ÷ index. */
  readonly ratio: number;
  readonly rate: number;
  readonly fixedPart: number;
  readonly fixedPrice: number;
  /** Annual, at a strike. */
  volatilityAt(strike: number): number;
}

const decayed = (age: number, dead: number, limits: DecayLimits): number => {
  if (age <= dead) return 0;
  const span = Number(limits.decay);
  return age - dead >= span ? 1 : (age - dead) / span;
};

/** Undefined: never attested. */
export const feedOf = (ledger: LedgerMarket, underlying: number, expiry: number, now: number): Feed | undefined => {
  const attested = ledger.attested.get(expiryKey(underlying, expiry));
  if (attested === undefined) return undefined;
  const { forward, smile } = attested;
  const until = Math.min(now, expiry);
  const [forwardAge, smileAge, dead] = [
    until - Number(forward.time),
    until - Number(smile.time),
    Number(forward.deadAge),
  ];
  const limits = ledger.limits.get(underlying);
  const isDead = Math.max(forwardAge, smileAge) > dead && limits !== undefined;
  const ratio = Number(forward.ratio) / WAD;
  const stress = isDead ? decayed(smileAge, dead, limits) * (Number(limits.stress) / BPS - 1) : 0;
  return {
    time: Math.max(0, expiry - now),
    ratio: isDead ? 1 + (ratio - 1) * (1 - decayed(forwardAge, dead, limits)) : ratio,
    rate: Number(forward.rate) / WAD,
    ...fixingOf(ledger, underlying, expiry, now),
    volatilityAt: smileOf(attested, expiry, 1 + stress),
  };
};

const smileOf = ({ smile }: AttestedExpiry, expiry: number, factor: number): ((strike: number) => number) => {
  const svi: Svi = {
    a: Number(smile.a) / WAD,
    b: Number(smile.b) / WAD,
    rho: Number(smile.rho) / WAD,
    m: Number(smile.m) / WAD,
    sigma: Number(smile.sigma) / WAD,
  };
  const tau = Math.max((expiry - Number(smile.time)) / YEAR, 1 / WAD);
  const reference = Number(smile.forwardReference) / WAD;
  return (strike) => {
    const w = feedVariance(svi, strike > 0 ? Math.log(strike / reference) : -1e9);
    return w <= 0 ? 0 : factor * Math.sqrt(Math.min(w, MOST_VARIANCE) / tau);
  };
};

interface Fixing {
  readonly fixedPart: number;
  readonly fixedPrice: number;
}

const NOTHING: Fixing = { fixedPart: 0, fixedPrice: 0 };

const fixingOf = (ledger: LedgerMarket, underlying: number, expiry: number, now: number): Fixing => {
  if (now + WINDOW <= expiry) return NOTHING;
  const final = ledger.settlementPrices.get(expiryKey(underlying, expiry));
  if (final !== undefined && final !== 0n) return { fixedPart: 1, fixedPrice: Number(final) / WAD };
  const own = soFar(ledger.tracks.get(expiryKey(underlying, expiry)), expiry, now);
  const unit = soFar(ledger.tracks.get(expiryKey(SETTLEMENT, expiry)), expiry, now);
  if (own === undefined || unit === undefined) return NOTHING;
  return { fixedPart: Math.min(own.weight, unit.weight) / WINDOW, fixedPrice: own.average / unit.average };
};

/** Average in USD and its weight until now. */
const soFar = (
  track: SettlementTrack | undefined,
  expiry: number,
  now: number,
): { readonly average: number; readonly weight: number } | undefined => {
  if (track === undefined) return undefined;
  let [weight, sum] = [Number(track.weight), Number(track.sum)];
  if (!track.complete && track.latestRound === track.round && track.price !== 0n) {
    const since = Number(track.time);
    const from = Math.max(since, expiry - WINDOW);
    const until = Math.min(now, expiry, since + Number(track.heartbeat));
    const more = Math.max(0, until - from);
    [weight, sum] = [weight + more, sum + Number(track.price) * more];
  }
  if (weight === 0) return undefined;
  return { weight, average: (sum / weight) * 10 ** -track.feedDecimals };
};

/** 1 + the clamped premium. */
export const markRatioOf = (ledger: LedgerMarket, underlying: number, clamp: bigint, now: number): number => {
  const premium = ledger.premiums.get(underlying);
  if (premium === undefined || premium.time === 0n || now - Number(premium.time) > Number(premium.deadAge)) return 1;
  const value = premium.value > clamp ? clamp : premium.value < -clamp ? -clamp : premium.value;
  return 1 + Number(value) / WAD;
};

export const fundingAt = ({ funding }: PerpMarket, now: number): number => {
  const elapsed = Math.min(now - Number(funding.time), Number(funding.span));
  return (Number(funding.index) + (Number(funding.rate) * elapsed) / EIGHT_HOURS) / WAD;
};

export const slowVolatility = (observed: ObservedVolatility | undefined, rise: bigint, now: number): number => {
  if (observed === undefined) return 0;
  const slow = Number(observed.slow) / WAD;
  const risen = slow * (1 + (Number(rise) * (now - Number(observed.time))) / (BPS * 3_600));
  return Math.min(Number(observed.sigma) / WAD, risen);
};
