// Rounds of deleveraging, while winners have a shortfall to bear: opens them, nominates who ranks highest among the traders that the
// keeper knows, executes. Anybody may do the same; a keeper that leaves somebody out is put right by another.
import { IDeleveraging__factory } from "../../types/ethers-contracts/index.js";
import type { Neighbours } from "../chain.ts";
import { isConnectionError } from "../rpc.ts";
import type { Chore } from "./chore.ts";

/** Accounts ranked at one look. */
const MOST_ASKED = 200;
/** Nominations sent at one look. */
const MOST_NAMED = 4;
/** Winners that one transaction reaches: each is a whole account's margin. */
const STEPS = 3;

interface Rank {
  readonly account: string;
  readonly exposure: bigint;
  readonly profit: bigint;
}

const byRank = (a: Rank, b: Rank): number => {
  const [x, y] = a.exposure === b.exposure ? [a.profit, b.profit] : [a.exposure, b.exposure];
  return x === y ? 0 : x > y ? -1 : 1;
};

export class Deleverager {
  private at = 0;

  /** @param traders accounts with positions, from the `offset`th. */
  constructor(private readonly traders: (offset: number, limit: number) => readonly string[]) {}

  /** What is due at `now`. What cannot be read is left for the next time. */
  async due({ positions }: Neighbours, now: number): Promise<Chore[]> {
    if (positions === undefined) return [];
    try {
      const [open] = await positions.shortfall();
      if (open === 0n) return [];
      const ranking = IDeleveraging__factory.connect(await positions.deleveraging(), positions.runner);
      const [until] = await ranking.round();
      const chore = (subject: string, { to, data }: { to: string; data: string }): Chore => ({
        name: "deleverage",
        subject,
        to,
        data,
      });
      if (until === 0n) return [chore("open", await ranking.open.populateTransaction())];
      if (BigInt(now) >= until) return [chore("execute", await ranking.execute.populateTransaction(STEPS))];
      const listed = new Set((await ranking.nominees()).map(({ account }) => account.toLowerCase()));
      const asked = this.traders(this.at, MOST_ASKED).filter((account) => !listed.has(account.toLowerCase()));
      this.at = asked.length === 0 ? 0 : this.at + MOST_ASKED;
      const ranks = await Promise.all(
        asked.map((account) =>
          ranking.rankOf(account).then(
            ([exposure, profit]): Rank => ({ account, exposure, profit }),
            () => undefined,
          ),
        ),
      );
      const best = ranks
        .filter((rank) => rank !== undefined)
        .sort(byRank)
        .slice(0, MOST_NAMED);
      return await Promise.all(
        best.map(async ({ account }) => chore(account, await ranking.nominate.populateTransaction(account))),
      );
    } catch (error) {
      if (isConnectionError(error)) throw error;
      return [];
    }
  }
}
