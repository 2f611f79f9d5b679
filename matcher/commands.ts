// What can happen to the matcher's state, and what comes of it. Commands are journalled; the same commands give the same state.
import type { Order } from "../sdk/orders.ts";
import type { Side } from "./book.ts";

/** A verified order. */
export interface SignedOrder {
  readonly hash: string;
  readonly order: Order;
  /** Owner of the account, or an operator that may trade for it. */
  readonly signer: string;
  readonly signature: string;
}

/** `at`: milliseconds, the matcher's clock when the command was given. */
export type Command =
  | ({ readonly kind: "place"; readonly at: number } & SignedOrder)
  | { readonly kind: "cancel"; readonly at: number; readonly hash: string; readonly reason: string }
  /** All orders of the account, or those with a salt below `below`. */
  | {
      readonly kind: "cancelAll";
      readonly at: number;
      readonly account: string;
      readonly below: bigint | undefined;
      readonly reason: string;
    }
  /** Dead-man's switch: unix seconds, 0 for none. `scope` keeps the exchange's and the matcher's own apart. */
  | {
      readonly kind: "deadline";
      readonly at: number;
      readonly scope: "chain" | "matcher";
      readonly account: string;
      readonly until: number;
    }
  | { readonly kind: "index"; readonly at: number; readonly underlying: number; readonly price: bigint }
  /** A position as the chain has it; reduce-only orders need it. */
  | {
      readonly kind: "position";
      readonly at: number;
      readonly account: string;
      readonly instrument: bigint;
      readonly size: bigint;
    }
  /** Time passes: what has expired goes. */
  | { readonly kind: "sweep"; readonly at: number }
  /** A fill of ours is on chain. */
  | { readonly kind: "confirm"; readonly at: number; readonly fill: number }
  /** A fill of ours will never be; `culprits` go, what is left of the others comes back. */
  | {
      readonly kind: "fail";
      readonly at: number;
      readonly fill: number;
      readonly culprits: readonly string[];
      readonly reason: string;
    }
  /** Somebody else had the order filled. */
  | { readonly kind: "external"; readonly at: number; readonly hash: string; readonly size: bigint }
  /** Events were read up to this block. */
  | { readonly kind: "synced"; readonly at: number; readonly block: number; readonly hash: string };

export interface Fill {
  readonly id: number;
  readonly at: number;
  readonly key: string;
  readonly maker: string;
  readonly taker: string;
  /** Which side the taker was on. */
  readonly side: Side;
  /** Net cost per unit for the buyer, WAD². */
  readonly price: bigint;
  readonly size: bigint;
}

export type Happening =
  | { readonly kind: "rested"; readonly hash: string; readonly open: bigint }
  | { readonly kind: "held"; readonly hash: string }
  | { readonly kind: "private"; readonly hash: string }
  | { readonly kind: "triggered"; readonly hash: string }
  | { readonly kind: "traded"; readonly fill: Fill }
  | { readonly kind: "cancelled"; readonly hash: string; readonly reason: string; readonly open: bigint }
  | { readonly kind: "confirmed"; readonly fill: Fill }
  | { readonly kind: "failed"; readonly fill: Fill; readonly reason: string; readonly culprits: readonly string[] };
