// "What will my margin be?": margins before and after actions, and what would refuse them.
import type { Account } from "../mirror/account.ts";
import { type Action, type After, tryAct } from "../mirror/actions/act.ts";
import { Session } from "../mirror/actions/session.ts";
import { withLedgerFlags } from "../mirror/actions/takeFraction.ts";
import { creditCash, debitCash } from "../mirror/actions/verbs.ts";
import { filledOneSide } from "../mirror/derivatives/fills.ts";
import type { FillLeg } from "../mirror/derivatives/fees.ts";
import { attempt, Refused } from "../mirror/errors.ts";
import type { Market } from "../mirror/market.ts";
import { type MarginView, marginsOf } from "./margins.ts";

/** An account before and after. */
export interface Change {
  readonly before: MarginView;
  readonly after: MarginView;
  readonly account: Account;
}

/** What actions would do to margins. */
export interface Preview {
  /** By account id, of all that were given. Empty when a step itself is refused. */
  readonly changes: ReadonlyMap<string, Change>;
  /** What the chain would revert with; undefined: it would pass. */
  readonly refused: Refused | undefined;
  /** Undefined when a step itself is refused. */
  readonly after: After | undefined;
}

/**
 * Margins of all given accounts before and after actions in one session, to the wei what the chain would say in a block at the market's
 * time. A refusal by the final checks comes with the margins that were refused.
 */
export const preview = (market: Market, accounts: readonly Account[], actions: readonly Action[]): Preview => {
  const { after, refused } = tryAct(market, accounts, actions);
  const changes = new Map<string, Change>();
  for (const account of accounts) {
    const then = after?.accounts.get(account.id);
    if (after === undefined || then === undefined) continue;
    changes.set(account.id, {
      before: marginsOf(market, account),
      after: marginsOf(after.market, then),
      account: then,
    });
  }
  return { changes, refused, after };
};

/** A fill as one side sees it. */
export interface FillRequest {
  /** This side's own: positive sizes are bought. Prices in settlement units WAD, of an option its premium. */
  readonly legs: readonly FillLeg[];
  /** All of this side's fees, settlement units WAD. */
  readonly fee: bigint;
  /** Roundings are the maker's. */
  readonly asMaker: boolean;
  /** Signed as reduce-only. */
  readonly reduces?: boolean;
}

/** What a fill would do to one side. */
export interface FillPreview {
  readonly change: Change | undefined;
  /** Premium in settlement token units that this side pays; negative: it is paid. */
  readonly cash: bigint;
  readonly refused: Refused | undefined;
}

const SETTLEMENT_WAD = 18;

/**
 * Margins of one side before and after a fill. The other side's part is not known, so open interest (and what of it counts in
 * margins) stays as it is; everything of this side is as the chain would book it. Refused by the ledger's errors, `LedgerUnsupported`,
 * and `InsufficientMargin` or a pool's limits at the end (with the margins that were refused).
 */
export const previewFill = (market: Market, account: Account, request: FillRequest): FillPreview => {
  const { ledger, time } = market;
  if (ledger === undefined) return { change: undefined, cash: 0n, refused: new Refused("LedgerUnsupported") };
  const cashUnit = 10n ** BigInt(SETTLEMENT_WAD - market.table.settlementDecimals);
  const { fee, legs, asMaker, reduces = false } = request;
  const side = { account, id: account.id, fee, reduces };
  const s = new Session(market, [account]);
  const booked = attempt(() => {
    const filled = filledOneSide(ledger, legs, side, asMaker, cashUnit, time);
    if (reduces) s.declareReduceOnly(account.id);
    s.store(withLedgerFlags({ ...account, ...filled.account }));
    if (filled.cash > 0n) debitCash(s, account.id, filled.cash);
    if (filled.cash < 0n) creditCash(s, account.id, -filled.cash);
    s.noteTrade(account.id);
    return filled.cash;
  });
  if (!booked.ok) return { change: undefined, cash: 0n, refused: booked.error };
  const closed = attempt(() => s.close());
  const then = s.load(account.id);
  const change = { before: marginsOf(market, account), after: marginsOf(s.market, then), account: then };
  return { change, cash: booked.value, refused: closed.ok ? undefined : closed.error };
};
