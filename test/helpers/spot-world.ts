// An engine with any table, any prices and any totals, and the same as a market of the mirror: for differential tests.
import { concat, keccak256, toBeHex, ZeroAddress } from "ethers";
import { network } from "hardhat";

import { idleAsset, poolAsset, vaultShareAsset } from "../../sdk/mirror/assets.ts";

import type { AuctionParameters, Idle, Market, Pool } from "../../sdk/mirror/market.ts";
import { INDEX_ONE, toAssetsDown } from "../../sdk/mirror/pools.ts";
import {
  decodeObservations,
  decodeRound,
  type FeedReading,
  readPrices,
  type Readings,
  type TwapReading,
} from "../../sdk/mirror/sources.ts";
import { type Haircut, packRiskTable, type RiskTable, unpackRiskTable } from "../../sdk/tables/riskTable.ts";
import {
  DeviationRecord__factory,
  EngineFactory__factory,
  MarginEngine__factory,
  MockFeed__factory,
  MockTwapPool__factory,
  SizeCheckpoints__factory,
  StubSafe__factory,
  TestToken__factory,
  type MarginEngine,
  type MockFeed,
  type MockTwapPool,
} from "../../types/ethers-contracts/index.js";
import { BULK, BULK_CODE, bulk } from "./bulk.ts";
import { digitsOf, type Random } from "./random.ts";

export const POOLS = [6, 18, 8, 18] as const;
export const IDLES = [18, 6, 24] as const;
/** Of each pool's and idle asset's feed. */
const FEED_DECIMALS = [8, 8, 18, 8, 8, 6, 8] as const;
const USD = [1, 2_000, 30_000, 15, 1_990, 1, 40] as const;
const HEARTBEAT = 86_400;
const ENGINE = "0x00000000000000000000000000000000000e4e4e";
const GRACE = 3_600;

/** Second sources: of which asset (place), priced in which. */
const TWAPS = [
  { place: 1, quote: poolAsset(1), quoteDecimals: 6, window: 1_800 },
  { place: 4, quote: poolAsset(2), quoteDecimals: 18, window: 600 },
] as const;

/** Unlisted auctions do not matter to the engine. */
export const ANY_AUCTION: AuctionParameters = {
  start: 980_000_000_000_000_000n,
  cut: 800_000_000_000_000_000n,
  fast: 900n,
  slow: 14_400n,
  buffer: 200_000_000_000_000_000n,
  dustThreshold: 10n ** 19n,
  insuranceTime: 1_800n,
  q: 100_000_000_000_000_000n,
  feePart: 100n,
};

export const assetIds = (): number[] => [
  ...POOLS.map((_, i) => poolAsset(i + 1)),
  ...IDLES.map((_, i) => idleAsset(i + 1)),
];

export const decimalsOf = (asset: number): number =>
  (asset >> 10 === 1 ? IDLES[(asset & 0x3ff) - 1] : POOLS[(asset & 0x3ff) - 1]) ?? 18;

const at = <T>(values: readonly T[], i: number): T => {
  const value = values[i];
  if (value === undefined) throw new RangeError(`nothing at ${i}`);
  return value;
};

export interface SpotWorld {
  readonly engine: MarginEngine;
  readonly call: (calls: readonly string[]) => ReturnType<typeof bulk>;
  /** A new table, new prices (some broken now and then), new totals: on the chain and as a market. */
  readonly shuffle: (r: Random, ledgerTable?: string) => Promise<Market>;
  /** Code at an address. */
  readonly put: (address: string, code: string) => Promise<void>;
  readonly close: () => Promise<void>;
}

const haircut = (r: Random, group: Haircut["group"], brackets: boolean, kind: number): Haircut => {
  const size = 10n ** BigInt(6 + r(17));
  return {
    maintenanceBps: (kind === 2 ? 100 : 0) + (group?.maintenanceBps ?? 0) + r(2_000),
    initialExtraBps: (group?.initialExtraBps ?? 0) + r(1_500),
    ...(brackets
      ? {
          brackets: [
            { size, addOnBps: 1 + r(1_500) },
            { size: size * BigInt(2 + r(50)), addOnBps: 1 + r(3_000) },
          ].slice(0, 1 + r(2)),
          kappaBps: r(3) === 0 ? 0 : r(3_000),
        }
      : {}),
    ...(group ? { group } : {}),
  };
};

