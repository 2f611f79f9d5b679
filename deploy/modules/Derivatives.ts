import { buildModule } from "@nomicfoundation/ignition-core";

import type { DerivativesConfig } from "../config/derivatives.ts";
import type { NetworkConfig } from "../config/types.ts";
import {
  feedLimits,
  feeReceiver,
  feeTable,
  nativeAsset,
  optionWords,
  perpParameters,
  underlyingNumber,
  volatilityParameters,
  wholeUnits,
} from "../lib/derivativeUnits.ts";
import type { assetsModule } from "./Assets.ts";

/**
 * Perps, options and both margin models: attested feeds, the ledger and the exchange behind their proxies, and what is listed at the
 * start. Which parameters margins use is the engine's matter (Market).
 */
export const derivativesModule = (
  assets: ReturnType<typeof assetsModule>,
  config: NetworkConfig,
  derivatives: DerivativesConfig,
) =>
  buildModule("Derivatives", (m) => {
    const contracts = m.useModule(assets);
    const { safe, manager } = contracts;
    const { attesters, fees } = derivatives;

    const attestedFeed = m.contract("AttestedFeed", [safe, manager, [...attesters.signers], attesters.threshold]);
    const realizedVolatility = m.contract("RealizedVolatility", [
      safe,
      ...volatilityParameters(derivatives.volatility),
    ]);
    const settlementPrices = m.contract("SettlementPrices", [safe]);
    const normalTable = m.contract("NormalTable");
    const standardModel = m.contract("StandardModel", [attestedFeed, settlementPrices, normalTable]);
    const portfolioModel = m.contract("PortfolioModel", [
      attestedFeed,
      settlementPrices,
      realizedVolatility,
      normalTable,
    ]);
    const scenarioCalculator = m.contract("ScenarioCalculator", [normalTable]);
    const scenarioLens = m.contract("ScenarioLens", [attestedFeed, settlementPrices, normalTable]);
    const ledgerLens = m.contract("LedgerLens", [safe, attestedFeed, settlementPrices, normalTable, scenarioLens]);

    // Nothing is to be initialised behind a proxy; the view only shows that its code answers.
    const positionsExtension = m.contract("PositionsExtension", [safe, manager], { after: [assets] });
    const positionsCode = m.contract("Positions", [safe, manager, positionsExtension], { id: "PositionsCode" });
    const positionsView = m.contractAt("IPositionsLedger", positionsCode, { id: "PositionsView" });
    const positionsProxy = m.contract("ERC1967Proxy", [positionsCode, m.encodeFunctionCall(positionsView, "safe")], {
      id: "PositionsProxy",
    });
    const positions = m.contractAt("IPositionsLedger", positionsProxy, { id: "Positions" });

    const exchangeCode = m.contract("Exchange", [safe, positions, manager], { id: "ExchangeCode" });
    const exchangeProxy = m.contract("ERC1967Proxy", [exchangeCode, m.encodeFunctionCall(exchangeCode, "safe")], {
      id: "ExchangeProxy",
    });
    const exchange = m.contractAt("IExchange", exchangeProxy, { id: "Exchange" });

    // Without budgets, terms and parts: what they pay, and what credit is worth, the governor says later.
    const makerRewards = m.contract("MakerRewards", [safe, exchange, manager]);
    const choreRewards = m.contract("ChoreRewards", [
      safe,
      positions,
      realizedVolatility,
      settlementPrices,
      contracts.rewardsController,
      nativeAsset(config),
      manager,
    ]);
    const creditTiers = m.contract("CreditTiers", [manager, [...attesters.signers], attesters.threshold]);
    const deleveraging = m.contract("Deleveraging", [positions]);

    m.call(safe, "setPositions", [positions]);
    m.call(positions, "setDeleveraging", [deleveraging]);
    m.call(positions, "setExchange", [exchange]);
    const feedSet = m.call(positions, "setFeed", [attestedFeed]);
    const pricesSet = m.call(positions, "setSettlementPrices", [settlementPrices]);
    m.call(positions, "setFeeReceiver", [...feeReceiver(fees)]);
    m.call(exchange, "setFees", feeTable(fees));

    for (const { name, asset, attestations, perp, options } of derivatives.underlyings) {
      const number = underlyingNumber(config, asset);
      m.call(attestedFeed, "setLimits", [number, feedLimits(attestations)], { id: `${name}_limits` });
      if (perp !== undefined) {
        m.call(positions, "listPerp", [number, perpParameters(perp)], { id: `${name}_perp`, after: [feedSet] });
      }
      for (const expiry of options?.expiries ?? []) {
        const cap = wholeUnits(options?.openInterestCap ?? "0");
        const listed = m.call(positions, "listExpiry", [number, expiry.at, cap], {
          id: `${name}_${expiry.at}`,
          after: [pricesSet],
        });
        m.call(positions, "listOptions", [optionWords(number, expiry)], {
          id: `${name}_${expiry.at}_options`,
          after: [listed],
        });
      }
    }

    return {
      ...contracts,
      attestedFeed,
      realizedVolatility,
      settlementPrices,
      normalTable,
      standardModel,
      portfolioModel,
      scenarioCalculator,
      scenarioLens,
      ledgerLens,
      positionsExtension,
      positionsCode,
      positions,
      deleveraging,
      exchangeCode,
      exchange,
      makerRewards,
      choreRewards,
      creditTiers,
    };
  });
