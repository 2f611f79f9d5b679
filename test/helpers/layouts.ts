// Storage layouts as the compiler sees them, in lines that can be kept and compared.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

interface Entry {
  readonly label: string;
  readonly slot: string;
  readonly offset: number;
  readonly type: string;
}
interface Type {
  readonly key?: string;
  readonly value?: string;
  readonly base?: string;
  readonly members?: readonly Entry[];
}
interface Layout {
  readonly storage: readonly Entry[];
  readonly types: Readonly<Record<string, Type>> | null;
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

/** What lasts, what lasts for a transaction, and the members of the structs in what lasts: each list in order. */
export interface ContractLayout {
  readonly lasting: readonly string[];
  readonly transient: readonly string[];
  readonly structs: Readonly<Record<string, readonly string[]>>;
}

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Type names without the compiler's internal numbers; the length of an array stands in the same place and stays. */
const nameOf = (type: string): string =>
  type.replace(/(t_(?:struct|contract|enum|userDefinedValueType)\([^()]*\))\d+/g, "$1");

const line = ({ slot, offset, label, type }: Entry): string => `${slot}+${offset} ${label}: ${nameOf(type)}`;

/** Every struct that can be reached from the variables. */
const structsOf = ({ storage, types }: Layout): Record<string, string[]> => {
  const found = new Map<string, string[]>();
  const visit = (name: string | undefined): void => {
    const type = name === undefined ? undefined : types?.[name];
    if (name === undefined || type === undefined) return;
    for (const inner of [type.key, type.value, type.base]) visit(inner);
    if (type.members === undefined || found.has(nameOf(name))) return;
    found.set(nameOf(name), type.members.map(line));
    for (const member of type.members) visit(member.type);
  };
  for (const { type } of storage) visit(type);
  return Object.fromEntries([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
};

/** Layouts of the contracts of these files; a source that is given need not exist. */
export const layoutsOf = (
  files: readonly string[],
  given: Record<string, string> = {},
): Map<string, ContractLayout> => {
  const solc = createRequire(import.meta.url)("solc") as Compiler;
  const content = (file: string) => given[file] ?? readFileSync(`${ROOT}${file}`, "utf8");
  const input = {
    language: "Solidity",
    sources: Object.fromEntries(files.map((file) => [file, { content: content(file) }])),
    settings: {
      evmVersion: "cancun",
      outputSelection: { "*": { "*": ["storageLayout", "transientStorageLayout"] } },
    },
  };
  const find = (file: string): { contents: string } | { error: string } => {
    if (given[file] !== undefined) return { contents: given[file] };
    const place = [`${ROOT}${file}`, `${ROOT}node_modules/${file}`].find((candidate) => existsSync(candidate));
    return place === undefined ? { error: `not found: ${file}` } : { contents: readFileSync(place, "utf8") };
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: find })) as Output;
  const errors = output.errors?.filter((e) => e.severity === "error") ?? [];
  if (errors.length > 0) throw new Error(errors.map((e) => e.formattedMessage).join("\n"));
  return new Map(
    files.map((file) => {
      const name = file.replace(/^.*\/(\w+)\.sol$/, "$1");
      const contract = output.contracts[file]?.[name];
      if (contract === undefined) throw new Error(`${name} was not compiled`);
      const { storageLayout, transientStorageLayout } = contract;
      const layout = {
        lasting: storageLayout.storage.map(line),
        transient: transientStorageLayout.storage.map(line),
        structs: structsOf(storageLayout),
      };
      return [name, layout];
    }),
  );
};

const isHeadOf = (kept: readonly string[], now: readonly string[]): boolean =>
  kept.every((entry, i) => entry === now[i]);

/** Whether nothing moved, vanished or changed its type: additions at the end alone are safe behind a proxy. */
export const keepsLayout = (kept: ContractLayout, now: ContractLayout): boolean =>
  isHeadOf(kept.lasting, now.lasting) &&
  Object.entries(kept.structs).every(([struct, members]) => isHeadOf(members, now.structs[struct] ?? []));
