// The portfolio model on chain (ScenarioCalculator runs the scale's own code) against the exact model over random portfolios: every
// scenario, basis, charges, mtm, IM and MM.
import { expect } from "chai";
import { network } from "hardhat";

import { packScenarioParameters, type ScenarioParameters } from "../sdk/tables/scenarioTable.ts";
import {
  NormalTable__factory,
  ScenarioCalculator__factory,
  type ScenarioCalculator,
} from "../types/ethers-contracts/index.js";
import { margin, type Account, type Margin, type Underlying } from "./helpers/exact/portfolio.ts";
import * as R from "./helpers/exact/real.ts";
import type { Real } from "./helpers/exact/real.ts";
import {
  exactScenarios,
  forScenarios,
  Random,
  randomPortfolio,
  randomScenarios,
  type RandomPortfolio,
} from "./helpers/portfolios.ts";
import { deepArray, mirrorCalculator, type CalculatorAccount } from "./helpers/mirror-parts.ts";

const PORTFOLIOS = 2_000;
const TOGETHER = 25; // calls in flight
/** Half a minute on an idle machine. */
const PATIENCE = 600_000;
const WAD = 10n ** 18n;
/** Error over the gross notional, Σ|size|·max(forward, strike), of all that was summed. */
const RELATIVE = 10n ** 12n;
const UNITS = 4_096n;

interface Case {
  readonly portfolio: RandomPortfolio;
  readonly parameters: readonly ScenarioParameters[];
  readonly scales: readonly { readonly initial: bigint; readonly maintenance: bigint }[];
  readonly group: bigint;
  readonly phi: bigint;
  readonly haircuts: { readonly initial: bigint; readonly maintenance: bigint };
}

function caseOf(seed: number): Case {
  const random = new Random(seed + 1_000_003);
  const portfolio = randomPortfolio(seed);
  const count = portfolio.underlyings.length;
  const grouped = count > 1 && random.oneIn(2);
  const scale = (): bigint => (random.oneIn(3) ? WAD + random.big(2n * WAD) : WAD);
  return {
    portfolio,
    parameters: randomScenarios(random, count),
    scales: Array.from({ length: count }, () => {
      const maintenance = scale();
      return { maintenance, initial: random.oneIn(3) ? maintenance + random.big(WAD) : maintenance };
    }),
    group: grouped ? 7n : 0n,
    phi: grouped ? random.big(WAD + 1n) : 0n,
    haircuts: { initial: random.spread(1n, WAD * 10_000n), maintenance: random.spread(1n, WAD * 10_000n) },
  };
}

function packed(c: Case): CalculatorAccount {
  const { portfolio: p, haircuts } = c;
  return {
    settlementPrice: p.settlementPrice,
    value: p.cash + p.unsettled + p.underlyings.reduce((sum, u) => sum + u.moving, 0n),
    haircutMaintenance: haircuts.maintenance,
    haircutInitial: haircuts.initial,
    underlyings: p.underlyings.map((u, i) => {
      const traded = u.perp.size !== 0n && u.perp.confidence < u.spotConfidence ? u.perp.confidence : u.spotConfidence;
      return {
        parameters: packScenarioParameters(c.parameters[i] as ScenarioParameters),
        group: c.group,
        phi: c.phi,
        scaleInitial: c.scales[i]?.initial ?? WAD,
        scaleMaintenance: c.scales[i]?.maintenance ?? WAD,
        spot: u.spot,
        perpSize: u.perp.size,
        perpMark: u.perp.mark,
        perpConfidence: traded,
        spotValue: u.moving,
        expiries: u.expiries.map((e) => ({
          secondsLeft: e.seconds,
          forwardVar: e.variable,
          forwardFix: e.fixed,
          rate: e.rate,
          confidence: e.confidence < traded ? e.confidence : traded,
          options: e.options.map((o) => ({ strike: o.strike, size: o.size, volatility: o.vol, isCall: o.call })),
        })),
      };
    }),
  };
}

