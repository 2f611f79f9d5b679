// Browser wallets by EIP-6963: each announces itself, the trader chooses, and the choice is remembered.
import { BrowserProvider, getAddress, type JsonRpcSigner } from "ethers";

import { createStore } from "../lib/store.ts";

export interface Eip1193 {
  request(request: { readonly method: string; readonly params?: readonly unknown[] }): Promise<unknown>;
  on?(event: string, listener: (value: unknown) => void): void;
  removeListener?(event: string, listener: (value: unknown) => void): void;
}

export interface Announced {
  readonly info: { readonly uuid: string; readonly name: string; readonly icon: string; readonly rdns: string };
  readonly provider: Eip1193;
}

export interface WalletState {
  readonly found: readonly Announced[];
  /** The chosen one. */
  readonly chosen?: Announced;
  /** Checksummed; undefined: not connected. */
  readonly address?: string;
  readonly chainId?: number;
}

const REMEMBERED = "plimsoll.wallet";

export const wallet = createStore<WalletState>({ found: [] });

const isAnnounced = (value: unknown): value is Announced =>
  typeof value === "object" && value !== null && "info" in value && "provider" in value;

const remember = (rdns: string | undefined): void => {
  try {
    if (rdns === undefined) localStorage.removeItem(REMEMBERED);
    else localStorage.setItem(REMEMBERED, rdns);
  } catch {
    // Asked again after a reload.
  }
};

const remembered = (): string | null => {
  try {
    return localStorage.getItem(REMEMBERED);
  } catch {
    return null;
  }
};

const firstOf = (accounts: unknown): string | undefined => {
  const first: unknown = Array.isArray(accounts) ? accounts[0] : undefined;
  return typeof first === "string" ? getAddress(first) : undefined;
};

const drop = ({ found }: WalletState): WalletState => ({ found });
let forget: (() => void) | undefined;

const attach = async (announced: Announced, accounts: unknown): Promise<void> => {
  const { provider } = announced;
  const chainId = Number(await provider.request({ method: "eth_chainId" }));
  const address = firstOf(accounts);
  forget?.();
  const onAccounts = (value: unknown): void => {
    const next = firstOf(value);
    wallet.set((now) => (next === undefined ? drop(now) : { ...now, address: next }));
  };
  const onChain = (value: unknown): void => wallet.set((now) => ({ ...now, chainId: Number(value) }));
  provider.on?.("accountsChanged", onAccounts);
  provider.on?.("chainChanged", onChain);
  forget = () => {
    provider.removeListener?.("accountsChanged", onAccounts);
    provider.removeListener?.("chainChanged", onChain);
  };
  wallet.set((now) => ({ ...drop(now), chosen: announced, chainId, ...(address !== undefined && { address }) }));
  remember(address === undefined ? undefined : announced.info.rdns);
};

/** Opens the wallet's window. Throws what the wallet throws. */
export const connect = async (announced: Announced): Promise<void> =>
  attach(announced, await announced.provider.request({ method: "eth_requestAccounts" }));

export const disconnect = (): void => {
  forget?.();
  forget = undefined;
  remember(undefined);
  wallet.set(drop);
};

export const discover = (): void => {
  window.addEventListener("eip6963:announceProvider", (event) => {
    const { detail } = event as CustomEvent<unknown>;
    if (!isAnnounced(detail)) return;
    if (wallet.get().found.some(({ info }) => info.uuid === detail.info.uuid)) return;
    wallet.set((now) => ({ ...now, found: [...now.found, detail] }));
    if (wallet.get().chosen !== undefined || detail.info.rdns !== remembered()) return;
    // Connected before: no window is opened.
    void detail.provider
      .request({ method: "eth_accounts" })
      .then((accounts) => (firstOf(accounts) === undefined ? undefined : attach(detail, accounts)))
      .catch(() => undefined);
  });
  window.dispatchEvent(new Event("eip6963:requestProvider"));
};

/** Whoever signs; throws when nobody is connected. */
export const signer = async (): Promise<JsonRpcSigner> => {
  const { chosen, address } = wallet.get();
  if (chosen === undefined || address === undefined) throw new Error("Connect a wallet first.");
  const provider = new BrowserProvider({
    request: ({ method, params }) => chosen.provider.request({ method, params: params as readonly unknown[] }),
  });
  return provider.getSigner(address);
};

/** Asks the wallet to change to the page's chain, adding it where the wallet does not know it. */
export const switchChain = async (chainId: number, name: string, rpc: string): Promise<void> => {
  const { chosen } = wallet.get();
  if (chosen === undefined) return;
  const id = `0x${chainId.toString(16)}`;
  try {
    await chosen.provider.request({ method: "wallet_switchEthereumChain", params: [{ chainId: id }] });
  } catch (error) {
    const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
    if (code !== 4902) throw error;
    const currency = { name: "Ether", symbol: "ETH", decimals: 18 };
    const chain = { chainId: id, chainName: name, rpcUrls: [rpc], nativeCurrency: currency };
    await chosen.provider.request({ method: "wallet_addEthereumChain", params: [chain] });
  }
  wallet.set((now) => ({ ...now, chainId }));
};
