/**
 * Exact margin maths of Plimsoll in pure bigint functions: no I/O, no provider, equal to the chain to the wei. `weigh` says what the
 * engine says; `act` does what the safe's doors do; the analysis answers what would become of an account.
 *
 * @packageDocumentation
 */
export * from "./account.ts";
export { act, tryAct, type Action, type After, type BidRequest, type BidResult, type Trial } from "./actions/act.ts";
export { reservedOf } from "./actions/session.ts";
export {
  idleAsset,
  isPool,
  KIND_IDLE,
  KIND_POOL,
  KIND_VAULT_SHARE,
  kindOf,
  numberOf,
  poolAsset,
  SETTLEMENT,
  underlyingAsset,
  vaultShareAsset,
} from "./assets.ts";
export * from "./auction.ts";
export * from "./derivatives/index.ts";
export { attempt, Refused, type ErrorArgument, type Outcome } from "./errors.ts";
export { BPS, expWad, lnWad, mulDivCeil, mulDivDown, mulDivFloor, mulDivUp, sqrtWad, WAD, YEAR } from "./fixed.ts";
export { modelInput } from "./input.ts";
export {
  adaptiveRates,
  growthDown,
  growthUp,
  kinkedRate,
  modelRates,
  TARGET_UTILISATION,
  type Rates,
} from "./interest.ts";
export * from "./market.ts";
export * from "./model.ts";
export * from "./pools.ts";
export { prepare, type Prepared } from "./prepared.ts";
export { atTime, midPrice, priceOf, priceState, withPrice, type Price, type PriceState } from "./prices.ts";
export * from "./sources.ts";
export { haircutsOf, type Holding } from "./spot.ts";
export { balanceOf, holdingsOf, weigh, weighHoldings } from "./weigh.ts";
export * from "../analysis/index.ts";
export * from "../instruments.ts";
export * from "../tables/riskTable.ts";
