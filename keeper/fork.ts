// A copy of a chain: anvil as its own process, forking from an endpoint at its head.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { dirname, join } from "node:path";

import { ConfigError } from "./config.ts";
import { sleep } from "./rpc.ts";

const START_MS = 60_000;
const POLL_MS = 100;
const require = createRequire(import.meta.url);

export interface Fork {
  readonly url: string;
  send(method: string, params?: readonly unknown[]): Promise<unknown>;
  stop(): Promise<void>;
}

/** The program itself, since the wrapper that npm installs could not end it. Throws {@link ConfigError} where there is none. */
const program = (): string => {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const name = `@foundry-rs/anvil-${platform}-${process.arch === "x64" ? "amd64" : process.arch}`;
  try {
    const wrapper = require.resolve("@foundry-rs/anvil/package.json");
    const folder = dirname(createRequire(join(dirname(wrapper), "bin.mjs")).resolve(`${name}/package.json`));
    return join(folder, "bin", process.platform === "win32" ? "anvil.exe" : "anvil");
  } catch {
    throw new ConfigError("--optimistic needs anvil: npm install @foundry-rs/anvil");
  }
};

const freePort = async (): Promise<number> => {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const closed = once(server, "close");
  server.close();
  await closed;
  return typeof address === "object" && address !== null ? address.port : 0;
};

export const startFork = async (source: string, chainId: bigint): Promise<Fork> => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(
    program(),
    [
      ...["--host", "127.0.0.1", "--port", String(port), "--fork-url", source, "--chain-id", String(chainId)],
      ...["--no-mining", "--quiet", "--block-base-fee-per-gas", "0"],
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  let complaint = "";
  child.stderr.on("data", (data: Buffer) => (complaint += data.toString()));
  child.once("error", (error) => (complaint += error.message));
  const send = async (method: string, params: readonly unknown[] = []): Promise<unknown> => {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
    });
    const { result, error } = (await response.json()) as { result?: unknown; error?: { message: string } };
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result;
  };
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  };
  for (const end = Date.now() + START_MS; Date.now() < end; await sleep(POLL_MS, new AbortController().signal)) {
    if (child.exitCode !== null || child.pid === undefined) break;
    if ((await send("eth_chainId").catch(() => undefined)) !== undefined) return { url, send, stop };
  }
  await stop();
  throw new ConfigError(`--optimistic: anvil did not copy the chain: ${complaint.trim() || "no answer"}`);
};
