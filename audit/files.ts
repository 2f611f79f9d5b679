// A report is there whole or not at all.
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

import { UsageError } from "./chain.ts";

/** Writes all files, or none: each stands complete beside its place before the first is moved there. */
export const writeWhole = (files: readonly { readonly file: string; readonly text: string }[]): void => {
  const written: { from: string; to: string }[] = [];
  try {
    for (const { file, text } of files) {
      mkdirSync(dirname(file), { recursive: true });
      const from = join(dirname(file), `.${basename(file)}.${process.pid}.part`);
      written.push({ from, to: file });
      writeFileSync(from, text);
    }
    for (const { from, to } of written) renameSync(from, to);
  } catch (error) {
    for (const { from } of written) rmSync(from, { force: true });
    throw new UsageError(`--out: cannot write: ${error instanceof Error ? error.message : String(error)}`);
  }
};
