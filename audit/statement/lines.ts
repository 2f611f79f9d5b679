// An account's events as the lines of a statement. Pure. Each book (an asset, the quote, an instrument) has lines whose parts are all that
// its balance changes by, so that opening + Σ parts = closing, to the wei.
import { decodePosition, encodeInstrument } from "../../sdk/instruments.ts";
import type { At, Cause, LedgerCause } from "../events.ts";
import { exact } from "../text.ts";
import { assetKind, decodeAccount, floorWad, worthOf } from "../words.ts";
import { type Cost, move, trade } from "./cost.ts";
import type { PlacedEvent } from "./events.ts";

export type Book =
  | { readonly kind: "asset"; readonly asset: number }
  | { readonly kind: "quote" }
  | { readonly kind: "position"; readonly instrument: bigint };

export const bookKey = (book: Book): string => {
  if (book.kind === "asset") return `asset:${book.asset}`;
  return book.kind === "quote" ? "quote" : `position:${book.instrument}`;
};

/** What a book's balance changes by. Of assets in token units, of the quote in settlement units WAD, of positions in size WAD. */
export interface Parts {
  readonly amount: bigint;
  readonly interest: bigint;
  readonly writeOff: bigint;
  readonly funding: bigint;
  readonly fee: bigint;
}

export interface Line extends Parts {
  readonly book: Book;
  readonly at: At;
  readonly what: string;
  /** After it. */
  readonly balance: bigint;
  /** Settlement units WAD; beside the balance, not part of it. */
  readonly realised: bigint;
  readonly note: string;
}

export interface Indices {
  readonly supply: bigint;
  readonly debt: bigint;
}

/** What a statement has to know beside the account's own events. */
export interface Terms {
  readonly account: string;
  readonly from: number;
  readonly to: number;
  /** Share indices at the end of a block, interest accrued to its time. */
  readonly indices: (block: number, asset: number) => Indices;
  /** What one of the instrument is worth for good at this place of the history: its expiry settled, its market closed. Else undefined. */
  readonly finalPrice: (instrument: bigint, at: At) => bigint | undefined;
  /** Blocks after the opening in which lenders of an asset bore a loss. */
  readonly losses: readonly { readonly block: number; readonly asset: number; readonly at: At }[];
  readonly instrumentName: (instrument: bigint) => string;
  /** WAD of one unit of the settlement token. */
  readonly cashUnit: bigint;
}

const NOTHING: Parts = { amount: 0n, interest: 0n, writeOff: 0n, funding: 0n, fee: 0n };

const CAUSE_TEXT: Readonly<Record<Cause, string>> = {
  Deposit: "Deposit",
  Withdraw: "Withdrawal",
  Borrow: "Loan paid out",
  Repay: "Repayment",
  TransferOut: "Transfer out",
  TransferIn: "Transfer in",
  AuctionBid: "Taken over in a bid",
  AuctionTaken: "Liquidation",
  AuctionFee: "Fee for starting an auction",
  Insurance: "Paid by the insurance fund",
  SetOff: "Set off against vault shares",
  Settlement: "Settlement",
  Model: "Change of margin model",
  AuctionFlag: "Auction",
  Ledger: "Ledger",
  Reserves: "Reserves collected",
};

const short = (account: string): string =>
  `${account.slice(0, 8)}…${account.slice(36, 42)}/${BigInt(`0x${account.slice(42)}`)}`;

interface Held {
  readonly size: bigint;
  readonly fundingIndex: bigint;
}

export interface Books {
  readonly shares: ReadonlyMap<number, bigint>;
  readonly quote: bigint;
  readonly sizes: ReadonlyMap<bigint, bigint>;
}

export class StatementLines {
  readonly lines: Line[] = [];
  private shares = new Map<number, bigint>();
  private positions = new Map<bigint, Held>();
  private quote = 0n;
  private readonly costs = new Map<bigint, Cost>();
  /** Of an asset book after its last line, token units. */
  private readonly worth = new Map<number, bigint>();
  private opened = false;
  private nextLoss = 0;

