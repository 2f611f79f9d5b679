// Owns the key's nonces: signs, sends, waits, replaces, and knows after a restart or a reorganisation what is on its way.
import type { JsonRpcProvider, TransactionReceipt, Wallet } from "ethers";
import type { Logger } from "pino";

import { broadcast } from "./broadcast.ts";
import { bumpedFees, cancelFees, type Fees, readFees } from "./fees.ts";
import { CANCEL_GAS, Flight, type Job, type Outcome } from "./flight.ts";
import { backoffMs, describeError, sleep } from "./rpc.ts";
import type { State } from "./state.ts";

export type { Job, Outcome } from "./flight.ts";

const POLL_MS = 500;
// A nonce that is used up without a receipt of ours: nodes behind one address may lag each other for a moment.
const LOST_AFTER_LOOKS = 5;
/** Blocks after which nothing comes back. */
const REMEMBERED_BLOCKS = 64;
export const MAX_IN_FLIGHT = 16;

/** A transaction of an earlier run, or one that a reorganisation took out of the chain again. */
export interface Resumed {
  readonly job: Job;
  readonly hashes: readonly string[];
  readonly landing: Promise<Outcome>;
}

export interface SenderOptions {
  readonly chainId: bigint;
  readonly timeoutMs: number;
  readonly pollMs?: number;
  /** Where transactions are sent; by default to the node that is read from. */
  readonly relays?: readonly JsonRpcProvider[];
  readonly maxInFlight?: number;
}

/** Only what the sender keeps: other programs have states of their own. */
export type FlightStore = Pick<State, "flights" | "saveFlight" | "deleteFlight">;

export class Sender {
  private readonly flights = new Map<number, Flight>();
  /** Mined, but not so deep that they could not come back. */
  private readonly landed = new Map<number, Flight>();
  private readonly landings = new Set<Promise<Outcome>>();
  /** What jobs that wait for their turn are about. */
  private readonly queued = new Map<string, number>();
  private readonly stopped = new AbortController();
  private readonly relays: readonly JsonRpcProvider[];
  readonly maxInFlight: number;
  private next = 0;
  /** Nonces are taken one after the other. */
  private turn: Promise<unknown> = Promise.resolve();
  private watching: Promise<void> | undefined;

  constructor(
    private readonly wallet: Wallet,
    private readonly provider: JsonRpcProvider,
    private readonly state: FlightStore,
    private readonly log: Logger,
    private readonly options: SenderOptions,
  ) {
    this.relays = options.relays ?? [provider];
    this.maxInFlight = options.maxInFlight ?? MAX_IN_FLIGHT;
  }

  get address(): string {
    return this.wallet.address;
  }

  /** Transactions whose end is not known, those included that wait for their turn. */
  get inFlight(): number {
    return this.landings.size;
  }

  /** Gas of what is on its way. */
  get gasInFlight(): bigint {
    return [...this.flights.values()].reduce((sum, { record }) => sum + record.gasLimit, 0n);
  }

  /** Whether a transaction is ours. */
  knows(hash: string): boolean {
    const has = ({ record }: Flight) => record.hashes.includes(hash);
    return [...this.flights.values()].some(has) || [...this.landed.values()].some(has);
  }

  isBusy(subject: string): boolean {
    return this.queued.has(subject) || [...this.flights.values()].some(({ record }) => record.account === subject);
  }

  /** Takes up what an earlier run left on its way. */
  async resume(): Promise<Resumed[]> {
    const resumed: Resumed[] = [];
    const head = await this.provider.getBlockNumber();
    const mined = await this.provider.getTransactionCount(this.address, "latest");
    this.next = Math.max(mined, await this.provider.getTransactionCount(this.address, "pending"));
    for (const record of this.state.flights()) {
      if (record.nonce < mined) {
        // Mined, and perhaps not deep enough yet.
        const flight = new Flight(record, {});
        flight.landing = { block: head };
        this.landed.set(record.nonce, flight);
        continue;
      }
      this.next = Math.max(this.next, record.nonce + 1);
      this.log.info(
        { event: "resumed-transaction", kind: record.kind, nonce: record.nonce, hash: record.hashes.at(-1) },
        "waiting for a transaction of an earlier run",
      );
      resumed.push(await this.takeUp(new Flight(record, {})));
    }
    return resumed;
  }

  /** Sends a job and resolves when it is known how it ended; rejects only before anything was sent. */
  send(job: Job): Promise<Outcome> {
    this.queued.set(job.subject, (this.queued.get(job.subject) ?? 0) + 1);
    return this.track(this.launch(job));
  }

