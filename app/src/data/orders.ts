// Signed orders: placed with the matcher, remembered in this browser, followed until nothing of them is open.
import { instrumentName, WAD } from "../../../sdk/instruments.ts";
import { randomNonce } from "../../../sdk/signatures.ts";
import {
  type Leg,
  netCostScaled,
  type Order,
  orderFromJson,
  orderToJson,
  orderTypedData,
  spread,
  type Trigger,
} from "../../../sdk/orders.ts";
import { createKeptStore } from "../lib/store.ts";
import { Told } from "../lib/problems.ts";
import { decimal, price as priceText, toNumber } from "../lib/format.ts";
import { signer } from "../wallet/wallet.ts";
import type { Site } from "./site.ts";

export interface OwnOrder {
  readonly hash: string;
  readonly key: string;
  readonly account: string;
  readonly title: string;
  /** Of a strategy the side of its first leg, as the book has it. */
  readonly side: "buy" | "sell";
  /** Of a strategy what one unit costs, negative: brings. */
  readonly price: number;
  readonly size: number;
  readonly at: number;
  readonly open: number;
  readonly pending: number;
  readonly filled: number;
  readonly state: "resting" | "held" | "private" | "done" | "settling" | "gone";
  /** The index that sets it off. */
  readonly trigger?: { readonly underlying: number; readonly above: boolean; readonly price: number };
}

const KEPT = 60;
const isOrder = (value: unknown): value is OwnOrder =>
  typeof value === "object" && value !== null && "hash" in value && "account" in value && "state" in value;

export const ownOrders = createKeptStore<readonly OwnOrder[]>("orders", [], (value) =>
  Array.isArray(value) ? value.filter(isOrder) : undefined,
);

export const isOpen = ({ state }: OwnOrder): boolean => state !== "done" && state !== "gone";

type Json = Readonly<Record<string, unknown>>;
const isJson = (value: unknown): value is Json => typeof value === "object" && value !== null;

/** The matcher's refusals in the trader's words, where they need any. */
const WORDS: Readonly<Record<string, string>> = {
  SaltOutOfRange: "This computer's clock disagrees with the matcher's. Set it, then sign again.",
  InsufficientMargin: "The account has too little margin for this order. Deposit more, or make it smaller.",
};

