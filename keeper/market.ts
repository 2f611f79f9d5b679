// Reads from the chain, in two batches a block, everything that margins depend on besides the accounts.
import type { IMarginLens, ITableEngine } from "../types/ethers-contracts/index.js";
import { poolAsset, vaultShareAsset, idleAsset } from "../sdk/mirror/assets.ts";
import type { LedgerMarket } from "../sdk/mirror/derivatives/market.ts";
import type { AuctionParameters, Market, Pool } from "../sdk/mirror/market.ts";
import { decodePoolWords } from "../sdk/mirror/pools.ts";
import { bookOfStates, pricedAssets, type PriceStateAnswer } from "../sdk/mirror/sources.ts";
import { readLedgerMarket } from "../sdk/reader/ledgerMarket.ts";
import { type RiskTable, unpackRiskTable } from "../sdk/tables/riskTable.ts";
import type { Chain, Neighbours } from "./chain.ts";
import type { Head } from "./heads.ts";

/** What changes only when governance moves a pointer. */
interface Fixed {
  readonly engine: string;
  readonly auction: string;
  readonly table: RiskTable;
  readonly parameters: AuctionParameters;
  readonly tokens: ReadonlyMap<number, { readonly token: string; readonly decimals: number }>;
}

interface Listed {
  readonly at: number;
  readonly attestedFeed: string;
  readonly settlementPrices: string;
  readonly expiries: readonly { readonly underlying: number; readonly expiry: number }[];
}

/** New expiries are listed days before anybody can be in danger by them. */
const LISTED_EVERY_MS = 60_000;

type PoolView = Awaited<ReturnType<IMarginLens["poolsView"]>>[number];

export class MarketReader {
  private fixed: Fixed | undefined;
  private listed: Listed | undefined;

  constructor(private readonly chain: Chain) {}

  /** As of the head's block. */
  async read({ number, timestamp }: Pick<Head, "number" | "timestamp">, around: Neighbours): Promise<Market> {
    const fixed = await this.terms(around);
    const { table } = fixed;
    const { safe } = this.chain;
    const at = { blockTag: number };
    const [states, pools, checkpoints, ledger] = await Promise.all([
      Promise.all(
        [...pricedAssets(table).keys()].map(
          async (asset) => [asset, await stateOf(around.engine, asset, number)] as const,
        ),
      ),
      Promise.all(
        [...fixed.tokens].map(async ([pool, token]): Promise<Pool> => {
          const { supplyWord, debtWord } = await safe.poolWords(poolAsset(pool), at);
          return this.pool(pool, token, supplyWord, debtWord, number, timestamp);
        }),
      ),
      Promise.all(
        sized(table).map(async (asset) => [asset, await this.chain.sizeCheckpoints.checkpointOf(asset, at)] as const),
      ),
      this.ledger(table, around, number),
    ]);
    return {
      time: BigInt(timestamp),
      table,
      prices: bookOfStates(table, new Map(states)),
      checkpoints: new Map(checkpoints),
      pools: new Map(pools.map((pool) => [pool.number, pool])),
      idles: new Map(), // only what an account may still do depends on them, not what it is worth
      safe: { pausedActions: 0, pausedUntil: 0n },
      auction: fixed.parameters,
      ...(ledger && { ledger }),
    };
  }

  private async ledger(
    { ledgerTable }: RiskTable,
    { positions }: Neighbours,
    blockTag: number,
  ): Promise<LedgerMarket | undefined> {
    const { realizedVolatility } = this.chain.addresses;
    if (ledgerTable === undefined || positions === undefined || realizedVolatility === undefined) return undefined;
    if (this.listed === undefined || Date.now() - this.listed.at > LISTED_EVERY_MS) {
      const [attestedFeed, settlementPrices, events] = await Promise.all([
        positions.feed(),
        positions.settlementPrices(),
        positions.queryFilter(positions.filters.ExpiryListed(), this.chain.addresses.fromBlock),
      ]);
      const expiries = events.map(({ args }) => ({ underlying: Number(args.underlying), expiry: Number(args.expiry) }));
      this.listed = { at: Date.now(), attestedFeed, settlementPrices, expiries };
    }
    const { attestedFeed, settlementPrices, expiries } = this.listed;
    const addresses = { positions: await positions.getAddress(), attestedFeed, settlementPrices, realizedVolatility };
    return readLedgerMarket(this.chain.provider, addresses, { expiries, blockTag });
  }

