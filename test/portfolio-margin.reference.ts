// The published cases of the scenario model on chain: the calculator is given what the exact models are given, and what it says is
// held against the files. Haircuts of collateral are added here: they are the spot part's.
import { expect } from "chai";
import { network } from "hardhat";

import { packScenarioParameters, type ScenarioParameters } from "../sdk/tables/scenarioTable.ts";
import {
  NormalTable__factory,
  ScenarioCalculator__factory,
  type ScenarioCalculator,
} from "../types/ethers-contracts/index.js";
import type { Parameters as ExactParameters, Underlying } from "./helpers/exact/portfolio.ts";
import * as R from "./helpers/exact/real.ts";
import type { Real } from "./helpers/exact/real.ts";
import { deepArray, mirrorCalculator, type CalculatorAccount } from "./helpers/mirror-parts.ts";
import { missingReferences, portfolioCases, type PortfolioCase } from "./helpers/references.ts";

const DIGITS = 8;
/** The files hold doubles: what they call nothing is a rounding of sums this many times as large. */
const DOUBLE = 10n ** 15n;
const WAD = 10n ** 18n;

/** Right to 1e-8 of the number itself; `scale` is what was summed. */
function near(actual: bigint, expected: Real, scale: Real, what: string): void {
  const allowed = R.abs(expected) / 10n ** BigInt(DIGITS) + scale / DOUBLE;
  const message = `${what}: ${actual} instead of ${R.toWad(expected)}`;
  expect(R.abs(R.fromWad(actual) - expected) <= allowed, message).to.equal(true);
}

function parametersOf(p: ExactParameters): ScenarioParameters {
  const { vol, skew, basis } = p;
  const discount = (x: ExactParameters["owned"]) => ({
    base: R.toWad(x.base),
    mult: R.toWad(x.multiply),
    add: R.toWad(x.add),
  });
  const cap = (x: ExactParameters["skew"]["abs"]) => ({ base: R.toWad(x.base), scale: R.toWad(x.scale) });
  const percent = (x: ExactParameters["perp"]) => ({
    maintenance: R.toWad(x.maintenance),
    initialExtra: R.toWad(x.initialExtra),
  });
  return {
    scenarios: p.scenarios.map((s) => ({ spot: R.toWad(s.spot), volatility: s.rule, weight: R.toWad(s.weight) })),
    volatility: {
      rangeUp: R.toWad(vol.up),
      least: R.toWad(vol.least),
      rangeDown: R.toWad(vol.down),
      daysFloor: R.toWad(vol.floor),
      shortPower: R.toWad(vol.shortPower),
      longPower: R.toWad(vol.longPower),
    },
    discount: { gain: discount(p.owned), loss: discount(p.owed) },
    skew: {
      linear: cap(skew.linear),
      abs: cap(skew.abs),
      minKStar: R.toWad(skew.leastWidth),
      minWidthScale: R.toWad(skew.widthScale),
      volStatic: R.toWad(skew.volStatic),
      volScale: R.toWad(skew.volScale),
    },
    basis: {
      up: R.toWad(basis.up),
      down: R.toWad(basis.down),
      add: R.toWad(basis.add),
      mult: R.toWad(basis.multiply),
    },
    confidence: { threshold: R.toWad(p.confidence.threshold), margin: R.toWad(p.confidence.factor) },
    perp: percent(p.perp),
    option: percent(p.option),
    lossFactor: { maintenance: R.toWad(p.factor.maintenance), initial: R.toWad(p.factor.initial) },
    peg: { threshold: R.toWad(p.peg.threshold), factor: R.toWad(p.peg.factor) },
  };
}

/** What haircuts and low confidence take of the balances. */
function haircuts(u: Underlying, p: ExactParameters): { maintenance: Real; initial: Real } {
  const unsure = (c: Real): Real => (c < p.confidence.threshold ? R.mul(R.ONE - c, p.confidence.factor) : R.ZERO);
  return {
    maintenance: R.sum(u.balances.map((b) => R.mul(R.abs(b.value), b.maintenance))),
    initial: R.sum(u.balances.map((b) => R.mul(R.abs(b.value), b.initialExtra + unsure(b.confidence)))),
  };
}

