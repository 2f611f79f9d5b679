import type { HardhatPlugin } from "hardhat/types/plugins";

// The line of a compiler message that says where: ` --> ./node_modules/solady/src/...`.
const POINTS_AT_DEPENDENCY = /^\s*--> (\.[\\/])?node_modules[\\/]/m;

/** Drops the compiler's warnings about packages we do not own, so that a warning about our own code is seen. */
export const quietDependencies: HardhatPlugin = {
  id: "plimsoll-quiet-dependencies",
  hookHandlers: {
    solidity: () =>
      Promise.resolve({
        default: () =>
          Promise.resolve({
            async getCompilationJobErrors(context, job, output, next) {
              const messages = await next(context, job, output);
              return messages.filter(
                ({ severity, formattedMessage }) =>
                  severity === "error" || !POINTS_AT_DEPENDENCY.test(formattedMessage ?? ""),
              );
            },
          }),
      }),
  },
};
