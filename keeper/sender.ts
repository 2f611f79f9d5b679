// Owns the key's nonces: signs, sends, waits, replaces, and knows after a restart what is still on its way.
import type { JsonRpcProvider, TransactionReceipt, Wallet } from "ethers";
import { isError, keccak256 } from "ethers";
import type { Logger } from "pino";

import { backoffMs, describeError, isConnectionError, sleep } from "./rpc.ts";
import type { FlightRecord, JobKind, State } from "./state.ts";

const POLL_MS = 500;
// Nodes accept a replacement that pays a tenth more; an eighth leaves room for rounding.
const BUMP_NUMERATOR = 9n;
const BUMP_DENOMINATOR = 8n;
const CANCEL_GAS = 21_000n;
const DEFAULT_TIP = 1_000_000_000n;
// A nonce that is used up without a receipt of ours: nodes behind one address may lag each other for a moment.
const LOST_AFTER_LOOKS = 5;
export const MAX_IN_FLIGHT = 16;

export interface Job {
  readonly kind: JobKind;
  /** Account or asset: one transaction at a time for each. */
  readonly subject: string;
  readonly to: string;
  readonly data: string;
  readonly gasLimit: bigint;
  /** Most wei for a unit of gas, replacements included. */
  readonly feeCeiling: bigint;
  /** Asked before a replacement: the new ceiling, or undefined when it is wanted no more. */
  readonly reconsider?: () => Promise<bigint | undefined>;
}

export type Outcome =
  | { readonly status: "mined" | "reverted"; readonly hash: string; readonly receipt: TransactionReceipt }
  | { readonly status: "cancelled"; readonly hash: string }
  | { readonly status: "rejected"; readonly reason: string }
  /** Its nonce went to a transaction that we do not know; or the keeper stopped first. */
  | { readonly status: "lost" | "left"; readonly hash: string };

export interface Fees {
  readonly baseFee: bigint;
  readonly tip: bigint;
}

export const readFees = async (provider: JsonRpcProvider): Promise<Fees> => {
  const [block, tip] = await Promise.all([provider.getBlock("latest"), readTip(provider)]);
  return { baseFee: block?.baseFeePerGas ?? 0n, tip };
};

const readTip = async (provider: JsonRpcProvider): Promise<bigint> => {
  try {
    return BigInt((await provider.send("eth_maxPriorityFeePerGas", [])) as string);
  } catch (error) {
    if (isConnectionError(error)) throw error;
    return DEFAULT_TIP; // not every node has an opinion
  }
};

/** Fees of a first attempt: the base fee may double, but it is never more than the ceiling. */
export const firstFees = ({ baseFee, tip }: Fees, ceiling: bigint): { maxFee: bigint; tip: bigint } => {
  const maxFee = min(2n * baseFee + tip, ceiling);
  return { maxFee, tip: min(tip, maxFee) };
};

/** Fees of a replacement that nodes accept; undefined when that is over the ceiling. */
export const bumpedFees = (
  last: { maxFee: bigint; tip: bigint },
  market: Fees,
  ceiling: bigint,
): { maxFee: bigint; tip: bigint } | undefined => {
  const leastFee = bump(last.maxFee);
  const leastTip = bump(last.tip);
  if (leastFee > ceiling) return undefined;
  const maxFee = min(max(leastFee, 2n * market.baseFee + market.tip), ceiling);
  return { maxFee, tip: min(max(leastTip, market.tip), maxFee) };
};

const bump = (value: bigint): bigint => (value * BUMP_NUMERATOR) / BUMP_DENOMINATOR + 1n;
const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);

interface Flight {
  record: FlightRecord;
  raw: string;
  /** Whether a node has taken the last version. */
  accepted: boolean;
  cancelling: boolean;
  sentAt: number;
  reconsider: Job["reconsider"];
}

/** A transaction of an earlier run. */
export interface Resumed {
  readonly job: Job;
  readonly landing: Promise<Outcome>;
}

export interface SenderOptions {
  readonly chainId: bigint;
  readonly timeoutMs: number;
  readonly pollMs?: number;
}

