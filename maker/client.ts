// The matcher over HTTP, as any trader's program would use it.
import type { Signer } from "ethers";

import { type Action, type Request, requestToJson, signRequest } from "../matcher/requests.ts";
import { type ExchangeDomain, type Order, orderToJson, signOrder } from "../sdk/orders.ts";

const TIMEOUT_MS = 10_000;

/** What the matcher refused, by its name for it. */
export class MatcherRefusal extends Error {
  override readonly name = "MatcherRefusal";
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(`${code}: ${message}`);
  }
}

type Json = Readonly<Record<string, unknown>>;
const isJson = (value: unknown): value is Json => typeof value === "object" && value !== null;

export interface PlacedOrder {
  readonly hash: string;
  readonly state: string;
  readonly open: bigint;
}

export class MatcherClient {
  constructor(
    private readonly url: string,
    private readonly signer: Signer,
    private readonly account: string,
    private readonly domain: ExchangeDomain,
    private readonly clock: () => number = Date.now,
  ) {}

  async place(order: Order): Promise<PlacedOrder> {
    const signature = await signOrder(this.signer, order, this.domain);
    const signer = await this.signer.getAddress();
    return placed(await this.post("orders", { order: orderToJson(order), signer, signature }));
  }

  cancel(orders: readonly string[]): Promise<Json> {
    return this.ask("cancel", orders, 0n);
  }

  cancelAll(): Promise<Json> {
    return this.ask("cancelAll", [], 0n);
  }

  /** All is cancelled at `until` (unix seconds) unless it is said again; 0 takes the switch away. */
  keepAlive(until: number): Promise<Json> {
    return this.ask("keepAlive", [], BigInt(until));
  }

  async list(): Promise<PlacedOrder[]> {
    const { orders } = await this.ask("list", [], 0n);
    return Array.isArray(orders) ? orders.filter(isJson).map(placed) : [];
  }

  private async ask(action: Action, orders: readonly string[], value: bigint): Promise<Json> {
    const request: Request = { action, account: this.account, orders, value, time: this.clock() };
    const signature = await signRequest(this.signer, request, this.domain);
    return this.post("requests", requestToJson({ request, signer: await this.signer.getAddress(), signature }));
  }

  private async post(path: string, body: object): Promise<Json> {
    const response = await fetch(new URL(path, this.url), {
      method: "POST",
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const json: unknown = await response.json();
    if (!isJson(json)) throw new Error("the matcher did not answer with an object");
    const { error } = json;
    if (isJson(error)) throw new MatcherRefusal(String(error["code"]), String(error["message"]));
    return json;
  }
}

const placed = (json: Json): PlacedOrder => ({
  hash: String(json["hash"]),
  state: String(json["state"]),
  open: BigInt(typeof json["open"] === "string" ? json["open"] : "0"),
});
