/**
 * Where everything is, chain by chain: what `npm run deploy` writes to `deployments/<chain id>.json`. Pure.
 *
 * @module
 */
import { DEPLOYMENTS } from "./deployments.ts";

/** 20 bytes in hexadecimal. */
export type Address = `0x${string}`;

/** One listed asset. `id` is the AssetId of its balances; `vaultShareId` that of its vault's share as collateral. */
export interface DeployedAsset {
  /** AssetId of the token's balances. */
  id: number;
  /** The ERC-20. */
  token: Address;
  /** Of the token. */
  decimals: number;
  /** The primary price source. */
  feed: Address;
  /** Uniswap pool of the second price source. */
  twapPool?: Address;
  /** The ERC-4626 share of its pool. */
  vault?: Address;
  /** AssetId of that share. */
  vaultShareId?: number;
}

/** The contracts that every deployment has. */
export interface DeployedContracts {
  manager: Address;
  timelock: Address;
  /** The guardian's hand on the safe. */
  circuitBreaker: Address;
  /** Bounded steps of parameters. */
  riskSteward: Address;
  safe: Address;
  /** The safe's cold doors, behind its address. */
  extension: Address;
  /** Its restricted functions and views, behind the extension. */
  admin: Address;
  engine: Address;
  engineFactory: Address;
  ledgerTableFactory: Address;
  sizeCheckpoints: Address;
  deviationRecord: Address;
  auction: Address;
  insuranceFund: Address;
  lens: Address;
  swapAdapter: Address;
  leverageRouter: Address;
  liquidationUnwinder: Address;
}

/** What a deployment with perps and options has on top. */
export interface DerivativeContracts {
  attestedFeed: Address;
  realizedVolatility: Address;
  settlementPrices: Address;
  normalTable: Address;
  standardModel: Address;
  portfolioModel: Address;
  /** For anybody who wants to check a portfolio's scenarios. */
  scenarioCalculator: Address;
  scenarioLens: Address;
  ledgerLens: Address;
  /** The parameters of perps and options that the engine was made with: data, not a program. */
  ledgerTable: Address;
  /** The ledger's proxy, the code behind it, and that code's cold doors. */
  positions: Address;
  positionsCode: Address;
  positionsExtension: Address;
  /** Ranks the winners that bear an open shortfall. */
  deleveraging: Address;
  /** The exchange's proxy, and the code behind it. */
  exchange: Address;
  exchangeCode: Address;
}

/** What pays for lending, borrowing, making, staking and chores; spot alone has the first only. */
export interface IncentiveContracts {
  /** Streams of tokens to gauges. */
  rewardsController: Address;
  /** Rebates of makers' fees. */
  makerRewards: Address;
  /** Chores paid by gas. */
  choreRewards: Address;
  /** Attested credit. */
  creditTiers: Address;
}

/** What a deployment with a liquidity pool has on top. */
export interface LiquidityPoolContracts {
  /** The passive maker, whose share is an ERC-4626 with exits by request. */
  liquidityPool: Address;
  /** What it asks and bids, and what its book is worth. */
  poolPricer: Address;
}

/** What can be traded on an index. */
export interface DeployedUnderlying {
  /** The number in instruments: that of the pool whose asset is the index. */
  number: number;
  /** Symbol of that asset. */
  asset: string;
  hasPerp: boolean;
  /** Listed with the deployment, Unix time; `optionsOf` of the ledger says which strikes, and the chain what came later. */
  expiries: number[];
}

/** Where routers swap. */
export interface UniswapDeployment {
  factory: Address;
  router?: Address;
  positions?: Address;
}

/** A whole deployment, as its file has it. */
export interface Deployment {
  network: string;
  chainId: number;
  /** Nothing of the protocol is older than this block: where a reader of events may start. */
  fromBlock: number;
  deployer: Address;
  contracts: DeployedContracts &
    Partial<DerivativeContracts> &
    Partial<IncentiveContracts> &
    Partial<LiquidityPoolContracts>;
  wrappedNative: Address;
  /** Where routers swap; a local network says its router and position manager too. */
  uniswap: UniswapDeployment;
  /** By symbol. */
  assets: Record<string, DeployedAsset>;
  /** By name; none without perps and options. */
  underlyings: Record<string, DeployedUnderlying>;
}

