// The plainest order book that could be right: a list, searched from the start each time.
export interface NaiveOrder {
  readonly id: number;
  readonly owner: number;
  readonly side: "buy" | "sell";
  readonly price: number;
  readonly expiry: number;
  readonly salt: number;
  readonly postOnly: boolean;
  readonly immediateOrCancel: boolean;
  open: number;
}

export interface NaiveFill {
  readonly maker: number;
  readonly taker: number;
  readonly size: number;
  readonly price: number;
}

export class NaiveBook {
  /** In order of arrival. */
  resting: NaiveOrder[] = [];
  readonly fills: NaiveFill[] = [];

  /** False: refused. */
  place(order: NaiveOrder, now: number): boolean {
    if (order.expiry < now) return false;
    if (order.postOnly && this.counterpart(order) !== undefined) return false;
    for (;;) {
      const other = order.open > 0 ? this.counterpart(order) : undefined;
      if (other === undefined) break;
      if (other.owner === order.owner || other.expiry < now) {
        this.remove(other);
        continue;
      }
      const size = Math.min(order.open, other.open);
      const isOtherMaker = this.isMaker(other, order);
      const maker = isOtherMaker ? other : order;
      this.fills.push({ maker: maker.id, taker: (maker === order ? other : order).id, size, price: maker.price });
      order.open -= size;
      other.open -= size;
      if (other.open === 0) this.remove(other);
    }
    if (order.open > 0 && !order.immediateOrCancel) this.resting.push(order);
    return true;
  }

  cancel(id: number): boolean {
    const order = this.resting.find((each) => each.id === id);
    if (order !== undefined) this.remove(order);
    return order !== undefined;
  }

  sweep(now: number): void {
    this.resting = this.resting.filter(({ expiry }) => expiry >= now);
  }

  /** The best priced on the other side; of several the first that came. */
  private counterpart(order: NaiveOrder): NaiveOrder | undefined {
    let best: NaiveOrder | undefined;
    for (const other of this.resting) {
      if (other.side === order.side) continue;
      const crosses = order.side === "buy" ? other.price <= order.price : other.price >= order.price;
      if (!crosses) continue;
      const isBetter =
        best === undefined || (order.side === "buy" ? other.price < best.price : other.price > best.price);
      if (isBetter) best = other;
    }
    return best;
  }

  /** By the exchange's rule: post-only, who can rest, the earlier salt, the lower hash. */
  private isMaker(one: NaiveOrder, other: NaiveOrder): boolean {
    if (one.postOnly !== other.postOnly) return one.postOnly;
    if (one.immediateOrCancel !== other.immediateOrCancel) return other.immediateOrCancel;
    return one.salt < other.salt || (one.salt === other.salt && one.id < other.id);
  }

  private remove(order: NaiveOrder): void {
    this.resting = this.resting.filter((each) => each !== order);
  }
}
