/** What an account, the pools and the markets are now, in a few calls at one block. */
import type { BlockTag } from "ethers";

import { decodeInstrument, type Instrument, instrumentName } from "../instruments.ts";
import { decodeError } from "../errors/index.ts";
import type { IExchange, ILedgerLens, IMarginLens, IPositionsLedger } from "../contracts.ts";
import { plain, type Plain } from "../plain.ts";
import { errorContext, type Venue } from "./venue.ts";

/** Of which block; the latest by default. */
export interface ReadOptions {
  readonly block?: BlockTag;
}

type LensAccount = Plain<Awaited<ReturnType<IMarginLens["accountView"]>>>;
type LensLedger = Plain<Awaited<ReturnType<ILedgerLens["ledgerView"]>>>;
type LensPool = Plain<Awaited<ReturnType<IMarginLens["poolsView"]>>>[number];
type LensCollateral = Plain<Awaited<ReturnType<IMarginLens["collateralsView"]>>>[number];

/** A balance with its symbol. Amounts are token units, values settlement units WAD at mid, rates per second WAD. */
export type BalanceState = LensAccount["balances"][number] & { readonly symbol: string };

/** A position with its instrument and name. Sizes are whole underlyings WAD. */
export type PositionState = LensLedger["positions"][number] & { readonly what: Instrument; readonly name: string };

/** Greeks, scenarios and contingencies of one underlying, at mid. */
export type UnderlyingState = LensLedger["underlyings"][number] & { readonly name: string };

/** What the ledger says: positions, greeks, and the margins' components at mid. */
export type LedgerState = Omit<LensLedger, "positions" | "underlyings"> & {
  readonly positions: readonly PositionState[];
  readonly underlyings: readonly UnderlyingState[];
};

/** Everything about an account. Margins are settlement units WAD, signed and net; they are 0 where `priced` is false. */
export type AccountState = Omit<LensAccount, "balances"> & {
  readonly balances: readonly BalanceState[];
  /** Left out in a deployment of spot alone, and where a price is unusable. */
  readonly ledger?: LedgerState;
};

/** A pool: rates, caps, room, cash and price. */
export type PoolState = LensPool & { readonly symbol: string };

/** An idle asset or vault share as collateral. */
export type CollateralState = LensCollateral & { readonly symbol: string };

/** A perp market now. */
export type PerpState = Plain<Awaited<ReturnType<IPositionsLedger["perpMarket"]>>> & {
  readonly name: string;
  /** Settlement units WAD; undefined where a price is unusable. */
  readonly mark?: bigint;
};

/** One expiry and the options listed for it. */
export type ExpiryState = Plain<Awaited<ReturnType<IPositionsLedger["expiryMarket"]>>> & {
  readonly underlying: number;
  readonly expiry: number;
  readonly options: readonly {
    readonly word: bigint;
    readonly name: string;
    readonly strike: bigint;
    readonly isCall: boolean;
  }[];
};

/** What can be traded, and what it costs. */
export interface MarketsState {
  readonly perps: readonly (PerpState & { readonly underlying: number })[];
  readonly expiries: readonly ExpiryState[];
  /** Rates in millionths of the notional, by 30 days' volume; options at most `optionCap` basis points of the premium. */
  readonly fees: Plain<Awaited<ReturnType<IExchange["fees"]>>["tiers"]>;
  readonly optionCap: bigint;
}

/** What lens answers decode to, with names. */
export const accountState = (venue: Venue, view: LensAccount, ledger?: LensLedger): AccountState => ({
  ...view,
  balances: view.balances.map((balance) => ({ ...balance, symbol: venue.assets.name(Number(balance.asset)) })),
  ...(ledger !== undefined && {
    ledger: {
      ...ledger,
      positions: ledger.positions.map((position) => ({
        ...position,
        what: decodeInstrument(position.instrument),
        name: instrumentName(position.instrument, venue.underlyings),
      })),
      underlyings: ledger.underlyings.map((each) => ({
        ...each,
        name: venue.underlyings[Number(each.number)] ?? `U${each.number}`,
      })),
    },
  }),
});

/** Reverts are answers here ("no usable price"); anything else is thrown on. */
const unlessReverted = async <T>(venue: Venue, work: Promise<T>): Promise<T | undefined> => {
  try {
    return await work;
  } catch (error) {
    if (decodeError(error, errorContext(venue)) === undefined) throw error;
    return undefined;
  }
};

