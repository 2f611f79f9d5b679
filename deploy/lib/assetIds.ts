import { idleAsset, poolAsset, vaultShareAsset } from "../../scripts/lib/ids.ts";
import type { AssetConfig } from "../config/types.ts";

export interface NumberedAsset {
  /** The AssetId of the token's balances (contracts/types/AssetId.sol). */
  id: number;
  /** The AssetId of its vault's share; 0 for an idle asset. */
  vaultShareId: number;
  config: AssetConfig;
}

/** The ids that the safe gives when the assets are listed in this order: pools and idle assets each count from 1. */
export const assetIds = (assets: readonly AssetConfig[]): Map<string, NumberedAsset> => {
  const numbered = new Map<string, NumberedAsset>();
  let pools = 0;
  let idles = 0;
  for (const config of assets) {
    if (config.kind === "pool") {
      pools += 1;
      numbered.set(config.symbol, { id: poolAsset(pools), vaultShareId: vaultShareAsset(pools), config });
    } else {
      idles += 1;
      numbered.set(config.symbol, { id: idleAsset(idles), vaultShareId: 0, config });
    }
  }
  return numbered;
};
