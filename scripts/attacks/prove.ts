// Takes the defences away, one at a time, and sees the attack's test fail: `npm run attacks:prove [-- --only NAME,NAME] [-- --write]`.
//
// All of them are put behind switches in one temporary copy of the sources and built together; which one is off is read from the
// block's coinbase, which the test runner sets. What is written in TypeScript is edited in a copy for each. A defence is proven when the
// attack's test passes while every defence stands (nobody gained) and fails with this one removed.
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import { type Defence, DEFENCES } from "./defences.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const SWITCH = "contracts/test/Removed.sol";
const PAGE = "docs/attacks.md";
const FIRST = 0xa77ac000n;

/** True in the run in which defence `k` is removed. Cast to pure, so that it can stand anywhere. */
const SWITCH_SOURCE = `// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

library Removed {
    function off(uint256 k) internal pure returns (bool) {
        return _pure(_off)(k);
    }

    function _off(uint256 k) private view returns (bool) {
        return uint160(address(block.coinbase)) == ${String(FIRST)} + k;
    }

    function _pure(
        function(uint256) view returns (bool) f
    ) private pure returns (function(uint256) pure returns (bool) g) {
        assembly ("memory-safe") {
            g := f
        }
    }
}
`;

const CONFIG = `import config from "./hardhat.config.ts";
const solidity = { ...config.test.solidity, coinbase: process.env["REMOVED"] };
export default { ...config, test: { ...config.test, solidity } };
`;

const coinbaseOf = (k: number): string => `0x${(FIRST + BigInt(k)).toString(16).padStart(40, "0")}`;

type Read = (file: string) => string;

const readSource: Read = (file) => readFileSync(join(ROOT, file), "utf8");

export const isSolidity = ({ edits }: Defence): boolean => edits.every(({ file }) => file.endsWith(".sol"));

/** The edited sources, with `off` of the defence's number for OFF; complains of a text that is not there exactly once. */
const edited = (defences: readonly Defence[], off: (k: number) => string, read: Read): Map<string, string> => {
  const files = new Map<string, string>();
  for (const [k, { name, edits }] of defences.entries()) {
    if (!edits.some(({ replace }) => /\bOFF\b/.test(replace))) throw new Error(`${name}: nothing is switched`);
    for (const { file, find, replace } of edits) {
      const source = files.get(file) ?? read(file);
      if (source.split(find).length !== 2) throw new Error(`${name}: not exactly once in ${file}: ${find}`);
      files.set(
        file,
        source.replace(find, () => replace.replace(/\bOFF\b/g, off(k))),
      );
    }
  }
  return files;
};

/** The sources without a defence. */
export const without = (defence: Defence, read: Read): Map<string, string> => edited([defence], () => "true", read);

/** The Solidity sources with every defence behind its switch. */
export const switched = (defences: readonly Defence[], read: Read): Map<string, string> => {
  const files = edited(defences, (k) => `Removed.off(${String(k)})`, read);
  for (const [file, source] of files) {
    const path = relative(dirname(file), SWITCH);
    const use = `import {Removed} from "${path.startsWith(".") ? path : `./${path}`}";\n`;
    files.set(file, source.replace(/^(pragma solidity [^\n]*\n)/m, `$1\n${use}`));
  }
  return files;
};

const writeAll = (copy: string, files: Map<string, string>): void => {
  for (const [file, source] of files) writeFileSync(join(copy, file), source);
};

/** A copy of what the attacks in Solidity need, switches in place. */
const makeCopy = (defences: readonly Defence[]): string => {
  const copy = mkdtempSync(join(tmpdir(), "attacks-"));
  const parts = ["contracts", "test/attacks", "scripts/hardhat", "hardhat.config.ts", "package.json", "remappings.txt"];
  for (const part of parts) cpSync(join(ROOT, part), join(copy, part), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
  writeFileSync(join(copy, SWITCH), SWITCH_SOURCE);
  writeFileSync(join(copy, "hardhat.removed.ts"), CONFIG);
  writeAll(copy, switched(defences, readSource));
  return copy;
};

/** A copy of everything, with what was built here, for attacks in TypeScript. */
const makeWholeCopy = (files: Map<string, string>): string => {
  const copy = mkdtempSync(join(tmpdir(), "attacks-"));
  const tracked = execFileSync("git", ["ls-files", "-co", "--exclude-standard"], { cwd: ROOT, encoding: "utf8" });
  for (const file of tracked.split("\n")) {
    if (file === "" || file === "node_modules") continue;
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(ROOT, file), join(copy, file));
  }
  for (const built of ["node_modules", "artifacts", "cache", "types"])
    symlinkSync(join(ROOT, built), join(copy, built));
  writeAll(copy, files);
  return copy;
};

interface Run {
  readonly passed: number;
  readonly failed: readonly string[];
  readonly output: string;
}

