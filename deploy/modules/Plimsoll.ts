import { buildModule } from "@nomicfoundation/ignition-core";

import type { NetworkConfig } from "../config/types.ts";
import { assetsModule } from "./Assets.ts";
import { derivativesModule } from "./Derivatives.ts";
import { handoverModule } from "./Handover.ts";
import { liquidityPoolModule } from "./LiquidityPool.ts";
import { marketModule, spotMarketModule } from "./Market.ts";
import { protocolModule } from "./Protocol.ts";

const wholeMarket = (config: NetworkConfig) => {
  const assets = assetsModule(protocolModule(config), config);
  if (config.derivatives === undefined) return spotMarketModule(assets, config);
  const { derivatives } = config;
  const market = marketModule(derivativesModule(assets, config, derivatives), config, derivatives);
  if (derivatives.liquidityPool === undefined) return market;
  return liquidityPoolModule(market, config, derivatives, derivatives.liquidityPool);
};

/**
 * The whole deployment of one network. `handover: false` keeps the deployer as admin: for tests that go on configuring, never
 * for a network that somebody uses.
 */
export const plimsollModule = (config: NetworkConfig, { handover = true } = {}) =>
  buildModule("Plimsoll", (m) => {
    const market = wholeMarket(config);
    return m.useModule(handover ? handoverModule(market, config) : market);
  });
