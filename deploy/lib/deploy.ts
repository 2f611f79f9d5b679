// Runs the Ignition modules against a chain and says where everything ended up. Shared by scripts/deploy.ts, the demo and
// the tests' fixture, so that what is tested is what is deployed.
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

import "@nomicfoundation/hardhat-toolbox-mocha-ethers";
import { HardhatArtifactResolver } from "@nomicfoundation/hardhat-ignition/helpers";
import { listTransactions } from "@nomicfoundation/ignition-core";
import { getAddress } from "ethers";
import hre from "hardhat";
import type { NetworkConnection } from "hardhat/types/network";

import { IMarginAccounts__factory, ITableEngine__factory } from "../../types/ethers-contracts/index.js";
import { LOCAL_TWAP_WINDOW, localConfig, type LocalOptions } from "../config/local.ts";
import type { Address, NetworkConfig } from "../config/types.ts";
import { validateConfig } from "../config/validate.ts";
import { localModule, localPoolsModule } from "../modules/Local.ts";
import { plimsollModule } from "../modules/Plimsoll.ts";
import { unpackRiskTable } from "../../sdk/tables/riskTable.ts";
import type { DeployedAsset, Deployment } from "./addresses.ts";
import { assetIds } from "./assetIds.ts";
import { underlyingNumber } from "./derivativeUnits.ts";
import { DEFAULT_LOCAL_PRICES, LOCAL_CHAIN_ID, type LocalAddresses } from "./localNetwork.ts";

export interface DeployOptions {
  /** The journal's name under `deploy/deployments/`; by default `chain-<id>`. Chains inside the process keep none. */
  deploymentId?: string;
  /** `false` leaves the deployer in charge: for tests that go on configuring. */
  handover?: boolean;
  /** Print Ignition's progress. */
  displayUi?: boolean;
}

const chainIdOf = async ({ ethers }: NetworkConnection) => Number((await ethers.provider.getNetwork()).chainId);

/** Where the journal of a deployment stands; undefined for a chain inside the process. */
const journalOf = async (connection: NetworkConnection, options: DeployOptions): Promise<string | undefined> => {
  if (connection.networkConfig.type === "edr-simulated") return undefined;
  const id = options.deploymentId ?? `chain-${await chainIdOf(connection)}`;
  return join(hre.config.paths.ignition, "deployments", id);
};

/** A local chain forgets everything when it restarts; so does its journal. */
const dropStaleJournal = async (connection: NetworkConnection, journal: string) => {
  if (!existsSync(journal)) return;
  const listed = join(journal, "deployed_addresses.json");
  const addresses = existsSync(listed) ? (JSON.parse(readFileSync(listed, "utf8")) as Record<string, string>) : {};
  const [first] = Object.values(addresses);
  if (first !== undefined && (await connection.ethers.provider.getCode(first)) !== "0x") return;
  rmSync(journal, { recursive: true });
};

/** The block of the deployment's first transaction. */
const firstBlock = async (connection: NetworkConnection, journal: string | undefined, before: number) => {
  if (journal === undefined) return before;
  const [first] = await listTransactions(journal, new HardhatArtifactResolver(hre.artifacts));
  const receipt = first && (await connection.ethers.provider.getTransactionReceipt(first.txHash));
  return receipt?.blockNumber ?? before;
};

/** How long Ignition sleeps between looks at a chain that mines at once; elsewhere its own default. */
const LOCAL_POLLING_INTERVAL = 20; // milliseconds

const ignitionOptions = (chainId: number, { deploymentId, displayUi }: DeployOptions) => ({
  ...(deploymentId !== undefined && { deploymentId }),
  ...(displayUi !== undefined && { displayUi }),
  ...(chainId === LOCAL_CHAIN_ID && { config: { blockPollingInterval: LOCAL_POLLING_INTERVAL } }),
});

type Contracts = Deployment["contracts"];

/** Where the modules' contracts stand, under the names that the modules give them. */
const addressesOf = async (deployed: Record<string, { getAddress: () => Promise<string> }>): Promise<Contracts> => {
  const entries = Object.entries(deployed).map(
    async ([name, contract]) => [name, await contract.getAddress()] as const,
  );
  return Object.fromEntries(await Promise.all(entries)) as unknown as Contracts;
};

/** Not a contract of any module: the factory wrote it, and the engine's table names it. */
const ledgerTableOf = async ({ ethers }: NetworkConnection, { engine }: Contracts) => {
  const { ledgerTable } = unpackRiskTable(await ITableEngine__factory.connect(engine, ethers.provider).table());
  return ledgerTable === undefined ? {} : { ledgerTable: getAddress(ledgerTable) as Address };
};

