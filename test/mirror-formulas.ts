// The mirror's formulas against the contracts' own libraries: interest, rate models, auctions, averages. Every result is equal.
import { expect } from "chai";
import fc from "fast-check";
import { network } from "hardhat";

import {
  bufferMarginDown,
  discountFactorUp,
  insolventPaymentDown,
  isRecovered,
  maintenanceAfterDown,
  maxFractionUp,
  netOfFeeDown,
  priceUp,
} from "../sdk/mirror/auction.ts";
import { divUp, WAD, YEAR } from "../sdk/mirror/fixed.ts";
import { adaptiveRates, growthDown, growthUp, kinkedRate, modelRates } from "../sdk/mirror/interest.ts";
import { accrued, decodePoolWords, roundCap } from "../sdk/mirror/pools.ts";
import { priceAtTick } from "../sdk/mirror/sources.ts";
import {
  AdaptiveRateModel__factory,
  AuctionMathHarness__factory,
  InterestHarness__factory,
  KinkedRateModel__factory,
  OracleHarness__factory,
} from "../types/ethers-contracts/index.js";
import { type Answer, BULK, BULK_CODE, bulk, signedWord } from "./helpers/bulk.ts";
import { digitsOf, oneOf, type Random, seeded } from "./helpers/random.ts";

const RUNS = 1_500;
const DAY = 86_400n;

const wordOf = (answer: Answer | undefined, place = 0): bigint => {
  if (answer?.ok !== true) throw new Error("the call failed");
  return signedWord(answer, place);
};