  constructor(private readonly terms: Terms) {}

  get books(): Books {
    const sizes = new Map([...this.positions].map(([key, { size }]) => [key, size]));
    return { shares: new Map(this.shares), quote: this.quote, sizes };
  }

  /** Balances of the asset books at the end of a block. */
  worthAt(block: number): Map<number, bigint> {
    return new Map([...this.shares].map(([asset, shares]) => [asset, this.value(asset, shares, block)]));
  }

  private value(asset: number, shares: bigint, block: number): bigint {
    if (assetKind(asset) !== "pool") return shares;
    const { supply, debt } = this.terms.indices(block, asset);
    return worthOf(shares, supply, debt);
  }

  /** All the account's transactions up to the last block, in order; those before the first only make what it opens with. */
  read(transactions: readonly (readonly PlacedEvent[])[]): void {
    for (const events of transactions) {
      const block = events[0]?.at.block ?? 0;
      if (block >= this.terms.from) this.open();
      if (this.opened) this.bearLosses(block);
      events.forEach(({ event, at }, i) => {
        if (event.kind === "AccountChanged" && event.account === this.terms.account) {
          this.changeBalances(event.words, event.cause, at, events, i);
        } else if (event.kind === "LedgerChanged" && event.account === this.terms.account) {
          this.changeLedger(event, at, events, i);
        }
      });
    }
    this.open();
    this.bearLosses(Number.MAX_SAFE_INTEGER);
  }

  /** Balances as the statement opens. */
  opening: { readonly worth: ReadonlyMap<number, bigint>; readonly books: Books } | undefined;

  private open(): void {
    if (this.opened) return;
    this.opened = true;
    const before = this.terms.from - 1;
    const worth = before < 0 ? new Map<number, bigint>() : this.worthAt(before);
    for (const [asset, value] of worth) this.worth.set(asset, value);
    this.opening = { worth, books: this.books };
  }

  private push(line: Omit<Line, keyof Parts | "realised" | "note"> & Partial<Line>): void {
    if (this.opened) this.lines.push({ ...NOTHING, realised: 0n, note: "", ...line });
  }

  // ---------------------------------------------------------------- assets

  private changeBalances(
    words: readonly bigint[],
    cause: Cause,
    at: At,
    events: readonly PlacedEvent[],
    i: number,
  ): void {
    const after = new Map(decodeAccount(words).entries.map(({ asset, shares }) => [asset, shares]));
    const before = this.shares;
    this.shares = after;
    if (!this.opened) return;
    for (const asset of new Set([...before.keys(), ...after.keys()])) {
      const [was, is] = [before.get(asset) ?? 0n, after.get(asset) ?? 0n];
      if (was === is) continue;
      const [held, left] = [this.value(asset, was, at.block), this.value(asset, is, at.block)];
      const interest = held - (this.worth.get(asset) ?? 0n);
      this.worth.set(asset, left);
      const { what, note } = this.explain(cause, events, i);
      this.push({ book: { kind: "asset", asset }, at, what, note, amount: left - held, interest, balance: left });
    }
  }

