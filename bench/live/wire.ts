// A wire to the chain that can be cut, and whose answers can be changed.
import { createServer, type Server } from "node:http";
import { once } from "node:events";

interface Answer {
  id?: unknown;
  result?: unknown;
}
type Request = { readonly id?: unknown; readonly method?: string; readonly params?: readonly unknown[] };

/** Changes the answer to one request; what it returns is sent. */
export type Lie = (request: Request, answer: Answer) => Answer;

export interface Wire {
  readonly url: string;
  cut(): void;
  restore(): void;
  lie(lie: Lie | undefined): void;
  close(): Promise<void>;
}

export const startWire = async (target: string): Promise<Wire> => {
  let isCut = false;
  let change: Lie | undefined;
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("error", () => undefined);
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      void forward(Buffer.concat(chunks).toString()).then(
        (body) => {
          if (isCut || body === undefined) request.socket.destroy();
          else response.writeHead(200, { "content-type": "application/json" }).end(body);
        },
        () => {
          request.socket.destroy();
        },
      );
    });
  });
  const forward = async (body: string): Promise<string | undefined> => {
    if (isCut) return undefined;
    const answer = await fetch(target, { method: "POST", headers: { "content-type": "application/json" }, body });
    const text = await answer.text();
    if (change === undefined) return text;
    const asked = JSON.parse(body) as Request | Request[];
    const said = JSON.parse(text) as Answer | Answer[];
    const lie = change;
    if (!Array.isArray(asked) || !Array.isArray(said)) return JSON.stringify(lie(asked as Request, said as Answer));
    const byId = new Map(asked.map((each) => [each.id, each]));
    return JSON.stringify(said.map((each) => lie(byId.get(each.id) ?? {}, each)));
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    cut: () => {
      isCut = true;
      server.closeAllConnections();
    },
    restore: () => {
      isCut = false;
    },
    lie: (lie) => {
      change = lie;
    },
    close: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
};
