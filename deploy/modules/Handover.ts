import { buildModule, type ContractFuture, type IgnitionModule } from "@nomicfoundation/ignition-core";

import type { NetworkConfig } from "../config/types.ts";
import { stewardBounds } from "../lib/stewardBounds.ts";
import {
  RESTRICTED,
  RESTRICTED_CONTRACTS,
  type RestrictedContract,
  ROLE_NAMES,
  ROLES,
  type Role,
} from "../lib/roles.ts";
import type { spotMarketModule } from "./Market.ts";

/**
 * Gives every restricted function to its role, every role to its holder, and the two highest to the timelock, which accepts
 * them; the deployer's own admin right goes last. From then on nothing changes without the timelock's delay (G1).
 */
export const handoverModule = (
  market: IgnitionModule<string, string, ReturnType<typeof spotMarketModule>["results"]>,
  config: NetworkConfig,
) =>
  buildModule("Handover", (m) => {
    const deployer = m.getAccount(0);
    const contracts = m.useModule(market);
    const { manager, timelock, circuitBreaker, riskSteward } = contracts;
    const { governance } = config;

    const bounded = m.call(riskSteward, "setBounds", [stewardBounds(config)], { id: "steward_bounds" });

    const labels = ROLE_NAMES.filter((role) => role !== "admin").map((role) =>
      m.call(manager, "labelRole", [ROLES[role], role], { id: `label_${role}` }),
    );

    // A market of spot alone has some of them only.
    const deployed: Partial<Record<RestrictedContract, ContractFuture<string>>> = contracts;
    const assignments = RESTRICTED_CONTRACTS.flatMap((name) => {
      const target = deployed[name];
      if (target === undefined) return [];
      const roles = [...new Set(RESTRICTED[name].map(({ role }) => role))];
      return roles.map((role) => {
        const selectors = RESTRICTED[name].filter((each) => each.role === role).map(({ selector }) => selector);
        return m.call(manager, "setTargetFunctionRole", [target, selectors, ROLES[role]], {
          id: `assign_${name}_${role}`,
          after: [market, bounded], // until then the deployer needs them, as admin
        });
      });
    });

    // The delay is the timelock's, so the manager adds none of its own.
    const grant = (role: Role, holder: ContractFuture<string> | string, whose = "") =>
      m.call(manager, "grantRole", [ROLES[role], holder, 0], { id: `grant_${role}${whose}` });
    // The two highest roles pass in two steps.
    const pass = (role: "governor" | "admin") =>
      m.call(timelock, "acceptRole", [manager, ROLES[role]], { id: `accept_${role}`, after: [grant(role, timelock)] });
    const grants = [
      grant("guardian", governance.guardian),
      grant("riskSteward", governance.riskSteward),
      grant("feeCollector", governance.feeCollector),
      grant("breaker", circuitBreaker),
      grant("breaker", timelock, "_timelock"),
      grant("lifter", governance.guardian),
      grant("lifter", governance.governor, "_governor"),
      grant("parameters", riskSteward),
      grant("parameters", timelock, "_timelock"),
      grant("engines", riskSteward),
      grant("engines", timelock, "_timelock"),
      pass("governor"),
      pass("admin"),
    ];

    m.call(manager, "renounceRole", [ROLES.admin, deployer], {
      id: "strip_deployer",
      after: [...labels, ...assignments, ...grants],
    });

    return contracts;
  });
