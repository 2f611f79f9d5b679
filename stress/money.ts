// The money of a run: what lenders bring, and liquidity that leaves the Uniswap pools and comes back.
import { Interface, type TransactionReceipt } from "ethers";

import { LIQUIDITY, provisions } from "../replay/lenders.ts";
import type { Role } from "../replay/role.ts";
import type { Actor, Intent } from "../replay/sender.ts";
import { COINS, type Prices, type Stage, type Symbol } from "../replay/stage.ts";

/** Part of what is lent that people borrow when all have opened. */
const USE = 0.6;
const LEAST_LENT = 200_000;

/** Dollars that lenders have to bring for all of them to borrow what they want. */
export function lentFor(roles: readonly Role[]): Record<Symbol, number> {
  const borrowed: Record<Symbol, number> = { USDC: 0, WETH: 0, WBTC: 0 };
  for (const { strategy, coin, equity, leverage } of roles) {
    const isShort = strategy.includes("short");
    borrowed[isShort ? coin : "USDC"] += isShort ? equity * leverage : equity * (leverage - 1);
  }
  const lent = (symbol: Symbol): number => Math.round(Math.max(LEAST_LENT, borrowed[symbol] / USE));
  return { USDC: lent("USDC"), WETH: lent("WETH"), WBTC: lent("WBTC") };
}

/** What of Uniswap's position manager takes liquidity out again. */
const MANAGER = new Interface([
  "event IncreaseLiquidity(uint256 indexed tokenId, uint128 liquidity, uint256 amount0, uint256 amount1)",
  "function decreaseLiquidity((uint256 tokenId, uint128 liquidity, uint256 amount0Min, uint256 amount1Min, uint256 deadline))",
  "function collect((uint256 tokenId, address recipient, uint128 amount0Max, uint128 amount1Max))",
]);
const FOREVER = 2n ** 48n;
const EVERYTHING = 2n ** 128n - 1n;

interface Position {
  readonly tokenId: bigint;
  readonly liquidity: bigint;
}

const positionsIn = (receipts: readonly TransactionReceipt[]): Position[] =>
  receipts
    .flatMap(({ logs }) => logs.map((log) => MANAGER.parseLog(log)))
    .filter((event) => event?.name === "IncreaseLiquidity")
    .map((event) => ({ tokenId: event?.args[0] as bigint, liquidity: event?.args[1] as bigint }));

type Mine = (intents: readonly Intent[]) => Promise<TransactionReceipt[]>;

/** The part of the pools' liquidity that leaves when depth is cut. */
export class ShyLiquidity {
  private inside: readonly Position[] = [];

  /** `part` of the whole liquidity of both pools. */
  constructor(
    private readonly stage: Stage,
    private readonly by: Actor,
    private readonly part: number,
  ) {}

  async enter(prices: Prices, mine: Mine): Promise<void> {
    if (this.part <= 0) return;
    this.inside = positionsIn(await mine(await provisions(this.stage, this.by, prices, LIQUIDITY * this.part)));
    if (this.inside.length !== COINS.length) throw new Error("liquidity was not taken by both pools");
  }

  async leave(mine: Mine): Promise<void> {
    const { by, inside } = this;
    const to = await this.stage.uniswap.positions.getAddress();
    this.inside = [];
    await mine(
      inside.flatMap(({ tokenId, liquidity }): Intent[] => {
        const out = MANAGER.encodeFunctionData("decreaseLiquidity", [[tokenId, liquidity, 0n, 0n, FOREVER]]);
        const collected = MANAGER.encodeFunctionData("collect", [[tokenId, by.address, EVERYTHING, EVERYTHING]]);
        return [
          { by, what: "take liquidity out", tx: { to, data: out } },
          { by, what: "collect liquidity", tx: { to, data: collected } },
        ];
      }),
    );
  }
}
