import { buildModule } from "@nomicfoundation/ignition-core";

import type { DerivativesConfig } from "../config/derivatives.ts";
import type { NetworkConfig } from "../config/types.ts";
import { ledgerParameters } from "../lib/derivativeUnits.ts";
import { marketTable } from "../lib/marketTable.ts";
import type { assetsModule } from "./Assets.ts";
import type { derivativesModule } from "./Derivatives.ts";

/** Puts the engine with a configuration's parameters in force: spot alone. */
export const spotMarketModule = (assets: ReturnType<typeof assetsModule>, config: NetworkConfig) =>
  buildModule("Market", (m) => {
    const contracts = m.useModule(assets);
    const { safe, engineFactory } = contracts;
    const created = m.call(engineFactory, "create", [marketTable(config)], { id: "createEngine", after: [assets] });
    const engine = m.contractAt("IMarginEngine", m.readEventArgument(created, "EngineCreated", "engine"), {
      id: "engine",
    });
    m.call(safe, "setEngine", [engine]);
    return { ...contracts, engine };
  });

/** The same with perps and options: their parameters are a table of their own, which the engine's table names. */
export const marketModule = (
  derivatives: ReturnType<typeof derivativesModule>,
  config: NetworkConfig,
  parameters: DerivativesConfig,
) =>
  buildModule("Market", (m) => {
    const contracts = m.useModule(derivatives);
    const { safe, engineFactory, ledgerTableFactory, positions, standardModel, portfolioModel, creditTiers } =
      contracts;
    const written = m.call(
      ledgerTableFactory,
      "createWithCredit",
      [positions, standardModel, portfolioModel, creditTiers, ledgerParameters(config, parameters)],
      { id: "createLedgerTable" },
    );
    const ledgerTable = m.readEventArgument(written, "LedgerTableCreated", "table");
    const created = m.call(engineFactory, "createWithLedger", [marketTable(config), ledgerTable], {
      id: "createEngine",
      after: [derivatives],
    });
    const engine = m.contractAt("IMarginEngine", m.readEventArgument(created, "EngineCreated", "engine"), {
      id: "engine",
    });
    m.call(safe, "setEngine", [engine]);
    return { ...contracts, engine };
  });
