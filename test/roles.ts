// `npm run roles` is believed only as far as it can fail: each test tampers with a deployment and names what must be said.
import { expect } from "chai";
import { Interface } from "ethers";

import { doorsOf } from "../deploy/lib/doors.ts";
import { formatHandover, readHandover } from "../deploy/lib/handoverProof.ts";
import { dispatched } from "../deploy/lib/powers.ts";
import { ROLES } from "../deploy/lib/roles.ts";
import { deployProtocol, type Protocol } from "./helpers/protocol.ts";

const PUBLIC_ROLE = (1n << 64n) - 1n;

describe("npm run roles", () => {
  let p: Protocol;
  beforeEach(async () => {
    p = await deployProtocol({ handover: true });
  });

  const read = () => readHandover(p.ethers.provider, p.deployment);

  it("says of every function of every contract whose it is, and after how long (G1)", async () => {
    const report = await read();
    expect(report.faults).to.deep.equal([]);
    const { timelock } = p.deployment.contracts;
    const of = (contract: string, name: string) =>
      report.powers.find((each) => each.contract === contract && each.signature.startsWith(`${name}(`));
    expect(of("safe", "setAuction")).to.deep.include({ owner: "governor", after: { [timelock]: 600n } });
    expect(of("positions", "upgradeToAndCall")).to.deep.include({ owner: "governor", after: { [timelock]: 600n } });
    expect(of("attestedFeed", "dropSigner")?.after).to.deep.equal({ [p.guardian.address]: 0n });
    expect(of("safe", "withdraw")).to.deep.include({ owner: "account" });
    expect(of("vault(USDC)", "burnHeld")).to.deep.include({ owner: "safe" });
    expect(formatHandover(report)).to.match(/governor \(timelock after 10 min\) .*setAuction/);
  });

  it("finds the selectors in the deployed code itself", async () => {
    const code = await p.ethers.provider.getCode(p.deployment.contracts.insuranceFund);
    const selectors: string[] = [];
    p.insuranceFund.interface.forEachFunction(({ selector }) => selectors.push(selector));
    expect([...dispatched(code)]).to.have.members(selectors);
  });

  it("fails on a contract that is on no list", async () => {
    const contracts = { ...p.deployment.contracts, treasury: p.deployment.contracts.lens };
    const { faults } = await readHandover(p.ethers.provider, { ...p.deployment, contracts });
    expect(faults).to.deep.equal(["treasury is on no list: say in deploy/lib/doors.ts who may call what of it"]);
  });

  it("fails on functions that the lists do not know, and on listed ones that are not there", async () => {
    const { auction, deviationRecord } = p.deployment.contracts;
    await p.networkHelpers.setCode(deviationRecord, await p.ethers.provider.getCode(auction));
    const { faults } = await read();
    const start = p.auction.interface.getFunction("start").selector;
    expect(faults).to.include(`deviationRecord has a function ${start} that is on no list`);
    expect(faults).to.include("deviationRecord has no function poke(uint16)");
  });

  it("fails on a function that lets anybody pass", async () => {
    const { manager, safe } = p;
    const { selector } = safe.interface.getFunction("setInsurance");
    const open = manager.interface.encodeFunctionData("setTargetFunctionRole", [
      await safe.getAddress(),
      [selector],
      PUBLIC_ROLE,
    ]);
    await p.govern(await manager.getAddress(), open);
    const { faults } = await read();
    expect(faults).to.include("safe.setInsurance(bytes32) belongs to role 18446744073709551615, not to governor");
    expect(faults).to.include("the deployer may call safe.setInsurance(bytes32)");
  });

  it("fails on a right that is with another role, and on a contract that is closed", async () => {
    const { manager, safe } = p;
    const self = await manager.getAddress();
    const selectors = [safe.interface.getFunction("setEngine").selector];
    const target = await safe.getAddress();
    await p.govern(
      self,
      manager.interface.encodeFunctionData("setTargetFunctionRole", [target, selectors, ROLES.guardian]),
    );
    await p.govern(self, manager.interface.encodeFunctionData("setTargetClosed", [target, true]));
    const { faults } = await read();
    expect(faults).to.include("safe is closed to everybody");
    expect(faults.some((fault) => fault.startsWith("safe.setEngine(address) belongs to guardian"))).to.equal(true);
  });

  it("fails on a restricted function that is listed as open", async () => {
    const errorSelector = p.authorityErrors.interface.getError("AccessManagedUnauthorized")?.selector ?? "0x";
    // Refuses everybody, whatever he calls, in the AccessManager's name.
    await p.networkHelpers.setCode(
      p.deployment.contracts.deviationRecord,
      `0x63${errorSelector.slice(2)}60e01b5f5260245ffd`,
    );
    const { faults } = await read();
    expect(faults).to.include("deviationRecord.poke(uint16) is restricted, and on no list of roles");
  });

  it("refuses a list that leaves a function without an owner, before anything is read", () => {
    const abi = new Interface(["function seize(address who)", "function look() view returns (uint256)"]);
    expect(() => doorsOf("thing", [{ abi, owners: new Map() }])).to.throw("thing.seize(address) has no owner");
    const { selector } = abi.getFunction("seize") ?? { selector: "" };
    expect(doorsOf("thing", [{ abi, owners: new Map([[selector, "admin"]]) }]).doors).to.have.lengthOf(1);
    const two = [{ selector, role: "governor" as const }];
    expect(() => doorsOf("thing", [{ abi, owners: new Map([[selector, "admin"]]) }], two)).to.throw("two owners");
  });
});
