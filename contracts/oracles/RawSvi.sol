// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";

/// @dev A smile of total variance, all WAD but `sigma2` (1e36): w(k) = a + b·(ρ·(k − m) + √((k − m)² + σ²)), for k within ±`wing`; beyond
/// it w is w at the nearer end.
struct Smile {
    int256 a;
    int256 b;
    int256 rho;
    int256 m;
    int256 sigma2;
    int256 wing;
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
    int256 private constant ONE = 1e18;
    /// @dev Extra bits of the root, so that w keeps 1e-27: a variance of one second is 1e-9 or less.
    uint256 private constant ROOT_BITS = 60;
    uint256 private constant ROOT_SHIFT = 30;

    error SmileOutOfRange();

    /// @notice Parameters, WAD. Reverts `SmileOutOfRange` for |ρ| > 1 or a parameter of a million and more.
    function smile(int256 a, uint256 b, int256 rho, int256 m, uint256 sigma) internal pure returns (Smile memory s) {
        unchecked {
            // a and m offset by the limit: negative ones beyond it wrap around to huge numbers.
            bool inside = uint256(a) + LIMIT < 2 * LIMIT && uint256(m) + LIMIT < 2 * LIMIT;
            inside = inside && b < LIMIT && sigma < LIMIT && uint256(rho + ONE) <= uint256(2 * ONE);
            require(inside, SmileOutOfRange());
            (s.a, s.b, s.rho, s.m) = (a, int256(b), rho, m);
            s.sigma2 = int256(sigma * sigma);
            int256 level = a * ONE + int256(b * sigma);
            s.wing = level > 0 ? WING * int256(FixedPointMathLib.sqrt(uint256(level))) : int256(0);
        }
    }

    /// @notice `k` cut to the wings.
    function cut(Smile memory s, int256 k) internal pure returns (int256) {
        unchecked {
            int256 wing = s.wing;
            if (k > wing) return wing;
            return k < -wing ? -wing : k;
        }
    }

    /// @notice w(k), 1e36, for a `k` that is cut already; below zero only for parameters without a floor above it.
    function totalVariance(Smile memory s, int256 k) internal pure returns (int256 w) {
        unchecked {
            int256 x = k - s.m;
            w = s.a * ONE + (s.b * (s.rho * x + _root(s, x))) / ONE;
        }
    }

    /// @notice w(k), w′(k) and w″(k), 1e36 each, for a `k` that is cut already. Needs σ > 0.
    function derivatives(Smile memory s, int256 k) internal pure returns (int256 w, int256 slope, int256 bend) {
        unchecked {
            int256 x = k - s.m;
            int256 root = _root(s, x);
            w = s.a * ONE + (s.b * (s.rho * x + root)) / ONE;
            // Scales: x·1e36 / root(1e36) is 1e18; σ²·1e18 / (x² + σ²) is 1e18 and at most one.
            slope = s.b * (s.rho + (x * ONE * ONE) / root);
            int256 part = (s.sigma2 * ONE) / (x * x + s.sigma2);
            bend = (s.b * part * ONE) / (root / ONE);
        }
    }

    /// @dev √(x² + σ²), 1e36.
    function _root(Smile memory s, int256 x) private pure returns (int256) {
        unchecked {
            return (int256(FixedPointMathLib.sqrt(uint256(x * x + s.sigma2) << ROOT_BITS)) * ONE) >> ROOT_SHIFT;
        }
    }
}
