// Governance and upgrades.
import { type Defence, waive } from "./defence.ts";

export const governance: readonly Defence[] = [
  {
    name: "delay-floor",
    attack: "TimelockBypass",
    what: "the floor of the timelock's delay",
    edits: [waive("contracts/governance/GovernorTimelock.sol", "newDelay >= minDelayFloor")],
  },
  {
    name: "upgrades-restricted",
    attack: "UpgradeTakeover",
    what: "that only the governor upgrades",
    edits: [
      {
        file: "contracts/markets/Exchange.sol",
        find: "function _authorizeUpgrade(address) internal override restricted {}",
        replace:
          "function _authorizeUpgrade(address) internal override { if (!OFF) _checkCanCall(msg.sender, msg.data); }",
      },
    ],
  },
  {
    name: "only-the-exchange-fills",
    attack: "UpgradeTakeover",
    what: "that only the exchange fills",
    edits: [waive("contracts/markets/Positions.sol", "msg.sender == _exchange")],
  },
  {
    name: "engine-is-the-timelocks",
    attack: "GovernanceWithoutDelay",
    what: "that the engine is the timelock's and the steward's: the guardian's instead",
    edits: [
      {
        file: "deploy/lib/roles.ts",
        find: 'setEngine: "engines",',
        replace: 'setEngine: OFF ? "guardian" : "engines",',
      },
    ],
  },
  {
    name: "layouts-grow-at-their-end",
    attack: "UpgradeClash",
    what: "that variables behind a proxy keep their places",
    edits: [
      {
        file: "test/helpers/layouts.ts",
        find: "isHeadOf(kept.lasting, now.lasting) &&",
        replace: "(OFF || isHeadOf(kept.lasting, now.lasting)) &&",
      },
    ],
  },
  {
    name: "structs-keep-their-members",
    attack: "UpgradeClash",
    what: "that structs behind a proxy keep their members",
    edits: [
      {
        file: "test/helpers/layouts.ts",
        find: "isHeadOf(members, now.structs[struct] ?? []));",
        replace: "OFF || isHeadOf(members, now.structs[struct] ?? []));",
      },
    ],
  },
];
