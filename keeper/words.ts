// What the keeper asks of the balance words of `AccountChanged`.
import { decodeWords as decode, type Entry, hasLedger } from "../sdk/mirror/account.ts";

export type { Entry };

export interface AccountState {
  readonly entries: readonly Entry[];
  readonly hasLedger: boolean;
  readonly inAuction: boolean;
}

export const decodeWords = (words: readonly bigint[]): AccountState => {
  const account = decode(words);
  return { entries: account.entries, hasLedger: hasLedger(account), inAuction: account.flags.inAuction };
};

/** Whether anything can ever be done with the account: what owes nothing is never below maintenance. */
export const isWatched = ({ entries, hasLedger, inAuction }: AccountState): boolean =>
  inAuction || hasLedger || entries.some(({ shares }) => shares < 0n);
