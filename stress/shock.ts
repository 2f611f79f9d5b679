// Parametric shocks: "ETH=-40%,BTC=-30%,vol=+80%" as a path of prices.
import type { PricePath, PricePoint } from "../replay/candles.ts";
import type { Hint } from "../replay/derivatives/hints.ts";
import { randomFrom } from "../replay/role.ts";
import { UsageError } from "./errors.ts";

/** Parts of one: −0.4 is a fall by 40 %. */
export interface Shock {
  readonly eth: number;
  readonly btc: number;
  readonly vol: number;
}

const NAMES: Readonly<Record<string, keyof Shock>> = { ETH: "eth", WETH: "eth", BTC: "btc", WBTC: "btc", VOL: "vol" };
const MOST_RISE = 10;

/** Throws {@link UsageError} with the part that is wrong. What is not named does not move. */
export function parseShock(text: string): Shock {
  const shock = { eth: 0, btc: 0, vol: 0 };
  const seen = new Set<string>();
  for (const part of text.split(",")) {
    const [, asset = "", value = ""] = /^\s*([^=\s]+)\s*=\s*(\S+)\s*$/.exec(part) ?? [];
    if (asset === "") throw new UsageError(`--shock: "${part.trim()}" is not like ETH=-40%`);
    const name = NAMES[asset.toUpperCase()];
    if (name === undefined) throw new UsageError(`--shock: unknown asset "${asset}"; it knows ETH, BTC and vol`);
    if (seen.has(name)) throw new UsageError(`--shock: ${asset} is named twice`);
    seen.add(name);
    const number = Number(value.replace(/%$/, ""));
    if (!/^[+-]?\d+(\.\d+)?%$/.test(value) || !Number.isFinite(number))
      throw new UsageError(`--shock: ${asset}=${value} is not a percentage such as -40%`);
    if (number <= -100) throw new UsageError(`--shock: ${asset}=${value}: nothing falls by 100 % or more`);
    if (number > MOST_RISE * 100) throw new UsageError(`--shock: ${asset}=${value} is above +${MOST_RISE * 100}%`);
    shock[name] = number / 100;
  }
  return shock;
}

/** 2026-01-05T00:00:00Z, a Monday: options expire at eight. */
const START = 1_767_571_200;
const FIRST = { eth: 2_500, btc: 60_000 } as const;
const STEP_S = 60;
const VOLATILITY_STEP_S = 60;
/** Implied volatility before the shock, per √year. */
const CALM_VOLATILITY = { eth: 0.7, btc: 0.6 } as const;
const MOST_VOLATILITY = 5;
const YEAR_S = 365 * 86_400;
/** The move begins after this part of the hours, and is whole after that one. */
const BEGINS = 1 / 6;
const WHOLE = 1 / 2;

/** From 0 to 1: how much of the shock has come about. */
export const progressAt = (part: number): number => Math.max(0, Math.min(1, (part - BEGINS) / (WHOLE - BEGINS)));

/** A random walk of `steps` steps that comes back to zero at each of `pins`. */
function bridge(random: () => number, steps: number, deviation: number, pins: readonly number[]): number[] {
  const normal = (): number =>
    Math.sqrt(-2 * Math.log(Math.max(random(), Number.MIN_VALUE))) * Math.cos(2 * Math.PI * random());
  const walk = [0];
  for (let i = 1; i <= steps; ++i) walk.push((walk[i - 1] ?? 0) + normal() * deviation);
  const all = [0, ...pins, steps];
  return walk.map((value, i) => {
    const to = all.find((pin) => pin >= i) ?? steps;
    const from = all.findLast((pin) => pin < i || pin === 0) ?? 0;
    const along = to === from ? 0 : (i - from) / (to - from);
    return value - ((walk[from] ?? 0) * (1 - along) + (walk[to] ?? 0) * along);
  });
}

/**
 * Prices by the minute: a sixth of the time calm, a third in which the logarithm goes evenly to the whole move, and the other half there. Around
 * that a seeded random walk of the volatility of the moment, pinned to the exact move where it is whole.
 */
export function shockPath(shock: Shock, hours: number, seed: number, source: string): PricePath {
  const steps = Math.max(4, Math.round((hours * 3_600) / STEP_S));
  const random = randomFrom(seed);
  const volatilityAt = (coin: "eth" | "btc", part: number): number =>
    Math.min(MOST_VOLATILITY, CALM_VOLATILITY[coin] * (1 + shock.vol * progressAt(part)));
  const pins = [Math.round(steps * BEGINS), Math.round(steps * WHOLE)];
  const noise = {
    eth: bridge(random, steps, CALM_VOLATILITY.eth * Math.sqrt(STEP_S / YEAR_S), pins),
    btc: bridge(random, steps, CALM_VOLATILITY.btc * Math.sqrt(STEP_S / YEAR_S), pins),
  };
  const priceAt = (coin: "eth" | "btc", i: number): number => {
    const part = i / steps;
    const wilder = volatilityAt(coin, part) / CALM_VOLATILITY[coin];
    return FIRST[coin] * Math.exp(Math.log1p(shock[coin]) * progressAt(part) + (noise[coin][i] ?? 0) * wilder);
  };
  const points = Array.from({ length: steps + 1 }, (_, i): PricePoint => ({
    time: START + Math.round((i * hours * 3_600) / steps),
    eth: priceAt("eth", i),
    btc: priceAt("btc", i),
    kind: i === 0 ? "open" : i === steps ? "close" : "extreme",
  }));
  const volatility: Hint[] = [];
  for (let t = 0; t <= hours * 3_600; t += VOLATILITY_STEP_S) {
    const part = t / (hours * 3_600);
    volatility.push({ time: START + t, eth: volatilityAt("eth", part), btc: volatilityAt("btc", part) });
  }
  return { source, points, hints: { volatility, funding: [] } };
}
