// A copy of a chain: anvil as its own process, forking from an endpoint at its head.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";

import { ANVIL_MISSING, findAnvil } from "../scripts/lib/anvil.ts";
import { ConfigError } from "./config.ts";
import { sleep } from "./rpc.ts";

const START_MS = 60_000;
const POLL_MS = 100;

export interface Fork {
  readonly url: string;
  send(method: string, params?: readonly unknown[]): Promise<unknown>;
  stop(): Promise<void>;
}

const program = (who: string): string => {
  const found = findAnvil();
  if (found === undefined) throw new ConfigError(`${who}: ${ANVIL_MISSING}`);
  return found;
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

/** `who` wants it: failures say so. */
export const startFork = async (source: string, chainId: bigint, who = "--optimistic"): Promise<Fork> => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(
    program(who),
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
  throw new ConfigError(`${who}: anvil did not copy the chain: ${complaint.trim() || "no answer"}`);
};
