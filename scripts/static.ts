// Everything that reads the contracts without running them: `npm run static [-- --skip lint,layout,forge,smt]`. Exit code 1 when
// one of them says something that docs/security.md does not explain.
import { execFileSync } from "node:child_process";
import { parseArgs } from "node:util";

import { checkForge } from "./static/forge.ts";
import { checkMaths } from "./static/smt.ts";

const { values } = parseArgs({ options: { skip: { type: "string", default: "" } } });
const skipped = new Set(values.skip.split(","));

const run = (command: string, args: readonly string[]): string[] => {
  try {
    execFileSync(command, args, { stdio: "inherit" });
    return [];
  } catch {
    return [`${[command, ...args].join(" ")} failed`];
  }
};

const checks: Record<string, () => string[]> = {
  lint: () => run("npm", ["run", "--silent", "lint:sol"]),
  layout: () => run("hardhat", ["test", "mocha", "--no-compile", "test/storage-layout.ts"]),
  forge: checkForge,
  smt: checkMaths,
};

const faults: string[] = [];
for (const [name, check] of Object.entries(checks)) {
  if (skipped.has(name)) continue;
  console.log(`--- ${name}`);
  const found = check();
  faults.push(...found);
  console.log(found.length === 0 ? "nothing new" : found.join("\n"));
}
if (faults.length > 0) process.exitCode = 1;
