// Bindings and ABIs of the package: of the contracts that sdk/contracts.ts names, without the bytecode that the repository's
// own factories carry, and with each ABI written once.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const FACTORY = /(\w+)__factory,/g;
const SEAM = "../types/ethers-contracts/index.js";
const COMMON = "../types/ethers-contracts/common.js";

/** File of a contract's types below types/ethers-contracts, as its index says. */
const typeFile = (index: string, name: string): string => {
  const found = new RegExp(`export type \\{ ${name} \\} from '\\./(.+)\\.js'`).exec(index)?.[1];
  if (found === undefined)
    throw new Error(`sdk/contracts.ts names ${name}, but the compilation made no bindings of it`);
  return found;
};

/** The ABI in a factory of TypeChain's. */
const abiOf = (factory: string, name: string): string => {
  const start = factory.indexOf("const _abi = ");
  const end = factory.indexOf("] as const;", start);
  if (start < 0 || end < 0) throw new Error(`no ABI in the bindings of ${name}`);
  return factory.slice(start + "const _abi = ".length, end + 1);
};

const factoryOf = (name: string): string => `import { Contract, Interface, type ContractRunner } from "ethers";

import { abi } from "../abis/${name}.ts";
import type { ${name}, ${name}Interface } from "./${name}.ts";

/** Makes ${name} of addresses. */
export class ${name}__factory {
  static readonly abi: typeof abi = abi;
  static createInterface(): ${name}Interface {
    return new Interface(abi) as ${name}Interface;
  }
  static connect(address: string, runner?: ContractRunner | null): ${name} {
    return new Contract(address, abi, runner) as unknown as ${name};
  }
}
`;

/** Writes `bindings/` and `abis/`, and points contracts.ts and abi.ts at them. */
export const writeBindings = ({ root, stage }: { root: string; stage: string }): void => {
  const types = join(root, "types", "ethers-contracts");
  const index = readFileSync(join(types, "index.ts"), "utf8");
  const contracts = readFileSync(join(stage, "contracts.ts"), "utf8");
  const names = [...contracts.matchAll(FACTORY)].map(([, name = ""]) => name);
  for (const folder of ["bindings", "abis"]) mkdirSync(join(stage, folder), { recursive: true });
  const write = (file: string, text: string) => writeFileSync(join(stage, file), text);

  write("bindings/common.ts", readFileSync(join(types, "common.ts"), "utf8"));
  for (const name of names) {
    const file = typeFile(index, name);
    const factory = readFileSync(join(types, "factories", `${file}__factory.ts`), "utf8");
    const compact = JSON.stringify(JSON.parse(abiOf(factory, name)));
    write(`abis/${name}.ts`, `/** ABI of ${name}. */\nexport const abi = ${compact} as const;\n`);
    const text = readFileSync(join(types, `${file}.ts`), "utf8");
    write(`bindings/${name}.ts`, text.replace(/"(?:\.\.\/)+common\.js"/g, '"./common.ts"'));
    write(`bindings/${name}__factory.ts`, factoryOf(name));
  }
  const lines = names.map(
    (name) =>
      `export type { ${name} } from "./${name}.ts";\nexport { ${name}__factory } from "./${name}__factory.ts";\n`,
  );
  write("bindings/index.ts", lines.join(""));
  if (!contracts.includes(SEAM)) throw new Error(`sdk/contracts.ts must import its bindings from ${SEAM}`);
  write("contracts.ts", contracts.replace(SEAM, "./bindings/index.ts").replace(COMMON, "./bindings/common.ts"));

  const abi = readFileSync(join(stage, "abi.ts"), "utf8");
  const body = abi
    .replace(/import \{[^}]*\} from "\.\/contracts\.ts";\n/, "")
    .replace(/export const (\w+) = (\w+)__factory\.abi;/g, 'export { abi as $1 } from "./abis/$2.ts";');
  if (body.includes("__factory")) throw new Error("sdk/abi.ts must be lines of `export const x = X__factory.abi;`");
  write("abi.ts", body);
};
