// Who may call what of every contract of a deployment, and after how long, read from the chain: `npm run roles [-- --rpc URL]`.
// Exit code 1 when the deployer has a right left, or any function of any contract is not with the owner that the lists name.
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