const underlyingsOf = (config: NetworkConfig): Deployment["underlyings"] =>
  Object.fromEntries(
    (config.derivatives?.underlyings ?? []).map(({ name, asset, perp, options }) => [
      name,
      {
        number: underlyingNumber(config, asset),
        asset,
        hasPerp: perp !== undefined,
        expiries: (options?.expiries ?? []).map(({ at }) => at),
      },
    ]),
  );

/** Deploys a network from its configuration, or finishes what was begun; complete already, it changes nothing. */
export const deployPlimsoll = async (
  connection: NetworkConnection,
  config: NetworkConfig,
  options: DeployOptions = {},
): Promise<Deployment> => {
  const chainId = await chainIdOf(connection);
  validateConfig(config);
  if (config.chainId !== chainId) {
    throw new Error(`the configuration "${config.name}" is for chain ${config.chainId}, this is chain ${chainId}`);
  }
  const [deployer] = await connection.ethers.getSigners();
  if (deployer === undefined) throw new Error("no account to deploy from");
  for (const role of ["governor", "guardian", "riskSteward", "feeCollector"] as const) {
    if (BigInt(config.governance[role]) === BigInt(deployer.address)) {
      throw new Error(`governance.${role} is the deployer, who has to end without rights`);
    }
  }
  const before = await connection.ethers.provider.getBlockNumber();

  const handover = options.handover ?? true;
  const deployed = await connection.ignition.deploy(
    plimsollModule(config, { handover }),
    ignitionOptions(chainId, options),
  );
  const contracts = await addressesOf(deployed);
  const safe = IMarginAccounts__factory.connect(contracts.safe, connection.ethers.provider);
  const assets: Record<string, DeployedAsset> = {};
  for (const [symbol, { id, vaultShareId, config: asset }] of assetIds(config.assets)) {
    const listed = Number(await safe.assetIdOf(asset.token));
    if (listed !== id) throw new Error(`${symbol} is listed as asset ${listed}, not as ${id}: did two deployers race?`);
    assets[symbol] = {
      id,
      token: asset.token,
      decimals: asset.decimals,
      feed: asset.feed.address,
      ...(asset.twap && { twapPool: asset.twap.pool }),
      ...(vaultShareId !== 0 && { vault: (await safe.vaultOf(id)) as Address, vaultShareId }),
    };
  }

  return {
    network: config.name,
    chainId,
    fromBlock: await firstBlock(connection, await journalOf(connection, options), before),
    deployer: deployer.address as Address,
    contracts: { ...contracts, ...(await ledgerTableOf(connection, contracts)) },
    wrappedNative: config.wrappedNative,
    uniswap: { factory: config.uniswapFactory },
    assets,
    underlyings: underlyingsOf(config),
  };
};

export interface LocalDeployOptions extends DeployOptions, LocalOptions {}

/** Deploys a local network: tokens, feeds and pools first, for the market's configuration names their addresses. */
export const deployLocal = async (
  connection: NetworkConnection,
  options: LocalDeployOptions = {},
): Promise<Deployment> => {
  const journal = await journalOf(connection, options);
  if (journal !== undefined) await dropStaleJournal(connection, journal);

  const before = await connection.ethers.provider.getBlockNumber();
  const prices = { ...DEFAULT_LOCAL_PRICES, ...options.prices };
  const own = ignitionOptions(await chainIdOf(connection), options);
  const local = await connection.ignition.deploy(localModule(prices, options.poolSeed), own);
  const address = async (name: keyof typeof local) => (await local[name].getAddress()) as Address;
  const tokenAndFeed = async (token: keyof typeof local, feed: keyof typeof local) => ({
    token: await address(token),
    feed: await address(feed),
  });
  const addresses: LocalAddresses = {
    tokens: {
      USDC: await tokenAndFeed("USDC", "feedUSDC"),
      WETH: await tokenAndFeed("WETH", "feedWETH"),
      WBTC: await tokenAndFeed("WBTC", "feedWBTC"),
      stETH: await tokenAndFeed("stETH", "feedStETH"),
    },
    uniswap: {
      factory: await address("uniswapFactory"),
      router: await address("uniswapRouter"),
      positions: await address("uniswapPositions"),
    },
  };
  const { poolWETH } = await connection.ignition.deploy(localPoolsModule(addresses, prices), own);
  // The factory reads every source, and a pool has no average over a time that it has not lived.
  if (options.twap === true) await connection.networkHelpers.time.increase(LOCAL_TWAP_WINDOW);

  // Running again has to list the same expiries: they count from the first block, not from now.
  const first = await connection.ethers.provider.getBlock(await firstBlock(connection, journal, before));
  const startedAt = options.startedAt ?? first?.timestamp ?? 0;
  const config = localConfig(addresses, (await poolWETH.getAddress()) as Address, { ...options, startedAt });
  const deployment = await deployPlimsoll(connection, config, options);
  return {
    ...deployment,
    fromBlock: journal === undefined ? before : deployment.fromBlock,
    uniswap: addresses.uniswap,
  };
};
