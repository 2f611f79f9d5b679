// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";

import {IAttestations, Slice} from "../interfaces/IAttestations.sol";
import {WingWordLib} from "../types/FeedWords.sol";
import {RawSvi, Smile} from "./RawSvi.sol";

/// @title What a surface must keep to before it is stored (DESIGN 5)
/// @notice Both conditions are looked at on a grid of 15 k per expiry, fixed in units of the smile's own width (its ±4 standard deviations are
/// the ends): a grid of absolute k that spans a year's smile has one point inside a day's.
///  - butterfly: Durrleman's g(k) = (1 − k·w′/2w)² − w′²/4·(1/w + 1/4) + w″/2 ≥ 0. It is the density's sign exactly at the point, from w and two
///    derivatives that the same root gives; discrete convexity of call prices would need three prices a point and sees chords only,
///    which a dent between two points passes.
///  - calendar: at every k of an expiry's grid the next expiry has no less total variance (both cut at their wings, as they are used).
/// Between the points nothing is proved; attesters fit with a margin.
library SurfaceCheck {
    uint256 internal constant POINTS = 15;
    /// @dev Width units in tenths, one byte each, offset by 40: −4, −3, −2.5, … 2.5, 3, 4.
    uint256 private constant GRID = 0x000a0f14191e23282d32373c414650;
    int256 private constant GRID_END = 40;

    uint256 internal constant MAX_CONFIDENCE = 1e18;
    uint256 private constant MIN_SIGMA = 1e12;
    uint256 private constant MAX_SLOPE = 2e36;
    /// @dev 1e-12: σ of 1 % over three seconds' time. Below it ratios of w′ and w mean nothing in 18 decimals.
    int256 private constant MIN_VARIANCE = 1e24;
    int256 private constant ONE = 1e18;

    /// @notice k of grid point `i` for a smile that ends at ±`wing`, WAD.
    function point(int256 wing, uint256 i) internal pure returns (int256) {
        unchecked {
            int256 tenths = int256((GRID >> (8 * (POINTS - 1 - i))) & 0xff) - GRID_END;
            return (wing * tenths) / GRID_END;
        }
    }

    /// @notice The slice as a smile, if every parameter is in its domain: b·(1 + |ρ|) ≤ 2 (slopes of total variance, Lee 2004), |ρ| < 1,
    /// σ ≥ 1e-6, a + b·σ·√(1 − ρ²) > 0 (variance positive everywhere), a + b·σ ≤ 20. Reverts `BadValue`.
    function smileOf(Slice calldata slice) internal pure returns (Smile memory smile) {
        uint40 expiry = slice.expiry;
        (int256 a, int256 rho) = (slice.a, slice.rho);
        uint256 b = slice.b;
        uint256 level = b * slice.sigma;
        require(slice.confidence <= MAX_CONFIDENCE, IAttestations.BadValue(expiry, "confidence"));
        require(
            slice.forwardReference != 0 && slice.forwardReference < WingWordLib.REFERENCE_LIMIT,
            IAttestations.BadValue(expiry, "forwardReference")
        );
        require(rho > -ONE && rho < ONE, IAttestations.BadValue(expiry, "rho"));
        require(slice.sigma >= MIN_SIGMA, IAttestations.BadValue(expiry, "sigma"));
        require(b * uint256(ONE + (rho < 0 ? -rho : rho)) <= MAX_SLOPE, IAttestations.BadValue(expiry, "b"));
        require(a * ONE + int256(level) <= RawSvi.MAX_TOTAL_VARIANCE, IAttestations.BadValue(expiry, "a"));
        if (a <= 0) {
            // −a < b·σ·√(1 − ρ²), squared: with b·σ ≤ 37 both sides are below 2^251.
            uint256 below = uint256(-a * ONE);
            require(
                below < level &&
                    below * below < FixedPointMathLib.fullMulDiv(level * level, uint256(ONE * ONE - rho * rho), 1e36),
                IAttestations.BadValue(expiry, "a")
            );
        }
        smile = RawSvi.smile(a, b, rho, slice.m, slice.sigma);
    }

    /// @notice Reverts `ButterflyArbitrage` at the first k of the grid where the density is negative.
    function requireNoButterfly(uint40 expiry, Smile memory smile) internal pure {
        int256 wing = RawSvi.wing(smile);
        for (uint256 i; i < POINTS; ++i) {
            int256 k = point(wing, i);
            (int256 w, int256 slope, int256 bend) = RawSvi.derivatives(smile, k);
            require(w >= MIN_VARIANCE, IAttestations.BadValue(expiry, "variance"));
            require(density(k, w, slope, bend) >= 0, IAttestations.ButterflyArbitrage(expiry, k));
        }
    }

    /// @notice Reverts `CalendarArbitrage` at the first k of `early`'s grid where `late`, of `expiry`, has less total variance.
    function requireNoCalendar(uint40 expiry, Smile memory early, Smile memory late) internal pure {
        int256 wing = RawSvi.wing(early);
        for (uint256 i; i < POINTS; ++i) {
            int256 k = point(wing, i);
            int256 before = RawSvi.totalVariance(early, k);
            require(
                RawSvi.totalVariance(late, RawSvi.cut(late, k)) >= before,
                IAttestations.CalendarArbitrage(expiry, k)
            );
        }
    }

    /// @notice g(k), 1e36, from what {RawSvi.derivatives} says at k.
    function density(int256 k, int256 w, int256 slope, int256 bend) internal pure returns (int256) {
        unchecked {
            // In the domains above |k| < 2^66, |w′| ≤ 2e36 and w ≥ 1e24: every product stays below 2^250.
            int256 half = ONE - (k * slope) / (2 * w);
            return half * half - (slope * slope) / w / 4 - (slope * slope) / (16 * ONE * ONE) + bend / 2;
        }
    }
}
