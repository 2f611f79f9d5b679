// The matcher in the demo's own process: signed orders in, real matching with its journal, batches out to the exchange.
import type { ContractTransaction, TransactionReceipt } from "ethers";

import type { Fill, Happening, SignedOrder } from "../../matcher/commands.ts";
import { DurableEngine } from "../../matcher/durable.ts";
import { DEFAULT_ENGINE_OPTIONS } from "../../matcher/engine.ts";
import { hashOrder, type Order, signOrder } from "../../sdk/orders.ts";
import type { SignedOrderStruct } from "../../types/ethers-contracts/contracts/interfaces/IExchange.sol/IExchange.js";
import { accountId } from "../../scripts/lib/ids.ts";
import type { Actor, Intent } from "../sender.ts";
import type { DerivativesStage } from "./stage.ts";

/** Fills in one transaction. */
const BATCH = 4;
/** The exchange wants 10M for a fill that may fail, on top of what those before it use. */
const BATCH_GAS = 20_000_000n;

export interface Trade {
  readonly maker: Order;
  readonly taker: Order;
  readonly size: bigint;
  readonly makerFee: bigint;
  readonly takerFee: bigint;
  readonly gasUsed: number;
}

/** A batch of matches that is about to be sent. */
export interface Batch {
  readonly intent: Intent;
  readonly fills: readonly Fill[];
}

export class Venue {
  private readonly durable: DurableEngine;
  /** Orders by hash while a fill of them is on its way. */
  private readonly orders = new Map<string, SignedOrder>();
  private readonly waiting: Fill[] = [];
  private nextNonce = 1n;
  orderCount = 0;
  fillCount = 0;
  /** Why the exchange left fills out. */
  readonly skipped: string[] = [];

  constructor(
    private readonly stage: DerivativesStage,
    /** Sends the batches, and is paid for executing triggered orders. */
    private readonly submitter: Actor,
    journal: string,
  ) {
    this.durable = DurableEngine.open(
      { ...DEFAULT_ENGINE_OPTIONS, executor: submitter.address.toLowerCase() },
      { directory: journal, fsync: "never" },
    );
  }

  close(): void {
    this.durable.close();
  }

  /** Unordered: any that was not used. */
  nonce(): bigint {
    return this.nextNonce++;
  }

  /** Signs the order and hands it in. */
  async place(by: Actor, order: Order, at: number): Promise<void> {
    const { domain } = this.stage;
    const [hash, signature] = [hashOrder(order, domain), await signOrder(by.wallet, order, domain)];
    const signed: SignedOrder = { hash, order, signer: by.address, signature };
    this.orders.set(hash, signed);
    this.orderCount += 1;
    this.take(this.durable.apply({ kind: "place", at: at * 1000, ...signed }));
  }

  /** What the matcher has to know of the chain: the index sets triggered orders off. */
  index(underlying: number, price: bigint, at: number): void {
    this.take(this.durable.apply({ kind: "index", at: at * 1000, underlying, price }));
  }

  /** Reduce-only orders are let in as far as they reduce. */
  position(account: string, instrument: bigint, size: bigint, at: number): void {
    this.durable.apply({ kind: "position", at: at * 1000, account, instrument, size });
  }

  cancel(account: string, at: number): void {
    this.durable.apply({ kind: "cancelAll", at: at * 1000, account, below: undefined, reason: "OwnerCancelled" });
  }

  /** Drops what has expired. */
  async sweep(at: number): Promise<void> {
    this.durable.apply({ kind: "sweep", at: at * 1000 });
    await this.durable.flush();
    for (const hash of this.orders.keys()) if (!this.durable.engine.orders.has(hash)) this.orders.delete(hash);
  }

  /** Batches of what has been matched. */
  async batches(): Promise<Batch[]> {
    // Nothing is sent that a restart would not know of.
    await this.durable.flush();
    const batches: Batch[] = [];
    while (this.waiting.length > 0) {
      const fills = this.waiting.splice(0, BATCH);
      const tx: ContractTransaction = await this.stage.exchange.fillOrders.populateTransaction(
        fills.map(({ maker, taker, size }) => ({ maker: this.submitted(maker), taker: this.submitted(taker), size })),
        accountId(this.submitter.address),
      );
      const what = `fill ${fills.length} matches`;
      batches.push({ intent: { by: this.submitter, what, tx: { ...tx, gasLimit: BATCH_GAS } }, fills });
    }
    return batches;
  }

  /** Tells the matcher what became of a batch; returns what was traded. */
  landed({ fills }: Batch, receipt: TransactionReceipt, at: number): Trade[] {
    const { exchange } = this.stage;
    const events = receipt.logs.map((log) => exchange.interface.parseLog(log)).filter((event) => event !== null);
    const trades: Trade[] = [];
    for (const [i, fill] of fills.entries()) {
      const done = events.find(
        ({ name, args }) => name === "OrdersFilled" && args[0] === fill.maker && args[1] === fill.taker,
      );
      if (done === undefined) {
        const skipped = events.find(({ name, args }) => name === "FillSkipped" && Number(args[0]) === i);
        const reason = this.reasonOf(String(skipped?.args[3] ?? "0x"));
        this.skipped.push(reason);
        this.take(this.durable.apply({ kind: "fail", at: at * 1000, fill: fill.id, culprits: [fill.taker], reason }));
        continue;
      }
      const [makerFee, takerFee] = [done.args[5] as bigint, done.args[6] as bigint];
      const [maker, taker] = [this.signed(fill.maker).order, this.signed(fill.taker).order];
      trades.push({
        ...{ maker, taker, makerFee, takerFee, size: fill.size },
        gasUsed: Number(receipt.gasUsed) / fills.length,
      });
      this.fillCount += 1;
      this.durable.apply({ kind: "confirm", at: at * 1000, fill: fill.id });
    }
    return trades;
  }

  private reasonOf(data: string): string {
    const { exchange, positions, safe } = this.stage;
    for (const contract of [exchange, positions, safe]) {
      const error = contract.interface.parseError(data);
      if (error !== null) return `${error.name}(${[...(error.args as Iterable<unknown>)].map(String).join(", ")})`;
    }
    return data;
  }

  private signed(hash: string): SignedOrder {
    const signed = this.orders.get(hash);
    if (signed === undefined) throw new Error(`order ${hash} is not known`);
    return signed;
  }

  private submitted(hash: string): SignedOrderStruct {
    const { order, signer, signature } = this.signed(hash);
    return { order: { ...order, legs: [...order.legs] }, signer, signature };
  }

  private take(happenings: readonly Happening[]): void {
    for (const happening of happenings) if (happening.kind === "traded") this.waiting.push(happening.fill);
  }
}
