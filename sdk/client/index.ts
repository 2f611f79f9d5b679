export { type Action, type Approval, MAX, type SafeCall } from "./action.ts";
export { type Actions, type ConnectOptions, type FromOptions, PlimsollClient } from "./client.ts";
export type { ChoreActions } from "./choreActions.ts";
export {
  type Connection,
  type ConnectionOptions,
  type ConnectionSource,
  type Eip1193Provider,
  openConnection,
} from "./connection.ts";
export * from "./errors.ts";
export type {
  AccountState,
  BalanceState,
  CollateralState,
  ExpiryState,
  LedgerState,
  ListedExpiry,
  MarketsState,
  PerpState,
  PoolState,
  PositionState,
  ReadOptions,
  UnderlyingState,
} from "./reads.ts";
export type {
  BalanceTerms,
  BidTerms,
  OperatorTerms,
  OutgoingTerms,
  SafeActions,
  SignedTerms,
  TransferTerms,
} from "./safeActions.ts";
export { type Receipt, type SendOverrides, type Sent, TransactionReverted, type WaitOptions } from "./send.ts";
export type { Signing } from "./signing.ts";
export type { AccountChange, Simulation } from "./simulate.ts";
export {
  type ChangeTerms,
  type CloseTerms,
  encodeRoute,
  type LeverageGrant,
  type LiquidateTerms,
  type MatchTerms,
  type OpenTerms,
  type SignedOrder,
  type SwapRoute,
  type TradingActions,
} from "./tradingActions.ts";
export { type Asset, type AssetRef, type Assets, type Contracts, type DerivativeDoors, type Venue } from "./venue.ts";
export type { Snapshot, SnapshotOptions } from "./snapshot.ts";
