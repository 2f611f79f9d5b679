// The in-process chain over HTTP, as an endpoint that can be made to fail and to lie.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

interface Question {
  readonly id: number;
  readonly method: string;
  readonly params?: readonly unknown[];
}

interface Provider {
  request(args: { method: string; params?: unknown }): Promise<unknown>;
}

/** Answers instead of the chain; undefined: ask the chain. Throw to refuse. */
export type Meddler = (method: string, params: readonly unknown[], ask: () => Promise<unknown>) => unknown;

export interface Bridge {
  readonly url: string;
  /** Requests so far, a batch counting once. */
  readonly requests: () => number;
  /** From now on. */
  meddle(meddler: Meddler | undefined): void;
  /** Hangs up on everything after so many more requests. */
  dieAfter(requests: number): void;
  close(): Promise<void>;
}

export const bridgeTo = async (provider: Provider): Promise<Bridge> => {
  let meddler: Meddler | undefined;
  let left = Number.POSITIVE_INFINITY;
  let requests = 0;

  const answer = async ({ id, method, params = [] }: Question): Promise<unknown> => {
    const ask = () => provider.request({ method, params });
    try {
      const meddled: unknown = meddler === undefined ? undefined : await meddler(method, params, ask);
      const result = meddled === undefined ? await ask() : meddled;
      return { jsonrpc: "2.0", id, result };
    } catch (error) {
      const message = error instanceof Error ? error.message : "?";
      const data = error instanceof Error && "data" in error ? error.data : undefined;
      return { jsonrpc: "2.0", id, error: { code: -32_000, message, data } };
    }
  };

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      void (async () => {
        requests += 1;
        left -= 1;
        if (left < 0) {
          request.socket.destroy();
          return;
        }
        const question = JSON.parse(Buffer.concat(chunks).toString()) as Question | Question[];
        const answers: unknown[] = [];
        for (const each of Array.isArray(question) ? question : [question]) answers.push(await answer(each));
        response.setHeader("content-type", "application/json");
        response.end(JSON.stringify(Array.isArray(question) ? answers : answers[0]));
      })();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: () => requests,
    meddle: (next) => {
      meddler = next;
    },
    dieAfter: (more) => {
      left = more;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
