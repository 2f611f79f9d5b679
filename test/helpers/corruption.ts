// Words of the deployed contracts' storage, found and changed behind everybody's back.
import { AbiCoder, keccak256, toBeHex } from "ethers";

import type { Protocol } from "./protocol.ts";

const coder = AbiCoder.defaultAbiCoder();

/** The slot of `mapping[key]` for a mapping at `base`. */
export const mapped = (key: string | bigint | number, base: bigint | number): bigint => {
  const word = typeof key === "string" ? BigInt(key) : BigInt(key);
  return BigInt(keccak256(coder.encode(["uint256", "uint256"], [word, base])));
};

/** Variables of the safe (contracts/accounts/Storage.sol), by slot. */
export const SAFE_SLOTS = {
  words: 1,
  pools: 2,
  idles: 3,
  engine: 4,
  auction: 5,
  insurance: 7,
  operators: 13,
  receivers: 14,
  nonces: 15,
};
/** Of the ledger (test/layouts.json). */
export const LEDGER_SLOTS = { ledger: 1, perps: 2, expiries: 3, options: 4, exchange: 6, treasury: 9 };

export interface Word {
  readonly address: string;
  readonly slot: bigint;
}

const read = async (p: Protocol, { address, slot }: Word): Promise<bigint> =>
  BigInt(await p.ethers.provider.getStorage(address, slot));

/** Runs with the word changed, and puts it back. Throws where there is nothing to change, for the slot would be the wrong one. */
export const withCorrupted = async (
  p: Protocol,
  word: Word,
  change: (value: bigint) => bigint,
  run: () => Promise<void>,
): Promise<void> => {
  const before = await read(p, word);
  if (before === 0n) throw new Error(`there is nothing at slot ${toBeHex(word.slot)} of ${word.address}`);
  const set = async (value: bigint) =>
    p.networkHelpers.setStorageAt(word.address, toBeHex(word.slot), toBeHex(BigInt.asUintN(256, value), 32));
  await set(change(before));
  try {
    await run();
  } finally {
    await set(before);
  }
};

const MOST_BASES = 16;

/** Where a token keeps `holder`'s balance: the mapping among its first slots that says so. */
export const balanceWord = async (p: Protocol, address: string, holder: string, balance: bigint): Promise<Word> => {
  for (let base = 0; base < MOST_BASES; base += 1) {
    const word = { address, slot: mapped(holder, base) };
    if (balance !== 0n && (await read(p, word)) === balance) return word;
  }
  throw new Error(`no balance of ${holder} found in ${address}`);
};
