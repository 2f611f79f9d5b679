// Mutant schemata: one source that carries all its mutants, each behind a switch. Compiling takes minutes and running takes
// seconds, so all mutants are compiled once and chosen at run time.
import { posix } from "node:path";

import type { Place } from "./find.ts";

export interface Mutant extends Place {
  /** From 1; 0 means the unchanged source. */
  readonly id: number;
}

export const SWITCH_FILE = "contracts/Mut.sol";

/** The block's coinbase says which mutant is on: no test asks for it, and whoever runs the tests sets it. */
export const SWITCH_SOURCE = `// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

library Mut {
    function on(uint256 mutant) internal pure returns (bool) {
        return _pure(_on)(mutant);
    }

    function _on(uint256 mutant) private view returns (bool yes) {
        assembly {
            yes := eq(coinbase(), mutant)
        }
    }

    /// Pure functions have mutants too, so the reading of the block is hidden from the compiler.
    function _pure(
        function(uint256) view returns (bool) f
    ) private pure returns (function(uint256) pure returns (bool) g) {
        assembly {
            g := f
        }
    }
}
`;

const wrap = (alternatives: readonly Mutant[], original: string): string => {
  if (alternatives[0]?.statement === true) {
    const branches = alternatives.map(({ id, after }) => `if (Mut.on(${id})) { ${after} } else `);
    return `{ ${branches.join("")}{ ${original} } }`;
  }
  return `(${alternatives.map(({ id, after }) => `Mut.on(${id}) ? ${after} : `).join("")}${original})`;
};

/** An outer mutant's other branch is the plain source, its own branch has the inner mutants. */
const weavePart = (bytes: Buffer, start: number, end: number, mutants: readonly Mutant[]): string => {
  let text = "";
  let at = start;
  let rest = [...mutants];
  while (rest.length > 0) {
    const first = rest[0] as Mutant;
    // statements enclose expressions of the same bytes
    const here = rest.filter((m) => m.start === first.start && m.end === first.end && m.statement === first.statement);
    const inside = rest.filter((m) => !here.includes(m) && m.start >= first.start && m.end <= first.end);
    const behind = rest.filter((m) => m.start >= first.end);
    if (here.length + inside.length + behind.length !== rest.length) {
      throw new Error(`mutants overlap near ${first.file}:${first.line}`);
    }
    text += bytes.subarray(at, first.start).toString();
    text += wrap(here, weavePart(bytes, first.start, first.end, inside));
    at = first.end;
    rest = behind;
  }
  return text + bytes.subarray(at, end).toString();
};

/** The file's source with a switch at every place of its mutants. */
export const weave = (file: string, source: string, mutants: readonly Mutant[]): string => {
  const mine = mutants
    .filter((mutant) => mutant.file === file)
    .sort((a, b) => a.start - b.start || b.end - a.end || Number(b.statement) - Number(a.statement) || a.id - b.id);
  if (mine.length === 0) return source;
  const bytes = Buffer.from(source);
  const woven = weavePart(bytes, 0, bytes.length, mine);
  const path = posix.relative(posix.dirname(file), SWITCH_FILE);
  const name = path.startsWith(".") ? path : `./${path}`;
  return woven.replace(/^(pragma solidity [^;]*;)$/m, `$1\nimport {Mut} from "${name}";`);
};
