/** One thing to do on chain, built and not yet sent. */
import type { Attempt } from "../errors/format.ts";
import type { AssetRef, Venue } from "./venue.ts";

/** No limit: all of a balance, all of a debt, the largest fraction. */
export const MAX = (1n << 256n) - 1n;

/** Tokens that somebody must be allowed to take before the action can work. */
export interface Approval {
  readonly token: string;
  readonly symbol: string;
  readonly spender: string;
  /** Token units. */
  readonly amount: bigint;
}

/** One step of the safe's `batch`. */
export interface SafeCall {
  readonly target: string;
  readonly data: string;
}

/** A call, ready to be simulated, sent, or put into a batch. Building one asks nobody. */
export interface Action {
  /** What it is: "deposit", "openLeverage", … */
  readonly kind: string;
  /** For people: "Borrow 3 WETH". */
  readonly title: string;
  readonly to: string;
  readonly data: string;
  /** Native coin to send with it, wei. */
  readonly value: bigint;
  /** Whose margins it changes: simulations show them before and after. */
  readonly accounts: readonly string[];
  /** Calls of the safe's doors that it is made of, as a batch takes them; none: it cannot go into a batch. */
  readonly calls: readonly SafeCall[];
  /** ERC-20 approvals that it rests on; `PlimsollClient.missingApprovals` says which are not there. */
  readonly needs: readonly Approval[];
  /** What is tried, for messages about caps. */
  readonly attempt?: Attempt;
}

/** An action of the parts that differ. */
export const action = (parts: Pick<Action, "kind" | "title" | "to" | "data"> & Partial<Action>): Action => ({
  value: 0n,
  accounts: [],
  calls: [],
  needs: [],
  ...parts,
});

/** The approval that `spender` needs for an amount of an asset. */
export const approvalOf = ({ assets }: Venue, ref: AssetRef, spender: string, amount: bigint): Approval => {
  const { token, symbol } = assets.get(ref);
  return { token, symbol, spender, amount };
};