function accountOf(c: PortfolioCase): { account: CalculatorAccount; underlying: Underlying } {
  const underlying = c.account.groups[0]?.members[0]?.underlying;
  if (!underlying) throw new Error(`${c.name} has no underlying`);
  const u = underlying;
  const traded = u.perp.size === 0n ? u.spotConfidence : R.min(u.spotConfidence, u.perp.confidence);
  const charges = haircuts(u, c.parameters);
  const balances = R.sum(u.balances.map((b) => b.value));
  const account: CalculatorAccount = {
    settlementPrice: R.toWad(c.account.settlementPrice),
    value: R.toWad(c.account.cash + c.account.unsettled + balances),
    haircutMaintenance: R.toWad(charges.maintenance),
    haircutInitial: R.toWad(charges.initial),
    underlyings: [
      {
        parameters: packScenarioParameters(parametersOf(c.parameters)),
        group: 0n,
        phi: 0n,
        scaleInitial: WAD,
        scaleMaintenance: WAD,
        spot: R.toWad(u.spot),
        perpSize: R.toWad(u.perp.size),
        perpMark: R.toWad(u.perp.mark),
        perpConfidence: R.toWad(traded),
        spotValue: R.toWad(R.sum(u.balances.filter((b) => b.moves).map((b) => b.value))),
        expiries: u.expiries.map((e) => ({
          secondsLeft: e.seconds,
          forwardVar: R.toWad(e.variable),
          forwardFix: R.toWad(e.fixed),
          rate: R.toWad(e.rate),
          confidence: R.toWad(R.min(traded, e.confidence)),
          options: e.options.map((o) => ({
            strike: R.toWad(o.strike),
            size: R.toWad(o.size),
            volatility: R.toWad(o.vol),
            isCall: o.call,
          })),
        })),
      },
    ],
  };
  return { account, underlying };
}

/** Σ of what a number is made of: what its rounding in doubles is measured by. */
const grossOf = (c: PortfolioCase, u: Underlying): Real =>
  R.abs(c.account.cash) +
  R.mul(R.abs(u.perp.size), u.spot) +
  R.sum(u.balances.map((b) => R.abs(b.value))) +
  R.sum(u.expiries.flatMap((e) => e.options.map((o) => R.mul(R.abs(o.size), R.max(u.spot, o.strike)))));

describe("portfolio model against the published cases", () => {
  const missing = missingReferences();
  if (missing !== null) {
    it("has nothing to compare with", function () {
      console.log(`      skipped: ${missing}`);
      this.skip();
    });
    return;
  }

  let calculator: ScenarioCalculator;

  before(async () => {
    const { ethers } = await network.create();
    const [deployer] = await ethers.getSigners();
    const normal = await new NormalTable__factory(deployer).deploy();
    calculator = await new ScenarioCalculator__factory(deployer).deploy(normal);
  });

  for (const c of portfolioCases()) {
    it(`${c.name}: every scenario, IM and MM to 1e-${DIGITS}`, async () => {
      const { account, underlying } = accountOf(c);
      const gross = grossOf(c, underlying);
      const result = await calculator.evaluate(account as Parameters<ScenarioCalculator["evaluate"]>[0]);
      expect(mirrorCalculator(account), "the mirror, to the wei").to.deep.equal(deepArray(result));
      const [risk] = result.initialRisks;
      if (!risk) throw new Error("no result");
      expect(risk.pnl).to.have.length(c.expected.pnl.length);
      c.expected.pnl.forEach((pnl, i) => near(risk.pnl[i] ?? 0n, pnl, gross, `scenario ${i}`));
      near(risk.basis, c.expected.basis, gross, "basis");
      near(result.mtm, c.expected.mtm, gross, "mtm");
      near(result.initial, c.expected.initial, gross, "IM");
      near(result.maintenance, c.expected.maintenance, gross, "MM");
    });
  }
});
