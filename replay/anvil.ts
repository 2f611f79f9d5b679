// anvil as its own process: a chain that is fast, and that mines when it is told to.
import { spawn } from "node:child_process";

import { ANVIL_MISSING, findAnvil } from "../scripts/lib/anvil.ts";
import { freePort, type LocalChain } from "./chain.ts";
import { stopProcess } from "./processes.ts";

const START_TIMEOUT_MS = 30_000;
const POLL_MS = 50;
/** Ethereum's. */
const BLOCK_GAS = 60_000_000;
/** Accounts of the development mnemonic that the node funds, as `hardhat node` does. */
const ACCOUNTS = 20;
/** States of the past that can be asked for: observers look back a few blocks. */
const REMEMBERED = 256;

async function send(url: string, method: string, params: readonly unknown[]): Promise<boolean> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
    });
    return response.ok;
  } catch {
    return false;
  }
}

/** Lets time pass with the machine's clock again, from the last block on. */
export const followClock = (url: string): Promise<boolean> => send(url, "anvil_removeBlockTimestampInterval", []);

/**
 * Starts anvil on a free port of the loopback interface; its first block is at `time` (unix seconds), the next ones are a second
 * apart until {@link followClock}.
 */
export async function startAnvil(time: number, stopped: AbortSignal): Promise<LocalChain> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const command = findAnvil();
  if (command === undefined) throw new Error(ANVIL_MISSING);
  const options = [
    ...["--host", "127.0.0.1", "--port", String(port), "--timestamp", String(time), "--accounts", String(ACCOUNTS)],
    ...["--hardfork", "cancun", "--gas-limit", String(BLOCK_GAS), "--prune-history", String(REMEMBERED), "--quiet"],
  ];
  const child = spawn(command, options, { stdio: ["ignore", "ignore", "pipe"] });
  let complaint = "";
  child.once("error", (error) => (complaint += error.message));
  child.stderr.on("data", (data: Buffer) => (complaint += data.toString()));
  const stop = async () => void (await stopProcess(child));
  for (const end = Date.now() + START_TIMEOUT_MS; Date.now() < end && !stopped.aborted;) {
    if (child.exitCode !== null || child.pid === undefined) throw new Error(`anvil did not start:\n${complaint}`);
    // Not by the clock: between a deployment's estimate of gas and its transaction a second may pass, or none.
    if (await send(url, "anvil_setBlockTimestampInterval", [1])) return { url, stop };
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  await stop();
  throw new Error(`anvil did not answer on port ${port} within ${START_TIMEOUT_MS / 1000} s:\n${complaint}`);
}
