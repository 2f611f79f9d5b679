// The standard model: contracts/risk/StandardModel.sol.
import type { Margins, ModelInput } from "../model.ts";
import { price, timeTerms } from "./black76.ts";
import { readingsAt, type LedgerReadings } from "./feeds.ts";
import { weighBlocks, type BlockModel, type Weighed } from "./ledgerModel.ts";
import type { LedgerMarket } from "./market.ts";
import { min, mulDivFloor, WAD, WAD2 } from "../fixed.ts";
import { forwardOf, markOf, priceOf, type LiveExpiry, type LiveUnderlying } from "./reader.ts";
import { ruleMargins, type RuleBreakdown, type RuleExpiry, type RulePortfolio } from "./rules.ts";

const expiryOf = (u: LiveUnderlying, e: LiveExpiry, high: boolean): RuleExpiry => {
  const { moving, fixed } = forwardOf(u, e, high);
  const forward = moving + fixed;
  const { rootTime, discount } = timeTerms(e.time, e.feed.rate);
  return {
    expiry: e.expiry,
    forward,
    confidence: min(e.feed.forwardConfidence, e.feed.volConfidence),
    options: e.options.map(({ strike, size, isCall }) => {
      const deviation = (e.volatility(strike) * rootTime) / WAD;
      const each = price(forward, strike, deviation, isCall);
      return { strike, size, isCall, value: mulDivFloor(size * each, discount, WAD2) };
    }),
  };
};

/** What an underlying is to the rules, at one side; the value of its options. */
const portfolioOf = (u: LiveUnderlying, high: boolean): RulePortfolio => ({
  spot: priceOf(u, high),
  // a frozen market's mark moves no more: nothing to ask for
  perp:
    u.perp === undefined || u.perpSize === 0n || u.perp.frozenMark !== 0n
      ? undefined
      : {
          size: u.perpSize,
          mark: markOf(u, high),
          confidence: u.perp.confidence,
          openInterest: u.perp.openInterest,
          slowOpenInterest: u.perp.slowOpenInterest,
        },
  expiries: u.expiries.map((e) => expiryOf(u, e, high)),
});

/** An underlying's requirement under the rules at one side of its prices, taken apart. */
export interface StandardUnderlying extends RuleBreakdown {
  readonly number: number;
  /** Of the options, at mark, rounded down leg by leg. */
  readonly value: bigint;
}

/** Margins of one underlying by the rules. */
export const standardUnderlying = (
  u: LiveUnderlying,
  settlementPrice: bigint,
  high: boolean,
): StandardUnderlying | undefined => {
  if (u.terms === undefined || (u.perpSize === 0n && u.expiries.length === 0)) return undefined;
  const portfolio = portfolioOf(u, high);
  const value = portfolio.expiries.reduce((sum, e) => e.options.reduce((s, o) => s + o.value, sum), 0n);
  return { number: u.number, value, ...ruleMargins(portfolio, u.terms.rules, settlementPrice) };
};

/** Under readings that are there already; with the blocks that it was added up from. */
export const weighStandard = (input: ModelInput, readings: LedgerReadings): Weighed => {
  const model: BlockModel = (members, high) => {
    let [initial, maintenance, value] = [0n, 0n, 0n];
    for (const u of members) {
      const m = standardUnderlying(u, input.settlementPrice, high);
      if (m === undefined) continue;
      initial += m.initial;
      maintenance += m.maintenance;
      value += m.value;
    }
    return { initial, maintenance, value };
  };
  return weighBlocks(input, readings, model);
};

/** The margins of an account of model 0 with perps, options or a quote: `StandardModel.evaluate` in a block at `time`. */
export const evaluateStandard = (input: ModelInput, ledger: LedgerMarket, time: bigint): Margins =>
  weighStandard(input, readingsAt(ledger, time)).margins;
