// What operators and their tools ask a keeper: whether it lives, whether it works, what it knows, what it counts.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { once } from "node:events";

import { ConfigError } from "./config.ts";
import type { Metrics } from "./metrics.ts";

const MOST_ACCOUNTS = 1_000;
const FEW_ACCOUNTS = 100;

/** What the pages show; asked at every request. */
export interface Status {
  /** `undefined`: all is well; else why the process should be restarted. */
  readonly dead: () => string | undefined;
  /** `undefined`: it follows the chain; else why it does not (yet). */
  readonly notReady: () => string | undefined;
  readonly facts: () => object;
  readonly account: (id: string) => object | undefined;
  readonly accounts: (offset: number, limit: number) => object[];
}

interface Page {
  readonly code: number;
  readonly body: string;
  readonly type?: string;
}

const json = (code: number, value: unknown): Page => ({ code, body: `${JSON.stringify(value, plain)}\n` });
// JSON knows no bigint, and numbers would round one.
const plain = (_key: string, value: unknown): unknown => (typeof value === "bigint" ? value.toString() : value);

const page = async (url: URL, status: Status, metrics: Metrics): Promise<Page> => {
  const { pathname, searchParams } = url;
  if (pathname === "/health") {
    const dead = status.dead();
    return json(dead === undefined ? 200 : 503, { ok: dead === undefined, reason: dead, ...status.facts() });
  }
  if (pathname === "/ready") {
    const reason = status.dead() ?? status.notReady();
    return json(reason === undefined ? 200 : 503, { ready: reason === undefined, reason });
  }
  if (pathname === "/metrics") {
    return { code: 200, body: await metrics.registry.metrics(), type: metrics.registry.contentType };
  }
  if (pathname === "/accounts") {
    const offset = Number(searchParams.get("offset") ?? 0);
    const limit = Number(searchParams.get("limit") ?? FEW_ACCOUNTS);
    if (!Number.isSafeInteger(offset) || offset < 0) return json(400, { error: "offset is not a whole number" });
    if (!Number.isSafeInteger(limit) || limit < 1 || limit > MOST_ACCOUNTS) {
      return json(400, { error: `limit is not a whole number from 1 to ${MOST_ACCOUNTS}` });
    }
    return json(200, { offset, accounts: status.accounts(offset, limit) });
  }
  const [, account] = /^\/accounts\/(0x[0-9a-f]{64})$/i.exec(pathname) ?? [];
  if (account !== undefined) {
    const found = status.account(account.toLowerCase());
    return found === undefined ? json(404, { error: `the keeper knows no account ${account}` }) : json(200, found);
  }
  return json(404, { error: "there are /health, /ready, /accounts, /accounts/<id> and /metrics" });
};

export interface Listener {
  readonly port: number;
  close(): Promise<void>;
}

/** Throws {@link ConfigError} when the port is taken. */
export const listen = async (
  { host, port }: { host: string; port: number },
  status: Status,
  metrics: Metrics,
): Promise<Listener> => {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      const isRead = request.method === "GET" || request.method === "HEAD";
      const { code, body, type } = isRead
        ? await page(new URL(request.url ?? "/", "http://keeper"), status, metrics)
        : json(405, { error: "only GET" });
      response.writeHead(code, { "content-type": type ?? "application/json", "cache-control": "no-store" });
      response.end(request.method === "HEAD" ? undefined : body);
    } catch (error) {
      response.writeHead(500, { "content-type": "application/json" });
      response.end(`${JSON.stringify({ error: String(error) })}\n`);
    }
  };
  const server: Server = createServer((request, response) => void answer(request, response));
  server.listen(port, host);
  try {
    await once(server, "listening");
  } catch (error) {
    throw new ConfigError(`--listen: cannot listen on ${host}:${port}: ${error instanceof Error ? error.message : ""}`);
  }
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : port,
    close: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
};
