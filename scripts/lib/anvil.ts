// Where the anvil program is: the package for this platform, or what is on the PATH (Foundry's own installer puts it there).
import { accessSync, constants } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";

const require = createRequire(import.meta.url);

/** The registry that this project installs from has the program for Linux on x64 alone, so the lock file names only that one. */
const fromPackage = (): string | undefined => {
  try {
    const name = `@foundry-rs/anvil-${process.platform}-${process.arch === "x64" ? "amd64" : process.arch}`;
    return join(dirname(require.resolve(`${name}/package.json`)), "bin", "anvil");
  } catch {
    return undefined;
  }
};

const fromPath = (): string | undefined =>
  (process.env["PATH"] ?? "")
    .split(delimiter)
    .map((folder) => join(folder, process.platform === "win32" ? "anvil.exe" : "anvil"))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });

/** The program itself, not a wrapper: who kills the process kills anvil. Undefined: there is none. */
export const findAnvil = (): string | undefined => fromPackage() ?? fromPath();

/** What to tell somebody who has none. */
export const ANVIL_MISSING = "anvil is needed: install Foundry (foundryup), so that `anvil` is on the PATH";
