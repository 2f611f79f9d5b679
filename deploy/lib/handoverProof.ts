// Reads from the chain who has which right, and says what is wrong with it. Believes no file but the addresses.
import { dataSlice, type Provider, ZeroAddress } from "ethers";

import {
  AttestedFeed__factory,
  GovernorTimelock__factory,
  IAccessManaged__factory,
  PlimsollManager__factory,
} from "../../types/ethers-contracts/index.js";
import type { Address } from "../config/types.ts";
import type { Deployment } from "./addresses.ts";
import { formatPowers, IMPLEMENTATION_SLOT, type Power, readPowers } from "./powers.ts";
import {
  PROXIES,
  RESTRICTED,
  RESTRICTED_CONTRACTS,
  ROLE_NAMES,
  roleName,
  ROLES,
  TIMELOCK_ROLES,
  type Role,
} from "./roles.ts";

export interface FunctionOwner {
  contract: string;
  signature: string;
  role: string;
}

export interface HandoverReport {
  /** Who holds each role of the AccessManager now. */
  holders: Record<Role, Address[]>;
  /** Who holds each role of the timelock now; the zero address: anyone. */
  timelock: {
    delay: bigint;
    floor: bigint;
    proposers: Address[];
    cancellers: Address[];
    executors: Address[];
    admins: Address[];
  };
  /** Roles that somebody may still accept. */
  offers: string[];
  functions: FunctionOwner[];
  /** Every state-changing function of every contract: who may call it, after how long. */
  powers: Power[];
  /** The deployment's contracts by address, for people. */
  names: Record<string, string>;
  /** What contradicts "the deployer has no rights and every function has its owner". Empty: proven. */
  faults: string[];
}

const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

/** Walks grants and revocations in order. */
const replay = (changes: readonly { role: bigint | string; account: string; granted: boolean }[]) => {
  const held = new Map<string, Set<Address>>();
  for (const { role, account, granted } of changes) {
    const members = held.get(String(role)) ?? new Set<Address>();
    if (granted) members.add(account as Address);
    else members.delete(account as Address);
    held.set(String(role), members);
  }
  return (role: bigint | string): Address[] => [...(held.get(String(role)) ?? [])];
};

const byPosition = (a: { blockNumber: number; index: number }, b: { blockNumber: number; index: number }) =>
  a.blockNumber - b.blockNumber || a.index - b.index;

/** Where ERC-1967 keeps the code behind a proxy, and whom other kinds of proxies obey. */
const SLOTS = {
  implementation: IMPLEMENTATION_SLOT,
  admin: "0xb53127684a568b3173ae13b9f8a6016e243e63b6e8ee1178d6a717850b5d6103",
  beacon: "0xa3f0ad74e5423aebfd80d3ef4346578335a9a72aeaee59ff6cb3582b35133d50",
} as const;

/** A proxy must run code, which asks the AccessManager about upgrades, and obey nobody else. */
const proxyFaults = async (provider: Provider, { contracts }: Deployment): Promise<string[]> => {
  const faults: string[] = [];
  for (const name of PROXIES) {
    const proxy = contracts[name];
    if (proxy === undefined) continue;
    const read = async (slot: string) => dataSlice(await provider.getStorage(proxy, slot), 12);
    if ((await provider.getCode(await read(SLOTS.implementation))) === "0x") faults.push(`${name} runs no code`);
    for (const slot of ["admin", "beacon"] as const) {
      if (!same(await read(SLOTS[slot]), ZeroAddress))
        faults.push(`${name} has a proxy ${slot}, who may change its code`);
    }
  }
  return faults;
};

/** Whoever signs prices is not who deployed. */
const attesterFaults = async (provider: Provider, { contracts, deployer }: Deployment): Promise<string[]> => {
  if (contracts.attestedFeed === undefined) return [];
  const feed = AttestedFeed__factory.connect(contracts.attestedFeed, provider);
  return (await feed.isSigner(deployer)) ? ["the deployer is one of the attesters"] : [];
};

