// An account as the page shows it: what the lens says, and the same as the mirror takes it.
import { accountId } from "../../../sdk/ids.ts";
import { decodeInstrument, type Instrument, instrumentName } from "../../../sdk/instruments.ts";
import { type Account, decodeAccount } from "../../../sdk/mirror/account.ts";
import { plain, type Plain } from "../../../sdk/plain.ts";
import type { IERC20Metadata, ILedgerLens, IMarginLens } from "../../../sdk/contracts.ts";
import { IERC20Metadata__factory } from "../../../sdk/contracts.ts";
import type { Site } from "./site.ts";

export type AccountView = Plain<Awaited<ReturnType<IMarginLens["accountView"]>>>;
type LedgerAnswer = Plain<Awaited<ReturnType<ILedgerLens["ledgerView"]>>>;
export type PoolView = Plain<Awaited<ReturnType<IMarginLens["poolsView"]>>>[number];

export interface PositionRow {
  readonly word: bigint;
  readonly name: string;
  readonly what: Instrument;
  readonly size: bigint;
  readonly mark: bigint;
  readonly volatility: bigint;
  readonly value: bigint;
}

export interface AccountData {
  readonly id: string;
  readonly view: AccountView;
  readonly ledger: (Omit<LedgerAnswer, "positions"> & { readonly positions: readonly PositionRow[] }) | undefined;
  /** For the mirror. */
  readonly account: Account;
}

export const readAccount = async ({ venue }: Site, id: string): Promise<AccountData> => {
  const { safe, lens, derivatives } = venue.contracts;
  const [view, words, ledger, quote, positions] = await Promise.all([
    lens.accountView(id),
    safe.words(id),
    // Reverts while a price is unusable; the rest of the page goes on.
    derivatives?.ledgerLens.ledgerView(id).catch(() => undefined),
    derivatives?.positions.quoteOf(id),
    derivatives?.positions.positionsOf(id),
  ]);
  const seen = ledger === undefined ? undefined : plain(ledger);
  return {
    id,
    view: plain(view),
    ledger: seen && {
      ...seen,
      positions: seen.positions.map(({ instrument, size, mark, volatility, value }) => ({
        ...{ word: instrument, size, mark, volatility, value },
        name: instrumentName(instrument, venue.underlyings),
        what: decodeInstrument(instrument),
      })),
    },
    account: decodeAccount(id, [...words], { quote: quote ?? 0n, positions: [...(positions ?? [])] }),
  };
};

/** How many of somebody's accounts are looked for: more can be opened by their number. */
const LOOKED_FOR = 6;

/** His accounts with something in them, and the first, which everybody has. */
export const findAccounts = async ({ venue }: Site, owner: string): Promise<string[]> => {
  const ids = Array.from({ length: LOOKED_FOR }, (_, i) => accountId(owner, i));
  const words = await Promise.all(ids.map((id) => venue.contracts.safe.words(id)));
  return ids.filter((_, i) => i === 0 || (words[i] ?? []).some((word) => word !== 0n));
};

export interface WalletBalances {
  /** Token units by symbol. */
  readonly tokens: ReadonlyMap<string, bigint>;
  readonly ether: bigint;
}

export const tokenOf = ({ provider }: Site, address: string): IERC20Metadata =>
  IERC20Metadata__factory.connect(address, provider);

export const readWallet = async (site: Site, owner: string): Promise<WalletBalances> => {
  const assets = site.venue.assets.list();
  const [ether, ...balances] = await Promise.all([
    site.provider.getBalance(owner),
    ...assets.map(({ token }) => tokenOf(site, token).balanceOf(owner)),
  ]);
  return { ether, tokens: new Map(assets.map(({ symbol }, i) => [symbol, balances[i] ?? 0n])) };
};

export const readPools = async ({ venue }: Site): Promise<(PoolView & { readonly symbol: string })[]> =>
  plain(await venue.contracts.lens.poolsView()).map((view) => ({
    ...view,
    symbol: venue.assets.name(Number(view.asset)),
  }));
