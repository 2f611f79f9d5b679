// The exact models against everything published: they are what the contracts are held against, so they must be right first. No
// chain here.
import { expect } from "chai";

import { greeks, value, volatility } from "./helpers/exact/black76.ts";
import * as Portfolio from "./helpers/exact/portfolio.ts";
import * as R from "./helpers/exact/real.ts";
import type { Real } from "./helpers/exact/real.ts";
import * as Standard from "./helpers/exact/standard.ts";
import { missingReferences, portfolioCases, standardCases } from "./helpers/references.ts";
import { exactRules } from "./helpers/portfolios.ts";

/** |actual − expected| ≤ 10^-digits · max(|expected|, scale). */
function near(actual: Real, expected: Real, digits: number, what: string, scale: Real = R.ZERO): void {
  const allowed = R.max(R.abs(expected), scale) / 10n ** BigInt(digits);
  const message = `${what}: ${R.toNumber(actual)} instead of ${R.toNumber(expected)}`;
  expect(R.abs(actual - expected) <= allowed, message).to.equal(true);
}

describe("exact numbers", () => {
  it("agree with constants known to 45 digits", () => {
    const known = (digits: string, actual: Real): void => near(actual, R.parse(digits), 45, digits, R.ONE);
    known("3.141592653589793238462643383279502884197169399375105820974944592", R.PI);
    known("2.718281828459045235360287471352662497757247093699959574966967627", R.exp(R.ONE));
    known("2.302585092994045684017991454684364207601101488628772976033327900", R.ln(R.fromInt(10)));
    known("1.414213562373095048801688724209698078569671875376948073176679737", R.sqrt(R.fromInt(2)));
    // Φ(1/2), Φ(−8.1), Φ(3.7)
    known("0.691462461274013103637704610608337739883602175554577936820776", R.normal(R.HALF));
    known("0.000000000000000274795939239822046885359828822880218863017690", R.normal(R.parse("-8.1")));
    known("0.999892200266522611663062530567129546948262057891074156716657", R.normal(R.parse("3.7")));
  });

  it("are consistent: exp(ln x) = x, Φ(x) + Φ(−x) = 1, and Taylor's series of Φ meets the other one", () => {
    for (let i = 1; i < 200; i++) {
      const x = R.fromFraction(BigInt(i * i * 7_919), 1_000_003n);
      near(R.exp(R.ln(x)), x, 44, `exp(ln) ${i}`, R.ONE);
      const y = R.fromFraction(BigInt((i * 7_919) % 30_000) - 15_000n, 1_007n);
      expect(R.abs(R.normal(y) + R.normal(-y) - R.ONE) < 1_000n, `symmetry ${i}`).to.equal(true);
      expect(R.abs(R.normal(y) - R.normalBySeries(y)) < 1_000n, `both series ${i}`).to.equal(true);
    }
  });
});

