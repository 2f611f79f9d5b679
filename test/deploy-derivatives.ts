import "@nomicfoundation/hardhat-toolbox-mocha-ethers";
import { expect } from "chai";
import { getAddress, ZeroAddress, ZeroHash } from "ethers";
import hre from "hardhat";

import { LOCAL_GOVERNANCE } from "../deploy/config/local.ts";
import { LOCAL_ATTESTERS } from "../deploy/config/localDerivatives.ts";
import { minutes, type NetworkConfig } from "../deploy/config/types.ts";
import { derivativeContracts } from "../deploy/lib/addresses.ts";
import { deployLocal } from "../deploy/lib/deploy.ts";
import { readHandover } from "../deploy/lib/handoverProof.ts";
import { packRiskTable, unpackRiskTable } from "../sdk/tables/riskTable.ts";
import { decodeInstrument, optionWord, perpWord } from "../sdk/instruments.ts";
import { Exchange__factory, Positions__factory, PositionsExtension__factory } from "../types/ethers-contracts/index.js";
import { attestFlat, signTrade, trade } from "./helpers/derivatives.ts";
import { accountId, deployProtocol, type Protocol, WAD } from "./helpers/protocol.ts";

const ETH = 2;
const BTC = 3;
const IMPLEMENTATION = "0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc";