  private explain(cause: Cause, events: readonly PlacedEvent[], i: number): { what: string; note: string } {
    const { account } = this.terms;
    const what = CAUSE_TEXT[cause];
    if (cause === "Settlement") {
      // what settles unsettled profit says so just before its cash moves; else it is the premium of a fill
      const told = events
        .slice(0, i)
        .findLast(({ event }) => event.kind === "UnsettledPaid" || event.kind === "LedgerChanged");
      if (told?.event.kind !== "UnsettledPaid") return { what: "Option premium", note: "" };
      const won = told.event.winner === account;
      return {
        what: won ? "Profit settled" : "Loss settled",
        note: `with ${short(won ? told.event.loser : told.event.winner)}`,
      };
    }
    if (cause === "AuctionTaken" || cause === "AuctionBid") {
      const bid = events.slice(i).find(({ event }) => event.kind === "BidTaken")?.event;
      if (bid?.kind !== "BidTaken") return { what, note: "" };
      const price = exact(bid.price * this.terms.cashUnit, 18);
      const part = `${(Number(bid.fraction) / 1e16).toFixed(2)} % for ${price}`;
      return {
        what,
        note: cause === "AuctionTaken" ? `${part} to ${short(bid.bidder)}` : `${part} of ${short(bid.account)}`,
      };
    }
    if (cause === "TransferOut" || cause === "TransferIn") {
      const other = cause === "TransferOut" ? events[i + 1]?.event : events[i - 1]?.event;
      if (other?.kind !== "AccountChanged") return { what, note: "" };
      return { what, note: `${cause === "TransferOut" ? "to" : "from"} ${short(other.account)}` };
    }
    return { what, note: "" };
  }

  /** Lenders' losses up to a block: the index fell. Interest of the block in which it did is in the same line. */
  private bearLosses(upTo: number): void {
    for (; ; this.nextLoss += 1) {
      const loss = this.terms.losses[this.nextLoss];
      if (loss === undefined || loss.block > upTo) return;
      const { asset, block, at } = loss;
      const shares = this.shares.get(asset) ?? 0n;
      if (shares <= 0n) continue;
      const [before, after] = [this.value(asset, shares, block - 1), this.value(asset, shares, block)];
      const last = this.worth.get(asset) ?? 0n;
      this.worth.set(asset, after);
      const parts = { interest: before - last, writeOff: after - before };
      this.push({ book: { kind: "asset", asset }, at, what: "Loss borne as a lender", ...parts, balance: after });
    }
  }

  /** Interest since the last line of each book, up to the end of the last block. */
  close(at: At): void {
    for (const [asset, value] of this.worthAt(this.terms.to)) {
      const interest = value - (this.worth.get(asset) ?? 0n);
      this.worth.set(asset, value);
      if (interest !== 0n) {
        this.push({ book: { kind: "asset", asset }, at, what: "Interest to the end", interest, balance: value });
      }
    }
  }

  // ---------------------------------------------------------------- quote and positions

  private changeLedger(
    event: Extract<PlacedEvent["event"], { kind: "LedgerChanged" }>,
    at: At,
    events: readonly PlacedEvent[],
    i: number,
  ): void {
    let left = event.quote - this.quote;
    let balance = this.quote;
    this.quote = event.quote;
    const add: Add = (what, parts, more = {}) => {
      const total = Object.values(parts).reduce((sum, part) => sum + part, 0n);
      if (total === 0n) return;
      left -= total;
      balance += total;
      this.push({ book: { kind: "quote" }, at, what, ...parts, balance, ...more });
    };
    const fill = event.cause === "Fill" ? this.fillOf(events, i) : undefined;
    const changes = event.changed.map((word) => this.changePosition(word, add));
    for (const leg of fill?.legs ?? []) this.tradeLeg(leg, at, changes, add);
    for (const change of changes.filter(({ told }) => !told)) this.closeOrMove(change, event.cause, at, add);
    if (fill !== undefined) add("Trading fee", { fee: -fill.fee });
    if (event.cause === "Settlement") this.addSettled(events, i, add);
    if (left !== 0n) add(REST[event.cause] ?? "Other", { [event.cause === "Fees" ? "fee" : "amount"]: left });
  }

  private fillOf(events: readonly PlacedEvent[], i: number): { legs: Leg[]; fee: bigint } | undefined {
    const { account } = this.terms;
    for (const { event } of events.slice(i)) {
      if (event.kind !== "OrdersFilled" || (event.maker !== account && event.taker !== account)) continue;
      const made = event.maker === account;
      const legs = event.legs.map(({ instrument, size, price }): Leg => {
        // rounded once, for the maker; the taker gets what the maker pays
        const paid = floorWad(size * price);
        return { instrument, price, size: made ? size : -size, paid: made ? paid : -paid };
      });
      return { legs, fee: made ? event.makerFee : event.takerFee };
    }
    return undefined;
  }

