// What auditor and reports are told, checked with messages that name the option.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

import { isAddress } from "ethers";

import { type Deployment, readDeployment } from "../deploy/lib/addresses.ts";
import { UsageError } from "./chain.ts";
import type { Rpc } from "./rpc.ts";

/** npm runs scripts in the project's folder; files are named from where the person is. */
export const fromHere = (file: string): string => resolve(process.env["INIT_CWD"] ?? process.cwd(), file);

export const requireUrl = (url: string | undefined): string => {
  if (url === undefined) throw new UsageError("--rpc: say where the chain is, for example --rpc http://127.0.0.1:8545");
  if (!/^https?:\/\/[^/]/.test(url)) throw new UsageError(`--rpc: "${url}" is no http:// or https:// address`);
  return url;
};

/** A block number, or undefined for the head. */
export const parseBlock = (text: string | undefined): number | undefined => {
  if (text === undefined || text === "latest") return undefined;
  const block = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(block)) throw new UsageError(`--block: "${text}" is no block number`);
  return block;
};

/** An account id of 32 bytes, or an owner's address (its account 0), or ADDRESS/INDEX. */
export const parseAccount = (text: string): string => {
  if (/^0x[0-9a-fA-F]{64}$/.test(text)) return text.toLowerCase();
  const [owner = "", index = "0", ...rest] = text.split("/");
  if (rest.length === 0 && isAddress(owner) && /^\d{1,28}$/.test(index) && BigInt(index) >> 96n === 0n) {
    return owner.toLowerCase() + BigInt(index).toString(16).padStart(24, "0");
  }
  throw new UsageError(`--account: "${text}" is neither an account id (32 bytes), an address, nor ADDRESS/INDEX`);
};

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** @throws UsageError naming what is wrong with the file. */
export const parseDeployment = (value: unknown, file: string): Deployment => {
  const wrong = (path: string, what: string) => new UsageError(`--deployment: ${path} in ${file} is not ${what}`);
  if (!isRecord(value)) throw new UsageError(`--deployment: ${file} is no deployment`);
  for (const key of ["chainId", "fromBlock"]) {
    if (!Number.isSafeInteger(value[key]) || Number(value[key]) < 0) throw wrong(key, "a whole number");
  }
  const { contracts, assets, underlyings } = value;
  if (!isRecord(contracts)) throw wrong("contracts", "an object");
  for (const key of ["safe", "lens"]) if (!isAddress(contracts[key])) throw wrong(`contracts.${key}`, "an address");
  for (const [key, address] of Object.entries(contracts)) {
    if (!isAddress(address)) throw wrong(`contracts.${key}`, "an address");
  }
  if (!isAddress(value["wrappedNative"])) throw wrong("wrappedNative", "an address");
  if (!isRecord(assets)) throw wrong("assets", "an object");
  for (const [symbol, asset] of Object.entries(assets)) {
    if (!isRecord(asset) || !Number.isSafeInteger(asset["id"])) throw wrong(`assets.${symbol}.id`, "a whole number");
  }
  if (underlyings !== undefined && !isRecord(underlyings)) throw wrong("underlyings", "an object");
  // of its fields only those above are used
  return { network: "?", underlyings: {}, ...value } as unknown as Deployment;
};

const readFile = (file: string): Deployment => {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    throw new UsageError(`--deployment: cannot read ${file}`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UsageError(`--deployment: ${file} is not JSON`);
  }
  return parseDeployment(value, file);
};

/** The file named, or the one of the chain that the endpoint serves. */
export const deploymentFor = async (rpc: Rpc, file: string | undefined): Promise<Deployment> => {
  if (file !== undefined) return readFile(fromHere(file));
  const chainId = Number(await rpc.request("eth_chainId", []));
  try {
    return readDeployment(chainId);
  } catch (error) {
    throw new UsageError(`--deployment: ${error instanceof Error ? error.message : String(error)}`);
  }
};
