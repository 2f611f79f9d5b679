// Deploys a network and writes deployments/<chain id>.json.
//
//   npm run deploy:local                                   a local node on port 8545, from its unlocked account
//   npm run deploy -- --rpc URL                            the same, elsewhere
//   npm run deploy -- --rpc URL --config FILE --governor ADDRESS --guardian ADDRESS --risk-steward ADDRESS --fee-collector ADDRESS
//     [--attester ADDRESS]... [--threshold K]              with perps and options: K of these sign forwards, premiums and smiles
//
// The key comes from DEPLOYER_KEY in the environment or in Hardhat's keystore (`npx hardhat keystore set DEPLOYER_KEY`),
// never from an argument. Running it again changes nothing, or finishes what was interrupted.
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

import hre from "hardhat";
import { configVariable } from "hardhat/config";

import type { AttestersConfig } from "../deploy/config/derivatives.ts";
import { LOCAL_POOL_SEED } from "../deploy/config/localDerivatives.ts";
import type { Address, GovernanceConfig, NetworkConfig } from "../deploy/config/types.ts";
import { type Deployment, writeDeployment } from "../deploy/lib/addresses.ts";
import { deployLocal, deployPlimsoll } from "../deploy/lib/deploy.ts";
import { formatHandover, readHandover } from "../deploy/lib/handoverProof.ts";
import { LOCAL_CHAIN_ID } from "../deploy/lib/localNetwork.ts";

type Holders = Omit<GovernanceConfig, "timelockDelay">;

const { values } = parseArgs({
  options: {
    rpc: { type: "string", default: "http://127.0.0.1:8545" },
    config: { type: "string" },
    governor: { type: "string" },
    guardian: { type: "string" },
    "risk-steward": { type: "string" },
    "fee-collector": { type: "string" },
    attester: { type: "string", multiple: true },
    threshold: { type: "string" },
    quiet: { type: "boolean", default: false },
  },
});

const address = (name: "governor" | "guardian" | "risk-steward" | "fee-collector"): Address => {
  const value = values[name];
  if (value === undefined) throw new Error(`say who is the ${name}: --${name} ADDRESS`);
  return value as Address; // validateConfig looks at it
};

const attesters = (): AttestersConfig | undefined => {
  const signers = values.attester;
  if (signers === undefined) return undefined;
  if (values.threshold === undefined) throw new Error("say how many attesters have to sign: --threshold K");
  return { signers: signers as Address[], threshold: Number(values.threshold) };
};

const readConfig = async (file: string): Promise<NetworkConfig> => {
  const { default: configure } = (await import(pathToFileURL(resolve(file)).href)) as {
    default: (holders: Holders, attesters?: AttestersConfig) => NetworkConfig;
  };
  const holders = {
    governor: address("governor"),
    guardian: address("guardian"),
    riskSteward: address("risk-steward"),
    feeCollector: address("fee-collector"),
  };
  return configure(holders, attesters());
};

const main = async () => {
  const isLocal = values.config === undefined;
  const connection = await hre.network.create({
    network: "localhost",
    override: { url: values.rpc, accounts: isLocal ? "remote" : [configVariable("DEPLOYER_KEY")] },
  });
  try {
    const { chainId } = await connection.ethers.provider.getNetwork();
    if (isLocal && Number(chainId) !== LOCAL_CHAIN_ID) {
      throw new Error(
        `${values.rpc} is chain ${chainId}, not a local network: name its configuration with --config FILE`,
      );
    }
    const options = { displayUi: !values.quiet };
    // so that a local network has prices on-chain from the start
    const local = { ...options, poolSeed: LOCAL_POOL_SEED };
    const deployment: Deployment =
      values.config === undefined
        ? await deployLocal(connection, local)
        : await deployPlimsoll(connection, await readConfig(values.config), options);

    console.log(`\nAddresses: ${writeDeployment(deployment)}\n`);
    const report = await readHandover(connection.ethers.provider, deployment);
    console.log(formatHandover(report));
    if (report.faults.length > 0) process.exitCode = 1;
  } finally {
    await connection.close();
  }
};

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
