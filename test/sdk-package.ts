// The published package, as those who install it find it: built and packed once, then put to use by tools and consumers in a folder
// of their own, without a network.
import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { expect } from "chai";

import { buildSdk } from "../scripts/sdk/build.ts";
import { packSdk } from "../scripts/sdk/pack.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const BIN = join(ROOT, "node_modules", ".bin");
const SUBPATHS = ["", "/mirror", "/abi", "/addresses", "/contracts"];
const MINUTES = 60_000;

const run = promisify(execFile);

interface Failure {
  readonly stdout?: string;
  readonly stderr?: string;
}

/** Runs a program; a failure shows what it said. */
const program = async (command: string, args: readonly string[], cwd: string): Promise<string> => {
  try {
    const { stdout } = await run(command, [...args], {
      cwd,
      maxBuffer: 1 << 26,
      env: { ...process.env, NO_COLOR: "1" },
    });
    return stdout;
  } catch (error) {
    const { stdout = "", stderr = "" } = error as Failure;
    throw new Error(`${command} ${args.join(" ")} failed:\n${stdout}${stderr}`, { cause: error });
  }
};

/** The same program in both module systems: every entry point is loaded, types are used, nothing is asked of a network. */
const BODY = `
const account: string = accountId("0x00000000000000000000000000000000000000a1");
const same: boolean = ownerOf(account) === "0x00000000000000000000000000000000000000a1";
const error: ContractError = decodeRevert("0x");
const doors: readonly { readonly type: string }[] = marginAccountsAbi;
const name: "AccountChanged" | undefined = marginAccountsAbi.find((each) => each.type === "event" && each.name === "AccountChanged")
  ?.name as "AccountChanged" | undefined;
const face = IMarginAccounts__factory.createInterface();
const empty: Account = emptyAccount(account);
const chains: number[] = knownChains();
console.log(JSON.stringify({
  same, error: error.kind, doors: doors.length > 50, name, deposit: face.getFunction("deposit").selector,
  purposes: [INITIAL, LIQUIDATION, MID], entries: empty.entries.length, weigh: typeof weigh, chains,
  connect: typeof PlimsollClient.connect,
}));
`;
const IMPORTS = [
  'import { accountId, type ContractError, decodeRevert, ownerOf, PlimsollClient } from "@plimsoll/sdk";',
  'import { type Account, emptyAccount, INITIAL, LIQUIDATION, MID, weigh } from "@plimsoll/sdk/mirror";',
  'import { marginAccountsAbi } from "@plimsoll/sdk/abi";',
  'import { knownChains } from "@plimsoll/sdk/addresses";',
  'import { IMarginAccounts__factory } from "@plimsoll/sdk/contracts";',
].join("\n");
const SAID = {
  same: true,
  error: "unknown",
  doors: true,
  name: "AccountChanged",
  deposit: "0x",
  purposes: [0, 1, 2],
  entries: 0,
  weigh: "function",
  chains: [],
  connect: "function",
};

