// The file that a deployment leaves behind: where everything is. Scripts, keeper and SDK read it.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import type { Address } from "../config/types.ts";

/** One listed asset. `id` is the AssetId of its balances; `vaultShareId` that of its vault's share as collateral. */
export interface DeployedAsset {
  id: number;
  token: Address;
  decimals: number;
  feed: Address;
  /** Uniswap pool of the second price source. */
  twapPool?: Address;
  vault?: Address;
  vaultShareId?: number;
}

export interface DeployedContracts {
  manager: Address;
  timelock: Address;
  safe: Address;
  /** The safe's cold doors, behind its address. */
  extension: Address;
  /** Its restricted functions and views, behind the extension. */
  admin: Address;
  engine: Address;
  engineFactory: Address;
  sizeCheckpoints: Address;
  deviationRecord: Address;
  auction: Address;
  insuranceFund: Address;
  lens: Address;
  swapAdapter: Address;
  leverageRouter: Address;
  liquidationUnwinder: Address;
}

/** What a deployment with perps and options has on top. */
export interface DerivativeContracts {
  attestedFeed: Address;
  realizedVolatility: Address;
  settlementPrices: Address;
  normalTable: Address;
  standardModel: Address;
  portfolioModel: Address;
  ledgerTableFactory: Address;
  /** For anybody who wants to check a portfolio's scenarios. */
  scenarioCalculator: Address;
  scenarioLens: Address;
  ledgerLens: Address;
  /** The parameters of perps and options that the engine was made with: data, not a program. */
  ledgerTable: Address;
  /** The ledger's proxy, the code behind it, and that code's cold doors. */
  positions: Address;
  positionsCode: Address;
  positionsExtension: Address;
  /** The exchange's proxy, and the code behind it. */
  exchange: Address;
  exchangeCode: Address;
}

/** What can be traded on an index. */
export interface DeployedUnderlying {
  /** The number in instruments: that of the pool whose asset is the index. */
  number: number;
  /** Symbol of that asset. */
  asset: string;
  hasPerp: boolean;
  /** Listed with the deployment, Unix time; `optionsOf` of the ledger says which strikes, and the chain what came later. */
  expiries: number[];
}

export interface UniswapDeployment {
  factory: Address;
  router?: Address;
  positions?: Address;
}

export interface Deployment {
  network: string;
  chainId: number;
  /** Nothing of the protocol is older than this block: where a reader of events may start. */
  fromBlock: number;
  deployer: Address;
  contracts: DeployedContracts & Partial<DerivativeContracts>;
  wrappedNative: Address;
  /** Where routers swap; a local network says its router and position manager too. */
  uniswap: UniswapDeployment;
  /** By symbol. */
  assets: Record<string, DeployedAsset>;
  /** By name; none without perps and options. */
  underlyings: Record<string, DeployedUnderlying>;
}

/** The contracts of a deployment that has perps and options; throws when it has not. */
export const derivativeContracts = ({ network, contracts }: Deployment): DeployedContracts & DerivativeContracts => {
  if (contracts.positions === undefined) throw new Error(`the deployment "${network}" has no perps and options`);
  return contracts as DeployedContracts & DerivativeContracts;
};

const DIRECTORY = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "deployments");

export const deploymentFile = (chainId: number, directory = DIRECTORY): string => join(directory, `${chainId}.json`);

export const writeDeployment = (deployment: Deployment, directory = DIRECTORY): string => {
  mkdirSync(directory, { recursive: true });
  const file = deploymentFile(deployment.chainId, directory);
  writeFileSync(file, `${JSON.stringify(deployment, null, 2)}\n`);
  return file;
};

/** What was deployed on a chain; throws with the way out when nothing was. */
export const readDeployment = (chainId: number, directory = DIRECTORY): Deployment => {
  const file = deploymentFile(chainId, directory);
  if (!existsSync(file)) {
    throw new Error(`nothing is deployed on chain ${chainId} (no ${file}): run \`npm run deploy -- --rpc URL\` first`);
  }
  return JSON.parse(readFileSync(file, "utf8")) as Deployment;
};
