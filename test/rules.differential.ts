// StandardRules against the exact model over random portfolios: right to the rounding, and every rounding against the account.
import { expect } from "chai";
import { network } from "hardhat";

import {
  packRuleParameters,
  REFERENCE_RULES,
  unpackRuleParameters,
  type RuleParameters,
} from "../sdk/tables/ruleTable.ts";
import { RulesHarness__factory, type RulesHarness } from "../types/ethers-contracts/index.js";
import * as R from "./helpers/exact/real.ts";
import { margin } from "./helpers/exact/standard.ts";
import { deepArray, mirrorRules, type HarnessPortfolio } from "./helpers/mirror-parts.ts";
import {
  exactRules,
  forRules,
  markDown,
  Random,
  randomPortfolio,
  type RandomPortfolio,
  type RandomUnderlying,
} from "./helpers/portfolios.ts";

const PORTFOLIOS = 2_000;
const TOGETHER = 20; // portfolios of one call, under one set of rules
/** Seconds on an idle machine. */
const PATIENCE = 600_000;
const WAD = 10n ** 18n;

/** Any rules that `requireSane` lets through. */
function randomRules(random: Random): RuleParameters {
  const c = 1 + random.int(2_000);
  const b = c + random.int(2_000);
  const unpaired = 10_000 + random.int(5_000);
  const small = BigInt(random.int(10_000_000));
  return {
    perpMaintenanceBps: 1 + random.int(2_000),
    perpInitialExtraBps: random.int(2_000),
    brackets: [
      { size: small, addOnBps: random.int(3_000) },
      { size: small + BigInt(random.int(100_000_000)), addOnBps: random.int(3_000) },
    ],
    kappaBps: random.int(10_001),
    aBps: b + random.int(3_000),
    bBps: b,
    cBps: c,
    dBps: random.int(10_001),
    eBps: 10_000 + random.int(5_000),
    unpairedInitialBps: unpaired + random.int(3_000),
    unpairedMaintenanceBps: unpaired,
    confidenceThresholdBps: random.int(10_001),
    confidenceFactorBps: random.int(20_000),
    pegThresholdBps: random.int(10_001),
    pegFactorBps: random.int(20_000),
  };
}

const packed = (u: RandomUnderlying) => ({
  spot: u.spot,
  spotConfidence: u.spotConfidence,
  perpSize: u.perp.size,
  perpMark: u.perp.mark,
  perpConfidence: u.perp.confidence,
  openInterest: u.perp.openInterest,
  slowOpenInterest: u.perp.slowOpenInterest,
  expiries: u.expiries.map((e) => ({
    forward: e.variable + e.fixed,
    confidence: e.confidence,
    options: e.options.map((o) => ({ strike: o.strike, size: o.size, value: markDown(e, o), call: o.call })),
  })),
});

/** Each charge is rounded by less than one unit; a multiple of one (e ≤ 1.5) by less than two. */
const roundings = (u: RandomUnderlying): bigint =>
  u.expiries.reduce((n, e) => n + 4n + 4n * BigInt(e.options.length), 10n);

describe("rules of the standard model against the exact model", () => {
  let harness: RulesHarness;

  before(async () => {
    const { ethers } = await network.create();
    const [deployer] = await ethers.getSigners();
    harness = await new RulesHarness__factory(deployer).deploy();
  });

  it("packs and unpacks rules without loss, and reads every field where it is", async () => {
    for (let i = 0; i < 50; i++) {
      const rules = randomRules(new Random(i));
      const bytes = packRuleParameters(rules);
      expect(packRuleParameters(unpackRuleParameters(bytes))).to.equal(bytes);
      await harness.requireSane(bytes);
      const fields = (await harness.fields(bytes)).map(Number);
      const [first, second] = rules.brackets ?? [];
      expect(fields).to.deep.equal([
        rules.perpMaintenanceBps,
        rules.perpInitialExtraBps,
        Number(first?.size),
        first?.addOnBps,
        Number(second?.size),
        second?.addOnBps,
        rules.kappaBps,
        rules.aBps,
        rules.bBps,
        rules.cBps,
        rules.dBps,
        rules.eBps,
        rules.unpairedInitialBps,
        rules.unpairedMaintenanceBps,
        rules.confidenceThresholdBps,
        rules.confidenceFactorBps,
        rules.pegThresholdBps,
        rules.pegFactorBps,
      ]);
    }
    expect(() => packRuleParameters({ ...REFERENCE_RULES, aBps: 65_536 })).to.throw(
      "aBps = 65536 does not fit 16 bits",
    );
  });

  it(`agrees on ${PORTFOLIOS} random portfolios to the unit, never in the account's favour`, async function () {
    this.timeout(PATIENCE);
    let [underlyings, options, full] = [0, 0, 0];
    for (let at = 0; at < PORTFOLIOS; at += TOGETHER) {
      const rules = at === 0 ? REFERENCE_RULES : randomRules(new Random(at));
      const portfolios = Array.from({ length: TOGETHER }, (_, i): RandomPortfolio => randomPortfolio(at + i));
      const members = portfolios.flatMap((p) => p.underlyings);
      const settlementPrice = (portfolios[0] as RandomPortfolio).settlementPrice;
      const bytes = `0x${packRuleParameters(rules).slice(2).repeat(members.length)}`;
      const given = members.map(packed);
      const results = await harness.margins(given, bytes, settlementPrice);
      members.forEach((u, i) => {
        const mirrored = mirrorRules(given[i] as HarnessPortfolio, bytes, settlementPrice);
        expect(mirrored, `mirror of underlying ${i} from portfolio ${at}`).to.deep.equal(deepArray(results[i]));
        const expected = margin(exactRules(rules), forRules(u), R.fromWad(settlementPrice));
        for (const side of ["initial", "maintenance"] as const) {
          const actual = results[i]?.[side] ?? 0n;
          const exact = (expected[side] * WAD) >> R.BITS;
          const message = `${side} of underlying ${i} from portfolio ${at}: ${actual} for ${exact}`;
          expect(actual <= exact + 1n && actual >= exact - roundings(u), message).to.equal(true);
        }
        underlyings++;
        const count = u.expiries.reduce((n, e) => n + e.options.length, 0);
        options += count;
        if (count === 128) full++;
      });
    }
    console.log(`      ${underlyings} underlyings with ${options} options, ${full} of them with 128`);
    expect(full).to.be.greaterThan(0);
  });
});
