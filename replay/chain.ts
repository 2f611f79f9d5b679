// A local chain as its own process, and the clock of the demo.
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { stopProcess } from "./processes.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const START_TIMEOUT_MS = 60_000;
const POLL_MS = 100;

export interface LocalChain {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/** Below those that systems give to outgoing connections: between looking and listening one of these could take it. */
const PORTS = { first: 15_000, count: 17_000 } as const;
const TRIES = 100;

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });

/** A port of the loopback interface that nobody listens on. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const port = PORTS.first + Math.floor(Math.random() * PORTS.count);
    if (await isFree(port)) return port;
  }
  throw new Error("no free port");
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      // It would print, and trace to its source, every call.
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "hardhat_setLoggingEnabled", params: [false] }),
    });
    return response.ok;
  } catch {
    return false;
  }
}

/** Starts `hardhat node` on a free port of the loopback interface; its first block is at `time` (unix seconds). */
export async function startChain(time: number, stopped: AbortSignal): Promise<LocalChain> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const hardhat = join(ROOT, "node_modules", "hardhat", "dist", "src", "cli.js");
  const config = join("replay", "node.config.ts");
  const child = spawn(
    process.execPath,
    [hardhat, "--config", config, "node", "--network", "node", "--hostname", "127.0.0.1", "--port", String(port)],
    {
      cwd: ROOT,
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, DEMO_CHAIN_DATE: new Date(time * 1000).toISOString() },
    },
  );
  let complaint = "";
  child.stderr.on("data", (data: Buffer) => (complaint += data.toString()));
  const stop = async () => void (await stopProcess(child));
  for (const end = Date.now() + START_TIMEOUT_MS; Date.now() < end && !stopped.aborted;) {
    if (child.exitCode !== null) throw new Error(`the local chain did not start:\n${complaint}`);
    if (await answers(url)) return { url, stop };
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  await stop();
  throw new Error(`the local chain did not answer on port ${port} within ${START_TIMEOUT_MS / 1000} s:\n${complaint}`);
}
