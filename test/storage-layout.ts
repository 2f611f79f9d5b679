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
  readonly types: Readonly<Record<string, { readonly members?: readonly Entry[] }>>;
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
const SAFE = ["MarginAccounts", "MarginAccountsExtension", "MarginAccountsAdmin"];
const LEDGER = ["Positions", "PositionsExtension"];

/** What stands behind the ledger's proxy, in order. An upgrade may add lines at the end, and change none. */
const LEDGER_LAYOUT = [
  "0+0 _authority: t_address",
  "0+20 _consumingSchedule: t_bool",
  "1+0 _ledger: t_mapping(t_userDefinedValueType(AccountId),t_struct(LedgerSlots)_storage)",
  "2+0 _perps: t_mapping(t_uint256,t_struct(PerpSlots)_storage)",
  "3+0 _expiries: t_mapping(t_uint256,t_userDefinedValueType(ExpiryWord))",
  "4+0 _options: t_mapping(t_userDefinedValueType(Instrument),t_userDefinedValueType(OptionWord))",
  "5+0 _listedOptions: t_mapping(t_uint256,t_array(t_userDefinedValueType(Instrument))dyn_storage)",
  "6+0 _exchange: t_address",
  "7+0 _feed: t_address",
  "8+0 _prices: t_address",
  "8+20 _insurancePart: t_uint16",
  "9+0 _treasury: t_userDefinedValueType(AccountId)",
];
const LEDGER_STRUCTS = {
  LedgerSlots: ["0+0 header: t_uint256", "1+0 words: t_array(t_uint256)_storage"],
  PerpSlots: [
    "0+0 market: t_userDefinedValueType(PerpWord)",
    "1+0 funding: t_userDefinedValueType(FundingWord)",
    "2+0 clearing: t_userDefinedValueType(ClearingWord)",
    "3+0 slow: t_userDefinedValueType(SlowWord)",
    "4+0 terms: t_userDefinedValueType(PerpTermsWord)",
    "5+0 clearingSize: t_int256",
  ],
};

interface Shapes {
  readonly lasting: string[];
  readonly transient: string[];
  /** Members of the structs that are kept in storage, by name. */
  readonly structs: Record<string, string[]>;
}

/** Labels, places and types of every variable; type names lose the compiler's internal numbers. */
function shape(storage: readonly Entry[]): string[] {
  return storage.map((e) => `${e.slot}+${e.offset} ${e.label}: ${e.type.replace(/\)\d+/g, ")")}`);
}

function structs({ types }: Layout): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const [type, { members }] of Object.entries(types)) {
    const name = /^t_struct\((\w+)\)/.exec(type)?.[1];
    if (name !== undefined && members !== undefined) found[name] = shape(members);
  }
  return found;
}

function layouts(folder: string, parts: readonly string[]): Shapes[] {
  const solc = createRequire(import.meta.url)("solc") as Compiler;
  const path = (name: string): string => `contracts/${folder}/${name}.sol`;
  const input = {
    language: "Solidity",
    sources: Object.fromEntries(
      parts.map((name) => [path(name), { content: readFileSync(`${ROOT}${path(name)}`, "utf8") }]),
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
  return parts.map((name) => {
    const contract = output.contracts[path(name)]?.[name];
    if (contract === undefined) throw new Error(`${name} was not compiled`);
    const { storageLayout, transientStorageLayout } = contract;
    return {
      lasting: shape(storageLayout.storage),
      transient: shape(transientStorageLayout.storage),
      structs: structs(storageLayout),
    };
  });
}

describe("storage layout of the safe", () => {
  it("is the same in its three parts, but for what the extension adds behind it and never writes", () => {
    const [hot, extension, admin] = layouts("accounts", SAFE);
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

describe("storage layout of the ledger", () => {
  it("is the same in the proxy's implementation and in its extension, and only grows at its end", () => {
    const [hot, extension] = layouts("markets", LEDGER);
    if (hot === undefined || extension === undefined) throw new Error("a part is missing");
    expect(extension).to.deep.equal(hot);
    expect(hot.lasting.slice(0, LEDGER_LAYOUT.length)).to.deep.equal(LEDGER_LAYOUT);
    for (const [name, members] of Object.entries(LEDGER_STRUCTS)) {
      expect(hot.structs[name]?.slice(0, members.length), name).to.deep.equal(members);
    }
  });
});
