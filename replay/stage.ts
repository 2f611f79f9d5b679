// The deployed system with typed handles, lenders' money, and Uniswap pools deep enough to trade in.
import { join } from "node:path";

import hre from "hardhat";
import { type ContractTransaction, type JsonRpcProvider } from "ethers";

import type { NetworkConfig } from "../deploy/config/types.ts";
import type { Deployment } from "../deploy/lib/addresses.ts";
import { deployLocal } from "../deploy/lib/deploy.ts";
import { LOCAL_POOL_FEE, toAnswer } from "../deploy/lib/localNetwork.ts";
import {
  IMarginAccounts__factory,
  InsuranceFund__factory,
  LeverageRouter__factory,
  LiquidationAuction__factory,
  LiquidationUnwinder__factory,
  LocalToken__factory,
  MarginLens__factory,
  MockV3Aggregator__factory,
  SwapAdapter__factory,
  Vault__factory,
  WETH__factory,
} from "../types/ethers-contracts/index.js";
import { attachUniswap, type Market, marketOf, priceOf, sqrtPriceX96Of, type Uniswap } from "../scripts/lib/uniswap.ts";
import type { Coin, Prices, Symbol } from "./assets.ts";
import { DemoError } from "./sender.ts";

export * from "./assets.ts";

export interface Listed {
  readonly symbol: Symbol;
  /** Of its pool, and of that pool's vault share. */
  readonly asset: number;
  readonly shareAsset: number;
  readonly token: string;
}

export type Stage = Awaited<ReturnType<typeof attachStage>>;

/** Deploys with the same modules as everywhere else, from the node's own account. */
export async function deployStage(
  url: string,
  prices: Prices,
  journal: string,
  adjust: (config: NetworkConfig) => NetworkConfig,
): Promise<Deployment> {
  const connection = await hre.network.create({ network: "localhost", override: { url, accounts: "remote" } });
  try {
    return await deployLocal(connection, {
      prices: { USDC: prices.USDC, WETH: prices.WETH, WBTC: prices.WBTC, stETH: prices.WETH },
      deploymentId: journal,
      adjust,
    });
  } finally {
    await connection.close();
  }
}

/** Where Ignition keeps the journal of a deployment. */
export const journalDirectory = (journal: string): string => join(hre.config.paths.ignition, "deployments", journal);

export async function attachStage(provider: JsonRpcProvider, deployment: Deployment) {
  const { contracts, assets, uniswap: addresses } = deployment;
  const listed = (symbol: Symbol): Listed & { vault: string; feed: string } => {
    const asset = assets[symbol];
    if (asset?.vault === undefined || asset.vaultShareId === undefined) throw new DemoError(`${symbol} has no vault`);
    const { id, token, vault, vaultShareId, feed } = asset;
    return { symbol, asset: id, shareAsset: vaultShareId, token, vault, feed };
  };
  const each = <T>(make: (symbol: Symbol) => T): Record<Symbol, T> => ({
    USDC: make("USDC"),
    WETH: make("WETH"),
    WBTC: make("WBTC"),
  });
  if (addresses.router === undefined || addresses.positions === undefined) throw new DemoError("no Uniswap deployed");
  // Reads only: those who write name their wallets.
  const signer = await provider.getSigner(0);
  const uniswap: Uniswap = attachUniswap(
    { factory: addresses.factory, router: addresses.router, positions: addresses.positions },
    signer,
  );
  const market = (coin: Coin): Promise<Market> =>
    marketOf(uniswap, listed(coin).token, listed("USDC").token, LOCAL_POOL_FEE);
  return {
    deployment,
    provider,
    listed: each(listed),
    safe: IMarginAccounts__factory.connect(contracts.safe, provider),
    lens: MarginLens__factory.connect(contracts.lens, provider),
    router: LeverageRouter__factory.connect(contracts.leverageRouter, provider),
    adapter: SwapAdapter__factory.connect(contracts.swapAdapter, provider),
    auction: LiquidationAuction__factory.connect(contracts.auction, provider),
    unwinder: LiquidationUnwinder__factory.connect(contracts.liquidationUnwinder, provider),
    fund: InsuranceFund__factory.connect(contracts.insuranceFund, provider),
    weth: WETH__factory.connect(listed("WETH").token, provider),
    tokens: each((symbol) => LocalToken__factory.connect(listed(symbol).token, provider)),
    vaults: each((symbol) => Vault__factory.connect(listed(symbol).vault, provider)),
    feeds: each((symbol) => MockV3Aggregator__factory.connect(listed(symbol).feed, provider)),
    uniswap,
    markets: { WETH: await market("WETH"), WBTC: await market("WBTC") } satisfies Record<Coin, Market>,
  };
}

/** What gives `to` so much of a token; ether is wrapped by the receiver himself. */
export const mint = async (stage: Stage, symbol: Symbol, to: string, units: bigint): Promise<ContractTransaction> =>
  symbol === "WETH"
    ? stage.weth.deposit.populateTransaction({ value: units })
    : stage.tokens[symbol].mint.populateTransaction(to, units);

/** A Chainlink round. */
export const round = (stage: Stage, symbol: Symbol, price: number): Promise<ContractTransaction> =>
  stage.feeds[symbol].updateAnswer.populateTransaction(toAnswer(price));

const FOREVER = 2n ** 48n;
const WAD = 10n ** 18n;

/** The trade that brings a pool to the price; undefined when it is nearer than `tolerance` already. */
export async function arbitrage(
  stage: Stage,
  coin: Coin,
  price: number,
  trader: string,
  tolerance: number,
): Promise<ContractTransaction | undefined> {
  const { pool, ...market } = stage.markets[coin];
  const { sqrtPriceX96 } = await pool.slot0();
  const now = Number(priceOf(market, sqrtPriceX96)) / 1e18;
  if (Math.abs(now / price - 1) < tolerance) return undefined;
  const target = sqrtPriceX96Of(market, (toAnswer(price) * WAD) / toAnswer(1));
  const baseIn = target < sqrtPriceX96 === market.baseIsToken0;
  const [tokenIn, tokenOut] = baseIn ? [market.base, market.quote] : [market.quote, market.base];
  return stage.uniswap.router.exactInputSingle.populateTransaction({
    tokenIn,
    tokenOut,
    fee: market.fee,
    recipient: trader,
    deadline: FOREVER,
    // Only what it takes to get to the limit is sold.
    amountIn: 2n ** 127n,
    amountOutMinimum: 0n,
    sqrtPriceLimitX96: target,
  });
}
