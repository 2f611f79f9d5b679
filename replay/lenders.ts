// Those who bring the money: lenders, the insurance fund's patron, and who makes markets on Uniswap.
import { MaxUint256 } from "ethers";

import { LOCAL_POOL_FEE } from "../deploy/lib/localNetwork.ts";
import type { Actor, Intent, Ledger } from "./sender.ts";
import { COINS, mint, type Prices, type Stage, type Symbol, SYMBOLS, unitsOf } from "./stage.ts";

/** Dollars that lenders bring to each pool of the demo. */
const LENT: Readonly<Record<Symbol, number>> = { USDC: 1_600_000, WETH: 1_200_000, WBTC: 900_000 };
const LENDERS = 3;
const INSURANCE = 250_000;
/** Dollars on each side of each Uniswap pool, spread over a factor of `WIDTH` both ways. */
export const LIQUIDITY = 60_000_000;
const WIDTH = 6;
/** What the arbitrageur has of each token, dollars. */
const ARBITRAGE = 1_000_000_000;
const TICK_BASE = 1.0001;

/** Every lender lends to every pool, through its vault. */
export async function supply(
  stage: Stage,
  ledger: Ledger,
  prices: Prices,
  lent: Readonly<Record<Symbol, number>> = LENT,
): Promise<Actor[]> {
  const lenders = await Promise.all(Array.from({ length: LENDERS }, (_, i) => ledger.actor(`lender ${i + 1}`)));
  const intents = await Promise.all(
    lenders.flatMap((by) =>
      SYMBOLS.map(async (symbol): Promise<Intent[]> => {
        const units = unitsOf(symbol, lent[symbol] / LENDERS, prices[symbol]);
        const vault = stage.vaults[symbol];
        const token = stage.tokens[symbol];
        return [
          { by, what: `mint ${symbol}`, tx: await mint(stage, symbol, by.address, units) },
          { by, what: `approve ${symbol}`, tx: await token.approve.populateTransaction(vault, MaxUint256) },
          { by, what: `lend ${symbol}`, tx: await vault.deposit.populateTransaction(units, by.address) },
        ];
      }),
    ),
  );
  await ledger.block(intents.flat());
  return lenders;
}

export async function insure(stage: Stage, ledger: Ledger, amount = INSURANCE): Promise<void> {
  const by = await ledger.actor("patron");
  const units = unitsOf("USDC", amount);
  await ledger.block([
    { by, what: "mint USDC", tx: await mint(stage, "USDC", by.address, units) },
    { by, what: "approve USDC", tx: await stage.tokens.USDC.approve.populateTransaction(stage.fund, MaxUint256) },
    { by, what: "seed the insurance fund", tx: await stage.fund.donate.populateTransaction(units) },
  ]);
}

/**
 * Liquidity around the price for the unwinder and the routers to trade with; the provider is also the arbitrageur. `depth` is a
 * part of the usual liquidity.
 */
export async function makeMarkets(stage: Stage, ledger: Ledger, prices: Prices, depth = 1): Promise<Actor> {
  const by = await ledger.actor("arbitrageur", 10n ** 26n);
  const { positions, router } = stage.uniswap;
  const setUp = await Promise.all(
    SYMBOLS.map(async (symbol): Promise<Intent[]> => {
      const units = unitsOf(symbol, ARBITRAGE, prices[symbol]);
      const token = stage.tokens[symbol];
      return [
        { by, what: `mint ${symbol}`, tx: await mint(stage, symbol, by.address, units) },
        { by, what: `approve ${symbol}`, tx: await token.approve.populateTransaction(positions, MaxUint256) },
        { by, what: `approve ${symbol}`, tx: await token.approve.populateTransaction(router, MaxUint256) },
      ];
    }),
  );
  await ledger.block([...setUp.flat(), ...(await provisions(stage, by, prices, LIQUIDITY * depth))]);
  return by;
}

/** So many dollars on each side of both Uniswap pools, around the price at which they stand. */
export function provisions(stage: Stage, by: Actor, prices: Prices, dollars: number): Promise<Intent[]> {
  const { positions } = stage.uniswap;
  return Promise.all(
    COINS.map(async (coin): Promise<Intent> => {
      const { pool, base, quote, baseIsToken0 } = stage.markets[coin];
      const [{ tick }, spacing] = await Promise.all([pool.slot0(), pool.tickSpacing()]);
      const reach = Math.log(WIDTH) / Math.log(TICK_BASE);
      const onGrid = (t: number) => Math.round(t / Number(spacing)) * Number(spacing);
      const amounts = [unitsOf(coin, dollars, prices[coin]), unitsOf("USDC", dollars)] as const;
      const tx = await positions.mint.populateTransaction({
        token0: baseIsToken0 ? base : quote,
        token1: baseIsToken0 ? quote : base,
        fee: LOCAL_POOL_FEE,
        tickLower: onGrid(Number(tick) - reach),
        tickUpper: onGrid(Number(tick) + reach),
        amount0Desired: baseIsToken0 ? amounts[0] : amounts[1],
        amount1Desired: baseIsToken0 ? amounts[1] : amounts[0],
        amount0Min: 0n,
        amount1Min: 0n,
        recipient: by.address,
        deadline: MaxUint256,
      });
      return { by, what: `provide liquidity for ${coin}`, tx };
    }),
  );
}
