// What can be traded, by the names that stand in the address.
import { perpWord } from "../../../../sdk/instruments.ts";
import type { Site } from "../../data/site.ts";

export interface MarketChoice {
  /** "ETH-SPOT", "ETH-PERP", "ETH-OPTIONS". */
  readonly id: string;
  readonly kind: "spot" | "perp" | "options";
  /** "ETH". */
  readonly name: string;
  readonly underlying: number;
  /** The symbol of the pool whose asset is the index. */
  readonly asset: string;
  /** The matcher's name of a perp's book. */
  readonly book?: string;
  readonly expiries: readonly number[];
}

export const marketsOf = ({ venue }: Site): MarketChoice[] =>
  Object.entries(venue.deployment.underlyings).flatMap(([name, { number, asset, hasPerp, expiries }]) => {
    const common = { name, underlying: number, asset, expiries };
    return [
      { ...common, id: `${name}-SPOT`, kind: "spot" as const },
      ...(hasPerp
        ? [{ ...common, id: `${name}-PERP`, kind: "perp" as const, book: perpWord(number).toString(16) }]
        : []),
      ...(expiries.length > 0 ? [{ ...common, id: `${name}-OPTIONS`, kind: "options" as const }] : []),
    ];
  });
