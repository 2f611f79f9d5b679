import { expect } from "chai";
import { ZeroAddress } from "ethers";
import type { Signer } from "ethers";
import { network } from "hardhat";

import { accountId } from "../scripts/lib/ids.js";
import type { ILeverageRouter } from "../types/ethers-contracts/index.js";
import { ASSET, deployPeriphery, ETHER, FOREVER, leftovers, RIGHTS, USDC, WAD, WBTC } from "./helpers/periphery.js";
import type { Fixture } from "./helpers/periphery.js";

const NO_GRANT = { expiry: 0n, signed: { nonce: 0n, deadline: 0n, signature: "0x" } };
const ALL = 2n ** 256n - 1n;

const { ethers, networkHelpers } = await network.create();
const fixture = () => deployPeriphery({ ethers });

describe("LeverageRouter", () => {
  let f: Fixture;

  beforeEach(async () => {
    f = await networkHelpers.loadFixture(fixture);
    await appoint(f.trader, f.account);
    await f.tokens.usdc.connect(f.trader).approve(f.router, FOREVER);
    await f.tokens.weth.connect(f.trader).approve(f.router, FOREVER);
  });

  const appoint = async (owner: Signer, account: string) =>
    f.safe.connect(owner).setOperator(account, f.router, RIGHTS.both, 2n ** 40n - 1n, true, [f.router]);

  const longOrder = (changes: Partial<ILeverageRouter.OpenOrderStruct> = {}): ILeverageRouter.OpenOrderStruct => ({
    account: f.account,
    debtAsset: ASSET.usdc,
    collateralAsset: ASSET.weth,
    marginAsset: ASSET.usdc,
    margin: 10_000n * USDC,
    sold: 30_000n * USDC,
    minBought: (147n * ETHER) / 10n,
    path: f.paths.usdcToWeth,
    deadline: FOREVER,
    grant: NO_GRANT,
    ...changes,
  });

  const closeOrder = (changes: Partial<ILeverageRouter.CloseOrderStruct> = {}): ILeverageRouter.CloseOrderStruct => ({
    account: f.account,
    debtAsset: ASSET.usdc,
    collateralAsset: ASSET.weth,
    repaid: ALL,
    maxSold: ALL,
    path: f.paths.usdcToWeth,
    to: ZeroAddress,
    native: false,
    deadline: FOREVER,
    grant: NO_GRANT,
    ...changes,
  });

  const changeOrder = (
    debtChange: bigint,
    limit: bigint,
    changes: Partial<ILeverageRouter.ChangeOrderStruct> = {},
  ): ILeverageRouter.ChangeOrderStruct => ({
    account: f.account,
    debtAsset: ASSET.usdc,
    collateralAsset: ASSET.weth,
    debtChange,
    limit,
    path: f.paths.usdcToWeth,
    deadline: FOREVER,
    grant: NO_GRANT,
    ...changes,
  });

  const open = (changes: Partial<ILeverageRouter.OpenOrderStruct> = {}, value = 0n) =>
    f.router.connect(f.trader).open(longOrder(changes), { value });
  const close = (changes: Partial<ILeverageRouter.CloseOrderStruct> = {}) =>
    f.router.connect(f.trader).close(closeOrder(changes));
  const change = (debtChange: bigint, limit: bigint, changes: Partial<ILeverageRouter.ChangeOrderStruct> = {}) =>
    f.router.connect(f.trader).changeLeverage(changeOrder(debtChange, limit, changes));

  const balance = (asset: number, account = f.account) => f.safe.balanceOf(account, asset);
  const refusedBy = (tx: Promise<unknown>, error: string) => expect(tx).to.be.revertedWithCustomError(f.router, error);

  afterEach("keeps nothing in the router", async () => {
    expect(await leftovers(f, f.router)).to.deep.equal([0n, 0n, 0n, 0n, 0n, 0n, 0n]);
  });

  describe("opens", () => {
    it("a long: margin and borrowed USDC become WETH in the account", async () => {
      await expect(open()).to.emit(f.router, "LeverageIncreased");
      expect(await balance(ASSET.usdc)).to.be.within(-20_000n * USDC - 1n, -20_000n * USDC);
      expect(await balance(ASSET.weth)).to.be.within((147n * ETHER) / 10n, 15n * ETHER);
    });

    it("a short: borrowed WETH becomes USDC in the account", async () => {
      await open({
        debtAsset: ASSET.weth,
        collateralAsset: ASSET.usdc,
        sold: 10n * ETHER,
        minBought: 19_800n * USDC,
        path: f.paths.wethToUsdc,
      });
      expect(await balance(ASSET.weth)).to.be.within(-10n * ETHER - 1n, -10n * ETHER);
      expect(await balance(ASSET.usdc)).to.be.within(29_800n * USDC, 30_000n * USDC);
    });

    it("with margin in the native coin", async () => {
      await open({ marginAsset: ASSET.weth, margin: 5n * ETHER, sold: 10_000n * USDC, minBought: 0n }, 5n * ETHER);
      expect(await balance(ASSET.usdc)).to.be.within(-10_000n * USDC - 1n, -10_000n * USDC);
      expect(await balance(ASSET.weth)).to.be.within((99n * ETHER) / 10n, 10n * ETHER);
    });

    it("into collateral that is never lent, over two pools", async () => {
      await open({ collateralAsset: ASSET.staked, path: f.paths.usdcToStaked, minBought: 14n * ETHER });
      expect(await balance(ASSET.staked)).to.be.within(14n * ETHER, 15n * ETHER);
      await close({ collateralAsset: ASSET.staked, path: f.paths.usdcToStaked });
      expect(await balance(ASSET.usdc)).to.equal(0n);
      expect(await balance(ASSET.staked)).to.be.within(4n * ETHER, 5n * ETHER);
    });

    it("in a sub-account, which its own grant covers", async () => {
      const isolated = accountId(await f.trader.getAddress(), 7n);
      await refusedBy(open({ account: isolated }), "RouterNotAuthorized");
      await appoint(f.trader, isolated);
      await open({ account: isolated });
      expect(await balance(ASSET.weth, isolated)).to.be.greaterThan(14n * ETHER);
      expect(await balance(ASSET.weth)).to.equal(0n);
    });

    it("A2: not beyond the initial margin, and nothing changes then", async () => {
      const before = await f.tokens.usdc.balanceOf(f.trader);
      await refusedBySafe(open({ sold: 90_000n * USDC, minBought: 0n }), "InsufficientMargin");
      expect(await f.tokens.usdc.balanceOf(f.trader)).to.equal(before);
      expect(await balance(ASSET.weth)).to.equal(0n);
    });
  });

  const refusedBySafe = (tx: Promise<unknown>, error: string) =>
    expect(tx).to.be.revertedWithCustomError(f.safe, error);

  describe("closes", () => {
    it("a long to the last unit of debt and leaves the rest in the account", async () => {
      await open();
      await f.pass(86_400);
      await expect(close()).to.emit(f.router, "LeverageReduced");
      expect(await balance(ASSET.usdc)).to.equal(0n);
      expect(await balance(ASSET.weth)).to.be.within((48n * ETHER) / 10n, 5n * ETHER);
    });

    it("a short and pays the rest to its owner", async () => {
      await open({
        debtAsset: ASSET.weth,
        collateralAsset: ASSET.usdc,
        sold: 10n * ETHER,
        minBought: 0n,
        path: f.paths.wethToUsdc,
      });
      const to = "0x00000000000000000000000000000000000000A1";
      await close({ debtAsset: ASSET.weth, collateralAsset: ASSET.usdc, path: f.paths.wethToUsdc, to });
      expect(await f.tokens.usdc.balanceOf(to)).to.be.within(9_800n * USDC, 10_000n * USDC);
      expect(await f.safe.words(f.account)).to.deep.equal([0n]);
    });

    it("a long and pays the rest in the native coin", async () => {
      await open();
      const to = "0x00000000000000000000000000000000000000A2";
      await close({ to, native: true });
      expect(await ethers.provider.getBalance(to)).to.be.within((48n * ETHER) / 10n, 5n * ETHER);
      expect(await f.safe.words(f.account)).to.deep.equal([0n]);
    });

    it("a part of the debt", async () => {
      await open();
      await close({ repaid: 5_000n * USDC });
      expect(await balance(ASSET.usdc)).to.be.within(-15_001n * USDC, -15_000n * USDC);
    });

    it("A2: by the reduce-only rule where the initial margin is below zero", async () => {
      await open({ sold: 45_000n * USDC, minBought: 0n });
      await f.setPrice("weth", 1_760n);
      const view = await f.lens.accountView(f.account);
      expect(view.initial).to.be.lessThan(0n);
      expect(view.maintenance).to.be.greaterThan(0n);
      await close({ repaid: 10_000n * USDC });
      await refusedBySafe(change(1n * USDC, 0n), "InsufficientMargin");
      await close();
      expect(await balance(ASSET.usdc)).to.equal(0n);
    });

    it("without a usable price, if no debt is left", async () => {
      await open();
      await networkHelpers.time.increase(7_200);
      await expect(close({ repaid: 5_000n * USDC })).to.be.revertedWithCustomError(f.engine, "PriceUnusable");
      await close({ to: await f.trader.getAddress() });
      expect(await f.safe.words(f.account)).to.deep.equal([0n]);
    });

    it("A3: without a usable price and while withdrawals are paused, if no debt is left", async () => {
      await open();
      await networkHelpers.time.increase(7_200);
      await f.safe.pause(7, BigInt(await networkHelpers.time.latest()) + 3_600n);
      await close({ to: await f.trader.getAddress() });
      expect(await f.safe.words(f.account)).to.deep.equal([0n]);
    });

    it("where the collateral asset takes no more deposits", async () => {
      await open();
      await f.safe.configurePool(ASSET.weth, { ...(await poolConfig(ASSET.weth)), depositsClosed: true });
      await close();
      expect(await balance(ASSET.usdc)).to.equal(0n);
    });

    it("nothing where nothing is owed", async () => {
      await refusedBy(close(), "NoDebt");
    });
  });

  const poolConfig = async (asset: number) => {
    const c = await f.safe.poolConfig(asset);
    return {
      supplyCap: c.supplyCap,
      borrowCap: c.borrowCap,
      maxUtilisation: c.maxUtilisation,
      reservedPart: c.reservedPart,
      settlementPart: c.settlementPart,
      reserveFactor: c.reserveFactor,
      depositsClosed: c.depositsClosed,
      borrowsClosed: c.borrowsClosed,
    };
  };

  describe("changes leverage", () => {
    const leverage = async () => {
      const collateral = ((await balance(ASSET.weth)) * 2_000n) / 10n ** 12n;
      return (collateral * WAD) / (collateral + (await balance(ASSET.usdc)));
    };

    it("to a target, down and up, within the cost of the swaps", async () => {
      await open();
      for (const target of [2n * WAD, 4n * WAD, (3n * WAD) / 2n]) {
        const debtChange = await f.router.debtChangeTo(f.account, ASSET.usdc, ASSET.weth, target);
        await change(debtChange, debtChange > 0n ? 0n : ALL);
        const reached = await leverage();
        expect(reached > target ? reached - target : target - reached).to.be.lessThan(target / 20n);
      }
    });

    it("not by nothing, nor of an account without equity", async () => {
      await refusedBy(change(0n, 0n), "NothingToDo");
      await refusedBy(f.router.debtChangeTo(f.account, ASSET.usdc, ASSET.weth, 2n * WAD), "NoEquity");
    });
  });

  describe("bounds", () => {
    it("what is bought", async () => {
      await refusedBy(open({ minBought: 15n * ETHER }), "TooLittleReceived");
      await open();
      await refusedBy(change(2_000n * USDC, ETHER), "TooLittleReceived");
    });

    it("what is sold", async () => {
      await open();
      await refusedBy(close({ maxSold: 9n * ETHER }), "TooMuchPaid");
      await refusedBy(change(-2_000n * USDC, (9n * ETHER) / 10n), "TooMuchPaid");
    });

    it("the time", async () => {
      const deadline = BigInt(await networkHelpers.time.latest());
      await refusedBy(open({ deadline }), "DeadlinePassed");
      await open();
      await refusedBy(close({ deadline }), "DeadlinePassed");
      await refusedBy(change(1n, 0n, { deadline }), "DeadlinePassed");
    });

    it("the path to the assets of the order, and to pools that exist", async () => {
      const weth = await f.tokens.weth.getAddress();
      const usdc = await f.tokens.usdc.getAddress();
      await refusedBy(open({ path: f.paths.wethToUsdc }), "InvalidPath");
      await refusedBy(open({ path: f.paths.usdcToWbtc }), "InvalidPath");
      await refusedBy(open({ path: `${f.paths.usdcToWeth}00` }), "InvalidPath");
      await refusedBy(open({ path: "0x" }), "InvalidPath");
      await refusedBy(open({ path: `${usdc}000064${weth.slice(2)}` }), "PoolNotFound");
    });

    it("the native value to the margin", async () => {
      await refusedBy(open({}, 1n), "NativeValueMismatch");
      await refusedBy(open({ margin: 0n }, 1n), "NativeValueMismatch");
      await refusedBy(open({ margin: ETHER }, ETHER), "NativeValueMismatch");
      await expect(f.trader.sendTransaction({ to: f.router, value: 1n })).to.be.revertedWithCustomError(
        f.router,
        "OnlyWrappedNative",
      );
    });
  });

  describe("acts only as far as its caller could", () => {
    beforeEach(async () => {
      await open();
    });

    it("not for a stranger, whatever rights the router has", async () => {
      const stranger = f.router.connect(f.friend);
      await refusedBy(stranger.open(longOrder({ margin: 0n })), "CallerNotAuthorized");
      await refusedBy(stranger.close(closeOrder({ to: await f.friend.getAddress() })), "CallerNotAuthorized");
      await refusedBy(stranger.changeLeverage(changeOrder(1n, 0n)), "CallerNotAuthorized");
    });

    it("not for an operator who may only trade", async () => {
      await f.safe.connect(f.trader).setOperator(f.account, f.friend, RIGHTS.trade, 2n ** 40n - 1n, false, []);
      await refusedBy(f.router.connect(f.friend).close(closeOrder()), "CallerNotAuthorized");
    });

    it("not for an operator whose time is over", async () => {
      const expiry = BigInt(await networkHelpers.time.latest()) + 100n;
      await f.safe.connect(f.trader).setOperator(f.account, f.friend, RIGHTS.both, expiry, false, []);
      await f.router.connect(f.friend).close(closeOrder({ repaid: USDC }));
      await networkHelpers.time.increase(101);
      await refusedBy(f.router.connect(f.friend).close(closeOrder()), "CallerNotAuthorized");
    });

    it("not to receivers that its caller may not send to", async () => {
      const friend = f.router.connect(f.friend);
      const to = await f.friend.getAddress();
      await f.safe.connect(f.trader).setOperator(f.account, f.friend, RIGHTS.both, 2n ** 40n - 1n, true, []);
      await refusedBy(friend.close(closeOrder()), "ReceiverNotAllowed");
      await f.safe.connect(f.trader).setOperator(f.account, f.friend, RIGHTS.both, 2n ** 40n - 1n, true, [f.router]);
      await refusedBy(friend.close(closeOrder({ to })), "ReceiverNotAllowed");
      await friend.close(closeOrder({ to: await f.trader.getAddress() }));
      expect(await f.safe.words(f.account)).to.deep.equal([0n]);
    });

    it("not from inside a batch, where the caller is the safe's forwarder", async () => {
      const data = f.router.interface.encodeFunctionData("close", [closeOrder()]);
      await refusedBySafe(
        f.safe.connect(f.friend).batch([{ target: await f.router.getAddress(), data }]),
        "CallFailed",
      );
    });

    it("not through its callbacks", async () => {
      await refusedBy(f.router.connect(f.friend).onUnlock("0x"), "UnexpectedCallback");
      const data = ethers.AbiCoder.defaultAbiCoder().encode(["bytes", "bool"], [f.paths.usdcToWeth, false]);
      await refusedBy(f.router.connect(f.friend).uniswapV3SwapCallback(1n, 0n, data), "UnexpectedCallback");
    });

    it("not once the owner has dismissed it", async () => {
      await f.safe.connect(f.trader).setOperator(f.account, f.router, 0, 0, false, []);
      await refusedBy(close({ repaid: USDC }), "RouterNotAuthorized");
    });
  });

  describe("is appointed by signature in the same transaction", () => {
    const grantBy = async (signer: Signer, id: string, nonce = 1n): Promise<ILeverageRouter.GrantStruct> => {
      const deadline = BigInt(await networkHelpers.time.latest()) + 3_600n;
      const expiry = deadline + 86_400n;
      const { chainId } = await ethers.provider.getNetwork();
      const signature = await signer.signTypedData(
        { name: "Plimsoll", version: "1", chainId, verifyingContract: await f.safe.getAddress() },
        {
          SetOperator: [
            { name: "account", type: "bytes32" },
            { name: "operator", type: "address" },
            { name: "rights", type: "uint8" },
            { name: "expiry", type: "uint40" },
            { name: "receiversOnly", type: "bool" },
            { name: "receivers", type: "address[]" },
            { name: "nonce", type: "uint256" },
            { name: "deadline", type: "uint256" },
          ],
        },
        {
          account: id,
          operator: await f.router.getAddress(),
          rights: RIGHTS.both,
          expiry,
          receiversOnly: true,
          receivers: [await f.router.getAddress()],
          nonce,
          deadline,
        },
      );
      return { expiry, signed: { nonce, deadline, signature } };
    };

    it("by the owner, also when somebody sent the signature first", async () => {
      const id = accountId(await f.trader.getAddress(), 3n);
      const grant = await grantBy(f.trader, id);
      await open({ account: id, grant });
      expect(await balance(ASSET.weth, id)).to.be.greaterThan(14n * ETHER);
      await close({ account: id, grant });
      expect(await balance(ASSET.usdc, id)).to.equal(0n);
    });

    it("by nobody else", async () => {
      const id = accountId(await f.trader.getAddress(), 3n);
      await refusedBy(open({ account: id, grant: await grantBy(f.friend, id) }), "RouterNotAuthorized");
    });
  });

  it("works for tokens of 8 decimals", async () => {
    await open({ collateralAsset: ASSET.wbtc, path: f.paths.usdcToWbtc, minBought: 0n });
    expect(await balance(ASSET.wbtc)).to.be.within((74n * WBTC) / 100n, (75n * WBTC) / 100n);
    await close({ collateralAsset: ASSET.wbtc, path: f.paths.usdcToWbtc });
    expect(await balance(ASSET.usdc)).to.equal(0n);
  });
});
