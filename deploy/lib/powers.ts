// Who may call what, after how long: read from the chain. The functions come out of the deployed code's own dispatcher, the
// roles out of the AccessManager, the delays out of both it and the timelock; doors.ts only says what each function should be.
import {
  dataSlice,
  getAddress,
  getBytes,
  id,
  type Interface,
  type ParamType,
  type Provider,
  ZeroAddress,
  zeroPadValue,
} from "ethers";

import {
  GovernorTimelock__factory,
  IAccessManaged__factory,
  IMarginAccounts__factory,
  PlimsollManager__factory,
} from "../../types/ethers-contracts/index.js";
import type { Deployment } from "./addresses.ts";
import {
  BEHIND_PROXIES,
  DATA,
  type Door,
  type Doors,
  DOORS,
  type ListedContract,
  OPEN,
  type Owner,
  RATE_MODEL_DOORS,
  VAULT_DOORS,
} from "./doors.ts";
import { PROXIES, ROLE_NAMES, roleName, ROLES, type Role } from "./roles.ts";

export interface Power {
  /** As in the deployment file; a pool's vault is `vault(USDC)`. */
  contract: string;
  signature: string;
  /** A role of the AccessManager, or what doors.ts says. */
  owner: string;
  /** Seconds between deciding and doing, for each holder of the role; undefined where nobody waits for anything. */
  after?: Record<string, bigint>;
}

export interface Powers {
  powers: Power[];
  faults: string[];
}

/** ERC-1967. */
export const IMPLEMENTATION_SLOT = "0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc";

const [PUSH1, PUSH3, PUSH4, PUSH32, EQ, PUSH2] = [0x60, 0x62, 0x63, 0x7f, 0x14, 0x61];

/** The selectors that a contract's dispatcher compares with: `PUSH selector, EQ, PUSH2 place`, as solc writes it both ways. */
export const dispatched = (code: string): Set<string> => {
  const bytes = getBytes(code);
  const found = new Set<string>();
  for (let i = 0; i < bytes.length;) {
    const op = bytes[i] ?? 0;
    const width = op >= PUSH1 && op <= PUSH32 ? op - PUSH1 + 1 : 0;
    const next = i + 1 + width;
    if ((op === PUSH4 || op === PUSH3) && bytes[next] === EQ && bytes[next + 1] === PUSH2) {
      found.add(zeroPadValue(bytes.subarray(i + 1, next), 4));
    }
    i = next;
  }
  return found;
};

/** A well-formed argument of a type, meaning nothing. */
const blank = (type: ParamType): unknown => {
  if (type.baseType === "array") return [];
  if (type.baseType === "tuple") return (type.components ?? []).map(blank);
  if (type.baseType === "bool") return false;
  if (type.baseType === "string") return "";
  if (type.baseType === "address") return "0x000000000000000000000000000000000000dEaD";
  if (type.baseType.startsWith("bytes")) return `0x${"00".repeat(Number(type.baseType.slice(5) || 0))}`;
  return 0n;
};

const isRole = (owner: Owner): owner is Role => (ROLE_NAMES as readonly string[]).includes(owner);

/** Nobody has this key. */
const STRANGER = getAddress(dataSlice(id("a stranger without any role"), 12));
const managed = IAccessManaged__factory.createInterface();

interface Site {
  contract: string;
  target: string;
  /** Whose code answers there: the proxy's, and what it delegates to. */
  code: readonly string[];
  expected: Doors;
}

const sitesOf = async (provider: Provider, { contracts, assets }: Deployment, faults: string[]): Promise<Site[]> => {
  const safe = IMarginAccounts__factory.connect(contracts.safe, provider);
  const sites: Site[] = [];
  const behind: Partial<Record<string, readonly (string | undefined)[]>> = {
    safe: [contracts.extension, contracts.admin],
    positions: [contracts.positionsExtension],
  };
  for (const [contract, listed] of Object.entries(contracts) as [string, string][]) {
    if (BEHIND_PROXIES.has(contract) || DATA.has(contract)) continue;
    const expected = DOORS[contract as ListedContract] as Doors | undefined;
    if (expected === undefined) {
      faults.push(`${contract} is on no list: say in deploy/lib/doors.ts who may call what of it`);
      continue;
    }
    // The engine in force may be a later one than the deployment's.
    const target = contract === "engine" ? await safe.engine() : listed;
    const code = [target, ...(behind[contract] ?? [])].filter((each) => each !== undefined);
    if ((PROXIES as readonly string[]).includes(contract)) {
      code[0] = getAddress(dataSlice(await provider.getStorage(target, IMPLEMENTATION_SLOT), 12));
    }
    sites.push({ contract, target, code, expected });
  }
  for (const [symbol, { id: asset, vault }] of Object.entries(assets)) {
    if (vault === undefined) continue;
    sites.push({ contract: `vault(${symbol})`, target: vault, code: [vault], expected: VAULT_DOORS });
    const model = await safe.rateModel(asset);
    if (model === ZeroAddress) continue;
    sites.push({ contract: `rateModel(${symbol})`, target: model, code: [model], expected: RATE_MODEL_DOORS });
  }
  return sites;
};

