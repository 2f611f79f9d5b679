// An order as the matcher keeps it, the book it belongs to, and who of two is the maker.
import { WAD } from "../sdk/instruments.ts";
import { isImmediateOrCancel, isPostOnly, netCostScaled, type Order, ownerOfAccount } from "../sdk/orders.ts";
import type { Level, Side } from "./book.ts";
import type { SignedOrder } from "./commands.ts";

/** What an account holds of an instrument. */
export const holdingKey = (account: string, instrument: bigint): string => `${account}:${instrument.toString(16)}`;

/** Resting: in its book. Held: its trigger waits. Private: only its executor may fill it. Done: nothing left to match. */
export type OrderState = "resting" | "held" | "private" | "done";

export class Entry implements SignedOrder {
  readonly owner: string;
  readonly key: string;
  readonly side: Side;
  /** Limit on the net cost of a unit for a buyer, WAD². */
  readonly price: bigint;
  /** By leg. */
  readonly holdings: readonly string[];
  state: OrderState = "done";
  /** To match. */
  open: bigint;
  /** Matched, not on chain yet. */
  pending = 0n;
  /** On chain. */
  filled = 0n;
  /** Taken out of the market: a failed fill does not bring it back. */
  cancelled = false;
  level: Level<this> | undefined = undefined;
  before: this | undefined = undefined;
  after: this | undefined = undefined;

  constructor(
    readonly hash: string,
    readonly order: Order,
    readonly signer: string,
    readonly signature: string,
    readonly turn: number,
  ) {
    const market = marketOf(order);
    this.owner = ownerOfAccount(order.account);
    this.key = market.key;
    this.side = market.side;
    this.price = market.side === "buy" ? market.cost : -market.cost;
    this.open = order.size;
    this.holdings = order.legs.map(({ instrument }) => holdingKey(order.account, instrument));
  }

  get isLive(): boolean {
    return this.state !== "done";
  }
}

/**
 * The book an order belongs to: its legs as whoever is long the first one sees them. The exchange wants opposite ratios
 * exactly, so a spread of twice the ratios is another book.
 */
export const marketOf = ({ legs }: Pick<Order, "legs">): { key: string; side: Side; cost: bigint } => {
  const first = legs[0];
  if (first === undefined) throw new Error("an order has at least one leg");
  const isBuy = first.ratio > 0n;
  const parts = legs.map(({ instrument, ratio }) => {
    const signed = isBuy ? ratio : -ratio;
    return signed === WAD ? instrument.toString(16) : `${instrument.toString(16)}*${signed}`;
  });
  return { key: parts.join("+"), side: isBuy ? "buy" : "sell", cost: netCostScaled(legs) };
};

const canRest = ({ order }: SignedOrder): boolean => !isImmediateOrCancel(order) && order.trigger.underlying === 0;

/** Who the exchange takes for the maker: the post-only one, else the one that can rest, else the earlier salt, else the lower hash. */
export const makerOf = <T extends SignedOrder>(a: T, b: T): T => {
  if (isPostOnly(a.order) !== isPostOnly(b.order)) return isPostOnly(a.order) ? a : b;
  if (canRest(a) !== canRest(b)) return canRest(a) ? a : b;
  if (a.order.salt !== b.order.salt) return a.order.salt < b.order.salt ? a : b;
  return a.hash < b.hash ? a : b;
};
