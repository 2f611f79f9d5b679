// An account as the safe's words and the ledger's words say it (contracts/accounts/Books.sol, contracts/types/AccountFlags.sol).
import { decodePosition, type Position } from "../instruments.ts";

/** Margin models: rules, or scenarios; 2 and 3: the same with attested credit. */
export type ModelNumber = 0 | 1 | 2 | 3;
/** Rules. */
export const STANDARD_MODEL = 0;
/** Scenarios. */
export const PORTFOLIO_MODEL = 1;

/** The bit of a model's number that lets attested credit count. */
export const CREDIT_BIT = 2;

/** Most balances that an account can have; the last place is kept for the settlement asset. */
export const MAX_ASSETS = 16;

/** One balance. */
export interface Entry {
  /** `AssetId` of the balance. */
  readonly asset: number;
  /** Shares of the pool (claims, negative: debts), of the vault, or token units of an idle asset. */
  readonly shares: bigint;
}

/** What the flag bits say beside the number of balances. */
export interface AccountFlags {
  readonly model: ModelNumber;
  /** It has perps or options, or a negative quote. */
  readonly hasPositions: boolean;
  /** The ledger holds a non-zero quote of it. */
  readonly hasQuote: boolean;
  readonly inAuction: boolean;
}

/** What an account's owner has been attested (contracts/incentives/CreditTiers.sol). */
export interface Credit {
  /** Of what initial margin asks beyond maintenance: basis points. */
  readonly partBps: bigint;
  /** The last second at which it counts. */
  readonly expiry: bigint;
}

/** Everything that an account is. */
export interface Account {
  /** Owner (20 bytes) and index (12 bytes): 0x and 64 lower-case digits. */
  readonly id: string;
  readonly flags: AccountFlags;
  /** In the order of the account's words. */
  readonly entries: readonly Entry[];
  /** As stored: funding since each perp's last touch and unbooked payoffs are not in it. Settlement units, WAD. */
  readonly quote: bigint;
  /** As stored, in the ledger's order. */
  readonly positions: readonly Position[];
  /** Left out: none. Counts with the models 2 and 3 only. */
  readonly credit?: Credit;
}

const ENTRY_BITS = 116n;
const SHARES_BITS = 104n;
const FLAGS_SHIFT = 232n;
const COUNT_MASK = 0x1fn;
const MODEL_SHIFT = 5n;
const MODEL_MASK = 0x3n;
const POSITIONS_BIT = 1n << 7n;
const QUOTE_BIT = 1n << 8n;
const AUCTION_BIT = 1n << 9n;

/** Standard model, no ledger, no auction. */
export const NO_FLAGS: AccountFlags = { model: STANDARD_MODEL, hasPositions: false, hasQuote: false, inAuction: false };

/** An account that holds nothing. */
export const emptyAccount = (id: string): Account => ({ id, flags: NO_FLAGS, entries: [], quote: 0n, positions: [] });

const decodeFlags = (bits: bigint): AccountFlags => {
  const model = (bits >> MODEL_SHIFT) & MODEL_MASK;
  return {
    model: Number(model) as ModelNumber, // two bits
    hasPositions: (bits & POSITIONS_BIT) !== 0n,
    hasQuote: (bits & QUOTE_BIT) !== 0n,
    inAuction: (bits & AUCTION_BIT) !== 0n,
  };
};

/** Balances and flags of the words of `AccountChanged` and of `MarginAccounts.words`. No words: an untouched account. */
export const decodeWords = (words: readonly bigint[]): Pick<Account, "flags" | "entries"> => {
  const flags = (words[0] ?? 0n) >> FLAGS_SHIFT;
  const count = Number(flags & COUNT_MASK);
  const entries: Entry[] = [];
  for (let i = 0; i < count; i += 1) {
    const word = words[i >> 1];
    if (word === undefined) throw new RangeError(`the account says ${count} balances in ${words.length} words`);
    const entry = BigInt.asUintN(Number(ENTRY_BITS), word >> (i % 2 === 0 ? 0n : ENTRY_BITS));
    entries.push({ asset: Number(entry >> SHARES_BITS), shares: BigInt.asIntN(Number(SHARES_BITS), entry) });
  }
  return { flags: decodeFlags(flags), entries };
};

/** The 24 flag bits as the engine takes them. */
export const encodeFlags = ({ flags, entries }: Pick<Account, "flags" | "entries">): bigint =>
  BigInt(entries.length) |
  (BigInt(flags.model) << MODEL_SHIFT) |
  (flags.hasPositions ? POSITIONS_BIT : 0n) |
  (flags.hasQuote ? QUOTE_BIT : 0n) |
  (flags.inAuction ? AUCTION_BIT : 0n);

/** The words of an account, as `AccountChanged` says them: at least one. */
export const encodeWords = (account: Pick<Account, "flags" | "entries">): bigint[] => {
  const words = [encodeFlags(account) << FLAGS_SHIFT];
  for (const [i, { asset, shares }] of account.entries.entries()) {
    const entry = (BigInt(asset) << SHARES_BITS) | BigInt.asUintN(Number(SHARES_BITS), shares);
    const place = i >> 1;
    words[place] = (words[place] ?? 0n) | (entry << (i % 2 === 0 ? 0n : ENTRY_BITS));
  }
  return words;
};

/** An account from the safe's words, and from the ledger's quote and position words (left out: the account has none). */
export const decodeAccount = (
  id: string,
  words: readonly bigint[],
  ledger: { readonly quote: bigint; readonly positions: readonly bigint[] } = { quote: 0n, positions: [] },
  credit?: Credit,
): Account => ({
  id: id.toLowerCase(),
  ...decodeWords(words),
  quote: ledger.quote,
  positions: ledger.positions.map(decodePosition),
  ...(credit && { credit }),
});

/** Whether the engine has to ask the ledger about the account. */
export const hasLedger = ({ flags }: Pick<Account, "flags">): boolean => flags.hasPositions || flags.hasQuote;

/** Whether anything can be lost by others: a debt, a position or a negative quote. Without, no price is ever asked (A3). */
export const needsCheck = ({ flags, entries }: Pick<Account, "flags" | "entries">): boolean =>
  flags.hasPositions || entries.some(({ shares }) => shares < 0n);

/** The owner's address, lower case. */
export const ownerOf = (id: string): string => `0x${id.slice(2, 42).toLowerCase()}`;
