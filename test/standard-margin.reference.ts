// The published cases of the rule-based model on chain, through the harness of its rules. Cash, U and collateral are added here:
// they are the spot part's and the ledger's.
import { expect } from "chai";
import { network } from "hardhat";

import { packRuleParameters } from "../sdk/tables/ruleTable.ts";
import { RulesHarness__factory, type RulesHarness } from "../types/ethers-contracts/index.js";
import * as R from "./helpers/exact/real.ts";
import type { Real } from "./helpers/exact/real.ts";
import { deepArray, mirrorRules, type HarnessPortfolio } from "./helpers/mirror-parts.ts";
import { missingReferences, standardCases, type StandardCase } from "./helpers/references.ts";

const DIGITS = 9;

function near(actual: Real, expected: Real, what: string): void {
  const allowed = R.max(R.abs(expected), R.ONE) / 10n ** BigInt(DIGITS);
  const message = `${what}: ${R.toNumber(actual)} instead of ${R.toNumber(expected)}`;
  expect(R.abs(actual - expected) <= allowed, message).to.equal(true);
}

const portfolios = (c: StandardCase) =>
  c.underlyings.map((u) => ({
    spot: R.toWad(u.spot),
    spotConfidence: R.toWad(u.spotConfidence),
    perpSize: R.toWad(u.perp.size),
    perpMark: R.toWad(u.perp.mark),
    perpConfidence: R.toWad(u.perp.confidence),
    openInterest: 0n,
    slowOpenInterest: 0n,
    expiries: u.expiries.map((e) => ({
      forward: R.toWad(e.forward),
      confidence: R.toWad(e.confidence),
      options: e.legs.map((l) => ({
        strike: R.toWad(l.strike),
        size: R.toWad(l.size),
        value: R.toWad(l.value),
        call: l.call,
      })),
    })),
  }));

describe("standard model against the published cases", () => {
  const missing = missingReferences();
  if (missing !== null) {
    it("has nothing to compare with", function () {
      console.log(`      skipped: ${missing}`);
      this.skip();
    });
    return;
  }

  let harness: RulesHarness;

  before(async () => {
    const { ethers } = await network.create();
    const [deployer] = await ethers.getSigners();
    harness = await new RulesHarness__factory(deployer).deploy();
  });

  for (const c of standardCases()) {
    it(`${c.name}: IM and MM to 1e-${DIGITS}`, async () => {
      const [packed, given] = [packRuleParameters(c.rules), portfolios(c)];
      const rules = `0x${packed.slice(2).repeat(c.underlyings.length)}`;
      const results = await harness.margins(given, rules, R.toWad(c.settlementPrice));
      const mirrored = c.underlyings.map((_, i) =>
        mirrorRules(given[i] as HarnessPortfolio, packed, R.toWad(c.settlementPrice)),
      );
      expect(mirrored, "the mirror, to the wei").to.deep.equal(deepArray(results));
      const total = (side: "initial" | "maintenance"): Real => R.sum(results.map((r) => R.fromWad(r[side])));
      near(c.rest.initial + total("initial"), c.expected.initial, "IM");
      near(c.rest.maintenance + total("maintenance"), c.expected.maintenance, "MM");
    });
  }
});
