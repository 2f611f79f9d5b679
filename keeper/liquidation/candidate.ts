/** An account that may be below maintenance, as far as is known before the chain is asked. */
export interface Candidate {
  readonly account: string;
  /** Expected profit of the best bid, whole settlement units: only the order depends on it. */
  readonly profit: number;
  readonly inAuction: boolean;
  readonly details: () => Details;
  /** Of everything in it, either sign, whole settlement units. */
  readonly gross: number;
}

export interface Details {
  /** Whether it has perps, options or a quote: those cannot be sold, only taken over. */
  readonly hasLedger: boolean;
  /** What to choose routes by: values of its balances, settlement token units. */
  readonly trades: readonly { readonly asset: number; readonly value: bigint }[];
}

/** The largest expected profit first; the same again for the same input. */
export const byProfit = (a: Candidate, b: Candidate): number =>
  b.profit - a.profit || (a.account < b.account ? -1 : a.account > b.account ? 1 : 0);
