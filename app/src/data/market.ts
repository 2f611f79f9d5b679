// The mirror's market from a handful of calls at one block: previews are reckoned here, without asking the chain again.
import { decodeInstrument } from "../../../sdk/instruments.ts";
import { IMarginEngine__factory, ISizeCheckpoints__factory, ITableEngine__factory } from "../../../sdk/contracts.ts";
import type { Venue } from "../../../sdk/client/venue.ts";
import { decodeLedgerTable } from "../../../sdk/mirror/derivatives/words.ts";
import {
  type AttestedExpiry,
  type AttestedPremium,
  type ExpiryMarket,
  expiryKey,
  type LedgerMarket,
  type LedgerTable,
  type ObservedVolatility,
  type PerpMarket,
} from "../../../sdk/mirror/derivatives/market.ts";
import type { Idle, Market, Pool } from "../../../sdk/mirror/market.ts";
import { bookOfStates, pricedAssets } from "../../../sdk/mirror/sources.ts";
import { type RiskTable, unpackRiskTable } from "../../../sdk/tables/riskTable.ts";
import type { Site } from "./site.ts";

const NONE_96 = (1n << 96n) - 1n;
const NONE_256 = (1n << 256n) - 1n;
const YEAR = 365n * 86_400n;
const WAD = 10n ** 18n;
/** What is read here has been decayed by the feed already: it counts as fresh. */
const LONG = 10n ** 12n;
const FUNDED_FOR = 3_600n;

const unlimited = (value: bigint, none = NONE_96): bigint | undefined => (value === none ? undefined : value);

/** What changes by governance alone: read once for an engine. */
interface Terms {
  readonly engine: string;
  readonly table: RiskTable;
  readonly ledgerTable?: LedgerTable;
}
const known = new Map<string, Terms>();

const termsOf = async ({ venue, provider, key }: Site): Promise<Terms> => {
  const engine = await venue.contracts.safe.engine();
  const found = known.get(key + engine);
  if (found !== undefined) return found;
  const table = unpackRiskTable(await ITableEngine__factory.connect(engine, provider).table());
  const code = table.ledgerTable === undefined ? undefined : await provider.getCode(table.ledgerTable);
  const terms = { engine, table, ...(code !== undefined && { ledgerTable: decodeLedgerTable(code) }) };
  known.set(key + engine, terms);
  return terms;
};

const pools = async ({ contracts: { lens } }: Venue, blockTag: number): Promise<Map<number, Pool>> => {
  const views = [...(await lens.poolsView({ blockTag }))];
  return new Map(
    views.map(({ asset, token, decimals, state, config, borrowRate, outflowLeft, rateModel }) => {
      const external = BigInt(rateModel) !== 0n;
      return [
        Number(asset),
        {
          number: Number(asset),
          token,
          decimals: Number(decimals),
          ...{ lenderShares: state.lenderShares, accountShares: state.accountShares, debtShares: state.debtShares },
          ...{ supplyIndex: state.supplyIndex, debtIndex: state.debtIndex, lastAccrual: state.lastAccrual },
          rateAtTarget: state.rateAtTarget,
          reserveFactorBps: state.reserveFactor,
          supplyCap: unlimited(config.supplyCap),
          borrowCap: unlimited(config.borrowCap),
          depositsClosed: config.depositsClosed,
          borrowsClosed: config.borrowsClosed,
          externalModel: external,
          maxUtilisationBps: config.maxUtilisation,
          reservedPartBps: config.reservedPart,
          settlementPartBps: config.settlementPart,
          ...(external && {
            rateModel: { kind: "reading" as const, rate: borrowRate, rateAtTarget: state.rateAtTarget },
          }),
          tokens: state.cash,
          outflowLeft: unlimited(outflowLeft, NONE_256),
        } satisfies Pool,
      ] as const;
    }),
  );
};