  private changePosition(word: bigint, add: Add): Change {
    const { instrument, size, fundingIndex } = decodePosition(word);
    const key = encodeInstrument(instrument);
    const before = this.positions.get(key);
    if (size === 0n) this.positions.delete(key);
    else this.positions.set(key, { size, fundingIndex });
    if (before !== undefined && instrument.kind === "perp") {
      const funding = floorWad(-before.size * (fundingIndex - before.fundingIndex));
      add(`Funding ${this.terms.instrumentName(key)}`, { funding });
    }
    return { key, was: before?.size ?? 0n, is: size, told: size === (before?.size ?? 0n) };
  }

  private tradeLeg({ instrument, size, price, paid }: Leg, at: At, changes: readonly Change[], add: Add): void {
    const change = changes.find(({ key }) => key === instrument);
    if (change !== undefined) change.told = true;
    const realised = trade(this.cost(instrument), size, paid);
    const what = size > 0n ? "Bought" : "Sold";
    const note = `at ${exact(price, 18)}`;
    const book: Book = { kind: "position", instrument };
    this.push({ book, at, what, amount: size, balance: change?.is ?? size, note, realised });
    if (!isPerp(instrument)) return;
    add(
      `${what} ${this.terms.instrumentName(instrument)}`,
      { amount: -paid },
      { note: `size ${exact(size < 0n ? -size : size, 18)} ${note}` },
    );
  }

  /** A settled expiry, a closed market, or a part that went with a bid. */
  private closeOrMove({ key, was, is }: Change, cause: LedgerCause, at: At, add: Add): void {
    const price = is === 0n ? this.terms.finalPrice(key, at) : undefined;
    const book: Book = { kind: "position", instrument: key };
    if (price === undefined) {
      move(this.cost(key), is - was);
      this.push({ book, at, what: REST[cause] ?? "Change", amount: is - was, balance: is });
      return;
    }
    const value = floorWad(was * price);
    const realised = trade(this.cost(key), -was, -value);
    const note = `at ${exact(price, 18)}`;
    this.push({ book, at, what: isPerp(key) ? "Market closed" : "Expiry", amount: -was, balance: 0n, note, realised });
    add(`${isPerp(key) ? "Value of" : "Payoff of"} ${this.terms.instrumentName(key)}`, { amount: value });
  }

  private addSettled(events: readonly PlacedEvent[], i: number, add: Add): void {
    const { account, cashUnit } = this.terms;
    const paid = events.slice(i).find(({ event }) => event.kind === "UnsettledPaid")?.event;
    if (paid?.kind !== "UnsettledPaid") return;
    const won = paid.winner === account;
    add(won ? "Profit settled in cash" : "Loss settled in cash", {
      amount: (won ? -paid.amount : paid.amount) * cashUnit,
    });
  }

  private cost(instrument: bigint): Cost {
    const cost = this.costs.get(instrument) ?? { size: 0n, paid: 0n };
    this.costs.set(instrument, cost);
    return cost;
  }
}

type Add = (what: string, parts: Partial<Parts>, more?: { note?: string }) => void;

interface Leg {
  readonly instrument: bigint;
  /** Of this account. */
  readonly size: bigint;
  readonly price: bigint;
  /** For it, settlement units WAD. */
  readonly paid: bigint;
}

interface Change {
  readonly key: bigint;
  readonly was: bigint;
  readonly is: bigint;
  told: boolean;
}

const REST: Readonly<Partial<Record<LedgerCause, string>>> = {
  AuctionTaken: "Liquidation",
  AuctionBid: "Taken over in a bid",
  Fees: "Fees received",
  Shortfall: "Lifted off a bidder, or paid for it",
  Deleveraging: "Profit cancelled for a shortfall",
};

const isPerp = (instrument: bigint): boolean => instrument >> 126n === 1n;