export class Sender {
  private readonly flights = new Map<number, Flight>();
  private readonly landings = new Set<Promise<Outcome>>();
  /** What jobs that wait for their turn are about. */
  private readonly queued = new Set<string>();
  private readonly stopped = new AbortController();
  private next = 0;
  /** Nonces are taken one after the other. */
  private turn: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly wallet: Wallet,
    private readonly provider: JsonRpcProvider,
    private readonly state: State,
    private readonly log: Logger,
    private readonly options: SenderOptions,
  ) {}

  get address(): string {
    return this.wallet.address;
  }

  /** Transactions whose end is not known, those included that wait for their turn. */
  get inFlight(): number {
    return this.landings.size;
  }

  isBusy(subject: string): boolean {
    return this.queued.has(subject) || [...this.flights.values()].some(({ record }) => record.account === subject);
  }

  /** Takes up what an earlier run left on its way. */
  async resume(): Promise<Resumed[]> {
    const resumed: Resumed[] = [];
    const mined = await this.provider.getTransactionCount(this.address, "latest");
    this.next = Math.max(mined, await this.provider.getTransactionCount(this.address, "pending"));
    for (const record of this.state.flights()) {
      if (record.nonce < mined) {
        this.state.deleteFlight(record.nonce);
        continue;
      }
      this.next = Math.max(this.next, record.nonce + 1);
      this.log.info(
        { event: "resumed-transaction", kind: record.kind, nonce: record.nonce, hash: record.hashes.at(-1) },
        "waiting for a transaction of an earlier run",
      );
      const flight: Flight = {
        record,
        raw: "",
        accepted: true,
        cancelling: false,
        sentAt: Date.now(),
        reconsider: undefined,
      };
      this.flights.set(record.nonce, flight);
      const job = { ...record, subject: record.account };
      resumed.push({ job, landing: this.track(this.follow(flight)) });
    }
    return resumed;
  }

  /** Sends a job and resolves when it is known how it ended; rejects only before anything was sent. */
  send(job: Job): Promise<Outcome> {
    this.queued.add(job.subject);
    return this.track(this.launch(job));
  }

  /** Waits for what is on its way, but not longer than `ms`; says the hashes of what is left. */
  async drain(ms: number): Promise<void> {
    const timer = new AbortController();
    await Promise.race([Promise.allSettled([...this.landings]), sleep(ms, timer.signal)]);
    timer.abort();
    for (const { record } of this.flights.values()) {
      this.log.warn(
        {
          event: "left-in-flight",
          kind: record.kind,
          account: record.account,
          nonce: record.nonce,
          hash: record.hashes.at(-1),
        },
        "stopping before this transaction is mined; the next run waits for it",
      );
    }
    this.stopped.abort();
    await Promise.allSettled([...this.landings]);
  }

  private track(landing: Promise<Outcome>): Promise<Outcome> {
    this.landings.add(landing);
    const forget = () => this.landings.delete(landing);
    void landing.then(forget, forget);
    return landing;
  }

  private async launch(job: Job): Promise<Outcome> {
    // Sent in the order of their nonces too: a node that mines each as it comes would leave a later one lying.
    const { flight, refusal } = await this.inTurn(() => this.takeOff(job)).finally(() =>
      this.queued.delete(job.subject),
    );
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
    return this.follow(flight);
  }

  private async takeOff(job: Job): Promise<{ flight: Flight; refusal: string | undefined }> {
    const [market] = await Promise.all([readFees(this.provider), this.syncNonce()]);
    const flight: Flight = {
      record: {
        nonce: this.next,
        kind: job.kind,
        account: job.subject,
        to: job.to,
        data: job.data,
        gasLimit: job.gasLimit,
        feeCeiling: job.feeCeiling,
        ...firstFees(market, job.feeCeiling),
        hashes: [],
      },
      raw: "",
      accepted: false,
      cancelling: false,
      sentAt: 0,
      reconsider: job.reconsider,
    };
    await this.sign(flight);
    this.flights.set(flight.record.nonce, flight);
    this.next += 1;
    const refusal = await this.broadcast(flight);
    if (refusal !== undefined) {
      this.land(flight);
      this.fillGap(flight.record.nonce);
    }
    return { flight, refusal };
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

  /** Signs the record as it stands and writes it down before anybody else sees it. */
  private async sign(flight: Flight): Promise<void> {
    const { nonce, to, data, gasLimit, maxFee, tip } = flight.record;
    const raw = await this.wallet.signTransaction({
      type: 2,
      chainId: this.options.chainId,
      nonce,
      to,
      data,
      gasLimit,
      maxFeePerGas: maxFee,
      maxPriorityFeePerGas: tip,
    });
    flight.raw = raw;
    flight.accepted = false;
    flight.sentAt = Date.now();
    flight.record = { ...flight.record, hashes: [...flight.record.hashes, keccak256(raw)] };
    this.state.saveFlight(flight.record);
  }

  /** Undefined: it is with a node, or will be tried again. Else why no node will ever take it. */
  private async broadcast(flight: Flight): Promise<string | undefined> {
    try {
      await this.provider.send("eth_sendRawTransaction", [flight.raw]);
      flight.accepted = true;
      return undefined;
    } catch (error) {
      if (isConnectionError(error)) return undefined; // perhaps it arrived: the same bytes can be sent again
      const text = describeError(error);
      if (/already known|already imported|known transaction/i.test(text)) {
        flight.accepted = true;
        return undefined;
      }
      // Some nodes mine a failing transaction and answer with its failure.
      if (await this.isKnown(flight)) {
        flight.accepted = true;
        return undefined;
      }
      if (isError(error, "REPLACEMENT_UNDERPRICED") && flight.record.hashes.length > 1) {
        flight.accepted = true; // an earlier version of ours stays
        return undefined;
      }
      return text;
    }
  }

  private async isKnown({ record }: Flight): Promise<boolean> {
    try {
      const hash = record.hashes.at(-1) ?? "";
      return (await this.provider.send("eth_getTransactionByHash", [hash])) !== null;
    } catch {
      return true; // not known not to be: the flight goes on and finds out
    }
  }

  /** Until it is mined, in whatever version. */
  private async follow(flight: Flight): Promise<Outcome> {
    const { signal } = this.stopped;
    let failures = 0;
    let looksAfterNonceUsed = 0;
    while (!signal.aborted) {
      try {
        const receipt = await this.receiptOf(flight);
        if (receipt !== undefined) return this.landed(flight, receipt);
        if ((await this.provider.getTransactionCount(this.address, "latest")) > flight.record.nonce) {
          looksAfterNonceUsed += 1;
          if (looksAfterNonceUsed >= LOST_AFTER_LOOKS) {
            this.land(flight);
            return { status: "lost", hash: flight.record.hashes.at(-1) ?? "" };
          }
        } else if (!flight.accepted) {
          const refusal = await this.broadcast(flight);
          if (refusal !== undefined) {
            this.land(flight);
            this.fillGap(flight.record.nonce);
            return { status: "rejected", reason: refusal };
          }
        } else if (Date.now() - flight.sentAt >= this.options.timeoutMs) {
          await this.replace(flight);
        }
        failures = 0;
        await sleep(this.options.pollMs ?? POLL_MS, signal);
      } catch (error) {
        failures += 1;
        this.log.debug(
          { event: "flight-error", nonce: flight.record.nonce, reason: describeError(error) },
          "cannot look",
        );
        await sleep(backoffMs(failures), signal);
      }
    }
    return { status: "left", hash: flight.record.hashes.at(-1) ?? "" };
  }

  private async receiptOf({ record }: Flight): Promise<TransactionReceipt | undefined> {
    const receipts = await Promise.all(record.hashes.map((hash) => this.provider.getTransactionReceipt(hash)));
    return receipts.find((receipt) => receipt !== null) ?? undefined;
  }

  private landed(flight: Flight, receipt: TransactionReceipt): Outcome {
    this.land(flight);
    const { hash } = receipt;
    if (receipt.to?.toLowerCase() === this.address.toLowerCase()) return { status: "cancelled", hash };
    return { status: receipt.status === 1 ? "mined" : "reverted", hash, receipt };
  }

  private land({ record }: Flight): void {
    this.flights.delete(record.nonce);
    this.state.deleteFlight(record.nonce);
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
      const maxFee = max(bump(flight.record.maxFee), 2n * market.baseFee + market.tip);
      const tip = min(max(bump(flight.record.tip), market.tip), maxFee);
      flight.record = { ...flight.record, to: this.address, data: "0x", gasLimit: CANCEL_GAS, maxFee, tip };
    }
    await this.sign(flight);
    // A refused replacement leaves the version before it in place: look again after the next timeout.
    const refusal = await this.broadcast(flight);
    if (refusal !== undefined) flight.accepted = true;
    this.log.info(
      {
        event: isCancelled ? "cancelling" : "replaced",
        kind: flight.record.kind,
        account: flight.record.account,
        nonce: flight.record.nonce,
        hash: flight.record.hashes.at(-1),
        maxFee: String(flight.record.maxFee),
        refusal: refusal ?? null,
      },
      isCancelled
        ? "not mined and not worth a higher fee: cancelling"
        : "not mined in time: sent again with a higher fee",
    );
  }

  /** Whether it is still wanted at a fee that nodes accept. */
  private async raise(flight: Flight, market: Fees): Promise<boolean> {
    const ceiling = flight.reconsider === undefined ? flight.record.feeCeiling : await flight.reconsider();
    const bumped = ceiling === undefined ? undefined : bumpedFees(flight.record, market, ceiling);
    if (bumped === undefined) return false;
    flight.record = { ...flight.record, ...bumped };
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
        const fees = firstFees(await readFees(this.provider), 1n << 255n);
        const flight: Flight = {
          record: {
            nonce,
            kind: "cancel",
            account: "",
            to: this.address,
            data: "0x",
            gasLimit: CANCEL_GAS,
            feeCeiling: 0n,
            ...fees,
            hashes: [],
          },
          raw: "",
          accepted: false,
          cancelling: true,
          sentAt: 0,
          reconsider: undefined,
        };
        this.flights.set(nonce, flight);
        await this.sign(flight);
        return this.follow(flight);
      })().catch((error: unknown): Outcome => ({ status: "rejected", reason: describeError(error) })),
    );
  }
}
