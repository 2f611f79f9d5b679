// SVI: what counts as arbitrage, and a calibrator that finds smiles again and never makes any.
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { expect } from "chai";
import fc from "fast-check";

import { calibrate, type ExpiryQuotes } from "../attestor/calibrate.ts";
import { leastSquares } from "../attestor/leastSquares.ts";
import { parseSurface, SurfaceFileError } from "../attestor/surfaceFile.ts";
import { normalDensity } from "../sdk/black76.ts";
import { black76Price } from "../sdk/black76.ts";
import {
  butterfly,
  butterflyViolations,
  calendarViolations,
  feedVariance,
  feedViolations,
  feedWing,
  grid,
  leastVariance,
  liftedAbove,
  type Slice,
  surfaceViolations,
  type Svi,
  sviVolatility,
  totalVariance,
  varianceJet,
} from "../sdk/svi.ts";
import { atLeast, less, more, near } from "./helpers/floats.ts";

const SNAPSHOT = fileURLToPath(new URL("../../shared/data/surface/deribit-eth-2026-05-21.json", import.meta.url));
const KS = grid(-1.5, 1.5, 301);

const smiles: fc.Arbitrary<Svi> = fc.record({
  a: fc.double({ min: 0.001, max: 0.1, noNaN: true }),
  b: fc.double({ min: 0.01, max: 0.5, noNaN: true }),
  rho: fc.double({ min: -0.9, max: 0.9, noNaN: true }),
  m: fc.double({ min: -0.3, max: 0.3, noNaN: true }),
  sigma: fc.double({ min: 0.02, max: 0.6, noNaN: true }),
});

describe("SDK: SVI", () => {
  it("has the derivatives of its variance, and its least value", () => {
    fc.assert(
      fc.property(smiles, fc.double({ min: -1, max: 1, noNaN: true }), (svi, k) => {
        const h = 1e-4;
        const [w, w1, w2] = varianceJet(svi, k);
        const [below, above] = [totalVariance(svi, k - h), totalVariance(svi, k + h)];
        near(w, totalVariance(svi, k), 1e-15);
        near(w1, (above - below) / (2 * h), 1e-3);
        near(w2, (above - 2 * w + below) / (h * h), 0.05 * Math.max(1, w2));
        for (const at of KS) atLeast(totalVariance(svi, at), leastVariance(svi) - 1e-15);
      }),
    );
  });

  it("calls g what it is: the sign of the density of prices, for any smile", () => {
    fc.assert(
      fc.property(smiles, fc.double({ min: -0.8, max: 0.8, noNaN: true }), (svi, k) => {
        // d²C/dK² by differences, against g(k)·n(d2) / (K·√w).
        const price = (strike: number) =>
          black76Price({
            forward: 1,
            strike,
            time: 1,
            isCall: true,
            volatility: sviVolatility(svi, Math.log(strike), 1),
          });
        const strike = Math.exp(k);
        const h = 1e-3 * strike;
        const bend = (price(strike + h) - 2 * price(strike) + price(strike - h)) / (h * h);
        const w = totalVariance(svi, k);
        const d2 = -k / Math.sqrt(w) - Math.sqrt(w) / 2;
        const density = (butterfly(svi, k) * normalDensity(d2)) / (strike * Math.sqrt(w));
        near(bend, density, 0.02 * (1 + Math.abs(density)) + 1e-4 / (svi.sigma * svi.sigma));
      }),
    );
  });

  // The example of J. Gatheral and A. Jacquier (2014), section 2.2, after A. Vogt: a smile with a butterfly.
  const vogt: Svi = { a: -0.041, b: 0.1331, rho: 0.306, m: 0.3586, sigma: 0.4153 };

  it("finds arbitrage where it is known to be, and none in a plain smile", () => {
    expect(butterflyViolations(vogt, KS).some(({ kind }) => kind === "butterfly")).to.be.true;
    const plain: Svi = { a: 0.02, b: 0.1, rho: -0.3, m: 0, sigma: 0.3 };
    expect(butterflyViolations(plain, KS)).to.deep.equal([]);
    expect(butterflyViolations({ ...plain, a: -0.1 }, KS)[0]?.kind).to.equal("parameters");
    expect(butterflyViolations({ ...plain, b: 1.9 }, [])[0]?.kind).to.equal("wing");
    const later = { ...plain, a: 0.03 };
    expect(calendarViolations(plain, later, KS)).to.deep.equal([]);
    expect(calendarViolations(later, plain, KS)).to.have.length(KS.length);
    // Below only where nobody looks: the wings tell.
    expect(calendarViolations(plain, { ...later, rho: -0.31 }, [0])).to.have.length(1);
    expect(calendarViolations(later, liftedAbove(later, plain, KS), KS)).to.deep.equal([]);
    expect(liftedAbove(plain, later, KS)).to.equal(later);
  });

  it("looks at what the feed looks at: cut wings, fifteen points", () => {
    const plain: Svi = { a: 0.02, b: 0.1, rho: -0.3, m: 0, sigma: 0.3 };
    near(feedWing(plain), 4 * Math.sqrt(0.05), 1e-15);
    expect(feedVariance(plain, 9)).to.equal(totalVariance(plain, feedWing(plain)));
    expect(feedViolations([{ svi: plain }, { svi: { ...plain, a: 0.03 } }])).to.deep.equal([]);
    more(feedViolations([{ svi: { ...plain, a: 0.03 } }, { svi: plain }]).length, 10);
    // A smile steep enough to have its butterfly inside the wings.
    expect(feedViolations([{ svi: { a: 0.001, b: 0.9, rho: 0.9, m: 0.1, sigma: 0.02 } }])[0]?.kind).to.equal(
      "butterfly",
    );
  });
});

