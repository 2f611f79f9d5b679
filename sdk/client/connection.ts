/** From whatever a program has (a URL, a wallet, a provider, a signer) to one connection. */
import {
  BrowserProvider,
  FetchRequest,
  JsonRpcProvider,
  JsonRpcSigner,
  Network,
  type Provider,
  type Signer,
  WebSocketProvider,
} from "ethers";

import { ConnectionError } from "./errors.ts";

/** A wallet's provider (EIP-1193): `window.ethereum`, one announced by EIP-6963, WalletConnect's, … */
export interface Eip1193Provider {
  /** One JSON-RPC call. */
  request(request: { readonly method: string; readonly params?: readonly unknown[] | object }): Promise<unknown>;
}

/** A JSON-RPC (http, https) or WebSocket (ws, wss) URL, a wallet's provider, or a provider or signer of ethers. */
export type ConnectionSource = string | Eip1193Provider | Provider | Signer;

/** One way to a chain. */
export interface Connection {
  readonly provider: Provider;
  /** Left out: read-only. */
  readonly signer?: Signer;
  readonly chainId: number;
  /** Closes what {@link openConnection} opened; what was handed in stays open. */
  readonly close: () => Promise<void>;
}

/** How to connect. */
export interface ConnectionOptions {
  /** Ask the wallet for its accounts (it opens a window). Without, accounts that it has given before are used, if any. */
  readonly requestAccounts?: boolean;
  /** Milliseconds until a silent node counts as gone; 20,000 by default. */
  readonly timeout?: number;
}

const TIMEOUT_MS = 20_000;
const nothing = async (): Promise<void> => {};

const within = async <T>(work: Promise<T>, ms: number, what: string): Promise<T> => {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new ConnectionError(`${what} does not answer within ${ms / 1_000} s`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
};

const said = (error: unknown): string =>
  error instanceof Error ? ("shortMessage" in error ? String(error.shortMessage) : error.message) : String(error);

const chainIdOf = (answer: unknown, what: string): number => {
  const chainId = typeof answer === "string" || typeof answer === "number" ? Number(answer) : Number.NaN;
  if (!Number.isSafeInteger(chainId) || chainId <= 0)
    throw new ConnectionError(`${what} says no chain id: is it a node?`);
  return chainId;
};

const openHttp = async (url: string, timeout: number): Promise<Connection> => {
  const request = new FetchRequest(url);
  request.timeout = timeout;
  // The chain is asked once, before ethers would go on asking for ever.
  const probe = new JsonRpcProvider(request, 1, { staticNetwork: true });
  let chainId: number;
  try {
    chainId = chainIdOf(await within(probe.send("eth_chainId", []), timeout, url), url);
  } catch (error) {
    if (error instanceof ConnectionError) throw error;
    throw new ConnectionError(`no node answers at ${url}: ${said(error)}`, { cause: error });
  } finally {
    probe.destroy();
  }
  const network = Network.from(chainId);
  const provider = new JsonRpcProvider(request, network, { staticNetwork: network });
  return {
    provider,
    chainId,
    close: () => {
      provider.destroy();
      return Promise.resolve();
    },
  };
};

/** As much of a browser's (and Node's) WebSocket as is used here. */
interface Socket {
  onopen: (() => void) | null;
  onmessage: ((message: { readonly data: unknown }) => void) | null;
  onerror: (() => void) | null;
  onclose: (() => void) | null;
  send(payload: string): void;
  close(): void;
}

/** Asks for the chain on a socket of its own: a provider of ethers would go on asking for ever where nobody answers. */
const probeSocket = (
  url: string,
  WebSocket: new (url: string) => Socket,
): { answer: Promise<unknown>; close: () => void } => {
  const socket = new WebSocket(url);
  const answer = new Promise<unknown>((resolve, reject) => {
    const fail = () => reject(new ConnectionError(`no node answers at ${url}`));
    socket.onerror = fail;
    socket.onclose = fail;
    socket.onopen = () => socket.send(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] }));
    socket.onmessage = ({ data }) => {
      try {
        resolve((JSON.parse(String(data)) as { readonly result?: unknown }).result);
      } catch {
        reject(new ConnectionError(`what answers at ${url} is no node`));
      }
    };
  });
  return { answer, close: () => socket.close() };
};

const openWebSocket = async (url: string, timeout: number): Promise<Connection> => {
  const { WebSocket } = globalThis as { readonly WebSocket?: new (url: string) => Socket };
  if (WebSocket === undefined) {
    throw new ConnectionError("this runtime has no WebSocket: pass a WebSocketProvider of ethers instead of its URL");
  }
  const probe = probeSocket(url, WebSocket);
  let chainId: number;
  try {
    chainId = chainIdOf(await within(probe.answer, timeout, url), url);
  } finally {
    probe.close();
  }
  const network = Network.from(chainId);
  const provider = new WebSocketProvider(url, network, { staticNetwork: network });
  return { provider, chainId, close: () => provider.destroy() };
};

const isSigner = (source: object): source is Signer => "signTypedData" in source && "sendTransaction" in source;
const isProvider = (source: object): source is Provider => "getNetwork" in source && "getBlockNumber" in source;
const isWallet = (source: object): source is Eip1193Provider =>
  "request" in source && typeof source.request === "function";

const openWallet = async (
  wallet: Eip1193Provider,
  { requestAccounts, timeout = TIMEOUT_MS }: ConnectionOptions,
): Promise<Connection> => {
  const asked = wallet.request({ method: "eth_chainId" });
  const chainId = chainIdOf(await within(asked, timeout, "the wallet"), "the wallet");
  // Asking for accounts opens a window and may take its holder long.
  const accounts = await wallet.request({ method: requestAccounts === true ? "eth_requestAccounts" : "eth_accounts" });
  const [first] = Array.isArray(accounts) ? (accounts as string[]) : [];
  const network = Network.from(chainId);
  const request: Eip1193Provider["request"] = ({ method, params }) =>
    wallet.request({ method, ...(params !== undefined && { params }) });
  const provider = new BrowserProvider({ request }, network, { staticNetwork: network });
  return {
    provider,
    ...(first !== undefined && { signer: new JsonRpcSigner(provider, first) }),
    chainId,
    close: () => {
      provider.destroy();
      return Promise.resolve();
    },
  };
};

/** Opens a connection and asks for its chain; throws {@link ConnectionError}. */
export const openConnection = async (
  source: ConnectionSource,
  options: ConnectionOptions = {},
): Promise<Connection> => {
  const timeout = options.timeout ?? TIMEOUT_MS;
  if (typeof source === "string") {
    if (/^https?:\/\//.test(source)) return openHttp(source, timeout);
    if (/^wss?:\/\//.test(source)) return openWebSocket(source, timeout);
    throw new ConnectionError(`"${source}" is no URL of a node: it begins with http, https, ws or wss`);
  }
  if (isSigner(source)) {
    const { provider } = source;
    if (provider === null)
      throw new ConnectionError("the signer has no provider: connect it to one first (signer.connect)");
    const { chainId } = await within(provider.getNetwork(), timeout, "the signer's provider");
    return { provider, signer: source, chainId: Number(chainId), close: nothing };
  }
  if (isProvider(source)) {
    const { chainId } = await within(source.getNetwork(), timeout, "the provider");
    return { provider: source, chainId: Number(chainId), close: nothing };
  }
  if (isWallet(source)) return openWallet(source, options);
  throw new ConnectionError("connect with a URL, a wallet's provider (EIP-1193), or a Provider or Signer of ethers");
};
