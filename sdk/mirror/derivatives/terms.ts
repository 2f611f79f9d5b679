// The records of one underlying in the ledger table, as numbers to reckon with.

/** The rules of the standard model (contracts/risk/RuleWords.sol). Basis points; sizes in whole settlement units. */
export interface RuleTerms {
  readonly perpMaintenance: bigint;
  readonly perpInitialExtra: bigint;
  readonly size1: bigint;
  readonly addOn1: bigint;
  readonly size2: bigint;
  readonly addOn2: bigint;
  readonly kappa: bigint;
  readonly a: bigint;
  readonly b: bigint;
  readonly c: bigint;
  readonly d: bigint;
  readonly e: bigint;
  readonly unpairedInitial: bigint;
  readonly unpairedMaintenance: bigint;
  readonly confidenceThreshold: bigint;
  readonly confidenceFactor: bigint;
  readonly pegThreshold: bigint;
  readonly pegFactor: bigint;
}

/** A repricing that at least one scenario needs. */
export interface ScenarioCell {
  /** WAD. */
  readonly weight: bigint;
  /** Spot factor s, WAD. */
  readonly factor: bigint;
  /** Place in the scenario list; 255: only base or basis. */
  readonly place: number;
  /** (ln s + 8)·2^27 */
  readonly log: bigint;
}

export const NO_SCENARIO = 255;

/** The scenarios of the portfolio model (contracts/risk/ScenarioTable.sol). WAD. */
export interface ScenarioTerms {
  /** Length of the scenario list. */
  readonly scenarios: number;
  /** Cells of the rules up, none, down, linear, abs: so many of each, in this order. */
  readonly counts: readonly number[];
  readonly cells: readonly ScenarioCell[];
  readonly baseCell: number;
  readonly basisUpCell: number;
  readonly basisDownCell: number;
  readonly rangeUp: bigint;
  readonly leastVolatility: bigint;
  readonly rangeDown: bigint;
  readonly daysFloor: bigint;
  readonly shortPower: bigint;
  readonly longPower: bigint;
  /** B₊, m_L, a_L. */
  readonly gain: { readonly base: bigint; readonly mult: bigint; readonly add: bigint };
  /** B₋, m_S, a_S. */
  readonly loss: { readonly base: bigint; readonly mult: bigint; readonly add: bigint };
  /** Of the rules linear and abs. */
  readonly skews: readonly [
    { readonly base: bigint; readonly scale: bigint },
    { readonly base: bigint; readonly scale: bigint },
  ];
  readonly minKStar: bigint;
  readonly minWidthScale: bigint;
  readonly volStatic: bigint;
  readonly volScale: bigint;
  readonly basisAdd: bigint;
  readonly basisMult: bigint;
  readonly confidenceThreshold: bigint;
  readonly confidenceMargin: bigint;
  readonly perpMaintenance: bigint;
  readonly perpInitialExtra: bigint;
  readonly optionMaintenance: bigint;
  readonly optionInitialExtra: bigint;
  readonly lossMaintenance: bigint;
  readonly lossInitial: bigint;
  readonly pegThreshold: bigint;
  readonly pegFactor: bigint;
}
