// The portfolio model: contracts/risk/PortfolioModel.sol and ScenarioMargin.sol.
import { INITIAL, LIQUIDATION, type Margins, type ModelInput, type Purpose } from "../model.ts";
import { bookOf } from "./books.ts";
import { readingsAt, type LedgerReadings } from "./feeds.ts";
import { evaluateGrid, type UnderlyingRisk } from "./grid.ts";
import { weighBlocks, type BlockModel, type Derivatives, type Weighed } from "./ledgerModel.ts";
import type { LedgerMarket, LedgerUnderlying } from "./market.ts";
import { Refused } from "../errors.ts";
import { BPS, max, min, mulDivFloor, mulDivUp, WAD } from "../fixed.ts";
import type { LiveUnderlying } from "./reader.ts";
import type { ScenarioTerms } from "./terms.ts";

/** An underlying's risk, its product group (0 = alone) and the group's φ, WAD. */
export interface GroupedRisk {
  readonly risk: UnderlyingRisk;
  readonly group: number;
  readonly phi: bigint;
}

/** Sum of the members' worst, and the worst of their sums. */
const groupWorst = (members: readonly UnderlyingRisk[], group: number): readonly [apart: bigint, together: bigint] => {
  let [apart, together] = [0n, 0n];
  const sums: bigint[] = [];
  const length = members[0]?.pnl.length;
  for (const risk of members) {
    if (risk.pnl.length !== length) throw new Refused("ScenarioListsDiffer", BigInt(group));
    apart += risk.worst;
    together += risk.basis;
    risk.pnl.forEach((pnl, i) => (sums[i] = (sums[i] ?? 0n) + pnl));
  }
  for (const sum of sums) together = min(together, sum);
  return [apart, together];
};

/** W: Σ over groups of (1 − φ)·Σ W_u + φ·min(min_i Σ PnL_u,i, Σ basis_u), rounded down. φ is that of the group's first member. */
export const worstOf = (risks: readonly GroupedRisk[]): bigint => {
  let total = 0n;
  risks.forEach(({ risk, group, phi }, i) => {
    if (group === 0 || phi === 0n) {
      total += risk.worst;
    } else if (risks.findIndex((r) => r.group === group) === i) {
      const members = risks.filter((r, j) => j >= i && r.group === group).map((r) => r.risk);
      const [apart, together] = groupWorst(members, group);
      total += mulDivFloor(apart, WAD - phi, WAD) + mulDivFloor(together, phi, WAD);
    }
  });
  return total;
};

/** An account's sums, settlement units WAD. */
export interface MarginTerms {
  /** USD WAD per settlement token. */
  readonly settlementPrice: bigint;
  /** W; it differs from `maintenance`'s only while shocks of different scale are in force. */
  readonly worstInitial: bigint;
  readonly worstMaintenance: bigint;
  readonly chargeInitial: bigint;
  readonly chargeMaintenance: bigint;
  /** Cash, U and option values included. */
  readonly mtm: bigint;
}

/** mm·W − C_MM + mtm and im·W − C_IM − C_MM + mtm, both rounded down. A settlement asset below the peg's threshold raises im. */
export const scenarioMargins = (
  t: Pick<ScenarioTerms, "lossInitial" | "lossMaintenance" | "pegThreshold" | "pegFactor">,
  x: MarginTerms,
): { readonly initial: bigint; readonly maintenance: bigint } => {
  let factor = t.lossInitial;
  if (x.settlementPrice < t.pegThreshold) {
    factor += mulDivUp(t.pegThreshold - x.settlementPrice, t.pegFactor, WAD);
  }
  const rest = x.mtm - x.chargeMaintenance;
  return {
    maintenance: mulDivFloor(x.worstMaintenance, t.lossMaintenance, WAD) + rest,
    initial: mulDivFloor(x.worstInitial, factor, WAD) + rest - x.chargeInitial,
  };
};

/** g = clamp(realised ÷ reference, 1, g_max): of what is seen now, and of what moves slowly. WAD. */
export const scalesOf = (
  terms: LedgerUnderlying,
  readings: LedgerReadings,
): { readonly g: bigint; readonly slow: bigint } => {
  const reference = terms.referenceVolatilityBps;
  if (reference === 0n) return { g: WAD, slow: WAD };
  const { sigma, slow: slowSigma } = readings.realised(terms.number);
  const most = (terms.maxScaleBps * WAD) / BPS;
  const g = min(max((sigma * BPS) / reference, WAD), most);
  const slow = min(max((slowSigma * BPS) / reference, WAD), most);
  // `initial` never asks for less than `maintenance`
  return { g: max(g, slow), slow };
};

interface RiskPair {
  readonly terms: LedgerUnderlying;
  readonly initial: GroupedRisk;
  readonly maintenance: GroupedRisk;
}

/** The scenarios of one underlying; at mid with both scales of the shocks, if they differ. */
const riskOf = (u: LiveUnderlying, purpose: Purpose, readings: LedgerReadings, high: boolean): RiskPair | undefined => {
  const { terms } = u;
  if (terms === undefined) return undefined;
  const book = bookOf(u, high);
  if (book.spot === 0n) return undefined;
  const { group } = terms;
  const phi = (terms.phiBps * WAD) / BPS;
  const { g, slow } = scalesOf(terms, readings);
  const risk = evaluateGrid(book, terms.scenarios, purpose === LIQUIDATION ? slow : g);
  const both = purpose !== INITIAL && purpose !== LIQUIDATION && g !== slow;
  const maintained = both ? evaluateGrid(book, terms.scenarios, slow) : risk;
  return { terms, initial: { risk, group, phi }, maintenance: { risk: maintained, group, phi } };
};

const NOTHING: Derivatives = { initial: 0n, maintenance: 0n, value: 0n };

const sum = (pairs: readonly RiskPair[], settlementPrice: bigint): Derivatives => {
  const last = pairs.at(-1);
  if (last === undefined) return NOTHING;
  let [chargeInitial, chargeMaintenance, value] = [0n, 0n, 0n];
  for (const { initial } of pairs) {
    chargeInitial += initial.risk.chargeInitial;
    chargeMaintenance += initial.risk.chargeMaintenance;
    value += initial.risk.optionValue;
  }
  const margins = scenarioMargins(last.terms.scenarios, {
    settlementPrice,
    worstInitial: worstOf(pairs.map((p) => p.initial)),
    worstMaintenance: worstOf(pairs.map((p) => p.maintenance)),
    chargeInitial,
    chargeMaintenance,
    mtm: value,
  });
  return { ...margins, value };
};

/** Under readings that are there already; with the blocks that it was added up from. */
export const weighPortfolio = (input: ModelInput, readings: LedgerReadings): Weighed => {
  const model: BlockModel = (members, high) =>
    sum(
      members.map((u) => riskOf(u, input.purpose, readings, high)).filter((pair) => pair !== undefined),
      input.settlementPrice,
    );
  return weighBlocks(input, readings, model);
};

/** The margins of an account of model 1: `PortfolioModel.evaluate` in a block at `time`. */
export const evaluatePortfolio = (input: ModelInput, ledger: LedgerMarket, time: bigint): Margins =>
  weighPortfolio(input, readingsAt(ledger, time)).margins;
