// Many static calls in one eth_call: a few opcodes put at an address of their own. Differential tests ask the chain tens of thousands
// of times; call by call, coding and transport would take most of their time.
import type { Interface, Provider } from "ethers";

import type { ErrorArgument } from "../../sdk/mirror/errors.ts";

/** What one of the calls answered. */
export interface Answer {
  readonly ok: boolean;
  /** The first 128 bytes of it, as 0x-hex. */
  readonly data: string;
}

export interface Answers {
  /** Of the block that the calls saw. */
  readonly time: bigint;
  readonly answers: readonly Answer[];
}

/** Where the opcodes stand; any address that nothing else uses. */
export const BULK = "0x00000000000000000000000000000000000b01c5";

// Calldata: the callee, then (length, data) again and again. On the stack: where to read on, where to write on.
const OPCODES = [
  "42 6000 52", //                                     TIMESTAMP is the answer's first word
  "6020 6020", //                                      in = 32, out = 32
  "5b 81 36 11 15 6041 57", //                         again: to the end when in ≥ CALLDATASIZE
  "81 35 80 83 6020 01 62010000 37", //                len; its data to the scratch memory
  "6080 82 6040 01 82 62010000 6000 35 5a fa 82 52", // STATICCALL into out + 64; ok to out
  "3d 82 6020 01 52", //                               RETURNDATASIZE to out + 32
  "82 01 6020 01 91 50 60c0 01 6008 56", //            in += 32 + len, out += 192, again
  "5b 6000 f3", //                                     RETURN(0, out)
];
export const BULK_CODE = `0x${OPCODES.join("").replaceAll(" ", "")}`;

const WORD_DIGITS = 64;
const RECORD_WORDS = 6;
const DATA_WORDS = 4;
/** So that a batch of evaluations stays below a transaction's gas, and the records below the scratch memory. */
const BATCH = 80;

const word = (value: bigint | number): string => value.toString(16).padStart(WORD_DIGITS, "0");

const ask = async (provider: Provider, target: string, calls: readonly string[]): Promise<Answers> => {
  const parts = calls.map((call) => word((call.length - 2) / 2) + call.slice(2));
  const data = `0x${word(BigInt(target))}${parts.join("")}`;
  const words = (await provider.call({ to: BULK, data, blockTag: "latest" })).slice(2).match(/.{64}/g) ?? [];
  const answers = calls.map((_, i): Answer => {
    const at = 1 + RECORD_WORDS * i;
    const length = Math.min(Number(BigInt(`0x${words[at + 1] ?? ""}`)), (DATA_WORDS * WORD_DIGITS) / 2);
    const bytes = words.slice(at + 2, at + 2 + DATA_WORDS).join("");
    return { ok: BigInt(`0x${words[at] ?? ""}`) === 1n, data: `0x${bytes.slice(0, 2 * length)}` };
  });
  return { time: BigInt(`0x${words[0] ?? ""}`), answers };
};

/** All calls at the latest block, in order. The chain must carry {@link BULK_CODE} at {@link BULK}. */
export const bulk = async (provider: Provider, target: string, calls: readonly string[]): Promise<Answers> => {
  const first = await ask(provider, target, calls.slice(0, BATCH));
  const answers = [...first.answers];
  for (let i = BATCH; i < calls.length; i += BATCH) {
    answers.push(...(await ask(provider, target, calls.slice(i, i + BATCH))).answers);
  }
  return { time: first.time, answers };
};

/** A word of an answer, signed. */
export const signedWord = ({ data }: Answer, place: number): bigint =>
  BigInt.asIntN(256, BigInt(`0x${data.slice(2 + WORD_DIGITS * place, 2 + WORD_DIGITS * (place + 1))}`));

const plain = (value: unknown): ErrorArgument =>
  typeof value === "bigint" || typeof value === "boolean" ? value : String(value).toLowerCase();

/** An error as `Name(arguments)`, however it was found. */
export const errorText = (name: string, args: readonly unknown[]): string =>
  `${name}(${args.map((value) => String(plain(value))).join(",")})`;

/** The custom error of an answer that failed. */
export const errorOf = (types: Interface, { data }: Answer): string => {
  const parsed = types.parseError(data);
  return parsed === null ? `unknown error ${data}` : errorText(parsed.name, [...(parsed.args as Iterable<unknown>)]);
};
