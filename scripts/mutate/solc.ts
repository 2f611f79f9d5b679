// The npm compiler, called directly: for the syntax trees, and for the one build that carries all mutants.
import { existsSync, globSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";

import type { Artifact } from "@nomicfoundation/edr";

import type { SyntaxNode } from "./find.ts";

const require = createRequire(import.meta.url);

interface LinkReferences {
  [file: string]: { [library: string]: { start: number; length: number }[] };
}
interface Bytecode {
  object: string;
  linkReferences: LinkReferences;
}
interface Output {
  errors?: { severity: string; formattedMessage: string }[];
  sources: Record<string, { ast: SyntaxNode }>;
  contracts?: Record<
    string,
    Record<string, { abi: unknown[]; evm: { bytecode: Bytecode; deployedBytecode: Bytecode } }>
  >;
}
interface Compiler {
  compile(input: string, callbacks: { import: (path: string) => { contents: string } | { error: string } }): string;
  version(): string;
}

/** As hardhat.config.ts compiles for the tests. */
const SETTINGS = { evmVersion: "cancun", viaIR: false, optimizer: { enabled: true, runs: 200 } };

const readImport = (path: string): { contents: string } | { error: string } => {
  for (const file of [path, `node_modules/${path}`]) {
    if (existsSync(file)) return { contents: readFileSync(file, "utf8") };
  }
  return { error: `${path} is not there` };
};

const remappings = (): string[] =>
  readFileSync("remappings.txt", "utf8")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");

const run = (sources: Record<string, string>, outputSelection: unknown): Output => {
  const solc = require("solc") as Compiler;
  const input = {
    language: "Solidity",
    sources: Object.fromEntries(Object.entries(sources).map(([file, content]) => [file, { content }])),
    settings: { ...SETTINGS, remappings: remappings(), outputSelection },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: readImport })) as Output;
  const errors = (output.errors ?? []).filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw new Error(errors.map(({ formattedMessage }) => formattedMessage).join("\n"));
  return output;
};

/** Every Solidity file of the project, by path from its root. */
export const readSources = (): Record<string, string> =>
  Object.fromEntries(
    globSync("contracts/**/*.sol")
      .sort()
      .map((file) => [file, readFileSync(file, "utf8")]),
  );

/** With types and references resolved, of all files and what they import. */
export const parse = (sources: Record<string, string>): Record<string, SyntaxNode> => {
  const { sources: parsed } = run(sources, { "*": { "": ["ast"] } });
  return Object.fromEntries(Object.entries(parsed).map(([file, { ast }]) => [file, ast]));
};

const CODE = [
  "abi",
  "evm.bytecode.object",
  "evm.bytecode.linkReferences",
  "evm.deployedBytecode.object",
  "evm.deployedBytecode.linkReferences",
];

/** All contracts, or those of some files. Throws the compiler's errors. */
export const compile = (sources: Record<string, string>, files: readonly string[] = ["*"]): Artifact[] => {
  const { contracts = {} } = run(sources, Object.fromEntries(files.map((file) => [file, { "*": CODE }])));
  const artifacts: Artifact[] = [];
  for (const [source, members] of Object.entries(contracts)) {
    for (const [name, { abi, evm }] of Object.entries(members)) {
      artifacts.push({
        id: { name, source, solcVersion: (require("solc/package.json") as { version: string }).version },
        contract: {
          abi: JSON.stringify(abi),
          bytecode: `0x${evm.bytecode.object}`,
          linkReferences: evm.bytecode.linkReferences,
          deployedBytecode: `0x${evm.deployedBytecode.object}`,
          deployedLinkReferences: evm.deployedBytecode.linkReferences,
        },
      });
    }
  }
  return artifacts;
};
