// What the balance words of `AccountChanged` say (contracts/accounts/Books.sol, contracts/types/AccountFlags.sol).

const ENTRY_BITS = 116n;
const SHARES_BITS = 104n;
const FLAGS_SHIFT = 232n;
const COUNT_MASK = 0x1fn;
const LEDGER_MASK = (1n << 7n) | (1n << 8n); // positions, quote
const AUCTION = 1n << 9n;

export interface Entry {
  readonly asset: number;
  /** Negative: owed. */
  readonly shares: bigint;
}

export interface AccountState {
  readonly entries: readonly Entry[];
  readonly hasLedger: boolean;
  readonly inAuction: boolean;
}

export const decodeWords = (words: readonly bigint[]): AccountState => {
  const flags = (words[0] ?? 0n) >> FLAGS_SHIFT;
  const count = Number(flags & COUNT_MASK);
  const entries: Entry[] = [];
  for (let i = 0; i < count; i += 1) {
    const word = words[i >> 1];
    if (word === undefined) throw new RangeError(`the account says ${count} balances in ${words.length} words`);
    const entry = BigInt.asUintN(Number(ENTRY_BITS), word >> (i % 2 === 0 ? 0n : ENTRY_BITS));
    entries.push({ asset: Number(entry >> SHARES_BITS), shares: BigInt.asIntN(Number(SHARES_BITS), entry) });
  }
  return { entries, hasLedger: (flags & LEDGER_MASK) !== 0n, inAuction: (flags & AUCTION) !== 0n };
};

/** Whether anything can ever be done with the account: what owes nothing is never below maintenance. */
export const isWatched = ({ entries, hasLedger, inAuction }: AccountState): boolean =>
  inAuction || hasLedger || entries.some(({ shares }) => shares < 0n);
