// Serves the page with Vite: chain and matcher through its own origin, so that the page may speak to nobody else.
import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";

import { build, createServer, type InlineConfig, preview, type Plugin } from "vite";

import { type Handler, localHandler } from "./local.ts";
import type { DevStack } from "./stack.ts";

const ROOT = fileURLToPath(new URL("../../app", import.meta.url));
const CONFIG = fileURLToPath(new URL("../../app/vite.config.ts", import.meta.url));
const HOST = "127.0.0.1";

/** No inline script, no eval, nobody but the page's own origin. Vite's own scripts while developing carry the nonce. */
export const contentSecurityPolicy = (nonce?: string): string =>
  [
    "default-src 'none'",
    `script-src 'self'${nonce === undefined ? "" : ` 'nonce-${nonce}'`}`,
    `style-src 'self'${nonce === undefined ? "" : ` 'nonce-${nonce}'`}`,
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "worker-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");

export const headersFor = (nonce?: string): Record<string, string> => ({
  "content-security-policy": contentSecurityPolicy(nonce),
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=()",
  "cross-origin-opener-policy": "same-origin",
});

export interface Web {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

const middleware = (handler: Handler): Plugin => ({
  name: "plimsoll-local",
  configureServer: (server) => void server.middlewares.use(handler),
  configurePreviewServer: (server) => void server.middlewares.use(handler),
});

const proxyTo = (stack: DevStack) => ({
  "/rpc": { target: stack.rpc, changeOrigin: true, rewrite: () => "/" },
  "/matcher": {
    target: stack.matcher,
    changeOrigin: true,
    ws: true,
    rewrite: (path: string) => path.replace(/^\/matcher/, ""),
  },
});

const urlOf = (port: number): string => `http://${HOST}:${port}/`;

const portOf = (address: unknown, wanted: number): number =>
  typeof address === "object" && address !== null && "port" in address ? Number(address.port) : wanted;

/** Vite ends the process at SIGTERM and when its input ends, and would leave chain and programs behind: whoever serves decides that. */
async function ownEnd<T>(make: () => Promise<T>): Promise<T> {
  const [signals, inputs] = [new Set(process.listeners("SIGTERM")), new Set(process.stdin.listeners("end"))];
  const made = await make();
  for (const each of process.listeners("SIGTERM")) if (!signals.has(each)) process.off("SIGTERM", each);
  for (const each of process.stdin.listeners("end")) {
    if (!inputs.has(each)) process.stdin.off("end", each as () => void);
  }
  process.stdin.pause();
  return made;
}

const common: InlineConfig = { configFile: CONFIG, root: ROOT, logLevel: "warn", clearScreen: false };

/** The page as it is being written: reloads itself. */
export async function serveSources(stack: DevStack, port: number): Promise<Web> {
  const nonce = randomBytes(16).toString("base64");
  const server = await ownEnd(() =>
    createServer({
      ...common,
      html: { cspNonce: nonce },
      server: { host: HOST, port, headers: headersFor(nonce), proxy: proxyTo(stack) },
      plugins: [middleware(localHandler(stack))],
    }),
  );
  await server.listen();
  return { url: urlOf(portOf(server.httpServer?.address(), port)), stop: () => server.close() };
}

/** Into out/app, as it would be published. */
export const buildPage = async (): Promise<void> => void (await build(common));

/** The page as it would be published. */
export async function serveBuilt(stack: DevStack, port: number): Promise<Web> {
  const server = await ownEnd(() =>
    preview({
      ...common,
      // Sockets that a browser leaves behind are no news.
      logLevel: "silent",
      preview: { host: HOST, port, headers: headersFor(), proxy: proxyTo(stack) },
      plugins: [middleware(localHandler(stack))],
    }),
  );
  return { url: urlOf(portOf(server.httpServer.address(), port)), stop: () => server.close() };
}
