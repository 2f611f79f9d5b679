import type { HardhatPlugin } from "hardhat/types/plugins";
import type { FileBuildResult } from "hardhat/types/solidity";

/** Solidity tests in one compilation. Each embeds what it deploys: some ninety of them end beyond the two gigabytes that wasm may use. */
const TESTS_AT_ONCE = 30;

const isTest = (file: string) => file.endsWith(".t.sol");

/** Contracts first, then tests a part at a time; what is in the cache costs nothing either way. */
const partsOf = (files: readonly string[]): string[][] => {
  const tests = files.filter(isTest).sort();
  const parts = [files.filter((file) => !isTest(file))];
  for (let i = 0; i < tests.length; i += TESTS_AT_ONCE) parts.push(tests.slice(i, i + TESTS_AT_ONCE));
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