/** Functions that the code has and the lists do not know, and the other way round. */
const codeFaults = async (provider: Provider, { contract, code, expected }: Site): Promise<string[]> => {
  const codes = await Promise.all(code.map((each) => provider.getCode(each)));
  if (codes.includes("0x")) return [`${contract} has no code`];
  const found = new Set(codes.flatMap((each) => [...dispatched(each)]));
  const known = new Set<string>();
  for (const abi of expected.interfaces) abi.forEachFunction(({ selector }) => known.add(selector));
  const faults = [...found]
    .filter((selector) => !known.has(selector))
    .map((selector) => `${contract} has a function ${selector} that is on no list`);
  for (const { selector, signature } of expected.doors) {
    if (!found.has(selector)) faults.push(`${contract} has no function ${signature}`);
  }
  return faults;
};

/** What a stranger is told who calls a function with arguments that mean nothing; undefined when it succeeds. */
const refusalOf = async (provider: Provider, target: string, interfaces: readonly Interface[], door: Door) => {
  const fragment = interfaces.map((abi) => abi.getFunction(door.selector)).find((each) => each !== null);
  const abi = interfaces.find((each) => each.getFunction(door.selector) !== null);
  if (!fragment || !abi) return undefined;
  try {
    await provider.call({
      from: STRANGER,
      to: target,
      data: abi.encodeFunctionData(fragment, fragment.inputs.map(blank)),
    });
    return undefined;
  } catch (error) {
    const data = (error as { data?: unknown }).data;
    return typeof data === "string" ? data : "0x";
  }
};

/** Whether the code does as the lists say, asked by a stranger. */
const doorFault = async (provider: Provider, { contract, target, expected }: Site, door: Door) => {
  const refusal = await refusalOf(provider, target, expected.interfaces, door);
  const asksManager = refusal?.startsWith(managed.getError("AccessManagedUnauthorized")?.selector ?? "-") === true;
  const what = `${contract}.${door.signature}`;
  if (OPEN.has(door.owner)) return asksManager ? `${what} is restricted, and on no list of roles` : undefined;
  return refusal === undefined ? `${what} lets anybody pass, not only ${door.owner}` : undefined;
};

/** Every function of every contract of a deployment: who, after how long, and what contradicts the lists. */
export const readPowers = async (
  provider: Provider,
  deployment: Deployment,
  holders: Readonly<Record<Role, readonly string[]>>,
): Promise<Powers> => {
  const { contracts } = deployment;
  const faults: string[] = [];
  const manager = PlimsollManager__factory.connect(contracts.manager, provider);
  const minDelay = await GovernorTimelock__factory.connect(contracts.timelock, provider).getMinDelay();

  const waits = {} as Record<Role, Record<string, bigint>>;
  for (const role of ROLE_NAMES) {
    waits[role] = {};
    for (const holder of holders[role]) {
      const [, delay] = await manager.hasRole(ROLES[role], holder);
      waits[role][holder] = delay + (getAddress(holder) === getAddress(contracts.timelock) ? minDelay : 0n);
    }
  }

  const powers: Power[] = [];
  for (const site of await sitesOf(provider, deployment, faults)) {
    faults.push(...(await codeFaults(provider, site)));
    const isPart = site.contract === "extension" || site.contract === "admin" || site.contract === "positionsExtension";
    if (isPart) continue; // their doors are those of the contract that they stand behind
    const rows = await Promise.all(
      site.expected.doors.map(async (door): Promise<Power> => {
        const { signature, selector, owner } = door;
        const fault = await doorFault(provider, site, door);
        if (fault !== undefined) faults.push(fault);
        if (!isRole(owner)) {
          const delayed = site.contract === "timelock" && ["proposer", "executor", "timelock"].includes(owner);
          return {
            contract: site.contract,
            signature,
            owner,
            ...(delayed && owner !== "proposer" && { after: { timelock: minDelay } }),
          };
        }
        const [role, closed] = await Promise.all([
          site.contract === "manager" ? ROLES.admin : manager.getTargetFunctionRole(site.target, selector),
          manager.isTargetClosed(site.target),
        ]);
        if (closed) faults.push(`${site.contract} is closed to everybody`);
        const name = roleName(role);
        return {
          contract: site.contract,
          signature,
          owner: name,
          after: isRole(name as Owner) ? waits[name as Role] : {},
        };
      }),
    );
    powers.push(...rows);
  }
  return { powers, faults: [...new Set(faults)].sort() };
};

const duration = (seconds: bigint): string => {
  if (seconds === 0n) return "at once";
  if (seconds % 86_400n === 0n) return `after ${seconds / 86_400n} d`;
  return seconds % 60n === 0n ? `after ${seconds / 60n} min` : `after ${seconds} s`;
};

/** As lines for a person: per contract, owner first, open doors last and in one line. */
export const formatPowers = (powers: readonly Power[], nameOf: (address: string) => string): string[] => {
  const lines: string[] = [];
  for (const contract of new Set(powers.map((each) => each.contract))) {
    lines.push(`  ${contract}`);
    const own = powers.filter((each) => each.contract === contract);
    const groups = new Map<string, string[]>();
    for (const { signature, owner, after } of own) {
      const waits = Object.entries(after ?? {}).map(([holder, delay]) => `${nameOf(holder)} ${duration(delay)}`);
      const who = after === undefined ? owner : `${owner} (${waits.join(", ") || "nobody"})`;
      groups.set(who, [...(groups.get(who) ?? []), signature.slice(0, signature.indexOf("("))]);
    }
    for (const [who, names] of [...groups].sort(([a], [b]) => Number(b.includes("(")) - Number(a.includes("(")))) {
      lines.push(`    ${who.padEnd(44)} ${names.join(", ")}`);
    }
  }
  return lines;
};
