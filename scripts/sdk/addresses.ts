// The deployments that the package ships.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { parseDeployment } from "../../sdk/addresses.ts";

/** Everybody's local network has this number: an address on one says nothing about another. */
const LOCAL_CHAIN_ID = 31_337;

/** Replaces the repository's empty list with the files of `deployments/`. */
export const writeAddresses = ({ root, stage }: { root: string; stage: string }): void => {
  const folder = join(root, "deployments");
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => /^\d+\.json$/.test(name)) : [];
  const deployments = files
    .map((name) => parseDeployment(JSON.parse(readFileSync(join(folder, name), "utf8"))))
    .filter(({ chainId }) => chainId !== LOCAL_CHAIN_ID)
    .sort((a, b) => a.chainId - b.chainId);
  const list = Object.fromEntries(deployments.map((deployment) => [deployment.chainId, deployment]));
  writeFileSync(
    join(stage, "deployments.ts"),
    `import type { Deployment } from "./addresses.ts";\n\n` +
      `/** What is deployed, by chain id. */\n` +
      `export const DEPLOYMENTS: Readonly<Record<number, Deployment>> = ${JSON.stringify(list, null, 2)};\n`,
  );
};
