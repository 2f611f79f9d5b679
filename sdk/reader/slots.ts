import { AbiCoder, keccak256 } from "ethers";

const CODER = AbiCoder.defaultAbiCoder();

/** The first slot of a mapping's value: `key` a number, `base` the mapping's own slot. */
export const slotOf = (key: number | bigint, base: number): bigint =>
  BigInt(keccak256(CODER.encode(["uint256", "uint256"], [key, base])));
