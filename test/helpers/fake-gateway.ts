// A chain in memory, for the matcher's tests: it mines what it is given, and says what the test told it to say.
import { toBeHex } from "ethers";

import type { SignedOrder } from "../../matcher/commands.ts";
import type { Block, ChainEvent, Failure, Gateway, Match, Standing, Submission } from "../../matcher/gateway.ts";
import { ownerAddress } from "./orders.ts";

export class FakeGateway implements Gateway {
  readonly chainId = 31_337n;
  readonly exchange = ownerAddress(0xec);
  readonly executor = ownerAddress(0xe0);
  /** Events by block; the last one is the head. */
  blocks: ChainEvent[][] = [[]];
  salt = 0;
  readonly submitted: Match[][] = [];
  readonly remaining = new Map<string, bigint>();
  readonly operators = new Set<string>();
  readonly contracts = new Map<string, string>();
  readonly positions = new Map<string, bigint>();
  readonly validUntil = new Map<string, number>();
  readonly indices = new Map<number, bigint>();
  /** Why accounts cannot honour orders. */
  readonly unable = new Map<string, Failure>();
  readonly simulated = new Map<number, Failure>();
  readonly skipped = new Map<number, Failure>();
  /** Undefined: it mines at once. */
  refusal: string | undefined = undefined;
  isDown = false;

  mine(...events: ChainEvent[]): void {
    this.blocks.push(events);
  }

  private up(): void {
    if (this.isDown) throw new Error("ECONNREFUSED");
  }

  blockHash(block: number): Promise<string> {
    return Promise.resolve(toBeHex(this.salt * 1_000_000 + block + 1, 32));
  }

  async head(): Promise<Block> {
    this.up();
    const number = this.blocks.length - 1;
    return { number, hash: await this.blockHash(number) };
  }

  async isCanonical({ number, hash }: Block): Promise<boolean> {
    return number < this.blocks.length && (await this.blockHash(number)) === hash;
  }

  events(from: number, to: number): Promise<ChainEvent[]> {
    return Promise.resolve(this.blocks.slice(from, to + 1).flat());
  }

  isContractSignature(signer: string, digest: string, signature: string): Promise<boolean> {
    return Promise.resolve(this.contracts.get(signer) === signature && digest.length === 66);
  }

  isAuthorized(account: string, signer: string): Promise<boolean> {
    return Promise.resolve(account.slice(2, 42) === signer.slice(2) || this.operators.has(`${account}:${signer}`));
  }

  async standing({ hash, order, signer }: SignedOrder): Promise<Standing> {
    this.up();
    return {
      remaining: this.remaining.get(hash) ?? order.size,
      authorized: await this.isAuthorized(order.account, signer),
      validUntil: this.validUntil.get(order.account) ?? 0,
    };
  }

  position(account: string, instrument: bigint): Promise<bigint> {
    return Promise.resolve(this.positions.get(`${account}:${instrument}`) ?? 0n);
  }

  index(underlying: number): Promise<bigint | undefined> {
    return Promise.resolve(this.indices.get(underlying));
  }

  probe({ order }: SignedOrder): Promise<Failure | undefined> {
    this.up();
    return Promise.resolve(this.unable.get(order.account));
  }

  simulate(matches: readonly Match[]): Promise<ReadonlyMap<number, Failure>> {
    this.up();
    return Promise.resolve(new Map([...this.simulated].filter(([fill]) => matches.some((each) => each.fill === fill))));
  }

  submit(matches: readonly Match[]): Promise<Submission> {
    this.up();
    this.submitted.push([...matches]);
    if (this.refusal !== undefined) return Promise.resolve({ status: "failed", reason: this.refusal });
    const failures = new Map([...this.skipped].filter(([fill]) => matches.some((each) => each.fill === fill)));
    this.mine(
      ...matches
        .filter(({ fill }) => !failures.has(fill))
        .map(({ maker, taker, size }) => ({ kind: "filled" as const, maker: maker.hash, taker: taker.hash, size })),
    );
    return Promise.resolve({ status: "mined", hash: toBeHex(this.submitted.length, 32), failures });
  }
}
