// The package as a registry would get it.
import { execFile } from "node:child_process";
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const SDK = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "sdk");

/** Packs what {@link buildSdk} has built, without any network; says where the tarball is. */
export const packSdk = async (directory: string): Promise<string> => {
  mkdirSync(directory, { recursive: true });
  const command = ["pack", "--json", "--offline", "--ignore-scripts", "--pack-destination", directory];
  const { stdout } = await promisify(execFile)("npm", command, { cwd: SDK });
  const [packed] = JSON.parse(stdout) as { readonly filename: string }[];
  if (packed === undefined) throw new Error(`npm pack said nothing: ${stdout}`);
  return join(directory, packed.filename);
};
