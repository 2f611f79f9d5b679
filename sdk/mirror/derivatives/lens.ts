// What margins see, taken apart: contracts/risk/LedgerLens.sol and ScenarioLens.sol, and the rules beside. All at the low prices of what
// is given; lenses are given mid prices.
import { encodeInstrument, type Instrument } from "../../instruments.ts";
import { mulDivFloor, WAD } from "../fixed.ts";
import type { ModelInput } from "../model.ts";
import { price, timeTerms } from "./black76.ts";
import { bookOf } from "./books.ts";
import { readingsAt, type LedgerReadings } from "./feeds.ts";
import { underlyingGreeks, type UnderlyingGreeks } from "./greeks.ts";
import { evaluateGrid, type UnderlyingRisk } from "./grid.ts";
import type { LedgerMarket } from "./market.ts";
import { weighPortfolio } from "./portfolio.ts";
import { forwardOf, markOf, readLedger, type LiveExpiry, type LiveUnderlying } from "./reader.ts";
import { standardUnderlying, weighStandard, type StandardUnderlying } from "./standard.ts";
import type { Weighed } from "./ledgerModel.ts";

/** A live position. */
export interface PositionView {
  readonly instrument: Instrument;
  readonly word: bigint;
  /** Whole underlyings WAD. */
  readonly size: bigint;
  /** Settlement units WAD per whole underlying; of an option its discounted price. */
  readonly mark: bigint;
  /** Of an option, per √year WAD; of a perp 0. */
  readonly volatility: bigint;
  /** size · mark, rounded down. */
  readonly value: bigint;
}

/** All that an account holds of one underlying. Settlement units WAD unless said otherwise. */
export interface UnderlyingView extends UnderlyingGreeks, UnderlyingRisk {
  readonly number: number;
  readonly index: bigint;
  /** Own spot and vault shares, whole tokens WAD. */
  readonly spotAmount: bigint;
  /** Place of the scenario that loses most, undefined where the basis contingency is worse or nothing loses. */
  readonly worstScenario: number | undefined;
  /** The same under the rules of the standard model, whichever model the account has. */
  readonly standard: StandardUnderlying | undefined;
}

/** What `LedgerLens.ledgerView` answers. */
export interface LedgerView {
  readonly positions: readonly PositionView[];
  /** Of the ledger table's underlyings that the account has spot or positions of. */
  readonly underlyings: readonly UnderlyingView[];
  /** U at the low prices. */
  readonly unsettled: bigint;
  readonly optionValue: bigint;
}

const perpView = (u: LiveUnderlying): PositionView => {
  const instrument: Instrument = { kind: "perp", underlying: u.number };
  const mark = markOf(u, false);
  const value = mulDivFloor(u.perpSize, mark, WAD);
  return { instrument, word: encodeInstrument(instrument), size: u.perpSize, mark, volatility: 0n, value };
};

const optionViews = (u: LiveUnderlying, e: LiveExpiry): PositionView[] => {
  const { moving, fixed } = forwardOf(u, e, false);
  const { rootTime, discount } = timeTerms(e.time, e.feed.rate);
  return e.options.map(({ instrument, strike, size, isCall }) => {
    const volatility = e.volatility(strike);
    const each = price(moving + fixed, strike, (volatility * rootTime) / WAD, isCall);
    const mark = (each * discount) / WAD;
    return {
      instrument,
      word: encodeInstrument(instrument),
      size,
      mark,
      volatility,
      value: mulDivFloor(size, mark, WAD),
    };
  });
};

const worstScenario = ({ pnl, worst, basis }: UnderlyingRisk): number | undefined =>
  worst < basis && worst < 0n ? pnl.indexOf(worst) : undefined;

const listed = (live: readonly LiveUnderlying[]): LiveUnderlying[] => live.filter((u) => u.terms !== undefined);

const riskOf = (u: LiveUnderlying): UnderlyingRisk => {
  if (u.terms === undefined) throw new RangeError(`underlying ${u.number} has no scenarios`);
  return evaluateGrid(bookOf(u, false), u.terms.scenarios, WAD);
};

/** `ScenarioLens.scenarios`: every scenario of each listed underlying, at low prices and unscaled shocks. */
export const scenariosOf = (input: ModelInput, ledger: LedgerMarket, time: bigint): UnderlyingRisk[] =>
  listed(readLedger(input, readingsAt(ledger, time))).map(riskOf);

/**
 * `LedgerLens.explain` with `ScenarioLens.scenarios` and the rules beside: positions, greeks, every scenario, charges. Give it an input of
 * purpose `MID`, or stale feeds are refused.
 */
export const explain = (input: ModelInput, ledger: LedgerMarket, time: bigint): LedgerView =>
  explainReadings(input, readingsAt(ledger, time));

/** {@link explain} under readings that are there already. */
export const explainReadings = (input: ModelInput, readings: LedgerReadings): LedgerView => {
  const live = listed(readLedger(input, readings));
  const positions: PositionView[] = [];
  let [unsettled, optionValue] = [input.quote, 0n];
  const underlyings = live.map((u): UnderlyingView => {
    if (u.perpSize !== 0n) {
      const view = perpView(u);
      unsettled += view.value;
      positions.push(view);
    }
    for (const e of u.expiries) positions.push(...optionViews(u, e));
    const risk = riskOf(u);
    optionValue += risk.optionValue;
    return {
      number: u.number,
      index: u.low,
      spotAmount: u.amount,
      ...underlyingGreeks(bookOf(u, false)),
      ...risk,
      worstScenario: worstScenario(risk),
      standard: standardUnderlying(u, input.settlementPrice, false),
    };
  });
  return { positions, underlyings, unsettled, optionValue };
};

/** An account's margins with what they were added up from: blocks at the side that counts, and the charge on unsettled profit. */
export const weighLedger = (model: 0 | 1, input: ModelInput, ledger: LedgerMarket, time: bigint): Weighed =>
  (model === 0 ? weighStandard : weighPortfolio)(input, readingsAt(ledger, time));
