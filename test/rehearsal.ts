// An upgrade with positions, an auction and orders under way, rehearsed on a copy of the chain: good code changes nothing, code that cannot
// read what is there is refused before anybody proposes it.
import "@nomicfoundation/hardhat-toolbox-mocha-ethers";
import { expect } from "chai";
import { ZeroHash } from "ethers";

import { derivativeContracts } from "../deploy/lib/addresses.ts";
import { rehearsalText, rehearse } from "../rehearsal/rehearse.ts";
import { findAnvil } from "../scripts/lib/anvil.ts";
import { optionWord, perpWord } from "../sdk/instruments.ts";
import { attestFlat, signTrade, trade } from "./helpers/derivatives.ts";
import { accountId, deployProtocol, type Protocol, WAD } from "./helpers/protocol.ts";
import { type Bridge, bridgeTo } from "./helpers/rpc-bridge.ts";

const ETH = 2;

describe("Rehearsing an upgrade", function () {
  this.timeout(240_000);
  let p: Protocol;
  let bridge: Bridge;

  before(async function () {
    if (findAnvil() === undefined) {
      console.log("      anvil is not there: install Foundry to run these");
      this.skip();
    }
    p = await deployProtocol({ handover: true });
    const { alice, bob, carol, dave, units } = p;
    const expiries = p.deployment.underlyings["ETH"]?.expiries ?? [];
    await p.lend(carol, "USDC", units("USDC", 500_000));
    await p.deposit(dave, "WETH", units("WETH", 10));
    await p.borrow(dave, "USDC", units("USDC", 18_500));
    for (const person of [alice, bob]) await p.deposit(person, "USDC", units("USDC", 30_000));
    await p.safe.connect(bob).setModel(accountId(bob.address), 1);
    await attestFlat(p, { underlying: ETH, expiries, volatility: 0.6, premium: 0.001 });
    const terms = { buyer: alice, seller: bob, size: 3n * WAD };
    await trade(p, { ...terms, instrument: perpWord(ETH), price: 2_500n * WAD });
    const call = optionWord({ underlying: ETH, expiry: expiries[2] ?? 0, strike: 2_500n * 10n ** 8n, isCall: true });
    await trade(p, { ...terms, instrument: call, price: 150n * WAD });
    // an order that is partly filled, one that is cancelled, and an auction that runs
    const { exchange } = p.derivatives();
    const resting = await signTrade(p, { ...terms, instrument: perpWord(ETH), price: 2_500n * WAD });
    await exchange.fillOrder({ ...resting, size: WAD }, ZeroHash);
    await exchange.connect(alice).cancel(accountId(alice.address), 777n);
    await p.setPrice("WETH", 2_030);
    await p.auction.start(accountId(dave.address), accountId(carol.address));
    bridge = await bridgeTo(p.connection.provider);
  });

  after(async () => {
    await bridge.close();
  });

  it("finds no difference between the code in force and what is compiled here", async () => {
    const result = await rehearse({ rpc: bridge.url, deployment: p.deployment });
    expect(result.differences).to.deep.equal([]);
    expect(result.accounts).to.equal(4);
    expect(result.questions).to.be.at.least(90);
    const { positionsCode, exchangeCode } = derivativeContracts(p.deployment);
    expect(Object.values(result.upgraded)).to.not.include.members([positionsCode, exchangeCode]);
    expect(rehearsalText(result)).to.include("Nothing differs");
  });

  it("names every account that code would not read, though the proxy would take it", async () => {
    const { exchangeCode: positions } = derivativeContracts(p.deployment);
    const result = await rehearse({
      rpc: bridge.url,
      deployment: p.deployment,
      modules: ["positions"],
      code: { positions },
    });
    const subjects = result.differences.map(({ subject }) => subject);
    for (const person of [p.alice, p.bob]) expect(subjects).to.include(accountId(person.address).toLowerCase());
    expect(subjects).to.include("perp 2");
    expect(rehearsalText(result)).to.include("Do not propose");
  });

  it("says when the proxy refuses the code, and leaves the chain alone", async () => {
    const block = await p.ethers.provider.getBlockNumber();
    const positions = await p.lens.getAddress();
    const refusal = await rehearse({
      rpc: bridge.url,
      deployment: p.deployment,
      modules: ["positions"],
      code: { positions },
    }).then(
      () => "none",
      (error: unknown) => String(error),
    );
    expect(refusal)
      .to.include("eth_call")
      .and.to.match(/revert/i);
    expect(await p.ethers.provider.getBlockNumber()).to.equal(block);
  });
});
