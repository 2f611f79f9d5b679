import { parseUnits } from "ethers";

import type { AssetConfig, NetworkConfig, RiskConfig } from "../config/types.ts";
import { type Asset, type Haircut, packRiskTable } from "../../sdk/tables/riskTable.ts";
import { assetIds } from "./assetIds.ts";

const haircutOf = ({ haircut, brackets, kappa, group }: RiskConfig, decimals: number): Haircut => ({
  maintenanceBps: haircut.maintenance,
  initialExtraBps: haircut.initialExtra,
  ...(brackets && {
    brackets: brackets.map(({ above, addOn }) => ({ size: parseUnits(above, decimals), addOnBps: addOn })),
  }),
  ...(kappa !== undefined && { kappaBps: kappa }),
  ...(group && {
    group: {
      id: group.number,
      maintenanceBps: group.haircut.maintenance,
      initialExtraBps: group.haircut.initialExtra,
    },
  }),
});

/** The bytes that the engine factory takes for a configuration. */
export const marketTable = ({ assets, oracles }: NetworkConfig): string => {
  const numbered = assetIds(assets);
  const named = (symbol: string) => {
    const asset = numbered.get(symbol);
    if (asset === undefined) throw new Error(`no asset is called ${symbol}`);
    return asset;
  };

  const twapOf = ({ token, twap }: AssetConfig): Pick<Asset, "twap"> => {
    if (twap === undefined) return {};
    const quote = named(twap.quote);
    return {
      twap: {
        pool: twap.pool,
        window: twap.window,
        quote: quote.id,
        quoteDecimals: quote.config.decimals,
        baseIsToken0: BigInt(token) < BigInt(quote.config.token), // Uniswap sorts by address
        deviationBps: twap.deviation,
        minLiquidity: twap.minLiquidity,
      },
    };
  };
  const record = (asset: AssetConfig): Asset => ({
    feed: asset.feed.address,
    heartbeat: asset.feed.heartbeat,
    feedDecimals: asset.feed.decimals,
    tokenDecimals: asset.decimals,
    minAnswer: parseUnits(asset.feed.min, asset.feed.decimals),
    maxAnswer: parseUnits(asset.feed.max, asset.feed.decimals),
    haircut: haircutOf(asset.risk, asset.decimals),
    ...twapOf(asset),
  });

  const pools = assets.filter((asset) => asset.kind === "pool");
  const idles = assets.filter((asset) => asset.kind === "idle");
  const [settlement] = pools;
  if (settlement === undefined) throw new Error("no pool, so no settlement asset");
  return packRiskTable({
    settlementDecimals: settlement.decimals,
    deviationDelay: oracles.deviationDelay,
    ...(oracles.sequencer && { sequencer: oracles.sequencer }),
    pools: pools.map(record),
    idles: idles.map(record),
    vaultShares: pools.map(({ pool, decimals }) => ({ haircut: haircutOf(pool.vault.collateral.risk, decimals) })),
  });
};
