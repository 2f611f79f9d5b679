// Incentives on the deployed protocol: what real fills, blocks and balances bring. The rules are tested beside the contracts.
import "@nomicfoundation/hardhat-toolbox-mocha-ethers";
import { expect } from "chai";

import { derivativeContracts } from "../sdk/addresses.ts";
import { perpWord } from "../sdk/instruments.ts";
import {
  ChoreRewards__factory,
  MakerRewards__factory,
  RewardsController__factory,
} from "../types/ethers-contracts/index.js";
import { attestFlat, trade } from "./helpers/derivatives.ts";
import { accountId, deployProtocol, type Protocol } from "./helpers/protocol.ts";

const ETH = 2;
const GWEI = 10n ** 9n;
const WAD = 10n ** 18n;
const DAY = 86_400;

describe("incentives on the deployed protocol", () => {
  let p: Protocol;

  beforeEach(async () => {
    p = await deployProtocol({ handover: false });
  });

  const at = () => derivativeContracts(p.deployment);

  it("pays a keeper the block's base fee and the tip for what he used, not what he bid", async () => {
    const chores = ChoreRewards__factory.connect(at().choreRewards, p.deployer);
    const tip = 2n * GWEI;
    const [overhead, maxGas, margin] = [50_000n, 1_000_000n, 1_000n];
    await chores.setTerms(
      {
        tip,
        maxGasPrice: 500n * GWEI,
        overhead,
        maxGas,
        margin,
        pokeInterval: 3_600,
        dailyLimit: p.units("USDC", 500),
      },
      1n << BigInt(ETH),
    );
    await p.mint("USDC", p.deployer, p.units("USDC", 500));
    await p.tokens.USDC.transfer(chores, p.units("USDC", 500));
    const before = await p.tokens.USDC.balanceOf(p.carol);
    const sent = await chores.connect(p.keeper).observe(ETH, p.carol, { gasPrice: 400n * GWEI });
    const receipt = await sent.wait();
    const block = await p.ethers.provider.getBlock(receipt?.blockNumber ?? 0);
    const paid = (await p.tokens.USDC.balanceOf(p.carol)) - before;
    const coin = await p.engine.midPrice(ETH);
    const worth = (gas: bigint) =>
      (gas * ((block?.baseFeePerGas ?? 0n) + tip) * (10_000n + margin) * coin) / (10_000n * WAD * 10n ** 12n);
    const used = receipt?.gasUsed ?? 0n;
    expect(used > 0n && (block?.baseFeePerGas ?? 0n) > 0n).to.equal(true);
    // what was measured lies between the whole transaction without its fixed part and the overhead on top of it
    expect(paid >= worth(used / 2n) && paid <= worth(used + overhead)).to.equal(true);
    await expect(chores.observe(ETH, p.carol)).to.be.revertedWithCustomError(
      p.derivatives().realizedVolatility,
      "TooSoon",
    );
  });

  it("gives makers a part of what fills have cost them", async () => {
    const rewards = MakerRewards__factory.connect(at().makerRewards, p.deployer);
    const usdc = p.tokens.USDC;
    const now = await p.networkHelpers.time.latest();
    await rewards.schedule(usdc, 4_000, now + 100, now + 100 + DAY);
    await p.mint("USDC", p.deployer, p.units("USDC", 1_000));
    await usdc.approve(rewards, p.units("USDC", 1_000));
    await rewards.payIn(usdc, p.units("USDC", 1_000));
    await rewards.schedule(usdc, 4_000, now + 100, now + 100 + DAY);
    await p.deposit(p.alice, "USDC", p.units("USDC", 100_000));
    await p.deposit(p.bob, "USDC", p.units("USDC", 100_000));
    await rewards.sync(usdc, p.bob);
    await p.advance(DAY);
    await attestFlat(p, { underlying: ETH, expiries: [], volatility: 0.6 });
    const price = await p.engine.midPrice(ETH);
    await trade(p, { buyer: p.alice, seller: p.bob, instrument: perpWord(ETH), size: 10n * WAD, price });
    // the seller rests: .01 % of ten at the index
    const fee = (10n * price) / 10_000n;
    const { exchange } = p.derivatives();
    expect(await exchange.makerFeesOf(p.bob)).to.equal(fee / 10n ** 16n);
    expect(await exchange.makerFeesOf(p.alice)).to.equal(0n);
    await rewards.sync(usdc, p.bob);
    const credit = await rewards.creditOf(usdc, p.bob);
    expect(credit).to.equal(((fee / 10n ** 16n) * 4_000n * 10_000n) / 10_000n);
    const before = await usdc.balanceOf(p.carol);
    await rewards.connect(p.bob).claim(usdc, p.carol);
    expect((await usdc.balanceOf(p.carol)) - before).to.equal(credit);
  });

  it("streams to a borrower until somebody sees that he has repaid", async () => {
    const rewards = RewardsController__factory.connect(at().rewardsController, p.deployer);
    const token = p.tokens.WBTC;
    await rewards.addGauge(2, p.ids.USDC, token);
    await rewards.addReward(0, token);
    await p.mint("WBTC", p.deployer, 10n ** 8n);
    await token.approve(rewards, 10n ** 8n);
    await rewards.payIn(0, token, 10n ** 8n);
    await p.lend(p.keeper, "USDC", p.units("USDC", 1_000_000));
    await p.deposit(p.alice, "WETH", p.units("WETH", 10));
    await p.borrow(p.alice, "USDC", p.units("USDC", 5_000));
    const id = accountId(p.alice.address);
    await rewards.sync(0, id);
    const now = await p.networkHelpers.time.latest();
    await rewards.schedule(0, token, now + 10, now + 10 + 10 * DAY, 0);
    await p.networkHelpers.time.increaseTo(now + 10 + DAY);
    await p.refreshFeeds();
    await rewards.sync(0, id);
    const earned = await rewards.claimable(0, id, token);
    expect(earned >= 10n ** 7n - 1n && earned < 10n ** 7n + 10_000n).to.equal(true);
    await p.fund("USDC", p.alice, p.units("USDC", 6_000));
    await p.safe.connect(p.alice).repay(id, p.ids.USDC, p.units("USDC", 6_000));
    await p.networkHelpers.time.increase(DAY);
    expect(await rewards.claimable(0, id, token)).to.equal(earned);
    await expect(rewards.connect(p.bob).sync(0, id)).to.emit(rewards, "SharesMissing");
    await rewards.connect(p.alice).claim(0, id, token, p.carol);
    expect(await token.balanceOf(p.carol)).to.equal(earned);
  });
});
