// Both margin models of an underlying from the few numbers in which one underlying differs from another. The rest are the
// defaults of this project; docs/risk-parameters.md says what each is for.
import type { RuleParameters } from "../../sdk/tables/ruleTable.ts";
import type { ScenarioParameters } from "../../sdk/tables/scenarioTable.ts";
import { scenarioList, type Tail } from "./grids.ts";
import { type BasisPoints, percent } from "./types.ts";

export interface ModelSettings {
  /** Part of the notional that a perp needs in `maintenance`, and what `initial` adds. */
  perp: { maintenance: BasisPoints; initialExtra: BasisPoints };
  /** Perp notional (whole settlement units) above which the ratio rises. */
  brackets: RuleParameters["brackets"] & object;
  /** The brackets' input is at least this part of the open interest. */
  kappa: BasisPoints;
  /** Short options under the rules: part of the spot at the money, far out of it, and in `maintenance`. */
  option: { atTheMoney: BasisPoints; least: BasisPoints; maintenance: BasisPoints };
  /** Spot moves of the scenarios: four steps either way. */
  step: number;
  tails: readonly Tail[];
  /** σ that the rule "up" reaches at least. */
  leastVolatility: number;
}

const rulesOf = ({ perp, brackets, kappa, option }: ModelSettings): RuleParameters => ({
  perpMaintenanceBps: perp.maintenance,
  perpInitialExtraBps: perp.initialExtra,
  brackets,
  kappaBps: kappa,
  aBps: option.atTheMoney,
  bBps: option.least,
  cBps: option.maintenance,
  dBps: option.maintenance,
  eBps: percent(105),
  unpairedInitialBps: percent(120),
  unpairedMaintenanceBps: percent(110),
  confidenceThresholdBps: percent(50),
  confidenceFactorBps: percent(50),
  pegThresholdBps: percent(98),
  pegFactorBps: percent(150),
});

const scenariosOf = ({ step, tails, leastVolatility }: ModelSettings): ScenarioParameters => ({
  scenarios: scenarioList(step, tails),
  volatility: {
    rangeUp: "0.5",
    least: leastVolatility,
    rangeDown: "0.3",
    daysFloor: "1",
    shortPower: "0.3",
    longPower: "0.125",
  },
  discount: {
    gain: { base: "0.96", mult: "1", add: "0.06" },
    loss: { base: "1.03", mult: "0.5", add: "0.06" },
  },
  skew: {
    linear: { base: "-0.05", scale: "0.15" },
    abs: { base: "-0.05", scale: "0.15" },
    minKStar: "0.01",
    minWidthScale: "4",
    volStatic: "0.6",
    volScale: "-0.1",
  },
  basis: { up: 1 + step, down: 1 - step, add: "0.4", mult: "1.6" },
  confidence: { threshold: "0.5", margin: "1" },
  perp: { maintenance: "0.02", initialExtra: "0.01" },
  option: { maintenance: "0.004", initialExtra: "0.003" },
  lossFactor: { maintenance: "0.8", initial: "1" },
  peg: { threshold: "0.98", factor: "2" },
});

/** The rules of the standard model and the scenarios of the portfolio model. */
export const marginModels = (settings: ModelSettings) => ({
  rules: rulesOf(settings),
  scenarios: scenariosOf(settings),
});
