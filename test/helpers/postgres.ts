// Debian's PostgreSQL on a socket of the loopback interface, in a directory of its own, for as long as a test runs.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";

import postgres from "postgres";

import { freePort } from "../../replay/chain.ts";

const START_MS = 30_000;

export interface Database {
  readonly url: string;
  /** As if its machine had lost power. */
  kill(): Promise<void>;
  close(): Promise<void>;
}

const binaries = (): string | undefined => {
  const root = "/usr/lib/postgresql";
  if (!existsSync(root)) return undefined;
  const [newest] = readdirSync(root).sort((a, b) => Number(b) - Number(a));
  const folder = newest === undefined ? undefined : join(root, newest, "bin");
  return folder !== undefined && existsSync(join(folder, "initdb")) ? folder : undefined;
};

/** Where a test may, it installs what is missing. */
const install = (): void => {
  if (process.getuid?.() !== 0) return;
  try {
    execFileSync("apt-get", ["install", "-y", "--no-install-recommends", "postgresql"], {
      stdio: "ignore",
      timeout: 240_000,
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    });
  } catch {
    // Said by whoever finds that there is none.
  }
};

/** The server refuses to run as root. */
const nobody = (): { uid: number; gid: number } | undefined => {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = (flag: string) => Number(execFileSync("id", [flag, "postgres"]).toString());
  return { uid: idOf("-u"), gid: idOf("-g") };
};

/** Undefined where PostgreSQL cannot be had; the reason is printed. */
export const startPostgres = async (): Promise<Database | undefined> => {
  if (binaries() === undefined) install();
  const folder = binaries();
  if (folder === undefined) {
    console.log("      skipped: PostgreSQL is not installed and cannot be (Debian's package is postgresql)");
    return undefined;
  }
  const user = nobody();
  const directory = mkdtempSync(join(tmpdir(), "plimsoll-postgres-"));
  if (user !== undefined) chownSync(directory, user.uid, user.gid);
  const data = join(directory, "data");
  execFileSync(
    join(folder, "initdb"),
    ["-D", data, "-U", "keeper", "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync"],
    { ...user, cwd: directory, stdio: "ignore" },
  );
  const port = await freePort();
  const server: ChildProcess = spawn(
    join(folder, "postgres"),
    ["-D", data, "-h", "127.0.0.1", "-p", String(port), "-k", directory, "-c", "fsync=off"],
    { ...user, cwd: directory, stdio: "ignore" },
  );
  const url = `postgres://keeper@127.0.0.1:${port}/postgres`;
  const stop = async (signal: NodeJS.Signals) => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, "exit");
    server.kill(signal);
    await ended;
  };
  try {
    await answering(url);
  } catch (error) {
    await stop("SIGKILL");
    rmSync(directory, { recursive: true, force: true });
    throw error;
  }
  return {
    url,
    kill: () => stop("SIGQUIT"), // ends its own processes at once, without a word to clients
    close: async () => {
      await stop("SIGINT");
      rmSync(directory, { recursive: true, force: true });
    },
  };
};

const answering = async (url: string): Promise<void> => {
  for (const end = Date.now() + START_MS; ;) {
    const sql = postgres(url, { max: 1, connect_timeout: 2, onnotice: () => undefined });
    try {
      await sql`SELECT 1`;
      return;
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    } finally {
      await sql.end({ timeout: 1 });
    }
  }
};
