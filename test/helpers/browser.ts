// A real browser with a wallet that signs for real: announced by EIP-6963, its answers made here with a key.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";

import { type HDNodeWallet, type JsonRpcProvider, type TypedDataField, Wallet } from "ethers";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

const CHROMIUM = "/usr/bin/chromium";
const INSTALL_MS = 120_000;
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Debian's chromium, installed where that is allowed; undefined where it cannot be had. */
export const findChromium = async (): Promise<string | undefined> => {
  if (existsSync(CHROMIUM)) return CHROMIUM;
  const run = promisify(execFile);
  try {
    await run("apt-get", ["update"], { timeout: INSTALL_MS });
    await run("apt-get", ["install", "-y", "--no-install-recommends", "chromium"], { timeout: INSTALL_MS });
  } catch {
    return undefined;
  }
  return existsSync(CHROMIUM) ? CHROMIUM : undefined;
};

export const launch = (executablePath: string): Promise<Browser> => chromium.launch({ executablePath, args: FLAGS });

/** What the holder of a wallet does when it asks. */
export interface Mood {
  rejects: boolean;
  chainId: number;
  /** Switches when it is asked to. */
  switches: boolean;
}

export interface Trader {
  readonly wallet: HDNodeWallet;
  readonly mood: Mood;
  readonly context: BrowserContext;
  readonly page: Page;
  /** Errors on the console, and faults of the page. */
  readonly errors: string[];
}

type Params = readonly unknown[];
interface SentTransaction {
  readonly to: string;
  readonly data: string;
  readonly value: string;
  readonly gas: string;
}
interface TypedPayload {
  readonly domain: Record<string, unknown>;
  readonly types: Record<string, TypedDataField[]>;
  readonly message: Record<string, unknown>;
}

const MOST_GAS_PRICE = 500_000_000_000n;
const TIP = 1_000_000_000n;

/** As text: what a bundler adds to functions is not there in the page. */
const ANNOUNCE = `(() => {
  const listeners = {};
  const provider = {
    request: async ({ method, params }) => {
      const { result, error } = await window.testWallet(method, params ?? []);
      if (error) throw Object.assign(new Error(error.message), { code: error.code });
      return result;
    },
    on: (event, listener) => (listeners[event] ??= new Set()).add(listener),
    removeListener: (event, listener) => listeners[event]?.delete(listener),
  };
  window.emitWallet = (event, value) => { for (const each of listeners[event] ?? []) each(value); };
  const info = { uuid: "6d8f1f4e-0000-4000-8000-000000000001", name: "Test wallet", icon: "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'/>", rdns: "test.wallet" };
  const announce = () => window.dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail: Object.freeze({ info, provider }) }));
  window.addEventListener("eip6963:requestProvider", announce);
  announce();
})()`;

const answer = async (
  wallet: HDNodeWallet,
  provider: JsonRpcProvider,
  mood: Mood,
  method: string,
  params: Params,
): Promise<unknown> => {
  switch (method) {
    case "eth_accounts":
    case "eth_requestAccounts":
      return [wallet.address];
    case "eth_chainId":
      return `0x${mood.chainId.toString(16)}`;
    case "wallet_switchEthereumChain":
      if (!mood.switches) throw Object.assign(new Error("no"), { code: 4001 });
      mood.chainId = Number((params[0] as { chainId: string }).chainId);
      return null;
    case "eth_sendTransaction": {
      if (mood.rejects) throw Object.assign(new Error("User rejected the request."), { code: 4001 });
      const { to, data, value, gas } = params[0] as SentTransaction;
      const fees = { maxFeePerGas: MOST_GAS_PRICE, maxPriorityFeePerGas: TIP };
      const sent = await wallet.connect(provider).sendTransaction({ to, data, value, gasLimit: gas, ...fees });
      return sent.hash;
    }
    case "eth_signTypedData_v4": {
      if (mood.rejects) throw Object.assign(new Error("User rejected the request."), { code: 4001 });
      const { domain, types, message } = JSON.parse(String(params[1])) as TypedPayload;
      // ethers adds the domain's own type.
      const own = Object.entries(types).filter(([name]) => name !== "EIP712Domain");
      return wallet.signTypedData(domain, Object.fromEntries(own), message);
    }
    default:
      return provider.send(method, [...params]);
  }
};

/** What a page may say on its console without being at fault: a node or matcher that a test took away. */
const HARMLESS = /Failed to load resource|WebSocket connection|net::ERR/;

export const openTrader = async (
  browser: Browser,
  provider: JsonRpcProvider,
  chainId: number,
  /** `wallet`: of somebody who is there already, in another browser. */
  options: { readonly width?: number; readonly dark?: boolean; readonly wallet?: HDNodeWallet } = {},
): Promise<Trader> => {
  const wallet = options.wallet ?? Wallet.createRandom();
  const mood: Mood = { rejects: false, chainId, switches: true };
  const context = await browser.newContext({
    viewport: { width: options.width ?? 1_440, height: 900 },
    colorScheme: options.dark === true ? "dark" : "light",
  });
  await context.exposeFunction("testWallet", async (method: string, params: Params) => {
    try {
      return { result: await answer(wallet, provider, mood, method, params) };
    } catch (error) {
      const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
      return { error: { code: typeof code === "number" ? code : -32_000, message: String(message) } };
    }
  });
  await context.addInitScript({ content: ANNOUNCE });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" && !HARMLESS.test(message.text())) errors.push(message.text());
  });
  page.on("pageerror", (error) => errors.push(error.message));
  page.setDefaultTimeout(60_000);
  return { wallet, mood, context, page, errors };
};