describe("Calibrator", () => {
  it("minimises squares", () => {
    const rosenbrock = leastSquares(([x = 0, y = 0]) => [1 - x, 10 * (y - x * x)], [-1.2, 1], 200);
    near(rosenbrock.x[0], 1, 1e-6);
    less(rosenbrock.cost, 1e-12);
  });

  const quotesOf = (svi: Svi, time: number, expiry: number, spread: number, forward = 2_000): ExpiryQuotes => ({
    expiry,
    time,
    forward,
    quotes: grid(-3, 3, 25).map((unit) => {
      const k = unit * Math.sqrt(totalVariance(svi, 0));
      const vol = sviVolatility(svi, k, time);
      return { strike: forward * Math.exp(k), bid: vol - spread, ask: vol + spread };
    }),
  });

  const scaled = (svi: Svi, by: number): Svi => ({ ...svi, a: svi.a * by, b: svi.b * by });

  it("finds the parameters of synthetic smiles again, and the same ones each time", () => {
    const base: Svi = { a: 0.01, b: 0.12, rho: -0.25, m: 0.03, sigma: 0.2 };
    const surface = [1, 1.8, 3.1].map((by, i) => quotesOf(scaled(base, by), 0.1 * by, 1_000 * (i + 1), 0.005));
    const { slices, reports, violations } = calibrate(surface);
    expect(violations).to.deep.equal([]);
    for (const [i, by] of [1, 1.8, 3.1].entries()) {
      const found = slices[i]?.svi;
      const truth = scaled(base, by);
      for (const name of ["a", "b", "rho", "m", "sigma"] as const) {
        near(found?.[name], truth[name], 2e-4, `${name} of ${i}`);
      }
      less(reports[i]?.rmse, 1e-3);
      expect(reports[i]?.insideSpread).to.equal(1);
    }
    expect(calibrate([...surface].reverse()).slices).to.deep.equal(slices);
  });

  it("gives a surface without arbitrage for quotes that have it", () => {
    const vogt: Svi = { a: -0.041, b: 0.1331, rho: 0.306, m: 0.3586, sigma: 0.4153 };
    const flat: Svi = { a: 0.03, b: 0.02, rho: 0, m: 0, sigma: 0.3 };
    // The smile with the butterfly expires last, below the one before it.
    const surface = [quotesOf(flat, 0.5, 1_000, 0.01), quotesOf(vogt, 1, 2_000, 0.01)];
    const { slices, violations, reports } = calibrate(surface);
    expect(violations).to.deep.equal([]);
    expect(surfaceViolations(slices, grid(-2, 2, 801))).to.deep.equal([]);
    more(Math.max(...reports.map(({ rmse }) => rmse)), 0.1, "it costs something");
    expect(reports.every(({ leastDensity }) => leastDensity >= 0)).to.be.true;
  }).timeout(60_000);

  it("says what is missing", () => {
    const one = quotesOf({ a: 0.01, b: 0.1, rho: 0, m: 0, sigma: 0.2 }, 0.1, 1_000, 0.01);
    expect(() => calibrate([{ ...one, quotes: one.quotes.slice(0, 4) }])).to.throw(RangeError, /at least 5 quotes/);
    expect(() => calibrate([{ ...one, time: 0 }])).to.throw(RangeError);
    expect(() => parseSurface("{}")).to.throw(SurfaceFileError);
  });

  it("fits a recorded surface of twelve expiries inside bid and ask, without arbitrage", function () {
    if (!existsSync(SNAPSHOT)) {
      console.log("      (skipped: ../shared/data/surface is not here)");
      this.skip();
    }
    this.timeout(180_000);
    const snapshot = parseSurface(readFileSync(SNAPSHOT, "utf8"));
    expect(snapshot.expiries).to.have.length(12);
    const { slices, reports, violations } = calibrate(snapshot.expiries);
    expect(violations).to.deep.equal([]);
    for (const { insideSpread, rmse, halfSpread, leastDensity, leastCalendarGap } of reports) {
      atLeast(insideSpread, 0.9);
      less(rmse, Math.max(halfSpread, 0.3));
      atLeast(leastDensity, 0);
      atLeast(leastCalendarGap ?? 0, 0);
    }
    const inside = reports.reduce((sum, report) => sum + report.insideSpread * report.quotes, 0);
    atLeast(inside / reports.reduce((sum, { quotes }) => sum + quotes, 0), 0.98);
    // Looked at with other eyes: prices of calls on a fine grid of strikes are convex and rise with the expiry.
    for (const [i, slice] of slices.entries()) expectNoArbitrage(slice, slices[i - 1]);
  });

  const expectNoArbitrage = ({ svi, time }: Slice, before: Slice | undefined): void => {
    const strikes = grid(-2.5, 2.5, 201).map((unit) => Math.exp(unit * Math.sqrt(totalVariance(svi, 0))));
    const call = (of: Svi, t: number, strike: number) =>
      black76Price({ forward: 1, strike, time: t, isCall: true, volatility: sviVolatility(of, Math.log(strike), t) });
    const prices = strikes.map((strike) => call(svi, time, strike));
    for (let i = 1; i + 1 < strikes.length; i += 1) {
      const [x0 = 0, x1 = 0, x2 = 0] = strikes.slice(i - 1, i + 2);
      const [p0 = 0, p1 = 0, p2 = 0] = prices.slice(i - 1, i + 2);
      atLeast((p2 - p1) / (x2 - x1) - (p1 - p0) / (x1 - x0), -1e-9, "convex");
      if (before !== undefined) atLeast(p1 - call(before.svi, before.time, x1), -1e-12, "rising");
    }
  };
});
