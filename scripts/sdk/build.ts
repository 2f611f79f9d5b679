// Builds the publishable package: `npm run build:sdk`. The sources of sdk/ are laid out in a folder of their own, together with
// bindings and ABIs of the last compilation and the addresses of deployments/, and compiled twice: to ES modules and to
// CommonJS, each with a package.json that says which it is. Nothing is bundled, so a consumer's tools see plain files.
import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";

import { writeAddresses } from "./addresses.ts";
import { writeBindings } from "./bindings.ts";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const SDK = join(ROOT, "sdk");
const STAGE = join(ROOT, "out", "sdk", "stage");

/** Folders of sdk/ that are not part of the program. */
const LEFT_OUT = new Set(["dist", "examples", "node_modules"]);

const FORMATS = [
  { name: "esm", type: "module" },
  { name: "cjs", type: "commonjs" },
] as const;

const layOut = (): void => {
  rmSync(STAGE, { recursive: true, force: true });
  mkdirSync(STAGE, { recursive: true });
  cpSync(SDK, STAGE, {
    recursive: true,
    filter: (path) => {
      const [first = ""] = relative(SDK, path).split(sep);
      return !LEFT_OUT.has(first) && (!path.includes(".") || !/\.(json|md|js)$/.test(path));
    },
  });
  writeBindings({ root: ROOT, stage: STAGE });
  writeAddresses({ root: ROOT, stage: STAGE });
};

const run = promisify(execFile);

/** One format. The stage's package.json decides what tsc emits, so the two cannot share a folder at the same time. */
const compile = async ({ name, type }: (typeof FORMATS)[number]): Promise<void> => {
  const stage = name === "esm" ? STAGE : `${STAGE}-${name}`;
  if (stage !== STAGE) {
    rmSync(stage, { recursive: true, force: true });
    cpSync(STAGE, stage, { recursive: true });
  }
  const outDir = join(SDK, "dist", name);
  writeFileSync(join(stage, "package.json"), `${JSON.stringify({ type })}\n`);
  writeFileSync(
    join(stage, "tsconfig.json"),
    JSON.stringify({
      compilerOptions: {
        target: "es2022",
        lib: ["es2023", "dom"],
        module: "nodenext",
        moduleResolution: "nodenext",
        moduleDetection: "force",
        types: [],
        strict: true,
        noUncheckedIndexedAccess: true,
        skipLibCheck: true,
        declaration: true,
        rewriteRelativeImportExtensions: true,
        resolveJsonModule: true,
        rootDir: stage,
        outDir,
      },
      include: ["**/*.ts"],
    }),
  );
  const tsc = fileURLToPath(import.meta.resolve("typescript/bin/tsc"));
  try {
    await run(process.execPath, [tsc, "-p", stage], { maxBuffer: 1 << 26 });
  } catch (error) {
    const said = (error as { stdout?: string }).stdout ?? "";
    throw new Error(`the package does not compile to ${name}:\n${said === "" ? String(error) : said}`, {
      cause: error,
    });
  }
  writeFileSync(join(outDir, "package.json"), `${JSON.stringify({ type, sideEffects: false })}\n`);
};

/** Makes `sdk/dist`; throws with the compiler's words when it cannot. */
export const buildSdk = async (): Promise<void> => {
  if (!existsSync(join(ROOT, "types", "ethers-contracts", "index.ts"))) {
    throw new Error("the contracts are not compiled yet: run `npm run build` first");
  }
  rmSync(join(SDK, "dist"), { recursive: true, force: true });
  layOut();
  cpSync(join(ROOT, "LICENSE"), join(SDK, "LICENSE"));
  for (const format of FORMATS) {
    await compile(format);
  }
};

const count = (folder: string): number => readdirSync(folder, { recursive: true }).length;

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    await buildSdk();
    const { name, version } = JSON.parse(readFileSync(join(SDK, "package.json"), "utf8")) as Record<string, string>;
    console.log(`${name} ${version}: sdk/dist, ${count(join(SDK, "dist"))} files. Pack it: npm pack ./sdk`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
