// Actions on accounts as transitions of state: what a batch of calls to the safe leaves behind, to the share.
import type { Account, ModelNumber } from "../account.ts";
import { ownerOf } from "../account.ts";
import { attempt, type Refused } from "../errors.ts";
import type { Market } from "../market.ts";
import { bid, type BidRequest, type BidResult } from "./bid.ts";
import { Session } from "./session.ts";
import { borrow, deposit, repay, setModel, setOff, transfer, withdraw } from "./verbs.ts";

export type { BidRequest, BidResult } from "./bid.ts";

/** One door of the safe. Amounts in token units (vault shares: shares); all bits set: all there is, where the door allows it. */
export type Action =
  /** `stranger`: somebody without a right to the account pays in. */
  | {
      readonly kind: "deposit";
      readonly account: string;
      readonly asset: number;
      readonly amount: bigint;
      readonly stranger?: boolean;
    }
  | { readonly kind: "repay"; readonly account: string; readonly asset: number; readonly amount: bigint }
  | { readonly kind: "withdraw"; readonly account: string; readonly asset: number; readonly amount: bigint }
  | { readonly kind: "borrow"; readonly account: string; readonly asset: number; readonly amount: bigint }
  /** `consent`: who acts may bring new assets into `to`; by default when both accounts have one owner. */
  | {
      readonly kind: "transfer";
      readonly from: string;
      readonly to: string;
      readonly asset: number;
      readonly amount: bigint;
      readonly mayBorrow?: boolean;
      readonly consent?: boolean;
    }
  | { readonly kind: "setOff"; readonly account: string; readonly pool: number }
  | { readonly kind: "setModel"; readonly account: string; readonly model: ModelNumber }
  | { readonly kind: "reduceOnly"; readonly account: string }
  | ({ readonly kind: "bid" } & BidRequest);

/** What actions leave behind. */
export interface After {
  readonly market: Market;
  /** All accounts that were given, and the insurance fund's. */
  readonly accounts: ReadonlyMap<string, Account>;
  /** By action: token units that were moved; 0 where nothing is. */
  readonly amounts: readonly bigint[];
  /** By action; undefined for all but bids. */
  readonly bids: readonly (BidResult | undefined)[];
}

interface Moved {
  readonly amount: bigint;
  readonly bid?: BidResult;
}

const perform = (s: Session, action: Action): Moved => {
  switch (action.kind) {
    case "deposit":
      deposit(s, action.account, action.asset, action.amount, action.stranger !== true);
      return { amount: action.amount };
    case "repay":
      return { amount: repay(s, action.account, action.asset, action.amount) };
    case "withdraw":
      return { amount: withdraw(s, action.account, action.asset, action.amount, false) };
    case "borrow":
      return { amount: borrow(s, action.account, action.asset, action.amount) };
    case "transfer": {
      const { asset, amount, mayBorrow = false } = action;
      const consent = action.consent ?? ownerOf(action.from) === ownerOf(action.to);
      return { amount: transfer(s, action, asset, amount, mayBorrow, consent) };
    }
    case "setOff":
      return { amount: setOff(s, action.account, action.pool) };
    case "setModel":
      setModel(s, action.account, action.model);
      return { amount: 0n };
    case "reduceOnly":
      s.declareReduceOnly(action.account);
      return { amount: 0n };
    case "bid": {
      const result = bid(s, action);
      return { amount: result.price, bid: result };
    }
  }
};

/** What actions leave behind, and what refuses them at the end, if anything does. */
export interface Trial {
  /** Undefined when a step itself is refused: then there is no state to show. */
  readonly after: After | undefined;
  /** Undefined when all passes. */
  readonly refused: Refused | undefined;
}

/**
 * {@link act} for a preview: a refusal is a value, and one by the checks at the end (margin, caps, limits) comes with the state that
 * was refused.
 */
export const tryAct = (market: Market, accounts: Iterable<Account>, actions: readonly Action[]): Trial => {
  const s = new Session(market, accounts);
  const moved: Moved[] = [];
  for (const [step, action] of actions.entries()) {
    const done = attempt(() => perform(s, action));
    if (!done.ok) {
      done.error.step = step;
      return { after: undefined, refused: done.error };
    }
    moved.push(done.value);
  }
  const closed = attempt(() => s.close());
  const after: After = {
    market: s.market,
    accounts: new Map(s.all),
    amounts: moved.map(({ amount }) => amount),
    bids: moved.map(({ bid: one }) => one),
  };
  return { after, refused: closed.ok ? undefined : closed.error };
};

/**
 * What the safe does when these actions run in one session at the market's time: the checks of pools and accounts come at its end, by the
 * net result. One action alone is the same as its door without a session. `accounts` are all that take part (receivers, bidders and
 * fee receivers too); ids in lower case.
 *
 * Throws {@link Refused} with the error that the chain would revert with: inside a `batch` the safe wraps a step's own in `CallFailed`,
 * whose number is `step`. Authority, allowances and token balances of wallets are not part of it.
 */
export const act = (market: Market, accounts: Iterable<Account>, actions: readonly Action[]): After => {
  const { after, refused } = tryAct(market, accounts, actions);
  if (refused !== undefined || after === undefined) throw refused ?? new RangeError("no state and no refusal");
  return after;
};
