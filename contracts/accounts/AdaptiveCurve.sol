// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";

import {FixedPoint, IWAD, WAD, YEAR} from "../types/FixedPoint.sol";

/// @title The adaptive borrow rate curve (DESIGN 4).
/// @notice `rate = rateAtTarget · f(err)`, where `err = (u − u*) / (u > u* ? 1 − u* : u*)` is the distance from the
/// target in units of the room on that side, and `f(err) = (err < 0 ? 1 − 1/k : k − 1) · err + 1` runs from 1/k at u = 0
/// to k at u = 1. `rateAtTarget` drifts by `exp(speed · err · Δt)` between bounds, so a wrong guess of the right rate
/// mends itself. Source of the formula: Morpho's AdaptiveCurveIRM.
/// @dev Rates are per second, WAD, continuously compounded. Never reverts.
library AdaptiveCurve {
    /// @dev u*.
    uint256 internal constant TARGET_UTILISATION = 0.9e18;
    /// @dev k: the rate at full use is k times, at no use 1/k times the rate at target.
    uint256 internal constant STEEPNESS = 4;
    /// @dev Per second at err = 1: the rate at target doubles in about five days of full use.
    uint256 internal constant ADJUSTMENT_SPEED = 50e18 / YEAR;

    uint256 internal constant INITIAL_RATE_AT_TARGET = 0.04e18 / YEAR;
    uint256 internal constant MIN_RATE_AT_TARGET = 0.001e18 / YEAR;
    /// @dev 63,419,583,967: below 2^36 − 1, so it fits the pool's word.
    uint256 internal constant MAX_RATE_AT_TARGET = 2e18 / YEAR;

    /// @dev Half of a drift of e^16 is e^8 > MAX / MIN = 2000: both the middle and the end are on a bound then, so a longer
    /// drift changes nothing.
    int256 private constant MAX_DRIFT = 16e18;
    /// @dev Longer than any chain will live, short enough that no product below overflows.
    uint256 private constant MAX_ELAPSED = type(uint64).max;

    /// @notice The mean rate over `elapsed` at a constant utilisation, and the rate at target at its end.
    /// @param utilisation debts ÷ claims, WAD; above one counts as one.
    /// @param elapsed seconds. @param rateAtTarget at the start; 0 = never set: starts at 4 % a year.
    /// @return average the mean of the rate, rounded up; the mean of the drift is taken as (start + 2·middle + end) / 4,
    /// which exceeds the exact mean by about x²/48 of it for a drift of e^x (0.01 % for a day at |err| = 0.5), never
    /// falls below it except on a bound, and is exact at a constant rate.
    /// @return newRateAtTarget rounded to nearest (rounding down at every accrual would be a drift of its own).
    function rates(
        uint256 utilisation,
        uint256 elapsed,
        uint256 rateAtTarget
    ) internal pure returns (uint256 average, uint256 newRateAtTarget) {
        // Every factor is bounded first, so nothing below can overflow: the comments give the largest products.
        unchecked {
            int256 err = _error(FixedPoint.min(utilisation, WAD));
            uint256 start = rateAtTarget == 0 ? INITIAL_RATE_AT_TARGET : _bound(rateAtTarget);

            uint256 fourMeans;
            if (err == 0 || elapsed == 0) {
                newRateAtTarget = start;
                fourMeans = 4 * start;
            } else {
                // |err| < 2^60, speed < 2^41, elapsed < 2^64: below 2^165.
                int256 drift = (int256(ADJUSTMENT_SPEED * FixedPoint.min(elapsed, MAX_ELAPSED)) * err) / IWAD;
                drift = FixedPoint.max(FixedPoint.min(drift, MAX_DRIFT), -MAX_DRIFT);
                // One exponential serves both: the end is the middle's drift applied twice. half ≤ e^8 · 1e18 < 2^72,
                // start < 2^36: below 2^180.
                uint256 half = uint256(FixedPointMathLib.expWad(drift / 2));
                newRateAtTarget = _bound((start * half * half + (WAD * WAD) / 2) / (WAD * WAD));
                fourMeans = start + 2 * _bound((start * half + WAD / 2) / WAD) + newRateAtTarget;
            }
            // fourMeans < 2^38, curve < 2^62: below 2^100.
            average = FixedPointMathLib.divUp(fourMeans * _curve(err), 4 * WAD);
        }
    }

    /// @dev In [−1, 1], WAD, towards zero, for u ≤ 1.
    function _error(uint256 u) private pure returns (int256) {
        unchecked {
            return
                u > TARGET_UTILISATION
                    ? int256(((u - TARGET_UTILISATION) * WAD) / (WAD - TARGET_UTILISATION))
                    : -int256(((TARGET_UTILISATION - u) * WAD) / TARGET_UTILISATION);
        }
    }

    /// @dev f(err): in [1/k, k], WAD, for err in [−1, 1].
    function _curve(int256 err) private pure returns (uint256) {
        unchecked {
            return err < 0 ? WAD - (uint256(-err) * (STEEPNESS - 1)) / STEEPNESS : WAD + uint256(err) * (STEEPNESS - 1);
        }
    }

    function _bound(uint256 rate) private pure returns (uint256) {
        return FixedPoint.max(FixedPoint.min(rate, MAX_RATE_AT_TARGET), MIN_RATE_AT_TARGET);
    }
}
