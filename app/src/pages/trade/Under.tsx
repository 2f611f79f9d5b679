// Below the chart: positions of the chosen account and what rests in the book.
import { type ReactNode, useEffect, useState } from "react";

import { useEntries, useFeed, useSite, useTx } from "../../data/hooks.ts";
import { cancelOrder, findOrders, isOpen, ownOrders, type OwnOrder, refreshOrders } from "../../data/orders.ts";
import { decimal, money, price, toNumber, withSign } from "../../lib/format.ts";
import { problemOf } from "../../lib/problems.ts";
import { useStore } from "../../lib/store.ts";
import { Badge, Card, Empty, Notice, Table } from "../../ui/parts.tsx";
import type { Desk } from "./standing.ts";

const EVERY_MS = 2_500;
const DONE_SHOWN = 8;

export const PositionsTable = ({ desk }: { desk: Pick<Desk, "data"> }): ReactNode => {
  const { venue } = useSite();
  const balances = (desk.data?.view.balances ?? []).filter(({ shares }) => shares !== 0n);
  const positions = desk.data?.ledger?.positions ?? [];
  const entries = useEntries(desk.data?.id);
  if (balances.length + positions.length === 0) return <Empty>Nothing here yet. What you trade appears at once.</Empty>;
  return (
    <Table label="Positions" head={["What", "Size", "Entry", "Mark", "Value", "PnL"]}>
      {positions.map(({ word, name, size, mark, value }) => {
        const entry = entries?.positions.get(word)?.price;
        return (
          <tr key={String(word)}>
            <td>
              {name} <Badge tone={size > 0n ? "good" : "bad"}>{size > 0n ? "long" : "short"}</Badge>
            </td>
            <td>{decimal(toNumber(size), 4)}</td>
            <td>{entry === undefined ? "–" : price(toNumber(entry))}</td>
            <td>{price(toNumber(mark))}</td>
            <td>{money(toNumber(value))}</td>
            <td>
              <Gain value={entry === undefined ? undefined : toNumber(mark - entry) * toNumber(size)} />
            </td>
          </tr>
        );
      })}
      {balances.map(({ asset, amount, decimals, midPrice, value }) => {
        const spot = entries?.spot.get(Number(asset));
        const units = toNumber(amount, Number(decimals));
        const entry = spot?.isLong === units > 0 ? spot.price : undefined;
        return (
          <tr key={String(asset)}>
            <td>
              {venue.assets.name(Number(asset))} {amount < 0n && <Badge tone="warn">owed</Badge>}
            </td>
            <td>{decimal(units, 4)}</td>
            <td>{entry === undefined ? "–" : price(entry)}</td>
            <td>{price(toNumber(midPrice))}</td>
            <td>{money(toNumber(value))}</td>
            <td>
              <Gain value={entry === undefined ? undefined : (toNumber(midPrice) - entry) * units} />
            </td>
          </tr>
        );
      })}
    </Table>
  );
};

/** Against the entry; a dash where there is none. */
export const Gain = ({ value }: { value: number | undefined }): ReactNode =>
  value === undefined ? "–" : <span className={value < 0 ? "bad" : "good"}>{withSign(value)}</span>;

const STATES: Readonly<Record<OwnOrder["state"], string>> = {
  resting: "resting",
  held: "waiting",
  private: "pinned",
  settling: "settling",
  done: "done",
  gone: "over",
};

export const OrdersTable = ({ account }: { account: string | undefined }): ReactNode => {
  const site = useSite();
  const tx = useTx();
  const feed = useFeed();
  const orders = useStore(ownOrders).filter((order) => order.account === account && order.key === site.key);
  const [problem, setProblem] = useState<string>();
  const open = orders.filter(isOpen);
  const hashes = open.map(({ hash }) => hash).join();
  useEffect(() => {
    for (const hash of hashes.split(",")) if (hash !== "") feed.watchOrder(hash);
  }, [feed, hashes]);
  useEffect(() => {
    let isOver = false;
    const look = (): void => {
      if (!isOver && document.visibilityState === "visible") void refreshOrders(site).catch(() => undefined);
    };
    look();
    const timer = setInterval(look, EVERY_MS);
    const off = feed.onOrder(() => {
      look();
      tx.onMined();
    });
    return () => {
      isOver = true;
      clearInterval(timer);
      off();
    };
  }, [site, feed, tx]);
  const [found, setFound] = useState<number>();
  const find = (
    <p className="hint">
      Orders of this browser.{" "}
      <button
        type="button"
        className="small"
        disabled={account === undefined}
        onClick={() => {
          setProblem(undefined);
          void findOrders(site, account ?? "").then(setFound, (error: unknown) =>
            setProblem(problemOf(error, tx.errors).message),
          );
        }}
      >
        Find my others
      </button>{" "}
      {found === undefined
        ? "The matcher lists what is open to whoever signs for the account."
        : `The matcher has ${found} open.`}
    </p>
  );
  if (orders.length === 0) {
    return (
      <>
        {problem !== undefined && <Notice tone="warn">{problem}</Notice>}
        <Empty>No orders yet.</Empty>
        {find}
      </>
    );
  }
  return (
    <>
      {problem !== undefined && <Notice tone="warn">{problem}</Notice>}
      <Table label="Orders" head={["Order", "Price", "Size", "Filled", "State", ""]}>
        {[...open, ...orders.filter((order) => !isOpen(order)).slice(0, DONE_SHOWN)].map((order) => (
          <tr key={order.hash}>
            <td>
              <span className={order.side}>{order.title}</span>
            </td>
            <td>{price(order.price)}</td>
            <td>{decimal(order.size, 3)}</td>
            <td>{decimal(order.filled + order.pending, 3)}</td>
            <td>{STATES[order.state]}</td>
            <td>
              {isOpen(order) && (
                <button
                  type="button"
                  className="small"
                  aria-label={`Cancel ${order.title}`}
                  onClick={() =>
                    void cancelOrder(site, order).catch((error: unknown) =>
                      setProblem(problemOf(error, tx.errors).message),
                    )
                  }
                >
                  Cancel
                </button>
              )}
            </td>
          </tr>
        ))}
      </Table>
      {find}
    </>
  );
};

export const Under = ({ desk }: { desk: Desk }): ReactNode => {
  const [tab, setTab] = useState<"positions" | "orders">("positions");
  return (
    <Card className="a-under">
      <div className="tabs" role="group" aria-label="Show">
        <button type="button" aria-pressed={tab === "positions"} onClick={() => setTab("positions")}>
          Positions
        </button>
        <button type="button" aria-pressed={tab === "orders"} onClick={() => setTab("orders")}>
          Orders
        </button>
        {desk.data?.ledger !== undefined && (
          <span className="muted num">
            Unsettled PnL{" "}
            <b className={desk.data.ledger.unsettled < 0n ? "bad" : "good"}>
              {withSign(toNumber(desk.data.ledger.unsettled))} USDC
            </b>
          </span>
        )}
      </div>
      {tab === "positions" ? <PositionsTable desk={desk} /> : <OrdersTable account={desk.id} />}
    </Card>
  );
};