  private async terms({ engine, auction }: Neighbours): Promise<Fixed> {
    const [engineAt, auctionAt] = await Promise.all([engine.getAddress(), auction.getAddress()]);
    if (this.fixed?.engine === engineAt && this.fixed.auction === auctionAt) return this.fixed;
    const { safe } = this.chain;
    const [table, parameters, { pools }] = await Promise.all([
      engine.table(),
      auction.parameters(),
      safe.assetCounts(),
    ]);
    const numbers = Array.from({ length: Number(pools) }, (_, i) => i + 1);
    const tokens = await Promise.all(
      numbers.map(async (pool) => {
        const { token, decimals } = await safe.assetToken(poolAsset(pool));
        return [pool, { token, decimals: Number(decimals) }] as const;
      }),
    );
    const { start, cut, fast, slow, buffer, dustThreshold, insuranceTime, q, feePart } = parameters;
    this.fixed = {
      engine: engineAt,
      auction: auctionAt,
      table: unpackRiskTable(table),
      parameters: { start, cut, fast, slow, buffer, dustThreshold, insuranceTime, q, feePart },
      tokens: new Map(tokens),
    };
    return this.fixed;
  }

  /** A pool's rate by a model of its own is taken from the lens: its formula is not known here. */
  private async pool(
    number: number,
    { token, decimals }: { token: string; decimals: number },
    supplyWord: bigint,
    debtWord: bigint,
    block: number,
    timestamp: number,
  ): Promise<Pool> {
    const words = decodePoolWords(supplyWord, debtWord);
    const rest = {
      number,
      token,
      decimals,
      borrowCap: undefined,
      maxUtilisationBps: 10_000n,
      reservedPartBps: 0n,
      settlementPartBps: 0n,
      borrowsClosed: false,
      tokens: 0n,
      outflowLeft: undefined,
    };
    if (!words.externalModel) return { ...words, ...rest };
    const view = (await this.chain.lens.poolsView({ blockTag: block }))[number - 1] as PoolView;
    const { supplyIndex, debtIndex, rateAtTarget } = view.state;
    return {
      ...words,
      ...rest,
      supplyIndex,
      debtIndex,
      lastAccrual: BigInt(timestamp),
      rateModel: { kind: "reading", rate: view.borrowRate, rateAtTarget },
    };
  }
}

const stateOf = async (engine: ITableEngine, asset: number, blockTag: number): Promise<PriceStateAnswer> => {
  const state = await engine.priceState(asset, { blockTag });
  const { primary, secondary, updatedAt, fault, primaryOnly } = state;
  return { primary, secondary, updatedAt, fault, primaryOnly };
};

/** Assets whose haircut depends on how much of them everybody holds. */
const sized = (table: RiskTable): number[] => [
  ...table.pools.flatMap((asset, i) => (kappaOf(asset) > 0 ? [poolAsset(i + 1)] : [])),
  ...table.idles.flatMap((asset, i) => (kappaOf(asset) > 0 ? [idleAsset(i + 1)] : [])),
  ...table.vaultShares.flatMap((asset, i) => (kappaOf(asset) > 0 ? [vaultShareAsset(i + 1)] : [])),
];

const kappaOf = (asset: RiskTable["vaultShares"][number] | RiskTable["pools"][number]): number =>
  asset == null ? 0 : Math.max(asset.haircut.kappaBps ?? 0, asset.previous?.kappaBps ?? 0);
