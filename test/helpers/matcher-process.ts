// The matcher's service in a process of its own, on a chain in memory that never mines: fills stay on their way.
//   node --import tsx test/helpers/matcher-process.ts DIRECTORY
import { pathToFileURL } from "node:url";

import { createLogger } from "../../keeper/logger.ts";
import { startService } from "../../matcher/main.ts";
import { stopSignal } from "../../scripts/lib/service.ts";
import { FakeGateway } from "./fake-gateway.ts";

const run = async (directory: string): Promise<void> => {
  const gateway = new FakeGateway();
  gateway.refusal = "no chain";
  const service = await startService(
    gateway,
    {
      directory,
      fsync: "always",
      intervalMs: 50,
      batch: 10,
      server: { host: "127.0.0.1", port: 0, symbols: { 2: "ETH", 3: "BTC" }, allowOrigin: undefined },
    },
    createLogger("silent"),
  );
  process.stdout.write(`${service.port}\n`);
  const stop = stopSignal();
  await new Promise((resolve) => stop.addEventListener("abort", resolve));
  await service.stop();
};

// The test runner loads every file of this folder: only as a program of its own does this one start.
const [, script = "", directory] = process.argv;
if (import.meta.url === pathToFileURL(script).href) {
  if (directory === undefined) throw new Error("name a directory");
  await run(directory);
}
