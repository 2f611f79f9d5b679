// HTTP and WebSocket in front of the matcher. Everything that comes in is bounded: bytes, time, connections, subscriptions.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

import { type RawData, type WebSocket, WebSocketServer } from "ws";

import type { Symbols } from "../sdk/instruments.ts";
import { Refusal } from "./errors.ts";
import { type Matcher, viewOf } from "./matcher.ts";
import { Streams } from "./streams.ts";
import { bookView, marketKey, marketName, tradeView } from "./views.ts";

export interface ServerOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly maxConnections: number;
  readonly maxBodyBytes: number;
  /** Value of access-control-allow-origin; undefined: browsers of other origins get nothing. */
  readonly allowOrigin: string | undefined;
  readonly symbols: Symbols;
}

export const DEFAULT_SERVER_OPTIONS: Omit<ServerOptions, "host" | "port" | "symbols"> = {
  maxConnections: 256,
  maxBodyBytes: 64 * 1_024,
  allowOrigin: undefined,
};

const MOST_LEVELS = 200;
const USUAL_LEVELS = 20;
const REQUEST_MS = 10_000;
const PING_MS = 30_000;

/** Said by whoever runs the matcher; `ok` false answers 503. */
export type Health = () => { readonly ok: boolean } & Readonly<Record<string, unknown>>;

export class MatcherServer {
  private readonly http: Server;
  private readonly sockets = new Set<Socket>();
  private readonly webSockets: WebSocketServer;
  private readonly streams: Streams;
  private readonly alive = new WeakSet<WebSocket>();
  private pinging: NodeJS.Timeout | undefined;

  constructor(
    private readonly matcher: Matcher,
    private readonly options: ServerOptions,
    private readonly health: Health,
  ) {
    this.streams = new Streams(matcher, options.symbols);
    this.http = createServer({ requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS }, (request, response) => {
      void this.serve(request, response);
    });
    this.http.maxConnections = options.maxConnections;
    this.http.on("connection", (socket) => {
      this.sockets.add(socket);
      socket.on("close", () => this.sockets.delete(socket));
    });
    this.webSockets = new WebSocketServer({ server: this.http, path: "/stream", maxPayload: options.maxBodyBytes });
    this.webSockets.on("connection", (socket) => this.accept(socket));
  }

