// Runs compiled Solidity tests in this process, many times over with other settings. `hardhat test solidity` would load
// the configuration, the artifacts and the build's output anew for each run, which takes longer than most runs.
import { globSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import type { Artifact, ArtifactId, SolidityTestRunnerConfigArgs, SuiteResult } from "@nomicfoundation/edr";

// Hardhat's own engine, of the version that Hardhat has.
const require = createRequire(import.meta.resolve("hardhat"));
const edr = require("@nomicfoundation/edr") as typeof import("@nomicfoundation/edr");

export interface RunOptions {
  /** The mutant that is on: the block's coinbase. 0 for none. */
  readonly mutant?: number;
  readonly fuzzRuns: number;
  readonly invariantRuns: number;
  readonly depth: number;
  /** 32 bytes, hexadecimal. */
  readonly seed: string;
  /** Regular expression of test names; all when absent. */
  readonly only?: string;
  /** Regular expression of test names that are left out. */
  readonly without?: string;
  /** Attempts to find a shorter counterexample. */
  readonly shrink?: number;
  /** A folder that tests may write to. */
  readonly folder?: string;
}

export interface Failure {
  readonly suite: string;
  readonly test: string;
  readonly reason: string;
}

export interface RunResult {
  readonly failures: Failure[];
  readonly tests: number;
  /** Milliseconds for each suite, by name. */
  readonly times: Map<string, number>;
  readonly suites: SuiteResult[];
}

const PATIENCE_MS = 10_000;
const STEP_MS = 10;

const context = new edr.EdrContext();
let registered: Promise<void> | undefined;

/** Names of test functions, each with an open bracket, as patterns meet them. */
const testsOf = ({ contract: { bytecode, abi } }: Artifact): string[] => {
  if (bytecode === undefined || bytecode === "" || bytecode === "0x") return [];
  const members = JSON.parse(abi) as { type: string; name?: string }[];
  return members
    .filter(({ type, name }) => type === "function" && /^(test|invariant)/.test(name ?? ""))
    .map(({ name }) => `${name}(`);
};

/** Suites without a test of the wanted name are never told of. */
const hasTests = (artifacts: readonly Artifact[], { name, source }: ArtifactId, options: RunOptions): boolean => {
  const artifact = artifacts.find(({ id }) => id.name === name && id.source === source);
  return (artifact === undefined ? [] : testsOf(artifact)).some(
    (test) =>
      (options.only === undefined || new RegExp(options.only).test(test)) &&
      (options.without === undefined || !new RegExp(options.without).test(test)),
  );
};

/** The contracts that have tests. */
export const suitesOf = (artifacts: readonly Artifact[]): ArtifactId[] =>
  artifacts
    .filter((artifact) => artifact.id.source.endsWith(".t.sol") && testsOf(artifact).length > 0)
    .map(({ id }) => id);

interface HardhatArtifact {
  readonly contractName: string;
  readonly sourceName: string;
  readonly inputSourceName?: string;
  readonly buildInfoId: string;
  readonly abi: unknown[];
  readonly bytecode: string;
  readonly deployedBytecode: string;
  readonly linkReferences: Artifact["contract"]["linkReferences"];
  readonly deployedLinkReferences: Artifact["contract"]["deployedLinkReferences"];
}

/** What `hardhat build` has left. */
export const readArtifacts = (folder: string): Artifact[] =>
  globSync("**/*.json", { cwd: folder, exclude: (name) => name === "build-info" })
    .map((file) => JSON.parse(readFileSync(join(folder, file), "utf8")) as Partial<HardhatArtifact>)
    .filter((a): a is HardhatArtifact => a.abi !== undefined && a.buildInfoId !== undefined)
    .map((a) => ({
      id: {
        name: a.contractName,
        source: a.inputSourceName ?? a.sourceName,
        solcVersion: a.buildInfoId.replace(/^solc-(\d+)_(\d+)_(\d+)-.*$/, "$1.$2.$3"),
      },
      contract: {
        abi: JSON.stringify(a.abi),
        bytecode: a.bytecode,
        linkReferences: a.linkReferences,
        deployedBytecode: a.deployedBytecode,
        deployedLinkReferences: a.deployedLinkReferences,
      },
    }));

const addressOf = (mutant: number): Uint8Array => {
  const bytes = Buffer.alloc(20);
  bytes.writeUInt32BE(mutant, 16);
  return bytes;
};

/** As hardhat.config.ts has it: every top-level call is a transaction of its own, Cancun, no gas caps but the test's. */
const configOf = (options: RunOptions): SolidityTestRunnerConfigArgs => ({
  projectRoot: fileURLToPath(new URL("../..", import.meta.url)),
  hardfork: edr.CANCUN,
  isolate: true,
  localPredeploys: edr.l1GenesisState(edr.l1HardforkFromString(edr.CANCUN)),
  blockCoinbase: addressOf(options.mutant ?? 0),
  disableBlockGasLimit: true,
  disableTransactionGasCap: true,
  collectStackTraces: edr.CollectStackTraces.OnFailure,
  includeTraces: edr.IncludeTraces.None,
  fuzz: { runs: options.fuzzRuns, seed: options.seed },
  invariant: {
    runs: options.invariantRuns,
    depth: options.depth,
    failOnRevert: false,
    shrinkRunLimit: options.shrink ?? 0,
  },
  ...(options.only === undefined ? {} : { testPattern: options.only }),
  ...(options.folder === undefined
    ? {}
    : { fsPermissions: [{ access: edr.FsAccessPermission.DangerouslyReadWriteDirectory, path: options.folder }] }),
  ...(options.without === undefined ? {} : { excludeTestPattern: options.without }),
});

export const runSuites = async (
  artifacts: Artifact[],
  suites: ArtifactId[],
  options: RunOptions,
  onFailure?: (failure: Failure) => void,
): Promise<RunResult> => {
  registered ??= context.registerSolidityTestRunnerFactory(edr.L1_CHAIN_TYPE, edr.l1SolidityTestRunnerFactory());
  await registered;
  const failures: Failure[] = [];
  const times = new Map<string, number>();
  const results: SuiteResult[] = [];
  let tests = 0;
  const wanted = suites.filter((suite) => hasTests(artifacts, suite, options));
  if (wanted.length === 0) return { failures, tests, times, suites: results };
  await context.runSolidityTests(edr.L1_CHAIN_TYPE, artifacts, wanted, configOf(options), {}, (suite) => {
    results.push(suite);
    times.set(suite.id.name, Number(suite.durationNs / 1_000_000n));
    for (const test of suite.testResults) {
      tests++;
      if (test.status !== edr.TestStatus.Failure) continue;
      const failure = { suite: suite.id.name, test: test.name, reason: test.reason ?? "" };
      failures.push(failure);
      onFailure?.(failure);
    }
  });
  // The engine may say that it is done before it has told of the last suites.
  for (let waited = 0; results.length < wanted.length; waited += STEP_MS) {
    if (waited > PATIENCE_MS) throw new Error("the engine has not told of all suites");
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
  }
  return { failures, tests, times, suites: results };
};
