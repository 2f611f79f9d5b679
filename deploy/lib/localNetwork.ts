// What the local network's modules, its market and its tests agree on.
import { parseUnits } from "ethers";

import { sqrtPriceX96Of } from "../../scripts/lib/uniswap.ts";
import type { Address } from "../config/types.ts";
import type { UniswapDeployment } from "./addresses.ts";

/** Of Hardhat's and Foundry's development nodes. */
export const LOCAL_CHAIN_ID = 31_337;

/** USD per whole token. */
export interface LocalPrices {
  USDC: number;
  WETH: number;
  WBTC: number;
  stETH: number;
}

export type LocalSymbol = keyof LocalPrices;

export const DEFAULT_LOCAL_PRICES: LocalPrices = { USDC: 1, WETH: 2_500, WBTC: 60_000, stETH: 2_500 };

export const LOCAL_DECIMALS: Record<LocalSymbol, number> = { USDC: 6, WETH: 18, WBTC: 8, stETH: 18 };

/** Chainlink's USD feeds have eight. */
export const FEED_DECIMALS = 8;

/** Dollars as a Chainlink answer. */
export const toAnswer = (dollars: number): bigint => parseUnits(dollars.toFixed(FEED_DECIMALS), FEED_DECIMALS);

export interface LocalAddresses {
  tokens: Record<LocalSymbol, { token: Address; feed: Address }>;
  uniswap: UniswapDeployment;
}

/** Fee of the local Uniswap pools, hundredths of a basis point: 0.05 %. */
export const LOCAL_POOL_FEE = 500;

/** Uniswap's √(token1 ÷ token0) · 2⁹⁶ at which `token` trades against USDC at their dollar prices. */
export const poolPrice = (token: LocalSymbol, isToken0: boolean, prices: LocalPrices): bigint =>
  sqrtPriceX96Of(
    {
      baseDecimals: BigInt(LOCAL_DECIMALS[token]),
      quoteDecimals: BigInt(LOCAL_DECIMALS.USDC),
      baseIsToken0: isToken0,
    },
    (toAnswer(prices[token]) * 10n ** 18n) / toAnswer(prices.USDC),
  );
