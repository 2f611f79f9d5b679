import "@nomicfoundation/hardhat-toolbox-mocha-ethers";
import { expect } from "chai";

import { black76Greeks } from "../sdk/black76.ts";
import { optionWord, perpWord } from "../sdk/instruments.ts";
import { attestFlat, trade } from "./helpers/derivatives.ts";
import { near } from "./helpers/floats.ts";
import { accountId, deployProtocol, type Protocol, WAD } from "./helpers/protocol.ts";

const ETH = 2;
const YEAR = 365 * 86_400;
const VOLATILITY = 0.6;

const number = (wad: bigint): number => Number(wad / 10n ** 6n) / 1e12;

describe("the ledger's lens", () => {
  let p: Protocol;
  let d: ReturnType<Protocol["derivatives"]>;
  let account: string;
  let expiry: number;
  let strike: bigint;
  let instrument: bigint;

  beforeEach(async () => {
    p = await deployProtocol({ handover: false });
    d = p.derivatives();
    account = accountId(p.alice.address);
    const [first] = p.deployment.underlyings["ETH"]?.expiries ?? [];
    if (first === undefined) throw new Error("no expiry is listed");
    expiry = first;
    await attestFlat(p, {
      underlying: ETH,
      expiries: p.deployment.underlyings["ETH"]?.expiries ?? [],
      volatility: 0.6,
    });
    await p.deposit(p.alice, "USDC", p.units("USDC", 50_000));
    await p.deposit(p.bob, "USDC", p.units("USDC", 50_000));
    const listed = await d.positions.optionsOf(ETH, expiry);
    // the call nearest to the index
    const index = await p.engine.midPrice(ETH);
    const strikes = [...new Set(listed.map((word) => (word >> 14n) & ((1n << 64n) - 1n)))];
    const away = (s: bigint): bigint => (s * 10n ** 10n > index ? s * 10n ** 10n - index : index - s * 10n ** 10n);
    strike = strikes.reduce((best, s) => (away(s) < away(best) ? s : best));
    instrument = optionWord({ underlying: ETH, expiry, strike, isCall: true });
  });

  const open = async (): Promise<bigint> => {
    const index = await p.engine.midPrice(ETH);
    await trade(p, { buyer: p.alice, seller: p.bob, instrument: perpWord(ETH), size: 2n * WAD, price: index });
    await trade(p, { buyer: p.bob, seller: p.alice, instrument, size: 3n * WAD, price: index / 20n });
    return index;
  };

  it("takes an account apart into parts that add up to the engine's own margins", async () => {
    await open();
    const view = await d.ledgerLens.ledgerView(account);
    const { flags, holdings } = await p.safe.portfolio(account);
    const [initial, maintenance, mtm] = await p.engine.midMargin(account, flags, [...holdings]);
    expect([view.initial, view.maintenance, view.mtm]).to.deep.equal([initial, maintenance, mtm]);
    expect(view.spotValue + view.unsettled + view.optionValue).to.equal(mtm);
    expect(view.newRiskBlocked).to.equal(false);
    expect(view.positions.map((position) => [position.instrument, position.size])).to.deep.equal([
      [perpWord(ETH), 2n * WAD],
      [instrument, -3n * WAD],
    ]);
    // cash and premium are all the spot there is
    // and an option's value is rounded once here and there
    expect(view.spotValue).to.be.closeTo((await p.safe.balanceOf(account, 1)) * 10n ** 12n, 10n ** 6n);
    const [eth] = view.underlyings;
    expect(eth?.pnl.length).to.be.greaterThan(20);
    expect(eth?.worst).to.equal([...(eth?.pnl ?? []), eth?.basis ?? 0n].reduce((a, b) => (b < a ? b : a)));
  });

  it("shows the greeks of Black-76, perp included", async () => {
    const index = await open();
    const view = await d.ledgerLens.ledgerView(account);
    const timestamp = await p.networkHelpers.time.latest();
    const one = black76Greeks({
      forward: number(index),
      strike: Number(strike) / 1e8,
      volatility: VOLATILITY,
      time: (expiry - timestamp) / YEAR,
      isCall: true,
    });
    const [eth] = view.underlyings;
    if (eth === undefined) throw new Error("no underlying");
    near(number(eth.delta), 2 - 3 * one.delta, 1e-4);
    near(number(eth.gamma), -3 * one.gamma, Math.abs(one.gamma) * 1e-2);
    near(number(eth.vega), -3 * one.vega, Math.abs(one.vega) * 1e-2);
    near(number(eth.theta), -3 * one.theta, Math.abs(one.theta) * 1e-1);
  });

  it("says when an attestation is too old for new risk", async () => {
    await open();
    await p.networkHelpers.time.increase(7_000);
    await p.refreshFeeds();
    const view = await d.ledgerLens.ledgerView(account);
    expect(view.newRiskBlocked).to.equal(true);
    expect(view.maintenance).to.be.greaterThan(0n);
  });

  it("shows an account without positions as spot alone", async () => {
    const view = await d.ledgerLens.ledgerView(accountId(p.bob.address));
    expect(view.positions).to.deep.equal([]);
    expect([view.unsettled, view.optionValue, view.quote]).to.deep.equal([0n, 0n, 0n]);
    expect(view.spotValue).to.equal(view.mtm);
  });
});
