import factoryArtifact from "@uniswap/v3-core/artifacts/contracts/UniswapV3Factory.sol/UniswapV3Factory.json" with { type: "json" };
import positionsArtifact from "@uniswap/v3-periphery/artifacts/contracts/NonfungiblePositionManager.sol/NonfungiblePositionManager.json" with { type: "json" };
import routerArtifact from "@uniswap/v3-periphery/artifacts/contracts/SwapRouter.sol/SwapRouter.json" with { type: "json" };
import { ContractFactory, MaxUint256, ZeroAddress, concat, toBeHex } from "ethers";
import type { AddressLike, Signer } from "ethers";

import {
  IERC20Metadata__factory,
  IPositionManager__factory,
  ISwapRouter__factory,
  IUniswapV3Factory__factory,
  IUniswapV3Pool__factory,
} from "../../types/ethers-contracts/index.js";
import type {
  IPositionManager,
  ISwapRouter,
  IUniswapV3Factory,
  IUniswapV3Pool,
} from "../../types/ethers-contracts/index.js";

/** Uniswap v3 itself, from the bytecode that its npm packages ship. */
export interface Uniswap {
  factory: IUniswapV3Factory;
  positions: IPositionManager;
  router: ISwapRouter;
}

export interface UniswapAddresses {
  factory: string;
  positions: string;
  router: string;
}

/** One pool, seen as a market of `base` in `quote`. */
export interface Market {
  pool: IUniswapV3Pool;
  base: string;
  quote: string;
  baseDecimals: bigint;
  quoteDecimals: bigint;
  fee: number;
  /** Uniswap sorts its tokens by address, whichever is meant as the base. */
  baseIsToken0: boolean;
}

const WAD = 10n ** 18n;
const Q192 = 1n << 192n;
const MAX_TICK = 887_272;
const TICK_BASE = 1.0001;
// A millionth: rounding of the square root, and the tick that a swap stops in, stay well below it.
const PRICE_TOLERANCE = 10n ** 12n;

export async function deployUniswap(signer: Signer, wrappedNative: AddressLike): Promise<Uniswap> {
  const factory = await deploy(factoryArtifact, signer);
  const router = await deploy(routerArtifact, signer, factory, wrappedNative);
  // The descriptor only draws the position's picture.
  const positions = await deploy(positionsArtifact, signer, factory, wrappedNative, ZeroAddress);
  return attachUniswap({ factory, positions, router }, signer);
}

export function attachUniswap(addresses: UniswapAddresses, signer: Signer): Uniswap {
  return {
    factory: IUniswapV3Factory__factory.connect(addresses.factory, signer),
    positions: IPositionManager__factory.connect(addresses.positions, signer),
    router: ISwapRouter__factory.connect(addresses.router, signer),
  };
}

async function deploy(
  artifact: { abi: object[]; bytecode: string },
  signer: Signer,
  ...args: AddressLike[]
): Promise<string> {
  const contract = await new ContractFactory(artifact.abi, artifact.bytecode, signer).deploy(...args);
  await contract.waitForDeployment();
  return contract.getAddress();
}

/** Creates the pool at `price`: whole quote tokens (WAD) for one whole base token. */
export async function createMarket(
  uniswap: Uniswap,
  base: string,
  quote: string,
  fee: number,
  price: bigint,
): Promise<Market> {
  const shape = await describe(uniswap, base, quote, fee);
  const [token0, token1] = shape.baseIsToken0 ? [base, quote] : [quote, base];
  const tx = await uniswap.positions.createAndInitializePoolIfNecessary(
    token0,
    token1,
    fee,
    sqrtPriceX96Of(shape, price),
  );
  await tx.wait();
  return marketOf(uniswap, base, quote, fee);
}

/** An existing pool. */
export async function marketOf(uniswap: Uniswap, base: string, quote: string, fee: number): Promise<Market> {
  const address = await uniswap.factory.getPool(base, quote, fee);
  if (address === ZeroAddress) throw new Error(`no Uniswap pool of ${base} and ${quote} with fee ${fee}`);
  const shape = await describe(uniswap, base, quote, fee);
  return { ...shape, pool: IUniswapV3Pool__factory.connect(address, uniswap.factory.runner) };
}

async function describe(uniswap: Uniswap, base: string, quote: string, fee: number): Promise<Omit<Market, "pool">> {
  const runner = uniswap.factory.runner;
  return {
    base,
    quote,
    fee,
    baseDecimals: await IERC20Metadata__factory.connect(base, runner).decimals(),
    quoteDecimals: await IERC20Metadata__factory.connect(quote, runner).decimals(),
    baseIsToken0: BigInt(base) < BigInt(quote),
  };
}

/** What of the market a price needs to be written as Uniswap does. */
export type MarketShape = Pick<Market, "baseDecimals" | "quoteDecimals" | "baseIsToken0">;

/** √(token1 per token0, in token units) · 2⁹⁶, rounded down, of a price in whole quote tokens (WAD) per whole base token. */
export function sqrtPriceX96Of(shape: MarketShape, price: bigint): bigint {
  const quoteUnits = price * 10n ** shape.quoteDecimals;
  const baseUnits = WAD * 10n ** shape.baseDecimals;
  return sqrt(shape.baseIsToken0 ? (quoteUnits * Q192) / baseUnits : (baseUnits * Q192) / quoteUnits);
}

