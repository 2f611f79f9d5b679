// A transaction of ours between its signature and the time when no reorganisation can bring it back.
import { keccak256, type TransactionReceipt, type Wallet } from "ethers";

import { type Bid, type Fees, firstFees } from "./fees.ts";
import type { FlightRecord, JobKind } from "./state.ts";

export const CANCEL_GAS = 21_000n;

/** A version of a transaction that was signed but that no node has seen. */
export interface Signed {
  readonly nonce: number;
  readonly hash: string;
  readonly raw: string;
}

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
  /** Asked before a version is shown to anybody: whether it may be sent (replicas write their intent down here). */
  readonly permit?: (signed: Signed) => Promise<boolean>;
}

export type Outcome =
  | { readonly status: "mined" | "reverted"; readonly hash: string; readonly receipt: TransactionReceipt }
  | { readonly status: "cancelled"; readonly hash: string }
  | { readonly status: "rejected"; readonly reason: string }
  /** Its nonce went to a transaction that we do not know; or the keeper stopped first. */
  | { readonly status: "lost" | "left"; readonly hash: string };

/** Where a flight was last seen in the chain. */
export interface Landing {
  readonly block: number;
}

export class Flight {
  raw = "";
  /** Whether a node has taken the last version. */
  accepted = false;
  cancelling = false;
  sentAt = Date.now();
  /** Looks at which its nonce was used up without a receipt of ours. */
  looksWithoutReceipt = 0;
  landing: Landing | undefined;
  private tell: (outcome: Outcome) => void = () => undefined;
  outcome: Promise<Outcome>;

  constructor(
    public record: FlightRecord,
    readonly job: Pick<Job, "reconsider" | "permit">,
  ) {
    this.outcome = this.expect();
  }

  /** To be flown from `nonce` with fees of the market as it is. */
  static of(job: Job, nonce: number, market: Fees): Flight {
    const { kind, subject: account, to, data, gasLimit, feeCeiling } = job;
    const record = { nonce, kind, account, to, data, gasLimit, feeCeiling, hashes: [] };
    return new Flight({ ...record, ...firstFees(market, feeCeiling) }, job);
  }

  /** Nothing, to itself, so that the nonces behind it can move. */
  static filler(nonce: number, address: string, market: Fees): Flight {
    const nothing = { kind: "cancel", account: "", to: address, data: "0x", gasLimit: CANCEL_GAS } as const;
    const flight = new Flight({ nonce, ...nothing, feeCeiling: 0n, ...firstFees(market, 1n << 255n), hashes: [] }, {});
    flight.cancelling = true;
    return flight;
  }

  get nonce(): number {
    return this.record.nonce;
  }

  get lastHash(): string {
    return this.record.hashes.at(-1) ?? "";
  }

  end(outcome: Outcome): void {
    this.tell(outcome);
  }

  /** A new promise of its end, for one whose end a reorganisation undid. */
  expect(): Promise<Outcome> {
    this.outcome = new Promise((resolve) => {
      this.tell = resolve;
    });
    return this.outcome;
  }

  become(changes: Partial<Bid & Pick<FlightRecord, "to" | "data" | "gasLimit">>): void {
    this.record = { ...this.record, ...changes };
  }

  /** Signs the record as it stands. The same record gives the same bytes, so a restart can say them again. */
  async sign(wallet: Wallet, chainId: bigint): Promise<Signed> {
    const { nonce, to, data, gasLimit, maxFee, tip } = this.record;
    const raw = await wallet.signTransaction({
      type: 2,
      chainId,
      nonce,
      to,
      data,
      gasLimit,
      maxFeePerGas: maxFee,
      maxPriorityFeePerGas: tip,
    });
    const hash = keccak256(raw);
    this.raw = raw;
    this.accepted = false;
    this.sentAt = Date.now();
    if (this.lastHash !== hash) this.record = { ...this.record, hashes: [...this.record.hashes, hash] };
    return { nonce, hash, raw };
  }
}
