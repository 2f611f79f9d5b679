import { MaxUint256 } from "ethers";
import type { AddressLike, Signer } from "ethers";
import type { NetworkConnection } from "hardhat/types/network";

import type { Asset, Haircut, RiskTable } from "../../sdk/tables/riskTable.ts";
import { accountId, idleAsset, poolAsset, vaultShareAsset } from "../../scripts/lib/ids.js";
import { addLiquidity, createMarket, deployUniswap, swapPath, swapToPrice } from "../../scripts/lib/uniswap.js";
import type { Market, Uniswap } from "../../scripts/lib/uniswap.js";
import {
  AccessManager__factory,
  ProbingToken__factory,
  IERC20Metadata__factory,
  IMarginAccounts__factory,
  IMarginEngine__factory,
  InsuranceFund__factory,
  LeverageRouter__factory,
  LiquidationAuction__factory,
  LiquidationUnwinder__factory,
  MarginAccountsAdmin__factory,
  MarginAccountsExtension__factory,
  MarginAccounts__factory,
  MarginLens__factory,
  MockFeed__factory,
  SwapAdapter__factory,
  TestToken__factory,
  Vault__factory,
  WETH__factory,
} from "../../types/ethers-contracts/index.js";
import type {
  ProbingToken,
  IMarginAccounts,
  IMarginEngine,
  InsuranceFund,
  LeverageRouter,
  LiquidationAuction,
  LiquidationUnwinder,
  MarginLens,
  MockFeed,
  SwapAdapter,
  TestToken,
  Vault,
  WETH,
} from "../../types/ethers-contracts/index.js";
import { deployEngine } from "./engine.js";

export const WAD = 10n ** 18n;
export const USDC = 10n ** 6n;
export const WBTC = 10n ** 8n;
export const ETHER = 10n ** 18n;
export const FOREVER = MaxUint256;
export const FEE = 3000;
export const RIGHTS = { trade: 1, withdraw: 2, both: 3 } as const;

const FEED_DECIMALS = 8;
const HEARTBEAT = 3600;
const HAIRCUT: Haircut = { maintenanceBps: 1_000, initialExtraBps: 500 };

/** Asset ids of the fixture. */
export const ASSET = {
  usdc: poolAsset(1),
  weth: poolAsset(2),
  wbtc: poolAsset(3),
  /** Idle collateral, 18 decimals, worth what WETH is. */
  staked: idleAsset(1),
  /** Idle collateral whose token calls out. */
  hook: idleAsset(2),
  usdcShare: vaultShareAsset(1),
  wethShare: vaultShareAsset(2),
} as const;

type Ethers = NetworkConnection["ethers"];

export interface Fixture {
  ethers: Ethers;
  owner: Signer;
  trader: Signer;
  friend: Signer;
  keeper: Signer;
  lender: Signer;
  safe: IMarginAccounts;
  engine: IMarginEngine;
  auction: LiquidationAuction;
  fund: InsuranceFund;
  lens: MarginLens;
  adapter: SwapAdapter;
  router: LeverageRouter;
  unwinder: LiquidationUnwinder;
  uniswap: Uniswap;
  tokens: { usdc: TestToken; weth: WETH; wbtc: TestToken; staked: TestToken; hook: ProbingToken };
  vaults: { usdc: Vault; weth: Vault };
  feeds: { usdc: MockFeed; weth: MockFeed; wbtc: MockFeed };
  table: RiskTable;
  markets: { weth: Market; wbtc: Market; staked: Market };
  /** Uniswap paths from the first to the second. */
  paths: {
    usdcToWeth: string;
    wethToUsdc: string;
    usdcToWbtc: string;
    wbtcToUsdc: string;
    wethToWbtc: string;
    usdcToStaked: string;
    stakedToUsdc: string;
  };
  /** Main account of the trader. */
  account: string;
  /** The feed says so, and arbitrageurs bring the pool there; whole dollars. */
  setPrice(what: "weth" | "wbtc", price: bigint): Promise<void>;
  /** Lets time pass, and feeds say what they said. */
  pass(seconds: number): Promise<void>;
}

