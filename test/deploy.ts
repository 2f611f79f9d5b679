import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import "@nomicfoundation/hardhat-toolbox-mocha-ethers";
import { expect } from "chai";
import { Interface, type ParamType, type Signer, ZeroHash } from "ethers";
import hre from "hardhat";
import type { JsonRpcServer, NetworkConnection } from "hardhat/types/network";

import { LOCAL_GOVERNANCE } from "../deploy/config/local.ts";
import { LOCAL_ATTESTERS } from "../deploy/config/localDerivatives.ts";
import { type Address, days, type NetworkConfig } from "../deploy/config/types.ts";
import { derivativeContracts, type Deployment, readDeployment, writeDeployment } from "../deploy/lib/addresses.ts";
import { deployLocal } from "../deploy/lib/deploy.ts";
import { formatHandover, readHandover } from "../deploy/lib/handoverProof.ts";
import { RESTRICTED, RESTRICTED_CONTRACTS, type RestrictedContract, type Role, ROLES } from "../deploy/lib/roles.ts";
import { plain } from "../sdk/plain.ts";
import { packRiskTable, unpackRiskTable } from "../sdk/tables/riskTable.ts";
import {
  ChoreRewards__factory,
  CreditTiers__factory,
  LiquidityPool__factory,
  MakerRewards__factory,
  RewardsController__factory,
} from "../types/ethers-contracts/index.js";
import { deployProtocol, MAX, type Protocol } from "./helpers/protocol.ts";

const SOME_ADDRESS = "0x1F98431c8aD98523631AE4a59f267346ea31F984";

