// At what an account entered its positions, and what funding they brought: rebuilt from events, as the chain keeps neither. Pure.
import { decodePosition, encodeInstrument } from "../../../sdk/instruments.ts";
import { isEvent, type ProtocolEvent } from "../../../sdk/events.ts";

const WAD = 10n ** 18n;

export interface Entry {
  /** As the ledger has it. */
  readonly size: bigint;
  /** Mean of what was opened, settlement units WAD; undefined where part of it came by an auction, at no price of its own. */
  readonly price: bigint | undefined;
  /** Booked since it was opened, settlement units WAD; negative: paid. */
  readonly funding: bigint;
}

interface Open {
  /** As fills say. */
  traded: bigint;
  price: bigint | undefined;
  size: bigint;
  index: bigint;
  funding: bigint;
}

const abs = (value: bigint): bigint => (value < 0n ? -value : value);

/** Opening moves the mean, closing leaves it, and what turns over begins anew. */
const trade = (open: Open, change: bigint, price: bigint): void => {
  const after = open.traded + change;
  const isOpening = open.traded === 0n || open.traded > 0n === change > 0n;
  if (!isOpening) {
    if (after !== 0n && after > 0n !== open.traded > 0n) open.price = price;
  } else if (open.traded === 0n) {
    open.price = price;
  } else if (open.price !== undefined) {
    open.price = (open.price * abs(open.traded) + price * abs(change)) / abs(after);
  }
  open.traded = after;
};

/** What fills do not explain: taken by an auction (the mean stays), got by a bid (there is none), settled. */
const reconcile = (open: Open): void => {
  if (open.traded === open.size) return;
  const isPart = open.traded > 0n === open.size > 0n && abs(open.size) < abs(open.traded);
  if (!isPart) open.price = undefined;
  open.traded = open.size;
};

/** Entries by instrument's word, from an account's events in their order (all of the ledger's and of the fills it was part of). */
export const entriesOf = (events: readonly ProtocolEvent[], account: string): ReadonlyMap<bigint, Entry> => {
  const all = new Map<bigint, Open>();
  const at = (word: bigint): Open => {
    const known = all.get(word) ?? { traded: 0n, price: undefined, size: 0n, index: 0n, funding: 0n };
    all.set(word, known);
    return known;
  };
  const settle = (): void => {
    for (const [word, open] of all) {
      reconcile(open);
      if (open.size === 0n) all.delete(word);
    }
  };
  let transaction = "";
  for (const event of events) {
    if (event.transactionHash !== transaction) settle();
    transaction = event.transactionHash;
    if (isEvent(event, "exchange", "OrdersFilled")) {
      const { maker, taker, legs } = event.args;
      for (const who of [maker, taker]) {
        if (who.toLowerCase() !== account) continue;
        const sign = who === maker ? 1n : -1n;
        for (const { instrument, size, price } of legs) trade(at(instrument), sign * size, price);
      }
    } else if (isEvent(event, "positions", "LedgerChanged") && event.args.account.toLowerCase() === account) {
      for (const position of event.args.changed) {
        const { instrument, size, fundingIndex } = decodePosition(position);
        const open = at(encodeInstrument(instrument));
        // Booked by the ledger with every touch of the position.
        if (open.size !== 0n) open.funding -= (open.size * (fundingIndex - open.index)) / WAD;
        else open.funding = 0n;
        open.size = size;
        open.index = fundingIndex;
      }
    }
  }
  settle();
  return new Map([...all].map(([word, { size, price, funding }]) => [word, { size, price, funding }]));
};

export interface SpotEntry {
  readonly isLong: boolean;
  /** Settlement units per whole token. */
  readonly price: number;
}

interface Lot {
  tokens: number;
  dollars: number;
}

/** What was bought (or sold short) through the router, by asset; `decimalsOf` in token units, `cash` the settlement asset. */
export const spotEntriesOf = (
  events: readonly ProtocolEvent[],
  cash: number,
  unitsOf: (asset: number, amount: bigint) => number,
): ReadonlyMap<number, SpotEntry> => {
  const lots = new Map<string, Lot>();
  const at = (isLong: boolean, asset: number): Lot => {
    const key = `${isLong ? "long" : "short"}:${asset}`;
    const known = lots.get(key) ?? { tokens: 0, dollars: 0 };
    lots.set(key, known);
    return known;
  };
  for (const event of events) {
    const isMore = isEvent(event, "leverageRouter", "LeverageIncreased");
    if (!isMore && !isEvent(event, "leverageRouter", "LeverageReduced")) continue;
    const [debt, collateral] = [Number(event.args.debtAsset), Number(event.args.collateralAsset)];
    const isLong = debt === cash;
    if (isLong === (collateral === cash)) continue; // neither side is cash: no price in settlement units
    const lot = at(isLong, isLong ? collateral : debt);
    if (isEvent(event, "leverageRouter", "LeverageIncreased")) {
      const [sold, bought] = [unitsOf(debt, event.args.sold), unitsOf(collateral, event.args.bought)];
      lot.tokens += isLong ? bought : sold;
      lot.dollars += isLong ? sold : bought;
    } else if (isEvent(event, "leverageRouter", "LeverageReduced")) {
      const tokens = isLong ? unitsOf(collateral, event.args.sold) : unitsOf(debt, event.args.repaid);
      const left = Math.max(0, 1 - tokens / lot.tokens);
      lot.tokens *= left;
      lot.dollars *= left;
    }
  }
  return new Map(
    [...lots].flatMap(([key, { tokens, dollars }]): [number, SpotEntry][] => {
      const [side, asset] = key.split(":");
      return tokens > 0 ? [[Number(asset), { isLong: side === "long", price: dollars / tokens }]] : [];
    }),
  );
};
