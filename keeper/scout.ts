// Who may be below maintenance: what the keeper's loop needs to know about all accounts together.
import type { Head } from "./heads.ts";
import type { BlockRef } from "./state.ts";
import type { Candidate } from "./liquidation/candidate.ts";

/** What a look found. */
export interface Sighting {
  /** Below maintenance, in any order. */
  readonly unhealthy: readonly Candidate[];
  /** In auction, but above maintenance: somebody should end it. */
  readonly recovered: readonly string[];
  /** How many accounts were weighed for it. */
  readonly weighed: number;
}

export interface ScoutState {
  readonly accounts: number;
  readonly watched: number;
  readonly below: number;
  readonly inAuction: number;
  readonly reorgs: number;
  readonly evaluations: number;
}

export interface Scout {
  /** Reads what is new, up to `head`; undoes what a reorganisation undid. `true`: it did undo. */
  sync(head: BlockRef, signal: AbortSignal): Promise<boolean>;
  /** Everybody who needs something done, at the prices of now. */
  look(head: Pick<Head, "number" | "hash">): Promise<Sighting>;
  readonly head: BlockRef | undefined;
  readonly state: ScoutState;
  /** Gross value of an account, whole settlement units, where it is known. */
  grossOf(account: string): number | undefined;
  /** Accounts with perps, options or a quote, from the `offset`th. */
  traders(offset: number, limit: number): readonly string[];
  /** For `/accounts`. */
  describe(account: string): object | undefined;
  list(offset: number, limit: number): object[];
  /** Writes down how far it is. */
  checkpoint(): void;
  close(): Promise<void>;
}
