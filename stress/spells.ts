// How long accounts stay below maintenance: from the first look that finds them there to the first that does not. Pure.

/** Of mainnet, seconds. */
export const BLOCK_S = 12;

export interface Spell {
  readonly account: string;
  readonly from: number;
  /** Undefined: still below maintenance when the run ended. */
  readonly to: number | undefined;
  /** Somebody bid on it in between; else the market or the owner healed it. */
  readonly byBid: boolean;
}

/** What a look says of an account. */
export interface Standing {
  readonly account: string;
  readonly priced: boolean;
  readonly maintenance: bigint;
}

/** Begun blocks count whole. */
export const blocksOf = ({ from, to }: { readonly from: number; readonly to: number }): number =>
  Math.ceil((to - from) / BLOCK_S);

export class Spells {
  private readonly open = new Map<string, { from: number; byBid: boolean }>();
  private readonly closed: Spell[] = [];

  /** `bid`: accounts that were bid on since the last look. An account without a usable price stays what it was. */
  note(time: number, standings: readonly Standing[], bid: ReadonlySet<string>): void {
    for (const { account, priced, maintenance } of standings) {
      if (!priced) continue;
      const spell = this.open.get(account);
      if (spell !== undefined && bid.has(account)) spell.byBid = true;
      if (maintenance < 0n && spell === undefined) this.open.set(account, { from: time, byBid: bid.has(account) });
      if (maintenance < 0n || spell === undefined) continue;
      this.open.delete(account);
      this.closed.push({ account, from: spell.from, to: time, byBid: spell.byBid });
    }
  }

  /** Those that ended, then those that did not. */
  all(): Spell[] {
    const open = [...this.open].map(([account, spell]): Spell => ({ account, ...spell, to: undefined }));
    return [...this.closed, ...open];
  }
}