  /** The port it listens on. */
  async start(): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.http.once("error", reject);
      this.http.listen(this.options.port, this.options.host, resolve);
    });
    this.pinging = setInterval(() => this.ping(), PING_MS);
    return (this.http.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    clearInterval(this.pinging);
    this.streams.stop();
    for (const socket of this.webSockets.clients) socket.close(1001, "stopping");
    const closed = new Promise<void>((resolve) => this.http.close(() => resolve()));
    this.webSockets.close();
    this.http.closeIdleConnections();
    const timer = setTimeout(() => {
      for (const socket of this.sockets) socket.destroy();
    }, 1_000);
    await closed;
    clearTimeout(timer);
  }

  // ------------------------------------------------------------------ HTTP

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const reply = (status: number, body: object) => {
      if (response.headersSent || response.destroyed) return;
      const { allowOrigin } = this.options;
      response.writeHead(status, {
        "content-type": "application/json",
        "cache-control": "no-store",
        ...(allowOrigin !== undefined && {
          "access-control-allow-origin": allowOrigin,
          "access-control-allow-headers": "content-type",
        }),
      });
      response.end(JSON.stringify(body));
    };
    try {
      if (request.method === "OPTIONS") reply(200, {});
      else reply(...(await this.route(request)));
    } catch (error) {
      reply(...this.errorReply(error));
      if (!request.complete) request.destroy();
    }
  }

  private errorReply(error: unknown): [number, object] {
    if (error instanceof Refusal) return [error.status, error.toJSON()];
    this.matcher.log.error({ event: "request-error", reason: String(error) }, "a request failed");
    // What went wrong inside, or between here and the chain, is nobody else's business.
    return [500, new Refusal("Internal", "the matcher could not do that now", {}, 500).toJSON()];
  }

  private async route(request: IncomingMessage): Promise<[number, object]> {
    const url = new URL(request.url ?? "/", "http://localhost");
    const [, first = "", second, third] = url.pathname.split("/");
    const isPost = request.method === "POST";
    if (third !== undefined || (!isPost && request.method !== "GET")) throw notFound();
    if (isPost) {
      if (second !== undefined) throw notFound();
      if (first === "orders") return [200, await this.matcher.submit(await this.body(request))];
      if (first === "requests") return [200, await this.matcher.request(await this.body(request))];
      throw notFound();
    }
    if (first === "orders" && second !== undefined) return [200, this.order(second)];
    if (second !== undefined) throw notFound();
    switch (first) {
      case "health": {
        const health = this.health();
        return [health.ok ? 200 : 503, health];
      }
      case "info":
        return [200, this.info()];
      case "markets":
        return [200, { markets: this.markets() }];
      case "book": {
        const market = this.market(url);
        return [200, bookView(market, this.matcher.engine.books.get(market), depthOf(url))];
      }
      case "trades":
        return [200, { trades: (this.matcher.trades.get(this.market(url)) ?? []).map(tradeView) }];
      default:
        throw notFound();
    }
  }

  private async body(request: IncomingMessage): Promise<unknown> {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > this.options.maxBodyBytes) {
        throw new Refusal("BodyTooLarge", "the body is too large", { most: this.options.maxBodyBytes }, 413);
      }
      chunks.push(chunk);
    }
    return parseJson(Buffer.concat(chunks).toString("utf8"));
  }

  private info() {
    const { gateway, options } = this.matcher;
    return {
      chainId: gateway.chainId.toString(),
      exchange: gateway.exchange,
      executor: gateway.executor,
      saltWindowMs: options.rules.saltWindowMs,
      minSize: options.rules.minSize.toString(),
      time: this.matcher.clock(),
      underlyings: this.options.symbols,
    };
  }

  private markets() {
    return [...this.matcher.engine.books].map(([key, book]) => {
      const { bids, asks } = bookView(key, book, 1);
      return { market: key, name: marketName(key, this.options.symbols), bid: bids[0] ?? null, ask: asks[0] ?? null };
    });
  }

  private market(url: URL): string {
    const market = marketKey(url.searchParams.get("market") ?? "", this.options.symbols);
    if (market === undefined)
      throw new Refusal("UnknownMarket", "market must be a book's key or an instrument's name", {}, 400);
    return market;
  }

  /** To know an order's hash is to know the order. */
  private order(hash: string): object {
    const entry = this.matcher.engine.orders.get(hash.toLowerCase());
    if (entry === undefined) throw new Refusal("UnknownOrder", "no such order is open or on its way", {}, 404);
    return viewOf(entry);
  }

  // ------------------------------------------------------------------ WebSocket

  private accept(socket: WebSocket): void {
    this.alive.add(socket);
    socket.on("pong", () => this.alive.add(socket));
    socket.on("error", () => socket.terminate());
    socket.on("close", () => this.streams.forget(socket));
    socket.on("message", (data) => void this.receive(socket, data));
  }

  private ping(): void {
    for (const socket of this.webSockets.clients) {
      if (!this.alive.delete(socket)) socket.terminate();
      else socket.ping();
    }
  }

  private async receive(socket: WebSocket, data: RawData): Promise<void> {
    let id: unknown;
    try {
      const message = parseJson(textOf(data));
      if (typeof message !== "object" || message === null) {
        throw new Refusal("InvalidFormat", "a message is an object", { field: "message" }, 400);
      }
      const fields = message as Readonly<Record<string, unknown>>;
      id = ["string", "number"].includes(typeof fields["id"]) ? fields["id"] : undefined;
      const result = await this.handle(socket, fields);
      this.streams.send(socket, { id, result });
    } catch (error) {
      const [, body] = this.errorReply(error);
      this.streams.send(socket, { id, ...body });
    }
  }

  private async handle(socket: WebSocket, fields: Readonly<Record<string, unknown>>): Promise<object> {
    switch (fields["op"]) {
      case "order": {
        const view = await this.matcher.submit(fields);
        this.streams.follow(socket, view.hash);
        return view;
      }
      case "request":
        return this.matcher.request(fields);
      case "subscribe":
        return this.streams.subscribe(socket, fields);
      case "unsubscribe":
        return this.streams.unsubscribe(socket, fields);
      case "ping":
        return { time: this.matcher.clock() };
      default:
        throw new Refusal("UnknownOperation", "op must be order, request, subscribe, unsubscribe or ping", {}, 400);
    }
  }
}

const notFound = (): Refusal => new Refusal("NotFound", "there is nothing here", {}, 404);

const textOf = (data: RawData): string =>
  (Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as ArrayBuffer)).toString("utf8");

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal("InvalidJson", "this is not JSON", {}, 400);
  }
};

const depthOf = (url: URL): number => {
  const depth = Number(url.searchParams.get("depth") ?? USUAL_LEVELS);
  if (!Number.isInteger(depth) || depth < 1 || depth > MOST_LEVELS) {
    throw new Refusal("InvalidDepth", `depth must be from 1 to ${MOST_LEVELS}`, {}, 400);
  }
  return depth;
};
