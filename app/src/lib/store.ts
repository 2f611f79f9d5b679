// The smallest store that React can listen to, kept over reloads where it is asked for.
import { useSyncExternalStore } from "react";

export interface Store<T> {
  readonly get: () => T;
  readonly set: (next: T | ((now: T) => T)) => void;
  readonly listen: (listener: () => void) => () => void;
}

export const createStore = <T>(initial: T): Store<T> => {
  let value = initial;
  const listeners = new Set<() => void>();
  return {
    get: () => value,
    set: (next) => {
      const made = typeof next === "function" ? (next as (now: T) => T)(value) : next;
      if (Object.is(made, value)) return;
      value = made;
      for (const listener of listeners) listener();
    },
    listen: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
};

const PREFIX = "plimsoll.";

/** Storage may be full, forbidden or hold something old: then the page starts afresh. */
const read = (key: string): unknown => {
  try {
    const text = localStorage.getItem(PREFIX + key);
    return text === null ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return undefined;
  }
};

export const createKeptStore = <T>(key: string, initial: T, accept: (value: unknown) => T | undefined): Store<T> => {
  const store = createStore(accept(read(key)) ?? initial);
  store.listen(() => {
    try {
      localStorage.setItem(PREFIX + key, JSON.stringify(store.get()));
    } catch {
      // Nothing is lost but memory over reloads.
    }
  });
  return store;
};

export const useStore = <T>(store: Store<T>): T => useSyncExternalStore(store.listen, store.get);
