import type { ChoreName } from "../config.ts";
import { isConnectionError } from "../rpc.ts";

/** A transaction that nobody is paid for. */
export interface Chore {
  readonly name: ChoreName;
  /** What of: an asset, an underlying, an expiry. */
  readonly subject: string;
  readonly to: string;
  readonly data: string;
}

/** What cannot be read now is left for the next time; a lost connection is everybody's. */
export const attempt = async (work: () => Promise<Chore | undefined>): Promise<Chore | undefined> => {
  try {
    return await work();
  } catch (error) {
    if (isConnectionError(error)) throw error;
    return undefined;
  }
};