/** The inverse of {@link sqrtPriceX96Of}. */
export function priceOf(shape: MarketShape, sqrtPriceX96: bigint): bigint {
  const square = sqrtPriceX96 * sqrtPriceX96;
  const scale = WAD * 10n ** shape.baseDecimals;
  const quoteUnit = 10n ** shape.quoteDecimals;
  return shape.baseIsToken0 ? (square * scale) / (Q192 * quoteUnit) : (Q192 * scale) / (square * quoteUnit);
}

/** Whole quote tokens (WAD) per whole base token, now. */
export async function priceIn(market: Market): Promise<bigint> {
  const { sqrtPriceX96 } = await market.pool.slot0();
  return priceOf(market, sqrtPriceX96);
}

/**
 * Adds at most these amounts of the owner's tokens as liquidity: over all prices, or from price ÷ `width` to
 * price × `width`, which makes them about √width / (√width − 1) times as deep.
 */
export async function addLiquidity(
  uniswap: Uniswap,
  market: Market,
  owner: Signer,
  amounts: { base: bigint; quote: bigint },
  width?: number,
): Promise<void> {
  const spacing = Number(await market.pool.tickSpacing());
  const tick = Number((await market.pool.slot0()).tick);
  const reach = width === undefined ? 2 * MAX_TICK : Math.ceil(Math.log(width) / Math.log(TICK_BASE));
  const last = Math.floor(MAX_TICK / spacing) * spacing;
  const onGrid = (t: number) => Math.max(-last, Math.min(last, Math.round(t / spacing) * spacing));
  for (const token of [market.base, market.quote]) await allow(token, owner, await uniswap.positions.getAddress());

  const { baseIsToken0, base, quote } = market;
  const tx = await uniswap.positions.connect(owner).mint({
    token0: baseIsToken0 ? base : quote,
    token1: baseIsToken0 ? quote : base,
    fee: market.fee,
    tickLower: onGrid(tick - reach),
    tickUpper: onGrid(tick + reach),
    amount0Desired: baseIsToken0 ? amounts.base : amounts.quote,
    amount1Desired: baseIsToken0 ? amounts.quote : amounts.base,
    amount0Min: 0n,
    amount1Min: 0n,
    recipient: await owner.getAddress(),
    deadline: MaxUint256,
  });
  await tx.wait();
}

/**
 * Trades the pool to `price` with the trader's own tokens, as an arbitrageur does, and says the price reached. Throws when
 * the trader's balance does not get it there.
 */
export async function swapToPrice(uniswap: Uniswap, market: Market, trader: Signer, price: bigint): Promise<bigint> {
  const target = sqrtPriceX96Of(market, price);
  const { sqrtPriceX96: current } = await market.pool.slot0();
  if (target !== current) {
    const baseIn = target < current === market.baseIsToken0;
    const [tokenIn, tokenOut] = baseIn ? [market.base, market.quote] : [market.quote, market.base];
    await allow(tokenIn, trader, await uniswap.router.getAddress());
    const recipient = await trader.getAddress();
    const tx = await uniswap.router.connect(trader).exactInputSingle({
      tokenIn,
      tokenOut,
      fee: market.fee,
      recipient,
      deadline: MaxUint256,
      // Only what is needed to reach the limit is taken.
      amountIn: await IERC20Metadata__factory.connect(tokenIn, trader).balanceOf(recipient),
      amountOutMinimum: 0n,
      sqrtPriceLimitX96: target,
    });
    await tx.wait();
  }
  const reached = await priceIn(market);
  const off = reached > price ? reached - price : price - reached;
  if (off * WAD > price * PRICE_TOLERANCE) throw new Error(`pool stopped at ${reached} on its way to ${price}`);
  return reached;
}

/** Sells exactly `amountIn` of a token of the market, at whatever price. */
export async function sell(
  uniswap: Uniswap,
  market: Market,
  trader: Signer,
  tokenIn: string,
  amountIn: bigint,
): Promise<void> {
  await allow(tokenIn, trader, await uniswap.router.getAddress());
  const tx = await uniswap.router.connect(trader).exactInputSingle({
    tokenIn,
    tokenOut: tokenIn === market.base ? market.quote : market.base,
    fee: market.fee,
    recipient: await trader.getAddress(),
    deadline: MaxUint256,
    amountIn,
    amountOutMinimum: 0n,
    sqrtPriceLimitX96: 0n,
  });
  await tx.wait();
}

/** Lets the pool remember `count` observations, which its time-weighted average needs. */
export async function growObservations(market: Market, count: number): Promise<void> {
  const tx = await market.pool.increaseObservationCardinalityNext(count);
  await tx.wait();
}

/** Uniswap's encoding of a way through pools: `token ‖ fee ‖ token …`. */
export function swapPath(first: string, ...hops: [fee: number, token: string][]): string {
  return concat([first, ...hops.flatMap(([fee, token]) => [toBeHex(fee, 3), token])]);
}

async function allow(token: string, owner: Signer, spender: string): Promise<void> {
  const erc20 = IERC20Metadata__factory.connect(token, owner);
  if ((await erc20.allowance(await owner.getAddress(), spender)) > MaxUint256 / 2n) return;
  const tx = await erc20.approve(spender, MaxUint256);
  await tx.wait();
}

function sqrt(value: bigint): bigint {
  if (value < 2n) return value;
  let x = 1n << BigInt((value.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (x + value / x) >> 1n;
    if (next >= x) return x;
    x = next;
  }
}
