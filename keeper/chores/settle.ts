// Turns the keeper's own unsettled profit into cash: what it took over with positions in it earns nothing until losers pay.
import type { Chain, Neighbours } from "../chain.ts";
import { attempt, type Chore } from "./chore.ts";

/** Settlement units WAD: less is left to grow. */
const LEAST = 100n * 10n ** 18n;
/** Accounts asked in one go. */
const MOST_ASKED = 50;
const MOST_PAID = 8;

export class OwnSettlement {
  private at = 0;

  constructor(
    private readonly chain: Chain,
    private readonly account: string,
    /** Accounts with positions, from the `offset`th. */
    private readonly traders: (offset: number, limit: number) => readonly string[],
  ) {}

  /** Pairs the keeper's account with the largest losers among the next few traders. */
  async due({ positions }: Neighbours): Promise<Chore | undefined> {
    if (positions === undefined) return undefined;
    return attempt(async () => {
      if ((await positions.unsettledOf(this.account)) < LEAST) return undefined;
      const asked = this.traders(this.at, MOST_ASKED).filter((each) => each !== this.account);
      this.at = asked.length === 0 ? 0 : this.at + MOST_ASKED;
      const amounts = await Promise.all(
        asked.map((loser) => positions.settleable(this.account, loser).catch(() => 0n)),
      );
      const settlements: { winner: string; loser: string; amount: bigint }[] = [];
      let left = (await positions.unsettledOf(this.account)) / this.unit(await this.decimals());
      for (const { loser, amount } of asked
        .map((loser, i) => ({ loser, amount: amounts[i] ?? 0n }))
        .sort((a, b) => (a.amount > b.amount ? -1 : 1))
        .slice(0, MOST_PAID)) {
        const paid = amount < left ? amount : left;
        if (paid <= 0n) break;
        // A loser whom it would put below maintenance must stop nobody else.
        if (!(await this.passes(positions, loser, paid))) continue;
        settlements.push({ winner: this.account, loser, amount: paid });
        left -= paid;
      }
      if (settlements.length === 0) return undefined;
      const { to, data } = await positions.settleBatch.populateTransaction(settlements);
      return { name: "settle", subject: this.account, to, data };
    });
  }

  private async passes(
    positions: NonNullable<Neighbours["positions"]>,
    loser: string,
    amount: bigint,
  ): Promise<boolean> {
    return positions.settle.staticCall(this.account, loser, amount).then(
      () => true,
      () => false,
    );
  }

  private async decimals(): Promise<bigint> {
    return (await this.chain.safe.assetToken(1)).decimals;
  }

  private unit(decimals: bigint): bigint {
    return 10n ** (18n - decimals);
  }
}
