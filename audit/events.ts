// What the auditor reads: one union of plain data, so that the fold is a function of it and tests can make it up.
import type { PoolConfig } from "./books/safe.ts";

/** Where an event stands. `transaction` tells transactions apart; `time` is the block's, Unix seconds. */
export interface At {
  readonly block: number;
  readonly transaction: string;
  readonly logIndex: number;
  /** Known for every event of {@link TIMED}; else perhaps not. */
  readonly time?: number;
}

/** `Cause` of IMarginAccounts.sol, by number. */
export const CAUSES = [
  "Deposit",
  "Withdraw",
  "Borrow",
  "Repay",
  "TransferOut",
  "TransferIn",
  "AuctionBid",
  "AuctionTaken",
  "AuctionFee",
  "Insurance",
  "SetOff",
  "Settlement",
  "Model",
  "AuctionFlag",
  "Ledger",
  "Reserves",
] as const;
export type Cause = (typeof CAUSES)[number];

/** `LedgerCause` of IPositions.sol, by number. */
export const LEDGER_CAUSES = [
  "Fill",
  "Touch",
  "Settlement",
  "AuctionTaken",
  "AuctionBid",
  "Fees",
  "Clearing",
  "Shortfall",
  "Deleveraging",
] as const;
export type LedgerCause = (typeof LEDGER_CAUSES)[number];

export interface PerpTerms {
  readonly clamp: bigint;
  readonly maxPremiumAge: number;
  readonly openInterestCap: bigint;
  readonly risePerHour: number;
}

/** Of the safe. Accounts and addresses in lower case. */
export type SafeEvent =
  | {
      readonly kind: "AccountChanged";
      readonly account: string;
      readonly cause: Cause;
      readonly words: readonly bigint[];
    }
  | { readonly kind: "PoolChanged"; readonly asset: number; readonly supply: bigint; readonly debt: bigint }
  | {
      readonly kind: "DebtWrittenOff";
      readonly asset: number;
      readonly account: string;
      readonly assets: bigint;
      readonly fromReserves: bigint;
      readonly supplyIndex: bigint;
    }
  | {
      readonly kind: "BidTaken";
      readonly account: string;
      readonly bidder: string;
      readonly fraction: bigint;
      readonly price: bigint;
      readonly fee: bigint;
      readonly fromInsurance: bigint;
      readonly writtenOff: bigint;
    }
  | {
      readonly kind: "OperatorSet";
      readonly account: string;
      readonly operator: string;
      readonly rights: number;
      readonly expiry: number;
      readonly receiversOnly: boolean;
      readonly receivers: readonly string[];
    }
  | { readonly kind: "NonceUsed"; readonly owner: string; readonly nonce: bigint }
  | { readonly kind: "AssetListed"; readonly asset: number; readonly token: string; readonly decimals: number }
  | { readonly kind: "VaultSet"; readonly asset: number; readonly vault: string }
  | { readonly kind: "PoolConfigured"; readonly asset: number; readonly config: PoolConfig }
  | { readonly kind: "RateModelSet"; readonly asset: number; readonly model: string }
  | { readonly kind: "CollateralCapSet"; readonly asset: number; readonly cap: bigint; readonly maxPart: number }
  | { readonly kind: "OutflowLimitSet"; readonly asset: number; readonly capacity: bigint; readonly window: number }
  | { readonly kind: "SafePointerSet"; readonly what: string; readonly target: string }
  | { readonly kind: "Paused"; readonly actions: number; readonly until: number }
  | { readonly kind: "ReservesCollected"; readonly asset: number; readonly assets: bigint };

/** Of the ledger and of the feed that funding reads. */
export type LedgerEvent =
  | {
      readonly kind: "LedgerChanged";
      readonly account: string;
      readonly cause: LedgerCause;
      readonly quote: bigint;
      readonly changed: readonly bigint[];
    }
  | { readonly kind: "UnsettledPaid"; readonly winner: string; readonly loser: string; readonly amount: bigint }
  | {
      readonly kind: "FundingPoked";
      readonly underlying: number;
      readonly premium: bigint;
      readonly index: bigint;
      readonly fundingRate: bigint;
      readonly fundingIndex: bigint;
    }
  | { readonly kind: "ExpirySettled"; readonly underlying: number; readonly expiry: number; readonly price: bigint }
  | {
      readonly kind: "OpenInterestCheckpointed";
      readonly underlying: number;
      readonly checkpoint: bigint;
      readonly openInterest: bigint;
    }
  | { readonly kind: "LowerOpenInterestSeen"; readonly underlying: number; readonly openInterest: bigint }
  | { readonly kind: "PerpListed" | "PerpConfigured"; readonly underlying: number; readonly terms: PerpTerms }
  | { readonly kind: "PerpFrozen"; readonly underlying: number; readonly mark: bigint; readonly fundingIndex: bigint }
  | { readonly kind: "PerpClosed"; readonly underlying: number }
  | { readonly kind: "ExpiryListed"; readonly underlying: number; readonly expiry: number }
  | {
      readonly kind: "ExpiryConfigured";
      readonly underlying: number;
      readonly expiry: number;
      readonly openInterestCap: bigint;
      readonly reduceOnly: boolean;
    }
  | { readonly kind: "OptionListed"; readonly instrument: bigint }
  | { readonly kind: "LedgerPointerSet"; readonly what: string; readonly target: string }
  | { readonly kind: "FeeReceiverSet"; readonly treasury: string; readonly insurancePart: number }
  | { readonly kind: "FeesSwept"; readonly toInsurance: bigint; readonly toTreasury: bigint }
  | { readonly kind: "PaidFromFees"; readonly to: string; readonly amount: bigint }
  | { readonly kind: "PremiumPosted"; readonly feed: string; readonly underlying: number; readonly timestamp: bigint };

/** Of vaults and of the tokens that the safe holds. */
export type TokenEvent =
  | {
      readonly kind: "VaultTransfer";
      readonly vault: string;
      readonly from: string;
      readonly to: string;
      readonly value: bigint;
    }
  /** A transfer of a listed token into the safe (positive) or out of it. */
  | { readonly kind: "TokenMoved"; readonly token: string; readonly amount: bigint };

export type AuditEvent = SafeEvent | LedgerEvent | TokenEvent;

/** Events whose block time goes into storage, so that the fold needs it. */
export const TIMED: ReadonlySet<AuditEvent["kind"]> = new Set([
  "AssetListed",
  "FundingPoked",
  "PerpListed",
  "PerpFrozen",
  "OpenInterestCheckpointed",
]);
