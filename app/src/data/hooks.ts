// What components ask for: one cache, refreshed with the chain.
import { useQuery, useQueryClient, keepPreviousData } from "@tanstack/react-query";
import { createContext, useCallback, useContext, useEffect, useMemo, useSyncExternalStore } from "react";

import { errorContext } from "../../../sdk/client/venue.ts";
import { accountId } from "../../../sdk/ids.ts";
import { createStore, useStore } from "../lib/store.ts";
import { settings } from "../lib/settings.ts";
import type { TxContext } from "../tx/transactions.ts";
import { wallet } from "../wallet/wallet.ts";
import { type AccountData, findAccounts, readAccount, readPools, readWallet } from "./account.ts";
import type { Entries } from "./fills.ts";
import { EMPTY_BOOK, Feed, type Book, type Trade } from "./book.ts";
import { readMarket } from "./market.ts";
import type { Site } from "./site.ts";

const EVERY_MS = 2_000;
const SLOW_MS = 6_000;

const SiteContext = createContext<Site | undefined>(undefined);
export const SiteProvider = SiteContext.Provider;

/** Inside of the page, which is only drawn once the site is known. */
export const useSite = (): Site => {
  const site = useContext(SiteContext);
  if (site === undefined) throw new Error("there is no site around this component");
  return site;
};

export const useHead = () => {
  const site = useSite();
  return useQuery({
    queryKey: [site.key, "head"],
    queryFn: async () => {
      const block = await site.provider.getBlock("latest");
      if (block === null) throw new Error("the node has no blocks");
      return { number: block.number, time: block.timestamp, seenAt: Date.now() };
    },
    refetchInterval: EVERY_MS,
    retry: 0,
  });
};

export const useMarket = () => {
  const site = useSite();
  return useQuery({
    queryKey: [site.key, "market"],
    queryFn: () => readMarket(site),
    refetchInterval: EVERY_MS,
    placeholderData: keepPreviousData,
    structuralSharing: false,
  });
};

export const usePools = () => {
  const site = useSite();
  return useQuery({
    queryKey: [site.key, "pools"],
    queryFn: () => readPools(site),
    refetchInterval: SLOW_MS,
    structuralSharing: false,
  });
};

export const useWallet = () => useStore(wallet);

export const useWalletBalances = () => {
  const site = useSite();
  const { address } = useWallet();
  return useQuery({
    queryKey: [site.key, "wallet", address],
    queryFn: () => readWallet(site, address ?? ""),
    enabled: address !== undefined,
    refetchInterval: EVERY_MS,
    structuralSharing: false,
  });
};

/** Ids of the connected owner's accounts: those with something in them, those that he has named, and the chosen one. */
export const useAccounts = (): readonly string[] => {
  const site = useSite();
  const { address } = useWallet();
  const { names, account } = useStore(settings);
  const { data } = useQuery({
    queryKey: [site.key, "accounts", address],
    queryFn: () => findAccounts(site, address ?? ""),
    enabled: address !== undefined,
    refetchInterval: SLOW_MS,
  });
  return useMemo(() => {
    if (address === undefined) return [];
    const prefix = address.toLowerCase();
    const named = Object.keys(names).filter((id) => id.startsWith(prefix));
    const chosen = account[prefix];
    const all = new Set([accountId(address, 0), ...(data ?? []), ...named, ...(chosen === undefined ? [] : [chosen])]);
    return [...all].sort();
  }, [address, data, names, account]);
};

/** The account that trades. */
export const useAccountId = (): string | undefined => {
  const { address } = useWallet();
  const { account } = useStore(settings);
  return address === undefined ? undefined : (account[address.toLowerCase()] ?? accountId(address, 0));
};

export const chooseAccount = (id: string): void =>
  settings.set((now) => ({ ...now, account: { ...now.account, [id.slice(0, 42)]: id } }));

export const useAccount = (id: string | undefined) => {
  const site = useSite();
  return useQuery<AccountData>({
    queryKey: [site.key, "account", id],
    queryFn: () => readAccount(site, id ?? ""),
    enabled: id !== undefined,
    refetchInterval: EVERY_MS,
    structuralSharing: false,
  });
};

/** At what the account entered what it has; undefined until its events are read. */
export const useEntries = (id: string | undefined): Entries | undefined => {
  const site = useSite();
  const { data } = useQuery({
    queryKey: [site.key, "entries", id],
    // The interfaces of all events are not needed for the first look.
    queryFn: async () => (await import("./fills.ts")).readEntries(site, id ?? ""),
    enabled: id !== undefined,
    refetchInterval: SLOW_MS,
    structuralSharing: false,
  });
  return data;
};

export const useRefresh = (): (() => void) => {
  const client = useQueryClient();
  return useCallback(() => void client.invalidateQueries(), [client]);
};

export const useTx = (): TxContext => {
  const site = useSite();
  const onMined = useRefresh();
  return useMemo(
    () => ({ provider: site.provider, chainId: site.chainId, errors: errorContext(site.venue), onMined }),
    [site, onMined],
  );
};

// ------------------------------------------------------------------ the matcher

let feed: { readonly matcher: string; readonly feed: Feed } | undefined;

export const useFeed = (): Feed => {
  const { matcher } = useSite();
  if (feed?.matcher !== matcher) {
    feed?.feed.stop();
    feed = { matcher, feed: new Feed(matcher) };
  }
  return feed.feed;
};

const NO_BOOK = createStore<Book>(EMPTY_BOOK);
const NO_TRADES = createStore<readonly Trade[]>([]);

export const useBook = (market: string | undefined): { book: Book; trades: readonly Trade[] } => {
  const source = useFeed();
  useEffect(() => (market === undefined ? undefined : source.watch(market)), [source, market]);
  const book = market === undefined ? NO_BOOK : source.book(market);
  const trades = market === undefined ? NO_TRADES : source.tradesOf(market);
  return {
    book: useSyncExternalStore(book.listen, book.get),
    trades: useSyncExternalStore(trades.listen, trades.get),
  };
};
