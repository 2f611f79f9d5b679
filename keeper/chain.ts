// The contracts of one deployment, typed, over one connection.
import { type JsonRpcProvider, ZeroAddress } from "ethers";

import {
  type IDeviationRecord,
  IDeviationRecord__factory,
  type ILiquidationUnwinder,
  ILiquidationUnwinder__factory,
  type IMarginAccounts,
  IMarginAccounts__factory,
  type IMarginLens,
  IMarginLens__factory,
  type ISizeCheckpoints,
  ISizeCheckpoints__factory,
  type ITableEngine,
  ITableEngine__factory,
  type IUniswapV3Factory,
  IUniswapV3Factory__factory,
  type IPositionsLedger,
  IPositionsLedger__factory,
  type RealizedVolatility,
  RealizedVolatility__factory,
  type LiquidationAuction,
  LiquidationAuction__factory,
} from "../types/ethers-contracts/index.js";
import { ConfigError, type KeeperDeployment } from "./config.ts";

export interface Chain {
  readonly provider: JsonRpcProvider;
  readonly addresses: KeeperDeployment;
  readonly safe: IMarginAccounts;
  readonly lens: IMarginLens;
  readonly unwinder: ILiquidationUnwinder;
  readonly deviationRecord: IDeviationRecord;
  readonly sizeCheckpoints: ISizeCheckpoints;
  readonly uniswap: IUniswapV3Factory;
  /** Undefined without perps and options. */
  readonly volatility: RealizedVolatility | undefined;
}

export const attach = (provider: JsonRpcProvider, deployment: KeeperDeployment): Chain => ({
  provider,
  addresses: deployment,
  safe: IMarginAccounts__factory.connect(deployment.safe, provider),
  lens: IMarginLens__factory.connect(deployment.lens, provider),
  unwinder: ILiquidationUnwinder__factory.connect(deployment.unwinder, provider),
  deviationRecord: IDeviationRecord__factory.connect(deployment.deviationRecord, provider),
  sizeCheckpoints: ISizeCheckpoints__factory.connect(deployment.sizeCheckpoints, provider),
  uniswap: IUniswapV3Factory__factory.connect(deployment.uniswapFactory, provider),
  volatility:
    deployment.realizedVolatility === undefined
      ? undefined
      : RealizedVolatility__factory.connect(deployment.realizedVolatility, provider),
});

/** What governance may move while the keeper runs. */
export interface Neighbours {
  readonly engine: ITableEngine;
  readonly auction: LiquidationAuction;
  /** Undefined without perps and options. */
  readonly positions: IPositionsLedger | undefined;
}

export const neighbours = async ({ safe, provider }: Chain): Promise<Neighbours> => {
  const [engine, auction, positions] = await Promise.all([safe.engine(), safe.auction(), safe.positions()]);
  if (engine === ZeroAddress || auction === ZeroAddress) throw new Error("the safe has no engine or no auction yet");
  return {
    engine: ITableEngine__factory.connect(engine, provider),
    auction: LiquidationAuction__factory.connect(auction, provider),
    positions: positions === ZeroAddress ? undefined : IPositionsLedger__factory.connect(positions, provider),
  };
};

/** Refuses a deployment file that does not fit the chain, before anything is sent. */
export const verify = async ({ provider, safe }: Chain, deployment: KeeperDeployment): Promise<void> => {
  for (const name of ["safe", "lens", "unwinder", "sizeCheckpoints", "deviationRecord", "uniswapFactory"] as const) {
    if ((await provider.getCode(deployment[name])) === "0x") {
      throw new ConfigError(
        `--deployment: there is no contract at ${deployment[name]} (${name}): is it of another chain?`,
      );
    }
  }
  const wrapped = await safe.wrappedNative();
  if ((await safe.assetIdOf(wrapped)) === 0n) {
    throw new ConfigError("--deployment: the safe does not list the wrapped native token, so gas has no price here");
  }
};