const ask = async (site: Site, path: string, body: object): Promise<Json> => {
  let response: Response;
  try {
    response = await fetch(`${site.matcher}/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(20_000),
    });
  } catch {
    throw new Told("The matcher does not answer. Your order was not placed; try again in a moment.");
  }
  const json: unknown = await response.json().catch(() => undefined);
  if (!isJson(json)) throw new Told("The matcher does not answer. Your order was not placed; try again in a moment.");
  const { error } = json;
  if (isJson(error)) {
    const message = WORDS[String(error["code"])] ?? String(error["message"]);
    throw new Told(`${message.charAt(0).toUpperCase()}${message.slice(1)}${message.endsWith(".") ? "" : "."}`);
  }
  return json;
};

export interface Ticket {
  readonly account: string;
  readonly legs: readonly Leg[];
  readonly size: bigint;
  readonly maxFee: bigint;
  readonly reduceOnly: boolean;
  readonly postOnly: boolean;
  readonly immediate: boolean;
  readonly lifetimeSeconds: number;
  readonly trigger?: Trigger;
}

const domainOf = ({ venue, chainId }: Site) => ({ chainId, exchange: venue.deployment.contracts.exchange ?? "" });

/** Signs with the wallet and hands it to the matcher. */
export const place = async (site: Site, ticket: Ticket): Promise<OwnOrder> => {
  const block = await site.provider.getBlock("latest");
  const now = Date.now();
  const terms = {
    account: ticket.account,
    ...{ size: ticket.size, maxFee: ticket.maxFee, nonce: randomNonce(), now },
    // A local chain's clock may be ahead of this one.
    expiry: Math.max(Math.floor(now / 1_000), block?.timestamp ?? 0) + ticket.lifetimeSeconds,
    ...{ reduceOnly: ticket.reduceOnly, postOnly: ticket.postOnly, immediateOrCancel: ticket.immediate },
    ...(ticket.trigger !== undefined && { trigger: ticket.trigger }),
  };
  if (ticket.legs.length === 0) throw new Told("Choose something to trade first.");
  const order = spread(terms, ticket.legs);
  const { domain, types, message } = orderTypedData(order, domainOf(site));
  const wallet = await signer();
  const signature = await wallet.signTypedData(domain, types, message);
  const view = await ask(site, "orders", { order: orderToJson(order), signer: wallet.address, signature });
  const placed = ownOrder(site, order, view);
  ownOrders.set((all) => [placed, ...all].slice(0, KEPT));
  return placed;
};

const titleOf = (site: Site, { legs, size, trigger }: Order): string => {
  const [first] = legs;
  if (first === undefined) return "";
  const amount = decimal(toNumber(size), 4).replace(/\.?0+$/, "");
  const isBuy = first.ratio > 0n;
  if (legs.length > 1) {
    const parts = legs.map(
      ({ instrument, ratio }) => `${ratio > 0n ? "+" : "−"}${instrumentName(instrument, site.venue.underlyings)}`,
    );
    return `${amount} × (${parts.join(" ")})`;
  }
  const what = `${isBuy ? "Buy" : "Sell"} ${amount} ${instrumentName(first.instrument, site.venue.underlyings)}`;
  if (trigger.underlying === 0) return what;
  return `${what} when index ${trigger.above ? "≥" : "≤"} ${priceText(toNumber(trigger.price))}`;
};

/** An order as the page keeps it, with what the matcher says of it. */
const ownOrder = (site: Site, order: Order, view: Json): OwnOrder => {
  const { legs, trigger } = order;
  const [first] = legs;
  const net = toNumber(netCostScaled(legs) / WAD);
  return {
    ...{ hash: String(view["hash"]), key: site.key, account: order.account, title: titleOf(site, order) },
    ...{ side: (first?.ratio ?? 0n) > 0n ? "buy" : "sell", at: Number(order.salt) },
    price: legs.length === 1 ? Math.abs(net) : net,
    size: toNumber(order.size),
    ...(trigger.underlying !== 0 && {
      trigger: { underlying: trigger.underlying, above: trigger.above, price: toNumber(trigger.price) },
    }),
    ...viewOf(view),
  };
};

const wadIn = (json: Json, name: string): number => {
  const value = json[name];
  return typeof value === "string" ? toNumber(BigInt(value)) : 0;
};
const STATES = ["resting", "held", "private", "done", "settling"] as const;

const viewOf = (json: Json): Pick<OwnOrder, "open" | "pending" | "filled" | "state"> => ({
  open: wadIn(json, "open"),
  pending: wadIn(json, "pending"),
  filled: wadIn(json, "filled"),
  state: STATES.find((state) => state === json["state"]) ?? "gone",
});

/** Asks the matcher how the open ones stand; what it no longer knows is over. */
export const refreshOrders = async (site: Site): Promise<void> => {
  const open = ownOrders.get().filter((order) => order.key === site.key && isOpen(order));
  for (const order of open) {
    const response = await fetch(`${site.matcher}/orders/${order.hash}`, { signal: AbortSignal.timeout(8_000) });
    const json: unknown = response.status === 404 ? { state: "gone" } : await response.json();
    if (!isJson(json) || (!response.ok && response.status !== 404)) continue;
    const { state, ...amounts } = viewOf(json);
    // One that is gone was filled in the end, or fell away: the amounts are the last that were seen.
    const part =
      state === "gone" ? { state, open: 0, pending: 0, filled: order.filled + order.pending } : { state, ...amounts };
    ownOrders.set((all) => all.map((each) => (each.hash === order.hash ? { ...each, ...part } : each)));
  }
};

const REQUEST_TYPES = {
  Request: [
    { name: "action", type: "string" },
    { name: "account", type: "bytes32" },
    { name: "orders", type: "bytes32[]" },
    { name: "value", type: "uint64" },
    { name: "time", type: "uint64" },
  ],
};

/** Asks the matcher something that only the account's trader may ask. */
const request = async (site: Site, action: string, account: string, orders: readonly string[]): Promise<Json> => {
  const { chainId, exchange } = domainOf(site);
  const body = { action, account, orders, value: 0n, time: Date.now() };
  const wallet = await signer();
  const domain = { name: "Plimsoll Matcher", version: "1", chainId, verifyingContract: exchange };
  const signature = await wallet.signTypedData(domain, REQUEST_TYPES, body);
  return ask(site, "requests", { request: { ...body, value: "0" }, signer: wallet.address, signature });
};

/** All open orders of an account, wherever they were signed: the matcher shows them to whoever signs for the account. Says how many. */
export const findOrders = async (site: Site, account: string): Promise<number> => {
  const { orders } = await request(site, "list", account, []);
  const found = (Array.isArray(orders) ? orders.filter(isJson) : []).map((each) =>
    ownOrder(site, orderFromJson(each["order"]), each),
  );
  const known = new Set(found.map(({ hash }) => hash));
  ownOrders.set((all) => [...found, ...all.filter(({ hash }) => !known.has(hash))].slice(0, KEPT));
  return found.length;
};

/** Takes an order out of the book by a signature, without a transaction. */
export const cancelOrder = async (site: Site, order: OwnOrder): Promise<void> => {
  await request(site, "cancel", order.account, [order.hash]);
  ownOrders.set((all) => all.map((each) => (each.hash === order.hash ? { ...each, state: "gone", open: 0 } : each)));
};
