// Everything that margins depend on besides the accounts, read at every new block.
import type { Deployment } from "../sdk/addresses.ts";
import { type ListedExpiry, readExpiries } from "../sdk/client/reads.ts";
import { readSnapshot } from "../sdk/client/snapshot.ts";
import { type Venue, venueOf } from "../sdk/client/venue.ts";
import type { Market } from "../sdk/mirror/market.ts";
import type { Chain } from "./chain.ts";
import type { Head } from "./heads.ts";

/** New expiries are listed days before anybody can be in danger by them, so their events are not searched at every block. */
const LISTED_EVERY_MS = 60_000;

export class MarketReader {
  private readonly venue: Venue;
  private listed: { readonly expiries: readonly ListedExpiry[]; readonly at: number } | undefined;

  constructor(private readonly chain: Chain) {
    this.venue = venueOf(chain.addresses.whole as Deployment, chain.provider);
  }

  /** As of the head's block. */
  async read({ number }: Pick<Head, "number">): Promise<Market> {
    if (this.listed === undefined || Date.now() - this.listed.at > LISTED_EVERY_MS) {
      this.listed = { expiries: await readExpiries(this.venue, { block: number }), at: Date.now() };
    }
    const { expiries } = this.listed;
    return (await readSnapshot(this.venue, this.chain.provider, { block: number, expiries })).market;
  }
}
