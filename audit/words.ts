// The packed words that events carry and storage holds (contracts/accounts/Books.sol, contracts/types/PoolWords.sol), read here
// once more and by nobody else's code: an auditor that shared its decoder with what it audits would share its mistakes.

const mask = (bits: number): bigint => (1n << BigInt(bits)) - 1n;

const ENTRY_BITS = 116n;
const SHARES_BITS = 104;
const FLAGS_SHIFT = 232n;
const COUNT_MASK = 0x1fn;
const MODEL_SHIFT = 5n;
const POSITIONS = 1n << 7n;
const QUOTE = 1n << 8n;
const AUCTION = 1n << 9n;

/** Most balances that an account may have (DESIGN 3). */
export const MAX_ASSETS = 16;
export const MAX_POSITIONS = 128;
export const SETTLEMENT = 1;
export const WAD = 10n ** 18n;
/** Share indices start here: assets = shares · index ÷ 1e15. */
export const INDEX_ONE = 10n ** 15n;

/** One balance; negative shares are owed. */
export interface Entry {
  readonly asset: number;
  readonly shares: bigint;
}

export interface AccountWords {
  readonly count: number;
  /** 0 standard, 1 portfolio. */
  readonly model: number;
  readonly hasPositions: boolean;
  readonly hasQuote: boolean;
  readonly inAuction: boolean;
  readonly entries: readonly Entry[];
}

/** What the balance words of `AccountChanged` say. Throws a RangeError when they say more balances than they hold. */
export const decodeAccount = (words: readonly bigint[]): AccountWords => {
  const flags = (words[0] ?? 0n) >> FLAGS_SHIFT;
  const count = Number(flags & COUNT_MASK);
  const entries: Entry[] = [];
  for (let i = 0; i < count; i += 1) {
    const word = words[i >> 1];
    if (word === undefined) throw new RangeError(`its flags say ${count} balances, its words hold ${words.length * 2}`);
    const entry = (word >> (i % 2 === 0 ? 0n : ENTRY_BITS)) & mask(Number(ENTRY_BITS));
    entries.push({ asset: Number(entry >> BigInt(SHARES_BITS)), shares: BigInt.asIntN(SHARES_BITS, entry) });
  }
  return {
    count,
    model: Number((flags >> MODEL_SHIFT) & 3n),
    hasPositions: (flags & POSITIONS) !== 0n,
    hasQuote: (flags & QUOTE) !== 0n,
    inAuction: (flags & AUCTION) !== 0n,
    entries,
  };
};

export interface Flags {
  readonly model?: number;
  readonly hasPositions?: boolean;
  readonly hasQuote?: boolean;
  readonly inAuction?: boolean;
}

/** The words of an account with these balances, as its event would carry them. */
export const encodeAccount = (entries: readonly Entry[], flags: Flags = {}): bigint[] => {
  const words = Array.from({ length: Math.max(1, (entries.length + 1) >> 1) }, () => 0n);
  entries.forEach(({ asset, shares }, i) => {
    const entry = (BigInt(asset) << BigInt(SHARES_BITS)) | BigInt.asUintN(SHARES_BITS, shares);
    words[i >> 1] = (words[i >> 1] ?? 0n) | (entry << (i % 2 === 0 ? 0n : ENTRY_BITS));
  });
  const bits =
    BigInt(entries.length) |
    (BigInt(flags.model ?? 0) << MODEL_SHIFT) |
    (flags.hasPositions === true ? POSITIONS : 0n) |
    (flags.hasQuote === true ? QUOTE : 0n) |
    (flags.inAuction === true ? AUCTION : 0n);
  words[0] = (words[0] ?? 0n) | (bits << FLAGS_SHIFT);
  return words;
};

export interface PoolWords {
  readonly supply: bigint;
  readonly debt: bigint;
}

