import { fileURLToPath } from "node:url";

import toolbox from "@nomicfoundation/hardhat-toolbox-mocha-ethers";
import { defineConfig } from "hardhat/config";

import { buildInParts } from "./scripts/hardhat/build-in-parts.ts";
import { quietDependencies } from "./scripts/hardhat/quiet-dependencies.ts";

// The compiler is the npm package itself (wasm), so a build needs no download beyond `npm ci`.
const SOLC_VERSION = "0.8.37";
const SOLC_PATH = fileURLToPath(import.meta.resolve("solc/soljson.js"));

// Every chain we aim at has transient storage (EIP-1153); nothing newer is needed.
const EVM_VERSION = "cancun";

// Lower it if a contract outgrows EIP-170's 24,576 bytes.
const PRODUCTION_OPTIMIZER_RUNS = 400;

// One compilation for all files: apart, each would compile its imports again.
const compiler = (runs: number, viaIR: boolean) => ({
  isolated: false,
  version: SOLC_VERSION,
  path: SOLC_PATH,
  settings: { evmVersion: EVM_VERSION, viaIR, optimizer: { enabled: true, runs } },
});

// Production output stands apart, so that switching profiles does not recompile everything each time. Set BUILD_DIR
// to run two builds at once without one disturbing the other.
const isProduction = process.env["HARDHAT_BUILD_PROFILE"] === "production";
const buildDir = process.env["BUILD_DIR"] ?? (isProduction ? "./out/production" : ".");

// Fuzz and invariant effort, chosen by TEST_PROFILE (this Hardhat has no --test-profile yet); depth is
// calls per invariant run. Coverage keeps every trace in memory, so it gets few. For many, see scripts/deep.ts.
const TEST_PROFILES = {
  default: { runs: 256, depth: 64 },
  coverage: { runs: 16, depth: 16 },
} as const;

const isTestProfile = (name: string): name is keyof typeof TEST_PROFILES => Object.hasOwn(TEST_PROFILES, name);

const testProfile = process.env["TEST_PROFILE"] ?? "default";
if (!isTestProfile(testProfile)) {
  throw new Error(`TEST_PROFILE is "${testProfile}": use one of ${Object.keys(TEST_PROFILES).join(", ")}`);
}
const { runs, depth } = TEST_PROFILES[testProfile];

// Real limits: a contract over EIP-170's size must fail here, not on its first real chain.
const simulatedChain = {
  type: "edr-simulated",
  chainType: "l1",
  hardfork: EVM_VERSION,
  allowUnlimitedContractSize: false,
} as const;

export default defineConfig({
  plugins: [toolbox, quietDependencies, buildInParts],
  paths: {
    sources: "./contracts",
    tests: "./test",
    artifacts: `${buildDir}/artifacts`,
    cache: `${buildDir}/cache`,
    ignition: "./deploy",
  },
  typechain: { outDir: `${buildDir}/types/ethers-contracts` },
  solidity: {
    profiles: {
      default: compiler(200, false),
      production: compiler(PRODUCTION_OPTIMIZER_RUNS, true),
    },
    // Contracts of other houses that are deployed as they are.
    npmFilesToBuild: [
      "@chainlink/contracts/src/v0.8/shared/mocks/MockV3Aggregator.sol",
      "@openzeppelin/contracts/access/manager/AccessManager.sol",
      "@openzeppelin/contracts/access/manager/IAccessManaged.sol",
      "@openzeppelin/contracts/governance/TimelockController.sol",
      "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol",
      "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol",
      "@uniswap/v3-core/contracts/interfaces/IUniswapV3Factory.sol",
      "@uniswap/v3-core/contracts/interfaces/IUniswapV3Pool.sol",
      "@uniswap/v3-periphery/contracts/interfaces/ISwapRouter.sol",
      "solady/src/tokens/WETH.sol",
    ],
  },
  test: {
    mocha: { timeout: 120_000 },
    solidity: {
      // Every top-level call of a test is a transaction of its own. Otherwise transient storage would outlive
      // the call that wrote it, and a forgotten clean-up could not be told from a lock that works.
      isolate: true,
      fuzz: { runs },
      invariant: { runs, depth, failOnRevert: false },
    },
  },
  coverage: { skipFiles: ["contracts/test/**"] },
  networks: {
    default: simulatedChain, // a fresh one for every `network.create()`
    node: simulatedChain, // what `hardhat node` serves
    localhost: { type: "http", chainType: "l1", url: "http://127.0.0.1:8545" },
  },
});
