// The keeper's own margin account: takes accounts over, positions and all, within limits, and holds what it took.
import type { IMarginLens } from "../../types/ethers-contracts/index.js";
import type { MarginOptions } from "../config.ts";
import type { Candidate } from "./candidate.ts";

const WHOLE = 1e18;

export interface Standing {
  /** Settlement units, WAD. */
  readonly initial: bigint;
  readonly mtm: bigint;
  /** Sum of all its values, either sign, whole settlement units. */
  readonly gross: number;
}

export class Holder {
  private standing: Standing | undefined;
  /** By account: what bids on their way would take, whole settlement units. */
  private readonly onTheWay = new Map<string, number>();

  constructor(
    private readonly lens: IMarginLens,
    readonly account: string,
    readonly options: MarginOptions,
    /** Gross value of an account with its positions, whole settlement units, where that is known. */
    private readonly grossOf: (account: string) => number | undefined = () => undefined,
  ) {}

  get state(): Standing | undefined {
    return this.standing;
  }

  /** How the account stands; to be read before each round of bids. */
  async refresh(): Promise<void> {
    const view = await this.lens.accountView(this.account);
    const balances = view.balances.reduce((sum, { value }) => sum + (value < 0n ? -value : value), 0n);
    const gross = Math.max(Number(balances) / WHOLE, this.grossOf(this.account) ?? 0);
    this.standing = { initial: view.priced ? view.initial : 0n, mtm: view.mtm, gross };
  }

  /** Whether the limits allow it; the chain itself refuses what its margin does not carry. */
  mayTake({ gross }: Pick<Candidate, "gross">, maxFraction: bigint): boolean {
    if (this.standing === undefined || this.standing.initial < this.options.reserve) return false;
    const value = gross * (Number(maxFraction) / WHOLE);
    const held = this.standing.gross + [...this.onTheWay.values()].reduce((sum, each) => sum + each, 0);
    return value <= Number(this.options.maxBid) / WHOLE && held + value <= Number(this.options.maxTotal) / WHOLE;
  }

  /** A bid is on its way: what it takes counts. */
  sent(account: string, gross: number, fraction: bigint): void {
    this.onTheWay.set(account, gross * (Number(fraction) / WHOLE));
  }

  /** It has ended; what it took is in the account now. */
  ended(account: string): void {
    this.onTheWay.delete(account);
  }
}
