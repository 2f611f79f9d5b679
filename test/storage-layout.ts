import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

import { expect } from "chai";

interface Entry {
  readonly label: string;
  readonly slot: string;
  readonly offset: number;
  readonly type: string;
}
interface Layout {
  readonly storage: readonly Entry[];
  readonly types: unknown;
}
interface Output {
  readonly errors?: readonly { readonly severity: string; readonly formattedMessage: string }[];
  readonly contracts: Record<
    string,
    Record<string, { readonly storageLayout: Layout; readonly transientStorageLayout: Layout }>
  >;
}
interface Compiler {
  compile(input: string, callbacks: { import: (path: string) => { contents: string } | { error: string } }): string;
}

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PARTS = ["MarginAccounts", "MarginAccountsExtension", "MarginAccountsAdmin"] as const;

/** Labels, places and types of every variable; type names lose the compiler's internal numbers. */
function shape({ storage }: Layout): string[] {
  return storage.map((e) => `${e.slot}+${e.offset} ${e.label}: ${e.type.replace(/\)\d+/g, ")")}`);
}

function layouts(): Map<string, { lasting: string[]; transient: string[] }> {
  const solc = createRequire(import.meta.url)("solc") as Compiler;
  const path = (name: string): string => `contracts/accounts/${name}.sol`;
  const input = {
    language: "Solidity",
    sources: Object.fromEntries(
      PARTS.map((name) => [path(name), { content: readFileSync(`${ROOT}${path(name)}`, "utf8") }]),
    ),
    settings: {
      evmVersion: "cancun",
      outputSelection: { "*": { "*": ["storageLayout", "transientStorageLayout"] } },
    },
  };
  const find = (file: string): { contents: string } | { error: string } => {
    const place = [`${ROOT}${file}`, `${ROOT}node_modules/${file}`].find((candidate) => existsSync(candidate));
    return place === undefined ? { error: `not found: ${file}` } : { contents: readFileSync(place, "utf8") };
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: find })) as Output;
  const errors = output.errors?.filter((e) => e.severity === "error") ?? [];
  expect(errors.map((e) => e.formattedMessage)).to.deep.equal([]);
  return new Map(
    PARTS.map((name) => {
      const contract = output.contracts[path(name)]?.[name];
      if (contract === undefined) throw new Error(`${name} was not compiled`);
      return [name, { lasting: shape(contract.storageLayout), transient: shape(contract.transientStorageLayout) }];
    }),
  );
}

describe("storage layout of the safe", () => {
  it("is the same in its three parts, but for what the extension adds behind it and never writes", () => {
    const [hot, extension, admin] = PARTS.map((name) => layouts().get(name));
    if (hot === undefined || extension === undefined || admin === undefined) throw new Error("a part is missing");
    expect(admin.lasting).to.deep.equal(hot.lasting);
    expect(extension.lasting.slice(0, hot.lasting.length)).to.deep.equal(hot.lasting);
    // EIP712's fallbacks for long names, which ours are not
    expect(
      extension.lasting.slice(hot.lasting.length).map((line) => line.replace(/^.* (\w+):.*$/, "$1")),
    ).to.deep.equal(["_nameFallback", "_versionFallback"]);
    expect(extension.transient).to.deep.equal(hot.transient);
    expect(admin.transient).to.deep.equal(hot.transient);
  });
});
