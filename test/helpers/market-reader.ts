// The mirror's market as a test reads it from a chain, call by call: what a transaction in the next block will find.
import type { Provider } from "ethers";

import { decodeAccount } from "../../sdk/mirror/account.ts";
import { idleAsset, poolAsset, vaultShareAsset } from "../../sdk/mirror/assets.ts";
import type { Idle, Market, Pool, RateModel } from "../../sdk/mirror/market.ts";
import { decodePoolWords } from "../../sdk/mirror/pools.ts";
import { decodeObservations, decodeRound, pricedAssets, readPrices, type Readings } from "../../sdk/mirror/sources.ts";
import { type RiskTable, unpackRiskTable } from "../../sdk/tables/riskTable.ts";
import {
  MockV3Aggregator__factory,
  IERC20Metadata__factory,
  IUniswapV3Pool__factory,
  KinkedRateModel__factory,
} from "../../types/ethers-contracts/index.js";
import type { Protocol } from "./protocol.ts";

const MAX_UINT256 = (1n << 256n) - 1n;
const NO_CAP = (1n << 96n) - 1n;

type Parts = Pick<
  Protocol,
  "ethers" | "safe" | "engine" | "auction" | "sizeCheckpoints" | "deviationRecord" | "deployment"
>;

const raw = (provider: Provider, to: string, data: string): Promise<string> =>
  provider.call({ to, data }).catch(() => "0x");

const readSources = async ({ ethers, deviationRecord }: Parts, table: RiskTable): Promise<Readings> => {
  const latest = MockV3Aggregator__factory.createInterface().encodeFunctionData("latestRoundData");
  const observe = IUniswapV3Pool__factory.createInterface();
  const feeds = new Map<string, NonNullable<ReturnType<typeof decodeRound>>>();
  const twaps = new Map<string, NonNullable<ReturnType<typeof decodeObservations>>>();
  const disagreements = new Map<number, { since: bigint; lastSeen: bigint }>();
  for (const [id, { feed, twap }] of pricedAssets(table)) {
    const round = decodeRound(await raw(ethers.provider, feed, latest));
    if (round) feeds.set(feed, round);
    if (!twap) continue;
    const call = observe.encodeFunctionData("observe", [[twap.window, 0]]);
    const observed = decodeObservations(await raw(ethers.provider, twap.pool, call));
    if (observed) twaps.set(twap.pool, observed);
    const [since, lastSeen] = await deviationRecord.disagreement(id);
    disagreements.set(id, { since, lastSeen });
  }
  return { feeds, twaps, disagreements };
};

const readModel = async ({ ethers, safe }: Parts, asset: number): Promise<RateModel> => {
  const model = KinkedRateModel__factory.connect(await safe.rateModel(asset), ethers.provider);
  const [base, slope1, slope2, kink] = await Promise.all([model.base(), model.slope1(), model.slope2(), model.kink()]);
  return { kind: "kinked", base, slope1, slope2, kink };
};

const limit = (left: bigint): bigint | undefined => (left === MAX_UINT256 ? undefined : left);
const cap = (value: bigint): bigint | undefined => (value === NO_CAP ? undefined : value);

const readPool = async (p: Parts, number: number): Promise<Pool> => {
  const { safe, ethers } = p;
  const asset = poolAsset(number);
  const [[supply, debt], config, [token, decimals], left] = await Promise.all([
    safe.poolWords(asset),
    safe.poolConfig(asset),
    safe.assetToken(asset),
    safe.outflowLeft(asset, { blockTag: "pending" }),
  ]);
  const words = decodePoolWords(supply, debt);
  return {
    ...words,
    number,
    token,
    decimals: Number(decimals),
    borrowCap: cap(config.borrowCap),
    maxUtilisationBps: config.maxUtilisation,
    reservedPartBps: config.reservedPart,
    settlementPartBps: config.settlementPart,
    borrowsClosed: config.borrowsClosed,
    ...(words.externalModel && { rateModel: await readModel(p, asset) }),
    tokens: await IERC20Metadata__factory.connect(token, ethers.provider).balanceOf(safe),
    outflowLeft: limit(left),
  };
};

const readIdle = async ({ safe }: Parts, asset: number, maxPartBps: bigint): Promise<Idle> => {
  const [held, room, [token, decimals], left] = await Promise.all([
    safe.totalCollateral(asset),
    safe.collateralRoom(asset),
    safe.assetToken(asset),
    safe.outflowLeft(asset, { blockTag: "pending" }),
  ]);
  return { asset, token, decimals: Number(decimals), held, room, maxPartBps, outflowLeft: limit(left) };
};

export interface ReadOptions {
  /** Of the next block; it must have been set. */
  readonly time: bigint;
  /** Of every vault share: no view tells it, an event does. */
  readonly maxPartBps: bigint;
}

/** Spot alone: no ledger. */
export const readMarket = async (p: Parts, { time, maxPartBps }: ReadOptions): Promise<Market> => {
  const { safe, engine, auction, sizeCheckpoints } = p;
  const table = unpackRiskTable(await engine.table());
  const pools = new Map<number, Pool>();
  const idles = new Map<number, Idle>();
  const checkpoints = new Map<number, bigint>();
  for (const i of table.pools.keys()) {
    pools.set(i + 1, await readPool(p, i + 1));
    idles.set(vaultShareAsset(i + 1), await readIdle(p, vaultShareAsset(i + 1), maxPartBps));
  }
  for (const i of table.idles.keys()) idles.set(idleAsset(i + 1), await readIdle(p, idleAsset(i + 1), 0n));
  for (const asset of [...pools.keys(), ...idles.keys()]) {
    checkpoints.set(asset, await sizeCheckpoints.checkpointOf(asset));
  }
  const fund = await safe.insurance();
  const [actions, until] = await safe.pauses();
  const { start, cut, fast, slow, buffer, dustThreshold, insuranceTime, q, feePart } = await auction.parameters();
  return {
    time,
    table,
    prices: readPrices(table, await readSources(p, table), time),
    checkpoints,
    pools,
    idles,
    safe: {
      pausedActions: Number(actions),
      pausedUntil: until,
      insurance: decodeAccount(fund, [...(await safe.words(fund))]),
    },
    auction: { start, cut, fast, slow, buffer, dustThreshold, insuranceTime, q, feePart },
  };
};
