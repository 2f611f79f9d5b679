// Asset ids (contracts/types/AssetId.sol): two bits of kind above ten of number.
const NUMBER_BITS = 10;
const NUMBER_MASK = (1 << NUMBER_BITS) - 1;

/** Lent and borrowed. */
export const KIND_POOL = 0;
/** Collateral alone. */
export const KIND_IDLE = 1;
/** A pool's ERC-4626 share. */
export const KIND_VAULT_SHARE = 2;

/** Pool `number`: lent and borrowed. */
export const poolAsset = (number: number): number => number & NUMBER_MASK;
/** Idle asset `number`: collateral that is never lent. */
export const idleAsset = (number: number): number => (KIND_IDLE << NUMBER_BITS) | (number & NUMBER_MASK);
/** The vault share of pool `number`. */
export const vaultShareAsset = (number: number): number => (KIND_VAULT_SHARE << NUMBER_BITS) | (number & NUMBER_MASK);

/** The settlement asset is always pool 1. */
export const SETTLEMENT = poolAsset(1);

/** The kind of an asset id. */
export const kindOf = (asset: number): number => asset >> NUMBER_BITS;
/** The number within its kind. */
export const numberOf = (asset: number): number => asset & NUMBER_MASK;
/** Whether balances are shares of a pool. */
export const isPool = (asset: number): boolean => kindOf(asset) === KIND_POOL;

/** Whose price an asset has: a vault share its pool's. */
export const underlyingAsset = (asset: number): number =>
  kindOf(asset) === KIND_VAULT_SHARE ? poolAsset(numberOf(asset)) : asset;
