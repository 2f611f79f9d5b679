// Installs the dependencies when they are missing or older than the lock file. Runs before every npm
// script that needs them, under whatever Node the machine has, so it imports nothing but Node itself.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const lock = join(root, "package-lock.json");
const installed = join(root, "node_modules", ".package-lock.json"); // npm writes it last

const isCurrent = () => statSync(installed).mtimeMs >= statSync(lock).mtimeMs;

// npm skips Hardhat's native module when it runs on Node < 22, and Hardhat then stops with HHE27. So install on 22,
// and repair what a plain `npm install` on an older Node has left.
const hasNativeModule = () =>
  readdirSync(join(root, "node_modules", "@nomicfoundation")).some((name) => name.startsWith("edr-"));

if (existsSync(installed) && isCurrent() && hasNativeModule()) process.exit(0);

const onOldNode = Number(process.versions.node.split(".")[0]) < 22;
const command = onOldNode ? "npx -y -p node@22 -p npm@11 -c 'npm ci'" : "npm ci";

console.log(`Installing dependencies: ${command}`);
const { status, error } = spawnSync(command, { cwd: root, shell: true, stdio: "inherit" });
if (status !== 0) {
  console.error(
    [
      "",
      `Could not install the dependencies${error ? `: ${error.message}` : ""}.`,
      "The first run needs the npm registry: check the network (`npm ping`) and the registry setting",
      "(`npm config get registry`), then run the same command again. Later runs need no network.",
    ].join("\n"),
  );
  process.exit(status ?? 1);
}
