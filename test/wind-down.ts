// Taking things out of service with people still in them: a perp market, a collateral, a price feed, a pool. Nobody is trapped, nobody is
// liquidated by the change itself, and everybody gets what is his.
import "@nomicfoundation/hardhat-toolbox-mocha-ethers";
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { expect } from "chai";
import { ZeroAddress, ZeroHash } from "ethers";

import { optionWord, perpWord } from "../sdk/instruments.ts";
import {
  type Asset,
  packRiskTable,
  type RiskTable,
  unpackRiskTable,
  type VaultShare,
} from "../sdk/tables/riskTable.ts";
import { ITableEngine__factory, MockV3Aggregator__factory } from "../types/ethers-contracts/index.js";
import { attestFlat, signTrade, trade } from "./helpers/derivatives.ts";
import { accountId, deployProtocol, MAX, type Protocol, WAD } from "./helpers/protocol.ts";

const ETH = 2;
const PERP = perpWord(ETH);
const HOUR = 3_600;
const DAY = 24 * HOUR;

describe("Winding down", function () {
  this.timeout(180_000);
  let p: Protocol;
  let d: ReturnType<Protocol["derivatives"]>;
  const of = ({ address }: HardhatEthersSigner, index = 0n) => accountId(address, index);
  const now = () => p.networkHelpers.time.latest();
  const marginsOf = async (owner: HardhatEthersSigner) => {
    const { initial, maintenance, mtm } = await p.lens.accountView(of(owner));
    return { initial, maintenance, mtm };
  };
  const expiries = () => p.deployment.underlyings["ETH"]?.expiries ?? [];
  const attest = () => attestFlat(p, { underlying: ETH, expiries: expiries(), volatility: 0.6 });

  beforeEach(async () => {
    p = await deployProtocol({ handover: true });
    d = p.derivatives();
  });

  /** By the timelock, while the feeds go on reporting. */
  const govern = async (calls: { target: string; data: string }[]) => {
    const delay = await p.timelock.getMinDelay();
    const [targets, values, data] = [calls.map((c) => c.target), calls.map(() => 0n), calls.map((c) => c.data)];
    await p.timelock.connect(p.governor).scheduleBatch(targets, values, data, ZeroHash, ZeroHash, delay);
    await p.advance(Number(delay), HOUR);
    await p.timelock.executeBatch(targets, values, data, ZeroHash, ZeroHash);
    await p.refreshFeeds();
  };

  /** A successor of the engine in force with a changed table, put in force by the timelock. */
  const changeTable = async (change: (table: RiskTable) => RiskTable) => {
    const table = unpackRiskTable(await ITableEngine__factory.connect(await p.safe.engine(), p.deployer).table());
    const data = packRiskTable({ ...change(table), ledgerTable: ZeroAddress });
    const create = p.engineFactory.getFunction("createWithLedger");
    const ledger = table.ledgerTable ?? ZeroAddress;
    const engine = await create.staticCall(data, ledger);
    await create(data, ledger);
    await govern([
      {
        target: await p.engineFactory.getAddress(),
        data: p.engineFactory.interface.encodeFunctionData("requireSuccessor", [engine]),
      },
      {
        target: await p.safe.getAddress(),
        data: p.safe.interface.encodeFunctionData("setEngine", [engine]),
      },
    ]);
    expect(await p.safe.engine()).to.equal(engine);
  };

  const worthless = (asset: Asset): Asset => {
    const group = asset.haircut.group;
    return {
      ...asset,
      previous: asset.haircut,
      haircut: {
        maintenanceBps: 9_900,
        initialExtraBps: 100,
        // a group has one haircut for all its members, so the asset's own is what falls outside of it
        ...(group !== undefined && { group }),
      },
    };
  };

  const worthlessShare = (share: VaultShare): VaultShare => ({
    previous: share.haircut,
    haircut: { maintenanceBps: 9_900, initialExtraBps: 100 },
  });

  it("freezes a perp at a last price and closes it; each is paid, the loser by his cash", async () => {
    for (const person of [p.alice, p.bob]) await p.deposit(person, "USDC", p.units("USDC", 20_000));
    await attest();
    await trade(p, { buyer: p.alice, seller: p.bob, instrument: PERP, size: 10n * WAD, price: 2_500n * WAD });
    const market = await d.positions.getAddress();
    const call = (name: "freezePerp" | "closePerp", ...rest: bigint[]) => ({
      target: market,
      data:
        name === "freezePerp"
          ? d.positions.interface.encodeFunctionData(name, [ETH, rest[0] ?? 0n])
          : d.positions.interface.encodeFunctionData(name, [ETH]),
    });
    await govern([call("freezePerp", 2_700n * WAD)]);

    // Whatever the index does, the position is worth what the market said last.
    await p.setPrice("WETH", 1_200);
    const frozen = await marginsOf(p.bob);
    await p.setPrice("WETH", 4_000);
    expect((await marginsOf(p.bob)).mtm).to.equal(frozen.mtm);
    const open = await signTrade(p, {
      ...{ buyer: p.alice, seller: p.bob, instrument: PERP, size: WAD, price: 2_700n * WAD },
    });
    await expect(d.exchange.fillOrder(open, ZeroHash)).to.be.revertedWithCustomError(d.positions, "MarketFrozen");
    // Others are free to move meanwhile: no attestation is needed for a frozen market.
    await p.safe.connect(p.alice).withdraw(of(p.alice), p.ids.USDC, p.units("USDC", 1_000), p.alice);

    await govern([call("closePerp")]);
    for (const person of [p.alice, p.bob]) {
      await d.positions.connect(p.keeper).touch(of(person));
      expect(await d.positions.positionsOf(of(person))).to.deep.equal([]);
    }
    const due = await d.positions.settleable(of(p.alice), of(p.bob));
    await d.positions.connect(p.keeper).settle(of(p.alice), of(p.bob), due);
    // 10 · (2,700 − 2,500) less the taker's fee of 4 basis points
    expect(await p.safe.balanceOf(of(p.alice), p.ids.USDC)).to.be.within(
      p.units("USDC", 19_000 + 2_000 - 11),
      p.units("USDC", 19_000 + 2_000),
    );
    expect(await d.positions.quoteOf(of(p.alice))).to.be.within(0n, 10n ** 12n);
    await p.safe.connect(p.alice).withdraw(of(p.alice), p.ids.USDC, MAX, p.alice);
  });

  it("takes all value from a collateral by a ramp: no jump, time to leave, and who stays is auctioned, not robbed", async () => {
    await p.lend(p.carol, "USDC", p.units("USDC", 500_000));
    const [leaver, stayer] = [p.alice, p.dave];
    for (const person of [leaver, stayer]) {
      await p.deposit(person, "stETH", p.units("stETH", 20));
      await p.borrow(person, "USDC", p.units("USDC", 25_000));
    }
    const start = (await now()) + Number(await p.timelock.getMinDelay()) + DAY;
    const length = 30 * DAY;
    const before = await marginsOf(stayer);
    await changeTable((table) => ({
      ...table,
      ramp: { start, end: start + length },
      idles: table.idles.map((asset) => asset && worthless(asset)),
    }));
    const cap = p.safe.interface.encodeFunctionData("setCollateralCap", [p.ids.stETH, 0n, 0]);
    await govern([{ target: await p.safe.getAddress(), data: cap }]);
    await p.fund("stETH", p.bob, p.units("stETH", 1));
    await expect(
      p.safe.connect(p.bob).deposit(of(p.bob), p.ids.stETH, p.units("stETH", 1)),
    ).to.be.revertedWithCustomError(p.safe, "CollateralCapExceeded");

    // Day by day the margin falls, never by more than its part of the way (interest aside).
    const value = 20n * 2_500n * WAD;
    let last = await marginsOf(stayer);
    expect(before.maintenance - last.maintenance < value / 5n, "still near the start").to.equal(true);
    for (let day = 0; day < 5; day++) {
      await p.advance(DAY, HOUR);
      const here = await marginsOf(stayer);
      const fell = last.maintenance - here.maintenance;
      expect(fell > 0n && fell <= (value * 9_900n * BigInt(DAY + HOUR)) / 10_000n / BigInt(length)).to.equal(true);
      last = here;
    }

    // One leaves by paying; that needs no price.
    await p.fund("USDC", leaver, p.units("USDC", 30_000));
    await p.safe.connect(leaver).repay(of(leaver), p.ids.USDC, MAX);
    await p.safe.connect(leaver).withdraw(of(leaver), p.ids.stETH, MAX, leaver);
    expect(await p.tokens.stETH.balanceOf(leaver)).to.equal(p.units("stETH", 20));

    // The other one does nothing, and is bid on when the ramp has eaten his margin: he keeps his equity less the discount.
    for (let day = 0; day < 30 && (await marginsOf(stayer)).maintenance >= 0n; day++) await p.advance(DAY, HOUR);
    const { maintenance, mtm } = await marginsOf(stayer);
    expect(maintenance < 0n && mtm > 0n).to.equal(true);
    const bidder = await p.deposit(p.bob, "USDC", p.units("USDC", 200_000));
    await p.safe.connect(p.bob).bid(of(stayer), bidder, MAX, p.units("USDC", 100_000));
    const after = await marginsOf(stayer);
    expect(after.maintenance >= 0n).to.equal(true);
    expect(after.mtm > (mtm * 97n) / 100n, "what he lost is the discount").to.equal(true);
  });

  it("moves to another feed: every account is worth the same, an auction goes on, an average that has begun ends", async () => {
    await p.lend(p.carol, "USDC", p.units("USDC", 500_000));
    await p.deposit(p.dave, "WETH", p.units("WETH", 10));
    await p.borrow(p.dave, "USDC", p.units("USDC", 18_500));
    for (const person of [p.alice, p.bob]) await p.deposit(person, "USDC", p.units("USDC", 20_000));
    await attest();
    const delay = Number(await p.timelock.getMinDelay());
    const soon = (await now()) + delay + HOUR;
    const expiry = expiries().find((each) => each > soon) ?? 0;
    const call = optionWord({ underlying: ETH, expiry, strike: 2_500n * 10n ** 8n, isCall: true });
    await trade(p, { buyer: p.alice, seller: p.bob, instrument: call, size: 2n * WAD, price: 200n * WAD });
    await trade(p, { buyer: p.alice, seller: p.bob, instrument: PERP, size: WAD, price: 2_500n * WAD });

    // an account under water, its auction begun on the old feed
    await p.setPrice("WETH", 2_040);
    expect((await marginsOf(p.dave)).maintenance < 0n).to.equal(true);
    await p.auction.start(of(p.dave), of(p.carol));

    const successor = await new MockV3Aggregator__factory(p.deployer).deploy(8, 2_040n * 10n ** 8n);
    const [moved, same] = [await successor.getAddress(), await p.feeds.WETH.getAddress()];
    const both = async (dollars: number) => {
      await p.setPrice("WETH", dollars);
      await successor.updateAnswer(BigInt(dollars) * 10n ** 8n);
    };
    // the new feed reports all the while, as one does before it is used
    const table = unpackRiskTable(await p.engine.table());
    const data = packRiskTable({
      ...table,
      ledgerTable: ZeroAddress,
      pools: table.pools.map(
        (asset) => asset && { ...asset, feed: asset.feed === same.toLowerCase() ? moved : asset.feed },
      ),
    });
    const ledger = table.ledgerTable ?? ZeroAddress;
    const engine = await p.engineFactory.createWithLedger.staticCall(data, ledger);
    await p.engineFactory.createWithLedger(data, ledger);
    const calls = [
      p.engineFactory.interface.encodeFunctionData("requireSuccessor", [engine]),
      p.safe.interface.encodeFunctionData("setEngine", [engine]),
    ];
    const targets = [await p.engineFactory.getAddress(), await p.safe.getAddress()];
    await p.timelock.connect(p.governor).scheduleBatch(targets, [0n, 0n], calls, ZeroHash, ZeroHash, delay);
    const report = async (until: number, step: number) => {
      for (let left = until - (await now()); left > 0; left = until - (await now())) {
        await p.networkHelpers.time.increase(Math.min(left, step));
        await p.refreshFeeds();
        await successor.updateAnswer(2_040n * 10n ** 8n);
      }
    };
    // it is changed in the middle of the half hour that an expiry's price is the average of
    await report(expiry - 40 * 60, HOUR);
    const first = [await p.feeds.USDC.latestRound(), await p.feeds.WETH.latestRound()] as const;
    await report(expiry - 15 * 60, 5 * 60);
    const rounds = async (from: bigint, feed: (typeof p.feeds)["WETH"]) => {
      const to = await feed.latestRound();
      return Array.from({ length: Number(to - from) + 1 }, (_, i) => from + BigInt(i));
    };
    await d.settlementPrices.submit(1, expiry, await rounds(first[0], p.feeds.USDC));
    await d.settlementPrices.submit(ETH, expiry, await rounds(first[1], p.feeds.WETH));
    await attest();
    const people = [p.alice, p.bob, p.dave];
    const at = (await now()) + 30;
    const valued = async () => Promise.all(people.map((person) => marginsOf(person)));
    await p.networkHelpers.time.increaseTo(at);
    const snapshot = await p.networkHelpers.takeSnapshot();
    await p.networkHelpers.time.setNextBlockTimestamp(at + 1);
    await p.networkHelpers.mine();
    const without = await valued();
    await snapshot.restore();
    await p.networkHelpers.time.setNextBlockTimestamp(at + 1);
    await p.timelock.executeBatch(targets, [0n, 0n], calls, ZeroHash, ZeroHash);
    expect(await p.safe.engine()).to.equal(engine);
    expect(await valued()).to.deep.equal(without);

    // the average that began on the old feed is taken of the old feed's rounds to its end
    const [usdc, weth] = [await p.feeds.USDC.latestRound(), await p.feeds.WETH.latestRound()];
    await report(expiry + 5 * 60, 5 * 60);
    await d.settlementPrices.submit(1, expiry, (await rounds(usdc, p.feeds.USDC)).slice(1));
    await d.settlementPrices.submit(ETH, expiry, (await rounds(weth, p.feeds.WETH)).slice(1));
    await d.positions.settleExpiry(ETH, expiry);
    expect((await d.positions.expiryMarket(ETH, expiry)).price).to.equal(2_040n * WAD);

    // the auction that began on the old feed ends on the new one
    await both(2_040);
    const bidder = await p.deposit(p.carol, "USDC", p.units("USDC", 50_000));
    await p.safe.connect(p.carol).bid(of(p.dave), bidder, MAX, p.units("USDC", 50_000));
    expect((await marginsOf(p.dave)).maintenance >= 0n || (await marginsOf(p.dave)).mtm === 0n).to.equal(true);

    // and the old feed may now die without anybody noticing
    for (let k = 0; k < 3; k++) {
      await p.networkHelpers.time.increase(HOUR);
      await successor.updateAnswer(2_100n * 10n ** 8n);
    }
    await p.feeds.USDC.updateAnswer(await p.feeds.USDC.latestAnswer());
    expect(await ITableEngine__factory.connect(engine, p.deployer).midPrice(ETH)).to.equal(2_100n * WAD);
    await attest();
    await trade(p, { buyer: p.bob, seller: p.alice, instrument: PERP, size: WAD, price: 2_100n * WAD });
  });

  it("retires a pool: closed to newcomers, its borrowers pay or are bid on, its lenders leave whole", async () => {
    await p.lend(p.carol, "WBTC", p.units("WBTC", 10));
    await p.deposit(p.alice, "USDC", p.units("USDC", 450_000));
    await p.deposit(p.dave, "USDC", p.units("USDC", 190_000));
    // between them as much of what is lent as the pool's cap allows
    await p.borrow(p.alice, "WBTC", p.units("WBTC", 5));
    await p.borrow(p.dave, "WBTC", p.units("WBTC", 2.5));

    const closed = { ...plain(await p.safe.poolConfig(p.ids.WBTC)), depositsClosed: true, borrowsClosed: true };
    const start = (await now()) + Number(await p.timelock.getMinDelay()) + DAY;
    await changeTable((table) => ({
      ...table,
      ramp: { start, end: start + 30 * DAY },
      pools: table.pools.map((asset, i) => (asset && i === 2 ? worthless(asset) : asset)),
      vaultShares: table.vaultShares.map((share, i) => share && (i === 2 ? worthlessShare(share) : share)),
    }));
    await govern([
      {
        target: await p.safe.getAddress(),
        data: p.safe.interface.encodeFunctionData("configurePool", [p.ids.WBTC, closed]),
      },
    ]);
    await p.fund("WBTC", p.bob, p.units("WBTC", 1));
    await expect(
      p.safe.connect(p.bob).deposit(of(p.bob), p.ids.WBTC, p.units("WBTC", 1)),
    ).to.be.revertedWithCustomError(p.safe, "DepositsClosed");
    await expect(
      p.safe.connect(p.alice).borrow(of(p.alice), p.ids.WBTC, p.units("WBTC", 0.1), p.alice),
    ).to.be.revertedWithCustomError(p.safe, "BorrowsClosed");

    // One pays, from outside.
    await p.fund("WBTC", p.alice, p.units("WBTC", 7));
    await p.safe.connect(p.alice).repay(of(p.alice), p.ids.WBTC, MAX);
    await p.safe.connect(p.alice).withdraw(of(p.alice), p.ids.USDC, MAX, p.alice);
    // The lender takes what is there; the rest is lent to somebody who does not pay and is charged ever more for his debt.
    const lender = p.vaults.WBTC.connect(p.carol);
    await lender.withdraw(await lender.maxWithdraw(p.carol), p.carol, p.carol);
    const rest = await lender.convertToAssets(await lender.balanceOf(p.carol));
    expect(rest).to.be.within(p.units("WBTC", 2.4), p.units("WBTC", 2.8));
    for (let day = 0; day < 40 && (await marginsOf(p.dave)).maintenance >= 0n; day++) await p.advance(DAY, HOUR);
    expect((await marginsOf(p.dave)).maintenance < 0n, "the ramp reaches his debt").to.equal(true);
    expect((await marginsOf(p.dave)).mtm > 0n).to.equal(true);

    // Who bids pays the debt that he takes over in the same transaction: a closed pool still takes repayments.
    await p.deposit(p.bob, "USDC", p.units("USDC", 100_000));
    await p.fund("WBTC", p.bob, p.units("WBTC", 4));
    const { safe, bob, dave } = p;
    await safe.connect(bob).batch([
      {
        target: safe,
        data: safe.interface.encodeFunctionData("bid", [of(dave), of(bob), MAX, p.units("USDC", 100_000)]),
      },
      { target: safe, data: safe.interface.encodeFunctionData("repay", [of(bob), p.ids.WBTC, MAX]) },
    ]);
    expect((await marginsOf(dave)).maintenance >= 0n).to.equal(true);
    const paid = await p.tokens.WBTC.balanceOf(p.carol);
    await lender.withdraw(await lender.maxWithdraw(p.carol), p.carol, p.carol);
    expect(await p.tokens.WBTC.balanceOf(p.carol)).to.be.greaterThan(paid);

    // What the rest of his debt is still lending he pays himself from what he kept.
    await p.fund("WBTC", dave, p.units("WBTC", 4));
    await safe.connect(dave).repay(of(dave), p.ids.WBTC, MAX);
    await lender.redeem(await lender.balanceOf(p.carol), p.carol, p.carol);
    expect(await p.tokens.WBTC.balanceOf(p.carol)).to.be.greaterThan(p.units("WBTC", 10));
  });
});

/** A struct of the bindings as a plain object. */
const plain = (config: Awaited<ReturnType<Protocol["safe"]["poolConfig"]>>) => {
  const { supplyCap, borrowCap, maxUtilisation, reservedPart, settlementPart, reserveFactor } = config;
  const { depositsClosed, borrowsClosed } = config;
  return {
    ...{ supplyCap, borrowCap, maxUtilisation, reservedPart, settlementPart, reserveFactor },
    ...{ depositsClosed, borrowsClosed },
  };
};
