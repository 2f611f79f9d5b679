import { indexOf } from "../../../sdk/ids.ts";

/** What its owner calls it in this browser; else "Main account", "Account 2". */
export const nameOf = (account: string, names: Readonly<Record<string, string>>): string => {
  const own = names[account];
  if (own !== undefined && own !== "") return own;
  const index = indexOf(account);
  return index === 0n ? "Main account" : `Account ${index + 1n}`;
};
