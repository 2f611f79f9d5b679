// Asks the solver inside the compiler (z3) about the small maths libraries: each contract of scripts/static/properties asserts
// what must hold for all inputs within its bounds. No time limit: that would need a thread, which the wasm build has not; the
// solver's own limit of steps ends it.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

interface Message {
  readonly severity: string;
  readonly message: string;
  readonly sourceLocation?: { readonly file: string; readonly start: number; readonly end: number };
}

const FOLDER = "scripts/static/properties";
const MODELLED = "solady/src/utils/FixedPointMathLib.sol";

const readImport = (path: string): { contents: string } | { error: string } => {
  const places = path === MODELLED ? [`${FOLDER}/FixedPointMathLib.sol`] : [path, `node_modules/${path}`];
  const found = places.find((place) => existsSync(place));
  return found === undefined ? { error: `${path} is not there` } : { contents: readFileSync(found, "utf8") };
};

export interface Proof {
  readonly proved: number;
  /** Not shown: refuted, or given up. */
  readonly open: string[];
}

/** @param source of the file `file`, which has the contract `contract`. */
export const prove = (file: string, contract: string, source: string): Proof => {
  const solc = require("solc") as { compile(input: string, callbacks: { import: typeof readImport }): string };
  const input = {
    language: "Solidity",
    sources: { [file]: { content: source } },
    settings: {
      evmVersion: "cancun",
      modelChecker: {
        contracts: { [file]: [contract] },
        // one transaction on its own: there is no state, and the other engine does not end on products of unknowns
        engine: "bmc",
        divModNoSlacks: true,
        solvers: ["z3"],
        targets: ["assert", "overflow", "underflow", "divByZero"],
        showProvedSafe: true,
        showUnproved: true,
        showUnsupported: true,
      },
      outputSelection: { "*": { "*": ["abi"] } },
    },
  };
  const { errors = [] } = JSON.parse(solc.compile(JSON.stringify(input), { import: readImport })) as {
    errors?: Message[];
  };
  const told = errors.filter(
    ({ message }) => !/engine of the SMTChecker is deprecated|not yet implement type error/.test(message),
  );
  const isProof = ({ severity, message }: Message) => severity === "info" && message.includes("check is safe");
  const open = told.filter((message) => !isProof(message));
  const textAt = ({ sourceLocation: at }: Message) => {
    if (at === undefined) return "";
    const found = at.file === file ? { contents: source } : readImport(at.file);
    return "contents" in found ? Buffer.from(found.contents).subarray(at.start, at.end).toString() : "";
  };
  return {
    proved: told.length - open.length,
    open: open.map((message) => `${contract}: ${message.message.split("\n")[0]} ${textAt(message)}`.trim()),
  };
};

const LIBRARIES = ["ShareMath", "FixedPoint", "AuctionMath"];

/** @return What could not be shown. */
export const checkMaths = (): string[] =>
  LIBRARIES.flatMap((library) => {
    const contract = `${library}Properties`;
    const file = `${FOLDER}/${contract}.sol`;
    const begun = Date.now();
    const { proved, open } = prove(file, contract, readFileSync(file, "utf8"));
    console.log(`${library}: ${proved} proved, ${open.length} open, ${((Date.now() - begun) / 1_000).toFixed(0)} s`);
    return open;
  });
