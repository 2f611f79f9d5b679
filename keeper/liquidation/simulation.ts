// What calls would do if they were mined next, one after the other: `eth_simulateV1` on top of the pending block, which holds
// what we and others have sent already; nodes without it are asked for each call by itself.
import type { JsonRpcProvider } from "ethers";
import { isError, toBeHex } from "ethers";

import { isConnectionError, isRevert } from "../rpc.ts";

export interface Call {
  readonly from: string;
  readonly to: string;
  readonly data: string;
}

export interface Result {
  readonly ok: boolean;
  /** What was returned, or the revert's data. */
  readonly data: string;
  /** 0n: not known. */
  readonly gasUsed: bigint;
}

interface SimulatedCall {
  readonly status: string;
  readonly returnData: string;
  readonly gasUsed: string;
  readonly error?: { readonly data?: string };
}

// Refunds are at most a fifth of what was used, and have to be advanced; inner calls keep a 64th back.
const REFUND_AND_RESERVE_PERCENT = 140n;
const MAX_GAS = 16_777_216n; // EIP-7825
const UNSUPPORTED = /not (supported|found|available|implemented|exist)|unknown method|unsupported/i;
// A simulated block may be as large as it needs: it is not one that anybody mines. Nodes cap the gas of a request all the same.
const SIMULATED_GAS = 1_000_000_000n;

/** To allow, of what a simulation used. */
export const allowance = (used: bigint): bigint => {
  const limit = (used * REFUND_AND_RESERVE_PERCENT) / 100n;
  return limit < MAX_GAS ? limit : MAX_GAS;
};

export class Simulator {
  private canSimulateBlocks = true;

  constructor(private readonly provider: JsonRpcProvider) {}

  /** In order, each on what those before left. Where blocks cannot be simulated each stands alone on the pending block. */
  async run(calls: readonly Call[]): Promise<Result[]> {
    if (calls.length === 0) return [];
    if (this.canSimulateBlocks) {
      try {
        return await this.inBlock(calls);
      } catch (error) {
        if (isConnectionError(error)) throw error;
        if (!UNSUPPORTED.test(textOf(error))) throw error;
        this.canSimulateBlocks = false;
      }
    }
    return Promise.all(calls.map((call) => this.alone(call)));
  }

  private async inBlock(calls: readonly Call[]): Promise<Result[]> {
    const request = {
      blockStateCalls: [{ blockOverrides: { gasLimit: toBeHex(SIMULATED_GAS) }, calls }],
      validation: false,
    };
    const [block] = (await this.provider.send("eth_simulateV1", [request, "pending"])) as [
      { readonly calls: readonly SimulatedCall[] },
    ];
    return block.calls.map(({ status, returnData, gasUsed, error }) => ({
      ok: BigInt(status) === 1n,
      data: error?.data ?? returnData,
      gasUsed: BigInt(gasUsed),
    }));
  }

  private async alone(call: Call): Promise<Result> {
    try {
      const data = await this.provider.call({ ...call, blockTag: "pending" });
      return { ok: true, data, gasUsed: 0n };
    } catch (error) {
      if (!isRevert(error)) throw error;
      return { ok: false, data: isError(error, "CALL_EXCEPTION") ? (error.data ?? "0x") : "0x", gasUsed: 0n };
    }
  }

  /** Gas to allow for a call that a simulation says passes; undefined: it does not after all. */
  async gasFor(call: Call, result: Result): Promise<bigint | undefined> {
    if (result.gasUsed > 0n) return allowance(result.gasUsed);
    try {
      const estimate = (await this.provider.estimateGas(call)) * 120n;
      return estimate / 100n < MAX_GAS ? estimate / 100n : MAX_GAS;
    } catch (error) {
      if (!isRevert(error)) throw error;
      return undefined;
    }
  }
}

const textOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const inner = "error" in error ? JSON.stringify(error.error) : "";
  return `${error.message} ${inner}`;
};
