// Every account that ever changed, by the safe's events: who is near the line, and whose auction runs.
import { plain, type Plain } from "../../../sdk/plain.ts";
import type { ILiquidationAuction, IMarginLens } from "../../../sdk/contracts.ts";
import type { Site } from "./site.ts";

export type Health = Plain<Awaited<ReturnType<IMarginLens["healthOf"]>>>[number];
export type AuctionStatus = Plain<Awaited<ReturnType<ILiquidationAuction["status"]>>>;

const CHUNK = 100;
const seen = new Map<string, { readonly accounts: Set<string>; block: number }>();

const accountsOf = async ({ venue, provider, key }: Site): Promise<string[]> => {
  const memory = seen.get(key) ?? { accounts: new Set<string>(), block: venue.deployment.fromBlock - 1 };
  seen.set(key, memory);
  const head = await provider.getBlockNumber();
  if (head > memory.block) {
    const { safe } = venue.contracts;
    const logs = await safe.queryFilter(safe.filters.AccountChanged(), memory.block + 1, head);
    for (const { args } of logs) memory.accounts.add(args.account);
    memory.block = head;
  }
  return [...memory.accounts];
};

/** Accounts with something to lose, those nearest to their line first. */
export const readHealths = async (site: Site): Promise<Health[]> => {
  const accounts = await accountsOf(site);
  const parts: Promise<Health[]>[] = [];
  for (let i = 0; i < accounts.length; i += CHUNK) {
    const some = accounts.slice(i, i + CHUNK);
    parts.push(site.venue.contracts.lens.healthOf(some).then((healths) => [...plain(healths)]));
  }
  const all = (await Promise.all(parts)).flat();
  const nearness = ({ maintenance, mtm }: Health): number => (mtm <= 0n ? -1 : Number(maintenance) / Number(mtm));
  return all
    .filter(({ inAuction, priced, maintenance, mtm }) => inAuction || (priced && maintenance !== mtm))
    .sort((a, b) => nearness(a) - nearness(b));
};

export const readAuction = async (site: Site, account: string): Promise<AuctionStatus> =>
  plain(await site.venue.contracts.auction.status(account));
