// Pages by hash: #/trade/ETH-PERP. No library, and links work with the keyboard and the back button.
import { useSyncExternalStore } from "react";

export const PAGES = ["trade", "portfolio", "earn", "liquidations", "risk"] as const;
export type Page = (typeof PAGES)[number];

export interface Route {
  readonly page: Page;
  /** What follows the page's name. */
  readonly rest: string;
}

const listen = (listener: () => void): (() => void) => {
  window.addEventListener("hashchange", listener);
  return () => window.removeEventListener("hashchange", listener);
};

export const parseRoute = (hash: string): Route => {
  const [, name = "", ...rest] = hash.replace(/^#/, "").split("/");
  const page = PAGES.find((each) => each === name) ?? "trade";
  return { page, rest: decodeURIComponent(rest.join("/")) };
};

export const useRoute = (): Route => parseRoute(useSyncExternalStore(listen, () => window.location.hash));
export const hrefOf = (page: Page, rest = ""): string =>
  `#/${page}${rest === "" ? "" : `/${encodeURIComponent(rest)}`}`;
export const go = (page: Page, rest = ""): void => {
  window.location.hash = hrefOf(page, rest);
};