describe("The mirror's formulas against the contracts' libraries", function () {
  this.timeout(120_000);

  const arrange = async () => {
    const connection = await network.create();
    const [owner] = await connection.ethers.getSigners();
    await connection.networkHelpers.setCode(BULK, BULK_CODE);
    const ask = async (to: { readonly target: unknown }, calls: readonly string[]): Promise<readonly Answer[]> =>
      (await bulk(connection.ethers.provider, String(to.target), calls)).answers;
    return { connection, owner, ask };
  };

  const utilisation = (r: Random): bigint =>
    oneOf(r, [0n, WAD, (9n * WAD) / 10n, (9n * WAD) / 10n + 1n, 2n * WAD, digitsOf(r, 18), digitsOf(r, 18)]);
  const seconds = (r: Random): bigint => oneOf(r, [0n, 1n, digitsOf(r, 5), digitsOf(r, 8), digitsOf(r, 11)]);

  it("grows by interest", async () => {
    const { connection, owner, ask } = await arrange();
    const harness = await new InterestHarness__factory(owner).deploy();
    const r = seeded(1);
    const cases = Array.from({ length: RUNS }, () => [digitsOf(r, 12), seconds(r)] as const);
    const i = harness.interface;
    const down = await ask(
      harness,
      cases.map((values) => i.encodeFunctionData("growthDown", [...values])),
    );
    const up = await ask(
      harness,
      cases.map((values) => i.encodeFunctionData("growthUp", [...values])),
    );
    for (const [k, [rate, elapsed]] of cases.entries()) {
      expect(growthDown(rate, elapsed), `down ${rate} ${elapsed}`).to.equal(wordOf(down[k]));
      expect(growthUp(rate, elapsed), `up ${rate} ${elapsed}`).to.equal(wordOf(up[k]));
    }
    await connection.close();
  });

  it("asks for the adaptive curve's rate", async () => {
    const { connection, owner, ask } = await arrange();
    const model = await new AdaptiveRateModel__factory(owner).deploy();
    const r = seeded(2);
    const cases = Array.from(
      { length: RUNS },
      () => [utilisation(r), seconds(r), oneOf(r, [0n, 1n, digitsOf(r, 11), digitsOf(r, 11)])] as const,
    );
    const answers = await ask(
      model,
      cases.map((values) => model.interface.encodeFunctionData("rates", [...values])),
    );
    for (const [k, [u, elapsed, start]] of cases.entries()) {
      const { average, rateAtTarget } = adaptiveRates(u, elapsed, start);
      const chain = [wordOf(answers[k]), wordOf(answers[k], 1)];
      expect([average, rateAtTarget], `${u} ${elapsed} ${start}`).to.deep.equal(chain);
    }
    await connection.close();
  });

  it("asks for two slopes' rate, and counts no model's more than it may ask for", async () => {
    const { connection, owner, ask } = await arrange();
    const r = seeded(3);
    for (let n = 0; n < 12; n++) {
      const part = (10n * WAD) / YEAR / 3n;
      const [base, slope1, slope2] = [digitsOf(r, 12) % part, digitsOf(r, 12) % part, digitsOf(r, 12) % part];
      const kink = 1n + (digitsOf(r, 18) % (WAD - 1n));
      const model = await new KinkedRateModel__factory(owner).deploy(base, slope1, slope2, kink);
      const us = [...Array.from({ length: 40 }, () => utilisation(r)), kink, kink + 1n];
      const answers = await ask(
        model,
        us.map((u) => model.interface.encodeFunctionData("rates", [u, 1n, 77n])),
      );
      const mine = { kind: "kinked", base, slope1, slope2, kink } as const;
      for (const [k, u] of us.entries()) {
        expect(kinkedRate(mine, u)).to.equal(wordOf(answers[k]));
        expect(modelRates(mine, u, 77n).rateAtTarget).to.equal(wordOf(answers[k], 1));
      }
    }
    const greedy = modelRates({ kind: "reading", rate: WAD, rateAtTarget: WAD }, 0n, 0n);
    expect(greedy).to.deep.equal({ average: (10n * WAD) / YEAR, rateAtTarget: (1n << 36n) - 1n });
    await connection.close();
  });

  it("prices auctions", async () => {
    const { connection, owner, ask } = await arrange();
    const harness = await new AuctionMathHarness__factory(owner).deploy();
    const i = harness.interface;
    const r = seeded(4);
    const amount = (): bigint => digitsOf(r, 27);
    const signed = (): bigint => (r(2) === 0 ? amount() : -amount());
    const share = (): bigint => digitsOf(r, 18);
    const calls: string[] = [];
    const mine: bigint[] = [];
    const compare = (call: string, value: bigint | boolean): void => {
      calls.push(call);
      mine.push(BigInt(value));
    };
    for (let n = 0; n < RUNS; n++) {
      const [maintenance, mtm, reserved, buffer, d, q] = [signed(), signed(), amount(), share(), share(), share()];
      compare(
        i.encodeFunctionData("bufferMarginDown", [maintenance, mtm, buffer]),
        bufferMarginDown(maintenance, mtm, buffer),
      );
      const start = 1n + share();
      const p = { start, cut: 1n + (share() % start), fast: 1n + digitsOf(r, 5), slow: 1n + digitsOf(r, 6) };
      const clock = digitsOf(r, 6);
      compare(
        i.encodeFunctionData("discountFactorUp", [clock, p.start, p.cut, p.fast, p.slow]),
        discountFactorUp(clock, p),
      );
      compare(
        i.encodeFunctionData("maxFractionUp", [maintenance, mtm, reserved, d]),
        maxFractionUp(maintenance, mtm, reserved, d),
      );
      compare(i.encodeFunctionData("priceUp", [d, reserved, q]), priceUp(d, reserved, q));
      const insuranceTime = 1n + digitsOf(r, 5);
      compare(
        i.encodeFunctionData("insolventPaymentDown", [d, maintenance, mtm, q, clock, insuranceTime]),
        insolventPaymentDown(d, maintenance, mtm, clock, { q, insuranceTime }),
      );
      const paid = amount();
      compare(
        i.encodeFunctionData("maintenanceAfterDown", [maintenance, reserved, d, paid]),
        maintenanceAfterDown(maintenance, reserved, d, paid),
      );
      compare(i.encodeFunctionData("isRecovered", [maintenance, mtm, buffer]), isRecovered(maintenance, mtm, buffer));
      const fee = BigInt(r(501));
      compare(i.encodeFunctionData("netOfFeeDown", [d, fee]), netOfFeeDown(d, fee));
      const unit = oneOf(r, [1n, 10n ** 10n, 10n ** 12n]);
      compare(i.encodeFunctionData("toTokensUp", [reserved, unit]), divUp(reserved, unit));
    }
    const answers = await ask(harness, calls);
    for (const [k, value] of mine.entries()) expect(value, `call ${k}`).to.equal(wordOf(answers[k]));
    await connection.close();
  });

  it("turns ticks into prices", async () => {
    const { connection, owner, ask } = await arrange();
    const harness = await new OracleHarness__factory(owner).deploy();
    const r = seeded(5);
    const cases = Array.from({ length: RUNS }, () => [BigInt(r(1_600_000) - 800_000), 2 + r(23), 2 + r(23)] as const);
    const answers = await ask(
      harness,
      cases.map(([tick, base, quote]) => harness.interface.encodeFunctionData("priceAtTick", [tick, base, quote])),
    );
    for (const [k, [tick, base, quote]] of cases.entries()) {
      expect(priceAtTick(tick, base, quote), `${tick} ${base} ${quote}`).to.equal(wordOf(answers[k]));
    }
    await connection.close();
  });

  it("lets pools be, however long they wait", () => {
    const pool = {
      ...decodePoolWords(((10n ** 15n) << 192n) | (5n << 96n) | 5n, ((10n ** 15n) << 96n) | 9n),
      number: 1,
      token: "0x",
      decimals: 18,
      borrowCap: undefined,
      maxUtilisationBps: 10_000n,
      reservedPartBps: 0n,
      settlementPartBps: 0n,
      borrowsClosed: false,
      tokens: 0n,
      outflowLeft: undefined,
    };
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 4_000_000_000n }), (time) => {
        const later = accrued(pool, time);
        expect(later.debtIndex < 1n << 64n && later.supplyIndex < 1n << 64n).to.equal(true);
        expect(later.debtIndex >= pool.debtIndex && later.supplyIndex >= pool.supplyIndex).to.equal(true);
        expect(later.lastAccrual).to.equal(time);
      }),
    );
    expect(accrued(pool, 0n)).to.equal(pool);
    expect(() => accrued({ ...pool, lastAccrual: DAY }, 1n)).to.throw(RangeError, "after 1");
  });

  it("rounds caps down to their 16 bits", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 96n) - 2n }), (cap) => {
        const kept = roundCap(cap) ?? -1n;
        expect(kept <= cap && cap - kept <= cap / 256n).to.equal(true);
        expect(roundCap(kept)).to.equal(kept);
      }),
    );
    expect(roundCap((1n << 96n) - 1n)).to.equal(undefined);
  });
});
