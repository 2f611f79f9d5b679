import { buildModule } from "@nomicfoundation/ignition-core";
import { parseEther, parseUnits, ZeroAddress } from "ethers";

import {
  FEED_DECIMALS,
  LOCAL_DECIMALS,
  LOCAL_POOL_FEE,
  type LocalAddresses,
  type LocalPrices,
  type LocalSymbol,
  poolPrice,
  toAnswer,
} from "../lib/localNetwork.ts";
import {
  uniswapFactoryArtifact,
  uniswapPoolArtifact,
  uniswapPositionsArtifact,
  uniswapRouterArtifact,
} from "../lib/uniswapArtifacts.ts";

/** What the deployer gets of each token, for the listing to try it out with. */
const POCKET_MONEY = "1";

/** Observations that a Uniswap pool keeps: enough for a TWAP of hours at a trade every few minutes. */
const OBSERVATIONS = 64;

/**
 * What a local network lacks: tokens, Chainlink feeds, a Uniswap v3 factory. Anyone may mint and set prices there. `poolSeed`: whole
 * USDC that the deployer gets for the liquidity pool.
 */
export const localModule = (prices: LocalPrices, poolSeed = "0") =>
  buildModule("Local", (m) => {
    const deployer = m.getAccount(0);

    const token = (symbol: LocalSymbol, name: string) => {
      const future = m.contract("LocalToken", [name, symbol, LOCAL_DECIMALS[symbol]], { id: symbol });
      const decimals = LOCAL_DECIMALS[symbol];
      const seed = parseUnits(symbol === "USDC" ? poolSeed : "0", decimals);
      m.call(future, "mint", [deployer, parseUnits(POCKET_MONEY, decimals) + seed], { id: `mint_${symbol}` });
      return future;
    };
    const feed = (symbol: LocalSymbol) =>
      m.contract("MockV3Aggregator", [FEED_DECIMALS, toAnswer(prices[symbol])], { id: `feed_${symbol}` });

    const weth = m.contract("WETH", [], { id: "WETH" });
    m.call(weth, "deposit", [], { id: "mint_WETH", value: parseEther(POCKET_MONEY) });

    const uniswapFactory = m.contract("UniswapV3Factory", uniswapFactoryArtifact, []);

    return {
      USDC: token("USDC", "Local USD Coin"),
      WETH: weth,
      WBTC: token("WBTC", "Local Wrapped Bitcoin"),
      stETH: token("stETH", "Local Staked Ether"),
      feedUSDC: feed("USDC"),
      feedWETH: feed("WETH"),
      feedWBTC: feed("WBTC"),
      feedStETH: feed("stETH"),
      uniswapFactory,
      uniswapRouter: m.contract("SwapRouter", uniswapRouterArtifact, [uniswapFactory, weth]),
      // The zero address stands for the descriptor that draws a position's picture.
      uniswapPositions: m.contract("NonfungiblePositionManager", uniswapPositionsArtifact, [
        uniswapFactory,
        weth,
        ZeroAddress,
      ]),
    };
  });

/**
 * Uniswap pools of each token against USDC at the starting prices, without liquidity. A module of its own: the order of a
 * pool's tokens, and so its price, is known only once the tokens have addresses.
 */
export const localPoolsModule = (local: LocalAddresses, prices: LocalPrices) =>
  buildModule("LocalPools", (m) => {
    const factory = m.contractAt("UniswapV3Factory", uniswapFactoryArtifact, local.uniswap.factory);
    const pool = (symbol: LocalSymbol) => {
      const [token, usdc] = [local.tokens[symbol].token, local.tokens.USDC.token];
      const price = poolPrice(symbol, BigInt(token) < BigInt(usdc), prices);
      const created = m.call(factory, "createPool", [token, usdc, LOCAL_POOL_FEE], { id: `create_${symbol}` });
      const address = m.readEventArgument(created, "PoolCreated", "pool", { id: `address_${symbol}` });
      const future = m.contractAt("UniswapV3Pool", uniswapPoolArtifact, address, { id: `pool_${symbol}` });
      const opened = m.call(future, "initialize", [price], { id: `open_${symbol}` });
      m.call(future, "increaseObservationCardinalityNext", [OBSERVATIONS], {
        id: `remember_${symbol}`,
        after: [opened],
      });
      return future;
    };
    return { poolWETH: pool("WETH"), poolWBTC: pool("WBTC"), poolStETH: pool("stETH") };
  });
