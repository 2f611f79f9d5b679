// Orders for tests of the matcher: unsigned, because its engine trusts whoever verified them.
import { toBeHex, ZeroAddress } from "ethers";

import type { SignedOrder } from "../../matcher/commands.ts";
import { perpWord, WAD } from "../../sdk/instruments.ts";
import { FLAG, type Leg, NO_TRIGGER, type Order, type Trigger } from "../../sdk/orders.ts";

export const ETH_PERP = perpWord(2);
export const BTC_PERP = perpWord(3);
/** Milliseconds at which tests begin. */
export const START = 1_800_000_000_000;
export const NOW = START / 1_000;

export interface OrderShape {
  /** The trader's number: a made-up address. */
  readonly owner: number;
  /** Of the owner. */
  readonly index?: bigint;
  readonly side: "buy" | "sell";
  /** Whole settlement units. */
  readonly price: number;
  /** Whole units. */
  readonly size: number;
  readonly id: number;
  readonly salt?: number;
  readonly instrument?: bigint;
  readonly legs?: readonly Leg[];
  readonly expiry?: number;
  readonly executor?: string;
  readonly postOnly?: boolean;
  readonly immediateOrCancel?: boolean;
  readonly reduceOnly?: boolean;
  readonly trigger?: Partial<Trigger>;
}

export const ownerAddress = (owner: number): string => toBeHex(owner, 20);
export const accountOf = (owner: number, index = 0n): string => toBeHex((BigInt(owner) << 96n) | index, 32);
export const wad = (value: number): bigint => BigInt(Math.round(value * 1e6)) * 10n ** 12n;

export const makeOrder = (shape: OrderShape): Order => ({
  account: accountOf(shape.owner, shape.index),
  legs: shape.legs ?? [
    {
      instrument: shape.instrument ?? ETH_PERP,
      ratio: shape.side === "buy" ? WAD : -WAD,
      price: wad(shape.price),
    },
  ],
  size: wad(shape.size),
  maxFee: WAD,
  expiry: shape.expiry ?? NOW + 3_600,
  nonce: BigInt(shape.id),
  salt: BigInt(START + (shape.salt ?? shape.id)),
  executor: shape.executor ?? ZeroAddress,
  flags:
    (shape.reduceOnly === true ? FLAG.reduceOnly : 0) |
    (shape.postOnly === true ? FLAG.postOnly : 0) |
    (shape.immediateOrCancel === true ? FLAG.immediateOrCancel : 0),
  trigger: { ...NO_TRIGGER, ...shape.trigger },
});

export const hashOf = (id: number): string => toBeHex(id, 32);

export const makeSigned = (shape: OrderShape): SignedOrder => ({
  hash: hashOf(shape.id),
  order: makeOrder(shape),
  signer: ownerAddress(shape.owner),
  signature: `0x${"11".repeat(65)}`,
});
