/** Account and asset ids as the contracts count them (contracts/types/AccountId.sol, AssetId.sol). Pure. @module */

/** The 160 bits of an owner stand above the 96 of an account's index. */
const INDEX_BITS = 96n;
const INDEX_MASK = (1n << INDEX_BITS) - 1n;
const ADDRESS = /^0x[0-9a-fA-F]{40}$/;
const ACCOUNT = /^0x[0-9a-fA-F]{64}$/;

/** An id that no account or asset can have; the message says what one looks like. */
export class IdError extends Error {
  override readonly name = "IdError";
}

const hex = (value: bigint, bytes: number): string => `0x${value.toString(16).padStart(2 * bytes, "0")}`;

/** Account `index` of `owner`: 32 bytes in lower-case hexadecimal. Account 0 of every address exists already. */
export const accountId = (owner: string, index: bigint | number = 0n): string => {
  if (!ADDRESS.test(owner)) throw new IdError(`"${owner}" is no address of 20 bytes`);
  const number = BigInt(index);
  if (number < 0n || number > INDEX_MASK) throw new IdError(`an account's index has 96 bits, ${number} does not fit`);
  return hex((BigInt(owner) << INDEX_BITS) | number, 32);
};

const accountWord = (account: string): bigint => {
  if (!ACCOUNT.test(account))
    throw new IdError(`"${account}" is no account id of 32 bytes: make one with accountId(owner)`);
  return BigInt(account);
};

/** Who owns an account, in lower-case hexadecimal. */
export const ownerOf = (account: string): string => hex(accountWord(account) >> INDEX_BITS, 20);

/** Which of its owner's accounts it is. */
export const indexOf = (account: string): bigint => accountWord(account) & INDEX_MASK;

/** What an asset id names: a pool's asset, collateral that is not lent, or the share of a pool's vault. */
export type AssetKind = "pool" | "idle" | "vaultShare";

const KIND_SHIFT = 10;
const NUMBER_MASK = (1 << KIND_SHIFT) - 1;
const KINDS: readonly AssetKind[] = ["pool", "idle", "vaultShare"];

const assetOf = (kind: AssetKind, number: number): number => {
  if (!Number.isInteger(number) || number < 1 || number > NUMBER_MASK) {
    throw new IdError(`assets of a kind count from 1 to ${NUMBER_MASK}, not ${number}`);
  }
  return (KINDS.indexOf(kind) << KIND_SHIFT) | number;
};

/** AssetId of pool `number`. */
export const poolAsset = (number: number): number => assetOf("pool", number);
/** AssetId of idle collateral `number`. */
export const idleAsset = (number: number): number => assetOf("idle", number);
/** AssetId of the share of pool `number`'s vault. */
export const vaultShareAsset = (number: number): number => assetOf("vaultShare", number);

/** The settlement asset is the first pool. */
export const SETTLEMENT = 1;

/** Kind and number of an asset id; throws {@link IdError} for one that names nothing. */
export const decodeAsset = (asset: number): { readonly kind: AssetKind; readonly number: number } => {
  const kind = KINDS[asset >> KIND_SHIFT];
  const number = asset & NUMBER_MASK;
  if (!Number.isInteger(asset) || kind === undefined || number === 0) throw new IdError(`${asset} is no asset id`);
  return { kind, number };
};