describe("perps and options of a deployment", () => {
  let p: Protocol;
  let d: ReturnType<Protocol["derivatives"]>;
  let [alice, bob] = ["", ""];

  beforeEach(async () => {
    p = await deployProtocol({ handover: true });
    d = p.derivatives();
    [alice, bob] = [accountId(p.alice.address), accountId(p.bob.address)];
  });

  const underlying = (name: string) => {
    const found = p.deployment.underlyings[name];
    if (found === undefined) throw new Error(`no ${name}`);
    return found;
  };
  const expiry = (index: number) => {
    const at = underlying("ETH").expiries[index];
    if (at === undefined) throw new Error("no such expiry");
    return at;
  };
  const attestEther = () =>
    attestFlat(p, { underlying: ETH, expiries: underlying("ETH").expiries, volatility: 0.6, premium: 0.001 });

  /** Both with 20,000 USDC. */
  const fundBoth = async () => {
    await p.deposit(p.alice, "USDC", p.units("USDC", 20_000));
    await p.deposit(p.bob, "USDC", p.units("USDC", 20_000));
  };
  const buyPerp = (size: bigint) =>
    trade(p, { buyer: p.alice, seller: p.bob, instrument: perpWord(ETH), size, price: 2_500n * WAD });

  it("is wired as configured", async () => {
    const { safe, insuranceFund, deployment } = p;
    const { positions, exchange, attestedFeed, realizedVolatility, settlementPrices } = d;
    const contracts = derivativeContracts(deployment);
    expect(await safe.positions()).to.equal(contracts.positions);
    expect(await positions.safe()).to.equal(contracts.safe);
    expect(await positions.exchange()).to.equal(contracts.exchange);
    expect(await positions.feed()).to.equal(await attestedFeed.getAddress());
    expect(await positions.settlementPrices()).to.equal(await settlementPrices.getAddress());
    expect(await positions.feeReceiver()).to.deep.equal([accountId(LOCAL_GOVERNANCE.feeCollector), 5_000n]);
    expect(await exchange.safe()).to.equal(contracts.safe);
    expect(await exchange.positions()).to.equal(contracts.positions);
    expect(await attestedFeed.signers()).to.have.members([...LOCAL_ATTESTERS]);
    expect(await attestedFeed.threshold()).to.equal(2n);
    expect((await attestedFeed.limitsOf(ETH)).deadAge).to.equal(7_200n);
    expect((await attestedFeed.limitsOf(BTC)).premiumJump).to.equal(10_000n);
    expect(await realizedVolatility.interval()).to.equal(3_600n);
    expect(await realizedVolatility.initialSigma()).to.equal((WAD * 6n) / 10n);
    expect(await insuranceFund.account()).to.equal(await safe.insurance());
    const code = async (proxy: string) =>
      getAddress(`0x${(await p.ethers.provider.getStorage(proxy, IMPLEMENTATION)).slice(26)}`);
    expect(await code(contracts.positions)).to.equal(contracts.positionsCode);
    expect(await code(contracts.exchange)).to.equal(contracts.exchangeCode);
    const [tiers, optionCap] = await exchange.fees();
    expect(tiers.map((tier) => [...tier])).to.deep.equal([
      [0n, 100n, 400n, 200n, 300n],
      [1_000_000n, 50n, 350n, 150n, 300n],
      [10_000_000n, 0n, 250n, 100n, 250n],
    ]);
    expect(optionCap).to.equal(1_250n);
  });

  it("has its markets listed", async () => {
    const { positions } = d;
    expect(underlying("ETH")).to.include({ number: ETH, asset: "WETH", hasPerp: true });
    const market = await positions.perpMarket(BTC);
    expect([market.listed, market.frozen]).to.deep.equal([true, false]);
    expect([...market.config]).to.deep.equal([WAD / 100n, 3_600n, 2_500n * WAD, 1_000n]);
    const { timestamp } = (await p.ethers.provider.getBlock(p.deployment.fromBlock)) ?? { timestamp: 0 };
    for (const at of underlying("ETH").expiries) {
      expect(at).to.be.greaterThan(timestamp + 86_400 - 1);
      expect(at % 86_400).to.equal(8 * 3_600);
      expect((await positions.expiryMarket(ETH, at)).openInterestCap).to.equal(25_000n * WAD);
      const options = (await positions.optionsOf(ETH, at)).map((word) => decodeInstrument(word));
      const strikes = options.map((option) => (option.kind === "option" ? Number(option.strike / 10n ** 8n) : 0));
      expect([...new Set(strikes)]).to.include.members([1_500, 2_500, 3_750]);
      expect(options).to.have.lengthOf(2 * new Set(strikes).size);
    }
    expect(await positions.isListed(perpWord(ETH))).to.equal(true);
  });

  it("asks for margin with the parameters of a table that the factory wrote and the engine names", async () => {
    const { ledgerTable, positions, standardModel, portfolioModel } = derivativeContracts(p.deployment);
    expect(await d.ledgerTableFactory.isTable(ledgerTable)).to.equal(true);
    expect(unpackRiskTable(await p.engine.table()).ledgerTable).to.equal(ledgerTable.toLowerCase());
    const code = await p.ethers.provider.getCode(ledgerTable);
    const word = (index: number) => BigInt(`0x${code.slice(4 + 64 * index, 4 + 64 * (index + 1))}`);
    expect(word(0) >> 240n).to.equal((1n << 8n) | 2n); // version 1, two underlyings
    expect([1, 2, 3].map(word)).to.deep.equal([positions, standardModel, portfolioModel].map(BigInt));
  });

  it("lets two people hold a perp against each other by signed orders, and never more than their margins carry", async () => {
    await fundBoth();
    await attestEther();
    await buyPerp(10n * WAD);
    expect(await d.positions.sizeOf(alice, perpWord(ETH))).to.equal(10n * WAD);
    expect(await d.positions.sizeOf(bob, perpWord(ETH))).to.equal(-10n * WAD);
    // 25,000 of notional at 7.5 %; fees of 4 and 1 basis points
    for (const account of [alice, bob]) {
      const { initial, maintenance, mtm } = await p.lens.accountView(account);
      expect(initial).to.be.within(18_000n * WAD, 18_150n * WAD);
      expect(maintenance).to.be.within(18_650n * WAD, 18_800n * WAD);
      expect(mtm).to.be.within(19_950n * WAD, 20_030n * WAD);
    }
    await expect(buyPerp(200n * WAD)).to.be.revertedWithCustomError(p.safe, "InsufficientMargin");
  });

  it("takes no new risk while nobody has attested", async () => {
    await fundBoth();
    const failure = await buyPerp(WAD).then(
      () => "none",
      (error: unknown) => String(error),
    );
    expect(failure).to.include("FeedStale");
  });

  it("trades options under both models, and settles them on the feeds' own rounds", async () => {
    await fundBoth();
    await p.safe.connect(p.bob).setModel(bob, 1);
    await attestEther();
    const call = optionWord({ underlying: ETH, expiry: expiry(0), strike: 2_500n * 10n ** 8n, isCall: true });
    await trade(p, { buyer: p.alice, seller: p.bob, instrument: call, size: 2n * WAD, price: 60n * WAD });
    expect(await p.safe.balanceOf(alice, p.ids.USDC)).to.equal(p.units("USDC", 20_000 - 120));
    expect((await p.lens.accountView(bob)).initial).to.be.greaterThan(17_000n * WAD);

    const rounds = async () => [await p.feeds.WETH.latestRound(), await p.feeds.USDC.latestRound()];
    await p.setPrice("WETH", 2_700);
    const start = expiry(0) - minutes(40); // the window begins at 30, and the way there is a little longer than asked
    await p.advance(start - (await p.networkHelpers.time.latest()));
    const [eth = 0n, usdc = 0n] = await rounds();
    await p.advance(minutes(40), minutes(8));
    const [lastEth = 0n, lastUsdc = 0n] = await rounds();
    const list = (from: bigint, to: bigint) =>
      Array.from({ length: Number(to - from) + 1 }, (_, i) => from + BigInt(i));
    await d.settlementPrices.submit(1, expiry(0), list(usdc, lastUsdc));
    await d.settlementPrices.submit(ETH, expiry(0), list(eth, lastEth));
    await d.positions.settleExpiry(ETH, expiry(0));
    expect((await d.positions.expiryMarket(ETH, expiry(0))).price).to.equal(2_700n * WAD);
    await d.positions.touch(alice);
    await d.positions.touch(bob);
    expect(await d.positions.positionsOf(alice)).to.deep.equal([]);
    // 2 · (2,700 − 2,500), less the fees of the fill
    const paid = 400n * WAD;
    expect(await d.positions.quoteOf(alice)).to.be.within(paid - 2n * WAD, paid);
    await d.positions.settle(alice, bob, p.units("USDC", 390));
    expect(await p.safe.balanceOf(alice, p.ids.USDC)).to.equal(p.units("USDC", 20_000 - 120 + 390));
  });

  it("changes the parameters of perps and options by a table and an engine that follow, behind the timelock (G1)", async () => {
    const { safe, engine, engineFactory, timelock, governor, networkHelpers } = p;
    const { ledgerTable, positions, standardModel, portfolioModel } = derivativeContracts(p.deployment);
    const code = await p.ethers.provider.getCode(ledgerTable);
    const parameters = `0x${code.slice(4, 4 + 64)}${code.slice(4 + 4 * 64)}`;
    const ledger = [positions, standardModel, portfolioModel, parameters] as const;
    const nextTable = await d.ledgerTableFactory.create.staticCall(...ledger);
    await d.ledgerTableFactory.create(...ledger);
    const data = packRiskTable({ ...unpackRiskTable(await engine.table()), ledgerTable: ZeroAddress });
    const next = await engineFactory.createWithLedger.staticCall(data, nextTable);
    await engineFactory.createWithLedger(data, nextTable);
    const targets = [engineFactory, safe];
    const payloads = [
      engineFactory.interface.encodeFunctionData("requireSuccessor", [next]),
      safe.interface.encodeFunctionData("setEngine", [next]),
    ];
    const delay = await timelock.getMinDelay();
    await timelock.connect(governor).scheduleBatch(targets, [0n, 0n], payloads, ZeroHash, ZeroHash, delay);
    await networkHelpers.time.increase(delay);
    await timelock.executeBatch(targets, [0n, 0n], payloads, ZeroHash, ZeroHash);
    expect(await safe.engine()).to.equal(next);
    await fundBoth();
    await p.refreshFeeds();
    await attestEther();
    await buyPerp(WAD);
  });

  describe("when its code is upgraded", () => {
    const upgrade = (code: string) => d.positionsProxy.interface.encodeFunctionData("upgradeToAndCall", [code, "0x"]);

    const newLedgerCode = async () => {
      const { safe, manager } = derivativeContracts(p.deployment);
      const extension = await new PositionsExtension__factory(p.deployer).deploy(safe, manager);
      const code = await new Positions__factory(p.deployer).deploy(safe, manager, extension);
      return code.getAddress();
    };

    it("keeps positions, markets and orders, and goes on trading (G1)", async () => {
      const { positions, exchange } = d;
      const contracts = derivativeContracts(p.deployment);
      await fundBoth();
      await attestEther();
      await buyPerp(3n * WAD);
      await positions.pokeFunding(ETH);
      const spent = await signTrade(p, {
        buyer: p.alice,
        seller: p.bob,
        instrument: perpWord(ETH),
        size: WAD,
        price: 2_500n * WAD,
      });
      await exchange.fillOrder(spent, ZeroHash);
      const state = async () => ({
        quotes: await Promise.all(
          [alice, bob, await positions.feeAccount()].map((account) => positions.quoteOf(account)),
        ),
        words: [await positions.positionsOf(alice), await positions.positionsOf(bob)].map((list) => [...list]),
        options: [...(await positions.optionsOf(ETH, expiry(0)))],
        openInterest: (await positions.perpMarket(ETH)).openInterest,
        pointers: [await positions.exchange(), await positions.feed(), await positions.settlementPrices()],
        fees: (await exchange.fees()).tiers.map((tier) => [...tier]),
        volume: await exchange.volumeOf(p.alice.address),
        nonces: await exchange.nonceWord(alice, 0n),
      });
      const before = await state();

      const ledgerCode = await newLedgerCode();
      const exchangeCode = await new Exchange__factory(p.deployer).deploy(
        contracts.safe,
        contracts.positions,
        contracts.manager,
      );
      await p.govern(contracts.positions, upgrade(ledgerCode));
      await p.govern(contracts.exchange, upgrade(await exchangeCode.getAddress()));

      expect(await state()).to.deep.equal(before);
      const code = await p.ethers.provider.getStorage(contracts.positions, IMPLEMENTATION);
      expect(BigInt(code)).to.equal(BigInt(ledgerCode));
      await expect(exchange.fillOrder(spent, ZeroHash)).to.be.revertedWithCustomError(exchange, "NonceUsed");
      await p.refreshFeeds();
      await attestEther();
      const back = { buyer: p.bob, seller: p.alice, instrument: perpWord(ETH), size: 4n * WAD, price: 2_500n * WAD };
      await trade(p, back);
      expect(await positions.positionsOf(alice)).to.deep.equal([]);
      expect((await positions.perpMarket(ETH)).openInterest).to.equal(0n);
      expect((await readHandover(p.ethers.provider, p.deployment)).faults).to.deep.equal([]);
    });

    it("takes the governor's delay, and no code that could not be upgraded again", async () => {
      const { positions } = derivativeContracts(p.deployment);
      const data = upgrade(await newLedgerCode());
      for (const caller of [p.deployer, p.governor, p.guardian, p.alice]) {
        await expect(caller.sendTransaction({ to: positions, data })).to.be.revertedWithCustomError(
          p.authorityErrors,
          "AccessManagedUnauthorized",
        );
      }
      const stuck = upgrade(await p.lens.getAddress());
      await expect(p.govern(positions, stuck)).to.be.revertedWithCustomError(
        d.positionsProxy,
        "ERC1967InvalidImplementation",
      );
    });
  });

  it("is left out of a network that has none", async () => {
    const connection = await hre.network.create();
    const spotAlone = ({ derivatives: _, ...config }: NetworkConfig): NetworkConfig => config;
    const deployment = await deployLocal(connection, { adjust: spotAlone });
    expect(deployment.underlyings).to.deep.equal({});
    expect(() => derivativeContracts(deployment)).to.throw("has no perps and options");
    expect((await readHandover(connection.ethers.provider, deployment)).faults).to.deep.equal([]);
    await connection.close();
  });
});
