/**
 * A `LedgerMarket` read from a chain at one block, by addresses alone. What views do not say to the bit (the words of funding and of
 * attestations, with the limits that were in force when they were posted) comes from storage, so any endpoint will do. Give a provider that
 * batches requests: all of them are sent at once.
 *
 * @module
 */
import { id, type BlockTag, type Provider } from "ethers";

import {
  IExchange__factory,
  IPositionsLedger__factory,
  ISettlementRounds__factory,
  ITableEngine__factory,
  IMarginAccounts__factory,
  IVolatilityObserver__factory,
} from "../contracts.ts";
import { expiryKey, type FeeSchedule, type LedgerMarket } from "../mirror/derivatives/market.ts";
import {
  decodeAttestedExpiry,
  decodeDecayLimits,
  decodeExpiryMarket,
  decodeLedgerTable,
  decodePerpMarket,
  decodePremium,
  settlementTrack,
} from "../mirror/derivatives/words.ts";
import { attestedSlots, expirySlot, feedSlots, perpSlots, readWord } from "../client/slots.ts";

/** Where everything is. */
export interface LedgerAddresses {
  readonly positions: string;
  readonly attestedFeed: string;
  readonly settlementPrices: string;
  readonly realizedVolatility: string;
  /** Without it the market has no fees. */
  readonly exchange?: string;
}

export interface LedgerWanted {
  /** Every expiry that is listed, or that accounts may still hold options of. */
  readonly expiries: readonly { readonly underlying: number; readonly expiry: number }[];
  /** Also which options are listed: one call for each expiry. */
  readonly options?: boolean;
  readonly blockTag?: BlockTag;
}

const SETTLEMENT = 1;
/** Tracks are kept from so long before their expiry on, seconds. */
const WINDOW = 1_800;
/** `latestRoundData()` */
const ROUND_SELECTOR = "0xfeaf968c";
/** `risePerHour()`: of the implementation, in no interface. */
const RISE_SELECTOR = id("risePerHour()").slice(0, 10);

const present = <T>(entries: readonly (readonly [number, T | undefined])[]): Map<number, T> =>
  new Map(entries.filter((entry): entry is readonly [number, T] => entry[1] !== undefined));

const feesOf = async (provider: Provider, exchange: string, blockTag: BlockTag): Promise<FeeSchedule> => {
  const [tiers, optionCapBps] = await IExchange__factory.connect(exchange, provider).fees({ blockTag });
  return {
    optionCapBps,
    tiers: tiers.map(({ minVolume, perpMaker, perpTaker, optionMaker, optionTaker }) => ({
      minVolume,
      perpMaker,
      perpTaker,
      optionMaker,
      optionTaker,
    })),
  };
};

/** The address in the last word of the engine's risk table; zero: spot alone. */
const ledgerTableOf = async (provider: Provider, positions: string, blockTag: BlockTag): Promise<string> => {
  const safe = await IPositionsLedger__factory.connect(positions, provider).safe({ blockTag });
  const engine = await IMarginAccounts__factory.connect(safe, provider).engine({ blockTag });
  const table = await ITableEngine__factory.connect(engine, provider).table({ blockTag });
  return `0x${table.slice(-40)}`;
};