export interface Pool {
  /** Held through the vault. */
  readonly lenderShares: bigint;
  readonly accountShares: bigint;
  readonly debtShares: bigint;
  readonly supplyIndex: bigint;
  readonly debtIndex: bigint;
  readonly lastAccrual: bigint;
  /** Per second, WAD; of the adaptive curve. */
  readonly rateAtTarget: bigint;
  /** Basis points of the interest. */
  readonly reserveFactor: number;
  readonly supplyCap: bigint;
  readonly depositsClosed: boolean;
  readonly externalModel: boolean;
}

const RESERVE_UNIT = 25;
const NO_CAP = 0xffffn;
export const UINT96_MAX = mask(96);

const decodeCap = (code: bigint): bigint => (code === NO_CAP ? UINT96_MAX : (code & 0x1ffn) << (code >> 9n));

/** A cap as the safe keeps it: nine bits of mantissa, rounded down; `type(uint96).max` is none. */
export const storedCap = (cap: bigint): bigint => {
  if (cap >= UINT96_MAX) return UINT96_MAX;
  let exponent = 0n;
  while (cap >> exponent > 0x1ffn) exponent += 1n;
  return (cap >> exponent) << exponent;
};

export const decodePool = ({ supply, debt }: PoolWords): Pool => ({
  lenderShares: supply & mask(96),
  accountShares: (supply >> 96n) & mask(96),
  supplyIndex: supply >> 192n,
  debtShares: debt & mask(96),
  debtIndex: (debt >> 96n) & mask(64),
  lastAccrual: (debt >> 160n) & mask(32),
  rateAtTarget: (debt >> 192n) & mask(36),
  reserveFactor: Number((debt >> 228n) & mask(8)) * RESERVE_UNIT,
  supplyCap: decodeCap((debt >> 236n) & mask(16)),
  depositsClosed: ((debt >> 252n) & 1n) !== 0n,
  externalModel: ((debt >> 253n) & 1n) !== 0n,
});

/** A new pool's words: nothing in it, indices at one, interest counted from `time`. */
export const newPool = (time: bigint): PoolWords => ({
  supply: INDEX_ONE << 192n,
  debt: (INDEX_ONE << 96n) | (time << 160n),
});

export const toAssetsDown = (shares: bigint, index: bigint): bigint => (shares * index) / INDEX_ONE;
export const toAssetsUp = (shares: bigint, index: bigint): bigint => (shares * index + INDEX_ONE - 1n) / INDEX_ONE;

/** Owed to lenders and accounts, rounded down. */
export const claimsOf = ({ lenderShares, accountShares, supplyIndex }: Pool): bigint =>
  toAssetsDown(lenderShares + accountShares, supplyIndex);

/** Owed by borrowers, rounded up. */
export const debtsOf = ({ debtShares, debtIndex }: Pool): bigint => toAssetsUp(debtShares, debtIndex);

/** Signed shares in token units: claims down, debts up. */
export const worthOf = (shares: bigint, supplyIndex: bigint, debtIndex: bigint): bigint =>
  shares >= 0n ? toAssetsDown(shares, supplyIndex) : -toAssetsUp(-shares, debtIndex);

const KIND_SHIFT = 10;
const NUMBER_MASK = 0x3ff;

export type AssetKind = "pool" | "idle" | "vault share";

/** How an asset is kept, from its id (contracts/types/AssetId.sol). */
export const assetKind = (asset: number): AssetKind => {
  const kind = asset >> KIND_SHIFT;
  if (kind === 0) return "pool";
  return kind === 1 ? "idle" : "vault share";
};

export const assetNumber = (asset: number): number => asset & NUMBER_MASK;
export const vaultShareOf = (pool: number): number => (2 << KIND_SHIFT) | pool;

/** The owner's address and the index of an account id, both in lower case hex. */
export const ownerOf = (account: string): string => account.slice(0, 42).toLowerCase();

/** x ÷ 1e18 towards minus infinity. */
export const floorWad = (x: bigint): bigint => x / WAD - (x % WAD < 0n ? 1n : 0n);
