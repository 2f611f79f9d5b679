// The market that gas is measured on: real contracts of the production build, mock Chainlink feeds, plain tokens.
import { network } from "hardhat";
import type { ContractTransactionResponse, Signer } from "ethers";

import { packRiskTable, type Asset } from "../sdk/tables/riskTable.ts";
import { idleAsset, poolAsset, vaultShareAsset } from "../scripts/lib/ids.ts";
import {
  EngineFactory__factory,
  IMarginAccounts__factory,
  LiquidationAuction__factory,
  MockFeed__factory,
  TestToken__factory,
  Vault__factory,
  type IMarginAccounts,
  type MockFeed,
  type TestToken,
  type Vault,
} from "../types/ethers-contracts/index.js";

export const USDC = poolAsset(1);
export const COLLATERAL = [idleAsset(1), idleAsset(2), idleAsset(3)] as const;
const UNCAPPED = (1n << 96n) - 1n;
const WAD = 10n ** 18n;

export interface BenchMarket {
  readonly safe: IMarginAccounts;
  readonly usdc: TestToken;
  readonly vault: Vault;
  readonly collateral: readonly { readonly token: TestToken; readonly feed: MockFeed; readonly unit: bigint }[];
  readonly signers: readonly Signer[];
  /** Advances the chain's time; the feeds answer again, as real ones would have. */
  readonly pass: (seconds: number) => Promise<void>;
  readonly sizes: Readonly<Record<string, number>>;
  readonly close: () => Promise<void>;
}

/** Gas used by a transaction, from its receipt. */
export async function gasOf(sent: Promise<ContractTransactionResponse>): Promise<number> {
  const receipt = await (await sent).wait();
  if (receipt === null) throw new Error("the transaction was not mined");
  return Number(receipt.gasUsed);
}

export async function deployBenchMarket(): Promise<BenchMarket> {
  const connection = await network.create();
  const { ethers } = connection;
  const signers = await ethers.getSigners();
  const governor = signers[0];
  if (governor === undefined) throw new Error("no signer");
  const sizes: Record<string, number> = {};
  const deploy = async (name: string, ...args: unknown[]): Promise<string> => {
    const contract = await ethers.deployContract(name, args);
    await contract.waitForDeployment();
    const address = await contract.getAddress();
    sizes[name] = (await ethers.provider.getCode(address)).length / 2 - 1;
    return address;
  };

  const manager = await deploy("AccessManager", governor.address);
  const weth = await deploy("WETH");
  const admin = await deploy("MarginAccountsAdmin", manager, weth);
  const extension = await deploy("MarginAccountsExtension", manager, weth, admin);
  const safeAddress = await deploy("MarginAccounts", manager, extension, weth);
  const safe = IMarginAccounts__factory.connect(safeAddress, governor);

  const token = async (symbol: string, decimals: number): Promise<TestToken> =>
    TestToken__factory.connect(await deploy("TestToken", symbol, symbol, decimals), governor);
  const list = async (t: TestToken, lend: boolean): Promise<void> => {
    await t.mint(governor.address, 1000n);
    await t.approve(safeAddress, 1000n);
    await safe.listAsset(t, lend, 1000n);
  };
  const usdc = await token("USDC", 6);
  await list(usdc, true);
  const vaultAddress = await deploy("Vault", safeAddress, USDC, "Plimsoll USDC", "pUSDC");
  await safe.setVault(USDC, vaultAddress);
  await safe.configurePool(USDC, {
    supplyCap: UNCAPPED,
    borrowCap: UNCAPPED,
    maxUtilisation: 9500,
    reservedPart: 1000,
    settlementPart: 0,
    reserveFactor: 1000,
    depositsClosed: false,
    borrowsClosed: false,
  });

  const feed = async (answer: bigint): Promise<MockFeed> =>
    MockFeed__factory.connect(await deploy("MockFeed", 8, answer), governor);
  const usd = await feed(100_000_000n);
  const shapes = [
    { symbol: "WETH", decimals: 18, answer: 2_000_00000000n },
    { symbol: "WBTC", decimals: 8, answer: 40_000_00000000n },
    { symbol: "LINK", decimals: 18, answer: 10_00000000n },
  ];
  const collateral: { token: TestToken; feed: MockFeed; unit: bigint }[] = [];
  const assets: Asset[] = [];
  const asset = (address: string, tokenDecimals: number, maintenanceBps: number): Asset => ({
    feed: address,
    heartbeat: 86_400,
    feedDecimals: 8,
    tokenDecimals,
    minAnswer: 1_000_000n,
    maxAnswer: 10n ** 14n,
    haircut: { maintenanceBps, initialExtraBps: maintenanceBps === 0 ? 0 : 500 },
  });
  for (const [i, shape] of shapes.entries()) {
    const t = await token(shape.symbol, shape.decimals);
    await list(t, false);
    await safe.setCollateralCap(COLLATERAL[i] ?? 0, UNCAPPED >> 1n, 0);
    const f = await feed(shape.answer);
    collateral.push({ token: t, feed: f, unit: 10n ** BigInt(shape.decimals) });
    assets.push(asset(await f.getAddress(), shape.decimals, 1500));
  }
  const checkpoints = await deploy("SizeCheckpoints", safeAddress, 1000);
  const deviations = await deploy("DeviationRecord", safeAddress);
  const ledgerTables = await deploy("LedgerTableFactory");
  const factoryAddress = await deploy("EngineFactory", safeAddress, deviations, checkpoints, ledgerTables);
  const factory = EngineFactory__factory.connect(factoryAddress, governor);
  const table = packRiskTable({
    settlementDecimals: 6,
    deviationDelay: 300,
    pools: [asset(await usd.getAddress(), 6, 0)],
    idles: assets,
    vaultShares: [{ haircut: { maintenanceBps: 200, initialExtraBps: 100 } }],
  });
  const engine = await factory.create.staticCall(table);
  await factory.create(table);
  sizes["MarginEngine"] = (await ethers.provider.getCode(engine)).length / 2 - 1;
  await safe.setEngine(engine);
  const auction = await deploy("LiquidationAuction", safeAddress, {
    start: (98n * WAD) / 100n,
    cut: (80n * WAD) / 100n,
    fast: 900n,
    slow: 14_400n,
    buffer: (20n * WAD) / 100n,
    dustThreshold: 10n * WAD,
    insuranceTime: 1800n,
    q: (10n * WAD) / 100n,
    feePart: 100n,
  });
  LiquidationAuction__factory.connect(auction, governor);
  await safe.setAuction(auction);
  const fund = await deploy("InsuranceFund", safeAddress, manager);
  await safe.setInsurance(ethers.zeroPadBytes(fund, 32));
  await deploy("MarginLens", safeAddress);

  const feeds = [usd, ...collateral.map((c) => c.feed)];
  const pass = async (seconds: number): Promise<void> => {
    await connection.networkHelpers.time.increase(seconds);
    for (const f of feeds) {
      const [, answer] = await f.latestRoundData();
      await (await f.setAnswer(answer)).wait();
    }
  };
  return {
    safe,
    usdc,
    vault: Vault__factory.connect(vaultAddress, governor),
    collateral,
    signers,
    pass,
    sizes,
    close: () => connection.close(),
  };
}

export const VAULT_USDC = vaultShareAsset(1);
