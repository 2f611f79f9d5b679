// What the page may ask of a local network beside its chain: where things are, a faucet, and a lever on prices.
import type { IncomingMessage, ServerResponse } from "node:http";

import { isAddress } from "ethers";

import { isCoin } from "./path.ts";
import type { DevStack } from "./stack.ts";

const MOST_BODY = 4_096;
const LEAST_FACTOR = 0.2;
const MOST_FACTOR = 5;

type Next = () => void;
export type Handler = (request: IncomingMessage, response: ServerResponse, next: Next) => void;

class BadRequest extends Error {}

const bodyOf = async (request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> => {
  let text = "";
  for await (const chunk of request as AsyncIterable<Buffer>) {
    text += chunk.toString("utf8");
    if (text.length > MOST_BODY) throw new BadRequest("the body is too large");
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value as Readonly<Record<string, unknown>>;
  } catch {
    // Said below.
  }
  throw new BadRequest("the body must be an object");
};

/** What the page reads before anything else. Addresses are relative: everything is reached through the page's own origin. */
export const configOf = ({ deployment }: DevStack) => ({
  rpc: "/rpc",
  matcher: "/matcher",
  deployment,
  audit: "/audit.json",
  /** Only a local network has one. */
  local: { faucet: "/local/faucet", price: "/local/price" },
});

const answer = async (stack: DevStack, path: string, request: IncomingMessage): Promise<object> => {
  if (path === "/config.json" && request.method === "GET") return configOf(stack);
  if (path === "/audit.json" && request.method === "GET") return stack.auditor.last ?? {};
  if (request.method !== "POST") throw new BadRequest("there is nothing here");
  const body = await bodyOf(request);
  if (path === "/local/faucet") {
    const { address } = body;
    if (!isAddress(address)) throw new BadRequest("address must be an address of 20 bytes");
    await stack.market.fund(address);
    return { funded: address };
  }
  const { coin, factor } = body;
  if (!isCoin(coin)) throw new BadRequest("coin must be WETH or WBTC");
  if (typeof factor !== "number" || !(factor >= LEAST_FACTOR && factor <= MOST_FACTOR)) {
    throw new BadRequest(`factor must be from ${LEAST_FACTOR} to ${MOST_FACTOR}`);
  }
  stack.path.push(coin, factor);
  return { coin, price: stack.market.prices[coin] };
};

const PATHS = ["/config.json", "/audit.json", "/local/faucet", "/local/price"];

export const localHandler =
  (stack: DevStack): Handler =>
  (request, response, next) => {
    const path = (request.url ?? "/").split("?")[0] ?? "/";
    if (!PATHS.includes(path)) {
      next();
      return;
    }
    const reply = (status: number, body: object): void => {
      response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
      response.end(JSON.stringify(body));
    };
    answer(stack, path, request).then(
      (body) => reply(200, body),
      (error: unknown) =>
        reply(error instanceof BadRequest ? 400 : 500, { error: error instanceof Error ? error.message : "failed" }),
    );
  };
