import { expect } from "chai";
import { network } from "hardhat";

import { accountId, vaultShareAsset } from "../scripts/lib/ids.js";
import { ProbingToken__factory, IMarginEngine__factory } from "../types/ethers-contracts/index.js";
import { deployEngine } from "./helpers/engine.js";
import { ASSET, deployPeriphery, ETHER, FOREVER, USDC, WAD, WBTC } from "./helpers/periphery.js";
import type { Fixture } from "./helpers/periphery.js";

const YEAR = 365n * 86_400n;
const FAULT = { none: 0n, stale: 1n, deviating: 8n };

const { ethers, networkHelpers } = await network.create();
const fixture = () => deployPeriphery({ ethers });

describe("MarginLens", () => {
  let f: Fixture;

  beforeEach(async () => {
    f = await networkHelpers.loadFixture(fixture);
  });

  const deposit = async (asset: number, amount: bigint) => f.safe.connect(f.trader).deposit(f.account, asset, amount);
  const borrow = async (asset: number, amount: bigint) =>
    f.safe.connect(f.trader).borrow(f.account, asset, amount, f.trader);
  const withdraw = async (asset: number, amount: bigint) =>
    f.safe.connect(f.trader).withdraw(f.account, asset, amount, f.trader);
  const refusedBySafe = (tx: Promise<unknown>) =>
    expect(tx).to.be.revertedWithCustomError(f.safe, "InsufficientMargin");

  /** 4 WETH, 0.2 WBTC and 3 lent WETH against 9,000 USDC. */
  const fill = async () => {
    await f.tokens.weth.connect(f.trader).approve(f.vaults.weth, FOREVER);
    await f.vaults.weth.connect(f.trader).deposit(3n * ETHER, f.trader);
    await f.vaults.weth.connect(f.trader).approve(f.safe, FOREVER);
    await deposit(ASSET.weth, 4n * ETHER);
    await deposit(ASSET.wbtc, WBTC / 5n);
    await deposit(ASSET.wethShare, 3n * ETHER);
    await borrow(ASSET.usdc, 9_000n * USDC);
  };

  describe("an account", () => {
    it("shows what the safe and the engine say of it", async () => {
      await fill();
      const view = await f.lens.accountView(f.account);
      const { flags, holdings } = await f.safe.portfolio(f.account);
      const margins = await f.engine.liquidationMargin(f.account, flags, [...holdings]);
      expect(view.owner).to.equal(await f.trader.getAddress());
      expect(view.index).to.equal(0n);
      expect(view.priced).to.be.true;
      expect([view.inAuction, view.pending, view.newRiskBlocked]).to.deep.equal([false, false, false]);
      expect(view.initial).to.equal(await f.engine.initialMargin(f.account, flags, [...holdings]));
      expect([view.maintenance, view.mtm, view.liabilities]).to.deep.equal(margins.slice(0, 3));
      expect(view.balances.map((b) => Number(b.asset))).to.deep.equal([
        ASSET.weth,
        ASSET.wbtc,
        ASSET.wethShare,
        ASSET.usdc,
      ]);
      const [weth, wbtc, share, usdc] = view.balances;
      expect([weth!.token, weth!.decimals, weth!.amount]).to.deep.equal([
        await f.tokens.weth.getAddress(),
        18n,
        4n * ETHER,
      ]);
      expect(wbtc!.value).to.equal(8_000n * WAD);
      expect(share!.token).to.equal(await f.vaults.weth.getAddress());
      expect(share!.value).to.equal((await f.safe.balanceOf(f.account, ASSET.wethShare)) * 2_000n);
      expect(usdc!.amount).to.be.within(-9_000n * USDC - 2n, -9_000n * USDC);
      expect(usdc!.midPrice).to.equal(WAD);
      expect(view.balances.reduce((sum, b) => sum + b.value, 0n)).to.be.within(view.mtm - 10n, view.mtm + 10n);
      expect(usdc!.rate).to.be.greaterThan(0n);
      expect(weth!.rate).to.equal(0n);
    });

    it("is empty where nothing is, and needs no price for that", async () => {
      await networkHelpers.time.increase(7_200);
      const view = await f.lens.accountView(accountId(await f.friend.getAddress(), 12n));
      expect(view.owner).to.equal(await f.friend.getAddress());
      expect(view.index).to.equal(12n);
      expect(view.balances).to.deep.equal([]);
      expect([view.initial, view.maintenance, view.mtm]).to.deep.equal([0n, 0n, 0n]);
    });

    it("O1: never reverts for bad prices, and says which are bad", async () => {
      await fill();
      await f.feeds.wbtc.setAnswer(0n);
      const view = await f.lens.accountView(f.account);
      expect([view.priced, view.initial, view.maintenance, view.mtm]).to.deep.equal([false, 0n, 0n, 0n]);
      expect(view.balances.map((b) => b.fault !== FAULT.none)).to.deep.equal([false, true, false, false]);
      expect(view.balances.map((b) => b.value !== 0n)).to.deep.equal([true, false, true, true]);
    });

    it("shows its auction, and goes on when prices fail during one", async () => {
      await deposit(ASSET.weth, 10n * ETHER);
      await borrow(ASSET.usdc, 16_500n * USDC);
      await f.setPrice("weth", 1_800n);
      await f.auction.start(f.account, accountId(await f.keeper.getAddress()));
      const view = await f.lens.accountView(f.account);
      expect(view.inAuction).to.be.true;
      expect(view.auction.phase).to.equal(1n);
      expect(view.auction.maxFraction).to.be.greaterThan(0n);
      expect(view.auction.maintenance).to.equal(view.maintenance);
      await networkHelpers.time.increase(7_200);
      const blind = await f.lens.accountView(f.account);
      expect([blind.inAuction, blind.priced, blind.auction.phase]).to.deep.equal([true, false, 0n]);
    });

    it("O1: says when sources disagree, and what the margin is at mid", async () => {
      await f.pass(600);
      const { markets, table } = f;
      const [usdc, weth, wbtc] = table.pools;
      const twap = {
        pool: await markets.weth.pool.getAddress(),
        window: 60,
        quote: ASSET.usdc,
        quoteDecimals: 6,
        baseIsToken0: markets.weth.baseIsToken0,
        deviationBps: 300,
      };
      const address = await deployEngine(f.owner, f.safe, { ...table, pools: [usdc!, { ...weth!, twap }, wbtc!] });
      await f.safe.setEngine(address);
      await fill();
      await f.feeds.weth.setAnswer(1_800n * 10n ** 8n);
      const view = await f.lens.accountView(f.account);
      expect([view.priced, view.newRiskBlocked]).to.deep.equal([true, true]);
      expect(view.balances[0]!.fault).to.equal(FAULT.deviating);
      const { flags, holdings } = await f.safe.portfolio(f.account);
      const engine = IMarginEngine__factory.connect(address, f.owner);
      expect(view.initial).to.equal((await engine.midMargin(f.account, flags, [...holdings])).initial);
      expect(await f.lens.maxBorrow(f.account, ASSET.usdc)).to.equal(0n);
    });
  });

  it("tells the health of many accounts, and one bad price spoils only its own", async () => {
    await fill();
    const other = accountId(await f.trader.getAddress(), 1n);
    await f.safe.connect(f.trader).deposit(other, ASSET.weth, 10n * ETHER);
    await f.safe.connect(f.trader).borrow(other, ASSET.usdc, 16_500n * USDC, f.trader);
    await f.setPrice("weth", 1_800n);
    await f.feeds.wbtc.setAnswer(0n);
    const [bad, unhealthy, empty] = await f.lens.healthOf([f.account, other, accountId(await f.friend.getAddress())]);
    expect(bad!.priced).to.be.false;
    expect(unhealthy!.priced).to.be.true;
    expect(unhealthy!.maintenance).to.be.lessThan(0n);
    expect(unhealthy!.mtm).to.be.greaterThan(0n);
    expect([empty!.priced, empty!.maintenance]).to.deep.equal([true, 0n]);
  });

  describe("previews", () => {
    const steps = (amount: bigint) => amount / 100_000n + 1n;

    it("what can be borrowed: that much passes, a little more does not", async () => {
      await fill();
      for (const asset of [ASSET.usdc, ASSET.wbtc, ASSET.weth]) {
        const snapshot = await networkHelpers.takeSnapshot();
        const most = await f.lens.maxBorrow(f.account, asset);
        expect(most).to.be.greaterThan(0n);
        await refusedBySafe(borrow(asset, most + steps(most)));
        await borrow(asset, most);
        await snapshot.restore();
      }
    });

    it("what can be withdrawn: that much passes, a little more does not", async () => {
      await fill();
      await borrow(ASSET.usdc, 6_000n * USDC);
      for (const asset of [ASSET.weth, ASSET.wethShare]) {
        const snapshot = await networkHelpers.takeSnapshot();
        const most = await f.lens.maxWithdraw(f.account, asset);
        expect(most).to.be.greaterThan(0n);
        await refusedBySafe(withdraw(asset, most + steps(most)));
        await withdraw(asset, most);
        await snapshot.restore();
      }
      expect(await f.lens.maxWithdraw(f.account, ASSET.usdc)).to.equal(0n);
    });

    it("A3: all of it without a debt, prices or not, as far as the pool has cash", async () => {
      await deposit(ASSET.weth, 4n * ETHER);
      await networkHelpers.time.increase(7_200);
      expect(await f.lens.maxWithdraw(f.account, ASSET.weth)).to.equal(4n * ETHER);
      await f.safe.setOutflowLimit(ASSET.weth, ETHER, 3_600);
      expect(await f.lens.maxWithdraw(f.account, ASSET.weth)).to.equal(ETHER);
      await withdraw(ASSET.weth, ETHER);
    });

    it("nothing in an auction, in a pause, or of what cannot be borrowed", async () => {
      await deposit(ASSET.weth, 10n * ETHER);
      await borrow(ASSET.usdc, 14_000n * USDC);
      expect(await f.lens.maxBorrow(f.account, ASSET.staked)).to.equal(0n);
      await f.safe.pause(3, BigInt(await networkHelpers.time.latest()) + 3_600n);
      expect(await f.lens.maxBorrow(f.account, ASSET.usdc)).to.equal(0n);
      expect(await f.lens.maxWithdraw(f.account, ASSET.weth)).to.equal(0n);
      await f.safe.pause(0, 0);
      expect(await f.lens.maxBorrow(f.account, ASSET.usdc)).to.be.greaterThan(0n);
      await f.setPrice("weth", 1_500n);
      await f.auction.start(f.account, f.account);
      expect(await f.lens.maxBorrow(f.account, ASSET.usdc)).to.equal(0n);
      expect(await f.lens.maxWithdraw(f.account, ASSET.weth)).to.equal(0n);
    });
  });

  it("shows lenders all pools with their rates", async () => {
    await deposit(ASSET.weth, 1_000n * ETHER);
    await borrow(ASSET.usdc, 1_000_000n * USDC);
    const [usdc, weth, wbtc] = await f.lens.poolsView();
    expect(usdc!.utilisation).to.be.within(WAD / 20n - 10n ** 12n, WAD / 20n + 10n ** 12n);
    expect(usdc!.vault).to.equal(await f.vaults.usdc.getAddress());
    expect(usdc!.state.debts).to.be.within(1_000_000n * USDC, 1_000_001n * USDC);
    // lenders get what borrowers pay, less a tenth
    const paid = usdc!.borrowRate * usdc!.utilisation * 9n;
    expect(usdc!.supplyRate * WAD * 10n).to.be.within(paid - paid / 1_000n, paid + paid / 1_000n);
    expect(usdc!.borrowApy).to.be.within(usdc!.borrowRate * YEAR, (usdc!.borrowRate * YEAR * 103n) / 100n);
    expect(weth!.borrowRate).to.be.greaterThan(0n);
    expect(weth!.supplyRate).to.equal(0n);
    expect(wbtc!.decimals).to.equal(8n);
    expect(wbtc!.price.primary).to.equal(40_000n * WAD);
    expect(wbtc!.outflowLeft).to.equal(2n ** 256n - 1n);

    // what the rate promises is what a day brings
    const before = await f.safe.poolState(ASSET.usdc);
    await networkHelpers.time.increase(3_600);
    const after = await f.safe.poolState(ASSET.usdc);
    const earned = after.claims - before.claims;
    const promised = (before.claims * usdc!.supplyRate * 3_600n) / WAD;
    expect(earned).to.be.within(promised - promised / 100n - 1n, promised + promised / 100n + 1n);
  });

  it("shows what else may be collateral", async () => {
    await fill();
    const views = await f.lens.collateralsView();
    expect(views.map((v) => Number(v.asset))).to.deep.equal([
      ASSET.staked,
      ASSET.hook,
      ASSET.usdcShare,
      vaultShareAsset(2),
    ]);
    expect(views[3]!.total).to.equal(await f.safe.balanceOf(f.account, ASSET.wethShare));
    expect(views[3]!.token).to.equal(await f.vaults.weth.getAddress());
    expect(views[0]!.room).to.be.greaterThan(0n);
  });

  it("cannot be read while a token is moving", async () => {
    const { hook } = f.tokens;
    await hook.connect(f.trader).approve(f.safe, FOREVER);
    const token = ProbingToken__factory.connect(await hook.getAddress(), f.owner);
    for (const data of [
      f.lens.interface.encodeFunctionData("accountView", [f.account]),
      f.lens.interface.encodeFunctionData("healthOf", [[f.account]]),
      f.lens.interface.encodeFunctionData("poolsView"),
      f.lens.interface.encodeFunctionData("maxBorrow", [f.account, ASSET.usdc]),
    ]) {
      await token.setHook(f.lens, data);
      await deposit(ASSET.hook, ETHER);
      expect(await token.succeeded()).to.be.false;
      expect(await token.answer()).to.equal(f.safe.interface.encodeErrorResult("Reentered"));
    }
  });
});