/** Reads everything that margins of perps and options depend on. Throws `LedgerTableError` where the engine names no ledger table. */
export const readLedgerMarket = async (
  provider: Provider,
  addresses: LedgerAddresses,
  { expiries, options = false, blockTag: tag = "latest" }: LedgerWanted,
): Promise<LedgerMarket> => {
  const block = await provider.getBlock(tag);
  if (block === null) throw new RangeError(`there is no block ${String(tag)}`);
  const { number: blockTag, timestamp } = block;
  const word = async (contract: string, slot: bigint): Promise<bigint> => readWord(provider, contract, slot, blockTag);
  const { positions, attestedFeed } = addresses;
  const ledger = IPositionsLedger__factory.connect(positions, provider);
  const rounds = ISettlementRounds__factory.connect(addresses.settlementPrices, provider);
  const volatility = IVolatilityObserver__factory.connect(addresses.realizedVolatility, provider);

  const tableAddress = await ledgerTableOf(provider, positions, blockTag);
  const table = decodeLedgerTable(await provider.getCode(tableAddress, blockTag));
  const numbers = table.underlyings.map((u) => u.number);

  const perpOf = async (number: number) => {
    const slots = perpSlots(number);
    const [market, funding, slow, terms] = await Promise.all([
      word(positions, slots.market),
      word(positions, slots.funding),
      word(positions, slots.slow),
      word(positions, slots.terms),
    ]);
    return decodePerpMarket({ market, funding, slow, terms });
  };
  const attestedOf = async (key: number) => {
    const slots = attestedSlots(key);
    const [forward, smile, wing] = await Promise.all([
      word(attestedFeed, slots.forward),
      word(attestedFeed, slots.smile),
      word(attestedFeed, slots.wing),
    ]);
    return decodeAttestedExpiry(forward, smile, wing);
  };
  const latestRound = async (feed: string): Promise<bigint> => {
    try {
      return BigInt((await provider.call({ to: feed, data: ROUND_SELECTOR, blockTag })).slice(0, 66));
    } catch {
      return 0n; // as the contracts take a feed that cannot be read
    }
  };
  const trackOf = async (asset: number, expiry: number) => {
    const track = await rounds.trackOf(asset, expiry, { blockTag });
    return settlementTrack(track, BigInt(track.feed) === 0n ? 0n : await latestRound(track.feed));
  };
  const sigmaOf = async (number: number) => {
    const { sigma, slowSigma: slow, time } = await volatility.stateOf(number, { blockTag });
    return time === 0n ? undefined : { sigma, slow, time };
  };
  const each = async <T>(
    list: readonly number[],
    read: (key: number) => Promise<T>,
  ): Promise<(readonly [number, Awaited<T>])[]> =>
    Promise.all(list.map(async (key) => [key, await read(key)] as const));

  const keys = expiries.map((e) => expiryKey(e.underlying, e.expiry));
  const near = expiries.filter((e) => e.expiry - WINDOW <= timestamp);
  const tracked = new Map(
    near.flatMap(({ underlying, expiry }) =>
      [underlying, SETTLEMENT].map((asset) => [expiryKey(asset, expiry), { asset, expiry }] as const),
    ),
  );
  const [perps, premiums, limits, sigmas, markets, attested, prices, tracks, rise, fees, listed] = await Promise.all([
    each(numbers, perpOf),
    each(numbers, async (n) => decodePremium(await word(attestedFeed, feedSlots(n).premium))),
    each(numbers, async (n) => decodeDecayLimits(await word(attestedFeed, feedSlots(n).limits))),
    each(numbers, sigmaOf),
    each(keys, async (key) => decodeExpiryMarket(await word(positions, expirySlot(key)))),
    each(keys, attestedOf),
    Promise.all(
      near.map(async ({ underlying, expiry }) => {
        const { price } = await rounds.settlementPrice(underlying, expiry, { blockTag });
        return [expiryKey(underlying, expiry), price] as const;
      }),
    ),
    Promise.all([...tracked].map(async ([key, { asset, expiry }]) => [key, await trackOf(asset, expiry)] as const)),
    provider.call({ to: addresses.realizedVolatility, data: RISE_SELECTOR, blockTag }),
    addresses.exchange === undefined ? undefined : feesOf(provider, addresses.exchange, blockTag),
    options
      ? Promise.all(expiries.map(async (e) => ledger.optionsOf(e.underlying, e.expiry, { blockTag })))
      : undefined,
  ]);
  return {
    table,
    perps: new Map(perps),
    expiries: new Map(markets.filter(([, market]) => market.listed)),
    premiums: present(premiums),
    attested: present(attested),
    limits: new Map(limits),
    settlementPrices: new Map(prices),
    tracks: present(tracks),
    volatilities: present(sigmas),
    volatilityRisePerHour: BigInt(rise),
    ...(fees && { fees }),
    ...(listed && { options: new Set(listed.flat()) }),
  };
};
