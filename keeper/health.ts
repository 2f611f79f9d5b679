/** What an account is worth, as far as it is told. Settlement units, WAD. */
export interface Health {
  readonly account: string;
  /** False: a price is unusable. */
  readonly priced: boolean;
  readonly inAuction: boolean;
  readonly pending: boolean;
  readonly maintenance: bigint;
  readonly mtm: bigint;
}

export const isUnhealthy = ({ priced, pending, maintenance }: Health): boolean =>
  priced && !pending && maintenance < 0n;
