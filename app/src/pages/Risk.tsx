// What holds for everybody: parameters in force, prices and their sources, stops, totals.
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { haircutsOf, perpRatios } from "../data/risk.ts";
import { useMarket, usePools, useSite } from "../data/hooks.ts";
import { type Market, PriceFault } from "../../../sdk/mirror/market.ts";
import { priceState, sourceOf } from "../../../sdk/mirror/prices.ts";
import { age, compact, decimal, money, percent, price, toNumber } from "../lib/format.ts";
import { LastAudit } from "./risk/LastAudit.tsx";
import { Address, Badge, Card, Loading, Row, Table } from "../ui/parts.tsx";

const FAULTS = [
  "good",
  "stale",
  "not positive",
  "at its limit",
  "round incomplete",
  "sequencer down",
  "sequencer grace",
  "unreadable",
  "guarded: sources disagree",
];
const ACTIONS = ["Borrowing", "Withdrawing with debt", "Transferring", "Trading"];
const BPS = 10_000;

/** With the second source and the sequencer; of what no table lists, what its own source says. */
const stateOf = (market: Market, asset: number): { readonly fault: PriceFault; readonly primaryOnly: boolean } => {
  try {
    return priceState(market, asset);
  } catch {
    return { fault: sourceOf(market, asset).fault, primaryOnly: false };
  }
};

const Prices = (): ReactNode => {
  const site = useSite();
  const { data } = useMarket();
  if (data === undefined) return <Loading what="prices" />;
  const { market } = data;
  return (
    <Card title="Prices" aside={<span className="muted">block {data.block}</span>}>
      <Table label="Prices" head={["Asset", "Price, USD", "Age", "Second source", "Apart", "State", "Source"]}>
        {[...market.prices.assets.keys()].map((asset) => {
          const { primary, updatedAt, second } = sourceOf(market, asset);
          const { fault, primaryOnly } = stateOf(market, asset);
          const symbol = site.venue.assets.name(asset);
          const apart =
            second === undefined || second.price === 0n || primary === 0n
              ? undefined
              : toNumber(second.price) / toNumber(primary) - 1;
          return (
            <tr key={asset}>
              <td>{symbol}</td>
              <td>{primary === 0n ? "–" : price(toNumber(primary))}</td>
              <td>{updatedAt === 0n ? "–" : age(Number(market.time - updatedAt))}</td>
              <td>
                {second === undefined ? "none" : second.price === 0n ? "unusable" : price(toNumber(second.price))}
              </td>
              <td>{apart === undefined ? "–" : percent(apart)}</td>
              <td>
                <Badge tone={fault === PriceFault.None ? "good" : fault === PriceFault.Deviating ? "warn" : "bad"}>
                  {FAULTS[fault]}
                  {primaryOnly && ", first alone"}
                </Badge>
              </td>
              <td>
                <Address
                  value={site.venue.deployment.assets[symbol]?.feed ?? site.venue.assets.get(asset).token}
                  label={`${symbol} source`}
                />
              </td>
            </tr>
          );
        })}
      </Table>
    </Card>
  );
};

const Markets = (): ReactNode => {
  const site = useSite();
  const { data } = useMarket();
  const ledger = data?.market.ledger;
  if (data === undefined || ledger === undefined) return null;
  return (
    <Card title="Perps and options">
      <Table
        label="Perps and options"
        head={["Market", "Open interest", "Cap", "Funding / 8 h", "Perp margin IM / MM", "Premium"]}
      >
        {ledger.table.underlyings.map(({ number, rules }) => {
          const perp = ledger.perps.get(number);
          const premium = ledger.premiums.get(number);
          if (perp === undefined) return null;
          const { initial, maintenance } = perpRatios(rules);
          return (
            <tr key={number}>
              <td>{site.venue.underlyings[number] ?? number}</td>
              <td>{decimal(toNumber(perp.openInterest), 2)}</td>
              <td>{compact(toNumber(perp.openInterestCap))}</td>
              <td>{decimal(toNumber(perp.funding.rate), 4)} USDC</td>
              <td>
                {percent(initial, 1)} / {percent(maintenance, 1)}
              </td>
              <td>
                {premium === undefined ? (
                  <Badge tone="warn">not attested</Badge>
                ) : data.market.time - premium.time > premium.maxAge ? (
                  <Badge tone="warn">too old</Badge>
                ) : (
                  percent(toNumber(premium.value), 3)
                )}
              </td>
            </tr>
          );
        })}
      </Table>
      <p className="hint">Margins rise with size and, in the portfolio model, with realised volatility.</p>
    </Card>
  );
};

