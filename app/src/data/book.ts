// The matcher's books and trades over its WebSocket: one socket for the page, opened anew when it falls.
import { createStore, type Store } from "../lib/store.ts";
import { toNumber } from "../lib/format.ts";

export interface Level {
  readonly price: number;
  readonly size: number;
}
export interface Book {
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
  /** Milliseconds; 0: nothing has come yet. */
  readonly time: number;
}
export interface Trade {
  readonly id: string;
  readonly time: number;
  readonly side: "buy" | "sell";
  readonly price: number;
  readonly size: number;
}

export const EMPTY_BOOK: Book = { bids: [], asks: [], time: 0 };

type Message = Readonly<Record<string, unknown>>;
const isMessage = (value: unknown): value is Message => typeof value === "object" && value !== null;

const levelsOf = (value: unknown): Level[] =>
  Array.isArray(value)
    ? value.flatMap((level: unknown): Level[] => {
        if (!Array.isArray(level)) return [];
        const [price, size] = level as unknown[];
        return [{ price: toNumber(BigInt(String(price))), size: toNumber(BigInt(String(size))) }];
      })
    : [];

const LEAST_PAUSE_MS = 500;
const MOST_PAUSE_MS = 8_000;
const TRADES_KEPT = 40;

export type Connection = "connecting" | "open" | "closed";

export class Feed {
  readonly connection: Store<Connection> = createStore<Connection>("connecting");
  private readonly books = new Map<string, Store<Book>>();
  private readonly trades = new Map<string, Store<readonly Trade[]>>();
  private readonly wanted = new Map<string, number>();
  private readonly orderListeners = new Set<(hash: string) => void>();
  private socket: WebSocket | undefined;
  private pause = LEAST_PAUSE_MS;
  private isStopped = false;

  constructor(private readonly matcher: string) {
    this.open();
  }

  stop(): void {
    this.isStopped = true;
    this.socket?.close();
  }

  book(market: string): Store<Book> {
    const known = this.books.get(market) ?? createStore(EMPTY_BOOK);
    this.books.set(market, known);
    return known;
  }

  tradesOf(market: string): Store<readonly Trade[]> {
    const known = this.trades.get(market) ?? createStore<readonly Trade[]>([]);
    this.trades.set(market, known);
    return known;
  }

  /** Until the returned function is called. */
  watch(market: string): () => void {
    this.wanted.set(market, (this.wanted.get(market) ?? 0) + 1);
    if (this.wanted.get(market) === 1) this.subscribe(market);
    return () => {
      const left = (this.wanted.get(market) ?? 1) - 1;
      if (left > 0) {
        this.wanted.set(market, left);
        return;
      }
      this.wanted.delete(market);
      for (const channel of ["book", "trades"]) this.send({ op: "unsubscribe", channel, market });
    };
  }

  watchOrder(order: string): void {
    this.send({ op: "subscribe", channel: "order", order });
  }

  onOrder(listener: (hash: string) => void): () => void {
    this.orderListeners.add(listener);
    return () => this.orderListeners.delete(listener);
  }

  private open(): void {
    if (this.isStopped) return;
    this.connection.set("connecting");
    const socket = new WebSocket(`${this.matcher.replace(/^http/, "ws")}/stream`);
    this.socket = socket;
    socket.addEventListener("open", () => {
      this.pause = LEAST_PAUSE_MS;
      this.connection.set("open");
      for (const market of this.wanted.keys()) this.subscribe(market);
    });
    socket.addEventListener("message", ({ data }) => this.take(String(data)));
    socket.addEventListener("close", () => {
      this.connection.set("closed");
      setTimeout(() => this.open(), this.pause);
      this.pause = Math.min(MOST_PAUSE_MS, this.pause * 2);
    });
  }

  private subscribe(market: string): void {
    for (const channel of ["book", "trades"]) this.send({ op: "subscribe", channel, market });
  }

  private send(message: object): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  private take(text: string): void {
    let message: unknown;
    try {
      message = JSON.parse(text);
    } catch {
      return;
    }
    if (!isMessage(message)) return;
    if (message["channel"] === "book") {
      const book = { bids: levelsOf(message["bids"]), asks: levelsOf(message["asks"]), time: Date.now() };
      this.book(String(message["market"])).set(book);
    }
    if (message["channel"] === "trades" && isMessage(message["trade"])) {
      const { trade } = message as { trade: Message };
      const seen: Trade = {
        id: String(trade["id"]),
        time: Number(trade["time"]),
        side: trade["side"] === "sell" ? "sell" : "buy",
        price: toNumber(BigInt(String(trade["price"]))),
        size: toNumber(BigInt(String(trade["size"]))),
      };
      this.tradesOf(String(trade["market"])).set((now) => [seen, ...now].slice(0, TRADES_KEPT));
    }
    if (message["channel"] === "order") for (const listener of this.orderListeners) listener(String(message["order"]));
  }
}
