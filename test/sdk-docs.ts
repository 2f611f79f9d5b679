// The SDK's pages: every export is documented, every link leads somewhere.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

interface Failure {
  readonly stdout?: string;
  readonly stderr?: string;
}

describe("SDK documentation", function () {
  this.timeout(300_000);

  it("covers every export without a warning", async () => {
    const typedoc = join(ROOT, "node_modules", "typedoc", "bin", "typedoc");
    try {
      await promisify(execFile)(process.execPath, [typedoc, "--emit", "none", "--logLevel", "Warn"], { cwd: ROOT });
    } catch (error) {
      const { stdout = "", stderr = "" } = error as Failure;
      throw new Error(`typedoc complains (npm run docs:sdk):\n${stdout}${stderr}`, { cause: error });
    }
  });
});
