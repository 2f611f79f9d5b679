/** Fills the mirror's `LedgerMarket`: perps, expiries, attested values, averages and realised volatility. */
import { Contract, type Provider } from "ethers";

import { derivativeContracts } from "../addresses.ts";
import {
  IExchange__factory,
  IPositionsLedger__factory,
  ISettlementRounds__factory,
  type ITableEngine,
} from "../contracts.ts";
import {
  expiryKey,
  type ExpiryMarket,
  type LedgerMarket,
  type PerpMarket,
  type SettlementTrack,
} from "../mirror/derivatives/market.ts";
import {
  decodeAttestedExpiry,
  decodeDecayLimits,
  decodeExpiryMarket,
  decodeLedgerTable,
  decodeObservedVolatility,
  decodePerpMarket,
  decodePremium,
  settlementTrack,
} from "../mirror/derivatives/words.ts";
import type { RiskTable } from "../tables/riskTable.ts";
import type { BatchRunner } from "./batchRunner.ts";
import type { ListedExpiry } from "./reads.ts";
import { attestedSlots, expirySlot, feedSlots, perpSlots, readWord, volatilitySlot } from "./slots.ts";
import type { Venue } from "./venue.ts";

interface LedgerSource {
  readonly venue: Venue;
  readonly provider: Provider;
  readonly runner: BatchRunner;
  readonly time: bigint;
  readonly block: number;
  readonly table: RiskTable;
  readonly engine: ITableEngine;
  readonly listed: readonly ListedExpiry[];
}

const WINDOW_SECONDS = 1_800n;
const SETTLEMENT_POOL = 1;

const AGGREGATOR_ABI = [
  "function latestRoundData() view returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)",
] as const;

interface Aggregator {
  latestRoundData(): Promise<readonly [bigint, bigint, bigint, bigint, bigint]>;
}

const VOLATILITY_ABI = ["function risePerHour() view returns (uint256)"] as const;

interface Volatility {
  risePerHour(): Promise<bigint>;
}

const defined = <K, V>(entries: readonly (readonly [K, V | undefined])[]): Map<K, V> =>
  new Map(entries.filter((entry): entry is readonly [K, V] => entry[1] !== undefined));

const readPerp = async (
  word: (slot: bigint) => Promise<bigint>,
  underlying: number,
): Promise<PerpMarket | undefined> => {
  const slots = perpSlots(underlying);
  const [market, funding, slow, terms] = await Promise.all([
    word(slots.market),
    word(slots.funding),
    word(slots.slow),
    word(slots.terms),
  ]);
  const perp = decodePerpMarket({ market, funding, slow, terms });
  return perp.listed ? perp : undefined;
};

const readExpiry = async (word: (slot: bigint) => Promise<bigint>, key: number): Promise<ExpiryMarket | undefined> => {
  const market = decodeExpiryMarket(await word(expirySlot(key)));
  return market.listed ? market : undefined;
};

/** The half of an average that one asset's rounds make, and its feed's latest round. */
const readTrack = async (
  { venue, runner }: LedgerSource,
  asset: number,
  expiry: number,
): Promise<SettlementTrack | undefined> => {
  const { settlementPrices } = derivativeContracts(venue.deployment);
  const track = await ISettlementRounds__factory.connect(settlementPrices, runner).trackOf(asset, expiry);
  if (BigInt(track.feed) === 0n) return undefined;
  const feed = new Contract(track.feed, AGGREGATOR_ABI, runner) as unknown as Aggregator;
  const latest = await feed.latestRoundData().catch(() => undefined); // a feed that cannot be read has no latest round
  return settlementTrack(track, latest?.[0] ?? 0n);
};

/** Reads it at the source's block. */
export const readLedger = async (source: LedgerSource): Promise<LedgerMarket> => {
  const { venue, provider, runner, time, block, table, listed } = source;
  const at = derivativeContracts(venue.deployment);
  const positions = IPositionsLedger__factory.connect(at.positions, runner);
  const prices = ISettlementRounds__factory.connect(at.settlementPrices, runner);
  const ledgerWord = (slot: bigint) => readWord(provider, at.positions, slot, block);
  const feedWord = (slot: bigint) => readWord(provider, at.attestedFeed, slot, block);
  const terms = decodeLedgerTable(await provider.getCode(table.ledgerTable ?? at.ledgerTable, block));
  const named = Object.values(venue.deployment.underlyings).map(({ number }) => number);
  const underlyings = [...new Set([...terms.underlyings.map(({ number }) => number), ...named])];
  const keys = listed.map(({ underlying, expiry }) => expiryKey(underlying, expiry));
  const walked = listed.filter(({ expiry }) => BigInt(expiry) < time + WINDOW_SECONDS);
  const tracked = new Map(
    walked.flatMap(({ underlying, expiry }) =>
      [underlying, SETTLEMENT_POOL].map((asset) => [expiryKey(asset, expiry), { asset, expiry }] as const),
    ),
  );

  const [perps, expiries, options, premiums, limits, attested, finals, tracks, sigmas, rise, fees] = await Promise.all([
    Promise.all(underlyings.map(async (n) => [n, await readPerp(ledgerWord, n)] as const)),
    Promise.all(keys.map(async (key) => [key, await readExpiry(ledgerWord, key)] as const)),
    Promise.all(listed.map(({ underlying, expiry }) => positions.optionsOf(underlying, expiry))),
    Promise.all(underlyings.map(async (n) => [n, decodePremium(await feedWord(feedSlots(n).premium))] as const)),
    Promise.all(underlyings.map(async (n) => [n, decodeDecayLimits(await feedWord(feedSlots(n).limits))] as const)),
    Promise.all(
      keys.map(async (key) => {
        const slots = attestedSlots(key);
        const words = await Promise.all([feedWord(slots.forward), feedWord(slots.smile), feedWord(slots.wing)]);
        return [key, decodeAttestedExpiry(...words)] as const;
      }),
    ),
    Promise.all(
      walked.map(async ({ underlying, expiry }) => {
        const { price, isFinal } = await prices.settlementPrice(underlying, expiry);
        return [expiryKey(underlying, expiry), isFinal ? price : undefined] as const;
      }),
    ),
    Promise.all(
      [...tracked].map(async ([key, { asset, expiry }]) => [key, await readTrack(source, asset, expiry)] as const),
    ),
    Promise.all(
      underlyings.map(async (n) => {
        const word = await readWord(provider, at.realizedVolatility, volatilitySlot(n), block);
        return [n, decodeObservedVolatility(word)] as const;
      }),
    ),
    (new Contract(at.realizedVolatility, VOLATILITY_ABI, runner) as unknown as Volatility).risePerHour(),
    IExchange__factory.connect(at.exchange, runner).fees(),
  ]);
  return {
    table: terms,
    perps: defined(perps),
    expiries: defined(expiries),
    options: new Set(options.flat()),
    premiums: defined(premiums),
    attested: defined(attested),
    limits: new Map(limits),
    settlementPrices: defined(finals),
    tracks: defined(tracks),
    volatilities: defined(sigmas),
    volatilityRisePerHour: rise,
    fees: {
      tiers: fees.tiers.map(({ minVolume, perpMaker, perpTaker, optionMaker, optionTaker }) => ({
        minVolume,
        perpMaker,
        perpTaker,
        optionMaker,
        optionTaker,
      })),
      optionCapBps: fees.optionCap,
    },
  };
};
