// The contracts that a keeper talks to, as `deploy/` wrote them down.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { isAddress } from "ethers";

import { ConfigError } from "./error.ts";
import type { KeeperOptions } from "./options.ts";

export interface KeeperDeployment {
  readonly chainId: number;
  readonly fromBlock: number;
  readonly safe: string;
  readonly lens: string;
  readonly unwinder: string;
  readonly sizeCheckpoints: string;
  readonly deviationRecord: string;
  readonly uniswapFactory: string;
  /** Undefined without perps and options. */
  readonly realizedVolatility: string | undefined;
  /** By symbol. */
  readonly assets: ReadonlyMap<string, DeployedAsset>;
  /** The file as it is, for readers of the SDK. */
  readonly whole: unknown;
}

export interface DeployedAsset {
  readonly id: number;
  readonly feed: string;
  readonly twapPool: string | undefined;
}

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export const stateFile = (options: KeeperOptions, chainId: bigint): string =>
  options.state ?? join(ROOT, "out", "keeper", `${chainId}.sqlite`);

export const readDeployment = (options: KeeperOptions, chainId: bigint): KeeperDeployment => {
  const file = options.deployment ?? join(ROOT, "deployments", `${chainId}.json`);
  const deployment = parseDeployment(readJson(file), file);
  if (BigInt(deployment.chainId) !== chainId) {
    throw new ConfigError(`--deployment: ${file} is for chain ${deployment.chainId}, --rpc is chain ${chainId}`);
  }
  return deployment;
};

const readJson = (file: string): unknown => {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    throw new ConfigError(`--deployment: cannot read ${file}: deploy first, or name the file`);
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new ConfigError(`--deployment: ${file} is not JSON`);
  }
};

export const parseDeployment = (value: unknown, file: string): KeeperDeployment => {
  const at = (path: string): unknown =>
    path.split(".").reduce<unknown>((node, key) => (isRecord(node) ? node[key] : undefined), value);
  const address = (path: string): string => {
    const found = at(path);
    if (!isAddress(found)) throw new ConfigError(`--deployment: ${path} in ${file} is not an address`);
    return found;
  };
  const count = (path: string): number => {
    const found = at(path);
    if (typeof found !== "number" || !Number.isSafeInteger(found) || found < 0) {
      throw new ConfigError(`--deployment: ${path} in ${file} is not a whole number`);
    }
    return found;
  };
  return {
    chainId: count("chainId"),
    fromBlock: count("fromBlock"),
    safe: address("contracts.safe"),
    lens: address("contracts.lens"),
    unwinder: address("contracts.liquidationUnwinder"),
    sizeCheckpoints: address("contracts.sizeCheckpoints"),
    deviationRecord: address("contracts.deviationRecord"),
    uniswapFactory: address("uniswap.factory"),
    whole: value,
    realizedVolatility:
      at("contracts.realizedVolatility") === undefined ? undefined : address("contracts.realizedVolatility"),
    assets: new Map(
      Object.keys(isRecord(at("assets")) ? (at("assets") as object) : {}).map((symbol) => [
        symbol,
        {
          id: count(`assets.${symbol}.id`),
          feed: address(`assets.${symbol}.feed`),
          twapPool: at(`assets.${symbol}.twapPool`) === undefined ? undefined : address(`assets.${symbol}.twapPool`),
        },
      ]),
    ),
  };
};

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;
