import { expect } from "chai";
import fc from "fast-check";
import { network } from "hardhat";

import {
  AdaptiveRateModel__factory,
  InterestHarness__factory,
  KinkedRateModel__factory,
  type AdaptiveRateModel,
  type InterestHarness,
} from "../types/ethers-contracts/index.js";
import { abs, adaptiveCurve, growth, kinked, SCALE, WAD, YEAR } from "./helpers/exact.ts";

const RUNS = { numRuns: 400 };
const DAY = 86_400n;

/** Small and large numbers alike: as many of each length. */
const anySize = (max: bigint): fc.Arbitrary<bigint> =>
  fc
    .tuple(fc.integer({ min: 1, max: max.toString(2).length }), fc.bigInt({ min: 0n, max }))
    .map(([bits, n]) => n & ((1n << BigInt(bits)) - 1n));

const utilisations = fc.oneof(
  fc.bigInt({ min: 0n, max: WAD }),
  fc.bigInt({ min: (9n * WAD) / 10n - 1000n, max: (9n * WAD) / 10n + 1000n }),
  fc.constantFrom(0n, WAD, (9n * WAD) / 10n, 2n * WAD),
);
const ratesAtTarget = fc.oneof(fc.constant(0n), fc.bigInt({ min: WAD / 1000n / YEAR + 1n, max: (2n * WAD) / YEAR }));

describe("Interest against exact arithmetic", () => {
  let curve: AdaptiveRateModel;
  let interest: InterestHarness;

  before(async () => {
    const { ethers } = await network.create();
    const [owner] = await ethers.getSigners();
    curve = await new AdaptiveRateModel__factory(owner).deploy();
    interest = await new InterestHarness__factory(owner).deploy();
  });

  it("drifts the rate at target as exp(speed · err · time) between its bounds", async () => {
    await fc.assert(
      fc.asyncProperty(utilisations, anySize(3n * YEAR), ratesAtTarget, async (u, elapsed, start) => {
        const [, end] = await curve.rates(u, elapsed, start);
        const exact = adaptiveCurve(u, elapsed, start);
        // Half a unit of rounding; the speed is rounded to a per-second WAD (1e-12 of the drift), the first rate likewise.
        const slack = SCALE + (exact.end * (abs(exact.drift) / SCALE + 1n)) / 10n ** 12n + exact.end / 10n ** 9n;
        expect(abs(end * SCALE - exact.end) <= slack, `${end} for ${exact.end / SCALE}`).to.equal(true);
      }),
      RUNS,
    );
  });

  it("charges the curve's mean over the interval, rounded up", async () => {
    await fc.assert(
      fc.asyncProperty(utilisations, anySize(3n * YEAR), ratesAtTarget, async (u, elapsed, start) => {
        const [average] = await curve.rates(u, elapsed, start);
        const exact = adaptiveCurve(u, elapsed, start);
        // Start, middle and end are whole units, times at most f = 4.
        const slack = 5n * SCALE + exact.average / 10n ** 9n;
        expect(abs(average * SCALE - exact.average) <= slack, `${average} for ${exact.average / SCALE}`).to.equal(true);
      }),
      RUNS,
    );
  });

  it("strays from the true mean by no more than a 48th of the drift's square", async () => {
    await fc.assert(
      fc.asyncProperty(utilisations, anySize(5n * DAY), ratesAtTarget, async (u, elapsed, start) => {
        const [average] = await curve.rates(u, elapsed, start);
        const exact = adaptiveCurve(u, elapsed, start);
        if (exact.bounded) return;
        const over = average * SCALE - exact.trueAverage;
        const rounding = 5n * SCALE + exact.trueAverage / 10n ** 9n;
        const square = (exact.drift * exact.drift) / SCALE;
        expect(over >= -rounding, `under by ${-over / SCALE}`).to.equal(true);
        expect(over <= rounding + (exact.trueAverage * square) / SCALE / 47n, `over by ${over / SCALE}`).to.equal(true);
      }),
      RUNS,
    );
  });

  it("compounds continuously, within the stated units on the stated side", async () => {
    const rates = anySize((10n * WAD) / YEAR);
    await fc.assert(
      fc.asyncProperty(rates, anySize(10n * YEAR), async (rate, elapsed) => {
        const [down, up] = await Promise.all([interest.growthDown(rate, elapsed), interest.growthUp(rate, elapsed)]);
        const exact = growth(rate, elapsed);
        const unit = SCALE / WAD;
        const stated = 4n * unit + (exact + SCALE) / (5n * 10n ** 18n);
        expect(down * unit <= exact && exact <= up * unit, `${down} ≤ ${exact / unit} ≤ ${up}`).to.equal(true);
        expect(exact - down * unit <= stated, `down: ${down} for ${exact / unit}`).to.equal(true);
        expect(up * unit - exact <= stated, `up: ${up} for ${exact / unit}`).to.equal(true);
      }),
      RUNS,
    );
  });

  it("follows two slopes, rounded up", async () => {
    const { ethers } = await network.create();
    const [owner] = await ethers.getSigners();
    const most = (10n * WAD) / YEAR / 3n;
    const rate = fc.bigInt({ min: 0n, max: most });
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(rate, rate, rate, fc.bigInt({ min: 1n, max: WAD - 1n })),
        fc.array(utilisations, { minLength: 5, maxLength: 5 }),
        async ([base, slope1, slope2, kink], us) => {
          const model = await new KinkedRateModel__factory(owner).deploy(base, slope1, slope2, kink);
          for (const u of [...us, kink, kink + 1n]) {
            const [average, unchanged] = await model.rates(u, 1n, 77n);
            expect(average).to.equal(kinked(base, slope1, slope2, kink, u));
            expect(unchanged).to.equal(77n);
          }
        },
      ),
      { numRuns: 40 },
    );
  });
});