/** Modules that a module of the package reaches by relative imports, and the packages that it asks for. */
const reach = (file: string, files = new Set<string>(), packages = new Set<string>()): Set<string> => {
  if (files.has(file)) return packages;
  files.add(file);
  for (const [, specifier = ""] of readFileSync(file, "utf8").matchAll(
    /^(?:import|export)\b(?:[^"';(=]*from )?\s*"([^"]+)";/gm,
  )) {
    if (specifier.startsWith(".")) reach(resolve(dirname(file), specifier), files, packages);
    else packages.add(specifier);
  }
  return packages;
};

describe("SDK package", function () {
  this.timeout(5 * MINUTES);
  let folder: string;
  let tarball: string;
  let installed: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "plimsoll-sdk-"));
    await buildSdk();
    tarball = await packSdk(folder);
    const modules = join(folder, "node_modules");
    installed = join(modules, "@plimsoll", "sdk");
    mkdirSync(installed, { recursive: true });
    await program("tar", ["-xzf", tarball, "-C", installed, "--strip-components=1"], folder);
    // The peer, and what it needs: as if they were installed beside it.
    for (const each of ["ethers", "@adraffy", "@noble", "aes-js", "tslib", "ws", "@types"]) {
      if (existsSync(join(ROOT, "node_modules", each)))
        symlinkSync(join(ROOT, "node_modules", each), join(modules, each));
    }
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  const consumer = (name: string, type: "module" | "commonjs", files: Readonly<Record<string, string>>): string => {
    const at = join(folder, name);
    mkdirSync(at, { recursive: true });
    writeFileSync(join(at, "package.json"), JSON.stringify({ type, private: true }));
    for (const [file, text] of Object.entries(files)) writeFileSync(join(at, file), text);
    return at;
  };

  /** The declarations themselves are checked once: those of both formats are made of the same sources. */
  const typed = async (at: string, skipLibCheck: boolean): Promise<void> => {
    const compilerOptions = {
      module: "nodenext",
      target: "es2022",
      strict: true,
      types: ["node"],
      outDir: "out",
      rootDir: ".",
      skipLibCheck,
    };
    writeFileSync(join(at, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.ts"] }));
    await program(join(BIN, "tsc"), ["-p", at], at);
  };

  const said = async (at: string): Promise<unknown> => {
    const answer = JSON.parse(await program(process.execPath, [join(at, "out", "main.js")], at)) as Record<
      string,
      unknown
    >;
    return { ...answer, deposit: String(answer["deposit"]).slice(0, 2) };
  };

  it("pleases attw and publint", async () => {
    const attw = JSON.parse(await program(join(BIN, "attw"), [tarball, "--format", "json"], folder)) as {
      readonly problems?: object;
      readonly analysis: { readonly problems: readonly unknown[] };
    };
    expect(attw.analysis.problems).to.deep.equal([]);
    const publint = await program(join(BIN, "publint"), [tarball, "--strict"], folder);
    expect(publint).to.include("All good");
  });

  it("holds what it needs and nothing of the repository", async () => {
    const files = (await program("tar", ["-tzf", tarball], folder)).trim().split("\n");
    expect(files).to.include.members(["package/package.json", "package/README.md", "package/LICENSE"]);
    expect(
      files.filter(
        (file) => !/^package\/(package\.json|README\.md|LICENSE|dist\/(esm|cjs)\/.*\.(js|d\.ts|json))$/.test(file),
      ),
    ).to.deep.equal([]);
    const manifest = JSON.parse(readFileSync(join(installed, "package.json"), "utf8")) as Record<string, unknown>;
    expect(manifest).to.not.have.any.keys("private", "dependencies", "scripts");
    expect(Object.keys(manifest["exports"] as object)).to.deep.equal([
      ...SUBPATHS.map((path) => `.${path}`),
      "./package.json",
    ]);
    expect(readFileSync(join(installed, "dist", "esm", "client", "client.js"), "utf8")).to.not.include(ROOT);
  });

  it("keeps the mirror, ABIs and addresses free of ethers and of Node", () => {
    for (const entry of ["mirror/index.js", "abi.js", "addresses.js"]) {
      expect([...reach(join(installed, "dist", "esm", entry))], entry).to.deep.equal([]);
    }
    expect([...reach(join(installed, "dist", "esm", "index.js"))]).to.deep.equal(["ethers"]);
  });

  it("serves an ES module with types", async () => {
    const at = consumer("esm", "module", { "main.ts": `${IMPORTS}\n${BODY}` });
    await typed(at, false);
    expect(await said(at)).to.deep.equal(SAID);
  });

  it("serves a CommonJS module with types", async () => {
    const at = consumer("cjs", "commonjs", { "main.ts": `${IMPORTS}\n${BODY}` });
    await typed(at, true);
    expect(readFileSync(join(at, "out", "main.js"), "utf8")).to.include('require("@plimsoll/sdk/mirror")');
    expect(await said(at)).to.deep.equal(SAID);
  });

  it("serves a Vite bundle, and leaves out what is not used", async () => {
    const page = '<!doctype html><script type="module" src="./main.ts"></script>';
    const main = 'import { expWad, WAD } from "@plimsoll/sdk/mirror";\nconsole.log(`${expWad(WAD)} ${WAD}`);\n';
    const whole = `${IMPORTS}\nObject.assign(globalThis, { all: [accountId, ownerOf, decodeRevert, PlimsollClient, emptyAccount, weigh, INITIAL, LIQUIDATION, MID, marginAccountsAbi, knownChains, IMarginAccounts__factory] as unknown[] });\nexport type Both = [Account, ContractError];\n`;
    const bundle = async (name: string, text: string): Promise<number> => {
      const at = consumer(name, "module", { "index.html": page, "main.ts": text });
      cpSync(join(folder, "esm", "package.json"), join(at, "package.json"));
      await program(join(BIN, "vite"), ["build", "--logLevel", "error", "--outDir", "dist"], at);
      const [, script = ""] =
        /src="\/(assets\/[^"]+\.js)"/.exec(readFileSync(join(at, "dist", "index.html"), "utf8")) ?? [];
      return readFileSync(join(at, "dist", script)).length;
    };
    const [small, large] = [await bundle("vite-small", main), await bundle("vite", whole)];
    expect(small).to.be.lessThan(4_000);
    expect(large).to.be.greaterThan(100_000);
  });
});
