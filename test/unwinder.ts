import { expect } from "chai";
import { network } from "hardhat";

import { accountId } from "../scripts/lib/ids.js";
import { swapToPrice } from "../scripts/lib/uniswap.js";
import type { ILiquidationUnwinder } from "../types/ethers-contracts/index.js";
import { ASSET, deployPeriphery, ETHER, FOREVER, leftovers, USDC, WAD, WBTC } from "./helpers/periphery.js";
import type { Fixture } from "./helpers/periphery.js";

const MOST = 2n ** 256n - 1n;
const ANY_PRICE = 2n ** 255n - 1n;

const { ethers, networkHelpers } = await network.create();
const fixture = () => deployPeriphery({ ethers });

describe("LiquidationUnwinder", () => {
  let f: Fixture;
  let recipient: string;

  beforeEach(async () => {
    f = await networkHelpers.loadFixture(fixture);
    recipient = "0x00000000000000000000000000000000000000B1";
  });

  afterEach("L2: keeps nothing, neither in tokens nor in the safe", async () => {
    expect(await leftovers(f, f.unwinder)).to.deep.equal([0n, 0n, 0n, 0n, 0n, 0n, 0n]);
    expect(await f.safe.words(await f.unwinder.bidder())).to.deep.equal([0n]);
  });

  const order = (changes: Partial<ILiquidationUnwinder.OrderStruct> = {}): ILiquidationUnwinder.OrderStruct => ({
    account: f.account,
    fraction: MOST,
    limit: ANY_PRICE,
    minProfit: 1n,
    routes: [f.paths.wethToUsdc, f.paths.wbtcToUsdc, f.paths.stakedToUsdc],
    recipient,
    deadline: FOREVER,
    ...changes,
  });

  const liquidate = (changes: Partial<ILiquidationUnwinder.OrderStruct> = {}) =>
    f.unwinder.connect(f.keeper).liquidate(order(changes));
  const refusedBy = (tx: Promise<unknown>, error: string) =>
    expect(tx).to.be.revertedWithCustomError(f.unwinder, error);

  const deposit = async (asset: number, amount: bigint) => f.safe.connect(f.trader).deposit(f.account, asset, amount);
  const borrow = async (asset: number, amount: bigint) =>
    f.safe.connect(f.trader).borrow(f.account, asset, amount, f.trader);

  /** 10 WETH against 16,500 USDC: below maintenance under 1,834. */
  const openLong = async () => {
    await deposit(ASSET.weth, 10n * ETHER);
    await borrow(ASSET.usdc, 16_500n * USDC);
  };

  const started = async (seconds: number) => {
    await f.auction.start(f.account, accountId(await f.keeper.getAddress()));
    for (let passed = 0; passed < seconds; passed += 300) {
      await f.pass(300);
      await f.auction.poke(f.account);
    }
  };

  it("L1, L2: sells collateral, pays its debt and keeps the discount, without capital", async () => {
    await openLong();
    await f.setPrice("weth", 1_800n);
    await started(300);
    const before = await f.auction.status(f.account);
    await expect(liquidate()).to.emit(f.unwinder, "Unwound");
    const profit = await f.tokens.usdc.balanceOf(recipient);
    expect(profit).to.be.greaterThan(0n);
    // no more than the discount on what was taken
    const taken = (before.mtm * before.maxFraction) / WAD;
    expect(profit * 10n ** 12n).to.be.lessThan(taken - before.priceOfMax * 10n ** 12n);
    expect((await f.lens.accountView(f.account)).maintenance).to.be.greaterThanOrEqual(before.maintenance);
  });

  it("starts the auction itself when the market pays at once", async () => {
    await openLong();
    await f.setPrice("weth", 1_800n);
    // the market recovers before the feed says so
    await swapToPrice(f.uniswap, f.markets.weth, f.owner, 1_900n * WAD);
    await liquidate();
    expect(await f.tokens.usdc.balanceOf(recipient)).to.be.greaterThan(0n);
  });

  it("takes a part of several collaterals, lent, idle and vault shares", async () => {
    await deposit(ASSET.weth, 2n * ETHER);
    await deposit(ASSET.wbtc, WBTC / 10n);
    await deposit(ASSET.staked, 2n * ETHER);
    await f.tokens.weth.connect(f.trader).approve(f.vaults.weth, FOREVER);
    await f.vaults.weth.connect(f.trader).deposit(3n * ETHER, f.trader);
    await f.vaults.weth.connect(f.trader).approve(f.safe, FOREVER);
    await deposit(ASSET.wethShare, 2n * ETHER);
    await borrow(ASSET.usdc, 13_200n * USDC);
    await f.setPrice("weth", 1_760n);
    await f.setPrice("wbtc", 35_000n);
    await started(600);
    const before = await f.auction.status(f.account);
    const debt = await f.safe.balanceOf(f.account, ASSET.usdc);
    const fraction = before.maxFraction / 2n;
    await liquidate({ fraction });
    expect(await f.tokens.usdc.balanceOf(recipient)).to.be.greaterThan(0n);
    const left = await f.safe.balanceOf(f.account, ASSET.staked);
    expect(left).to.be.within((2n * ETHER * (WAD - fraction)) / WAD - 1n, (2n * ETHER * (WAD - fraction)) / WAD + 1n);
    expect(await f.safe.balanceOf(f.account, ASSET.usdc)).to.be.greaterThan(debt);
  });

  it("buys back the debts of a short, and of several assets", async () => {
    await deposit(ASSET.usdc, 40_000n * USDC);
    await borrow(ASSET.weth, 8n * ETHER);
    await borrow(ASSET.wbtc, (4n * WBTC) / 10n);
    await f.setPrice("weth", 2_300n);
    await f.setPrice("wbtc", 45_000n);
    await started(300);
    await liquidate();
    expect(await f.tokens.usdc.balanceOf(recipient)).to.be.greaterThan(0n);
  });

  it("sets vault shares off against debt of their own pool", async () => {
    await f.tokens.weth.connect(f.trader).approve(f.vaults.weth, FOREVER);
    await f.vaults.weth.connect(f.trader).deposit(4n * ETHER, f.trader);
    await f.vaults.weth.connect(f.trader).approve(f.safe, FOREVER);
    await deposit(ASSET.usdc, 12_000n * USDC);
    await borrow(ASSET.weth, 5n * ETHER);
    await deposit(ASSET.wethShare, 3n * ETHER);
    await f.setPrice("weth", 5_000n);
    await started(300);
    await liquidate();
    expect(await f.tokens.usdc.balanceOf(recipient)).to.be.greaterThan(0n);
  });

  it("L2: is paid from insurance for an insolvent account", async () => {
    await f.tokens.usdc.connect(f.owner).approve(f.fund, FOREVER);
    await f.fund.donate(50_000n * USDC);
    await openLong();
    await f.setPrice("weth", 1_500n);
    await started(3_600);
    const fund = await f.fund.balance();
    await liquidate({ limit: -1n });
    expect(await f.tokens.usdc.balanceOf(recipient)).to.be.greaterThan(0n);
    expect(await f.fund.balance()).to.be.lessThan(fund);
    expect(await f.safe.balanceOf(f.account, ASSET.usdc)).to.equal(0n);
  });

  it("gives stray tokens away with the profit instead of keeping them", async () => {
    await openLong();
    await f.tokens.usdc.mint(f.unwinder, 7n * USDC);
    await f.setPrice("weth", 1_800n);
    await started(300);
    await liquidate();
    expect(await f.tokens.usdc.balanceOf(recipient)).to.be.greaterThan(7n * USDC);
  });

  describe("refuses", () => {
    beforeEach(openLong);

    it("L1: a healthy account", async () => {
      await expect(liquidate()).to.be.revertedWithCustomError(f.auction, "AccountHealthy");
    });

    it("a profit below what its caller asks, and a loss", async () => {
      await f.setPrice("weth", 1_800n);
      await started(300);
      await refusedBy(liquidate({ minProfit: 10_000n * USDC }), "ProfitTooSmall");
      await f.feeds.weth.setAnswer(1_830n * 10n ** 8n);
      await swapToPrice(f.uniswap, f.markets.weth, f.owner, 1_200n * WAD);
      await refusedBy(liquidate({ minProfit: 0n }), "ProfitTooSmall");
    });

    it("a price over the limit", async () => {
      await f.setPrice("weth", 1_800n);
      await started(300);
      await expect(liquidate({ limit: 0n })).to.be.revertedWithCustomError(f.safe, "PriceOverLimit");
    });

    it("a plan without a route for what is taken, or with a broken one", async () => {
      await f.setPrice("weth", 1_800n);
      await started(300);
      await refusedBy(liquidate({ routes: [f.paths.wbtcToUsdc] }), "MissingRoute");
      await refusedBy(liquidate({ routes: [f.paths.wethToWbtc, "0x"] }), "MissingRoute");
    });

    it("to act after the deadline", async () => {
      await refusedBy(liquidate({ deadline: 1n }), "DeadlinePassed");
    });

    it("callbacks by strangers", async () => {
      await refusedBy(f.unwinder.connect(f.keeper).onUnlock("0x"), "UnexpectedCallback");
      const data = ethers.AbiCoder.defaultAbiCoder().encode(["bytes", "bool"], [f.paths.usdcToWeth, true]);
      await refusedBy(f.unwinder.connect(f.keeper).uniswapV3SwapCallback(0n, 1n, data), "UnexpectedCallback");
    });
  });
});
