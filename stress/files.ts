// Files that are written whole or not at all.
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** All of them stand at their places, or none was touched before the last was on the disk. By name, below `directory`. */
export function writeAll(directory: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(dirname(directory), { recursive: true });
  // On the same disk, so that moving them is one step each.
  const aside = mkdtempSync(join(dirname(directory), ".writing-"));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(aside, name), text);
    mkdirSync(directory, { recursive: true });
    for (const name of Object.keys(files)) renameSync(join(aside, name), join(directory, name));
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}
