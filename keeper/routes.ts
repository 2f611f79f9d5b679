// How the unwinder may turn each token into the settlement token: straight, or through one other.
import { concat, toBeHex, ZeroAddress } from "ethers";

import {
  type IMarginAccounts,
  type IUniswapV3Factory,
  type IUniswapV3Pool,
  IUniswapV3Pool__factory,
} from "../types/ethers-contracts/index.js";

const FEES = [100, 500, 3_000, 10_000] as const;
const FEE_UNIT = 1_000_000;
const Q96 = 2 ** 96;
// More tokens to go through would be more requests than they are worth.
const MAX_HUBS = 6;
const POOL_KIND_END = 0x400;
const VAULT_SHARE_KIND = 0x800;
const NUMBER_MASK = 0x3ff;

/** A Uniswap pool that turns `tokenIn` into `tokenOut`. */
interface Hop {
  readonly pool: IUniswapV3Pool;
  readonly tokenIn: string;
  readonly tokenOut: string;
  readonly fee: number;
}

/** What a hop looks like now. */
export interface HopState {
  readonly fee: number;
  /** Token units of `tokenOut` for one of `tokenIn`. */
  readonly price: number;
  /** Virtual reserve of `tokenOut`: what the price moves against. */
  readonly reserveOut: number;
}

interface Route {
  readonly token: string;
  readonly hops: readonly Hop[];
  readonly path: string;
}

/** A token as the safe lists it. */
export interface ListedToken {
  readonly asset: number;
  readonly token: string;
}

/**
 * Part of `amount` (units of the last token) that going through the hops costs, roughly: fees, and price impact as in a
 * pool of constant product. Infinity where there is no liquidity. Only for choosing between routes: what a bid earns is simulated.
 */
export const routeCost = (hops: readonly HopState[], amount: number): number => {
  let cost = 0;
  let value = 1; // units of the last token for one of the hop's output
  for (const hop of [...hops].reverse()) {
    const reserve = hop.reserveOut * value;
    cost += hop.fee / FEE_UNIT + (reserve > 0 ? amount / reserve : Infinity);
    value *= hop.price;
  }
  return cost;
};

/** The pool's state as numbers: doubles are exact enough to compare with. */
export const hopState = (sqrtPriceX96: bigint, liquidity: bigint, zeroForOne: boolean, fee: number): HopState => {
  const root = Number(sqrtPriceX96) / Q96;
  const depth = Number(liquidity);
  if (root === 0) return { fee, price: 0, reserveOut: 0 };
  return zeroForOne
    ? { fee, price: root * root, reserveOut: depth * root }
    : { fee, price: 1 / (root * root), reserveOut: depth / root };
};

const encodePath = (hops: readonly Hop[]): string =>
  concat([hops[0]?.tokenIn ?? "0x", ...hops.flatMap(({ fee, tokenOut }) => [toBeHex(fee, 3), tokenOut])]);

const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** All tokens that the safe lists; the settlement token first. */
export const listedTokens = async (safe: IMarginAccounts): Promise<ListedToken[]> => {
  const { pools, idles } = await safe.assetCounts();
  const ids = [
    ...Array.from({ length: Number(pools) }, (_, i) => i + 1),
    ...Array.from({ length: Number(idles) }, (_, i) => POOL_KIND_END | (i + 1)),
  ];
  return Promise.all(ids.map(async (asset) => ({ asset, token: (await safe.assetToken(asset)).token })));
};

/** The asset whose token has to be traded for a balance: a vault share's is its pool's. */
export const tradedAsset = (asset: number): number => ((asset & VAULT_SHARE_KIND) !== 0 ? asset & NUMBER_MASK : asset);

/** The value of one balance, to choose its route by. */
export interface Trade {
  readonly asset: number;
  /** Settlement token units, either sign. */
  readonly value: bigint;
}

export class Routes {
  private constructor(
    readonly tokens: readonly ListedToken[],
    private readonly routes: readonly Route[],
  ) {}

  /** Looks for pools of every listed token. */
  static async discover(safe: IMarginAccounts, factory: IUniswapV3Factory): Promise<Routes> {
    const tokens = await listedTokens(safe);
    const settlement = tokens[0]?.token;
    if (settlement === undefined) throw new Error("the safe lists no asset");
    const others = tokens.slice(1).map(({ token }) => token);
    const hops = async (tokenIn: string, tokenOut: string): Promise<Hop[]> => {
      const pools = await Promise.all(FEES.map((fee) => factory.getPool(tokenIn, tokenOut, fee)));
      return FEES.flatMap((fee, i) => {
        const pool = pools[i] ?? ZeroAddress;
        if (pool === ZeroAddress) return [];
        return [{ pool: IUniswapV3Pool__factory.connect(pool, factory.runner), tokenIn, tokenOut, fee }];
      });
    };
    const direct = new Map<string, Hop[]>();
    await Promise.all(others.map(async (token) => direct.set(token, await hops(token, settlement))));
    const hubs = others.filter((token) => (direct.get(token)?.length ?? 0) > 0).slice(0, MAX_HUBS);

    const found = await Promise.all(
      others.map(async (token): Promise<Hop[][]> => {
        const through = await Promise.all(
          hubs
            .filter((hub) => !same(hub, token))
            .map(async (hub) => {
              const first = await hops(token, hub);
              return first.flatMap((a) => (direct.get(hub) ?? []).map((b) => [a, b]));
            }),
        );
        return [...(direct.get(token) ?? []).map((hop) => [hop]), ...through.flat()];
      }),
    );
    return new Routes(
      tokens,
      others.flatMap((token, i) => (found[i] ?? []).map((way) => ({ token, hops: way, path: encodePath(way) }))),
    );
  }

  /** The pools as they are now: a function that picks, for each trade, the cheapest way. Tokens without one are left out. */
  async prepare(): Promise<(trades: readonly Trade[]) => string[]> {
    const hops = [...new Map(this.routes.flatMap((route) => route.hops).map((hop) => [hopKey(hop), hop])).values()];
    const states = new Map(
      await Promise.all(
        hops.map(async (hop) => {
          const [{ sqrtPriceX96 }, liquidity] = await Promise.all([hop.pool.slot0(), hop.pool.liquidity()]);
          const state = hopState(sqrtPriceX96, liquidity, BigInt(hop.tokenIn) < BigInt(hop.tokenOut), hop.fee);
          return [hopKey(hop), state] as const;
        }),
      ),
    );
    const cost = (route: Route, amount: number): number =>
      routeCost(
        route.hops.flatMap((hop) => states.get(hopKey(hop)) ?? []),
        amount,
      );
    return (trades) => {
      const sums = new Map<string, number>();
      for (const { asset, value } of trades) {
        const token = this.tokens.find((each) => each.asset === tradedAsset(asset))?.token;
        if (token !== undefined) sums.set(token, (sums.get(token) ?? 0) + Math.abs(Number(value)));
      }
      return [...sums].flatMap(([token, amount]) => {
        const [best] = this.routes
          .filter((route) => same(route.token, token))
          .map((route) => ({ path: route.path, cost: cost(route, amount) }))
          .filter((each) => Number.isFinite(each.cost))
          .sort((a, b) => a.cost - b.cost);
        return best === undefined ? [] : [best.path];
      });
    };
  }
}

const hopKey = (hop: Hop): string => `${hop.tokenIn}:${hop.fee}:${hop.tokenOut}`;