const hardhat = (copy: string, args: readonly string[], coinbase = ""): Run => {
  const { stdout, stderr } = spawnSync(join(ROOT, "node_modules/.bin/hardhat"), args, {
    cwd: copy,
    env: { ...process.env, REMOVED: coinbase, NO_COLOR: "1" },
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  const output = stdout + stderr;
  return {
    passed: (output.match(/^ +✔ /gm) ?? []).length,
    failed: [...output.matchAll(/^ {4,}\d+\) ([^\n]*?)(?:\(.*)?$/gm)].map(([, name]) => name ?? ""),
    output,
  };
};

const runSolidity = (copy: string, files: readonly string[], coinbase: string, compile: boolean): Run => {
  const quick = compile ? [] : ["--no-compile"];
  return hardhat(copy, ["--config", "hardhat.removed.ts", "test", "solidity", ...quick, ...files], coinbase);
};

const runMocha = (copy: string, file: string): Run => hardhat(copy, ["test", "mocha", "--no-compile", file]);

const fileOf = (attack: string): string =>
  existsSync(join(ROOT, `test/attacks/${attack}.t.sol`)) ? `test/attacks/${attack}.t.sol` : `test/attacks/${attack}.ts`;

/** First sentences of the header: what the page says of an attack. */
const titleOf = (attack: string): string => {
  const title = /(?:@title|\/\/) Attack: ([^.\n]*)/.exec(readSource(fileOf(attack)))?.[1] ?? attack;
  return title.charAt(0).toUpperCase() + title.slice(1);
};

const page = (rows: readonly string[]): string => `# Attacks

One file of \`test/attacks\` per attack. Its head says what is tried, what defends, and what it would bring without. Each is tried with
capital as it likes and in many steps; the test asks that the attacker gained nothing, or no more than the documented discount, and that
nobody else lost.

\`npm run attacks:prove\` takes each defence away (\`scripts/attacks/defences.ts\`) and runs the attack again: it must come through, or the
test would prove nothing. Written by \`npm run attacks:prove -- --write\`.

| attack | taken away | where | the test then fails |
| --- | --- | --- | --- |
${rows.join("\n")}

## What stays

- Staking: within an open window, and before anybody has started the auction that makes a loss known, a staker may leave.
- An account and its mirror: who is long in one account and short in another has one of them bankrupt after a gap that is larger than its
  requirement, and the fund pays for it. No rule about accounts prevents that; the requirement is sized for the gap.
- A price that is fresh, inside its bounds and wrong is believed where there is no second source
  ([threat model](threat-model.md#what-is-trusted)).
- A token that takes a fee or rebases only after its listing can make its own pool short, and no other.
- Who borrows equity for ten minutes, not for one transaction, ranks lower for auto-deleveraging by it.
`;

const startOf = ({ attack, what }: Defence): string => `| [${titleOf(attack)}](../${fileOf(attack)}) | ${what} |`;

/** A line of the page: the tests that fail without the defence; undefined: not run yet. */
export const rowOf = (defence: Defence, failed: readonly string[] | undefined): string => {
  const where = [...new Set(defence.edits.map(({ file }) => `\`${file}\``))].join(", ");
  const names = failed?.map((test) => `\`${test}\``).join(", ");
  const tests = names === undefined ? "not run yet" : names === "" ? "**no**" : `yes: ${names}`;
  return `${startOf(defence)} ${where} | ${tests} |`;
};

/** The rows of the page as it is, and the new ones in their places. */
const merged = (rows: readonly string[]): string[] => {
  const old = existsSync(join(ROOT, PAGE)) ? readSource(PAGE).split("\n") : [];
  return DEFENCES.map((defence) => {
    const start = startOf(defence);
    const row = [...rows, ...old].find((each) => each.replace(/ +/g, " ").startsWith(start));
    return row?.replace(/ +/g, " ") ?? rowOf(defence, undefined);
  });
};

export const write = (rows: readonly string[]): void => {
  writeFileSync(join(ROOT, PAGE), page(merged(rows)));
  execFileSync(join(ROOT, "node_modules/.bin/prettier"), ["--log-level", "warn", "--write", PAGE], { cwd: ROOT });
};

const options = (name: string): string | undefined => {
  const at = process.argv.indexOf(name) + 1;
  return at === 0 ? undefined : process.argv[at];
};

/** Without it the test must fail; tells whether it did. */
const report = (defence: Defence, { failed, passed, output }: Run, rows: string[]): boolean => {
  const { name, attack } = defence;
  if (failed.length === 0 && passed === 0) throw new Error(`${name}: nothing ran\n${output.slice(-2_000)}`);
  console.log(`${failed.length === 0 ? "NOT PROVEN" : "proven    "} ${attack}: ${name}: ${failed.join(", ")}`);
  rows.push(rowOf(defence, failed));
  return failed.length !== 0;
};

const requireWhole = ({ passed, failed, output }: Run): void => {
  if (failed.length === 0 && passed !== 0) return;
  console.error(output.slice(-6_000));
  throw new Error("the attacks must fail to bring anything while every defence stands");
};

const proveSolidity = (defences: readonly Defence[], rows: string[]): number => {
  if (defences.length === 0) return 0;
  const copy = makeCopy(defences);
  try {
    const files = [...new Set(defences.map(({ attack }) => fileOf(attack)))];
    requireWhole(runSolidity(copy, files, coinbaseOf(defences.length), true));
    const one = (k: number, attack: string) => runSolidity(copy, [fileOf(attack)], coinbaseOf(k), false);
    return defences.filter((defence, k) => !report(defence, one(k, defence.attack), rows)).length;
  } finally {
    if (process.argv.includes("--keep")) console.log(copy);
    else rmSync(copy, { recursive: true, force: true });
  }
};

const inCopy = (files: Map<string, string>, attack: string): Run => {
  const copy = makeWholeCopy(files);
  try {
    return runMocha(copy, fileOf(attack));
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
};

const main = (): number => {
  const named = options("--only")?.split(",");
  const chosen = DEFENCES.filter(({ name, attack }) => named?.some((each) => each === name || each === attack) ?? true);
  if (chosen.length === 0) throw new Error(`no defence or attack of the name ${String(named)}`);
  const rows: string[] = [];
  let unproven = proveSolidity(chosen.filter(isSolidity), rows);
  for (const defence of chosen.filter((each) => !isSolidity(each))) {
    requireWhole(inCopy(new Map(), defence.attack));
    if (!report(defence, inCopy(without(defence, readSource), defence.attack), rows)) ++unproven;
  }
  if (process.argv.includes("--write")) write(rows);
  return unproven === 0 ? 0 : 1;
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) process.exitCode = main();
