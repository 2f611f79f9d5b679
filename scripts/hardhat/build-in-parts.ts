import type { HardhatPlugin } from "hardhat/types/plugins";
import { FileBuildResultType } from "hardhat/types/solidity";

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
              const parts = partsOf(files);
              if (parts.length === 1) return next(context, files, options);
              // What one part does not know of, its clean-up would remove: that is for the end, when all is in the cache.
              for (const part of parts) {
                const built = await next(context, part, { ...options, cleanupArtifacts: false });
                const failed =
                  !(built instanceof Map) ||
                  [...built.values()].some(({ type }) => type === FileBuildResultType.BUILD_FAILURE);
                if (failed) return built;
              }
              return next(context, files, { ...options, force: false });
            },
          }),
      }),
  },
};
