// Who may do what on a deployment, read from the chain: `npm run roles [-- --rpc URL]`. Exit code 1 when the deployer has
// a right left or a restricted function is not with its owner.
import { parseArgs } from "node:util";

import { JsonRpcProvider } from "ethers";

import { readDeployment } from "../deploy/lib/addresses.ts";
import { formatHandover, readHandover } from "../deploy/lib/handoverProof.ts";

const { values } = parseArgs({ options: { rpc: { type: "string", default: "http://127.0.0.1:8545" } } });

const provider = new JsonRpcProvider(values.rpc);
try {
  const { chainId } = await provider.getNetwork();
  const report = await readHandover(provider, readDeployment(Number(chainId)));
  console.log(formatHandover(report));
  if (report.faults.length > 0) process.exitCode = 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  provider.destroy();
}
