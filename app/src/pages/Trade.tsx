// Markets, prices, book and ticket.
import { lazy, type ReactNode, Suspense, useState } from "react";

import { perpWord } from "../../../sdk/instruments.ts";
import { midPrice, sourceOf } from "../../../sdk/mirror/prices.ts";
import { markAt } from "../../../sdk/mirror/derivatives/ledger.ts";
import { chooseAccount, useAccounts, useEntries, useSite } from "../data/hooks.ts";
import { ownOrders } from "../data/orders.ts";
import { useLiquidations } from "../data/useLiquidations.ts";
import { age, decimal, money, percent, price, toNumber } from "../lib/format.ts";
import { hrefOf, useRoute } from "../lib/router.ts";
import { settings } from "../lib/settings.ts";
import { useStore } from "../lib/store.ts";
import { MoneyDialog } from "../ui/MoneyDialog.tsx";
import { nameOf } from "../ui/names.ts";
import { Card, Dialog, Loading, Notice, Select } from "../ui/parts.tsx";
import { BookCard } from "./trade/Book.tsx";
import type { ChartLine } from "./trade/Chart.tsx";
import { type MarketChoice, marketsOf } from "./trade/markets.ts";
import { Options } from "./trade/Options.tsx";
import { PerpTicket } from "./trade/PerpTicket.tsx";
import { SpotTicket } from "./trade/SpotTicket.tsx";
import { type Desk, useDesk } from "./trade/standing.ts";
import { Under } from "./trade/Under.tsx";

const Chart = lazy(() => import("./trade/Chart.tsx"));

const Stat = ({ label, big = false, children }: { label: string; big?: boolean; children: ReactNode }): ReactNode => (
  <div className={big ? "stat big" : "stat"}>
    <dt>{label}</dt>
    <dd>{children}</dd>
  </div>
);

const cents = (value: number): number => Math.round(value * 100) / 100;

/** Where perp and spot were entered, what waits for the index, and where the account would be liquidated. */
const useLines = (desk: Desk | undefined, underlying: number): readonly ChartLine[] => {
  const site = useSite();
  const orders = useStore(ownOrders);
  const entries = useEntries(desk?.id);
  const liquidations = useLiquidations(desk?.standing) ?? [];
  const perp = entries?.positions.get(perpWord(underlying));
  const spot = entries?.spot.get(underlying);
  const holds = desk?.standing.account.entries.some(
    ({ asset, shares }) => asset === underlying && shares > 0n === spot?.isLong,
  );
  return [
    ...(perp?.price === undefined
      ? []
      : [{ price: cents(toNumber(perp.price)), title: "perp entry", tone: "muted" as const }]),
    ...(spot === undefined || holds !== true
      ? []
      : [{ price: cents(spot.price), title: "spot entry", tone: "muted" as const }]),
    ...orders.flatMap(({ account, key, state, trigger }) =>
      account === desk?.id && key === site.key && state === "held" && trigger?.underlying === underlying
        ? [{ price: cents(trigger.price), title: "waits", tone: "good" as const }]
        : [],
    ),
    ...liquidations.flatMap(({ asset, below, above }) =>
      asset === underlying
        ? [below, above].flatMap((at) =>
            at === undefined ? [] : [{ price: cents(at), title: "liquidation", tone: "bad" as const }],
          )
        : [],
    ),
  ];
};

