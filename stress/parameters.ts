// Parameters of the protocol that a stress run may set, by name, on top of the local network's configuration.
import { LOCAL_GOVERNANCE, localConfig } from "../deploy/config/local.ts";
import type { AssetConfig, AuctionConfig, NetworkConfig, RiskConfig } from "../deploy/config/types.ts";
import { validateConfig } from "../deploy/config/validate.ts";
import type { LocalAddresses } from "../deploy/lib/localNetwork.ts";
import { COINS } from "../replay/assets.ts";
import { UsageError } from "./errors.ts";
import { parseDuration } from "./units.ts";

const BPS = 10_000;

interface Parameter {
  readonly what: string;
  readonly kind: "percent" | "duration";
  /** Basis points, or seconds. */
  readonly set: (config: NetworkConfig, value: number) => NetworkConfig;
}

const isCoin = (symbol: string): boolean => COINS.some((coin) => coin === symbol);

/** Of both coins, and of their vaults' shares, which stay as much above them as they were. */
function haircuts(config: NetworkConfig, change: (haircut: RiskConfig["haircut"]) => RiskConfig["haircut"]) {
  const risk = (each: RiskConfig): RiskConfig => ({ ...each, haircut: change(each.haircut) });
  const assets = config.assets.map((asset): AssetConfig => {
    if (!isCoin(asset.symbol)) return asset;
    if (asset.kind === "idle") return { ...asset, risk: risk(asset.risk) };
    const { vault } = asset.pool;
    const collateral = { ...vault.collateral, risk: risk(vault.collateral.risk) };
    return { ...asset, risk: risk(asset.risk), pool: { ...asset.pool, vault: { ...vault, collateral } } };
  });
  return { ...config, assets };
}

const MAINTENANCE_NOW = 1_000;

const auction = (
  what: string,
  kind: Parameter["kind"],
  name: keyof Omit<AuctionConfig, "dustThreshold">,
): Parameter => ({
  what,
  kind,
  set: (config, value) => ({ ...config, auction: { ...config.auction, [name]: value } }),
});

export const PARAMETERS = {
  haircut: {
    what: "hMM of both coins",
    kind: "percent",
    set: (config, value) =>
      haircuts(config, (haircut) => ({ ...haircut, maintenance: haircut.maintenance - MAINTENANCE_NOW + value })),
  },
  extra: {
    what: "ΔhIM of both coins",
    kind: "percent",
    set: (config, value) => haircuts(config, (haircut) => ({ ...haircut, initialExtra: value })),
  },
  buffer: auction("part of the requirement that a bid restores", "percent", "buffer"),
  start: auction("discount factor at the start of an auction", "percent", "start"),
  cut: auction("discount factor when the fast phase ends", "percent", "cut"),
  fast: auction("the fast phase", "duration", "fast"),
  slow: auction("the slow phase", "duration", "slow"),
  "insurance-time": auction("over which an insolvent account's bidder is offered more", "duration", "insuranceTime"),
  "insurance-share": auction("q, what he is offered at most", "percent", "insuranceShare"),
} as const satisfies Readonly<Record<string, Parameter>>;

export type ParameterName = keyof typeof PARAMETERS;
export const PARAMETER_NAMES = Object.keys(PARAMETERS) as ParameterName[];

/** Basis points, or seconds. */
export type Overrides = Readonly<Partial<Record<ParameterName, number>>>;

const isName = (name: string): name is ParameterName => Object.hasOwn(PARAMETERS, name);

/** One value of a parameter, as it stands on the command line. `field` is named in complaints. */
export function parseValue(field: string, name: string, text: string): { name: ParameterName; value: number } {
  if (!isName(name))
    throw new UsageError(`${field}: unknown parameter "${name}"; it knows ${PARAMETER_NAMES.join(", ")}`);
  if (PARAMETERS[name].kind === "duration") return { name, value: parseDuration(`${field}: ${name}`, text) };
  const number = Number(text.replace(/%$/, ""));
  if (!/^\d+(\.\d{1,2})?%$/.test(text) || number > 100)
    throw new UsageError(`${field}: ${name}=${text} is not a percentage from 0% to 100% such as 12.5%`);
  return { name, value: Math.round(number * 100) };
}

/** "haircut=12%" and so on. */
export function parseOverrides(field: string, texts: readonly string[]): Overrides {
  const overrides: Partial<Record<ParameterName, number>> = {};
  for (const text of texts.flatMap((each) => each.split(","))) {
    const [left = "", right = "", ...rest] = text.split("=").map((each) => each.trim());
    if (right === "" || rest.length > 0) throw new UsageError(`${field}: "${text}" is not like haircut=12%`);
    const { name, value } = parseValue(field, left, right);
    if (overrides[name] !== undefined) throw new UsageError(`${field}: ${name} is named twice`);
    overrides[name] = value;
  }
  return overrides;
}

/** As it would be written on the command line. */
export const valueText = (name: ParameterName, value: number): string =>
  PARAMETERS[name].kind === "percent" ? `${value / 100}%` : value % 60 === 0 ? `${value / 60}m` : `${value}s`;

export const overridesText = (overrides: Overrides): string =>
  PARAMETER_NAMES.flatMap((name) => {
    const value = overrides[name];
    return value === undefined ? [] : [`${name}=${valueText(name, value)}`];
  }).join(",");

export const adjust =
  (overrides: Overrides) =>
  (config: NetworkConfig): NetworkConfig =>
    PARAMETER_NAMES.reduce((changed, name) => {
      const value = overrides[name];
      return value === undefined ? changed : PARAMETERS[name].set(changed, value);
    }, config);

/** Addresses that differ: nothing else is looked at but numbers. */
const SOMEWHERE = LOCAL_GOVERNANCE.governor;
const listed = (digit: string) => ({ token: `0x${digit.repeat(40)}` as const, feed: SOMEWHERE });
const NOWHERE: LocalAddresses = {
  tokens: { USDC: listed("1"), WETH: listed("2"), WBTC: listed("3"), stETH: listed("4") },
  uniswap: { factory: SOMEWHERE, router: SOMEWHERE, positions: SOMEWHERE },
};

/** Throws {@link UsageError} if the deployment would refuse them, in its words. */
export function checkParameters(field: string, overrides: Overrides): void {
  if (overridesText(overrides) === "") return;
  try {
    validateConfig(adjust(overrides)(localConfig(NOWHERE, SOMEWHERE)));
  } catch (error) {
    throw new UsageError(
      `${field}: ${overridesText(overrides)}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** What the parameters let a trader do: the measure of a protocol's worth to him. */
export interface Efficiency {
  /** Position ÷ equity at which a long of a coin can just open; settlement debt has no haircut. */
  readonly maxLeverage: number;
  /** Mean hMM and h_IM of the coins, parts of one. */
  readonly maintenanceHaircut: number;
  readonly initialHaircut: number;
}

export function efficiencyOf(config: NetworkConfig): Efficiency {
  const coins = config.assets.filter(({ symbol }) => isCoin(symbol)).map(({ risk }) => risk.haircut);
  const mean = (of: (haircut: RiskConfig["haircut"]) => number): number =>
    coins.reduce((sum, haircut) => sum + of(haircut), 0) / coins.length / BPS;
  const maintenanceHaircut = mean(({ maintenance }) => maintenance);
  const initialHaircut = mean(({ maintenance, initialExtra }) => maintenance + initialExtra);
  return { maintenanceHaircut, initialHaircut, maxLeverage: 1 / initialHaircut };
}
