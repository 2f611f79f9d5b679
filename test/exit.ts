// Everybody who has a power is gone, and so is every service off chain: no governor, no guardian, no attestor, no matcher, no keeper. The
// guardian's last act was to stop all that can be stopped. People leave all the same, by doors that anybody may call.
import "@nomicfoundation/hardhat-toolbox-mocha-ethers";
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { expect } from "chai";
import { ZeroHash } from "ethers";

import { ROLE_NAMES, ROLES, TIMELOCK_ROLES } from "../deploy/lib/roles.ts";
import { optionWord, perpWord } from "../sdk/instruments.ts";
import { attestFlat, signTrade, trade, type Trade } from "./helpers/derivatives.ts";
import { accountId, deployProtocol, MAX, type Protocol, WAD } from "./helpers/protocol.ts";

const ETH = 2;
const PERP = perpWord(ETH);
const HOUR = 3_600;
const EVERY_ACTION = 15;

describe("Leaving without anybody's permission", function () {
  this.timeout(180_000);
  let p: Protocol;
  let d: ReturnType<Protocol["derivatives"]>;
  let expiry: number;
  let call: bigint;
  const of = ({ address }: HardhatEthersSigner, index = 0n) => accountId(address, index);

  /** Positions of both kinds, a leveraged account, a short, lenders; then the lights go out. */
  beforeEach(async () => {
    p = await deployProtocol({ handover: true });
    d = p.derivatives();
    expiry = p.deployment.underlyings["ETH"]?.expiries[0] ?? 0;
    call = optionWord({ underlying: ETH, expiry, strike: 2_500n * 10n ** 8n, isCall: true });

    const [lender, borrower] = [p.carol, p.dave];
    await p.lend(lender, "USDC", p.units("USDC", 500_000));
    await p.lend(lender, "WETH", p.units("WETH", 100));
    await p.deposit(borrower, "WETH", p.units("WETH", 10));
    await p.borrow(borrower, "USDC", p.units("USDC", 15_000));

    await p.deposit(p.alice, "USDC", p.units("USDC", 30_000));
    await p.deposit(p.bob, "USDC", p.units("USDC", 30_000));
    await p.safe.connect(p.bob).setModel(of(p.bob), 1);
    const expiries = p.deployment.underlyings["ETH"]?.expiries ?? [];
    await attestFlat(p, { underlying: ETH, expiries, volatility: 0.6, premium: 0.001 });
    const market = { buyer: p.alice, seller: p.bob };
    await trade(p, { ...market, instrument: PERP, size: 10n * WAD, price: 2_500n * WAD });
    await trade(p, { ...market, instrument: call, size: 4n * WAD, price: 60n * WAD });
  });

  /** The guardian stops everything for as long as it can; then every role is given up, by whoever holds it. */
  const everybodyLeaves = async () => {
    const { manager, timelock, networkHelpers, guardian, circuitBreaker } = p;
    const until = (await networkHelpers.time.latest()) + 7 * 24 * HOUR;
    await circuitBreaker.stop(EVERY_ACTION, until);

    await networkHelpers.impersonateAccount(await timelock.getAddress());
    await networkHelpers.setBalance(await timelock.getAddress(), WAD);
    const itself = await p.ethers.getSigner(await timelock.getAddress());
    const holders = [itself, p.governor, guardian, p.riskSteward, p.feeCollector];
    for (const holder of holders) {
      for (const role of ROLE_NAMES.filter((name) => name !== "admin")) {
        const [has] = await manager.hasRole(ROLES[role], holder);
        if (has) await manager.connect(holder).renounceRole(ROLES[role], holder);
      }
      for (const role of [TIMELOCK_ROLES.proposer, TIMELOCK_ROLES.canceller, TIMELOCK_ROLES.executor]) {
        if (await timelock.hasRole(role, holder)) await timelock.connect(holder).renounceRole(role, holder);
      }
    }
    // the last admin cannot go, but it is a timelock that nobody can propose anything to
    const leave = manager.connect(itself).renounceRole(ROLES.admin, itself);
    await expect(leave).to.be.revertedWithCustomError(manager, "LastAdmin");
    for (const role of ROLE_NAMES.filter((name) => name !== "admin")) {
      for (const holder of holders) expect((await manager.hasRole(ROLES[role], holder))[0], role).to.equal(false);
    }
    await networkHelpers.stopImpersonatingAccount(itself.address);
  };

  /** Signed by both, filled by the buyer himself. */
  const between = async (terms: Trade) =>
    d.exchange.connect(terms.buyer).fillOrder(await signTrade(p, { ...terms, reduceOnly: true }), ZeroHash);

  /** Whatever one can settle of what one has won of another. */
  const settleAll = async (winner: HardhatEthersSigner, loser: HardhatEthersSigner) => {
    for (const owner of [winner, loser]) expect(await d.positions.positionsOf(of(owner))).to.deep.equal([]);
    const [won, lost] = [await d.positions.quoteOf(of(winner)), -(await d.positions.quoteOf(of(loser)))];
    const due = (won < lost ? won : lost) / 10n ** 12n;
    expect(due > 0n, "something is due").to.equal(true);
    await d.positions.connect(winner).settle(of(winner), of(loser), due);
  };

  const leaves = async (owner: HardhatEthersSigner, symbol: "USDC" | "WETH") => {
    const asset = p.ids[symbol];
    const account = of(owner);
    const [balance, held] = [await p.safe.balanceOf(account, asset), await p.tokens[symbol].balanceOf(owner)];
    await p.safe.connect(owner).withdraw(account, asset, MAX, owner);
    // a second's interest may come on top
    expect(await p.tokens[symbol].balanceOf(owner)).to.be.at.least(held + balance);
    expect(await p.safe.balanceOf(account, asset)).to.equal(0n);
  };

  it("reduces, settles an expiry, settles profit and loss, repays, and takes all out", async () => {
    await everybodyLeaves();
    await p.setPrice("WETH", 2_650);

    // The attestors are gone for longer than any attested value lives. New risk is refused, by the feed as by the guardian's stop.
    await p.advance(4 * HOUR);
    const more = { buyer: p.alice, seller: p.bob, instrument: PERP, size: WAD, price: 2_650n * WAD };
    await expect(d.exchange.fillOrder(await signTrade(p, more), ZeroHash)).to.be.revertedWithCustomError(
      p.safe,
      "ActionPaused",
    );

    // Two people close what they have with each other.
    await between({ ...more, buyer: p.bob, seller: p.alice, size: 10n * WAD });
    expect(await d.positions.sizeOf(of(p.alice), PERP)).to.equal(0n);

    // The option runs out; one of its holders submits the feeds' rounds.
    await p.advance(expiry - 40 * 60 - (await p.networkHelpers.time.latest()));
    const round = async () => [await p.feeds.USDC.latestRound(), await p.feeds.WETH.latestRound()];
    const first = await round();
    await p.advance(40 * 60, 8 * 60);
    const last = await round();
    const list = (i: number) => {
      const [from = 0n, to = 0n] = [first[i], last[i]];
      return Array.from({ length: Number(to - from) + 1 }, (_, n) => from + BigInt(n));
    };
    const asHolder = { prices: d.settlementPrices.connect(p.alice), ledger: d.positions.connect(p.alice) };
    await asHolder.prices.submit(1, expiry, list(0));
    await asHolder.prices.submit(ETH, expiry, list(1));
    await asHolder.ledger.settleExpiry(ETH, expiry);
    for (const owner of [p.alice, p.bob]) await asHolder.ledger.touch(of(owner));

    // 10 · 150 of the perp and 4 · 150 of the calls are hers, less funding; his cash pays.
    await settleAll(p.alice, p.bob);
    expect(await p.safe.balanceOf(of(p.alice), p.ids.USDC)).to.be.within(
      p.units("USDC", 30_000 - 240 + 2_100 - 25),
      p.units("USDC", 30_000 - 240 + 2_100),
    );
    await leaves(p.alice, "USDC");
    // What he owes besides are fees: they are swept to who gets them, and settled like any profit.
    await d.positions.connect(p.bob).sweepFees();
    for (const receiver of [await p.safe.insurance(), (await d.positions.feeReceiver()).treasury]) {
      const due = await d.positions.settleable(receiver, of(p.bob));
      if (due > 0n) await d.positions.connect(p.bob).settle(receiver, of(p.bob), due);
    }
    // Less than three units of the token remain owed (two roundings, funding's own), so he leaves that much until the stop has ended.
    expect(await d.positions.quoteOf(of(p.bob))).to.be.within(-3n * 10n ** 12n, 0n);
    const stopped = (await p.safe.pauses()).until;
    await p.advance(Number(stopped) + 1 - (await p.networkHelpers.time.latest()), HOUR);
    const rest = (await p.safe.balanceOf(of(p.bob), p.ids.USDC)) - 3n;
    await p.safe.connect(p.bob).withdraw(of(p.bob), p.ids.USDC, rest, p.bob);
    expect(await p.safe.balanceOf(of(p.bob), p.ids.USDC)).to.be.within(3n, 5n); // and a second's interest

    // The borrower pays, with money from elsewhere, and takes his collateral; the lenders are paid in full, with interest.
    await p.fund("USDC", p.dave, p.units("USDC", 20_000));
    await p.safe.connect(p.dave).repay(of(p.dave), p.ids.USDC, MAX);
    await leaves(p.dave, "WETH");
    for (const symbol of ["USDC", "WETH"] as const) {
      const vault = p.vaults[symbol].connect(p.carol);
      const [shares, worth] = [await vault.balanceOf(p.carol), await vault.maxWithdraw(p.carol)];
      await vault.redeem(shares, p.carol, p.carol);
      expect(await p.tokens[symbol].balanceOf(p.carol)).to.be.at.least(worth);
    }
    expect(await p.tokens.USDC.balanceOf(p.carol)).to.be.greaterThan(p.units("USDC", 500_000));
    expect(await p.tokens.WETH.balanceOf(p.carol)).to.be.at.least(p.units("WETH", 100) - 1n);

    // What remains in the safe belongs to the insurance, the treasury, the reserves and roundings.
    const left = await p.tokens.USDC.balanceOf(p.safe);
    const receivers = [await p.safe.insurance(), (await d.positions.feeReceiver()).treasury, of(p.bob)];
    const balances = await Promise.all(receivers.map((account) => p.safe.balanceOf(account, p.ids.USDC)));
    const theirs = balances.reduce((sum, each) => sum + each, (await p.safe.poolState(p.ids.USDC)).reserves);
    expect(left - theirs).to.be.within(0n, 10n);
  });

  it("lets a borrower repay and leave in one batch, though a withdrawal beside debt is stopped", async () => {
    await everybodyLeaves();
    await p.advance(2 * HOUR);
    const { safe, dave } = p;
    await expect(
      safe.connect(dave).withdraw(of(dave), p.ids.WETH, p.units("WETH", 1), dave),
    ).to.be.revertedWithCustomError(safe, "ActionPaused");
    await p.fund("USDC", dave, p.units("USDC", 15_100));
    await safe.connect(dave).batch([
      { target: safe, data: safe.interface.encodeFunctionData("repay", [of(dave), p.ids.USDC, MAX]) },
      {
        target: safe,
        data: safe.interface.encodeFunctionData("withdraw", [of(dave), p.ids.WETH, MAX, dave.address]),
      },
    ]);
    expect(await safe.balanceOf(of(dave), p.ids.WETH)).to.equal(0n);
  });

  it("has unhealthy accounts auctioned by anybody, and sees the last stop run out by itself", async () => {
    await everybodyLeaves();
    await p.setPrice("WETH", 1_580);
    const loser = of(p.dave);
    expect((await p.lens.accountView(loser)).maintenance < 0n).to.equal(true);
    await p.auction.connect(p.carol).start(loser, of(p.carol));
    await p.advance(30 * 60, 10 * 60);
    const bidder = await p.deposit(p.carol, "USDC", p.units("USDC", 20_000));
    await p.safe.connect(p.carol).bid(loser, bidder, MAX, p.units("USDC", 20_000));
    const after = await p.lens.accountView(loser);
    expect(after.maintenance >= 0n || after.mtm === 0n, "the auction has done its work").to.equal(true);

    const until = Number((await p.safe.pauses()).until);
    await p.advance(until + 1 - (await p.networkHelpers.time.latest()), HOUR);
    await p.safe.connect(p.carol).withdraw(bidder, p.ids.USDC, 1n, p.carol);
    const lender = p.vaults.USDC.connect(p.carol);
    await lender.redeem(await lender.maxRedeem(p.carol), p.carol, p.carol);
  });
});
