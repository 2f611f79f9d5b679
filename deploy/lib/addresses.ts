// The file that a deployment leaves behind: where everything is. Scripts, keeper and SDK read it.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { type Deployment, parseDeployment } from "../../sdk/addresses.ts";

export {
  type DeployedAsset,
  type DeployedContracts,
  type DeployedUnderlying,
  type Deployment,
  derivativeContracts,
  type DerivativeContracts,
  type UniswapDeployment,
} from "../../sdk/addresses.ts";

const DIRECTORY = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "deployments");

export const deploymentFile = (chainId: number, directory = DIRECTORY): string => join(directory, `${chainId}.json`);

export const writeDeployment = (deployment: Deployment, directory = DIRECTORY): string => {
  mkdirSync(directory, { recursive: true });
  const file = deploymentFile(deployment.chainId, directory);
  writeFileSync(file, `${JSON.stringify(deployment, null, 2)}\n`);
  return file;
};

/** What was deployed on a chain; throws with the way out when nothing was. */
export const readDeployment = (chainId: number, directory = DIRECTORY): Deployment => {
  const file = deploymentFile(chainId, directory);
  if (!existsSync(file)) {
    throw new Error(`nothing is deployed on chain ${chainId} (no ${file}): run \`npm run deploy -- --rpc URL\` first`);
  }
  return parseDeployment(JSON.parse(readFileSync(file, "utf8")));
};
