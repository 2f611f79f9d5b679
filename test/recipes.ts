import { expect } from "chai";
import { network } from "hardhat";

import type { CallStruct } from "../types/ethers-contracts/contracts/interfaces/IMarginAccounts.sol/IMarginAccounts.js";
import { ASSET, deployPeriphery, ETHER, FOREVER, leftovers, USDC, WBTC } from "./helpers/periphery.js";
import type { Fixture } from "./helpers/periphery.js";

const ALL = 2n ** 256n - 1n;

const { ethers, networkHelpers } = await network.create();
const fixture = () => deployPeriphery({ ethers });

describe("Recipes for wallets: batches with the swap adapter", () => {
  let f: Fixture;
  let adapter: string;
  let trader: string;

  beforeEach(async () => {
    f = await networkHelpers.loadFixture(fixture);
    adapter = await f.adapter.getAddress();
    trader = await f.trader.getAddress();
    await f.safe.connect(f.trader).deposit(f.account, ASSET.weth, 10n * ETHER);
    await f.safe.connect(f.trader).borrow(f.account, ASSET.usdc, 12_000n * USDC, f.trader);
  });

  afterEach("keep nothing in the adapter", async () => {
    expect(await leftovers(f, f.adapter)).to.deep.equal([0n, 0n, 0n, 0n, 0n, 0n, 0n]);
  });

  // The safe's own doors, and calls to the adapter.
  const door = (data: string): CallStruct => ({ target: "0x0000000000000000000000000000000000000000", data });
  const step = (data: string): CallStruct => ({ target: adapter, data });
  const withdraw = (asset: number, amount: bigint) =>
    door(f.safe.interface.encodeFunctionData("withdraw", [f.account, asset, amount, adapter]));
  const borrow = (asset: number, amount: bigint) =>
    door(f.safe.interface.encodeFunctionData("borrow", [f.account, asset, amount, adapter]));
  const deposit = (asset: number, amount: bigint) =>
    door(f.safe.interface.encodeFunctionData("deposit", [f.account, asset, amount]));
  const reduceOnly = () => door(f.safe.interface.encodeFunctionData("reduceOnly", [f.account]));
  const swapToRepay = (path: string, amount: bigint, maxIn: bigint, asset: number, deadline = FOREVER) =>
    step(
      f.adapter.interface.encodeFunctionData("swapToRepay", [path, amount, maxIn, f.account, asset, trader, deadline]),
    );
  const swapToDeposit = (path: string, amountIn: bigint, minOut: bigint, asset: number) =>
    step(
      f.adapter.interface.encodeFunctionData("swapToDeposit", [
        path,
        amountIn,
        minOut,
        f.account,
        asset,
        trader,
        FOREVER,
      ]),
    );

  const batch = (...calls: CallStruct[]) => f.safe.connect(f.trader).batch(calls);
  const balance = (asset: number) => f.safe.balanceOf(f.account, asset);

  /** The batch fails at `index` with the adapter's `error`. */
  const failsAt = async (index: number, error: string, tx: Promise<unknown>) =>
    expect(tx)
      .to.be.revertedWithCustomError(f.safe, "CallFailed")
      .withArgs(BigInt(index), (reason: string) => f.adapter.interface.parseError(reason)?.name === error);

  describe("repay with collateral", () => {
    it("pays the whole debt to the unit and returns the change to the account", async () => {
      await f.pass(86_400);
      await batch(withdraw(ASSET.weth, 7n * ETHER), swapToRepay(f.paths.usdcToWeth, ALL, 7n * ETHER, ASSET.usdc));
      expect(await balance(ASSET.usdc)).to.equal(0n);
      expect(await balance(ASSET.weth)).to.be.within((39n * ETHER) / 10n, 4n * ETHER);
    });

    it("A2: passes by the reduce-only rule below the initial margin", async () => {
      await f.safe.connect(f.trader).borrow(f.account, ASSET.usdc, 4_500n * USDC, f.trader);
      await f.setPrice("weth", 1_880n);
      const { initial, maintenance } = await f.lens.accountView(f.account);
      expect(initial).to.be.lessThan(0n);
      expect(maintenance).to.be.greaterThan(0n);
      const repay = [
        withdraw(ASSET.weth, 2n * ETHER),
        swapToRepay(f.paths.usdcToWeth, 2_000n * USDC, 2n * ETHER, ASSET.usdc),
      ];
      await expect(batch(...repay)).to.be.revertedWithCustomError(f.safe, "InsufficientMargin");
      await batch(reduceOnly(), ...repay);
      expect((await f.lens.accountView(f.account)).initial).to.be.greaterThan(initial);
    });

    it("A2: not if the change is kept instead", async () => {
      await f.safe.connect(f.trader).borrow(f.account, ASSET.usdc, 4_500n * USDC, f.trader);
      await f.setPrice("weth", 1_880n);
      const keep = f.adapter.interface.encodeFunctionData("swapExactIn", [
        f.paths.wethToUsdc,
        ALL,
        0n,
        trader,
        trader,
        FOREVER,
      ]);
      await expect(batch(reduceOnly(), withdraw(ASSET.weth, ETHER), step(keep))).to.be.revertedWithCustomError(
        f.safe,
        "NotReduceOnly",
      );
    });

    it("fails whole when the price is worse than the bound, or the time is over", async () => {
      const before = await f.safe.words(f.account);
      const path = f.paths.usdcToWeth;
      await failsAt(
        1,
        "TooMuchPaid",
        batch(withdraw(ASSET.weth, 7n * ETHER), swapToRepay(path, ALL, 5n * ETHER, ASSET.usdc)),
      );
      await failsAt(1, "TooMuchPaid", batch(withdraw(ASSET.weth, 5n * ETHER), swapToRepay(path, ALL, ALL, ASSET.usdc)));
      await failsAt(
        1,
        "DeadlinePassed",
        batch(withdraw(ASSET.weth, 7n * ETHER), swapToRepay(path, ALL, ALL, ASSET.usdc, 1n)),
      );
      expect(await f.safe.words(f.account)).to.deep.equal(before);
    });
  });

  describe("swap collateral", () => {
    it("into an asset that the account has: all of what is sold", async () => {
      await f.safe.connect(f.trader).deposit(f.account, ASSET.wbtc, WBTC / 100n);
      await batch(
        withdraw(ASSET.weth, 4n * ETHER),
        swapToDeposit(f.paths.wethToWbtc, ALL, (19n * WBTC) / 100n, ASSET.wbtc),
      );
      expect(await balance(ASSET.wbtc)).to.be.within((20n * WBTC) / 100n, (21n * WBTC) / 100n);
      expect(await balance(ASSET.weth)).to.equal(6n * ETHER);
    });

    it("into a new asset: exactly what is bought, deposited by the wallet itself", async () => {
      const bought = (19n * WBTC) / 100n;
      const before = await f.tokens.weth.balanceOf(trader);
      const swap = f.adapter.interface.encodeFunctionData("swapExactOut", [
        reversed(f.paths.wethToWbtc),
        bought,
        4n * ETHER,
        trader,
        trader,
        FOREVER,
      ]);
      await batch(withdraw(ASSET.weth, 4n * ETHER), step(swap), deposit(ASSET.wbtc, bought));
      expect(await balance(ASSET.wbtc)).to.equal(bought);
      expect(await f.tokens.weth.balanceOf(trader)).to.be.greaterThan(before);
    });

    it("A2: not out of the account's safety", async () => {
      const swap = f.adapter.interface.encodeFunctionData("swapExactIn", [
        f.paths.wethToUsdc,
        ALL,
        0n,
        trader,
        trader,
        FOREVER,
      ]);
      await expect(batch(withdraw(ASSET.weth, 9n * ETHER), step(swap))).to.be.revertedWithCustomError(
        f.safe,
        "InsufficientMargin",
      );
    });

    it("not below its bound", async () => {
      await f.safe.connect(f.trader).deposit(f.account, ASSET.wbtc, 1n);
      await failsAt(
        1,
        "TooLittleReceived",
        batch(withdraw(ASSET.weth, 4n * ETHER), swapToDeposit(f.paths.wethToWbtc, ALL, WBTC, ASSET.wbtc)),
      );
    });
  });

  it("swap debt: the change pays the new debt back", async () => {
    await batch(borrow(ASSET.wbtc, (4n * WBTC) / 10n), swapToRepay(f.paths.usdcToWbtc, ALL, WBTC, ASSET.usdc));
    expect(await balance(ASSET.usdc)).to.equal(0n);
    expect(await balance(ASSET.wbtc)).to.be.within((-31n * WBTC) / 100n, (-30n * WBTC) / 100n);
  });

  describe("the adapter", () => {
    it("refuses what is no path, a pool that is none, and a pool that runs dry", async () => {
      const swap = (path: string) => f.adapter.swapExactIn(path, 1n, 0n, trader, trader, FOREVER);
      await expect(swap("0x1234")).to.be.revertedWithCustomError(f.adapter, "InvalidPath");
      const nowhere = f.paths.usdcToWeth.replace("000bb8", "0001f4");
      await expect(swap(nowhere)).to.be.revertedWithCustomError(f.adapter, "PoolNotFound");
      await f.tokens.staked.mint(adapter, 100_000n * ETHER);
      const all = f.adapter.swapExactIn(f.paths.stakedToUsdc, ALL, 0n, trader, trader, FOREVER);
      await expect(all).to.be.revertedWithCustomError(f.adapter, "PoolExhausted");
      const tooMuch = f.adapter.swapExactOut(reversed(f.paths.stakedToUsdc), 10n ** 15n, ALL, trader, trader, FOREVER);
      await expect(tooMuch).to.be.revertedWithCustomError(f.adapter, "PoolExhausted");
      // whoever comes next may have what was left here
      await f.adapter.swapExactIn(f.paths.stakedToUsdc, ETHER, 0n, trader, trader, FOREVER);
    });

    it("refuses callbacks by strangers", async () => {
      const data = ethers.AbiCoder.defaultAbiCoder().encode(["bytes", "bool"], [f.paths.usdcToWeth, false]);
      await expect(f.adapter.uniswapV3SwapCallback(1n, 0n, data)).to.be.revertedWithCustomError(
        f.adapter,
        "UnexpectedCallback",
      );
    });
  });

  /** The same way, from the other end. */
  function reversed(path: string): string {
    const digits = path.slice(2);
    const tokens: string[] = [];
    const fees: string[] = [];
    for (let i = 0; i < digits.length; i += 46) {
      tokens.push(digits.slice(i, i + 40));
      if (i + 40 < digits.length) fees.push(digits.slice(i + 40, i + 46));
    }
    tokens.reverse();
    fees.reverse();
    return `0x${tokens.map((token, i) => token + (fees[i] ?? "")).join("")}`;
  }
});
