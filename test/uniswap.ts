import { expect } from "chai";
import fc from "fast-check";
import { network } from "hardhat";

import {
  addLiquidity,
  createMarket,
  deployUniswap,
  growObservations,
  priceIn,
  priceOf,
  sqrtPriceX96Of,
  swapToPrice,
} from "../scripts/lib/uniswap.js";
import { TestToken__factory, WETH__factory } from "../types/ethers-contracts/index.js";

const WAD = 10n ** 18n;

describe("Uniswap v3 from its packages", () => {
  it("follows an index price up and down, for tokens of 6, 8 and 18 decimals in either order", async () => {
    const { ethers } = await network.create();
    const [owner] = await ethers.getSigners();
    const weth = await new WETH__factory(owner).deploy();
    const uniswap = await deployUniswap(owner!, weth);
    const usdc = await new TestToken__factory(owner).deploy("USD Coin", "USDC", 6);
    await usdc.mint(owner!, 10n ** 15n);
    let sides = 0;
    for (const decimals of [6n, 8n, 18n, 18n, 8n, 18n]) {
      const token = await new TestToken__factory(owner).deploy("Token", "T", decimals);
      await token.mint(owner!, 10n ** (decimals + 7n));
      const price = 2_000n * WAD;
      const market = await createMarket(uniswap, await token.getAddress(), await usdc.getAddress(), 3000, price);
      sides |= market.baseIsToken0 ? 1 : 2;
      await growObservations(market, 20);
      await addLiquidity(uniswap, market, owner!, { base: 1_000n * 10n ** decimals, quote: 2_000_000n * 10n ** 6n });
      await addLiquidity(uniswap, market, owner!, { base: 10n * 10n ** decimals, quote: 20_000n * 10n ** 6n }, 2);
      for (const target of [1_200n * WAD, 3_500n * WAD, 3_500n * WAD, 1_999n * WAD]) {
        await swapToPrice(uniswap, market, owner!, target);
        const reached = await priceIn(market);
        expect(reached > target ? reached - target : target - reached).to.be.lessThan(target / 1_000_000n);
      }
    }
    expect(sides).to.equal(3);
  });

  it("writes and reads prices as Uniswap does, to one part in a million", () => {
    const decimals = fc.constantFrom(6n, 8n, 18n);
    fc.assert(
      fc.property(
        decimals,
        decimals,
        fc.boolean(),
        fc.bigInt(10n ** 12n, 10n ** 24n),
        (baseDecimals, quoteDecimals, baseIsToken0, price) => {
          const shape = { baseDecimals, quoteDecimals, baseIsToken0 };
          const back = priceOf(shape, sqrtPriceX96Of(shape, price));
          expect(back > price ? back - price : price - back).to.be.lessThanOrEqual(price / 1_000_000n + 1n);
        },
      ),
    );
  });
});
