import { buildModule } from "@nomicfoundation/ignition-core";

import type { NetworkConfig } from "../config/types.ts";
import { handoverModule } from "./Handover.ts";
import { marketModule } from "./Market.ts";
import { protocolModule } from "./Protocol.ts";

/**
 * The whole deployment of one network. `handover: false` keeps the deployer as admin: for tests that go on configuring, never
 * for a network that somebody uses.
 */
export const plimsollModule = (config: NetworkConfig, { handover = true } = {}) =>
  buildModule("Plimsoll", (m) => {
    const market = marketModule(protocolModule(config), config);
    return m.useModule(handover ? handoverModule(market, config.governance) : market);
  });
