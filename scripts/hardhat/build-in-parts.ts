import type { HardhatPlugin } from "hardhat/types/plugins";
import type { FileBuildResult } from "hardhat/types/solidity";

/** Solidity tests in one compilation. Each embeds what it deploys: sixty fit the two gigabytes that wasm may use, seventy do not. */
const TESTS_AT_ONCE = 45;

const isTest = (file: string) => file.endsWith(".t.sol");

/** As few parts as there may be, for each compiles the contracts again; these themselves are in the first. */
const partsOf = (files: readonly string[]): string[][] => {
  const tests = files.filter(isTest).sort();
  const count = Math.max(Math.ceil(tests.length / TESTS_AT_ONCE), 1);
  const size = Math.ceil(tests.length / count);
  const parts = Array.from({ length: count }, (_, i) => tests.slice(i * size, (i + 1) * size));
  parts[0]?.unshift(...files.filter((file) => !isTest(file)));
  return parts.filter((part) => part.length > 0);
};

/** Keeps the compiler within its memory: a build of everything is several compilations. */
export const buildInParts: HardhatPlugin = {
  id: "plimsoll-build-in-parts",
  hookHandlers: {
    solidity: () =>
      Promise.resolve({
        default: () =>
          Promise.resolve({
            async build(context, files, options, next) {
              const all = new Map<string, FileBuildResult>();
              for (const part of partsOf(files)) {
                const built = await next(context, part, options);
                if (!(built instanceof Map)) return built;
                for (const [file, result] of built) all.set(file, result);
              }
              return all;
            },
          }),
      }),
  },
};