/** Reads an account: balances, margins, auction; positions and greeks where there are any. */
export const readAccount = async (
  venue: Venue,
  account: string,
  { block = "latest" }: ReadOptions = {},
): Promise<AccountState> => {
  const { lens, derivatives } = venue.contracts;
  const at = { blockTag: block };
  const [view, ledger] = await Promise.all([
    lens.accountView(account, at),
    derivatives && unlessReverted(venue, derivatives.ledgerLens.ledgerView(account, at)),
  ]);
  return accountState(venue, plain(view), ledger === undefined ? undefined : plain(ledger));
};

/** Reads all pools. */
export const readPools = async (venue: Venue, { block = "latest" }: ReadOptions = {}): Promise<PoolState[]> => {
  const views = plain(await venue.contracts.lens.poolsView({ blockTag: block }));
  return views.map((view) => ({ ...view, symbol: venue.assets.name(Number(view.asset)) }));
};

/** Reads what else may be collateral: idle assets and vault shares. */
export const readCollaterals = async (
  venue: Venue,
  { block = "latest" }: ReadOptions = {},
): Promise<CollateralState[]> => {
  const views = plain(await venue.contracts.lens.collateralsView({ blockTag: block }));
  return views.map((view) => ({ ...view, symbol: venue.assets.name(Number(view.asset)) }));
};

/** An underlying and an expiry, the same number once. */
export interface ListedExpiry {
  readonly underlying: number;
  readonly expiry: number;
}

/** Expiries of the deployment and those listed since, by the ledger's events. Ascending. */
export const readExpiries = async (venue: Venue, { block = "latest" }: ReadOptions = {}): Promise<ListedExpiry[]> => {
  const { derivatives } = venue.contracts;
  if (derivatives === undefined) return [];
  const { positions } = derivatives;
  const until = typeof block === "bigint" ? Number(block) : block;
  const logs = await positions.queryFilter(positions.filters.ExpiryListed(), venue.deployment.fromBlock, until);
  const found = new Map<string, ListedExpiry>();
  const add = (underlying: number, expiry: number) => found.set(`${underlying}:${expiry}`, { underlying, expiry });
  for (const { number, expiries } of Object.values(venue.deployment.underlyings))
    for (const each of expiries) add(number, each);
  for (const { args } of logs) add(Number(args.underlying), Number(args.expiry));
  return [...found.values()].sort((a, b) => a.underlying - b.underlying || a.expiry - b.expiry);
};

/** Reads perps, expiries, options and fees; empty in a deployment of spot alone. */
export const readMarkets = async (venue: Venue, { block = "latest" }: ReadOptions = {}): Promise<MarketsState> => {
  const { derivatives } = venue.contracts;
  if (derivatives === undefined) return { perps: [], expiries: [], fees: [], optionCap: 0n };
  const { positions, exchange } = derivatives;
  const at = { blockTag: block };
  const numbers = Object.values(venue.deployment.underlyings).map(({ number }) => number);
  const perps = numbers.map(async (underlying) => {
    const [market, mark] = await Promise.all([
      positions.perpMarket(underlying, at),
      unlessReverted(venue, positions.markPrice(underlying, at)),
    ]);
    const name = `${venue.underlyings[underlying] ?? `U${underlying}`}-PERP`;
    return { ...plain(market), underlying, name, ...(mark !== undefined && { mark }) };
  });
  const expiries = (await readExpiries(venue, { block })).map(async ({ underlying, expiry }) => {
    const [market, words] = await Promise.all([
      positions.expiryMarket(underlying, expiry, at),
      positions.optionsOf(underlying, expiry, at),
    ]);
    const options = words.map((word) => {
      const option = decodeInstrument(word);
      const { strike, isCall } = option.kind === "option" ? option : { strike: 0n, isCall: false };
      return { word, name: instrumentName(option, venue.underlyings), strike, isCall };
    });
    return { ...plain(market), underlying, expiry, options };
  });
  const [list, dates, { tiers, optionCap }] = await Promise.all([
    Promise.all(perps),
    Promise.all(expiries),
    exchange.fees(at),
  ]);
  return { perps: list.filter(({ listed }) => listed), expiries: dates, fees: plain(tiers), optionCap };
};
