// An account's margins in a market as one value, whatever of them can be had.
import type { Account } from "../mirror/account.ts";
import { attempt, type Refused } from "../mirror/errors.ts";
import type { Market } from "../mirror/market.ts";
import { INITIAL, LIQUIDATION } from "../mirror/model.ts";
import { weigh } from "../mirror/weigh.ts";

/** Settlement units WAD, signed and net; undefined where {@link MarginView.refused} says why. */
export interface MarginView {
  /** IM ≥ 0: the account may take new risk. */
  readonly initial: bigint | undefined;
  /** MM < 0: anybody may start an auction. */
  readonly maintenance: bigint | undefined;
  readonly mtm: bigint | undefined;
  /** Values of debts. */
  readonly liabilities: bigint | undefined;
  readonly refused: { readonly initial?: Refused; readonly liquidation?: Refused };
}

/** `initialMargin` and `liquidationMargin` of an account; a price that cannot be used is a value here. */
export const marginsOf = (market: Market, account: Account): MarginView => {
  const initial = attempt(() => weigh(market, account, INITIAL));
  const liquidation = attempt(() => weigh(market, account, LIQUIDATION));
  return {
    initial: initial.ok ? initial.value.initial : undefined,
    maintenance: liquidation.ok ? liquidation.value.maintenance : undefined,
    mtm: liquidation.ok ? liquidation.value.mtm : undefined,
    liabilities: liquidation.ok ? liquidation.value.liabilities : undefined,
    refused: {
      ...(!initial.ok && { initial: initial.error }),
      ...(!liquidation.ok && { liquidation: liquidation.error }),
    },
  };
};
