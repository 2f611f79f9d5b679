// The first question to a node, and what to say when nobody answers.
import { ConfigError } from "../keeper/config.ts";
import { isConnectionError, readChainId } from "../keeper/rpc.ts";

/** Throws {@link ConfigError} when the node cannot be reached. */
export const reachChain = async (url: string): Promise<bigint> => {
  try {
    return await readChainId(url);
  } catch (error) {
    if (!isConnectionError(error)) throw error;
    // Without its path, which may hold a provider's key.
    throw new ConfigError(`--rpc: no answer from ${new URL(url).origin}: is the node running?`);
  }
};
