/** Where the contracts keep what no view tells (test/layouts.json; a test reads a whole market through these). */
import { AbiCoder, keccak256, type Provider, toBeHex } from "ethers";

const abi = AbiCoder.defaultAbiCoder();

/** Slot of a mapping's entry. */
export const entrySlot = (key: bigint | number, mapping: bigint): bigint =>
  BigInt(keccak256(abi.encode(["uint256", "uint256"], [key, mapping])));

/** Reads one word of storage. */
export const readWord = async (provider: Provider, address: string, slot: bigint, block: number): Promise<bigint> =>
  BigInt(await provider.getStorage(address, toBeHex(slot, 32), block));

/** `MarginAccounts._idleFacts[asset]`: cap, greatest part of a pool's shares, decimals. */
export const idleFactsSlot = (asset: number): bigint => entrySlot(asset, 10n);

/** `Positions._perps[underlying]`: market, funding, clearing, slow, terms. */
export const perpSlots = (underlying: number) => {
  const first = entrySlot(underlying, 2n);
  return { market: first, funding: first + 1n, slow: first + 3n, terms: first + 4n };
};

/** `Positions._expiries[key]`. */
export const expirySlot = (key: number): bigint => entrySlot(key, 3n);

/** `AttestedFeed._limits`, `_premiums`, by underlying. */
export const feedSlots = (underlying: number) => ({
  limits: entrySlot(underlying, 6n),
  premium: entrySlot(underlying, 7n),
});

/** `AttestedFeed._expiries[key]`: forward, smile, wing. */
export const attestedSlots = (key: number) => {
  const first = entrySlot(key, 9n);
  return { forward: first, smile: first + 1n, wing: first + 2n };
};

/** `RealizedVolatility._sigmas[underlying]`. */
export const volatilitySlot = (underlying: number): bigint => entrySlot(underlying, 0n);
