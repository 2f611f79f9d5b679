// The mirror of perps and options: pure functions, equal to the chain to the wei.
export * as exactBlack76 from "./black76.ts";
export * as exactSvi from "./svi.ts";
export { bookOf, type OptionExpiry, type OptionLeg, type UnderlyingBook } from "./books.ts";
export { feeOf, notionalOf, volumeAt, volumeOfFill, withVolume, type FillLeg } from "./fees.ts";
export {
  expiryFeedAt,
  fixingAt,
  premiumAt,
  readingsAt,
  realisedAt,
  volatilities,
  type ExpiryFeed,
  type Fixing,
  type LedgerReadings,
  type PremiumReading,
  type VolatilityReading,
} from "./feeds.ts";
export { filled, filledOneSide, type Filled, type FilledSide, type FillSide } from "./fills.ts";
export { underlyingGreeks, type UnderlyingGreeks } from "./greeks.ts";
export { evaluateGrid, type UnderlyingRisk } from "./grid.ts";
export {
  fundingIndexAt,
  ledgerOf,
  markAt,
  payoffOfOne,
  pendingOf,
  perpStateAt,
  settleable,
  settled,
  touched,
  unsettledOf,
  type Indices,
  type LedgerAccount,
  type LedgerReckoning,
  type Pending,
} from "./ledger.ts";
export type { BlockSide, Derivatives, Weighed } from "./ledgerModel.ts";
export { explain, scenariosOf, weighLedger, type LedgerView, type PositionView, type UnderlyingView } from "./lens.ts";
export * from "./market.ts";
export { evaluatePortfolio, scalesOf, weighPortfolio } from "./portfolio.ts";
export { readLedger, type LiveExpiry, type LiveOption, type LiveUnderlying } from "./reader.ts";
export { ruleMargins, type ExpiryMargins, type RuleBreakdown, type RuleMargins } from "./rules.ts";
export { evaluateStandard, standardUnderlying, weighStandard, type StandardUnderlying } from "./standard.ts";
export * from "./words.ts";
