// Which accounts are below maintenance.
import type { IMarginLens } from "../types/ethers-contracts/index.js";
import { isConnectionError } from "./rpc.ts";

export interface Health {
  readonly account: string;
  /** False: a price is unusable, or the account cannot be read at all. */
  readonly priced: boolean;
  readonly inAuction: boolean;
  readonly pending: boolean;
  readonly maintenance: bigint;
  readonly mtm: bigint;
}

// About 200k gas an account; nodes allow at least 25M for a call.
const BATCH = 40;

/** Health of the accounts at the head. One that cannot be read is unpriced and spoils no other. */
export const evaluate = async (lens: IMarginLens, accounts: Iterable<string>, batch = BATCH): Promise<Health[]> => {
  const all = [...accounts];
  const slices = Array.from({ length: Math.ceil(all.length / batch) }, (_, i) => all.slice(i * batch, (i + 1) * batch));
  return (await Promise.all(slices.map((slice) => read(lens, slice)))).flat();
};

const read = async (lens: IMarginLens, accounts: readonly string[]): Promise<Health[]> => {
  try {
    const healths = await lens.healthOf([...accounts]);
    return healths.map(({ account, priced, inAuction, pending, maintenance, mtm }) => ({
      account,
      priced,
      inAuction,
      pending,
      maintenance,
      mtm,
    }));
  } catch (error) {
    if (isConnectionError(error)) throw error;
    const [only, ...others] = accounts;
    if (only !== undefined && others.length === 0) return [unreadable(only)];
    const half = Math.ceil(accounts.length / 2);
    const halves = [accounts.slice(0, half), accounts.slice(half)].filter((part) => part.length > 0);
    return (await Promise.all(halves.map((part) => read(lens, part)))).flat();
  }
};

const unreadable = (account: string): Health => ({
  account,
  priced: false,
  inAuction: false,
  pending: false,
  maintenance: 0n,
  mtm: 0n,
});

export const isUnhealthy = ({ priced, pending, maintenance }: Health): boolean =>
  priced && !pending && maintenance < 0n;

/** An auction whose account needs it no more. */
export const isRecovered = ({ priced, pending, inAuction, maintenance }: Health): boolean =>
  priced && !pending && inAuction && maintenance >= 0n;

/** The deepest below maintenance first. */
export const byUrgency = (a: Health, b: Health): number =>
  a.maintenance < b.maintenance ? -1 : a.maintenance > b.maintenance ? 1 : 0;
