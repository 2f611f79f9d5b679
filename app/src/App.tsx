// The frame around every page: navigation, wallet, what is wrong right now, transactions.
import { useQuery } from "@tanstack/react-query";
import { lazy, type ReactNode, Suspense, useEffect } from "react";

import { SiteProvider, useHead, useTx } from "./data/hooks.ts";
import { readSite } from "./data/site.ts";
import { hrefOf, type Page, PAGES, useRoute } from "./lib/router.ts";
import { change, settings } from "./lib/settings.ts";
import { useStore } from "./lib/store.ts";
import { followAll } from "./tx/transactions.ts";
import { Fallback } from "./ui/Fallback.tsx";
import { LocalChain } from "./ui/LocalChain.tsx";
import { Loading, Notice } from "./ui/parts.tsx";
import { Conditions } from "./ui/Conditions.tsx";
import { MarginCall } from "./ui/MarginCall.tsx";
import { TransactionList } from "./ui/Transactions.tsx";
import { WalletButton } from "./ui/WalletButton.tsx";

const PAGE: Readonly<Record<Page, ReturnType<typeof lazy>>> = {
  trade: lazy(() => import("./pages/Trade.tsx")),
  portfolio: lazy(() => import("./pages/Portfolio.tsx")),
  earn: lazy(() => import("./pages/Earn.tsx")),
  liquidations: lazy(() => import("./pages/Liquidations.tsx")),
  risk: lazy(() => import("./pages/Risk.tsx")),
};

const TITLES: Readonly<Record<Page, string>> = {
  trade: "Trade",
  portfolio: "Portfolio",
  earn: "Earn",
  liquidations: "Liquidations",
  risk: "Risk",
};

const THEMES = { system: "light", light: "dark", dark: "system" } as const;
const THEME_SIGNS = { system: "◐", light: "☀", dark: "☾" } as const;

const ThemeButton = (): ReactNode => {
  const { theme } = useStore(settings);
  return (
    <button
      type="button"
      className="icon"
      aria-label={`Theme: ${theme}. Change to ${THEMES[theme]}`}
      onClick={() => change({ theme: THEMES[theme] })}
    >
      <span aria-hidden="true">{THEME_SIGNS[theme]}</span>
    </button>
  );
};

const Inside = (): ReactNode => {
  const { page } = useRoute();
  const tx = useTx();
  useEffect(() => followAll(tx), [tx]);
  const Content = PAGE[page];
  return (
    <>
      <Conditions />
      <Fallback>
        <MarginCall />
      </Fallback>
      <main id="main" tabIndex={-1}>
        <h1 className="sr-only">{TITLES[page]}</h1>
        <Suspense fallback={<Loading what={TITLES[page].toLowerCase()} />}>
          <Fallback key={page}>
            <Content />
          </Fallback>
        </Suspense>
      </main>
      <TransactionList />
    </>
  );
};

/** The newest block that the page has seen. */
const Head = (): ReactNode => {
  const { data } = useHead();
  return <span data-testid="head">{data === undefined ? "" : `Block ${data.number}`}</span>;
};

export const App = (): ReactNode => {
  const { page } = useRoute();
  // Looked at again and again: a local chain may begin anew under the page.
  const site = useQuery({ queryKey: ["site"], queryFn: readSite, refetchInterval: 5_000, structuralSharing: false });
  useEffect(() => {
    document.title = `${TITLES[page]} · Plimsoll`;
  }, [page]);
  return (
    <SiteProvider value={site.data}>
      <a
        className="skip"
        href="#main"
        onClick={(event) => (event.preventDefault(), document.getElementById("main")?.focus())}
      >
        Skip to content
      </a>
      <header className="top">
        <a className="brand" href={hrefOf("trade")} aria-label="Plimsoll, trade">
          <svg viewBox="0 0 32 32" aria-hidden="true">
            <circle cx="16" cy="16" r="11" />
            <path d="M2 16h28" />
          </svg>
          <span>Plimsoll</span>
        </a>
        <nav aria-label="Pages">
          {PAGES.map((each) => (
            <a key={each} href={hrefOf(each)} {...(each === page && { "aria-current": "page" as const })}>
              {TITLES[each]}
            </a>
          ))}
        </nav>
        <div className="top-end">
          {site.data?.local !== undefined && <LocalChain />}
          <ThemeButton />
          {site.data !== undefined && <WalletButton />}
        </div>
      </header>
      {site.data !== undefined ? (
        <Inside />
      ) : (
        <main id="main" tabIndex={-1}>
          <h1 className="sr-only">Plimsoll</h1>
          {site.isError ? (
            <Notice tone="warn">The server does not answer. The page tries again every few seconds.</Notice>
          ) : (
            <Loading what="the markets" />
          )}
        </main>
      )}
      <footer>
        <span>Settled in USDC. Not audited; local networks only.</span>
        {site.data !== undefined && <Head />}
        <span>
          Charts by{" "}
          <a href="https://www.tradingview.com/" rel="noreferrer noopener">
            TradingView
          </a>{" "}
          Lightweight Charts
        </span>
      </footer>
    </SiteProvider>
  );
};
