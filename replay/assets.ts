// The tokens of the replayed market, and money in their units.
import { parseUnits } from "ethers";

import type { PricePoint } from "./candles.ts";

export const COINS = ["WETH", "WBTC"] as const;
export type Coin = (typeof COINS)[number];
export const SYMBOLS = ["USDC", ...COINS] as const;
export type Symbol = (typeof SYMBOLS)[number];

export const DECIMALS: Readonly<Record<Symbol, number>> = { USDC: 6, WETH: 18, WBTC: 8 };

/** Dollars per whole token. */
export type Prices = Readonly<Record<Symbol, number>>;

export const pricesOf = (point: PricePoint): Prices => ({ USDC: 1, WETH: point.eth, WBTC: point.btc });

/** Token units of so many dollars' worth, or of so many whole tokens at a price of one. */
export const unitsOf = (symbol: Symbol, dollars: number, price = 1): bigint =>
  parseUnits((dollars / price).toFixed(DECIMALS[symbol]), DECIMALS[symbol]);

export const dollarsOf = (symbol: Symbol, units: bigint, price = 1): number =>
  (Number(units) / 10 ** DECIMALS[symbol]) * price;
