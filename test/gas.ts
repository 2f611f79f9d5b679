import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { expect } from "chai";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Runs an npm script of this project on the Node that runs the tests. */
function npm(...args: string[]): { readonly code: number | null; readonly output: string } {
  // a build folder of its own: this process may be reading the other
  const { BUILD_DIR, ...rest } = process.env;
  const env = BUILD_DIR === undefined ? rest : { ...rest, BUILD_DIR: `${BUILD_DIR}-production` };
  const run = spawnSync("npm", ["run", "--silent", ...args], { cwd: ROOT, encoding: "utf8", env });
  return { code: run.status, output: run.stdout + run.stderr };
}

describe("gas", function () {
  this.timeout(900_000);

  before("coverage instruments the contracts, so its gas says nothing", function () {
    if (process.env["TEST_PROFILE"] === "coverage") this.skip();
  });

  it("of no operation rises by more than 1 % over bench/gas.json, and no contract outgrows 24,576 bytes", () => {
    expect(
      existsSync(new URL("../bench/gas.json", import.meta.url)),
      "bench/gas.json: write it with `npm run bench`",
    ).to.equal(true);
    const { code, output } = npm("bench", "--", "--check");
    expect(code, output).to.equal(0);
  });
});