function exact(c: Case): { account: Account; margin: Margin } {
  const members = c.portfolio.underlyings.map((u, i) => ({
    parameters: exactScenarios(c.parameters[i] as ScenarioParameters),
    underlying: {
      ...forScenarios(u),
      scale: {
        initial: R.fromWad(c.scales[i]?.initial ?? WAD),
        maintenance: R.fromWad(c.scales[i]?.maintenance ?? WAD),
      },
    },
  }));
  const account: Account = {
    groups:
      c.group === 0n
        ? members.map((member) => ({ phi: R.ZERO, members: [member] }))
        : [{ phi: R.fromWad(c.phi), members }],
    cash: R.fromWad(c.portfolio.cash),
    unsettled: R.fromWad(c.portfolio.unsettled),
    profitWeight: R.ONE,
    settlementPrice: R.fromWad(c.portfolio.settlementPrice),
  };
  return { account, margin: margin(account) };
}

/** What errors are measured by. */
const grossOf = (u: Underlying): Real =>
  R.mul(R.abs(u.perp.size), u.perp.mark) +
  R.sum(u.balances.map((b) => R.abs(b.value))) +
  R.sum(
    u.expiries.flatMap((e) => e.options.map((o) => R.mul(R.abs(o.size), R.max(e.variable * 4n + e.fixed, o.strike)))),
  );

describe("portfolio model against the exact model", () => {
  let calculator: ScenarioCalculator;

  before(async () => {
    const { ethers } = await network.create();
    const [deployer] = await ethers.getSigners();
    const normal = await new NormalTable__factory(deployer).deploy();
    calculator = await new ScenarioCalculator__factory(deployer).deploy(normal);
  });

  it(`agrees on ${PORTFOLIOS} random portfolios in every number`, async function () {
    this.timeout(PATIENCE);
    let [options, scenarios, full] = [0, 0, 0];
    let worst = 0n;
    for (let at = 0; at < PORTFOLIOS; at += TOGETHER) {
      const cases = Array.from({ length: TOGETHER }, (_, i) => caseOf(at + i));
      const results = await Promise.all(
        cases.map((c) => calculator.evaluate(packed(c) as Parameters<ScenarioCalculator["evaluate"]>[0])),
      );
      cases.forEach((c, i) => {
        const result = results[i];
        if (!result) throw new Error("no result");
        expect(mirrorCalculator(packed(c)), `mirror of portfolio ${at + i}`).to.deep.equal(deepArray(result));
        const { account, margin: expected } = exact(c);
        const members = account.groups.flatMap((g) => g.members);
        const all = R.toWad(R.sum(members.map((m) => grossOf(m.underlying))));
        const near = (actual: bigint, wanted: Real, gross: bigint, what: string): void => {
          const off = actual - R.toWad(wanted);
          const size = off < 0n ? -off : off;
          const message = `${what} of portfolio ${at + i}: ${actual} instead of ${R.toWad(wanted)}, gross ${gross}`;
          expect(size <= gross / RELATIVE + UNITS, message).to.equal(true);
          if (size > UNITS && gross > 0n && (size * 10n ** 18n) / gross > worst) worst = (size * 10n ** 18n) / gross;
        };
        for (const side of ["initial", "maintenance"] as const) {
          const risks = side === "initial" ? result.initialRisks : result.maintenanceRisks;
          const evaluations = (side === "initial" ? expected.initially : expected.maintained).flat();
          risks.forEach((risk, k) => {
            const evaluation = evaluations[k];
            const member = members[k];
            if (!evaluation || !member) throw new Error("too many underlyings");
            const gross = R.toWad(grossOf(member.underlying));
            expect(risk.pnl).to.have.length(evaluation.pnl.length);
            evaluation.pnl.forEach((pnl, n) => near(risk.pnl[n] ?? 0n, pnl, gross, `${side}, scenario ${n}`));
            near(risk.basis, evaluation.basis, gross, `${side}, basis`);
            scenarios += evaluation.pnl.length;
          });
        }
        near(result.worstInitial, expected.worstInitial, all, "W of IM");
        near(result.worstMaintenance, expected.worstMaintenance, all, "W of MM");
        near(result.mtm, expected.mtm, all, "mtm");
        const haircuts = R.fromWad(c.haircuts.maintenance);
        near(result.maintenance, expected.maintenance - haircuts, all, "MM");
        near(result.initial, expected.initial - haircuts - R.fromWad(c.haircuts.initial), all, "IM");
        const count = c.portfolio.underlyings.reduce((n, u) => u.expiries.reduce((m, e) => m + e.options.length, n), 0);
        options += count;
        if (count === 128) full++;
      });
    }
    console.log(
      `      ${options} options, ${scenarios} scenarios, ${full} full accounts; largest error ${worst}e-18 of gross`,
    );
    expect(full).to.be.greaterThan(0);
  });
});