const idles = async ({ contracts: { lens } }: Venue, blockTag: number): Promise<Map<number, Idle>> =>
  new Map(
    [...(await lens.collateralsView({ blockTag }))].map(({ asset, token, decimals, total, room, outflowLeft }) => [
      Number(asset),
      {
        ...{ asset: Number(asset), token, decimals: Number(decimals), held: total, room },
        maxPartBps: 10_000n,
        outflowLeft: unlimited(outflowLeft, NONE_256),
      },
    ]),
  );

export interface ListedOption {
  readonly word: bigint;
  readonly strike: bigint;
  readonly isCall: boolean;
}

/** Which options an expiry has never changes once it is listed, but for additions. */
const listed = new Map<string, readonly ListedOption[]>();

export const optionsOf = async (
  { venue, key }: Site,
  underlying: number,
  expiry: number,
): Promise<readonly ListedOption[]> => {
  const name = `${key}:${underlying}:${expiry}`;
  const found = listed.get(name);
  if (found !== undefined) return found;
  const { derivatives } = venue.contracts;
  const words = derivatives === undefined ? [] : await derivatives.positions.optionsOf(underlying, expiry);
  const options = [...words].flatMap((word): ListedOption[] => {
    const what = decodeInstrument(word);
    return what.kind === "option" ? [{ word, strike: what.strike, isCall: what.isCall }] : [];
  });
  listed.set(name, options);
  return options;
};

const unless = async <T>(work: Promise<T>): Promise<T | undefined> => {
  try {
    return await work;
  } catch {
    // "no value yet" is an answer here; a node that is gone is noticed by the other calls.
    return undefined;
  }
};

const ledger = async (site: Site, table: LedgerTable, blockTag: number, time: bigint): Promise<LedgerMarket> => {
  const { derivatives } = site.venue.contracts;
  if (derivatives === undefined) throw new Error("the table names perps and options, the deployment has none");
  const { positions, attestedFeed, realizedVolatility, exchange } = derivatives;
  const at = { blockTag };
  const underlyings = Object.values(site.venue.deployment.underlyings);
  const perps = new Map<number, PerpMarket>();
  const premiums = new Map<number, AttestedPremium>();
  const volatilities = new Map<number, ObservedVolatility>();
  const expiries = new Map<number, ExpiryMarket>();
  const attested = new Map<number, AttestedExpiry>();
  const options = new Set<bigint>();
  const settlementPrices = new Map<number, bigint>();
  const ages = { maxAge: LONG, deadAge: LONG };

  const readPerp = async (number: number): Promise<void> => {
    const [market, premium, seen] = await Promise.all([
      positions.perpMarket(number, at),
      unless(attestedFeed.premium(number, at)),
      unless(realizedVolatility.stateOf(number, at)),
    ]);
    perps.set(number, {
      ...{ listed: market.listed, frozen: market.frozen, closed: market.closed, frozenMark: market.frozenMark },
      ...{ openInterest: market.openInterest, slowOpenInterest: market.slowOpenInterest },
      openInterestCap: market.config.openInterestCap,
      clamp: market.config.clamp,
      funding: { index: market.fundingIndex, rate: market.fundingRate, time, span: FUNDED_FOR },
    });
    if (premium !== undefined) {
      const { value, confidence, stale } = premium;
      premiums.set(number, { value, confidence, time, ...ages, ...(stale && { maxAge: -1n }) });
    }
    if (seen !== undefined) volatilities.set(number, { sigma: seen.sigma, slow: seen.slowSigma, time: seen.time });
  };
  const readExpiry = async (number: number, expiry: number): Promise<void> => {
    const [market, feeds, list] = await Promise.all([
      positions.expiryMarket(number, expiry, at),
      unless(attestedFeed.expiryFeeds(number, [expiry], at)),
      optionsOf(site, number, expiry),
    ]);
    for (const { word } of list) options.add(word);
    const key = expiryKey(number, expiry);
    expiries.set(key, {
      ...{ listed: market.listed, reduceOnly: market.reduceOnly },
      ...{ openInterest: market.openInterest, openInterestCap: market.openInterestCap },
      ...(market.settled && { settledAt: market.price }),
    });
    if (market.settled) settlementPrices.set(key, market.price);
    const feed = feeds?.[0];
    if (feed === undefined) return;
    // τ was counted in whole seconds: which one it was is found again exactly.
    const smileTime = BigInt(expiry) - (feed.tau * YEAR + WAD - 1n) / WAD;
    attested.set(key, {
      forward: {
        ...{ ratio: feed.forwardRatio, rate: feed.rate, confidence: feed.forwardConfidence, time },
        ...ages,
        ...(feed.stale && { maxAge: -1n }),
      },
      smile: {
        ...{ a: feed.a, b: feed.b, rho: feed.rho, m: feed.m, sigma: feed.sigma },
        ...{ forwardReference: feed.forwardReference, confidence: feed.volConfidence, time: smileTime },
      },
    });
  };
  const [fees] = await Promise.all([
    exchange.fees(at),
    ...underlyings.map(({ number }) => readPerp(number)),
    ...underlyings.flatMap(({ number, expiries: list }) => list.map((expiry) => readExpiry(number, expiry))),
  ]);
  return {
    ...{ table, perps, expiries, options, premiums, attested, settlementPrices, volatilities },
    limits: new Map(),
    tracks: new Map(),
    volatilityRisePerHour: 0n,
    fees: {
      tiers: [...fees.tiers].map(({ minVolume, perpMaker, perpTaker, optionMaker, optionTaker }) => ({
        ...{ minVolume, perpMaker, perpTaker, optionMaker, optionTaker },
      })),
      optionCapBps: fees.optionCap,
    },
  };
};

