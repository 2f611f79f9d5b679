import { toBeHex } from "ethers";

/** Account `index` of `owner`, as the contracts' `AccountId`. */
export const accountId = (owner: string, index = 0n): string => toBeHex((BigInt(owner) << 96n) | index, 32);

export const ownerOf = (account: string): string => toBeHex(BigInt(account) >> 96n, 20);

export const indexOf = (account: string): bigint => BigInt(account) & ((1n << 96n) - 1n);

/** Asset ids: pool n, idle asset n, vault share of pool n. */
export const poolAsset = (number: number): number => number;
export const idleAsset = (number: number): number => 0x400 | number;
export const vaultShareAsset = (number: number): number => 0x800 | number;

/** The settlement asset is the first pool. */
export const SETTLEMENT = poolAsset(1);
