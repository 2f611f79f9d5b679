// What the matcher needs of the chain, so that it can be run without one.
import type { SignedOrder } from "./commands.ts";

export interface Block {
  readonly number: number;
  readonly hash: string;
}

/** What the exchange knows of an order at a block. */
export interface Standing {
  /** 0: used up, cancelled, expired or void. */
  readonly remaining: bigint;
  /** Whether the signer may trade for the account. */
  readonly authorized: boolean;
  /** Of the account's dead-man's switch, unix seconds; 0: none. */
  readonly validUntil: number;
}

export type ChainEvent =
  | { readonly kind: "filled"; readonly maker: string; readonly taker: string; readonly size: bigint }
  | { readonly kind: "nonces"; readonly account: string; readonly word: bigint; readonly mask: bigint }
  | { readonly kind: "upTo"; readonly account: string; readonly salt: bigint }
  | { readonly kind: "alive"; readonly account: string; readonly validUntil: number }
  /** Its balances or positions changed: its orders may not be honoured any more. */
  | { readonly kind: "changed"; readonly account: string };

/** Why a fill would not go through. */
export interface Failure {
  /** The contract's error, by name. */
  readonly reason: string;
  /** Hashes, accounts, addresses and words among its arguments, in lower-case hexadecimal: whom it is about. */
  readonly about: readonly string[];
  /** Of `TriggerNotMet`: what the index is. */
  readonly index?: bigint;
}

export interface Match {
  readonly fill: number;
  readonly maker: SignedOrder;
  readonly taker: SignedOrder;
  readonly size: bigint;
}

export type Submission =
  /** By fill. What is not in it is on chain, and its events come with the block. */
  | { readonly status: "mined"; readonly hash: string; readonly failures: ReadonlyMap<number, Failure> }
  /** Nothing of it happened. */
  | { readonly status: "failed"; readonly reason: string };

export interface Gateway {
  readonly chainId: bigint;
  readonly exchange: string;
  /** Whose transactions these are; orders pinned to it are matched like open ones. Lower case. */
  readonly executor: string;

  /** The newest block that counts. */
  head(): Promise<Block>;
  blockHash(block: number): Promise<string>;
  isCanonical(block: Block): Promise<boolean>;
  events(from: number, to: number): Promise<ChainEvent[]>;
  /** Whether a signature that no key has made is one of a contract (EIP-1271). */
  isContractSignature(signer: string, digest: string, signature: string): Promise<boolean>;
  isAuthorized(account: string, signer: string): Promise<boolean>;
  /** At a block, or now. */
  standing(signed: SignedOrder, block?: number): Promise<Standing>;
  position(account: string, instrument: bigint): Promise<bigint>;
  /** Mid price of the index, settlement units WAD; undefined while unusable. */
  index(underlying: number): Promise<bigint | undefined>;
  /** Why the order's account could not have this much of it filled; undefined: nothing speaks against it. */
  probe(signed: SignedOrder, size: bigint): Promise<Failure | undefined>;
  /** What would fail if they were sent together now. */
  simulate(matches: readonly Match[]): Promise<ReadonlyMap<number, Failure>>;
  /** Resolves when it is known how it ended. */
  submit(matches: readonly Match[]): Promise<Submission>;
}
