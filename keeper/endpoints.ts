// Several endpoints that look like one: a request goes to the first that answers, and one that fails or is caught lying rests.
import { FetchRequest, type JsonRpcPayload, JsonRpcProvider, type JsonRpcResult, Network } from "ethers";

import { isConnectionError } from "./rpc.ts";

const REQUEST_TIMEOUT_MS = 30_000;
const BATCH_SIZE = 50;
/** One that did not answer is asked again after this long. */
const REST_MS = 5_000;
// ethers waits this long for more requests of a batch; many of ours come at once anyhow.
const BATCH_STALL_MS = 2;

export interface EndpointState {
  /** Without path and query, which may hold a provider's key. */
  readonly host: string;
  readonly failures: number;
  /** Why it is not asked, other than for having failed just now. */
  readonly distrust: string | undefined;
}

interface Endpoint {
  readonly host: string;
  readonly provider: JsonRpcProvider;
  failures: number;
  restsUntil: number;
  distrust: string | undefined;
}

const single = (url: string, network: Network): JsonRpcProvider => {
  const request = new FetchRequest(url);
  request.timeout = REQUEST_TIMEOUT_MS;
  return new JsonRpcProvider(request, network, {
    staticNetwork: network,
    cacheTimeout: -1, // nothing from memory
    batchMaxCount: BATCH_SIZE,
    batchStallTime: BATCH_STALL_MS,
  });
};

/** A provider over all of them, in the order given. The chain id is trusted: it is checked once, at the start. */
export class Endpoints extends JsonRpcProvider {
  private readonly endpoints: readonly Endpoint[];

  constructor(urls: readonly string[], chainId: bigint) {
    const network = Network.from(chainId);
    const [first] = urls;
    if (first === undefined) throw new RangeError("no endpoint");
    super(first, network, {
      staticNetwork: network,
      cacheTimeout: -1,
      batchMaxCount: BATCH_SIZE,
      batchStallTime: BATCH_STALL_MS,
    });
    const hosts = urls.map((url) => new URL(url).host);
    this.endpoints = urls.map((url, i) => ({
      // Two paths of one host are two endpoints.
      host: `${hosts[i] ?? ""}${hosts.indexOf(hosts[i] ?? "") === i ? "" : `#${i + 1}`}`,
      provider: single(url, network),
      failures: 0,
      restsUntil: 0,
      distrust: undefined,
    }));
  }

  get states(): EndpointState[] {
    return this.endpoints.map(({ host, failures, distrust }) => ({ host, failures, distrust }));
  }

  /** Each by itself, to compare what they say. */
  get each(): { readonly host: string; readonly provider: JsonRpcProvider }[] {
    return this.endpoints.map(({ host, provider }) => ({ host, provider }));
  }

  /** From now on, or (undefined) no more. One that is distrusted is asked only when nobody else answers; never if all are. */
  distrust(host: string, reason: string | undefined): void {
    for (const endpoint of this.endpoints) if (endpoint.host === host) endpoint.distrust = reason;
  }

  override async _send(payload: JsonRpcPayload | JsonRpcPayload[]): Promise<JsonRpcResult[]> {
    let last: unknown = new Error("no endpoint is trusted");
    for (const endpoint of this.order()) {
      try {
        const answers = await endpoint.provider._send(payload);
        endpoint.failures = 0;
        return answers;
      } catch (error) {
        if (!isConnectionError(error)) throw error;
        endpoint.failures += 1;
        endpoint.restsUntil = Date.now() + REST_MS;
        last = error;
      }
    }
    throw last;
  }

  override destroy(): void {
    for (const { provider } of this.endpoints) provider.destroy();
    super.destroy();
  }

  /** Trusted and awake first; those that rest are tried only after them. */
  private order(): Endpoint[] {
    const now = Date.now();
    const trusted = this.endpoints.filter(({ distrust }) => distrust === undefined);
    const usable = trusted.length > 0 ? trusted : this.endpoints;
    const awake = usable.filter(({ restsUntil }) => restsUntil <= now);
    return [...awake, ...usable.filter((endpoint) => !awake.includes(endpoint))];
  }
}

/** One endpoint of its own, e.g. a relay that transactions are sent to. */
export const endpointOf = (url: string, chainId: bigint): JsonRpcProvider => single(url, Network.from(chainId));
