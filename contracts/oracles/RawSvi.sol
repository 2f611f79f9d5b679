// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";

/// @dev A smile of total variance: w(k) = a + b·(ρ·(k − m) + √((k − m)² + σ²)), for k² up to `wing2`; beyond it w is w at the nearer end.
struct Smile {
    int256 a; // 1e36
    int256 b; // WAD
    int256 rho; // WAD
    int256 m; // WAD
    int256 sigma2; // 1e36
    int256 wing2; // 1e36
}

/// @title Raw SVI (Gatheral 2004): one expiry's total variance over log-moneyness
/// @notice Wings are cut at 4 standard deviations and at a total variance of 20, as the published reference portfolios do: out there prices
/// say nothing, a straight line in variance would value what nobody quotes, and arbitrage is checked up to the cut only.
library RawSvi {
    /// @dev k is cut at ±4·√(a + b·σ).
    int256 internal constant WING = 4;
    /// @dev 1e36; σ·√T beyond √20 prices every option at its bound.
    int256 internal constant MAX_TOTAL_VARIANCE = 20e36;

    /// @dev Inputs below it (1.2 million) cannot overflow anything here.
    uint256 private constant LIMIT = 1 << 80;
    uint256 private constant HIGH = 1 << 255;
    int256 private constant ONE = 1e18;
    /// @dev Extra bits of the root, so that w keeps 1e-27: a variance of one second is 1e-9 or less.
    uint256 private constant ROOT_BITS = 60;
    uint256 private constant ROOT_SHIFT = 30;

    error SmileOutOfRange();

    /// @notice A smile from its parameters, WAD. Reverts `SmileOutOfRange` for |ρ| > 1 or a parameter of a million and more.
    function smile(int256 a, uint256 b, int256 rho, int256 m, uint256 sigma) internal pure returns (Smile memory s) {
        set(s, a, b, rho, m, sigma);
    }

    /// @notice The same, into memory that is there already.
    function set(Smile memory s, int256 a, uint256 b, int256 rho, int256 m, uint256 sigma) internal pure {
        unchecked {
            // a and m offset by the limit: negative ones beyond it wrap around to huge numbers.
            uint256 outside =
                (uint256(a) + LIMIT) | (uint256(m) + LIMIT) | (b << 1) | (sigma << 1) | ((b | sigma) & HIGH);
            require(outside < 2 * LIMIT && uint256(rho + ONE) <= uint256(2 * ONE), SmileOutOfRange());
            int256 level = a * ONE + int256(b * sigma);
            (s.a, s.b, s.rho, s.m) = (a * ONE, int256(b), rho, m);
            s.sigma2 = int256(sigma * sigma);
            // k² = 16·(a + b·σ); no wings where the level is below zero.
            s.wing2 = level > 0 ? WING * WING * level : int256(0);
        }
    }

    /// @notice Where the smile is cut, either side.
    function wing(Smile memory s) internal pure returns (int256) {
        return int256(FixedPointMathLib.sqrt(uint256(s.wing2)));
    }

    /// @notice `k` (below 2^127) cut to the wings.
    function cut(Smile memory s, int256 k) internal pure returns (int256) {
        unchecked {
            // The root is needed only out there.
            if (k * k <= s.wing2) return k;
        }
        return k < 0 ? -wing(s) : wing(s);
    }

    /// @notice w(k), 1e36, for a `k` that is cut already; below zero only for parameters without a floor above it.
    function totalVariance(Smile memory s, int256 k) internal pure returns (int256 w) {
        unchecked {
            int256 x = k - s.m;
            int256 root = int256(FixedPointMathLib.sqrt(uint256(x * x + s.sigma2) << ROOT_BITS));
            // √(x² + σ²) has 30 bits beyond WAD.
            w = s.a + (s.b * (s.rho * x + ((root * ONE) >> ROOT_SHIFT))) / ONE;
        }
    }

    /// @notice w(k), w′(k) and w″(k), 1e36 each, for a `k` that is cut already. Needs σ > 0.
    function derivatives(Smile memory s, int256 k) internal pure returns (int256 w, int256 slope, int256 bend) {
        unchecked {
            int256 x = k - s.m;
            int256 root = int256(FixedPointMathLib.sqrt(uint256(x * x + s.sigma2) << ROOT_BITS));
            root = (root * ONE) >> ROOT_SHIFT;
            w = s.a + (s.b * (s.rho * x + root)) / ONE;
            // Scales: x·1e36 / root(1e36) is 1e18; σ²·1e18 / (x² + σ²) is 1e18 and at most one.
            slope = s.b * (s.rho + (x * ONE * ONE) / root);
            int256 part = (s.sigma2 * ONE) / (x * x + s.sigma2);
            bend = (s.b * part * ONE) / (root / ONE);
        }
    }
}