  /**
   * To be asked at every new head: what a reorganisation took out of the chain is sent again, bytes unchanged, and is on its
   * way as before; nothing else may use its nonce or bid on its account meanwhile.
   */
  async recheck(head: number): Promise<Resumed[]> {
    this.prune(head);
    if (this.landed.size === 0) return [];
    const mined = await this.provider.getTransactionCount(this.address, "latest");
    const back: Resumed[] = [];
    for (const flight of [...this.landed.values()]) {
      if (flight.nonce < mined) continue;
      this.landed.delete(flight.nonce);
      flight.landing = undefined;
      this.log.warn(
        {
          event: "transaction-undone",
          kind: flight.record.kind,
          account: flight.record.account,
          hash: flight.lastHash,
        },
        "a reorganisation undid this transaction: it is on its way again",
      );
      back.push(await this.takeUp(flight));
    }
    if (back.length > 0) this.next = Math.max(mined, ...[...this.flights.keys()].map((nonce) => nonce + 1));
    return back;
  }

  /** Waits for what is on its way, but not longer than `ms`; says the hashes of what is left. */
  async drain(ms: number): Promise<void> {
    const timer = new AbortController();
    await Promise.race([Promise.allSettled([...this.landings]), sleep(ms, timer.signal)]);
    timer.abort();
    for (const { record, lastHash: hash } of this.flights.values()) {
      const { kind, account, nonce } = record;
      this.log.warn(
        { event: "left-in-flight", kind, account, nonce, hash },
        "stopping before this transaction is mined; the next run waits for it",
      );
    }
    this.stopped.abort();
    await this.watching;
    for (const flight of this.flights.values()) flight.end({ status: "left", hash: flight.lastHash });
    await Promise.allSettled([...this.landings]);
  }

  private track(landing: Promise<Outcome>): Promise<Outcome> {
    this.landings.add(landing);
    const forget = () => this.landings.delete(landing);
    void landing.then(forget, forget);
    return landing;
  }

  /** Puts an old flight on its way: the record gives the same bytes again. */
  private async takeUp(flight: Flight): Promise<Resumed> {
    const signed = await flight.sign(this.wallet, this.options.chainId);
    await flight.job.permit?.(signed); // it is out already: others only have to know
    const { record } = flight;
    if (record.hashes.length > 1) flight.accepted = true; // some version is with a node; replacing goes on from there
    this.state.saveFlight(record);
    this.flights.set(record.nonce, flight);
    const landing = this.track(flight.expect());
    this.watch();
    return { job: { ...record, subject: record.account }, hashes: flight.record.hashes, landing };
  }

  private async launch(job: Job): Promise<Outcome> {
    // Sent in the order of their nonces too: a node that mines each as it comes would leave a later one lying.
    const { flight, refusal } = await this.inTurn(() => this.takeOff(job)).finally(() => {
      const left = (this.queued.get(job.subject) ?? 1) - 1;
      if (left > 0) this.queued.set(job.subject, left);
      else this.queued.delete(job.subject);
    });
    if (refusal !== undefined) return { status: "rejected", reason: refusal };
    const { record } = flight;
    this.log.debug(
      {
        event: "sent",
        kind: job.kind,
        account: job.subject,
        nonce: record.nonce,
        hash: record.hashes[0],
        maxFee: String(record.maxFee),
        accepted: flight.accepted,
      },
      `sent ${job.kind}`,
    );
    this.watch();
    return flight.outcome;
  }

  private async takeOff(job: Job): Promise<{ flight: Flight; refusal: string | undefined }> {
    const [market] = await Promise.all([readFees(this.provider), this.syncNonce()]);
    const flight = Flight.of(job, this.next, market);
    this.flights.set(flight.nonce, flight);
    this.next += 1;
    try {
      const refusal = await this.show(flight);
      if (refusal !== undefined) this.takeBack(flight);
      return { flight, refusal };
    } catch (error) {
      this.takeBack(flight); // no node has seen it
      throw error;
    }
  }

  /** Signs, writes down before anybody sees it, and sends. Undefined or why not. */
  private async show(flight: Flight): Promise<string | undefined> {
    const signed = await flight.sign(this.wallet, this.options.chainId);
    if (flight.job.permit !== undefined && !(await flight.job.permit(signed))) {
      return "another replica has this account";
    }
    this.state.saveFlight(flight.record);
    return broadcast(flight, this.relays, this.provider);
  }

  private takeBack(flight: Flight): void {
    this.forget(flight);
    this.fillGap(flight.nonce);
  }

  /** With nothing on its way the chain knows best; whatever else used the key is seen here. */
  private async syncNonce(): Promise<void> {
    if (this.flights.size > 0) return;
    this.next = await this.provider.getTransactionCount(this.address, "pending");
  }

