// Questions to the mirror: what would become of an account.
export {
  marginCurve,
  pricesBetween,
  stressGrid,
  type CurvePoint,
  type StressCell,
  type StressRequest,
} from "./curves.ts";
export { liquidationPrices, type LiquidationPrices, type SearchOptions } from "./liquidation.ts";
export { marginsOf, type MarginView } from "./margins.ts";
export { movedTo, primaryOf, priceRange, tickOf, withVolatility } from "./moves.ts";
export { payoffCurve, type PayoffPoint, type PayoffRequest } from "./payoff.ts";
export { preview, previewFill, type Change, type FillPreview, type FillRequest, type Preview } from "./preview.ts";
