import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { App } from "./App.tsx";
import { applyTheme, settings } from "./lib/settings.ts";
import "./styles/base.css";
import "./styles/parts.css";
import "./styles/pages.css";
import "./styles/narrow.css";
import { discover } from "./wallet/wallet.ts";

applyTheme();
settings.listen(applyTheme);
discover();

const client = new QueryClient({
  defaultOptions: { queries: { retry: 1, staleTime: 1_000, refetchOnWindowFocus: true, networkMode: "always" } },
});

const root = document.getElementById("root");
if (root === null) throw new Error("the page has no place to be drawn");
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <App />
    </QueryClientProvider>
  </StrictMode>,
);