export interface Snapshot {
  readonly block: number;
  readonly market: Market;
  readonly engine: string;
}

export const readMarket = async (site: Site): Promise<Snapshot> => {
  const { venue, provider } = site;
  const [block, terms] = await Promise.all([provider.getBlock("latest"), termsOf(site)]);
  if (block === null) throw new Error("the node has no blocks");
  const at = { blockTag: block.number };
  const engine = IMarginEngine__factory.connect(terms.engine, provider);
  const sizes = ISizeCheckpoints__factory.connect(venue.deployment.contracts.sizeCheckpoints, provider);
  const time = BigInt(block.timestamp);
  const priced = [...pricedAssets(terms.table).keys()];
  const sized = venue.assets.list().map(({ id }) => id);
  const [states, totals, poolsNow, idlesNow, ledgerNow] = await Promise.all([
    Promise.all(priced.map(async (asset) => [asset, await engine.priceState(asset, at)] as const)),
    Promise.all(sized.map(async (asset) => [asset, await unless(sizes.checkpointOf(asset, at))] as const)),
    pools(venue, block.number),
    idles(venue, block.number),
    terms.ledgerTable === undefined ? undefined : ledger(site, terms.ledgerTable, block.number, time),
  ]);
  const market: Market = {
    time,
    table: terms.table,
    prices: bookOfStates(terms.table, new Map(states)),
    checkpoints: new Map(totals.flatMap(([asset, total]) => (total === undefined ? [] : [[asset, total] as const]))),
    pools: poolsNow,
    idles: idlesNow,
    safe: { pausedActions: 0, pausedUntil: 0n },
    auction: NO_AUCTIONS,
    ...(ledgerNow !== undefined && { ledger: ledgerNow }),
  };
  return { block: block.number, market, engine: terms.engine };
};

/** The page asks the chain about auctions; nothing here reckons them. */
const NO_AUCTIONS: Market["auction"] = {
  ...{ start: WAD, cut: 0n, fast: 1n, slow: 1n, buffer: 0n, dustThreshold: 0n },
  ...{ insuranceTime: 1n, q: 0n, feePart: 0n },
};
