// Who listens to what: books, trades, and single orders.
import type { WebSocket } from "ws";

import type { Symbols } from "../sdk/instruments.ts";
import type { Happening } from "./commands.ts";
import type { Entry } from "./entry.ts";
import { Refusal } from "./errors.ts";
import { type Matcher, viewOf } from "./matcher.ts";
import { bookView, marketKey, tradeView } from "./views.ts";

/** A reader who does not read is cut off before he fills the memory. */
const MOST_BUFFERED = 4 * 1_024 * 1_024;
const MOST_SUBSCRIPTIONS = 128;
const BOOK_MS = 100;
const BOOK_LEVELS = 50;

const CHANNELS = ["book", "trades", "order"] as const;
type Channel = (typeof CHANNELS)[number];

const topic = (channel: Channel, subject: string): string => `${channel} ${subject}`;

export class Streams {
  private readonly topics = new Map<string, Set<WebSocket>>();
  private readonly subscriptions = new Map<WebSocket, Set<string>>();
  private readonly changedBooks = new Set<string>();
  private readonly timer: NodeJS.Timeout;
  private readonly unlisten: () => void;

  constructor(
    private readonly matcher: Matcher,
    private readonly symbols: Symbols,
  ) {
    this.unlisten = matcher.listen((happening, entry) => this.notice(happening, entry));
    this.timer = setInterval(() => this.publishBooks(), BOOK_MS);
  }

  stop(): void {
    clearInterval(this.timer);
    this.unlisten();
  }

  send(socket: WebSocket, message: object): void {
    if (socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount > MOST_BUFFERED) socket.terminate();
    else socket.send(JSON.stringify(message));
  }

  forget(socket: WebSocket): void {
    for (const each of this.subscriptions.get(socket) ?? []) this.leave(each, socket);
    this.subscriptions.delete(socket);
  }

  /** `{ channel, market }`, or `{ channel: "order", order }`. A book comes at once, then whenever it has changed. */
  subscribe(socket: WebSocket, fields: Readonly<Record<string, unknown>>): object {
    const { channel, subject } = this.read(fields);
    const joined = this.join(socket, topic(channel, subject));
    if (!joined) throw new Refusal("TooManySubscriptions", "too many subscriptions", { most: MOST_SUBSCRIPTIONS }, 429);
    if (channel === "book") this.send(socket, this.book(subject));
    return { subscribed: channel, to: subject };
  }

  unsubscribe(socket: WebSocket, fields: Readonly<Record<string, unknown>>): object {
    const { channel, subject } = this.read(fields);
    this.leave(topic(channel, subject), socket);
    this.subscriptions.get(socket)?.delete(topic(channel, subject));
    return { unsubscribed: channel, from: subject };
  }

  /** Whoever sends an order hears what becomes of it, as far as his subscriptions reach. */
  follow(socket: WebSocket, hash: string): void {
    this.join(socket, topic("order", hash));
  }

  private read(fields: Readonly<Record<string, unknown>>): { channel: Channel; subject: string } {
    const channel = CHANNELS.find((each) => each === fields["channel"]);
    if (channel === undefined) {
      throw new Refusal("UnknownChannel", `channel must be one of ${CHANNELS.join(", ")}`, {}, 400);
    }
    const said = fields[channel === "order" ? "order" : "market"];
    const text = typeof said === "string" ? said : "";
    const hash = /^0x[0-9a-fA-F]{64}$/.test(text) ? text.toLowerCase() : undefined;
    const subject = channel === "order" ? hash : marketKey(text, this.symbols);
    if (subject === undefined) throw new Refusal("UnknownMarket", "name a market, or an order by its hash", {}, 400);
    return { channel, subject };
  }

  private join(socket: WebSocket, name: string): boolean {
    const own = this.subscriptions.get(socket) ?? new Set<string>();
    if (!own.has(name) && own.size >= MOST_SUBSCRIPTIONS) return false;
    this.subscriptions.set(socket, own.add(name));
    this.topics.set(name, (this.topics.get(name) ?? new Set<WebSocket>()).add(socket));
    return true;
  }

  private leave(name: string, socket: WebSocket): void {
    const readers = this.topics.get(name);
    readers?.delete(socket);
    if (readers?.size === 0) this.topics.delete(name);
  }

  private publish(name: string, message: object): void {
    for (const socket of this.topics.get(name) ?? []) this.send(socket, message);
  }

  private notice(happening: Happening, entry: Entry | undefined): void {
    if ("fill" in happening) {
      const { fill } = happening;
      this.changedBooks.add(fill.key);
      if (happening.kind === "traded")
        this.publish(topic("trades", fill.key), { channel: "trades", trade: tradeView(fill) });
      for (const hash of [fill.maker, fill.taker]) {
        const reason = happening.kind === "failed" ? { reason: happening.reason } : {};
        this.toldOrder(hash, { event: happening.kind, fill: fill.id, size: fill.size.toString(), ...reason });
      }
      return;
    }
    if (entry !== undefined) this.changedBooks.add(entry.key);
    this.toldOrder(happening.hash, {
      event: happening.kind,
      ...(happening.kind === "cancelled" && { reason: happening.reason, open: happening.open.toString() }),
    });
  }

  private toldOrder(hash: string, news: object): void {
    const entry = this.matcher.engine.orders.get(hash);
    this.publish(topic("order", hash), {
      channel: "order",
      order: hash,
      ...news,
      ...(entry && { now: viewOf(entry) }),
    });
  }

  private publishBooks(): void {
    for (const market of this.changedBooks) {
      if (this.topics.has(topic("book", market))) this.publish(topic("book", market), this.book(market));
    }
    this.changedBooks.clear();
  }

  private book(market: string): object {
    return {
      channel: "book",
      time: this.matcher.clock(),
      ...bookView(market, this.matcher.engine.books.get(market), BOOK_LEVELS),
    };
  }
}
