// A banner, and a browser notification for whoever wants one, when an account nears its maintenance.
import { type ReactNode, useEffect, useRef } from "react";
import { useQuery } from "@tanstack/react-query";

import { plain } from "../../../sdk/plain.ts";
import { useAccounts, useSite } from "../data/hooks.ts";
import { money, toNumber } from "../lib/format.ts";
import { hrefOf } from "../lib/router.ts";
import { settings } from "../lib/settings.ts";
import { useStore } from "../lib/store.ts";
import { nameOf } from "./names.ts";

export const MarginCall = (): ReactNode => {
  const site = useSite();
  const ids = useAccounts();
  const { callAt, notify, names } = useStore(settings);
  const { data } = useQuery({
    queryKey: [site.key, "health", ids],
    queryFn: async () => plain(await site.venue.contracts.lens.healthOf([...ids])),
    enabled: ids.length > 0,
    refetchInterval: 2_000,
    structuralSharing: false,
  });
  const called = (data ?? []).flatMap(({ account, priced, inAuction, maintenance, mtm }) => {
    const [left, equity] = [toNumber(maintenance), toNumber(mtm)];
    if (inAuction) return [{ account, left, isLost: true }];
    if (!priced || left >= equity * callAt || (left >= 0 && equity - left < 0.01)) return [];
    return [{ account, left, isLost: left < 0 }];
  });
  const told = useRef(new Set<string>());
  useEffect(() => {
    for (const account of told.current) {
      if (!called.some((each) => each.account === account)) told.current.delete(account);
    }
    for (const { account, left } of called) {
      if (told.current.has(account)) continue;
      told.current.add(account);
      if (!notify || typeof Notification === "undefined" || Notification.permission !== "granted") continue;
      new Notification("Plimsoll: margin call", {
        body: `${nameOf(account, names)} has ${money(left)} USDC left before it can be liquidated.`,
      });
    }
  });
  if (called.length === 0) return null;
  return (
    <div className="banner" role="alert">
      {called.map(({ account, left, isLost }) => (
        <p key={account}>
          <strong>{nameOf(account, names)}</strong>{" "}
          {isLost
            ? "is below its maintenance margin and is being liquidated. A deposit that brings it back ends the auction."
            : `has ${money(left)} USDC left before it can be liquidated. Add collateral, or reduce.`}{" "}
          <a href={hrefOf("portfolio", account)}>Look at it</a>
        </p>
      ))}
    </div>
  );
};
