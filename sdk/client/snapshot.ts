/** Fills the mirror's `Market` and `Account` from a chain, at one block, in few calls: then every margin is known without it. */
import type { BlockTag, Provider } from "ethers";
import { Contract, ZeroAddress } from "ethers";

import {
  ICreditTiers__factory,
  IERC20Metadata__factory,
  ILiquidationAuction__factory,
  IMarginAccounts__factory,
  IPositionsLedger__factory,
  IRateModel__factory,
  ISizeCheckpoints__factory,
  ITableEngine__factory,
} from "../contracts.ts";
import { idleAsset, poolAsset, vaultShareAsset } from "../ids.ts";
import { type Account, decodeAccount, ownerOf } from "../mirror/account.ts";
import type { AuctionParameters, Idle, Market, Pool, RateModel } from "../mirror/market.ts";
import { decodePoolWords, utilisationOf } from "../mirror/pools.ts";
import { bookOfStates, type PriceStateAnswer, pricedAssets } from "../mirror/sources.ts";
import { plain } from "../plain.ts";
import { unpackRiskTable } from "../tables/riskTable.ts";
import { BatchRunner } from "./batchRunner.ts";
import { ConnectionError } from "./errors.ts";
import { readLedger } from "./ledgerSnapshot.ts";
import { type ListedExpiry, readExpiries } from "./reads.ts";
import { idleFactsSlot, readWord } from "./slots.ts";
import type { Venue } from "./venue.ts";

/** A market at one block, for the functions of `@plimsoll/sdk/mirror`. */
export interface Snapshot {
  readonly block: number;
  readonly hash: string;
  readonly market: Market;
}

/** What to read. */
export interface SnapshotOptions {
  readonly block?: BlockTag;
  /** Where "latest" is an older block than this one, this one is read. */
  readonly atLeast?: number;
  /** Expiries to read; left out: those of the deployment and those listed since, which costs a search of events. */
  readonly expiries?: readonly ListedExpiry[];
}

const NO_CAP = (1n << 96n) - 1n;
const NO_LIMIT = (1n << 256n) - 1n;

const KINKED_ABI = [
  "function base() view returns (uint256)",
  "function slope1() view returns (uint256)",
  "function slope2() view returns (uint256)",
  "function kink() view returns (uint256)",
] as const;

const AUCTION_ABI = [
  "function parameters() view returns ((uint256 start,uint256 cut,uint256 fast,uint256 slow,uint256 buffer,uint256 dustThreshold,uint256 insuranceTime,uint256 q,uint256 feePart))",
] as const;

/** As much of a kinked model as its curve needs. */
interface Kinked {
  base(): Promise<bigint>;
  slope1(): Promise<bigint>;
  slope2(): Promise<bigint>;
  kink(): Promise<bigint>;
}

const numbers = (count: bigint): number[] => Array.from({ length: Number(count) }, (_, i) => i + 1);
const unless = (value: bigint, none: bigint): bigint | undefined => (value >= none ? undefined : value);

/** A model's curve where it is the kinked one, else what it answers now: exact at this block alone. */
const readRateModel = async (
  address: string,
  words: ReturnType<typeof decodePoolWords>,
  time: bigint,
  runner: BatchRunner,
): Promise<RateModel> => {
  const model = new Contract(address, KINKED_ABI, runner) as unknown as Kinked;
  const curve = await Promise.all([model.base(), model.slope1(), model.slope2(), model.kink()]).catch(() => undefined);
  if (curve !== undefined) {
    const [base, slope1, slope2, kink] = curve;
    return { kind: "kinked", base, slope1, slope2, kink };
  }
  const elapsed = time - words.lastAccrual;
  const answer = await IRateModel__factory.connect(address, runner).rates(
    utilisationOf(words),
    elapsed,
    words.rateAtTarget,
  );
  return { kind: "reading", rate: answer.average, rateAtTarget: answer.newRateAtTarget };
};

interface Source {
  readonly venue: Venue;
  readonly provider: Provider;
  readonly runner: BatchRunner;
  readonly time: bigint;
  readonly block: number;
}

const readPool = async ({ venue, runner, time }: Source, number: number): Promise<Pool> => {
  const safe = IMarginAccounts__factory.connect(venue.deployment.contracts.safe, runner);
  const asset = poolAsset(number);
  const [{ supplyWord, debtWord }, config, { token, decimals }, model, outflow] = await Promise.all([
    safe.poolWords(asset),
    safe.poolConfig(asset),
    safe.assetToken(asset),
    safe.rateModel(asset),
    safe.outflowLeft(asset),
  ]);
  const words = decodePoolWords(supplyWord, debtWord);
  const [tokens, rateModel] = await Promise.all([
    IERC20Metadata__factory.connect(token, runner).balanceOf(venue.deployment.contracts.safe),
    words.externalModel && model !== ZeroAddress
      ? readRateModel(model, words, time, runner).catch(() => undefined) // a model that reverts charges nothing
      : undefined,
  ]);
  return {
    ...words,
    number,
    token,
    decimals: Number(decimals),
    borrowCap: unless(config.borrowCap, NO_CAP),
    maxUtilisationBps: config.maxUtilisation,
    reservedPartBps: config.reservedPart,
    settlementPartBps: config.settlementPart,
    borrowsClosed: config.borrowsClosed,
    ...(rateModel !== undefined && { rateModel }),
    tokens,
    outflowLeft: unless(outflow, NO_LIMIT),
  };
};

