// The order book and the last trades, live; a click takes the price into the ticket.
import type { ReactNode } from "react";

import { useBook, useFeed } from "../../data/hooks.ts";
import type { Level } from "../../data/book.ts";
import { decimal, price } from "../../lib/format.ts";
import { useStore } from "../../lib/store.ts";
import { Badge, Card, Empty } from "../../ui/parts.tsx";

const SHOWN = 10;
const TRADES_SHOWN = 8;

const Rows = ({
  levels,
  side,
  most,
  onPick,
}: {
  levels: readonly (Level & { readonly total: number })[];
  side: "buy" | "sell";
  most: number;
  onPick: (price: number) => void;
}): ReactNode =>
  levels.map(({ price: at, size, total }) => (
    <button
      key={at}
      type="button"
      className="book-row"
      title="Take this price into the ticket"
      onClick={() => onPick(at)}
    >
      <svg aria-hidden="true" preserveAspectRatio="none" viewBox="0 0 100 10">
        <rect className={`depth-${side}`} x={100 - (100 * total) / most} width={(100 * total) / most} height="10" />
      </svg>
      <span className={side}>
        <span className="sr-only">{side === "buy" ? "Bid" : "Ask"} </span>
        {price(at)}
      </span>
      <span>{decimal(size, 3)}</span>
      <span className="muted">{decimal(total, 3)}</span>
    </button>
  ));

const totals = (levels: readonly Level[]): (Level & { readonly total: number })[] => {
  let total = 0;
  return levels.slice(0, SHOWN).map((level) => ({ ...level, total: (total += level.size) }));
};

export const BookCard = ({
  market,
  mark,
  onPick,
}: {
  market: string;
  mark: number | undefined;
  onPick: (price: number) => void;
}): ReactNode => {
  const { book, trades } = useBook(market);
  const connection = useStore(useFeed().connection);
  const [asks, bids] = [totals(book.asks), totals(book.bids)];
  const most = Math.max(1e-9, asks.at(-1)?.total ?? 0, bids.at(-1)?.total ?? 0);
  const [ask, bid] = [book.asks[0]?.price, book.bids[0]?.price];
  return (
    <Card
      title="Order book"
      className="a-book"
      aside={
        <Badge tone={connection === "open" ? "good" : "warn"}>{connection === "open" ? "live" : "reconnecting"}</Badge>
      }
    >
      <div className="book">
        <div className="book-row muted" aria-hidden="true">
          <span>Price</span>
          <span>Size</span>
          <span>Total</span>
        </div>
        <Rows levels={[...asks].reverse()} side="sell" most={most} onPick={onPick} />
        <div className="book-mid">
          <span>{mark === undefined ? "–" : price(mark)}</span>
          <span className="muted">
            {ask !== undefined && bid !== undefined ? `spread ${price(ask - bid)}` : "no two sides"}
          </span>
        </div>
        <Rows levels={bids} side="buy" most={most} onPick={onPick} />
        {book.time > 0 && asks.length + bids.length === 0 && (
          <Empty>No orders rest here. Yours can be the first.</Empty>
        )}
        <h3>Trades</h3>
        {trades.length === 0 && <Empty>None since you opened the page.</Empty>}
        {trades.slice(0, TRADES_SHOWN).map((trade) => (
          <div key={trade.id} className="book-row">
            <span className={trade.side}>{price(trade.price)}</span>
            <span>{decimal(trade.size, 3)}</span>
            <span className="muted">{new Date(trade.time).toLocaleTimeString("en-GB")}</span>
          </div>
        ))}
      </div>
    </Card>
  );
};
