// One question to storage, and how its answer is judged.
import { Interface } from "ethers";

/** One question to storage: a view, or a slot. */
export interface Check {
  readonly subject: string;
  readonly what: string;
  readonly to: string;
  readonly abi: Interface;
  readonly view: string;
  readonly args: readonly unknown[];
  /** Read as it is, where no view says it; then `view` only names it. */
  readonly slot?: string;
  /** What is wrong with the answer, if anything. */
  readonly judge: (answer: readonly unknown[]) => readonly string[];
}

export type Plain = string | number | bigint | boolean;

/** Numbers by value, addresses whatever their case. */
export const norm = (value: unknown): string => (typeof value === "string" ? value.toLowerCase() : String(value));

export const same =
  (what: string, ...expected: readonly Plain[]) =>
  (answer: readonly unknown[]): string[] =>
    expected.flatMap((value, i) =>
      norm(answer[i]) === norm(value) ? [] : [`${what}: events say ${norm(value)}, storage says ${norm(answer[i])}`],
    );

export const ZERO_ADDRESS = `0x${"0".repeat(40)}`;

/** What an asset is called in findings. */
export type AssetName = (asset: number) => string;

export type Fields = Readonly<Record<string, unknown>>;

export const fieldDifferences = (stored: Fields, expected: Readonly<Record<string, Plain>>): string[] =>
  Object.entries(expected).flatMap(([field, value]) => same(field, value)([stored[field]]));

const TOKEN = new Interface(["function balanceOf(address) view returns (uint256)"]);

export const tokenCheck = (
  subject: string,
  token: string,
  holder: string,
  amount: bigint,
  what: string,
  atLeast = false,
): Check => ({
  subject,
  what,
  to: token,
  abi: TOKEN,
  view: "balanceOf",
  args: [holder],
  judge: (answer) => (atLeast && (answer[0] as bigint) >= amount ? [] : same(what, amount)(answer)),
});
