// How the scripts end: 0 well, 1 a difference was found or there is no verdict, 2 asked wrongly, 130 stopped.
import { ChainError, UsageError } from "./chain.ts";
import { UnreadableLog } from "./decode.ts";
import { EndpointError, RpcError } from "./rpc.ts";

export const EXIT = { found: 1, failed: 1, usage: 2, stopped: 130 } as const;

/** Runs it, says in a line what somebody has to put right, and sets the exit code. A bug shows its stack. */
export const runScript = async (name: string, main: (stopped: AbortSignal) => Promise<number>): Promise<void> => {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
  try {
    process.exitCode = await main(stop.signal);
  } catch (error) {
    if (stop.signal.aborted) {
      console.error(`${name}: stopped; nothing was written`);
      process.exitCode = EXIT.stopped;
      return;
    }
    const isTheirs = error instanceof UsageError || error instanceof ChainError;
    const isKnown =
      isTheirs || error instanceof EndpointError || error instanceof RpcError || error instanceof UnreadableLog;
    console.error(isKnown ? `${name}: ${error.message}` : error);
    process.exitCode = isTheirs ? EXIT.usage : EXIT.failed;
  }
};
