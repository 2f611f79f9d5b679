// From what the price sources answer to a PriceBook (contracts/oracles, contracts/risk/PriceBook.sol).
import type { Asset, RiskTable, Twap } from "../tables/riskTable.ts";
import { idleAsset, poolAsset } from "./assets.ts";
import { expWad, mulDivDown, WAD } from "./fixed.ts";
import { PriceFault, type PriceBook, type SourcePrice } from "./market.ts";

/** `latestRoundData` of a feed. Words as answered: an `answer` is signed. */
export interface FeedReading {
  readonly round: bigint;
  readonly answer: bigint;
  readonly updatedAt: bigint;
  readonly answeredIn: bigint;
}

/** `observe([window, 0])` of a Uniswap v3 pool. */
export interface TwapReading {
  readonly tickCumulatives: readonly [first: bigint, last: bigint];
  readonly perLiquidities: readonly [first: bigint, last: bigint];
}

const wordsOf = (data: string): bigint[] =>
  (data.replace(/^0x/, "").match(/[0-9a-fA-F]{64}/g) ?? []).map((word) => BigInt(`0x${word}`));

/** The bytes that `latestRoundData` returned, as the contracts read them; undefined: they would count the call as failed. */
export const decodeRound = (data: string): FeedReading | undefined => {
  const [round, answer, , updatedAt, answeredIn] = wordsOf(data);
  if (round === undefined || answer === undefined || updatedAt === undefined || answeredIn === undefined) {
    return undefined;
  }
  return { round, answer: BigInt.asIntN(256, answer), updatedAt, answeredIn };
};

/** The bytes that `observe([window, 0])` returned; undefined unless they have exactly the shape of two observations. */
export const decodeObservations = (data: string): TwapReading | undefined => {
  const [ticksAt, , ticks, first, last, liquidities, firstPer, lastPer] = wordsOf(data);
  if (ticksAt !== 0x40n || ticks !== 2n || liquidities !== 2n) return undefined;
  if (first === undefined || last === undefined || firstPer === undefined || lastPer === undefined) return undefined;
  return { tickCumulatives: [first, last], perLiquidities: [firstPer, lastPer] };
};

/** All that a PriceBook is made of. What is missing counts as a call that failed. Addresses in lower case. */
export interface Readings {
  readonly feeds: ReadonlyMap<string, FeedReading>;
  /** By pool. */
  readonly twaps: ReadonlyMap<string, TwapReading>;
  /** Of the uptime feed, when the table names one. */
  readonly sequencer?: { readonly answer: bigint; readonly startedAt: bigint };
  /** By asset, of the record of deviations; 0: none. */
  readonly disagreements: ReadonlyMap<number, { readonly since: bigint; readonly lastSeen: bigint }>;
}

/** A second source beyond this is broken. */
const MAX_PRICE = 1n << 104n;
const PRICE_DECIMALS = 18;

/** Which rule an unsound round breaks. */
const faultOf = (reading: FeedReading | undefined, heartbeat: bigint, time: bigint): PriceFault => {
  if (reading === undefined) return PriceFault.SourceReverted;
  const { round, answer, updatedAt, answeredIn } = reading;
  if (updatedAt === 0n || answeredIn < round) return PriceFault.RoundIncomplete;
  if (answer <= 0n) return PriceFault.NotPositive;
  return updatedAt > time || time - updatedAt > heartbeat ? PriceFault.Stale : PriceFault.Clamped;
};

const isSound = (reading: FeedReading, asset: Asset, time: bigint): boolean =>
  reading.answer > asset.minAnswer &&
  reading.answer < asset.maxAnswer &&
  reading.answeredIn >= reading.round &&
  reading.updatedAt <= time &&
  time - reading.updatedAt <= BigInt(asset.heartbeat);

/** The primary source of an asset, checked by every rule of the contracts. */
export const readPrimary = (asset: Asset, reading: FeedReading | undefined, time: bigint): SourcePrice => {
  if (reading !== undefined && isSound(reading, asset, time)) {
    const primary = reading.answer * 10n ** BigInt(PRICE_DECIMALS - asset.feedDecimals);
    return { primary, updatedAt: reading.updatedAt, fault: PriceFault.None };
  }
  const fault = faultOf(reading, BigInt(asset.heartbeat), time);
  return { primary: 0n, updatedAt: reading?.updatedAt ?? 0n, fault };
};

/** ln 1.0001 and ln 10, 36 decimals. */
const LN_TICK = 99995000333308335333166680951131n;
const LN_TEN = 2302585092994045684017991454684364208n;
const MAX_LN = 94n * WAD;

/** 1.0001^tick · 10^(baseDecimals − quoteDecimals), WAD; 0 when outside of what a price can be. */
export const priceAtTick = (tick: bigint, baseDecimals: number, quoteDecimals: number): bigint => {
  const ln = (tick * LN_TICK + BigInt(baseDecimals - quoteDecimals) * LN_TEN) / WAD;
  return ln >= MAX_LN ? 0n : expWad(ln);
};

