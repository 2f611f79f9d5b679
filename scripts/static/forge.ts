// `forge lint`, where forge is installed, compared with the findings that docs/security.md explains: more of a kind in a file than
// there were, and somebody has to look.
import { spawnSync } from "node:child_process";
import { accessSync, constants, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";

const require = createRequire(import.meta.url);
const ACCEPTED = new URL("./accepted.json", import.meta.url);

const isProgram = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

const findForge = (): string | undefined => {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  try {
    const arch = process.arch === "x64" ? "amd64" : process.arch;
    folders.unshift(
      join(dirname(require.resolve(`@foundry-rs/forge-${process.platform}-${arch}/package.json`)), "bin"),
    );
  } catch {
    // not installed as a package
  }
  return folders.map((folder) => join(folder, "forge")).find(isProgram);
};

/** Forge wants a program; ours is a package. */
const writeCompiler = (folder: string): string => {
  const file = join(folder, "solc");
  const text = `#!${process.execPath}
const solc = require(${JSON.stringify(require.resolve("solc"))});
if (process.argv.includes("--version")) {
  console.log("solc, the solidity compiler commandline interface\\nVersion: " + solc.version());
} else {
  let input = "";
  process.stdin.on("data", (data) => (input += data));
  process.stdin.on("end", () => process.stdout.write(solc.compile(input)));
}
`;
  writeFileSync(file, text, { mode: 0o755 });
  return file;
};

/** Findings by file and lint, tests apart. */
export const countFindings = (output: string): Record<string, Record<string, number>> => {
  const counts: Record<string, Record<string, number>> = {};
  for (const [, lint, file] of output.matchAll(/^(?:warning|note|error)\[([\w-]+)\][^\n]*\n\s*╭▸ ([^:\n]+):/gm)) {
    if (lint === undefined || file === undefined || /\.t\.sol$|\/test\//.test(file)) continue;
    const byLint = (counts[file] ??= {});
    byLint[lint] = (byLint[lint] ?? 0) + 1;
  }
  return counts;
};

const lint = (forge: string): string => {
  const folder = mkdtempSync(join(tmpdir(), "plimsoll-forge-"));
  try {
    const config = join(folder, "foundry.toml");
    writeFileSync(
      config,
      `[profile.default]
src = "contracts"
test = "contracts/test"
out = ${JSON.stringify(join(folder, "out"))}
cache_path = ${JSON.stringify(join(folder, "cache"))}
libs = ["node_modules"]
solc = ${JSON.stringify(writeCompiler(folder))}
evm_version = "cancun"
`,
    );
    const env = { ...process.env, FOUNDRY_CONFIG: config, NO_COLOR: "1" };
    const { stdout, stderr, error } = spawnSync(forge, ["lint", "--offline", "--root", resolve(".")], {
      env,
      encoding: "utf8",
      maxBuffer: 1 << 28,
    });
    if (error !== undefined) throw error;
    return stdout + stderr;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** @return Findings that are new. `UPDATE=1` accepts them. */
export const checkForge = (): string[] => {
  const forge = findForge();
  if (forge === undefined) {
    console.log("forge is not here: `npm i --no-save @foundry-rs/forge-linux-amd64@1.7.1`, or Foundry on the PATH");
    return [];
  }
  const output = lint(forge);
  const counts = countFindings(output);
  const total = Object.values(counts)
    .flatMap(Object.values)
    .reduce((sum: number, n) => sum + Number(n), 0);
  if (total === 0)
    return [`forge lint found nothing at all, so it did not read the contracts:\n${output.slice(0, 2_000)}`];
  console.log(`${total} findings`);
  if (process.env["UPDATE"] === "1") {
    const sorted = Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)));
    writeFileSync(ACCEPTED, `${JSON.stringify(sorted, null, 2)}\n`);
    return [];
  }
  const accepted = JSON.parse(readFileSync(ACCEPTED, "utf8")) as typeof counts;
  return Object.entries(counts).flatMap(([file, byLint]) =>
    Object.entries(byLint)
      .filter(([name, count]) => count > (accepted[file]?.[name] ?? 0))
      .map(([name, count]) => `${file}: ${count} × ${name}, accepted are ${accepted[file]?.[name] ?? 0}`),
  );
};