/** A deployment that is not there, or a file that is none; `field` says where. */
export class DeploymentError extends Error {
  override readonly name = "DeploymentError";
  constructor(
    readonly field: string,
    problem: string,
  ) {
    super(problem);
  }
}

/** Chains that this version of the package knows a deployment on, ascending. */
export const knownChains = (): number[] =>
  Object.keys(DEPLOYMENTS)
    .map(Number)
    .sort((a, b) => a - b);

/** The deployment on a chain that the package ships; throws {@link DeploymentError} with the way out when it has none. */
export const deploymentOn = (chainId: number | bigint): Deployment => {
  const found = DEPLOYMENTS[Number(chainId)];
  if (found !== undefined) return found;
  const known = knownChains();
  throw new DeploymentError(
    "chainId",
    `this version of the package knows no deployment on chain ${chainId} (known: ${known.length === 0 ? "none" : known.join(", ")}): ` +
      "pass the file that the deployment wrote, { deployment: JSON.parse(text) }",
  );
};

/** The contracts of a deployment that has perps and options; throws {@link DeploymentError} when it has not. */
export const derivativeContracts = ({
  network,
  contracts,
}: Deployment): DeployedContracts & DerivativeContracts & IncentiveContracts => {
  if (contracts.positions === undefined) {
    throw new DeploymentError("contracts.positions", `the deployment "${network}" has no perps and options`);
  }
  return contracts as DeployedContracts & DerivativeContracts & IncentiveContracts;
};

const CONTRACTS: readonly (keyof DeployedContracts)[] = [
  "manager",
  "timelock",
  "circuitBreaker",
  "riskSteward",
  "safe",
  "extension",
  "admin",
  "engine",
  "engineFactory",
  "ledgerTableFactory",
  "sizeCheckpoints",
  "deviationRecord",
  "auction",
  "insuranceFund",
  "lens",
  "swapAdapter",
  "leverageRouter",
  "liquidationUnwinder",
];

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (value: unknown, field: string): Fields => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new DeploymentError(field, `${field} must be an object`);
  }
  return value as Fields;
};

const needAddress = (value: unknown, field: string): void => {
  if (typeof value !== "string" || !/^0x[0-9a-fA-F]{40}$/.test(value)) {
    throw new DeploymentError(field, `${field} must be an address of 20 bytes`);
  }
};

const needInteger = (value: unknown, field: string): void => {
  if (!Number.isSafeInteger(value) || Number(value) < 0) {
    throw new DeploymentError(field, `${field} must be a whole number, not negative`);
  }
};

/** Reads one's own deployment file, parsed; throws {@link DeploymentError} that names the field. */
export const parseDeployment = (json: unknown): Deployment => {
  const file = fieldsOf(json, "deployment");
  needInteger(file["chainId"], "chainId");
  needInteger(file["fromBlock"], "fromBlock");
  needAddress(file["wrappedNative"], "wrappedNative");
  const contracts = fieldsOf(file["contracts"], "contracts");
  for (const name of CONTRACTS) needAddress(contracts[name], `contracts.${name}`);
  for (const [name, address] of Object.entries(contracts)) needAddress(address, `contracts.${name}`);
  for (const [symbol, value] of Object.entries(fieldsOf(file["assets"], "assets"))) {
    const asset = fieldsOf(value, `assets.${symbol}`);
    needInteger(asset["id"], `assets.${symbol}.id`);
    needInteger(asset["decimals"], `assets.${symbol}.decimals`);
    needAddress(asset["token"], `assets.${symbol}.token`);
    for (const part of ["feed", "twapPool", "vault"] as const) {
      if (asset[part] !== undefined) needAddress(asset[part], `assets.${symbol}.${part}`);
    }
  }
  for (const [name, value] of Object.entries(fieldsOf(file["underlyings"] ?? {}, "underlyings"))) {
    const underlying = fieldsOf(value, `underlyings.${name}`);
    needInteger(underlying["number"], `underlyings.${name}.number`);
    if (!Array.isArray(underlying["expiries"])) {
      throw new DeploymentError(`underlyings.${name}.expiries`, `underlyings.${name}.expiries must be a list of times`);
    }
  }
  const deployment = json as Deployment;
  return file["underlyings"] === undefined ? { ...deployment, underlyings: {} } : deployment;
};