const floorDiv = (a: bigint, b: bigint): bigint => (a < 0n && a % b !== 0n ? a / b - 1n : a / b);

/** Whole quote tokens per whole base token, WAD; 0 when the pool cannot say. */
export const readTwap = (twap: Twap, baseDecimals: number, reading: TwapReading | undefined): bigint => {
  const window = BigInt(twap.window);
  if (reading === undefined || window === 0n) return 0n;
  // Both counters wrap around by design of the pool.
  const delta = BigInt.asIntN(56, reading.tickCumulatives[1] - reading.tickCumulatives[0]);
  const perLiquidity = BigInt.asUintN(160, reading.perLiquidities[1] - reading.perLiquidities[0]);
  // Nothing can be below a liquidity without bound.
  if (perLiquidity !== 0n && (window << 128n) / perLiquidity < (twap.minLiquidity ?? 0n)) return 0n;
  const tick = floorDiv(delta, window);
  return priceAtTick(twap.baseIsToken0 ? tick : -tick, baseDecimals, twap.quoteDecimals);
};

const readSequencer = (table: RiskTable, readings: Readings, time: bigint): PriceFault => {
  if (table.sequencer === undefined) return PriceFault.None;
  const { answer, startedAt } = readings.sequencer ?? { answer: 1n, startedAt: 0n };
  if (answer !== 0n || startedAt === 0n || startedAt > time) return PriceFault.SequencerDown;
  return time - startedAt > BigInt(table.sequencer.grace) ? PriceFault.None : PriceFault.SequencerGrace;
};

/** Every asset of a table that has a price of its own: pools and idle assets by id. */
export const pricedAssets = (table: RiskTable): ReadonlyMap<number, Asset> => {
  const assets = new Map<number, Asset>();
  for (const [i, asset] of table.pools.entries()) if (asset) assets.set(poolAsset(i + 1), asset);
  for (const [i, asset] of table.idles.entries()) if (asset) assets.set(idleAsset(i + 1), asset);
  return assets;
};

/** What the sources say at `time`. Never throws for a broken source: a fault is a value. */
export const readPrices = (table: RiskTable, readings: Readings, time: bigint): PriceBook => {
  const listed = pricedAssets(table);
  const primaries = new Map<number, SourcePrice>();
  for (const [id, asset] of listed) {
    primaries.set(id, readPrimary(asset, readings.feeds.get(asset.feed.toLowerCase()), time));
  }
  const delay = BigInt(table.deviationDelay);
  const secondOf = (id: number, asset: Asset, twap: Twap): NonNullable<SourcePrice["second"]> => {
    const ratio = readTwap(twap, asset.tokenDecimals, readings.twaps.get(twap.pool.toLowerCase()));
    // The primary of the quote asset is 0 with any fault.
    const quote = primaries.get(twap.quote)?.primary ?? 0n;
    const usd = ratio === 0n || ratio >= MAX_PRICE ? 0n : mulDivDown(ratio, quote, WAD);
    const { since, lastSeen } = readings.disagreements.get(id) ?? { since: 0n, lastSeen: 0n };
    const primaryOnly = since !== 0n && time - since >= delay && time - lastSeen <= delay;
    return { price: usd >= MAX_PRICE ? 0n : usd, primaryOnly };
  };
  const assets = new Map<number, SourcePrice>();
  for (const [id, source] of primaries) {
    const asset = listed.get(id);
    assets.set(id, asset?.twap ? { ...source, second: secondOf(id, asset, asset.twap) } : source);
  }
  return { sequencer: readSequencer(table, readings, time), assets };
};

/** What `IMarginEngine.priceState` answers of an asset. */
export interface PriceStateAnswer {
  readonly primary: bigint;
  readonly secondary: bigint;
  readonly updatedAt: bigint;
  readonly fault: bigint;
  readonly primaryOnly: boolean;
}

const isSequencerFault = (fault: number): boolean =>
  fault === PriceFault.SequencerDown || fault === PriceFault.SequencerGrace;

/**
 * A PriceBook from the engine's own `priceState` of every listed pool and idle asset: as good as readings for the block that they
 * are of. Faults hide each other there in the order in which the engine would report them, so none is lost.
 */
export const bookOfStates = (table: RiskTable, states: ReadonlyMap<number, PriceStateAnswer>): PriceBook => {
  const assets = new Map<number, SourcePrice>();
  let sequencer: PriceFault = PriceFault.None;
  for (const [id, asset] of pricedAssets(table)) {
    const state = states.get(id);
    if (state === undefined) throw new RangeError(`no price state of asset ${id}`);
    const fault = Number(state.fault) as PriceFault;
    if (isSequencerFault(fault)) sequencer = fault;
    // A price of 0 has a fault of its own; behind one of the sequencer it does not matter which.
    const own = state.primary !== 0n ? PriceFault.None : fault;
    const { primary, updatedAt, primaryOnly } = state;
    const second = asset.twap ? { second: { price: state.secondary, primaryOnly } } : {};
    assets.set(id, { primary, updatedAt, fault: own, ...second });
  }
  return { sequencer, assets };
};
