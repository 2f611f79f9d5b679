// What the examples share: `--rpc URL --deployment FILE`, the key in PRIVATE_KEY. In a project of your own the imports are
// "@plimsoll/sdk" and "@plimsoll/sdk/mirror".
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";

import { JsonRpcProvider, Wallet } from "ethers";

import { PlimsollClient } from "../index.ts";

export interface Setting {
  readonly client: PlimsollClient;
  /** The wallet's address and its account 0. */
  readonly owner: string;
  readonly account: string;
  /** Value of an option of this example's own. */
  readonly option: (name: string, fallback: string) => string;
  readonly close: () => Promise<void>;
}

/** Reads the command line and connects. `names`: options of the example's own. */
export const setUp = async (names: readonly string[]): Promise<Setting> => {
  const options = Object.fromEntries(
    ["rpc", "deployment", ...names].map((name) => [name, { type: "string" as const }]),
  );
  const { values } = parseArgs({ options });
  const { rpc = "http://127.0.0.1:8545", deployment } = values;
  const key = process.env["PRIVATE_KEY"];
  if (key === undefined) throw new Error("put the wallet's key into PRIVATE_KEY");
  const provider = new JsonRpcProvider(rpc);
  const client = await PlimsollClient.connect(new Wallet(key, provider), {
    // Left out, the package's own list of deployments is asked.
    ...(deployment !== undefined && { deployment: JSON.parse(readFileSync(deployment, "utf8")) as unknown }),
  });
  const close = async () => {
    await client.close();
    provider.destroy();
  };
  const account = await client.account();
  return {
    client,
    owner: new Wallet(key).address,
    account,
    option: (name, fallback) => values[name] ?? fallback,
    close,
  };
};

/** Runs an example; what it throws becomes one line and exit code 1. */
export const runExample = async (main: () => Promise<void>): Promise<void> => {
  try {
    await main();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
};
