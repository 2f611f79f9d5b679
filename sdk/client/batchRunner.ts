/** Many reads as one call. */
import type { ContractRunner, Provider, TransactionRequest } from "ethers";

import { decodeRevert, RevertError, revertDataOf } from "../errors/index.ts";
import type { IMarginAccounts } from "../contracts.ts";

interface Question {
  readonly target: string;
  readonly data: string;
  readonly resolve: (answer: string) => void;
  readonly reject: (error: unknown) => void;
}

const MOST_AT_ONCE = 80;
const CALL_FAILED = "CallFailed";

/**
 * A runner for views that asks everything which is asked in the same turn of the event loop by one `eth_call` at one block. The
 * safe's own `batch` carries it, so no other contract is needed: it calls any target through an unprivileged forwarder. A
 * question that reverts is answered by its own error and left out when the rest is asked again.
 */
export class BatchRunner implements ContractRunner {
  #open: Question[] = [];

  constructor(
    readonly provider: Provider,
    private readonly safe: IMarginAccounts,
    private readonly address: string,
    private readonly block: number,
  ) {}

  /** @inheritdoc */
  call({ to, data }: TransactionRequest): Promise<string> {
    if (typeof to !== "string" || typeof data !== "string") throw new TypeError("a view has an address and data");
    return new Promise((resolve, reject) => {
      if (this.#open.push({ target: to, data, resolve, reject }) === 1) setTimeout(() => void this.#flush(), 0);
    });
  }

  async #flush(): Promise<void> {
    const questions = this.#open;
    this.#open = [];
    const parts: Question[][] = [];
    for (let i = 0; i < questions.length; i += MOST_AT_ONCE) parts.push(questions.slice(i, i + MOST_AT_ONCE));
    await Promise.all(parts.map((part) => this.#ask(part)));
  }

  async #ask(questions: readonly Question[]): Promise<void> {
    let left = questions;
    while (left.length > 0) {
      const calls = left.map(({ target, data }) => ({ target, data }));
      try {
        const data = this.safe.interface.encodeFunctionData("batch", [calls]);
        const answer = await this.provider.call({ to: this.address, data, blockTag: this.block });
        const [results] = this.safe.interface.decodeFunctionResult("batch", answer) as unknown as [string[]];
        for (const [i, { resolve }] of left.entries()) resolve(results[i] ?? "0x");
        return;
      } catch (error) {
        const failed = this.#failed(error);
        const culprit = failed === undefined ? undefined : left[failed.index];
        if (culprit === undefined) {
          for (const { reject } of left) reject(error);
          return;
        }
        culprit.reject(new RevertError(decodeRevert(failed?.reason ?? "0x"), { cause: error }));
        left = left.filter((each) => each !== culprit);
      }
    }
  }

  #failed(error: unknown): { readonly index: number; readonly reason: string } | undefined {
    const data = revertDataOf(error);
    const parsed = data === undefined ? null : this.safe.interface.parseError(data);
    if (parsed?.name !== CALL_FAILED) return undefined;
    return { index: Number(parsed.args[0]), reason: String(parsed.args[1]) };
  }
}
