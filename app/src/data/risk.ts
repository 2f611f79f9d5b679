// Parameters in force, as people read them.
import { haircutsOf as haircuts } from "../../../sdk/mirror/spot.ts";
import type { RuleTerms } from "../../../sdk/mirror/derivatives/market.ts";
import type { Market } from "../../../sdk/mirror/market.ts";
import { prepare } from "../../../sdk/mirror/prepared.ts";
import { pricedAssets } from "../../../sdk/mirror/sources.ts";
import { toNumber } from "../lib/format.ts";

const BPS = 10_000;

export interface Haircuts {
  readonly initial: number;
  readonly maintenance: number;
  /** Of its price source, seconds; undefined for a vault share, which has its pool's. */
  readonly heartbeat?: number;
}

/** Of one smallest unit, so without the brackets of size; undefined where the table does not know the asset. */
export const haircutsOf = (market: Market, asset: number): Haircuts | undefined => {
  try {
    const { initial, maintenance } = haircuts(prepare(market), asset, 1n);
    const heartbeat = pricedAssets(market.table).get(asset)?.heartbeat;
    return {
      initial: toNumber(initial),
      maintenance: toNumber(maintenance),
      ...(heartbeat !== undefined && { heartbeat }),
    };
  } catch {
    return undefined;
  }
};

/** The smallest margins of a perp as parts of its notional. */
export const perpRatios = ({
  perpInitialExtra,
  perpMaintenance,
}: RuleTerms): Pick<Haircuts, "initial" | "maintenance"> => ({
  initial: Number(perpInitialExtra + perpMaintenance) / BPS,
  maintenance: Number(perpMaintenance) / BPS,
});
