// All chores together, with how often each is looked for.
import type { Chain, Neighbours } from "../chain.ts";
import type { ChoreName } from "../config.ts";
import type { Chore } from "./chore.ts";
import type { Deleverager } from "./deleverage.ts";
import { LedgerChores } from "./ledger.ts";
import { dueChores, type Upkeep } from "./prices.ts";
import type { OwnSettlement } from "./settle.ts";

/** Chain seconds between looks at what has a rhythm of hours. */
const SLOW_EVERY = 60;

export class ChoreBook {
  private readonly ledger: LedgerChores;
  private slowAt = 0;
  private feeds: ReadonlyMap<number, string> = new Map();

  constructor(
    private readonly chain: Chain,
    private readonly names: ReadonlySet<ChoreName>,
    /** Undefined without an own account. */
    private readonly own: OwnSettlement | undefined,
    private readonly deleverager: Deleverager,
  ) {
    this.ledger = new LedgerChores(chain, (asset) => this.feeds.get(asset));
  }

  /** What is due at the chain's time. */
  async due(around: Neighbours, upkeep: Upkeep, now: number): Promise<Chore[]> {
    this.feeds = upkeep.feeds;
    const fast = await dueChores({ ...this.chain, ...around }, upkeep, this.names, now);
    // A reorganisation may turn the clock back.
    if (now >= this.slowAt && now < this.slowAt + SLOW_EVERY) return fast;
    this.slowAt = now;
    const slow = await this.ledger.due(around, this.names, now);
    const settle = this.names.has("settle") ? await this.own?.due(around) : undefined;
    const shortfall = this.names.has("deleverage") ? await this.deleverager.due(around, now) : [];
    return [...fast, ...slow, ...shortfall, ...(settle === undefined ? [] : [settle])];
  }
}