const readIdle = async ({ venue, provider, runner, block }: Source, asset: number): Promise<Idle | undefined> => {
  const safe = IMarginAccounts__factory.connect(venue.deployment.contracts.safe, runner);
  const facts = readWord(provider, venue.deployment.contracts.safe, idleFactsSlot(asset), block);
  const [{ token, decimals }, held, room, outflow] = await Promise.all([
    safe.assetToken(asset),
    safe.totalCollateral(asset),
    safe.collateralRoom(asset),
    safe.outflowLeft(asset),
  ]);
  if (token === ZeroAddress) return undefined; // a pool without a vault
  const maxPartBps = BigInt.asUintN(16, (await facts) >> 96n);
  return { asset, token, decimals: Number(decimals), held, room, maxPartBps, outflowLeft: unless(outflow, NO_LIMIT) };
};

const open = async (
  venue: Venue,
  provider: Provider,
  tag: BlockTag,
  atLeast = 0,
): Promise<Source & { readonly hash: string }> => {
  let block = await provider.getBlock(tag);
  if (tag === "latest" && block !== null && block.number < atLeast) block = await provider.getBlock(atLeast);
  if (block === null || block.hash === null) throw new ConnectionError(`the node has no block ${tag}`);
  const runner = new BatchRunner(provider, venue.contracts.safe, venue.deployment.contracts.safe, block.number);
  return { venue, provider, runner, time: BigInt(block.timestamp), block: block.number, hash: block.hash };
};

const accountFrom = async ({ venue, runner }: Source, account: string): Promise<Account> => {
  const { safe: safeAt, positions: ledgerAt, creditTiers: tiersAt } = venue.deployment.contracts;
  const safe = IMarginAccounts__factory.connect(safeAt, runner);
  const ledger = ledgerAt === undefined ? undefined : IPositionsLedger__factory.connect(ledgerAt, runner);
  const tiers = tiersAt === undefined ? undefined : ICreditTiers__factory.connect(tiersAt, runner);
  const [words, quote, positions, partBps, attested] = await Promise.all([
    safe.words(account),
    ledger?.quoteOf(account) ?? 0n,
    ledger?.positionsOf(account) ?? [],
    tiers?.partOf(account) ?? 0n,
    tiers?.creditOf(ownerOf(account)),
  ]);
  const credit = attested === undefined || partBps === 0n ? undefined : { partBps, expiry: attested.expiry };
  return decodeAccount(account, words, { quote, positions }, credit);
};

/** Accounts for the mirror, at one block, in one call. */
export const readMirrorAccounts = async (
  venue: Venue,
  provider: Provider,
  accounts: readonly string[],
  tag: BlockTag = "latest",
  atLeast = 0,
): Promise<Account[]> => {
  const source = await open(venue, provider, tag, atLeast);
  return Promise.all(accounts.map((account) => accountFrom(source, account)));
};

/** Everything besides the accounts that margins depend on, at one block. */
export const readSnapshot = async (
  venue: Venue,
  provider: Provider,
  options: SnapshotOptions = {},
): Promise<Snapshot> => {
  const source = await open(venue, provider, options.block ?? "latest", options.atLeast);
  const { runner, time, block, hash } = source;
  const at = venue.deployment.contracts;
  const safe = IMarginAccounts__factory.connect(at.safe, runner);
  const listed = options.expiries ?? (await readExpiries(venue, { block }));

  const [engineAt, auctionAt, counts, pauses, insuranceId] = await Promise.all([
    safe.engine(),
    safe.auction(),
    safe.assetCounts(),
    safe.pauses(),
    safe.insurance(),
  ]);
  const engine = ITableEngine__factory.connect(engineAt, runner);
  const auction = new Contract(auctionAt, [...ILiquidationAuction__factory.abi, ...AUCTION_ABI], runner) as unknown as {
    parameters(): Promise<AuctionParameters>;
  };
  const checkpoints = ISizeCheckpoints__factory.connect(at.sizeCheckpoints, runner);
  const pools = numbers(counts.pools);
  const others = [...numbers(counts.idles).map(idleAsset), ...pools.map(vaultShareAsset)];
  const assets = [...pools.map(poolAsset), ...others];

  const [tableBytes, parameters, poolList, idleList, sizes, insurance] = await Promise.all([
    engine.table(),
    auction.parameters(),
    Promise.all(pools.map((number) => readPool(source, number))),
    Promise.all(others.map((asset) => readIdle(source, asset))),
    Promise.all(assets.map(async (asset) => [asset, await checkpoints.checkpointOf(asset)] as const)),
    BigInt(insuranceId) === 0n ? undefined : accountFrom(source, insuranceId),
  ]);
  const table = unpackRiskTable(tableBytes);
  const priced = [...pricedAssets(table).keys()];
  const [states, ledger] = await Promise.all([
    Promise.all(
      priced.map(async (asset) => [asset, plain(await engine.priceState(asset)) as PriceStateAnswer] as const),
    ),
    table.ledgerTable === undefined ? undefined : readLedger({ ...source, table, engine, listed }),
  ]);
  return {
    block,
    hash,
    market: {
      time,
      table,
      prices: bookOfStates(table, new Map(states)),
      checkpoints: new Map(sizes),
      pools: new Map(poolList.map((pool) => [pool.number, pool])),
      idles: new Map(idleList.filter((idle) => idle !== undefined).map((idle) => [idle.asset, idle])),
      safe: {
        pausedActions: Number(pauses.actions),
        pausedUntil: pauses.until,
        ...(insurance !== undefined && { insurance }),
      },
      auction: { ...plain(parameters) },
      ...(ledger !== undefined && { ledger }),
    },
  };
};