export const spotWorld = async (): Promise<SpotWorld> => {
  const connection = await network.create();
  const { ethers, networkHelpers } = connection;
  const [owner] = await ethers.getSigners();
  const safe = await new StubSafe__factory(owner).deploy();
  const deviations = await new DeviationRecord__factory(owner).deploy(safe);
  const checkpoints = await new SizeCheckpoints__factory(owner).deploy(safe, 10_000);
  // the factory makes no engine here, it only has the code of one
  const factory = await new EngineFactory__factory(owner).deploy(safe, deviations, checkpoints, ZeroAddress);
  const template = await ethers.provider.getCode(await factory.template());
  await networkHelpers.setCode(BULK, BULK_CODE);

  const feeds: MockFeed[] = [];
  const tokens: string[] = [];
  for (const [i, decimals] of [...POOLS, ...IDLES].entries()) {
    const token = await new TestToken__factory(owner).deploy("Token", "TKN", decimals);
    tokens.push(await token.getAddress());
    feeds.push(await new MockFeed__factory(owner).deploy(at(FEED_DECIMALS, i), 1n));
  }
  const sequencer = await new MockFeed__factory(owner).deploy(0, 0);
  const twaps: MockTwapPool[] = [];
  for (const { place } of TWAPS) {
    twaps.push(await new MockTwapPool__factory(owner).deploy(at(tokens, place), ZeroAddress));
  }
  for (const asset of assetIds()) await safe.list(asset, ZeroAddress, decimalsOf(asset));
  const engine = MarginEngine__factory.connect(ENGINE, owner);
  const address = (contract: { readonly target: unknown }): string => String(contract.target).toLowerCase();
  const call: SpotWorld["call"] = (calls) => bulk(ethers.provider, ENGINE, calls);

  const store = (contract: { readonly target: unknown }, slot: bigint, key: number, value: bigint): Promise<void> =>
    networkHelpers.setStorageAt(
      address(contract),
      keccak256(concat([toBeHex(key, 32), toBeHex(slot, 32)])),
      toBeHex(value, 32),
    );

  const randomTable = (r: Random, time: number, ledgerTable: string | undefined): RiskTable => {
    const group = (id: number): Haircut["group"] => ({ id, maintenanceBps: r(100), initialExtraBps: r(100) });
    const [one, oneBefore, two, twoBefore] = [group(1), group(1), group(2), group(2)];
    const [stables, ethers_] = [r(3) === 0, r(2) === 0];
    const ramped = r(3) === 0;
    const brackets = r(3) > 0;
    // Group 1: settlement and a stable idle asset; group 2: pools 2 and 4 with their shares, and idle 1.
    const groupsOf = (kind: number, number: number): readonly [Haircut["group"], Haircut["group"]] => {
      if (stables && (kind === 1 ? number === 2 : number === 1)) return [one, oneBefore];
      if (ethers_ && (kind === 1 ? number === 1 : number === 2 || number === 4)) return [two, twoBefore];
      return [undefined, undefined];
    };
    const both = (kind: number, number: number): { haircut: Haircut; previous?: Haircut } => {
      const [now, before] = groupsOf(kind, number);
      return {
        haircut: haircut(r, now, brackets && r(2) === 0, kind),
        ...(ramped ? { previous: haircut(r, before, brackets && r(2) === 0, kind) } : {}),
      };
    };
    const asset = (kind: number, number: number, place: number, decimals: number): RiskTable["pools"][number] => {
      if (place > 2 && r(12) === 0) return null; // in the safe, but not listed
      const twap = TWAPS.findIndex((t) => t.place === place);
      return {
        feed: address(at(feeds, place)),
        heartbeat: HEARTBEAT,
        feedDecimals: at(FEED_DECIMALS, place),
        tokenDecimals: decimals,
        minAnswer: 1n,
        maxAnswer: 10n ** BigInt(at(FEED_DECIMALS, place) + 8),
        ...both(kind, number),
        ...(twap < 0 || r(4) === 0
          ? {}
          : {
              twap: {
                pool: address(at(twaps, twap)),
                window: at(TWAPS, twap).window,
                quote: at(TWAPS, twap).quote,
                quoteDecimals: at(TWAPS, twap).quoteDecimals,
                baseIsToken0: r(2) === 0,
                deviationBps: 500,
                ...(r(3) === 0 ? { minLiquidity: 10n ** 6n } : {}),
              },
            }),
      };
    };
    const pools = POOLS.map((decimals, i) => asset(0, i + 1, i, decimals));
    const ramp = { start: time - r(100_000), end: time + 1 + r(100_000) };
    return unpackRiskTable(
      packRiskTable({
        settlementDecimals: POOLS[0],
        deviationDelay: 300,
        ...(r(2) === 0 ? { sequencer: { feed: address(sequencer), grace: GRACE } } : {}),
        ...(ramped ? { ramp } : {}),
        ...(ledgerTable === undefined ? {} : { ledgerTable }),
        pools,
        idles: IDLES.map((decimals, i) => asset(1, i + 1, POOLS.length + i, decimals)),
        vaultShares: pools.map((pool, i) => (pool === null || r(4) === 0 ? null : both(2, i + 1))),
      }),
    );
  };

  /** Ordinary answers mostly; in some rounds one source is broken in one of its ways. */
  const setPrices = async (r: Random, table: RiskTable, time: number): Promise<void> => {
    const broken = r(4) === 0 ? r(feeds.length) : -1;
    const listed = [...table.pools, ...table.idles];
    const usd: number[] = [];
    for (const [i, feed] of feeds.entries()) {
      const price = at(USD, i) * (0.5 + r(1_000_000) / 1_000_000);
      usd.push(price);
      const answer =
        BigInt(Math.round(price * 1e6)) * 10n ** BigInt(at(FEED_DECIMALS, i) - 6) + BigInt(i === 5 ? 0 : r(9));
      const how = i === broken ? 1 + r(7) : 0;
      await feed.setFailure(how === 6 ? 1 : how === 7 ? 4 : 0);
      await feed.setAnsweredLate(how === 5);
      const age = how === 1 ? HEARTBEAT + 600 : r(HEARTBEAT - 600);
      const answers = [answer, answer, 0n, -answer, 10n ** BigInt(at(FEED_DECIMALS, i) + 9), answer, answer, answer];
      await feed.pushRound(at(answers, how), how === 4 && r(2) === 0 ? 0 : time - age);
    }
    for (const [i, { place, quote, quoteDecimals, window }] of TWAPS.entries()) {
      const pool = at(twaps, i);
      // Mostly near the primary, sometimes beyond the bound.
      const off = r(4) === 0 ? 0.8 + r(400) / 1_000 : 0.97 + r(60) / 1_000;
      const ratio = (at(usd, place) / at(usd, quote - 1)) * off;
      const decimals = at([...POOLS, ...IDLES], place);
      const tick = Math.round(Math.log(ratio * 10 ** (quoteDecimals - decimals)) / Math.log(1.0001));
      const isToken0 = listed[place]?.twap?.baseIsToken0 ?? true;
      await pool.setTick(isToken0 ? tick : -tick, r(window));
      await pool.setPerLiquidity(r(5) === 0 ? 10n ** 40n : 1n);
      await pool.setFailure(r(10) === 0 ? at([1, 3, 4], r(3)) : 0);
    }
    await sequencer.pushRound(r(8) === 0 ? 1 : 0, r(8) === 0 ? 0 : time - r(8) * GRACE);
  };

  /** What a call returns; nothing if it fails. */
  const raw = async (to: string, data: string): Promise<string> =>
    ethers.provider.call({ to, data, blockTag: "latest" }).catch(() => "0x");

  const readFeed = async (feed: MockFeed): Promise<FeedReading | undefined> =>
    decodeRound(await raw(address(feed), feed.interface.encodeFunctionData("latestRoundData")));

  const readTwapPool = async (pool: MockTwapPool, window: number): Promise<TwapReading | undefined> =>
    decodeObservations(await raw(address(pool), pool.interface.encodeFunctionData("observe", [[window, 0]])));

  const readAll = async (): Promise<Readings> => {
    const rounds = new Map<string, FeedReading>();
    for (const feed of feeds) {
      const reading = await readFeed(feed);
      if (reading) rounds.set(address(feed), reading);
    }
    const averages = new Map<string, TwapReading>();
    for (const [i, pool] of twaps.entries()) {
      const reading = await readTwapPool(pool, at(TWAPS, i).window);
      if (reading) averages.set(address(pool), reading);
    }
    const disagreements = new Map<number, { since: bigint; lastSeen: bigint }>();
    for (const asset of assetIds()) {
      const [since, lastSeen] = await deviations.disagreement(asset);
      disagreements.set(asset, { since, lastSeen });
    }
    const [, answer, startedAt] = await sequencer.latestRoundData();
    return { feeds: rounds, twaps: averages, sequencer: { answer, startedAt }, disagreements };
  };

  const shuffle: SpotWorld["shuffle"] = async (r, ledgerTable) => {
    const begun = await networkHelpers.time.latest();
    const table = randomTable(r, begun, ledgerTable);
    await setPrices(r, table, begun);
    await networkHelpers.setCode(ENGINE, template + packRiskTable(table).slice(2));

    const pools = new Map<number, Pool>();
    const idles = new Map<number, Idle>();
    const slow = new Map<number, bigint>();
    for (const [i, decimals] of POOLS.entries()) {
      const [number, share] = [i + 1, vaultShareAsset(i + 1)];
      const pool: Pool = {
        number,
        token: at(tokens, i),
        decimals,
        lenderShares: digitsOf(r, decimals + 5),
        accountShares: digitsOf(r, decimals + 5),
        supplyIndex: INDEX_ONE + digitsOf(r, 14),
        debtShares: 0n,
        debtIndex: INDEX_ONE + digitsOf(r, 15),
        lastAccrual: 0n,
        rateAtTarget: 0n,
        reserveFactorBps: 0n,
        supplyCap: undefined,
        borrowCap: undefined,
        depositsClosed: false,
        externalModel: false,
        maxUtilisationBps: 10_000n,
        reservedPartBps: 0n,
        settlementPartBps: 0n,
        borrowsClosed: false,
        tokens: 0n,
        outflowLeft: undefined,
      };
      pools.set(number, pool);
      await store(safe, 2n, poolAsset(number), toAssetsDown(pool.accountShares, pool.supplyIndex));
      await store(safe, 3n, poolAsset(number), pool.supplyIndex);
      idles.set(share, idleOf(share, decimals, digitsOf(r, decimals + 5)));
    }
    for (const [i, decimals] of IDLES.entries()) {
      idles.set(idleAsset(i + 1), idleOf(idleAsset(i + 1), decimals, digitsOf(r, decimals + 5)));
    }
    for (const { asset, held } of idles.values()) await store(safe, 2n, asset, held);
    for (const asset of [...assetIds(), ...POOLS.map((_, i) => vaultShareAsset(i + 1))]) {
      const checkpoint = r(4) === 0 ? 0n : digitsOf(r, decimalsOf(asset) + 5);
      slow.set(asset, checkpoint);
      await store(checkpoints, 0n, asset, checkpoint);
    }
    for (const { place } of TWAPS) {
      const [since, lastSeen] = [r(3) === 0 ? 0 : begun - r(800), begun - r(400)];
      await store(deviations, 0n, at(assetIds(), place), BigInt(since) | (BigInt(lastSeen) << 40n));
    }
    await networkHelpers.mine();
    const readings = await readAll();
    const { time } = await call([]);
    const settled = new Map([...pools].map(([n, pool]) => [n, { ...pool, lastAccrual: time }] as const));
    const safeState = { pausedActions: 0, pausedUntil: 0n };
    const prices = readPrices(table, readings, time);
    return { time, table, prices, checkpoints: slow, pools: settled, idles, safe: safeState, auction: ANY_AUCTION };
  };

  const idleOf = (asset: number, decimals: number, held: bigint): Idle => ({
    asset,
    token: ZeroAddress,
    decimals,
    held,
    room: 0n,
    maxPartBps: 10_000n,
    outflowLeft: undefined,
  });

  const put: SpotWorld["put"] = (place, code) => networkHelpers.setCode(place, code);

  return { engine, call, shuffle, put, close: () => connection.close() };
};
