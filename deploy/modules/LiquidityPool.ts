import { buildModule } from "@nomicfoundation/ignition-core";

import type { DerivativesConfig } from "../config/derivatives.ts";
import type { LiquidityPoolConfig } from "../config/liquidityPool.ts";
import type { NetworkConfig } from "../config/types.ts";
import { poolMarketTerms, poolTerms, seedAmount, underlyingNumber } from "../lib/derivativeUnits.ts";
import type { marketModule } from "./Market.ts";

/** The passive maker, with its pricer and what it quotes; its first deposit, if the configuration has one. */
export const liquidityPoolModule = (
  market: ReturnType<typeof marketModule>,
  config: NetworkConfig,
  { underlyings }: DerivativesConfig,
  pool: LiquidityPoolConfig,
) =>
  buildModule("LiquidityPool", (m) => {
    const contracts = m.useModule(market);
    const { safe, manager, exchange, attestedFeed, settlementPrices, realizedVolatility, normalTable } = contracts;
    const poolPricer = m.contract(
      "PoolPricer",
      [safe, attestedFeed, settlementPrices, realizedVolatility, normalTable],
      { after: [market] },
    );
    const terms = poolTerms(config, pool);
    const liquidityPool = m.contract(
      "LiquidityPool",
      [safe, exchange, manager, poolPricer, terms, pool.name, pool.symbol],
      { after: [market] },
    );
    for (const each of pool.markets) {
      const asset = underlyings.find(({ name }) => name === each.underlying)?.asset ?? "";
      m.call(liquidityPool, "setMarketTerms", [underlyingNumber(config, asset), poolMarketTerms(each)], {
        id: `${each.underlying}_terms`,
      });
    }
    const [settlement] = config.assets;
    if (pool.seed !== undefined && settlement !== undefined) {
      const amount = seedAmount(config, pool.seed.amount);
      const token = m.contractAt("IERC20Metadata", settlement.token, { id: "seed_token" });
      const approved = m.call(token, "approve", [liquidityPool, amount], { id: "seed_approve" });
      m.call(liquidityPool, "deposit", [amount, pool.seed.owner], { id: "seed", after: [approved] });
    }
    return { ...contracts, poolPricer, liquidityPool };
  });
