// Child processes that must not outlive the demo.
import type { ChildProcess } from "node:child_process";

const PATIENCE_MS = 8_000;

/** Ends a process that this program started: asks first, then insists. One with processes of its own needs more patience. */
export async function stopProcess(child: ChildProcess, patienceMs = PATIENCE_MS): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  return new Promise((resolve) => {
    const insist = setTimeout(() => child.kill("SIGKILL"), patienceMs);
    child.once("exit", (code) => {
      clearTimeout(insist);
      resolve(code);
    });
    child.kill("SIGINT");
  });
}
