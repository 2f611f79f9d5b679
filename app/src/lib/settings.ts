// What somebody chose for this browser alone.
import { createKeptStore } from "./store.ts";

export interface Settings {
  readonly theme: "system" | "light" | "dark";
  /** Margin call when maintenance falls below this part of equity. */
  readonly callAt: number;
  readonly notify: boolean;
  /** The account that trades: index by owner. */
  readonly account: Readonly<Record<string, string>>;
  /** Names by account id. */
  readonly names: Readonly<Record<string, string>>;
  /** Most that a swap or a taken order may cost beyond the price shown, as a part. */
  readonly slippage: number;
}

const USUAL: Settings = { theme: "system", callAt: 0.15, notify: false, account: {}, names: {}, slippage: 0.005 };

export const settings = createKeptStore<Settings>("settings", USUAL, (value) =>
  typeof value === "object" && value !== null ? { ...USUAL, ...(value as Partial<Settings>) } : undefined,
);

export const change = (part: Partial<Settings>): void => settings.set((now) => ({ ...now, ...part }));

/** The attribute that the style sheet reads. */
export const applyTheme = (): void => {
  const { theme } = settings.get();
  if (theme === "system") document.documentElement.removeAttribute("data-theme");
  else document.documentElement.setAttribute("data-theme", theme);
};
