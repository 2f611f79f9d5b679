// Who may work on an account when several keepers share one database; a keeper without one works on all.
import type { Signed } from "./flight.ts";

/** A bid of another replica, which is dead or has lost the account, whose end nobody has told yet. */
export interface Orphan {
  readonly account: string;
  readonly replica: string;
  readonly sender: string;
  readonly nonce: number;
  readonly hashes: readonly string[];
  readonly raw: string;
  /** Unix seconds after which it cannot do anything any more; undefined: never. */
  readonly validUntil: number | undefined;
}

export interface Coordinator {
  /** Throws {@link DatabaseLost} when it is not known any more who works on what. */
  check(): void;
  owns(account: string): boolean;
  /** Whether what is to be done once for all accounts is this one's to do. */
  leads(): boolean;
  /** Shares of the accounts, for the metrics. */
  readonly shares: number;
  /**
   * Writes down the intent to bid, in one transaction with the proof that the account is still this replica's. `false`: it is
   * not, or somebody's bid on the account is on its way. A replacement under the same nonce joins the first.
   */
  claim(account: string, sender: string, signed: Signed, validUntil: number | undefined): Promise<boolean>;
  /** The bid has ended. */
  settle(account: string, nonce: number): Promise<void>;
  /** Whether a bid of anybody is on its way, as of the last heartbeat. */
  isClaimed(account: string): boolean;
  orphans(): Promise<Orphan[]>;
  settleOrphan(orphan: Orphan): Promise<void>;
  close(): Promise<void>;
}

/** The database is gone: without it nobody knows who bids on what. */
export class DatabaseLost extends Error {
  override readonly name = "DatabaseLost";
}

/** Alone with all accounts. */
export const alone: Coordinator = {
  check: () => undefined,
  owns: () => true,
  leads: () => true,
  shares: 1,
  claim: () => Promise.resolve(true),
  settle: () => Promise.resolve(),
  isClaimed: () => false,
  orphans: () => Promise.resolve([]),
  settleOrphan: () => Promise.resolve(),
  close: () => Promise.resolve(),
};