describe("exact Black-76", () => {
  const DAYS = (n: number): Real => R.fromFraction(BigInt(n), 365n);
  const published = [
    { days: 7, vol: "1", forward: "1500", strike: "1500", discount: "1", call: "82.805080668634559515" },
    {
      days: 30,
      vol: ".25",
      forward: "1000",
      strike: "1200",
      discount: "0.9991784198737006",
      call: ".137082128426579297",
      put: "199.972766103166719631",
    },
    {
      days: 365,
      vol: "5",
      forward: "1000",
      strike: "700",
      discount: "0.9801986733067553",
      call: "970.034553583819",
      put: "675.974951591793",
    },
    { days: 365, vol: "25", forward: "1000", strike: "700", discount: "1", call: "1000", put: "700" },
    { days: 365, vol: ".5", forward: "1000", strike: "0", discount: ".9", call: "900", put: "0" },
  ];

  it("gives the published values to 1e-12", () => {
    for (const p of published) {
      const [forward, strike, discount] = [p.forward, p.strike, p.discount].map(R.parse) as [Real, Real, Real];
      const deviation = R.mul(R.parse(p.vol), R.sqrt(DAYS(p.days)));
      const of = (call: boolean): Real => value({ strike, call }, forward, deviation, discount);
      near(of(true), R.parse(p.call), 12, `call ${p.days} d`, R.ONE);
      near(of(false), R.parse(p.put ?? p.call), 12, `put ${p.days} d`, R.ONE);
    }
    const option = { strike: R.fromInt(1_500), call: true };
    near(greeks(option, R.fromInt(1_500), R.ONE, DAYS(7), R.ZERO).delta, R.parse("0.5276016935562116"), 15, "delta");
  });

  it("has the slopes that its greeks say", () => {
    const [forward, vol, years, rate] = [1_400n, 1n, 1n, 1n].map((n, i) =>
      R.fromFraction(n, [1n, 2n, 9n, 20n][i]!),
    ) as [Real, Real, Real, Real];
    const step = R.ONE >> 50n;
    for (const call of [true, false]) {
      const option = { strike: R.fromInt(1_500), call };
      const at = (f: Real, v: Real, t: Real, r: Real): Real =>
        value(option, f, R.mul(v, R.sqrt(t)), R.exp(-R.mul(r, t)));
      const g = greeks(option, forward, vol, years, rate);
      const slope = (up: Real, down: Real): Real => R.div(up - down, 2n * step);
      near(g.value, at(forward, vol, years, rate), 40, "value");
      near(g.delta, slope(at(forward + step, vol, years, rate), at(forward - step, vol, years, rate)), 20, "delta");
      near(g.vega, slope(at(forward, vol + step, years, rate), at(forward, vol - step, years, rate)), 20, "vega");
      near(g.theta, -slope(at(forward, vol, years + step, rate), at(forward, vol, years - step, rate)), 20, "theta");
      near(g.rho, slope(at(forward, vol, years, rate + step), at(forward, vol, years, rate - step)), 20, "rho");
      const delta = (f: Real): Real => greeks(option, f, vol, years, rate).delta;
      near(g.gamma, slope(delta(forward + step), delta(forward - step)), 20, "gamma");
    }
  });
});

describe("exact models against the published cases", () => {
  const missing = missingReferences();
  if (missing !== null) {
    it("have nothing to compare with", function () {
      console.log(`      skipped: ${missing}`);
      this.skip();
    });
    return;
  }

  it("volatilities at the published strikes, to 1e-12", () => {
    for (const { name, marks } of portfolioCases()) {
      for (const { surface, strike, vol } of marks) {
        near(volatility(surface, strike), vol, 12, `${name}, strike ${R.toNumber(strike)}`);
      }
    }
  });

  for (const c of portfolioCases()) {
    it(`portfolio ${c.name}: every scenario, basis, mtm, IM and MM to 1e-10`, () => {
      const m = Portfolio.margin(c.account);
      const [evaluation] = m.maintained[0] as [Portfolio.Evaluation];
      // What cancels in a published sum leaves its binary rounding, so the scale is the largest thing that was summed.
      const { perp, expiries, balances, spot } = c.account.groups[0]!.members[0]!.underlying;
      const scale = R.max(
        R.mul(R.abs(perp.size), perp.mark),
        ...balances.map((b) => R.abs(b.value)),
        ...expiries.flatMap((e) => e.options.map((o) => R.mul(R.abs(o.size), R.max(o.strike, spot)))),
      );
      expect(evaluation.pnl).to.have.length(c.expected.pnl.length);
      evaluation.pnl.forEach((pnl, i) => near(pnl, c.expected.pnl[i] as Real, 10, `scenario ${i}`, scale / 100_000n));
      near(evaluation.basis, c.expected.basis, 10, "basis", scale / 100_000n);
      near(m.mtm, c.expected.mtm, 10, "mtm", scale / 100_000n);
      near(m.initial, c.expected.initial, 10, "IM");
      near(m.maintenance, c.expected.maintenance, 10, "MM");
    });
  }

  for (const c of standardCases()) {
    it(`standard ${c.name}: mtm, IM and MM to 1e-10`, () => {
      const rules = exactRules(c.rules);
      let { initial, maintenance } = c.rest;
      for (const u of c.underlyings) {
        const m = Standard.margin(rules, u, c.settlementPrice);
        initial += m.initial;
        maintenance += m.maintenance;
      }
      near(c.rest.mtm, c.expected.mtm, 10, "mtm", R.ONE);
      near(initial, c.expected.initial, 10, "IM", R.ONE);
      near(maintenance, c.expected.maintenance, 10, "MM", R.ONE);
    });
  }
});