  private async inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.turn.then(work, work);
    this.turn = mine.catch(() => undefined);
    return mine;
  }

  /** One look at the chain for all flights together, while there are any. */
  private watch(): void {
    this.watching ??= this.look().finally(() => {
      this.watching = undefined;
      if (this.flights.size > 0 && !this.stopped.signal.aborted) this.watch();
    });
  }

  private async look(): Promise<void> {
    const { signal } = this.stopped;
    for (let failures = 0; this.flights.size > 0 && !signal.aborted;) {
      try {
        const mined = await this.provider.getTransactionCount(this.address, "latest");
        await Promise.all([...this.flights.values()].map((flight) => this.lookAt(flight, mined)));
        failures = 0;
        await sleep(this.options.pollMs ?? POLL_MS, signal);
      } catch (error) {
        failures += 1;
        this.log.debug({ event: "flight-error", reason: describeError(error) }, "cannot look");
        await sleep(backoffMs(failures), signal);
      }
    }
  }

  private async lookAt(flight: Flight, mined: number): Promise<void> {
    if (flight.raw === "" || flight.record.hashes.length === 0) return; // being signed
    if (flight.nonce < mined) {
      const receipt = await this.receiptOf(flight);
      if (receipt !== undefined) {
        this.land(flight, receipt);
      } else if ((flight.looksWithoutReceipt += 1) >= LOST_AFTER_LOOKS) {
        this.forget(flight);
        flight.end({ status: "lost", hash: flight.lastHash });
      }
    } else if (!flight.accepted) {
      const refusal = await broadcast(flight, this.relays, this.provider);
      if (refusal === undefined) return;
      this.takeBack(flight);
      flight.end({ status: "rejected", reason: refusal });
    } else if (Date.now() - flight.sentAt >= this.options.timeoutMs) {
      await this.replace(flight);
    }
  }

  private async receiptOf({ record }: Flight): Promise<TransactionReceipt | undefined> {
    const receipts = await Promise.all(record.hashes.map((hash) => this.provider.getTransactionReceipt(hash)));
    return receipts.find((receipt) => receipt !== null) ?? undefined;
  }

  private land(flight: Flight, receipt: TransactionReceipt): void {
    if (this.flights.get(flight.nonce) !== flight) return;
    this.flights.delete(flight.nonce);
    this.landed.set(flight.nonce, flight);
    flight.landing = { block: receipt.blockNumber };
    this.prune(receipt.blockNumber);
    const { hash } = receipt;
    const isOurOwn = receipt.to?.toLowerCase() === this.address.toLowerCase();
    flight.end(
      isOurOwn ? { status: "cancelled", hash } : { status: receipt.status === 1 ? "mined" : "reverted", hash, receipt },
    );
  }

  private prune(head: number): void {
    for (const flight of this.landed.values()) {
      if ((flight.landing?.block ?? 0) + REMEMBERED_BLOCKS <= head) this.forget(flight);
    }
  }

  private forget(flight: Flight): void {
    this.flights.delete(flight.nonce);
    this.landed.delete(flight.nonce);
    this.state.deleteFlight(flight.nonce);
  }

  /** A higher fee within the ceiling; else an empty transaction, so that the nonces behind it can move. */
  private async replace(flight: Flight): Promise<void> {
    const market = await readFees(this.provider);
    const isCancelled = flight.cancelling || !(await this.raise(flight, market));
    // A cancellation that the market would take needs patience, not money.
    if (flight.cancelling && flight.record.maxFee >= market.baseFee + market.tip) {
      flight.sentAt = Date.now();
      return;
    }
    if (isCancelled) {
      flight.cancelling = true;
      flight.become({ to: this.address, data: "0x", gasLimit: CANCEL_GAS, ...cancelFees(flight.record, market) });
    }
    // A refused replacement leaves the version before it in place: look again after the next timeout.
    const refusal = await this.show(flight);
    if (refusal !== undefined) flight.accepted = true;
    const { kind, account, nonce, maxFee } = flight.record;
    this.log.info(
      {
        event: isCancelled ? "cancelling" : "replaced",
        kind,
        account,
        nonce,
        hash: flight.lastHash,
        maxFee: String(maxFee),
        refusal: refusal ?? null,
      },
      isCancelled
        ? "not mined and not worth a higher fee: cancelling"
        : "not mined in time: sent again with a higher fee",
    );
  }

  /** Whether it is still wanted at a fee that nodes accept. */
  private async raise(flight: Flight, market: Fees): Promise<boolean> {
    const { reconsider } = flight.job;
    const ceiling = reconsider === undefined ? flight.record.feeCeiling : await reconsider();
    const bumped = ceiling === undefined ? undefined : bumpedFees(flight.record, market, ceiling);
    if (bumped === undefined) return false;
    flight.become(bumped);
    return true;
  }

  /** A refused nonce would hold up those behind it. */
  private fillGap(nonce: number): void {
    if (![...this.flights.keys()].some((other) => other > nonce)) {
      this.next = nonce;
      return;
    }
    void this.track(
      (async (): Promise<Outcome> => {
        const flight = Flight.filler(nonce, this.address, await readFees(this.provider));
        this.flights.set(nonce, flight);
        await this.show(flight);
        this.watch();
        return flight.outcome;
      })().catch((error: unknown): Outcome => ({ status: "rejected", reason: describeError(error) })),
    );
  }
}
