// JSON-RPC with batches, and what can go wrong with it. Plain HTTP: each request stands alone.

/** The endpoint answered, and the answer is an error. */
export class RpcError extends Error {
  override readonly name = "RpcError";
  constructor(
    readonly method: string,
    readonly code: number,
    message: string,
  ) {
    super(`${method}: ${message}`);
  }
}

/** The endpoint does not answer, not with JSON-RPC, or contradicts itself: nothing that it said can be relied on. */
export class EndpointError extends Error {
  override readonly name = "EndpointError";
}

export interface Call {
  readonly method: string;
  readonly params: readonly unknown[];
}

export interface Rpc {
  /** @throws RpcError, EndpointError */
  request(method: string, params: readonly unknown[]): Promise<unknown>;
  /** Answers in order; what the endpoint refused stands in its place. @throws EndpointError */
  batch(calls: readonly Call[]): Promise<readonly unknown[]>;
}

export interface RpcOptions {
  readonly timeoutMs?: number;
  /** Further tries after a failure that may pass. */
  readonly retries?: number;
  readonly signal?: AbortSignal;
}

const TIMEOUT_MS = 60_000;
const RETRIES = 3;
const FIRST_PAUSE_MS = 200;
/** Too many requests, and what proxies say while a node is away. */
const PASSING = new Set([429, 502, 503, 504]);

interface Answer {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly code?: number; readonly message?: string };
}

/** An endpoint's name without the key that its path or query may carry. */
export const endpointName = (url: string): string => {
  try {
    return new URL(url).host;
  } catch {
    return "the endpoint";
  }
};

const pause = async (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

class Passing extends Error {}

export const connectRpc = (url: string, options: RpcOptions = {}): Rpc => {
  const { timeoutMs = TIMEOUT_MS, retries = RETRIES, signal } = options;
  const name = endpointName(url);

  const post = async (body: string): Promise<unknown> => {
    const timeout = AbortSignal.timeout(timeoutMs);
    let response: Response;
    let text: string;
    try {
      response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      });
      text = await response.text();
    } catch (error) {
      if (signal?.aborted === true) throw new EndpointError("stopped");
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : "";
      throw new Passing(timeout.aborted ? `no answer within ${timeoutMs / 1_000} s` : cause || String(error));
    }
    if (PASSING.has(response.status)) throw new Passing(`HTTP ${response.status}`);
    try {
      return JSON.parse(text) as unknown;
    } catch {
      throw new EndpointError(`${name} does not speak JSON-RPC (HTTP ${response.status}): ${text.slice(0, 80)}`);
    }
  };

  const send = async (body: string): Promise<unknown> => {
    for (let left = retries, ms = FIRST_PAUSE_MS; ; left -= 1, ms *= 2) {
      try {
        return await post(body);
      } catch (error) {
        if (!(error instanceof Passing)) throw error;
        if (left <= 0) throw new EndpointError(`${name} does not answer: ${error.message}`);
        await pause(ms);
      }
    }
  };

  const unwrap = (method: string, answer: Answer): unknown => {
    const { error } = answer;
    if (error !== undefined) return new RpcError(method, error.code ?? 0, error.message ?? "refused");
    if (answer.result === undefined)
      throw new EndpointError(`${name} answered ${method} with neither result nor error`);
    return answer.result;
  };

  return {
    request: async (method, params) => {
      const answer = (await send(JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }))) as Answer;
      const result = unwrap(method, answer);
      if (result instanceof RpcError) throw result;
      return result;
    },
    batch: async (calls) => {
      if (calls.length === 0) return [];
      const body = calls.map(({ method, params }, id) => ({ jsonrpc: "2.0", id, method, params }));
      const answers = await send(JSON.stringify(body));
      if (!Array.isArray(answers)) {
        const whole = answers as Answer;
        throw new EndpointError(`${name} takes no batches: ${whole.error?.message ?? "answered something else"}`);
      }
      const byId = new Map((answers as Answer[]).map((answer) => [answer.id, answer]));
      return calls.map(({ method }, id) => {
        const answer = byId.get(id);
        if (answer === undefined)
          throw new EndpointError(`${name} left out answer ${id} of a batch of ${calls.length}`);
        return unwrap(method, answer);
      });
    },
  };
};
