// The models' inner doors (ScenarioCalculator, RulesHarness) as the mirror has them, on the very structures that those are called with.
import { evaluateGrid, type UnderlyingRisk } from "../../sdk/mirror/derivatives/grid.ts";
import { legsOf, type UnderlyingBook } from "../../sdk/mirror/derivatives/books.ts";
import { scenarioMargins, worstOf } from "../../sdk/mirror/derivatives/portfolio.ts";
import { ruleMargins } from "../../sdk/mirror/derivatives/rules.ts";
import type { RuleTerms, ScenarioTerms } from "../../sdk/mirror/derivatives/terms.ts";
import { decodeRuleTerms, decodeScenarioTerms } from "../../sdk/mirror/derivatives/words.ts";

type Numeric = bigint | number | string;
const big = (x: unknown): bigint => BigInt(x as Numeric);

const wordsOf = (bytes: string): bigint[] => (bytes.slice(2).match(/.{64}/g) ?? []).map((w) => BigInt(`0x${w}`));

export const scenarioTerms = (bytes: string): ScenarioTerms => {
  const words = wordsOf(bytes);
  return decodeScenarioTerms((i) => words[i] ?? 0n);
};

/** A number as typechain asks for it, or as ethers gives it. */
type Wide = Numeric | { toString(): string };

interface CalculatorUnderlying {
  readonly parameters: unknown;
  readonly group: Wide;
  readonly phi: Wide;
  readonly scaleInitial: Wide;
  readonly scaleMaintenance: Wide;
  readonly spot: Wide;
  readonly perpSize: Wide;
  readonly perpMark: Wide;
  readonly perpConfidence: Wide;
  readonly spotValue: Wide;
  readonly expiries: readonly {
    readonly secondsLeft: Wide;
    readonly forwardVar: Wide;
    readonly forwardFix: Wide;
    readonly rate: Wide;
    readonly confidence: Wide;
    readonly options: readonly {
      readonly strike: Wide;
      readonly size: Wide;
      readonly volatility: Wide;
      readonly isCall: boolean;
    }[];
  }[];
}

export interface CalculatorAccount {
  readonly settlementPrice: Wide;
  readonly value: Wide;
  readonly haircutMaintenance: Wide;
  readonly haircutInitial: Wide;
  readonly underlyings: readonly CalculatorUnderlying[];
}

const bookOf = (u: CalculatorUnderlying): UnderlyingBook => ({
  spot: big(u.spot),
  perpSize: big(u.perpSize),
  perpMark: big(u.perpMark),
  perpConfidence: big(u.perpConfidence),
  spotValue: big(u.spotValue),
  expiries: u.expiries.map((e) => {
    const options = e.options.map((o) => ({ strike: big(o.strike), size: big(o.size), isCall: o.isCall }));
    // the last one given for a strike counts
    const sigmas = new Map(e.options.map((o) => [big(o.strike), big(o.volatility)]));
    return {
      secondsLeft: big(e.secondsLeft),
      forwardVar: big(e.forwardVar),
      forwardFix: big(e.forwardFix),
      rate: big(e.rate),
      confidence: big(e.confidence),
      legs: legsOf(options, (strike) => sigmas.get(strike) ?? 0n),
    };
  }),
});

const risk = (r: UnderlyingRisk): unknown[] => [
  [...r.pnl],
  r.basis,
  r.worst,
  r.optionValue,
  r.chargeMaintenance,
  r.chargeInitial,
];

/** `ScenarioCalculator.evaluate`, its result as nested arrays. */
export function mirrorCalculator(account: CalculatorAccount): unknown[] {
  const members = account.underlyings.map((u) => {
    const terms = scenarioTerms(u.parameters as string);
    const book = bookOf(u);
    return {
      terms,
      group: Number(u.group),
      phi: big(u.phi),
      maintenance: evaluateGrid(book, terms, big(u.scaleMaintenance)),
      initial: evaluateGrid(book, terms, big(u.scaleInitial)),
    };
  });
  const total = (of: (m: (typeof members)[number]) => bigint): bigint => members.reduce((sum, m) => sum + of(m), 0n);
  const mtm = big(account.value) + total((m) => m.initial.optionValue);
  const terms = {
    settlementPrice: big(account.settlementPrice),
    worstInitial: worstOf(members.map(({ initial, group, phi }) => ({ risk: initial, group, phi }))),
    worstMaintenance: worstOf(members.map(({ maintenance, group, phi }) => ({ risk: maintenance, group, phi }))),
    chargeInitial: big(account.haircutInitial) + total((m) => m.initial.chargeInitial),
    chargeMaintenance: big(account.haircutMaintenance) + total((m) => m.maintenance.chargeMaintenance),
    mtm,
  };
  const first = members[0];
  if (first === undefined) throw new Error("an account without underlyings");
  const { initial, maintenance } = scenarioMargins(first.terms, terms);
  return [
    initial,
    maintenance,
    mtm,
    terms.worstInitial,
    terms.worstMaintenance,
    members.map((m) => risk(m.initial)),
    members.map((m) => risk(m.maintenance)),
  ];
}

export interface HarnessPortfolio {
  readonly spot: Wide;
  readonly spotConfidence: Wide;
  readonly perpSize: Wide;
  readonly perpMark: Wide;
  readonly perpConfidence: Wide;
  readonly openInterest: Wide;
  readonly slowOpenInterest: Wide;
  readonly expiries: readonly {
    readonly forward: Wide;
    readonly confidence: Wide;
    readonly options: readonly {
      readonly strike: Wide;
      readonly size: Wide;
      readonly value: Wide;
      readonly call: boolean;
    }[];
  }[];
}

export const ruleTerms = (bytes: string): RuleTerms => {
  const [first, second] = wordsOf(bytes);
  return decodeRuleTerms(first ?? 0n, second ?? 0n);
};

/** One of `RulesHarness.margins`: initial and maintenance. */
export function mirrorRules(p: HarnessPortfolio, rules: string, settlementPrice: bigint): readonly [bigint, bigint] {
  const size = big(p.perpSize);
  const { initial, maintenance } = ruleMargins(
    {
      spot: big(p.spot),
      spotConfidence: big(p.spotConfidence),
      perp:
        size === 0n
          ? undefined
          : {
              size,
              mark: big(p.perpMark),
              confidence: big(p.perpConfidence),
              openInterest: big(p.openInterest),
              slowOpenInterest: big(p.slowOpenInterest),
            },
      expiries: p.expiries.map((e) => ({
        expiry: 0,
        forward: big(e.forward),
        confidence: big(e.confidence),
        options: e.options.map((o) => ({
          strike: big(o.strike),
          size: big(o.size),
          value: big(o.value),
          isCall: o.call,
        })),
      })),
    },
    ruleTerms(rules),
    settlementPrice,
  );
  return [initial, maintenance];
}

/** What ethers answers, as nested arrays. */
export const deepArray = (value: unknown): unknown =>
  Array.isArray(value) ? [...(value as unknown[])].map(deepArray) : value;
