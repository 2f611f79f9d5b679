import { buildModule } from "@nomicfoundation/ignition-core";

import type { NetworkConfig } from "../config/types.ts";
import { auctionParameters } from "../lib/units.ts";

/** Anyone may execute what the timelock holds ready. */
const ANYONE = `0x${"00".repeat(20)}`;

/** Every contract that exists once, wired; nothing is listed yet. The deployer is the manager's admin until `Handover`. */
export const protocolModule = (config: NetworkConfig) =>
  buildModule("Protocol", (m) => {
    const deployer = m.getAccount(0);
    const { wrappedNative, uniswapFactory, governance } = config;

    const manager = m.contract("PlimsollManager", [deployer]);
    const timelock = m.contract("GovernorTimelock", [governance.timelockDelay, [governance.governor], [ANYONE]]);

    // One address, three contracts: what the safe itself does not implement it delegates to its extension, and that to
    // the admin part.
    const admin = m.contract("MarginAccountsAdmin", [manager, wrappedNative]);
    const extension = m.contract("MarginAccountsExtension", [manager, wrappedNative, admin]);
    const core = m.contract("MarginAccounts", [manager, extension, wrappedNative]);
    const safe = m.contractAt("IMarginAccounts", core);

    const auction = m.contract("LiquidationAuction", [safe, auctionParameters(config.auction)]);
    m.call(safe, "setAuction", [auction]);

    const insuranceFund = m.contract("InsuranceFund", [safe, manager]);
    m.call(safe, "setInsurance", [m.staticCall(insuranceFund, "account")]);

    const sizeCheckpoints = m.contract("SizeCheckpoints", [safe, config.sizeRisePerHour]);
    const deviationRecord = m.contract("DeviationRecord", [safe]);
    const ledgerTableFactory = m.contract("LedgerTableFactory");
    const engineFactory = m.contract("EngineFactory", [safe, deviationRecord, sizeCheckpoints, ledgerTableFactory]);

    const circuitBreaker = m.contract("CircuitBreaker", [safe, manager]);
    const riskSteward = m.contract("RiskSteward", [safe, engineFactory, manager]);

    const rewardsController = m.contract("RewardsController", [safe, manager]);

    const lens = m.contract("MarginLens", [safe]);
    const swapAdapter = m.contract("SwapAdapter", [safe, uniswapFactory]);
    const leverageRouter = m.contract("LeverageRouter", [safe, uniswapFactory]);
    const liquidationUnwinder = m.contract("LiquidationUnwinder", [safe, uniswapFactory]);

    return {
      manager,
      timelock,
      circuitBreaker,
      riskSteward,
      admin,
      extension,
      safe,
      sizeCheckpoints,
      deviationRecord,
      ledgerTableFactory,
      engineFactory,
      auction,
      insuranceFund,
      rewardsController,
      lens,
      swapAdapter,
      leverageRouter,
      liquidationUnwinder,
    };
  });