/** Pools with lenders, a trader with tokens, deep Uniswap markets, and the whole periphery. */
export async function deployPeriphery({ ethers }: Pick<NetworkConnection, "ethers">): Promise<Fixture> {
  const [owner, trader, friend, keeper, lender] = (await ethers.getSigners()) as Signer[] as [
    Signer,
    Signer,
    Signer,
    Signer,
    Signer,
  ];

  const usdc = await new TestToken__factory(owner).deploy("USD Coin", "USDC", 6);
  const weth = await new WETH__factory(owner).deploy();
  const wbtc = await new TestToken__factory(owner).deploy("Wrapped Bitcoin", "WBTC", 8);
  const staked = await new TestToken__factory(owner).deploy("Staked Ether", "STK", 18);
  const hook = await new ProbingToken__factory(owner).deploy(18);
  for (const who of [owner, trader, lender]) {
    await usdc.mint(who, 100_000_000n * USDC);
    await wbtc.mint(who, 5_000n * WBTC);
    await staked.mint(who, 50_000n * ETHER);
    await hook.mint(who, 50_000n * ETHER);
  }
  for (const who of [owner, trader, lender]) await weth.connect(who).deposit({ value: 9_000n * ETHER });

  const manager = await new AccessManager__factory(owner).deploy(owner);
  const admin = await new MarginAccountsAdmin__factory(owner).deploy(manager, weth);
  const extension = await new MarginAccountsExtension__factory(owner).deploy(manager, weth, admin);
  const house = await new MarginAccounts__factory(owner).deploy(manager, extension, weth);
  const safe = IMarginAccounts__factory.connect(await house.getAddress(), owner);

  const feeds = {
    usdc: await new MockFeed__factory(owner).deploy(FEED_DECIMALS, 10n ** 8n),
    weth: await new MockFeed__factory(owner).deploy(FEED_DECIMALS, 2_000n * 10n ** 8n),
    wbtc: await new MockFeed__factory(owner).deploy(FEED_DECIMALS, 40_000n * 10n ** 8n),
  };

  for (const token of [usdc, weth, wbtc, staked, hook]) {
    const erc20 = IERC20Metadata__factory.connect(await token.getAddress(), owner);
    for (const who of [owner, trader, lender]) await (await erc20.connect(who).approve(safe, MaxUint256)).wait();
  }
  for (const [token, lend] of [
    [usdc, true],
    [weth, true],
    [wbtc, true],
    [staked, false],
    [hook, false],
  ] as const) {
    await safe.listAsset(token, lend, 1_000n);
  }
  const vaults = {
    usdc: await new Vault__factory(owner).deploy(safe, ASSET.usdc, "Lent USDC", "pUSDC"),
    weth: await new Vault__factory(owner).deploy(safe, ASSET.weth, "Lent WETH", "pWETH"),
  };
  await safe.setVault(ASSET.usdc, vaults.usdc);
  await safe.setVault(ASSET.weth, vaults.weth);
  const noCap = 2n ** 96n - 1n;
  for (const pool of [ASSET.usdc, ASSET.weth, ASSET.wbtc]) {
    await safe.configurePool(pool, {
      supplyCap: noCap,
      borrowCap: noCap,
      maxUtilisation: 9_500,
      reservedPart: 0,
      settlementPart: 0,
      reserveFactor: 1_000,
      depositsClosed: false,
      borrowsClosed: false,
    });
  }
  const largest = 2n ** 95n - 1n;
  for (const asset of [ASSET.staked, ASSET.hook]) await safe.setCollateralCap(asset, largest, 0);
  for (const asset of [ASSET.usdcShare, ASSET.wethShare]) await safe.setCollateralCap(asset, largest, 5_000);

  const table = await riskTable(feeds);
  const engineAddress = await deployEngine(owner, safe, table);
  await safe.setEngine(engineAddress);
  const engine = IMarginEngine__factory.connect(engineAddress, owner);
  const auction = await new LiquidationAuction__factory(owner).deploy(safe, {
    start: (98n * WAD) / 100n,
    cut: (80n * WAD) / 100n,
    fast: 1_200,
    slow: 3_600,
    buffer: (15n * WAD) / 100n,
    dustThreshold: 10n * WAD,
    insuranceTime: 3_600,
    q: (10n * WAD) / 100n,
    feePart: 0,
  });
  await safe.setAuction(auction);
  const fund = await new InsuranceFund__factory(owner).deploy(safe, manager);
  await safe.setInsurance(await fund.account());

  const uniswap = await deployUniswap(owner, weth);
  const address = {
    usdc: await usdc.getAddress(),
    weth: await weth.getAddress(),
    wbtc: await wbtc.getAddress(),
    staked: await staked.getAddress(),
  };
  const markets = {
    weth: await createMarket(uniswap, address.weth, address.usdc, FEE, 2_000n * WAD),
    wbtc: await createMarket(uniswap, address.wbtc, address.usdc, FEE, 40_000n * WAD),
    staked: await createMarket(uniswap, address.staked, address.weth, FEE, WAD),
  };
  await addLiquidity(uniswap, markets.weth, owner, { base: 1_500n * ETHER, quote: 3_000_000n * USDC }, 4);
  await addLiquidity(uniswap, markets.wbtc, owner, { base: 500n * WBTC, quote: 20_000_000n * USDC }, 4);
  await addLiquidity(uniswap, markets.staked, owner, { base: 400n * ETHER, quote: 400n * ETHER }, 2);

  const lens = await new MarginLens__factory(owner).deploy(safe);
  const adapter = await new SwapAdapter__factory(owner).deploy(safe, uniswap.factory);
  const router = await new LeverageRouter__factory(owner).deploy(safe, uniswap.factory);
  const unwinder = await new LiquidationUnwinder__factory(owner).deploy(safe, uniswap.factory);

  await lend(lender, vaults.usdc, address.usdc, 20_000_000n * USDC);
  await lend(lender, vaults.weth, address.weth, 1_000n * ETHER);
  await safe.connect(lender).deposit(accountId(await lender.getAddress()), ASSET.wbtc, 500n * WBTC);

  const setPrice: Fixture["setPrice"] = async (what, price) => {
    await feeds[what].setAnswer(price * 10n ** BigInt(FEED_DECIMALS));
    await swapToPrice(uniswap, markets[what], owner, price * WAD);
  };

  return {
    ethers,
    owner,
    trader,
    friend,
    keeper,
    lender,
    safe,
    engine,
    auction,
    fund,
    lens,
    adapter,
    router,
    unwinder,
    uniswap,
    tokens: { usdc, weth, wbtc, staked, hook },
    vaults,
    feeds,
    table,
    markets,
    paths: {
      usdcToWeth: swapPath(address.usdc, [FEE, address.weth]),
      wethToUsdc: swapPath(address.weth, [FEE, address.usdc]),
      usdcToWbtc: swapPath(address.usdc, [FEE, address.wbtc]),
      wbtcToUsdc: swapPath(address.wbtc, [FEE, address.usdc]),
      wethToWbtc: swapPath(address.weth, [FEE, address.usdc], [FEE, address.wbtc]),
      usdcToStaked: swapPath(address.usdc, [FEE, address.weth], [FEE, address.staked]),
      stakedToUsdc: swapPath(address.staked, [FEE, address.weth], [FEE, address.usdc]),
    },
    account: accountId(await trader.getAddress()),
    setPrice,
    pass: async (seconds) => {
      const { provider } = ethers;
      await provider.send("evm_increaseTime", [seconds]);
      await provider.send("evm_mine", []);
      for (const feed of Object.values(feeds)) {
        const { 1: answer } = await feed.latestRoundData();
        await feed.setAnswer(answer);
      }
    },
  };
}

