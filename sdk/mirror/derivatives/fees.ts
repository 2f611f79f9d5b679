// Fees by 30 days' volume: contracts/markets/Fees.sol, FeeTable.sol and AccountWord.sol.
import type { Instrument } from "../../instruments.ts";
import { abs, BPS, min, mulDivUp, WAD } from "../fixed.ts";
import type { Indices } from "./ledger.ts";
import type { FeeSchedule, FeeTier } from "./market.ts";

const RATE_ONE = 1_000_000n;
const VOLUME_UNIT = 10_000n;
/** Tables know no more units of volume. */
const MOST_UNITS = 0xffffen;
const PERIOD = 864_000n;
const BUCKET_BITS = 32n;
const BUCKET = (1n << BUCKET_BITS) - 1n;
const BUCKETS = (1n << 128n) - 1n;
const EPOCH_SHIFT = 112n;
const BUCKETS_SHIFT = 128n;
/** An option counts in the volume for at most so many times its premium. */
const PREMIUM_WEIGHT = 100n;

/** A leg as filled. */
export interface FillLeg {
  readonly instrument: Instrument;
  /** Whole underlyings WAD; positive: the first account (the maker) buys. */
  readonly size: bigint;
  /** Settlement units WAD per whole underlying; of an option its premium. */
  readonly price: bigint;
}

/** The buckets of a volume word as seen in a period: older ones moved up, those of more than three periods ago gone. */
const rolled = (word: bigint, epoch: bigint): bigint => {
  const passed = epoch - BigInt.asUintN(16, word >> EPOCH_SHIFT);
  if (passed > 3n || passed < 0n) return 0n;
  return ((word >> BUCKETS_SHIFT) << (passed * BUCKET_BITS)) & BUCKETS;
};

/** Whole settlement units of the last 30 days, from the exchange's word of account 0 of an owner: `Exchange.volumeOf`. */
export const volumeAt = (word: bigint, time: bigint): bigint => {
  const buckets = rolled(word, time / PERIOD);
  const inside = PERIOD - (time % PERIOD);
  return (
    (buckets & BUCKET) +
    ((buckets >> BUCKET_BITS) & BUCKET) +
    ((buckets >> (2n * BUCKET_BITS)) & BUCKET) +
    ((buckets >> (3n * BUCKET_BITS)) * inside) / PERIOD
  );
};

/** The word after a fill of `amount` whole settlement units. */
export const withVolume = (word: bigint, amount: bigint, time: bigint): bigint => {
  if (amount === 0n) return word;
  const epoch = time / PERIOD;
  const buckets = rolled(word, epoch);
  const latest = min((buckets & BUCKET) + min(amount, BUCKET), BUCKET);
  const controls = word & ((1n << EPOCH_SHIFT) - 1n);
  return controls | (BigInt.asUintN(16, epoch) << EPOCH_SHIFT) | (((buckets & ~BUCKET) | latest) << BUCKETS_SHIFT);
};

const tierOf = ({ tiers }: FeeSchedule, volume: bigint): FeeTier | undefined => {
  const units = min(volume / VOLUME_UNIT, MOST_UNITS);
  let found = tiers[0];
  for (const tier of tiers.slice(1)) {
    if (tier.minVolume / VOLUME_UNIT > units) break;
    found = tier;
  }
  return found;
};

const worthUp = (size: bigint, price: bigint): bigint => mulDivUp(abs(size), price, WAD);

/** Size × index of the legs, WAD, each rounded up: what rates are taken of. */
export const notionalOf = (legs: readonly FillLeg[], indices: Indices): bigint =>
  legs.reduce((sum, { size, instrument }) => sum + worthUp(size, indices(instrument.underlying)), 0n);

/** `Exchange.feeOf`: the fee of a side, settlement units WAD, rounded up leg by leg. `volume`: before the fill. */
export const feeOf = (
  schedule: FeeSchedule | undefined,
  legs: readonly FillLeg[],
  indices: Indices,
  volume: bigint,
  asMaker: boolean,
): bigint => {
  const tier = schedule && tierOf(schedule, volume);
  if (schedule === undefined || tier === undefined) return 0n;
  let fee = 0n;
  for (const { instrument, size, price } of legs) {
    const notional = worthUp(size, indices(instrument.underlying));
    if (instrument.kind === "perp") {
      fee += mulDivUp(notional, asMaker ? tier.perpMaker : tier.perpTaker, RATE_ONE);
    } else {
      const most = mulDivUp(worthUp(size, price), schedule.optionCapBps, BPS);
      fee += min(mulDivUp(notional, asMaker ? tier.optionMaker : tier.optionTaker, RATE_ONE), most);
    }
  }
  return fee;
};

/** The volume that a fill adds, whole settlement units: perps by notional, options by at most a hundred times their premium. */
export const volumeOfFill = (legs: readonly FillLeg[], indices: Indices): bigint =>
  legs.reduce((sum, { instrument, size, price }) => {
    const notional = worthUp(size, indices(instrument.underlying));
    return sum + (instrument.kind === "perp" ? notional : min(notional, worthUp(size, price) * PREMIUM_WEIGHT));
  }, 0n) / WAD;