const Parameters = (): ReactNode => {
  const site = useSite();
  const { data } = useMarket();
  if (data === undefined) return <Loading what="parameters" />;
  return (
    <Card title="Collateral parameters in force">
      <Table label="Collateral parameters" head={["Asset", "Haircut IM", "Haircut MM", "Heartbeat"]}>
        {site.venue.assets.list().map(({ id, symbol }) => {
          const terms = haircutsOf(data.market, id);
          return (
            <tr key={id}>
              <td>{symbol}</td>
              <td>{terms === undefined ? "not collateral" : percent(terms.initial, 1)}</td>
              <td>{terms === undefined ? "–" : percent(terms.maintenance, 1)}</td>
              <td>{terms?.heartbeat === undefined ? "as its pool" : age(terms.heartbeat)}</td>
            </tr>
          );
        })}
      </Table>
      <p className="muted">
        Engine <Address value={site.venue.deployment.contracts.engine} label="engine" />
      </p>
    </Card>
  );
};

const Stops = (): ReactNode => {
  const site = useSite();
  const { data } = useQuery({
    queryKey: [site.key, "pauses"],
    queryFn: async () => {
      const { actions, until } = await site.venue.contracts.safe.pauses();
      return { actions: Number(actions), until: Number(until) };
    },
    refetchInterval: 5_000,
  });
  const { data: market } = useMarket();
  const now = Number(market?.market.time ?? 0n);
  return (
    <Card title="Stops by the guardian">
      <dl>
        {ACTIONS.map((name, i) => {
          const isStopped = data !== undefined && (data.actions & (1 << i)) !== 0 && data.until >= now;
          return (
            <Row key={name} label={name}>
              <Badge tone={isStopped ? "bad" : "good"}>
                {isStopped ? `stopped for ${age(data.until - now)}` : "open"}
              </Badge>
            </Row>
          );
        })}
      </dl>
      <p className="hint">Repaying, adding collateral, reducing and liquidating can never be stopped.</p>
    </Card>
  );
};

const Totals = (): ReactNode => {
  const site = useSite();
  const { data: pools } = usePools();
  const { data: fund } = useQuery({
    queryKey: [site.key, "fund"],
    queryFn: () => site.venue.contracts.insuranceFund.balance(),
    refetchInterval: 6_000,
    structuralSharing: false,
  });
  if (pools === undefined) return <Loading what="totals" />;
  const worth = (pick: (pool: NonNullable<typeof pools>[number]) => bigint): number =>
    pools.reduce((sum, pool) => sum + toNumber(pick(pool), Number(pool.decimals)) * toNumber(pool.price.primary), 0);
  return (
    <Card title="Totals">
      <dl>
        <Row label="Supplied" strong>
          {compact(worth(({ state }) => state.claims))} USD
        </Row>
        <Row label="Borrowed">{compact(worth(({ state }) => state.debts))} USD</Row>
        <Row label="Insurance fund">
          {fund === undefined ? "–" : money(toNumber(fund, site.venue.assets.get(1).decimals))} USDC
        </Row>
        {pools.map((pool) => (
          <Row key={pool.symbol} label={`${pool.symbol} utilisation, most`}>
            {percent(toNumber(pool.utilisation), 1)}, {percent(Number(pool.config.maxUtilisation) / BPS, 0)}
          </Row>
        ))}
      </dl>
    </Card>
  );
};

const Contracts = (): ReactNode => {
  const { venue } = useSite();
  const { safe, auction, manager, exchange } = venue.deployment.contracts;
  const list = {
    Safe: safe,
    Auction: auction,
    "Access manager": manager,
    ...(exchange !== undefined && { Exchange: exchange }),
  };
  return (
    <Card title="Contracts">
      <dl>
        {Object.entries(list).map(([name, address]) => (
          <Row key={name} label={name}>
            <Address value={address} label={name} />
          </Row>
        ))}
      </dl>
    </Card>
  );
};

const Risk = (): ReactNode => (
  <div className="grid side">
    <div className="stack">
      <Prices />
      <Markets />
      <Parameters />
    </div>
    <div className="stack">
      <Stops />
      <Totals />
      <LastAudit />
      <Contracts />
    </div>
  </div>
);
export default Risk;
