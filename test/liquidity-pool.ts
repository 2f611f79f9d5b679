// Perp and option against the liquidity pool of a deployed protocol: no matcher, no maker, no keeper runs. What the contracts keep is
// tested beside them; here is that a deployment has all of it wired, priced and within a transaction's gas.
import { expect } from "chai";
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { parseEther, parseUnits } from "ethers";

import type { Deployment } from "../deploy/lib/addresses.ts";
import { optionWord, perpWord } from "../sdk/instruments.ts";
import { limitOrder, type Order, signOrder } from "../sdk/orders.ts";
import { LiquidityPool__factory } from "../types/ethers-contracts/index.js";
import { attestFlat } from "./helpers/derivatives.ts";
import { accountId, deployProtocol, type Protocol, WAD } from "./helpers/protocol.ts";

const ETH = 2;
const DAY = 86_400;
/** Of a trade and of a transaction (EIP-7825): a pool with a few positions stays far below. */
const MOST_GAS = 3_000_000n;

describe("The liquidity pool of a deployment", () => {
  let p: Protocol;
  let nonce = 0n;

  beforeEach(async () => {
    p = await deployProtocol({ handover: true });
    await p.refreshFeeds();
  });

  const expiriesOf = (deployment: Deployment) => deployment.underlyings["ETH"]?.expiries ?? [];
  const attest = () =>
    attestFlat(p, { underlying: ETH, expiries: expiriesOf(p.deployment), volatility: 0.7, premium: 0.001 });

  const poolOf = () => {
    const address = p.deployment.contracts.liquidityPool;
    if (address === undefined) throw new Error("the deployment has no liquidity pool");
    return LiquidityPool__factory.connect(address, p.deployer);
  };

  const provide = async (owner: HardhatEthersSigner, amount: number) => {
    const pool = poolOf();
    const assets = p.units("USDC", amount);
    await p.mint("USDC", owner, assets);
    await p.tokens.USDC.connect(owner).approve(pool, assets);
    await pool.connect(owner).deposit(assets, owner);
  };

  /** Signed by its owner, sent by somebody else; at most a percent worse than the quote. */
  const trade = async (owner: HardhatEthersSigner, instrument: bigint, size: bigint) => {
    const pool = poolOf();
    const { exchange } = p.derivatives();
    const account = accountId(owner.address);
    const side = size > 0n ? "buy" : "sell";
    const amount = size > 0n ? size : -size;
    const leg = { instrument, ratio: size > 0n ? WAD : -WAD, price: 0n };
    const quote = await pool.quote(account, [leg], amount);
    const price = quote.prices[0] ?? 0n;
    nonce += 1n;
    const now = (await p.networkHelpers.time.latest()) * 1_000;
    const limit = side === "buy" ? (price * 101n) / 100n : (price * 99n) / 100n;
    const terms = { account, instrument, side, price: limit, size: amount, maxFee: price, nonce, now } as const;
    const order: Order = limitOrder(terms);
    const domain = { chainId: p.deployment.chainId, exchange: await exchange.getAddress() };
    const signature = await signOrder(owner, order, domain);
    const legs = order.legs.map((each) => ({ ...each }));
    const sent = await pool
      .connect(p.keeper)
      .trade({ order: { ...order, legs }, signer: owner.address, signature }, amount);
    const receipt = await sent.wait();
    return { quote, price, gas: receipt?.gasUsed ?? 0n };
  };

  it("trades a perp and an option with nobody else there, and its depositors share the profit", async () => {
    await provide(p.bob, 250_000);
    await p.deposit(p.alice, "USDC", p.units("USDC", 50_000));
    await attest();
    const pool = poolOf();
    const { positions } = p.derivatives();
    const account = accountId(p.alice.address);

    const perp = await trade(p.alice, perpWord(ETH), 10n * WAD);
    // mark 2,502.5 (a premium of .1 %), 10 basis points of the index and more on top
    expect(perp.price > parseEther("2505") && perp.price < parseEther("2520"), String(perp.price)).to.be.true;
    expect(await positions.sizeOf(account, perpWord(ETH))).to.equal(10n * WAD);
    expect(await positions.sizeOf(await pool.account(), perpWord(ETH))).to.equal(-10n * WAD);
    expect(perp.gas < MOST_GAS, `perp ${perp.gas}`).to.be.true;

    const expiry = expiriesOf(p.deployment)[3] ?? 0;
    const call = optionWord({ underlying: ETH, expiry, strike: parseUnits("2500", 8), isCall: true });
    const option = await trade(p.alice, call, 2n * WAD);
    expect(option.quote.cost).to.equal((option.price * 2n * WAD + WAD - 1n) / WAD);
    expect(option.gas < MOST_GAS, `option ${option.gas}`).to.be.true;
    const again = await trade(p.alice, call, -2n * WAD);
    expect(again.price < option.price).to.be.true;
    await trade(p.alice, perpWord(ETH), -10n * WAD);
    expect(await positions.sizeOf(account, perpWord(ETH))).to.equal(0n);

    // flat again: what alice lost beyond her fees is the pool's
    const profit = (await pool.equity()) - parseEther("250000");
    expect(profit > parseEther("50"), String(profit)).to.be.true;
    const due = await positions.settleable(await pool.account(), account);
    await positions.settle(await pool.account(), account, due);
    expect((await pool.convertToAssets(await pool.balanceOf(p.bob))) > p.units("USDC", 250_050)).to.be.true;
  });

  it("lets depositors leave after the delay, paid by whoever calls", async () => {
    await provide(p.bob, 100_000);
    const pool = poolOf();
    const shares = await pool.balanceOf(p.bob);
    await pool.connect(p.bob).requestRedeem(shares, p.bob, p.bob);
    await expect(pool.connect(p.keeper).fulfil(5n)).to.be.revertedWithCustomError(pool, "NothingToFulfil");
    await p.networkHelpers.time.increase(DAY / 3);
    await pool.connect(p.keeper).fulfil(5n);
    const before = await p.tokens.USDC.balanceOf(p.bob);
    await pool.connect(p.bob).redeem(await pool.maxRedeem(p.bob), p.bob, p.bob);
    const got = (await p.tokens.USDC.balanceOf(p.bob)) - before;
    expect(p.units("USDC", 100_000) - got <= 1n, String(got)).to.be.true;
  });

  it("is stopped by the guardian, and only its quotes", async () => {
    await provide(p.bob, 10_000);
    await attest();
    const pool = poolOf();
    const until = (await p.networkHelpers.time.latest()) + DAY;
    await pool.connect(p.guardian).pauseQuotes(until);
    const leg = { instrument: perpWord(ETH), ratio: WAD, price: 0n };
    await expect(pool.quote(accountId(p.alice.address), [leg], WAD)).to.be.revertedWithCustomError(
      pool,
      "QuotesStopped",
    );
    await provide(p.bob, 10_000);
    await expect(pool.connect(p.guardian).setModel(1)).to.be.revertedWithCustomError(
      p.authorityErrors,
      "AccessManagedUnauthorized",
    );
  });
});
