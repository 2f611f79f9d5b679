// The errors that the contracts revert with, as exceptions of the mirror: same name, same arguments.
import type { PriceFault } from "./market.ts";

/** What a contract would refuse by a named error. Addresses and account ids are hex text, numbers bigints, flags booleans. */
export type ErrorArgument = bigint | string | boolean;

const HINTS: Readonly<Record<string, string>> = {
  PriceUnusable: "its source is stale or broken: wait for a fresh price",
  NewRiskBlocked: "its two sources disagree: only what lowers risk passes until they agree",
  AssetNotInTable: "the risk table does not list it: it can be neither owed nor valued",
  LedgerUnsupported: "the risk table in force names no ledger table",
  ModelUnsupported: "the risk table in force names no ledger table",
  FeedStale: "its attested values are too old for new risk: wait for fresh ones, or only reduce",
  UnderlyingNotInTable: "the ledger table in force does not list it",
  UnknownExpiry: "no forward or smile was ever attested for it",
  InsufficientMargin: "add collateral, or ask for less",
  AccountInAuction: "only deposits, repaying and bids go on until its auction has ended",
  TooManyAssets: "sixteen at most, one place kept for the settlement asset: empty a balance first",
  AssetNotHeld: "only the owner or his operator may bring a new asset in",
  InsufficientBalance: "ask for less, or allow borrowing",
  InsufficientLiquidity: "the pool's cash is lent out: ask for less, or wait",
  SupplyCapExceeded: "the pool takes no more: deposit less",
  BorrowCapExceeded: "the pool lends no more: borrow less",
  UtilisationCapExceeded: "the pool lends no more of what it has: borrow less",
  CollateralCapExceeded: "accounts may hold no more of it: deposit less",
  RateLimitExceeded: "the asset's outflow limit is used up: ask for less, or wait until it refills",
  ActionPaused: "the guardian stopped it for a while: only what lowers risk passes",
  FractionOverMax: "bid for less, or for the largest fraction (all bits set)",
  PriceOverLimit: "raise the limit, or wait for the discount",
  StartedInThisTransaction: "an insolvent account needs its auction started in an earlier transaction",
};

/** A contract would revert here. `errorName` and `args` are those of its custom error. */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly errorName: string;
  readonly args: readonly ErrorArgument[];
  /** Of a batch: the number of the action that is refused; undefined when it is the check at the end. */
  step: number | undefined;

  constructor(errorName: string, ...args: readonly ErrorArgument[]) {
    const hint = HINTS[errorName];
    super(`${errorName}(${args.map(String).join(", ")})${hint === undefined ? "" : `: ${hint}`}`);
    this.errorName = errorName;
    this.args = args;
  }
}

/** The primary source of an asset cannot be used. */
export const priceUnusable = (asset: number, fault: PriceFault): Refused =>
  new Refused("PriceUnusable", BigInt(asset), BigInt(fault));

/** The risk table does not list an asset. */
export const assetNotInTable = (asset: number): Refused => new Refused("AssetNotInTable", BigInt(asset));

/** What a call gives: its value, or the error that the chain would revert with. */
export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: Refused };

/** Runs `call`; other errors than {@link Refused} are bugs and pass through. */
export const attempt = <T>(call: () => T): Outcome<T> => {
  try {
    return { ok: true, value: call() };
  } catch (error) {
    if (error instanceof Refused) return { ok: false, error };
    throw error;
  }
};
