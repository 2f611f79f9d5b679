// Every order that the matcher remembers, found by hash, owner, nonce or the underlying whose price it waits for.
import { type Order, ownerOfAccount } from "../sdk/orders.ts";
import type { Entry } from "./entry.ts";

const nonceKey = ({ account, nonce }: Order): string => `${account}:${nonce}`;

export class OrderIndex {
  readonly all = new Map<string, Entry>();
  private readonly byOwner = new Map<string, Set<Entry>>();
  private readonly byNonce = new Map<string, string>();
  private readonly byTrigger = new Map<number, Set<Entry>>();

  add(entry: Entry): void {
    this.all.set(entry.hash, entry);
    this.byNonce.set(nonceKey(entry.order), entry.hash);
    let own = this.byOwner.get(entry.owner);
    if (own === undefined) this.byOwner.set(entry.owner, (own = new Set()));
    own.add(entry);
    const { underlying } = entry.order.trigger;
    if (underlying === 0) return;
    let waiting = this.byTrigger.get(underlying);
    if (waiting === undefined) this.byTrigger.set(underlying, (waiting = new Set()));
    waiting.add(entry);
  }

  delete(entry: Entry): void {
    this.all.delete(entry.hash);
    this.byNonce.delete(nonceKey(entry.order));
    const own = this.byOwner.get(entry.owner);
    own?.delete(entry);
    if (own?.size === 0) this.byOwner.delete(entry.owner);
    this.byTrigger.get(entry.order.trigger.underlying)?.delete(entry);
  }

  /** Of an account, in the order of their arrival, so that whatever is done to them has one outcome. */
  ofAccount(account: string): Entry[] {
    return [...(this.byOwner.get(ownerOfAccount(account)) ?? [])]
      .filter(({ order }) => order.account === account)
      .sort((a, b) => a.turn - b.turn);
  }

  /** How many orders the owner has. */
  countOf(owner: string): number {
    return this.byOwner.get(owner)?.size ?? 0;
  }

  /** Hash of an order with the same account and nonce. */
  withNonceOf(order: Order): string | undefined {
    return this.byNonce.get(nonceKey(order));
  }

  /** Whose trigger looks at the underlying, in the order of their arrival. */
  triggeredBy(underlying: number): Entry[] {
    return [...(this.byTrigger.get(underlying) ?? [])].sort((a, b) => a.turn - b.turn);
  }

  /** Whose index some order waits for. */
  triggerUnderlyings(): number[] {
    return [...this.byTrigger].filter(([, waiting]) => waiting.size > 0).map(([underlying]) => underlying);
  }
}