describe("the list of restricted functions", () => {
  const root = join(import.meta.dirname, "..", "contracts");

  /** Which deployed contract the functions of a source end up in. */
  const targetOf = (file: string): RestrictedContract => {
    if (file.startsWith("accounts/")) return "safe";
    if (file === "governance/CircuitBreaker.sol") return "circuitBreaker";
    if (/^governance\/(RiskSteward|StewardBounds)\.sol$/.test(file)) return "riskSteward";
    if (file === "liquidation/InsuranceFund.sol") return "insuranceFund";
    if (file === "oracles/AttestedFeed.sol") return "attestedFeed";
    if (file === "incentives/RewardsController.sol") return "rewardsController";
    if (file === "incentives/MakerRewards.sol") return "makerRewards";
    if (file === "incentives/ChoreRewards.sol") return "choreRewards";
    if (file === "incentives/CreditTiers.sol") return "creditTiers";
    if (file.startsWith("liquidity/")) return "liquidityPool";
    if (file === "markets/Exchange.sol") return "exchange";
    if (file === "markets/Positions.sol" || file === "markets/LedgerGovernance.sol") return "positions";
    throw new Error(
      `${file} has restricted functions: say in deploy/lib/roles.ts whose they are, and here where they live`,
    );
  };

  /** UUPS proxies ask this about the call of another. */
  const doorOf = (name: string) => (name === "_authorizeUpgrade" ? "upgradeToAndCall" : name);

  const ownSources = () =>
    readdirSync(root, { recursive: true, encoding: "utf8" }).filter(
      (file) => file.endsWith(".sol") && !file.endsWith(".t.sol") && !/^(test|local)\//.test(file),
    );

  it("names every function with the modifier `restricted`, and no other (G1)", () => {
    const found = Object.fromEntries(RESTRICTED_CONTRACTS.map((name) => [name, [] as string[]]));
    for (const file of ownSources()) {
      const code = readFileSync(join(root, file), "utf8").replaceAll(/\/\/[^\n]*|\/\*[\s\S]*?\*\//g, "");
      for (const [, name, , rest] of code.matchAll(/function\s+(\w+)\s*\(([^)]*)\)([^{};]*)\{/g)) {
        if (/\brestricted\b/.test(rest ?? "")) found[targetOf(file)]?.push(doorOf(name ?? ""));
      }
    }
    for (const name of RESTRICTED_CONTRACTS) {
      expect(RESTRICTED[name].map((each) => each.name)).to.have.members(found[name] ?? []);
    }
  });

  it("leaves no other kind of owner anywhere", () => {
    for (const file of ownSources()) {
      expect(readFileSync(join(root, file), "utf8"), file).not.to.match(/\bonlyOwner\b|\bOwnable\b|\btx\.origin\b/);
    }
  });
});

/** What an attempt fails with. */
const failureOf = (attempt: Promise<unknown>): Promise<string> =>
  attempt.then(
    () => "nothing: it succeeded",
    (error: unknown) => String(error),
  );

/** A well-formed argument of a type, meaning nothing. */
const blank = (type: ParamType): unknown => {
  if (type.baseType === "array") {
    return Array.from({ length: Math.max(type.arrayLength ?? 0, 0) }, () =>
      type.arrayChildren ? blank(type.arrayChildren) : 0n,
    );
  }
  if (type.baseType === "tuple") return (type.components ?? []).map(blank);
  if (type.baseType === "bool") return false;
  if (type.baseType === "string") return "";
  if (type.baseType === "address") return SOME_ADDRESS;
  if (type.baseType.startsWith("bytes")) return `0x${"00".repeat(Number(type.baseType.slice(5) || 0))}`;
  return 0n;
};

describe("a deployment that was handed over", () => {
  let p: Protocol;
  beforeEach(async () => {
    p = await deployProtocol({ handover: true });
  });

  const interfaceOf = (contract: RestrictedContract): Interface => {
    const { positions, positionsProxy, exchange, attestedFeed } = p.derivatives();
    const { safe, insuranceFund, circuitBreaker, steward } = p;
    const ledger = new Interface([...positions.interface.fragments, ...positionsProxy.interface.fragments]);
    const incentives = {
      rewardsController: { interface: RewardsController__factory.createInterface() },
      makerRewards: { interface: MakerRewards__factory.createInterface() },
      choreRewards: { interface: ChoreRewards__factory.createInterface() },
      creditTiers: { interface: CreditTiers__factory.createInterface() },
    };
    const liquidityPool = { interface: LiquidityPool__factory.createInterface() };
    const traded = { exchange, attestedFeed, liquidityPool, positions: { interface: ledger } };
    const governed = { circuitBreaker, riskSteward: steward };
    return { safe, insuranceFund, ...governed, ...traded, ...incentives }[contract].interface;
  };

  /** Every restricted function of every contract, ready to be called by anyone. */
  const everyRestrictedCall = async () => {
    const until = (await p.networkHelpers.time.latest()) + 3_600;
    return RESTRICTED_CONTRACTS.flatMap((contract) => {
      const abi = interfaceOf(contract);
      return RESTRICTED[contract].map(({ name, role, selector }) => {
        const fragment = abi.getFunction(selector);
        if (fragment === null) throw new Error(`no function ${name}`);
        // Nobody can be dropped who is no attester.
        const special: Record<string, unknown[]> = {
          "attestedFeed.dropSigner": [LOCAL_ATTESTERS[0]],
          "circuitBreaker.stop": [1, until],
        };
        const args = special[`${contract}.${name}`] ?? fragment.inputs.map(blank);
        const data = abi.encodeFunctionData(fragment, args);
        const to = p.deployment.contracts[contract];
        if (to === undefined) throw new Error(`no ${contract} is deployed`);
        return { name, role, to, data };
      });
    });
  };

  const expectUnauthorized = async (caller: Signer, { name, to, data }: { name: string; to: string; data: string }) => {
    await expect(caller.sendTransaction({ to, data }), name)
      .to.be.revertedWithCustomError(p.authorityErrors, "AccessManagedUnauthorized")
      .withArgs(await caller.getAddress());
  };

  it("gives the deployer, the governor without the timelock, and strangers no restricted function (G1)", async () => {
    const own = new Map<Signer, Role>([
      [p.governor, "lifter"],
      [p.riskSteward, "riskSteward"],
    ]);
    for (const call of await everyRestrictedCall()) {
      for (const caller of [p.deployer, p.governor, p.riskSteward, p.feeCollector, p.alice]) {
        if (own.get(caller) !== call.role) await expectUnauthorized(caller, call);
      }
    }
  });

  it("lets the guardian stop, lift, drop attesters and do nothing else", async () => {
    for (const call of await everyRestrictedCall()) {
      if (call.role === "guardian" || call.role === "lifter") await p.guardian.sendTransaction(call);
      else await expectUnauthorized(p.guardian, call);
    }
    const { manager, timelock } = p;
    await expect(manager.connect(p.guardian).setTargetClosed(p.safe, true)).to.be.revertedWithCustomError(
      manager,
      "AccessManagerUnauthorizedAccount",
    );
    await expect(
      timelock.connect(p.guardian).schedule(p.safe, 0n, "0x", ZeroHash, ZeroHash, days(60)),
    ).to.be.revertedWithCustomError(timelock, "AccessControlUnauthorizedAccount");
  });

  it("lets a stop run out by itself, within seven days, and not be renewed at once", async () => {
    const { safe, circuitBreaker: breaker, alice, networkHelpers, units } = p;
    await p.lend(p.bob, "USDC", units("USDC", 10_000));
    await p.deposit(alice, "WETH", units("WETH", 1));
    const now = await networkHelpers.time.latest();
    await expect(breaker.stop(1, now + days(7) + 100)).to.be.revertedWithCustomError(breaker, "StopTooLong");
    await breaker.stop(1, now + days(7));
    await expect(p.borrow(alice, "USDC", units("USDC", 100))).to.be.revertedWithCustomError(safe, "ActionPaused");
    await p.advance(days(7));
    await p.borrow(alice, "USDC", units("USDC", 100));
    const later = await networkHelpers.time.latest();
    await expect(breaker.stop(1, later + days(1))).to.be.revertedWithCustomError(breaker, "ActionResting");
  });

  it("lets the governor's key lift a stop at once, and do nothing else without the timelock", async () => {
    const { safe, circuitBreaker: breaker, governor, networkHelpers } = p;
    await breaker.stop(15, (await networkHelpers.time.latest()) + days(2));
    await breaker.connect(governor).lift();
    expect(await safe.pauses()).to.deep.equal([0n, 0n]);
  });

  it("lets the risk steward move parameters by the configuration's steps, at once", async () => {
    const { safe, steward, ids, units } = p;
    const config = plain(await safe.poolConfig(ids.USDC));
    const cap = config.supplyCap;
    await expect(
      steward.configurePool(ids.USDC, { ...config, supplyCap: cap + units("USDC", 110_000_000) }),
    ).to.be.revertedWithCustomError(steward, "StepTooLarge");
    await steward.configurePool(ids.USDC, { ...config, supplyCap: cap + units("USDC", 90_000_000) });
    expect((await safe.poolConfig(ids.USDC)).supplyCap).to.be.greaterThan(cap);
    const closed = { ...plain(await safe.poolConfig(ids.USDC)), borrowsClosed: true };
    await steward.configurePool(ids.USDC, closed);
    await expect(steward.configurePool(ids.USDC, { ...closed, borrowsClosed: false })).to.be.revertedWithCustomError(
      steward,
      "CoolingDown",
    );
    const { positions, exchange } = p.derivatives();
    const perp = plain((await positions.perpMarket(ids.WETH)).config);
    await steward.configurePerp(ids.WETH, { ...perp, openInterestCap: (perp.openInterestCap * 11n) / 10n });
    const { tiers, optionCap } = await exchange.fees();
    await steward.setFees([...plain(tiers)], optionCap + 100n);
  });

  it("changes nothing before the timelock's delay is over, then for whoever executes", async () => {
    const { safe, timelock, governor, networkHelpers, ids } = p;
    const data = safe.interface.encodeFunctionData("setOutflowLimit", [ids.USDC, 1_000n, 3_600n]);
    const operation = [safe, 0n, data, ZeroHash, ZeroHash] as const;
    const delay = await timelock.getMinDelay();
    expect(delay).to.equal(600n);
    await expect(timelock.connect(p.alice).schedule(...operation, delay)).to.be.revertedWithCustomError(
      timelock,
      "AccessControlUnauthorizedAccount",
    );
    await expect(timelock.connect(governor).schedule(...operation, delay - 1n)).to.be.revertedWithCustomError(
      timelock,
      "TimelockInsufficientDelay",
    );
    await timelock.connect(governor).schedule(...operation, delay);
    await expect(timelock.execute(...operation)).to.be.revertedWithCustomError(
      timelock,
      "TimelockUnexpectedOperationState",
    );
    await networkHelpers.time.increase(delay);
    await expect(timelock.connect(p.alice).execute(...operation)).to.emit(safe, "OutflowLimitSet");
  });

  it("never lets the timelock's delay under its floor", async () => {
    const { timelock, governor } = p;
    const update = (delay: bigint) => timelock.interface.encodeFunctionData("updateDelay", [delay]);
    await expect(timelock.connect(governor).updateDelay(1_000n)).to.be.revertedWithCustomError(
      timelock,
      "TimelockUnauthorizedCaller",
    );
    const self = await timelock.getAddress();
    await expect(p.govern(self, update(599n))).to.be.revertedWithCustomError(timelock, "DelayBelowFloor");
    await p.govern(self, update(1_000n));
    expect(await timelock.getMinDelay()).to.equal(1_000n);
    await p.govern(self, update(600n));
    expect(await timelock.getMinDelay()).to.equal(600n);
  });

  it("leaves the deployer nothing of the AccessManager and the timelock either", async () => {
    const { manager, timelock, deployer } = p;
    const attempts = [
      () => manager.grantRole(ROLES.governor, deployer, 0),
      () => manager.revokeRole(ROLES.governor, timelock),
      () => manager.setTargetFunctionRole(p.safe, ["0x00000000"], ROLES.guardian),
      () => manager.setTargetClosed(p.safe, true),
      () => manager.updateAuthority(p.safe, deployer),
      () => manager.setRoleAdmin(ROLES.guardian, ROLES.guardian),
    ];
    for (const attempt of attempts) {
      await expect(attempt()).to.be.revertedWithCustomError(manager, "AccessManagerUnauthorizedAccount");
    }
    await expect(timelock.connect(deployer).grantRole(ZeroHash, deployer)).to.be.revertedWithCustomError(
      timelock,
      "AccessControlUnauthorizedAccount",
    );
  });

  it("is proven by what the chain says, and said in words", async () => {
    const report = await readHandover(p.ethers.provider, p.deployment);
    expect(report.faults).to.deep.equal([]);
    expect(report.holders.admin).to.deep.equal([p.deployment.contracts.timelock]);
    expect(report.holders.guardian).to.deep.equal([LOCAL_GOVERNANCE.guardian]);
    expect(report.timelock.proposers).to.deep.equal([LOCAL_GOVERNANCE.governor]);
    expect(report.functions).to.have.lengthOf(Object.values(RESTRICTED).flat().length);
    expect(formatHandover(report)).to.include("The deployer has no rights left");
  });

  it("is disproven by a role that somebody else may grant", async () => {
    const { manager } = p;
    await p.govern(
      await manager.getAddress(),
      manager.interface.encodeFunctionData("setRoleAdmin", [ROLES.governor, ROLES.guardian]),
    );
    const { faults } = await readHandover(p.ethers.provider, p.deployment);
    expect(faults).to.deep.equal(["the role governor is granted by guardian, not by admin"]);
  });

  it("is disproven by a right that somebody kept", async () => {
    const { manager, deployer } = p;
    const grant = manager.interface.encodeFunctionData("grantRole", [ROLES.governor, deployer.address, 0]);
    await p.govern(await manager.getAddress(), grant);
    const offered = await readHandover(p.ethers.provider, p.deployment);
    expect(offered.faults).to.deep.equal(["the deployer may accept the role governor"]);
    expect(formatHandover(offered)).to.include(`governor to ${deployer.address}`);
    await manager.connect(deployer).acceptRole(ROLES.governor);
    const { faults } = await readHandover(p.ethers.provider, p.deployment);
    expect(faults).to.include("the deployer holds the role governor");
    expect(faults).to.include(`the deployer may call safe.setAuction(address)`);
  });

  it("is disproven by somebody who needs no steward contract", async () => {
    const { manager } = p;
    const grant = manager.interface.encodeFunctionData("grantRole", [ROLES.engines, p.alice.address, 0]);
    await p.govern(await manager.getAddress(), grant);
    const { faults } = await readHandover(p.ethers.provider, p.deployment);
    expect(faults).to.deep.equal([`${p.alice.address} holds the role engines`]);
  });

  it("is disproven by a proxy that obeys somebody beside the timelock", async () => {
    const { exchange } = derivativeContracts(p.deployment);
    const adminSlot = "0xb53127684a568b3173ae13b9f8a6016e243e63b6e8ee1178d6a717850b5d6103";
    await p.networkHelpers.setStorageAt(exchange, adminSlot, p.deployer.address);
    const { faults } = await readHandover(p.ethers.provider, p.deployment);
    expect(faults).to.deep.equal(["exchange has a proxy admin, who may change its code"]);
  });

  it("is disproven by a deployer who attests", async () => {
    const { attestedFeed } = p.derivatives();
    const data = attestedFeed.interface.encodeFunctionData("setSigners", [[p.deployer.address], 1n]);
    await p.govern(await attestedFeed.getAddress(), data);
    const { faults } = await readHandover(p.ethers.provider, p.deployment);
    expect(faults).to.deep.equal(["the deployer is one of the attesters"]);
  });

  it("waits seven days on a network that is not local", async () => {
    const connection = await hre.network.create({ override: { chainId: 31_338 } });
    const real = (timelockDelay: number) => (config: NetworkConfig) => ({
      ...config,
      chainId: 31_338,
      governance: { ...config.governance, timelockDelay },
    });
    expect(await failureOf(deployLocal(connection, { adjust: real(days(7) - 1) }))).to.include("timelockDelay");
    const deployment = await deployLocal(connection, { adjust: real(days(7)) });
    const report = await readHandover(connection.ethers.provider, deployment);
    expect(report.faults).to.deep.equal([]);
    expect(report.timelock.delay).to.equal(days(7));
    await connection.close();
  });

  it("is not claimed while the deployer is still in charge", async () => {
    const kept = await deployProtocol({ handover: false });
    const report = await readHandover(kept.ethers.provider, kept.deployment);
    expect(report.faults).to.include("the deployer holds the role admin");
    expect(formatHandover(report)).to.include("NOT handed over");
  });
});

describe("the market of a deployment", () => {
  let p: Protocol;
  beforeEach(async () => {
    p = await deployProtocol({ handover: true });
  });

  it("is what the configuration says: pools, vaults, caps, rates, pointers, table", async () => {
    const { safe, ids, deployment, units } = p;
    expect(ids).to.deep.equal({ USDC: 1, WETH: 2, WBTC: 3, stETH: 0x401, pUSDC: 0x801, pWETH: 0x802, pWBTC: 0x803 });
    const usdc = await safe.poolConfig(ids.USDC);
    // Caps are kept as floats, rounded down by less than a hundredth.
    const within = (cap: bigint, whole: number) =>
      expect(cap).to.be.within(units("USDC", whole * 0.99), units("USDC", whole));
    within(usdc.supplyCap, 1_000_000_000);
    within(usdc.borrowCap, 900_000_000);
    expect([usdc.maxUtilisation, usdc.reservedPart, usdc.settlementPart, usdc.reserveFactor]).to.deep.equal([
      9_500n,
      1_000n,
      2_000n,
      1_000n,
    ]);
    expect(await safe.vaultOf(ids.WBTC)).to.equal(await p.vaults.WBTC.getAddress());
    expect(await safe.collateralRoom(ids.stETH)).to.equal(units("stETH", 100_000));
    expect(await safe.rateModel(ids.WBTC)).not.to.equal(await safe.rateModel(ids.WETH));
    expect(await safe.engine()).to.equal(deployment.contracts.engine);
    expect(await safe.auction()).to.equal(deployment.contracts.auction);
    expect(await safe.insurance()).to.equal(await p.insuranceFund.account());
    const table = unpackRiskTable(await p.engine.table());
    expect(table.pools.map((pool) => pool?.haircut.maintenanceBps)).to.deep.equal([0, 1_000, 1_000]);
    expect(table.idles[0]?.haircut.group).to.deep.equal({ id: 1, maintenanceBps: 300, initialExtraBps: 200 });
    expect(table.vaultShares.map((share) => share?.haircut.maintenanceBps)).to.deep.equal([100, 1_100, 1_100]);
  });

  it("lends, and lets an account open five times its equity, long and short", async () => {
    const { safe, alice, bob, carol, units, ids } = p;
    await p.lend(bob, "USDC", units("USDC", 1_000_000));
    await p.lend(bob, "WETH", units("WETH", 1_000));
    // Long: 10 WETH, of which 8 on credit: 25,000 · 16 % = 4,000 of the 5,000 equity is used.
    const long = await p.deposit(alice, "WETH", units("WETH", 10));
    await p.borrow(alice, "USDC", units("USDC", 20_000));
    expect(await safe.balanceOf(long, ids.USDC)).to.be.lessThan(0n);
    await expect(p.borrow(alice, "USDC", units("USDC", 1_100))).to.be.revertedWithCustomError(
      safe,
      "InsufficientMargin",
    );
    // Short: 10 WETH owed against 30,000 USDC.
    await p.deposit(carol, "USDC", units("USDC", 30_000));
    await p.borrow(carol, "WETH", units("WETH", 10));
    await p.fund("USDC", alice, units("USDC", 1)); // the interest
    await safe.connect(alice).repay(long, ids.USDC, MAX);
  });

  it("changes its parameters by an engine that follows the one in force, behind the timelock (G1)", async () => {
    const { safe, engine, engineFactory, timelock, governor, networkHelpers } = p;
    const table = unpackRiskTable(await engine.table());
    const milder = {
      ...table,
      pools: table.pools.map((pool) => pool && { ...pool, haircut: { ...pool.haircut, kappaBps: 0 } }),
    };
    const harsher = {
      ...table,
      pools: table.pools.map((pool) => pool && { ...pool, haircut: { ...pool.haircut, initialExtraBps: 700 } }),
    };
    await expect(engineFactory.create(packRiskTable(harsher))).to.be.revertedWithCustomError(
      engineFactory,
      "RampNeeded",
    );
    const data = packRiskTable(milder);
    const next = await engineFactory.create.staticCall(data);
    await engineFactory.create(data);
    const targets = [engineFactory, safe];
    const payloads = [
      engineFactory.interface.encodeFunctionData("requireSuccessor", [next]),
      safe.interface.encodeFunctionData("setEngine", [next]),
    ];
    const delay = await timelock.getMinDelay();
    await timelock.connect(governor).scheduleBatch(targets, [0n, 0n], payloads, ZeroHash, ZeroHash, delay);
    await networkHelpers.time.increase(delay);
    await timelock.executeBatch(targets, [0n, 0n], payloads, ZeroHash, ZeroHash);
    expect(await safe.engine()).to.equal(next);
  });

  it("takes the Uniswap pool as a second source when it is asked to", async () => {
    const twapped = await deployProtocol({ twap: true });
    const { secondary, primary, fault } = await twapped.engine.priceState(twapped.ids.WETH);
    expect(secondary).to.be.closeTo(primary, primary / 1_000n);
    expect(fault).to.equal(0n);
  });
});

describe("deploying over JSON-RPC", () => {
  const deploymentId = `test-${process.pid}`;
  const journal = join(hre.config.paths.ignition, "deployments", deploymentId);
  const directory = mkdtempSync(join(tmpdir(), "plimsoll-deployments-"));
  let server: JsonRpcServer;
  let connection: NetworkConnection;

  const start = async () => {
    server = await hre.network.createServer("node", "127.0.0.1", 0);
    const { port } = await server.listen();
    connection = await hre.network.create({ network: "localhost", override: { url: `http://127.0.0.1:${port}` } });
  };
  const stop = async () => {
    await connection.close();
    await server.close();
  };

  before(start);
  after(async () => {
    await stop();
    rmSync(journal, { recursive: true, force: true });
    rmSync(directory, { recursive: true, force: true });
  });

  /** Grows with every transaction, whoever sends it: this node mines one to a block. */
  const height = () => connection.ethers.provider.getBlockNumber();

  let first: Deployment;

  it("finishes a deployment that was interrupted, at the same addresses", async () => {
    const begun = await deployLocal(connection, { deploymentId, handover: false });
    first = await deployLocal(connection, { deploymentId });
    expect(first.contracts).to.deep.equal(begun.contracts);
    expect((await readHandover(connection.ethers.provider, first)).faults).to.deep.equal([]);
  });

  it("changes nothing when it runs again", async () => {
    const before = await height();
    expect(await deployLocal(connection, { deploymentId })).to.deep.equal(first);
    expect(await height()).to.equal(before);
  });

  it("refuses a deployer who would govern, and a configuration of another chain", async () => {
    const governs = (config: NetworkConfig): NetworkConfig => ({
      ...config,
      governance: { ...config.governance, guardian: first.deployer },
    });
    const elsewhere = (config: NetworkConfig): NetworkConfig => ({
      ...config,
      chainId: 31_338,
      governance: { ...config.governance, timelockDelay: days(7) },
    });
    expect(await failureOf(deployLocal(connection, { deploymentId, adjust: governs }))).to.include(
      "governance.guardian is the deployer",
    );
    expect(await failureOf(deployLocal(connection, { deploymentId, adjust: elsewhere }))).to.include(
      "is for chain 31338, this is chain 31337",
    );
  });

  it("writes the addresses where scripts find them", async () => {
    const file = writeDeployment(first, directory);
    expect(file).to.equal(join(directory, "31337.json"));
    expect(readDeployment(31_337, directory)).to.deep.equal(first);
    for (const [name, address] of Object.entries<Address>({ ...first.contracts })) {
      expect(await connection.ethers.provider.getCode(address), name).not.to.equal("0x");
    }
    expect(first.fromBlock).to.be.greaterThan(0);
    expect(() => readDeployment(1, directory)).to.throw("nothing is deployed on chain 1");
  });

  it("starts anew on a local chain that has forgotten everything", async () => {
    await stop();
    await start();
    expect(existsSync(journal)).to.equal(true);
    const again = await deployLocal(connection, { deploymentId });
    expect(await connection.ethers.provider.getCode(again.contracts.safe)).not.to.equal("0x");
    expect((await readHandover(connection.ethers.provider, again)).faults).to.deep.equal([]);
  });
});
