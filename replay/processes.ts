// Child processes that must not outlive the demo.
import type { ChildProcess } from "node:child_process";

const PATIENCE_MS = 8_000;

/** Ends a process that this program started: asks first, then insists. */
export async function stopProcess(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  return new Promise((resolve) => {
    const insist = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
    child.once("exit", (code) => {
      clearTimeout(insist);
      resolve(code);
    });
    child.kill("SIGINT");
  });
}