export const readHandover = async (provider: Provider, deployment: Deployment): Promise<HandoverReport> => {
  const { contracts, deployer, fromBlock } = deployment;
  const faults: string[] = [];
  const manager = PlimsollManager__factory.connect(contracts.manager, provider);
  const timelock = GovernorTimelock__factory.connect(contracts.timelock, provider);

  const [granted, revoked, timelockGranted, timelockRevoked, delay, floor] = await Promise.all([
    manager.queryFilter(manager.filters.RoleGranted(), fromBlock),
    manager.queryFilter(manager.filters.RoleRevoked(), fromBlock),
    timelock.queryFilter(timelock.filters.RoleGranted(), fromBlock),
    timelock.queryFilter(timelock.filters.RoleRevoked(), fromBlock),
    timelock.getMinDelay(),
    timelock.minDelayFloor(),
  ]);
  const changes = [
    ...granted.map((log) => ({ log, role: log.args.roleId, account: log.args.account, granted: true })),
    ...revoked.map((log) => ({ log, role: log.args.roleId, account: log.args.account, granted: false })),
  ].sort((a, b) => byPosition(a.log, b.log));
  const timelockChanges = [
    ...timelockGranted.map((log) => ({ log, role: log.args.role, account: log.args.account, granted: true })),
    ...timelockRevoked.map((log) => ({ log, role: log.args.role, account: log.args.account, granted: false })),
  ].sort((a, b) => byPosition(a.log, b.log));

  const offers: string[] = [];
  const holdersOf = replay(changes);
  const holders = Object.fromEntries(ROLE_NAMES.map((role) => [role, holdersOf(ROLES[role])])) as Record<
    Role,
    Address[]
  >;
  const timelockHolders = replay(timelockChanges);

  for (const role of ROLE_NAMES) {
    if (holders[role].some((holder) => same(holder, deployer))) faults.push(`the deployer holds the role ${role}`);
  }
  for (const role of ["admin", "governor"] as const) {
    const [only, ...others] = holders[role];
    if (only === undefined || others.length > 0 || !same(only, contracts.timelock)) {
      faults.push(`the role ${role} is held by ${holders[role].join(", ") || "nobody"}, not by the timelock alone`);
    }
  }
  // What a contract bounds is worth nothing if somebody else may do it without that contract.
  for (const [role, bounder] of [
    ["breaker", contracts.circuitBreaker],
    ["parameters", contracts.riskSteward],
    ["engines", contracts.riskSteward],
  ] as const) {
    for (const holder of holders[role]) {
      if (!same(holder, bounder) && !same(holder, contracts.timelock)) faults.push(`${holder} holds the role ${role}`);
    }
  }
  for (const { args } of await manager.queryFilter(manager.filters.RoleOffered(), fromBlock)) {
    const [until] = await manager.offerOf(args.roleId, args.account);
    if (until === 0n) continue;
    offers.push(`${roleName(args.roleId)} to ${args.account}`);
    if (same(args.account, deployer)) faults.push(`the deployer may accept the role ${roleName(args.roleId)}`);
  }
  for (const role of ROLE_NAMES) {
    const [granter, canceller] = await Promise.all([
      manager.getRoleAdmin(ROLES[role]),
      manager.getRoleGuardian(ROLES[role]),
    ]);
    if (granter !== ROLES.admin) faults.push(`the role ${role} is granted by ${roleName(granter)}, not by admin`);
    if (canceller !== ROLES.admin) faults.push(`the role ${role} is guarded by ${roleName(canceller)}, not by admin`);
  }
  for (const change of changes) {
    if (!ROLE_NAMES.includes(roleName(change.role) as Role))
      faults.push(`somebody was granted ${roleName(change.role)}`);
  }
  for (const [name, role] of Object.entries(TIMELOCK_ROLES)) {
    if (timelockHolders(role).some((holder) => same(holder, deployer))) {
      faults.push(`the deployer is ${name} of the timelock`);
    }
  }
  if (timelockHolders(TIMELOCK_ROLES.admin).some((holder) => !same(holder, contracts.timelock))) {
    faults.push("the timelock has an admin other than itself");
  }
  if (delay < floor) faults.push(`the timelock's delay is ${delay} s, under its floor of ${floor} s`);

  const functions: FunctionOwner[] = [];
  for (const name of RESTRICTED_CONTRACTS) {
    const target = contracts[name];
    if (target === undefined) continue; // a market of spot alone
    const authority = await IAccessManaged__factory.connect(target, provider).authority();
    if (!same(authority, contracts.manager)) faults.push(`${name} obeys ${authority}, not the AccessManager`);
    for (const { selector, signature, role } of RESTRICTED[name]) {
      const [owner, [immediate, delayed]] = await Promise.all([
        manager.getTargetFunctionRole(target, selector),
        manager.canCall(deployer, target, selector),
      ]);
      functions.push({ contract: name, signature, role: roleName(owner) });
      if (owner !== ROLES[role]) faults.push(`${name}.${signature} belongs to ${roleName(owner)}, not to ${role}`);
      if (immediate || delayed > 0n) faults.push(`the deployer may call ${name}.${signature}`);
    }
  }

  const { powers, faults: doorFaults } = await readPowers(provider, deployment, holders);
  faults.push(
    ...(await proxyFaults(provider, deployment)),
    ...(await attesterFaults(provider, deployment)),
    ...doorFaults,
  );

  return {
    holders,
    offers: [...new Set(offers)],
    timelock: {
      delay,
      floor,
      proposers: timelockHolders(TIMELOCK_ROLES.proposer),
      cancellers: timelockHolders(TIMELOCK_ROLES.canceller),
      executors: timelockHolders(TIMELOCK_ROLES.executor),
      admins: timelockHolders(TIMELOCK_ROLES.admin),
    },
    functions,
    powers,
    names: Object.fromEntries(
      (Object.entries(contracts) as [string, Address][]).map(([name, address]) => [address.toLowerCase(), name]),
    ),
    faults,
  };
};

/** The report as lines for a person. */
export const formatHandover = ({ holders, offers, timelock, powers, names, faults }: HandoverReport): string => {
  const nameOf = (address: string) => (address === ZeroAddress ? "anyone" : (names[address.toLowerCase()] ?? address));
  const list = (addresses: readonly string[]) => addresses.map(nameOf).join(", ") || "nobody";
  return [
    "Roles",
    ...ROLE_NAMES.map((role) => `  ${role.padEnd(14)} ${list(holders[role])}`),
    ...(offers.length === 0 ? [] : [`  offered        ${offers.join(", ")}`]),
    `Timelock: ${timelock.delay} s (never under ${timelock.floor} s)`,
    `  propose        ${list(timelock.proposers)}`,
    `  cancel         ${list(timelock.cancellers)}`,
    `  execute        ${list(timelock.executors)}`,
    `  admin          ${list(timelock.admins)}`,
    "Who may call what",
    ...formatPowers(powers, nameOf),
    faults.length === 0
      ? "The deployer has no rights left, and every function has its owner."
      : ["NOT handed over:", ...faults.map((fault) => `  - ${fault}`)].join("\n"),
  ].join("\n");
};
