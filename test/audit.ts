import { expect } from "chai";

import { runAudit } from "../audit/audit.ts";
import { findingText } from "../audit/findings.ts";
import { connectRpc } from "../audit/rpc.ts";
import { deployProtocol, type Protocol } from "./helpers/protocol.ts";
import { type Told, tellHistory } from "./helpers/rich-history.ts";
import { type Bridge, bridgeTo } from "./helpers/rpc-bridge.ts";

describe("Auditor", function () {
  this.timeout(240_000);
  let p: Protocol;
  let told: Told;
  let bridge: Bridge;

  before("a chain on which everything has happened", async () => {
    p = await deployProtocol({ adjust: (config) => config });
    bridge = await bridgeTo(p.connection.provider);
    told = await tellHistory(p, 60);
  });
  after(() => bridge.close());

  it("finds no difference at any milestone", async () => {
    for (const [name, block] of Object.entries(told.milestones)) {
      const result = await runAudit(connectRpc(bridge.url), p.deployment, { block });
      expect(result.findings.map(findingText), name).to.deep.equal([]);
    }
  });
});
