import { buildModule, type ContractFuture, type IgnitionModule } from "@nomicfoundation/ignition-core";

import type { GovernanceConfig } from "../config/types.ts";
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
 * Gives every restricted function to its role, every role to its holder, and the admin role to the timelock; the
 * deployer's own admin right goes last. From then on nothing changes without the timelock's delay (G1).
 */
export const handoverModule = (
  market: IgnitionModule<string, string, ReturnType<typeof spotMarketModule>["results"]>,
  governance: GovernanceConfig,
) =>
  buildModule("Handover", (m) => {
    const deployer = m.getAccount(0);
    const contracts = m.useModule(market);
    const { manager, timelock } = contracts;

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
          after: [market], // until then the deployer needs them, as admin
        });
      });
    });

    // The delay is the timelock's, so the manager adds none of its own.
    const grant = (role: Role, holder: typeof timelock | string) =>
      m.call(manager, "grantRole", [ROLES[role], holder, 0], { id: `grant_${role}` });
    const grants = [
      grant("guardian", governance.guardian),
      grant("riskSteward", governance.riskSteward),
      grant("feeCollector", governance.feeCollector),
      grant("governor", timelock),
      grant("admin", timelock),
    ];

    m.call(manager, "renounceRole", [ROLES.admin, deployer], {
      id: "strip_deployer",
      after: [...labels, ...assignments, ...grants],
    });

    return contracts;
  });
