// What accounts hold, as far as reduce-only orders need to know: as the chain has it, and as fills on their way will change it.
import { WAD } from "../sdk/instruments.ts";
import { ownerOfAccount } from "../sdk/orders.ts";
import { type Entry, holdingKey } from "./entry.ts";

const magnitude = (a: bigint): bigint => (a < 0n ? -a : a);

export class Holdings {
  /** As the chain has them. */
  readonly positions = new Map<string, bigint>();
  /** What fills on their way will change. */
  private readonly expected = new Map<string, bigint>();

  setPosition(account: string, instrument: bigint, size: bigint): void {
    this.put(holdingKey(account, instrument), size);
  }

  /** A fill of `size` units was mined. */
  settle({ order, holdings }: Entry, size: bigint): void {
    for (const [i, { ratio }] of order.legs.entries()) {
      const key = holdings[i] ?? "";
      this.put(key, (this.positions.get(key) ?? 0n) + (size * ratio) / WAD);
    }
  }

  /** `size` units more (negative: fewer) are on their way. */
  expect({ order, holdings }: Entry, size: bigint): void {
    for (const [i, { ratio }] of order.legs.entries()) {
      const key = holdings[i] ?? "";
      const next = (this.expected.get(key) ?? 0n) + (size * ratio) / WAD;
      if (next === 0n) this.expected.delete(key);
      else this.expected.set(key, next);
    }
  }

  /** What a reduce-only order could still fill: as far as every leg shrinks its position. */
  reducible({ order, holdings }: Entry): bigint {
    let most: bigint | undefined;
    for (const [i, { ratio }] of order.legs.entries()) {
      const key = holdings[i] ?? "";
      const size = (this.positions.get(key) ?? 0n) + (this.expected.get(key) ?? 0n);
      if (size === 0n || size > 0n === ratio > 0n) return 0n;
      const units = (magnitude(size) * WAD) / magnitude(ratio);
      if (most === undefined || units < most) most = units;
    }
    return most ?? 0n;
  }

  /** Keeps only those of owners of whom `isKept` holds; others are asked for again when they are needed. */
  prune(isKept: (owner: string) => boolean): void {
    for (const key of [...this.positions.keys()]) {
      if (!isKept(ownerOfAccount(key))) this.positions.delete(key);
    }
  }

  private put(key: string, size: bigint): void {
    if (size === 0n) this.positions.delete(key);
    else this.positions.set(key, size);
  }
}
