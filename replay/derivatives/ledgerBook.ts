// The ledger of perps and options as its events tell it: what everybody holds and owes, clearing accounts included.
import type { Log } from "ethers";

import { decodeInstrument, decodePosition, encodeInstrument, WAD } from "../../sdk/instruments.ts";
import type { IPositionsLedger } from "../../types/ethers-contracts/index.js";
import type { LedgerFacts } from "../invariants.ts";

const MOST_ROUNDINGS = 16n;

export interface Held {
  /** By the instrument's word; never zero. */
  readonly sizes: Map<bigint, bigint>;
  /** Of perps: the funding index at which they were booked. */
  readonly entries: Map<bigint, bigint>;
  quote: bigint;
  /** Booked so far, WAD; negative: paid. */
  funding: bigint;
}

/** What happened in the ledger besides changes of accounts. */
export interface LedgerNews {
  settledPnl: bigint;
  settlements: number;
  readonly expiries: { underlying: number; expiry: number; price: bigint }[];
}

/** x ÷ 1e18 towards minus infinity. */
const floorWad = (x: bigint): bigint => x / WAD - (x % WAD < 0n ? 1n : 0n);

export class LedgerBook {
  readonly accounts = new Map<string, Held>();
  readonly news: LedgerNews = { settledPnl: 0n, settlements: 0, expiries: [] };

  constructor(
    private readonly positions: IPositionsLedger,
    readonly address: string,
  ) {}

  read(log: Log): void {
    const event = this.positions.interface.parseLog(log);
    if (event?.name === "LedgerChanged") {
      const [account, , quote, changed] = event.args as unknown as [string, bigint, bigint, readonly bigint[]];
      this.change(account, quote, changed);
    } else if (event?.name === "UnsettledPaid") {
      this.news.settledPnl += event.args[2] as bigint;
      this.news.settlements += 1;
    } else if (event?.name === "ExpirySettled") {
      const [underlying, expiry, price] = event.args as unknown as [bigint, bigint, bigint];
      this.news.expiries.push({ underlying: Number(underlying), expiry: Number(expiry), price });
    }
  }

  private change(account: string, quote: bigint, changed: readonly bigint[]): void {
    let held = this.accounts.get(account);
    if (held === undefined) {
      held = { sizes: new Map(), entries: new Map(), quote: 0n, funding: 0n };
      this.accounts.set(account, held);
    }
    held.quote = quote;
    for (const word of changed) {
      const { instrument, size, fundingIndex } = decodePosition(word);
      const key = encodeInstrument(instrument);
      // What the ledger books before anything happens to a perp.
      const entry = held.entries.get(key) ?? fundingIndex;
      if (instrument.kind === "perp") held.funding += floorWad(-(held.sizes.get(key) ?? 0n) * (fundingIndex - entry));
      if (size === 0n) {
        held.sizes.delete(key);
        held.entries.delete(key);
      } else {
        held.sizes.set(key, size);
        held.entries.set(key, fundingIndex);
      }
    }
  }

  /** Has positions, or a quote. */
  hasLedger(account: string): boolean {
    return this.sizesOf(account).size > 0 || this.quoteOf(account) !== 0n;
  }

  sizesOf(account: string): ReadonlyMap<bigint, bigint> {
    return this.accounts.get(account)?.sizes ?? new Map<bigint, bigint>();
  }

  quoteOf(account: string): bigint {
    return this.accounts.get(account)?.quote ?? 0n;
  }

  /** Size of the perp of an underlying, and the funding index at which it was booked. */
  perpOf(account: string, perp: bigint): { size: bigint; entry: bigint } {
    const held = this.accounts.get(account);
    return { size: held?.sizes.get(perp) ?? 0n, entry: held?.entries.get(perp) ?? 0n };
  }

  /** Whether anything of the account waits for `expiry`. */
  holdsExpiry(account: string, expiry: number): boolean {
    return [...this.sizesOf(account).keys()].some((word) => {
      const instrument = decodeInstrument(word);
      return instrument.kind === "option" && instrument.expiry === expiry;
    });
  }

  /** Where the events' story and storage differ, and whether unsettled profits and losses add up to nothing. */
  async audit(number: number): Promise<string[]> {
    const { positions } = this;
    const at = { blockTag: number };
    const found = await Promise.all(
      [...this.accounts].map(async ([account, { quote, sizes }]) => {
        const [stored, unsettled, ...held] = await Promise.all([
          positions.quoteOf(account, at),
          positions.unsettledOf(account, at),
          ...[...sizes.keys()].map((instrument) => positions.sizeOf(account, instrument, at)),
        ]);
        const same = stored === quote && [...sizes.values()].every((size, i) => size === held[i]);
        return { unsettled, wrong: same ? [] : [`${account}: the ledger differs from its last event`] };
      }),
    );
    const total = found.reduce((sum, { unsettled }) => sum + unsettled, 0n);
    // A wei for every rounding, in the clearing accounts' favour or against whoever was asked.
    const most = BigInt(found.length) * MOST_ROUNDINGS;
    const isNothing = total <= most && -total <= most;
    return [...found.flatMap(({ wrong }) => wrong), ...(isNothing ? [] : [`unsettled profits add up to ${total}`])];
  }

  facts(): LedgerFacts {
    const sums = new Map<bigint, bigint>();
    let quote = 0n;
    for (const held of this.accounts.values()) {
      quote += held.quote;
      for (const [instrument, size] of held.sizes) sums.set(instrument, (sums.get(instrument) ?? 0n) + size);
    }
    return { quote, sizes: [...sums].map(([instrument, sum]) => ({ instrument, sum })) };
  }
}
