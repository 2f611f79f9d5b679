// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IRateModel} from "../interfaces/IRateModel.sol";
import {FixedPoint, WAD, YEAR} from "../types/FixedPoint.sol";

/// @title Two-slope rate model
/// @notice `rate = base + slope1 · min(u, kink) / kink + slope2 · max(u − kink, 0) / (1 − kink)`: `slope1` and `slope2` are
/// what the rate rises by along each part, all of it per second, WAD. It has no memory: `rateAtTarget` comes back unchanged.
contract KinkedRateModel is IRateModel {
    /// @notice The highest rate at full use that a model may have: 1000 % a year.
    uint256 public constant MAX_RATE = 10e18 / YEAR;

    uint256 public immutable base;
    uint256 public immutable slope1;
    uint256 public immutable slope2;
    uint256 public immutable kink;

    /// @notice Kink not strictly between 0 and 1.
    error InvalidKink(uint256 kink);
    /// @notice The rate at full use is above {MAX_RATE}.
    error RateTooHigh(uint256 rate, uint256 maximum);

    /// @param base_ rate at no use. @param slope1_ rise up to the kink. @param slope2_ rise from the kink to full use.
    /// @param kink_ utilisation, WAD.
    constructor(uint256 base_, uint256 slope1_, uint256 slope2_, uint256 kink_) {
        require(kink_ > 0 && kink_ < WAD, InvalidKink(kink_));
        uint256 top = base_ + slope1_ + slope2_;
        require(top <= MAX_RATE, RateTooHigh(top, MAX_RATE));
        base = base_;
        slope1 = slope1_;
        slope2 = slope2_;
        kink = kink_;
    }

    /// @inheritdoc IRateModel
    /// @dev Rounded up, never reverts, continuous at the kink. A utilisation above one counts as one.
    function rates(
        uint256 utilisation,
        uint256 /* elapsed */,
        uint256 rateAtTarget
    ) external view returns (uint256 average, uint256 newRateAtTarget) {
        uint256 u = FixedPoint.min(utilisation, WAD);
        average =
            u <= kink
                ? base + FixedPoint.mulDivUp(slope1, u, kink)
                : base + slope1 + FixedPoint.mulDivUp(slope2, u - kink, WAD - kink);
        newRateAtTarget = rateAtTarget;
    }
}