async function riskTable(feeds: Fixture["feeds"]): Promise<RiskTable> {
  const asset = async (feed: MockFeed, tokenDecimals: number, haircut: Haircut): Promise<Asset> => ({
    feed: await feed.getAddress(),
    heartbeat: HEARTBEAT,
    feedDecimals: FEED_DECIMALS,
    tokenDecimals,
    minAnswer: 1n,
    maxAnswer: 10n ** 15n,
    haircut,
  });
  const ether = await asset(feeds.weth, 18, HAIRCUT);
  return {
    settlementDecimals: 6,
    deviationDelay: 300,
    pools: [
      await asset(feeds.usdc, 6, { maintenanceBps: 0, initialExtraBps: 0 }),
      ether,
      await asset(feeds.wbtc, 8, HAIRCUT),
    ],
    idles: [ether, ether],
    vaultShares: [{ haircut: { maintenanceBps: 200, initialExtraBps: 100 } }, { haircut: HAIRCUT }, null],
  };
}

async function lend(lender: Signer, vault: Vault, token: string, amount: bigint): Promise<void> {
  await (await IERC20Metadata__factory.connect(token, lender).approve(vault, MaxUint256)).wait();
  await (await vault.connect(lender).deposit(amount, lender)).wait();
}

/** What a contract that should hold nothing holds, by token. */
export async function leftovers(f: Fixture, holder: AddressLike): Promise<bigint[]> {
  const tokens = [f.tokens.usdc, f.tokens.weth, f.tokens.wbtc, f.tokens.staked, f.vaults.usdc, f.vaults.weth];
  const balances: bigint[] = [];
  for (const token of tokens) {
    balances.push(await IERC20Metadata__factory.connect(await token.getAddress(), f.owner).balanceOf(holder));
  }
  const { provider } = f.ethers;
  balances.push(await provider.getBalance(typeof holder === "string" ? holder : await resolve(holder)));
  return balances;
}

async function resolve(holder: AddressLike): Promise<string> {
  const target = await holder;
  return typeof target === "string" ? target : target.getAddress();
}
