// What a view says or refuses, and what its mirror says or refuses, in one form, to be compared whole.
import type { BaseContract, Interface } from "ethers";

import { attempt } from "../../sdk/mirror/errors.ts";

export interface Answer {
  readonly error?: string;
  readonly value?: unknown;
}

interface Asked {
  request(call: { method: string; params: unknown[] }): Promise<unknown>;
}

const PANIC = "0x4e487b71";

const dataOf = (error: unknown): string | undefined => {
  if (typeof error !== "object" || error === null) return undefined;
  const { data, cause } = error as { data?: unknown; cause?: unknown };
  if (typeof data === "string" && data.startsWith("0x")) return data;
  if (typeof data === "object" && data !== null) return dataOf(data);
  return dataOf(cause);
};

/** Asks a view by `eth_call`; a custom error comes back by its name and arguments. `others`: who else may be heard through it. */
export async function chainAnswer(
  provider: Asked,
  contract: BaseContract,
  name: string,
  args: readonly unknown[],
  others: readonly Interface[] = [],
): Promise<Answer> {
  const face = contract.interface;
  const data = face.encodeFunctionData(name, args);
  const to = await contract.getAddress();
  try {
    const result = await provider.request({ method: "eth_call", params: [{ to, data }, "latest"] });
    return { value: face.decodeFunctionResult(name, result as string).toArray(true) };
  } catch (error) {
    const reason = dataOf(error);
    if (reason === undefined) throw error;
    if (reason.startsWith(PANIC)) return { error: `Panic(${BigInt(`0x${reason.slice(-64)}`)})` };
    const parsed = [face, ...others].map((each) => each.parseError(reason)).find((each) => each !== null);
    if (parsed === undefined || parsed === null) throw error;
    return { error: `${parsed.name}(${parsed.args.map(String).join(",")})` };
  }
}

/** The same of the mirror: what it gives, or what it refuses by. */
export function mirrorAnswer(call: () => unknown): Answer {
  const outcome = attempt(call);
  if (outcome.ok) return { value: outcome.value };
  const { errorName, args } = outcome.error;
  return { error: `${errorName}(${args.map(String).join(",")})` };
}
