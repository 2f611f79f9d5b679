import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { expect } from "chai";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const FILE = new URL("../bench/gas.json", import.meta.url);
// Coverage instruments the contracts, so its gas says nothing.
const isMeasured = process.env["TEST_PROFILE"] !== "coverage";

interface Check {
  readonly child: ChildProcess;
  readonly ended: Promise<{ readonly code: number | null; readonly output: string }>;
}

/** Builds for production and measures, in a process group of its own. */
const startCheck = (): Check => {
  // a build folder of its own: this process may be reading the other
  const { BUILD_DIR, ...rest } = process.env;
  const env = BUILD_DIR === undefined ? rest : { ...rest, BUILD_DIR: `${BUILD_DIR}-production` };
  const child = spawn("npm", ["run", "--silent", "bench", "--", "--check"], {
    cwd: ROOT,
    env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => (output += data.toString()));
  const ended = new Promise<{ code: number | null; output: string }>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      resolve({ code, output });
    });
  });
  return { child, ended };
};

let check: Check | undefined;

// The production build takes minutes on one core. In a run of everything it begins with the first test, so that other files' tests
// pass the time; hooks outside of a suite are the whole run's.
before(() => {
  if (isMeasured && !process.argv.includes("--grep")) check = startCheck();
});

after(() => {
  const pid = check?.child.exitCode === null && check.child.signalCode === null ? check.child.pid : undefined;
  if (pid !== undefined) process.kill(-pid, "SIGTERM");
});

describe("gas", function () {
  this.timeout(1_200_000);

  before(function () {
    if (!isMeasured) this.skip();
  });

  it("of no operation rises by more than 1 % over bench/gas.json, and no contract outgrows 24,576 bytes", async () => {
    expect(existsSync(FILE), "bench/gas.json: write it with `npm run bench`").to.equal(true);
    check ??= startCheck();
    const { code, output } = await check.ended;
    expect(code, output).to.equal(0);
  });
});
