// Looks at every account with debts or positions through MarginLens, at every block.
import type { Logger } from "pino";

import type { Chain } from "./chain.ts";
import { evaluate, type Health, isRecovered, isUnhealthy } from "./evaluator.ts";
import { Follower } from "./follower.ts";
import type { Candidate } from "./liquidation/candidate.ts";
import type { Scout, ScoutState, Sighting } from "./scout.ts";
import type { BlockRef, State } from "./state.ts";
import type { Teller } from "./teller.ts";
import { decodeWords } from "./words.ts";

const WHOLE = 1e18;
/** Beyond these the rest waits for the next look. */
const MOST = 200;

export class LensScout implements Scout {
  private readonly follower: Follower;
  private healths: readonly Health[] = [];
  private evaluations = 0;
  private reorgs = 0;

  constructor(
    private readonly chain: Chain,
    private readonly store: State,
    fromBlock: number,
    private readonly unit: bigint,
    private readonly teller: Teller,
    log: Logger,
  ) {
    this.follower = new Follower(chain.provider, chain.safe, store, fromBlock, log);
  }

  get head(): BlockRef | undefined {
    return this.store.checkpoint();
  }

  get state(): ScoutState {
    return {
      accounts: this.follower.watched.size,
      watched: this.follower.watched.size,
      below: this.healths.filter(isUnhealthy).length,
      inAuction: this.healths.filter(({ inAuction }) => inAuction).length,
      reorgs: this.reorgs,
      evaluations: this.evaluations,
    };
  }

  async sync(head: BlockRef, signal: AbortSignal): Promise<boolean> {
    const undone = await this.follower.sync(head, signal);
    if (undone) this.reorgs += 1;
    return undone;
  }

  async look(): Promise<Sighting> {
    const healths = await evaluate(this.chain.lens, this.follower.watched);
    this.healths = healths;
    this.evaluations += healths.length;
    this.teller.changes(healths);
    const worst = healths
      .filter(isUnhealthy)
      .sort((a, b) => (a.maintenance < b.maintenance ? -1 : 1))
      .slice(0, MOST);
    return {
      unhealthy: await Promise.all(worst.map((health) => this.candidate(health))),
      recovered: healths.filter(isRecovered).map(({ account }) => account),
      weighed: healths.length,
    };
  }

  grossOf(_account: string): number | undefined {
    return undefined;
  }

  traders(_offset: number, _limit: number): readonly string[] {
    return [];
  }

  describe(account: string): object | undefined {
    return this.healths.find((health) => health.account === account);
  }

  list(offset: number, limit: number): object[] {
    return this.healths.slice(offset, offset + limit);
  }

  checkpoint(): void {
    // Every step of the follower is one already.
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private async candidate({ account, mtm, inAuction }: Health): Promise<Candidate> {
    const [{ balances }, words] = await Promise.all([
      this.chain.lens.accountView(account),
      this.chain.safe.words(account),
    ]);
    return {
      account,
      profit: Number(mtm) / WHOLE,
      hasLedger: decodeWords(words).hasLedger,
      inAuction,
      trades: balances.map(({ asset, value }) => ({ asset: Number(asset), value: value / this.unit })),
      gross: balances.reduce((sum, { value }) => sum + Math.abs(Number(value)) / WHOLE, 0),
    };
  }
}
