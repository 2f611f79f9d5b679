// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {BaseTest} from "../test/BaseTest.sol";
import {MockTwapPool} from "../test/MockTwapPool.sol";
import {OracleHarness} from "../test/OracleHarness.sol";

contract UniswapV3TwapSourceTest is BaseTest {
    OracleHarness private oracles;
    MockTwapPool private pool;

    function setUp() public {
        oracles = new OracleHarness();
        pool = new MockTwapPool(address(1), address(2));
    }

    function _twap(bool baseIsToken0, uint256 baseDecimals, uint256 quoteDecimals) private view returns (uint256) {
        return oracles.twap(address(pool), 1800, baseIsToken0, baseDecimals, quoteDecimals, 0);
    }

    function test_twapOfEitherTokenOrderAndDecimals() public {
        // 1.0001^-200311 · 1e12 = 2000.04… USDC (6) per WETH (18); numbers from a 60-digit calculation.
        pool.setTick(-200_311, 0);
        assertApproxEqRel(_twap(true, 18, 6), 2_000_040_289_648_088_261_463, 10);
        // The same pool the other way round: USDC in WETH.
        assertApproxEqRel(_twap(false, 6, 18), 499_989_927_790_880, 1e4);
        // Tokens sorted the other way: the tick changes its sign, not the price.
        pool.setTick(200_311, 0);
        assertApproxEqRel(_twap(false, 18, 6), 2_000_040_289_648_088_261_463, 10);
        pool.setTick(0, 0);
        assertEq(_twap(true, 18, 18), 1e18);
        assertApproxEqRel(_twap(true, 8, 6), 100e18, 3);
    }

    function test_twapRoundsTheMeanTickDown() public {
        pool.setTick(5, 1799);
        assertEq(_twap(true, 18, 18), oracles.priceAtTick(5, 18, 18));
        pool.setTick(-5, -1);
        assertEq(_twap(true, 18, 18), oracles.priceAtTick(-6, 18, 18));
        pool.setTick(-5, 0);
        assertEq(_twap(true, 18, 18), oracles.priceAtTick(-5, 18, 18));
    }

    function test_O1_brokenPoolsCannotBeUsed() public {
        for (uint8 i = 1; i <= uint8(type(MockTwapPool.Failure).max); ++i) {
            pool.setFailure(MockTwapPool.Failure(i));
            assertEq(_twap(true, 18, 18), 0);
        }
        assertEq(oracles.twap(makeAddr("no code"), 1800, true, 18, 18, 0), 0);
    }

    /// @dev Whoever gives too little gas does not choose that the second source "fails": the whole reverts.
    function test_O1_starvingThePoolOfGasIsNotAFailure() public {
        pool.setFailure(MockTwapPool.Failure.BurnsGas);
        bytes memory question = abi.encodeCall(oracles.twap, (address(pool), 1800, true, 18, 18, 0));
        uint256 answered;
        for (uint256 given = 10_000; given < 300_000; given += 5_000) {
            (bool ok, ) = address(oracles).staticcall{gas: given}(question);
            if (!ok) continue;
            assertGt(given, 250_000, "answered although it could not give the bounded gas");
            ++answered;
        }
        assertGt(answered, 0);
    }

    function test_twapAsksForLiquidity() public {
        // Harmonic mean of the liquidity = window · 2^128 / Δ.
        uint256 liquidity = 1e15;
        pool.setPerLiquidity(uint160((1800 << 128) / liquidity));
        assertGt(oracles.twap(address(pool), 1800, true, 18, 18, liquidity), 0);
        assertEq(oracles.twap(address(pool), 1800, true, 18, 18, liquidity + 10), 0);
    }

    /// @dev One tick is a factor of 1.0001 wherever it is, to the stated error.
    function testFuzz_oneTickIsOneBasisPoint(int24 tick, uint8 base, uint8 quote) public view {
        tick = int24(bound(tick, -200_000, 200_000));
        (base, quote) = (uint8(bound(base, 6, 18)), uint8(bound(quote, 6, 18)));
        uint256 here = oracles.priceAtTick(tick, base, quote);
        uint256 next = oracles.priceAtTick(tick + 1, base, quote);
        if (here < 1e9 || next == 0) return;
        assertApproxEqAbs(next, (here * 10_001) / 10_000, here / 1e17 + 4);
    }

    function test_extremeTicksNeverRevert() public view {
        assertEq(oracles.priceAtTick(887_272, 24, 2), 0);
        assertEq(oracles.priceAtTick(-887_272, 2, 24), 0);
    }
}
