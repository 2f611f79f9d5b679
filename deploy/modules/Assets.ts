import { buildModule, type Future } from "@nomicfoundation/ignition-core";
import { parseUnits } from "ethers";

import type { NetworkConfig } from "../config/types.ts";
import { assetIds } from "../lib/assetIds.ts";
import { collateralCap, kinkedParameters, poolParameters } from "../lib/units.ts";
import type { protocolModule } from "./Protocol.ts";

/**
 * Lists the assets of a configuration and opens their pools and vaults. Needs `probe` of every token with the deployer: a
 * listing tries the token out.
 */
export const assetsModule = (protocol: ReturnType<typeof protocolModule>, config: NetworkConfig) =>
  buildModule("Assets", (m) => {
    const contracts = m.useModule(protocol);
    const { safe } = contracts;

    const listed: Future[] = [];
    for (const [symbol, { id, vaultShareId, config: asset }] of assetIds(config.assets)) {
      const probe = parseUnits(asset.probe, asset.decimals);
      const token = m.contractAt("IERC20Metadata", asset.token, { id: `${symbol}_token` });
      const approval = m.call(token, "approve", [safe, probe], { id: `${symbol}_approve` });
      // Ids follow the order of listing, and the configuration's order is that order.
      const listing = m.call(safe, "listAsset", [asset.token, asset.kind === "pool", probe], {
        id: `${symbol}_list`,
        after: [approval, ...listed.slice(-1)],
      });
      listed.push(listing);

      if (asset.kind === "idle") {
        m.call(safe, "setCollateralCap", [id, collateralCap(asset.cap, asset.decimals), 0], {
          id: `${symbol}_cap`,
          after: [listing],
        });
      } else {
        const { pool } = asset;
        m.call(safe, "configurePool", [id, poolParameters(pool, asset.decimals)], {
          id: `${symbol}_configure`,
          after: [listing],
        });
        if (pool.rateModel.kind === "kinked") {
          const model = m.contract("KinkedRateModel", kinkedParameters(pool.rateModel), { id: `${symbol}_rates` });
          m.call(safe, "setRateModel", [id, model], { id: `${symbol}_setRates`, after: [listing] });
        }
        const vault = m.contract("Vault", [safe, id, pool.vault.name, pool.vault.symbol], {
          id: `${symbol}_vault`,
          after: [listing],
        });
        const vaultSet = m.call(safe, "setVault", [id, vault], { id: `${symbol}_setVault` });
        const { collateral } = pool.vault;
        m.call(
          safe,
          "setCollateralCap",
          [vaultShareId, collateralCap(collateral.cap, asset.decimals), collateral.maxPart],
          {
            id: `${symbol}_vaultCap`,
            after: [vaultSet],
          },
        );
      }

      if (asset.outflow !== undefined) {
        m.call(
          safe,
          "setOutflowLimit",
          [id, parseUnits(asset.outflow.capacity, asset.decimals), asset.outflow.window],
          {
            id: `${symbol}_outflow`,
            after: [listing],
          },
        );
      }
    }

    return contracts;
  });
