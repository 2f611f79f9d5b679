// Wakes the loop when a node says that there is a new block. Only a hint: what is true is read over HTTP, and without it
// the loop looks by itself.
import type { Logger } from "pino";

import { backoffMs, describeError, sleep } from "./rpc.ts";

export class Wake {
  private ring: () => void = () => undefined;
  private socket: WebSocket | undefined;
  private rung = false;

  constructor(
    url: string | undefined,
    private readonly log: Logger,
    private readonly signal: AbortSignal,
  ) {
    if (url !== undefined) void this.listen(url);
  }

  /** Until a block is announced, or `ms` at most. */
  async wait(ms: number): Promise<void> {
    if (!this.rung) {
      const early = new AbortController();
      this.ring = () => {
        early.abort();
      };
      await sleep(ms, AbortSignal.any([early.signal, this.signal]));
      this.ring = () => undefined;
    }
    this.rung = false;
  }

  close(): void {
    this.socket?.close();
  }

  private async listen(url: string): Promise<void> {
    for (let failures = 0; !this.signal.aborted;) {
      const startedAt = Date.now();
      try {
        await this.session(url);
      } catch (error) {
        this.log.debug({ event: "ws-error", reason: describeError(error) }, "the subscription ended");
      }
      failures = Date.now() - startedAt > 60_000 ? 1 : failures + 1;
      await sleep(backoffMs(failures), this.signal);
    }
  }

  private session(url: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(url);
      this.socket = socket;
      const stop = () => {
        socket.close();
      };
      this.signal.addEventListener("abort", stop, { once: true });
      socket.onopen = () => {
        socket.send(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_subscribe", params: ["newHeads"] }));
      };
      socket.onmessage = ({ data }) => {
        if (!String(data).includes("eth_subscription")) return;
        this.rung = true;
        this.ring();
      };
      socket.onerror = () => {
        reject(new Error(`no connection to ${new URL(url).host}`));
      };
      socket.onclose = () => {
        this.signal.removeEventListener("abort", stop);
        resolve();
      };
    });
  }
}
