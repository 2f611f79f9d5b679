// Options of an underlying: the chain of an expiry, and a strategy of what was chosen in it.
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";

import { midPrice } from "../../../../sdk/mirror/prices.ts";
import { useSite } from "../../data/hooks.ts";
import { optionsOf } from "../../data/market.ts";
import { expiryDate, toNumber } from "../../lib/format.ts";
import { Card, Loading, Segments } from "../../ui/parts.tsx";
import { Chain, type Greek, GREEK_NAMES, GREEKS } from "./Chain.tsx";
import { type Leg, useQuotes } from "./legs.ts";
import type { MarketChoice } from "./markets.ts";
import type { Desk } from "./standing.ts";
import { Strategy } from "./Strategy.tsx";

export const Options = ({
  choice,
  desk,
  onDeposit,
}: {
  choice: MarketChoice;
  desk: Desk;
  onDeposit: () => void;
}): ReactNode => {
  const site = useSite();
  const { market } = desk;
  const live = choice.expiries.filter((expiry) => expiry > Number(market.time));
  const [chosen, setExpiry] = useState<string>();
  const expiry = Number(chosen ?? live[0] ?? 0);
  const [greek, setGreek] = useState<Greek>("delta");
  const [legs, setLegs] = useState<readonly Leg[]>([]);
  const quotes = useQuotes();
  const { data: listed } = useQuery({
    queryKey: [site.key, "options", choice.underlying, expiry],
    queryFn: () => optionsOf(site, choice.underlying, expiry),
    enabled: expiry > 0,
    structuralSharing: false,
  });
  const index = (() => {
    try {
      return toNumber(midPrice(market, choice.underlying));
    } catch {
      return 0;
    }
  })();
  const toggle = (leg: Leg): void =>
    setLegs((now) => {
      const same = now.find(({ word }) => word === leg.word);
      const others = now.filter(({ word }) => word !== leg.word);
      return same?.side === leg.side ? others : [...others, leg];
    });
  return (
    <>
      <Card
        title={`${choice.name} options`}
        className="a-chart"
        aside={
          <div className="toolbar">
            <Segments
              label="Greek in the chain"
              value={greek}
              onChange={setGreek}
              options={GREEKS.map((each) => ({ value: each, label: GREEK_NAMES[each] }))}
            />
            <Segments
              label="Expiry"
              value={String(expiry)}
              onChange={setExpiry}
              options={live.map((each) => ({ value: String(each), label: expiryDate(each) }))}
            />
          </div>
        }
      >
        {listed === undefined ? (
          <Loading what="the chain" />
        ) : (
          <Chain
            {...{ listed, market, expiry, index, greek, legs, quotes }}
            underlying={choice.underlying}
            onToggle={toggle}
          />
        )}
      </Card>
      <Strategy {...{ choice, desk, index, legs, quotes, onDeposit }} onLegs={setLegs} />
    </>
  );
};
