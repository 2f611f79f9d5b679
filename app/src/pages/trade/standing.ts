// The chosen account as tickets reckon with it: what it is, or an empty one for whoever has not connected yet.
import { useMemo } from "react";

import { emptyAccount } from "../../../../sdk/mirror/account.ts";
import type { Market } from "../../../../sdk/mirror/market.ts";
import { useAccount, useAccountId, useMarket } from "../../data/hooks.ts";
import type { AccountData } from "../../data/account.ts";
import { type MarginView, marginsOf, type Standing } from "../../data/preview.ts";

const NOBODY = `0x${"0".repeat(64)}`;

export interface Desk {
  readonly id: string | undefined;
  readonly market: Market;
  readonly standing: Standing;
  /** Undefined while a price cannot be used: that is said above every page. */
  readonly margins: MarginView | undefined;
  readonly data: AccountData | undefined;
}

/** Undefined until the market is there. */
export const useDesk = (): Desk | undefined => {
  const id = useAccountId();
  const { data } = useAccount(id);
  const { data: snapshot } = useMarket();
  return useMemo(() => {
    if (snapshot === undefined || (id !== undefined && data === undefined)) return undefined;
    const { market } = snapshot;
    const standing = { market, account: data?.account ?? emptyAccount(id ?? NOBODY) };
    return { id, market, standing, margins: marginsOf(standing), data };
  }, [id, data, snapshot]);
};
