// Black-76 on chain against arbitrary precision: every coefficient of the table, prices over the whole domain, published figures.
import { expect } from "chai";
import { network } from "hardhat";

import {
  NormalTable__factory,
  ScenarioHarness__factory,
  type ScenarioHarness,
} from "../types/ethers-contracts/index.js";
import { DOMAIN, exactCalls, exactDeviation, tableWords } from "./helpers/black76-domain.ts";
import { greeks } from "./helpers/exact/black76.ts";
import * as R from "./helpers/exact/real.ts";
import type { Real } from "./helpers/exact/real.ts";

const WAD = 10n ** 18n;
const YEAR = 365n * 86_400n;
const FORWARD = 2_000n * WAD;

const within = (actual: bigint, expected: Real, allowed: Real, what: string): void => {
  const message = `${what}: ${actual} instead of ${R.toWad(expected)}`;
  expect(R.abs(R.fromWad(actual) - expected) <= allowed, message).to.equal(true);
};

describe("Black-76", () => {
  let harness: ScenarioHarness;
  let code: string;

  before(async () => {
    const { ethers } = await network.create();
    const [deployer] = await ethers.getSigners();
    const normal = await new NormalTable__factory(deployer).deploy();
    code = await ethers.provider.getCode(normal);
    harness = await new ScenarioHarness__factory(deployer).deploy(normal);
  });

  it("has a table whose 768 words are the polynomials' coefficients, each rounded to nearest", () => {
    const words = code.slice(2).match(/.{64}/g) ?? [];
    expect(words).to.deep.equal(tableWords().map((word) => word.toString(16).padStart(64, "0")));
    expect(code.slice(2, 4), "STOP comes first: nobody can call the table").to.equal("00");
  });

  it("is right to 1e-9 of the forward, and in fact to 1e-12, from 1 s to 3 years, σ 1 % to 500 %, K/F .01 to 100", async function () {
    this.timeout(300_000);
    let worst = R.ZERO;
    for (const { seconds, sigma } of DOMAIN.markets) {
      const v = exactDeviation(sigma, seconds);
      const strikes = DOMAIN.ratios.map((ratio) => (FORWARD * ratio) / WAD);
      const deviations = strikes.map(() => R.toWad(v));
      for (const isCall of [true, false]) {
        const prices = await harness.prices(FORWARD, strikes, deviations, isCall);
        exactCalls(FORWARD, strikes, v).forEach((call, i) => {
          const strike = R.fromWad(strikes[i] ?? 0n);
          const expected = isCall ? call : call + strike - R.fromWad(FORWARD);
          const error = R.div(R.abs(R.fromWad(prices[i] ?? 0n) - expected), R.fromWad(FORWARD));
          worst = R.max(worst, error);
          // far in the tail K multiplies the error of N(d2), and σ√T comes rounded to 18 digits
          const scale = R.max(R.ONE, R.div(strike, R.fromWad(FORWARD)));
          const what = `T = ${seconds} s, σ = ${R.toNumber(R.fromWad(sigma))}, K = ${strikes[i]}`;
          expect(error <= scale / 10n ** 12n, `${what}: ${R.toNumber(error)}`).to.equal(true);
        });
      }
    }
    expect(worst <= R.ONE / 10n ** 9n).to.equal(true);
  });

  it("rises with the forward's distance and with volatility, to the table's precision", async () => {
    const strikes = Array.from({ length: 400 }, (_, i) => WAD * BigInt(1_000 + 5 * i));
    const calls = await harness.prices(
      FORWARD,
      strikes,
      strikes.map(() => (WAD * 17n) / 100n),
      true,
    );
    const noise = FORWARD / 10n ** 13n;
    calls.slice(1).forEach((call, i) => expect(call <= (calls[i] ?? 0n) + noise, `strike ${i}`).to.equal(true));
    const deviations = Array.from({ length: 400 }, (_, i) => (WAD * BigInt(i * i)) / 4_000n);
    const rising = await harness.prices(
      FORWARD,
      deviations.map(() => FORWARD),
      deviations,
      true,
    );
    rising.slice(1).forEach((call, i) => expect(call + noise >= (rising[i] ?? 0n), `v ${i}`).to.equal(true));
    expect(rising.every((call) => call <= FORWARD)).to.equal(true);
  });

  const published = [
    {
      seconds: 7n * 86_400n,
      sigma: "1",
      forward: "1500",
      strike: "1500",
      discount: "1",
      call: "82.805080668634559515",
    },
    {
      seconds: 30n * 86_400n,
      sigma: ".25",
      forward: "1000",
      strike: "1200",
      discount: ".9991784198737006",
      call: ".137082128426579297",
      put: "199.972766103166719631",
    },
    {
      seconds: YEAR,
      sigma: "5",
      forward: "1000",
      strike: "700",
      discount: ".9801986733067553",
      call: "970.034553583819",
      put: "675.974951591793",
    },
  ];

  for (const p of published) {
    it(`prices F = ${p.forward}, K = ${p.strike}, σ = ${p.sigma} as published`, async () => {
      const [forward, strike] = [R.toWad(R.parse(p.forward)), R.toWad(R.parse(p.strike))];
      const v = R.toWad(exactDeviation(R.toWad(R.parse(p.sigma)), p.seconds));
      for (const isCall of [true, false]) {
        const [price] = await harness.prices(forward, [strike], [v], isCall);
        const expected = R.parse((isCall ? p.call : p.put) ?? p.call);
        const discounted = R.mul(R.fromWad(price ?? 0n), R.parse(p.discount));
        // the table's own error, 1e-13 of the forward
        within(R.toWad(discounted), expected, R.parse(p.forward) / 10n ** 13n, isCall ? "call" : "put");
      }
    });
  }

  it("has the published delta", async () => {
    const terms = { forward: 1_500n * WAD, strike: 1_500n * WAD, volatility: WAD, time: (7n * WAD) / 365n, rate: 0n };
    const { delta } = await harness.optionGreeks({ ...terms, isCall: true });
    within(delta, R.parse(".5276016935562116"), R.ONE / 10n ** 12n, "delta");
  });

  it("reaches its limits: σ = 25 for years, no strike, no forward, no time", async () => {
    const one = async (forward: bigint, strike: bigint, v: bigint, isCall: boolean): Promise<bigint> =>
      (await harness.prices(forward, [strike], [v], isCall))[0] ?? -1n;
    expect(await one(FORWARD, FORWARD, 43n * WAD, true)).to.equal(FORWARD);
    expect(await one(FORWARD, 3n * FORWARD, 43n * WAD, false)).to.equal(3n * FORWARD);
    expect(await one(FORWARD, 0n, WAD, true)).to.equal(FORWARD);
    expect(await one(FORWARD, 0n, WAD, false)).to.equal(0n);
    expect(await one(0n, FORWARD, WAD, true)).to.equal(0n);
    expect(await one(0n, FORWARD, WAD, false)).to.equal(FORWARD);
    expect(await one(FORWARD, FORWARD / 2n, 0n, true)).to.equal(FORWARD / 2n);
    expect(await one(FORWARD, FORWARD * 2n, 0n, true)).to.equal(0n);
  });

  it("has greeks that agree with arbitrary precision to 1e-9", async () => {
    for (const seconds of [3_600n, 7n * 86_400n, YEAR]) {
      for (const ratio of [60n, 95n, 100n, 130n]) {
        for (const isCall of [true, false]) {
          const strike = (FORWARD * ratio) / 100n;
          const [volatility, rate] = [(WAD * 6n) / 10n, WAD / 20n];
          const time = (seconds * WAD) / YEAR;
          const actual = await harness.optionGreeks({ forward: FORWARD, strike, volatility, time, rate, isCall });
          const option = { strike: R.fromWad(strike), call: isCall };
          const args = [R.fromWad(FORWARD), R.fromWad(volatility), R.fromWad(time), R.fromWad(rate)] as const;
          const expected = greeks(option, ...args);
          const forward = R.fromWad(FORWARD) / 10n ** 9n;
          within(actual.price, expected.value, forward, "price");
          within(actual.delta, expected.delta, R.ONE / 10n ** 9n, "delta");
          within(actual.gamma, expected.gamma, expected.gamma / 10n ** 8n + R.ONE / 10n ** 15n, "gamma");
          within(actual.vega, expected.vega, forward, "vega");
          within(actual.theta, expected.theta, forward + R.abs(expected.theta) / 10n ** 9n, "theta");
          within(actual.rho, expected.rho, forward, "rho");
        }
      }
    }
  });
});
