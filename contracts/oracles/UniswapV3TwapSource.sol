// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";

import {BoundedRead} from "./BoundedRead.sol";

/// @title Time-weighted average price of a Uniswap v3 pool
/// @notice The geometric mean over `window` seconds. Never reverts for a broken or too young pool: 0 = cannot be used.
library UniswapV3TwapSource {
    /// @dev `observe(uint32[])`.
    uint256 private constant OBSERVE = 0x883bdbfd;
    /// @dev ln 1.0001 and ln 10, 36 decimals, to nearest.
    int256 private constant LN_TICK = 99995000333308335333166680951131;
    int256 private constant LN_TEN = 2302585092994045684017991454684364208;
    /// @dev e^94 is 6.7e40: with 18 decimals still below 2^196, and no price of use.
    int256 private constant MAX_LN = 94e18;

    /// @notice Whole quote tokens (WAD) per whole base token; 0 when the pool cannot say.
    /// @param minLiquidity the harmonic mean of the pool's in-range liquidity over the window must reach it (0 = any).
    function read(
        address pool,
        uint256 window,
        bool baseIsToken0,
        uint256 baseDecimals,
        uint256 quoteDecimals,
        uint256 minLiquidity
    ) internal view returns (uint256) {
        (bool ok, int256 tick, uint256 liquidity) = _observe(pool, window);
        if (!ok || liquidity < minLiquidity) return 0;
        return priceAtTick(baseIsToken0 ? tick : -tick, baseDecimals, quoteDecimals);
    }

    /// @notice 1.0001^tick · 10^(baseDecimals − quoteDecimals), WAD; 0 when outside of what a price can be.
    /// @dev The exponent is summed with 36 decimals and cut to 18 once, so that neither small raw ratios (6-decimal quote,
    /// 18-decimal base) nor large ticks cost digits: the error is at most 3e-18 of the price, plus 2 wei. Fuzzed against
    /// exact powers.
    function priceAtTick(int256 tick, uint256 baseDecimals, uint256 quoteDecimals) internal pure returns (uint256) {
        int256 ln = (tick * LN_TICK + (int256(baseDecimals) - int256(quoteDecimals)) * LN_TEN) / 1e18;
        if (ln >= MAX_LN) return 0;
        return uint256(FixedPointMathLib.expWad(ln));
    }

    /// @dev The mean tick, rounded towards minus infinity, and the harmonic mean liquidity of the window.
    function _observe(address pool, uint256 window) private view returns (bool ok, int256 tick, uint256 liquidity) {
        uint256 out;
        // Call data: selector, offset 0x20, length 2, [window, 0]: 132 bytes. The answer's eight words replace it: two
        // offsets, length 2, two tick cumulatives, length 2, two seconds-per-liquidity cumulatives.
        assembly ("memory-safe") {
            out := mload(0x40)
            mstore(out, OBSERVE)
            mstore(add(out, 0x20), 0x20)
            mstore(add(out, 0x40), 2)
            mstore(add(out, 0x60), window)
            mstore(add(out, 0x80), 0)
        }
        ok = BoundedRead.ask(pool, out + 28, 132, out, 256);
        if (!ok) return (false, 0, 0);
        int56 first;
        int56 last;
        uint160 firstPerLiquidity;
        uint160 lastPerLiquidity;
        assembly ("memory-safe") {
            // Exactly the shape that the ABI prescribes for two observations.
            ok := and(eq(mload(out), 0x40), and(eq(mload(add(out, 0x40)), 2), eq(mload(add(out, 0xa0)), 2)))
            first := signextend(6, mload(add(out, 0x60)))
            last := signextend(6, mload(add(out, 0x80)))
            firstPerLiquidity := and(mload(add(out, 0xc0)), 0xffffffffffffffffffffffffffffffffffffffff)
            lastPerLiquidity := and(mload(add(out, 0xe0)), 0xffffffffffffffffffffffffffffffffffffffff)
        }
        if (!ok || window == 0) return (false, 0, 0);
        // Both cumulatives wrap around by design of the pool.
        unchecked {
            int256 delta = last - first;
            tick = delta / int256(window);
            if (delta < 0 && delta % int256(window) != 0) --tick;
            uint256 perLiquidity = lastPerLiquidity - firstPerLiquidity;
            liquidity = perLiquidity == 0 ? type(uint256).max : (window << 128) / perLiquidity;
        }
    }
}