const Strip = ({
  choice,
  choices,
  desk,
}: {
  choice: MarketChoice;
  choices: readonly MarketChoice[];
  desk: Desk;
}): ReactNode => {
  const { market } = desk;
  const accounts = useAccounts();
  const { names } = useStore(settings);
  const perp = market.ledger?.perps.get(choice.underlying);
  const source = sourceOf(market, choice.underlying);
  let index: bigint | undefined;
  try {
    index = midPrice(market, choice.underlying);
  } catch {
    // Said above the page.
  }
  const rate =
    perp === undefined || index === undefined || index === 0n
      ? undefined
      : toNumber(perp.funding.rate) / toNumber(index);
  return (
    <Card className="strip">
      <nav className="markets" aria-label="Markets">
        {choices.map((each) => (
          <a
            key={each.id}
            href={hrefOf("trade", each.id)}
            {...(each.id === choice.id && { "aria-current": "true" as const })}
          >
            {each.id}
          </a>
        ))}
      </nav>
      <dl>
        <Stat label="Index" big>
          {index === undefined ? "–" : price(toNumber(index))}
        </Stat>
        {choice.kind === "perp" && perp !== undefined && index !== undefined && market.ledger !== undefined && (
          <>
            <Stat label="Mark">{price(toNumber(markAt(market.ledger, choice.underlying, index, market.time)))}</Stat>
            <Stat label="Funding / 8 h">{rate === undefined ? "–" : percent(rate, 4)}</Stat>
            <Stat label="Open interest">
              {decimal(toNumber(perp.openInterest), 2)} {choice.name}
            </Stat>
          </>
        )}
        <Stat label="Price age">{age(Number(market.time - source.updatedAt))}</Stat>
        {desk.margins !== undefined && desk.id !== undefined && (
          <>
            <Stat label="Equity">{money(desk.margins.equity)}</Stat>
            <Stat label="Free margin">{money(desk.margins.initial)}</Stat>
          </>
        )}
      </dl>
      {desk.id !== undefined && accounts.length > 1 && (
        <Select
          hidden
          label="Account"
          value={desk.id}
          onChange={chooseAccount}
          options={accounts.map((each) => ({ value: each, label: nameOf(each, names) }))}
        />
      )}
    </Card>
  );
};

const Trade = (): ReactNode => {
  const site = useSite();
  const { rest } = useRoute();
  const choices = marketsOf(site);
  const choice = choices.find(({ id }) => id === rest) ?? choices[0];
  const desk = useDesk();
  const [picked, setPicked] = useState<{ market: string; price: number }>();
  const [isDepositing, setDepositing] = useState(false);
  const lines = useLines(desk, choice?.underlying ?? 0);
  if (choice === undefined) return <Notice>This deployment has no markets to trade yet.</Notice>;
  if (desk === undefined) return <Loading what="the market" />;
  const onDeposit = (): void => setDepositing(true);
  const feed = site.venue.deployment.assets[choice.asset]?.feed;
  const perpMark = (() => {
    try {
      const index = midPrice(desk.market, choice.underlying);
      return desk.market.ledger === undefined
        ? 0
        : toNumber(markAt(desk.market.ledger, choice.underlying, index, desk.market.time));
    } catch {
      return 0;
    }
  })();
  return (
    <div className={choice.kind === "perp" ? "trade" : "trade wide"}>
      <Strip choice={choice} choices={choices} desk={desk} />
      {choice.kind === "options" ? (
        <Options key={choice.id} choice={choice} desk={desk} onDeposit={onDeposit} />
      ) : (
        <Card className="a-chart">
          <Suspense fallback={<div className="chart" />}>
            {feed !== undefined && <Chart key={feed} feed={feed} name={choice.name} lines={lines} />}
          </Suspense>
        </Card>
      )}
      {choice.kind === "perp" && choice.book !== undefined && (
        <BookCard market={choice.book} mark={perpMark} onPick={(at) => setPicked({ market: choice.id, price: at })} />
      )}
      {choice.kind === "spot" && <SpotTicket key={choice.id} choice={choice} desk={desk} onDeposit={onDeposit} />}
      {choice.kind === "perp" && (
        <PerpTicket
          key={choice.id}
          choice={choice}
          desk={desk}
          mark={perpMark}
          picked={picked?.market === choice.id ? picked.price : undefined}
          onDeposit={onDeposit}
        />
      )}
      <Under desk={desk} />
      {isDepositing && desk.id !== undefined && (
        <MoneyDialog verb="deposit" account={desk.id} onClose={() => setDepositing(false)} />
      )}
      {isDepositing && desk.id === undefined && (
        <Dialog title="No wallet yet" onClose={() => setDepositing(false)}>
          <Notice>Connect a wallet with the button in the upper right corner. Looking around needs none.</Notice>
        </Dialog>
      )}
    </div>
  );
};
export default Trade;
