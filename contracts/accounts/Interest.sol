// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";

import {WAD} from "../types/FixedPoint.sol";

/// @title Continuously compounded interest: exp(rate · time) − 1, as a WAD factor.
/// @dev Never reverts: rate · time saturates at 20 (a factor of 4.85e8: over two years at the highest rate of the
/// adaptive curve).
library Interest {
    uint256 internal constant MAX_EXPONENT = 20e18;

    /// @dev Within [0, 20] solady's expWad is off by less than one unit in the last place plus 2e-20 of the result, either
    /// way. Two units and a 1e-19th are put in between, which the differential test holds against exact values.
    uint256 private constant EXP_MARGIN = 2;
    uint256 private constant EXP_MARGIN_PART = 1e19;

    /// @notice exp(rate · elapsed) − 1, rounded down: not above the exact value, nor below it by more than 4 units in the
    /// last place and 2e-19 of (1 + itself). At least rate · elapsed, so interest never vanishes.
    /// @param rate per second, WAD. @param elapsed seconds.
    function growthDown(uint256 rate, uint256 elapsed) internal pure returns (uint256) {
        uint256 exponent = _exponent(rate, elapsed);
        if (exponent == 0) return 0;
        uint256 grown = uint256(FixedPointMathLib.expWad(int256(exponent)));
        // exp(x) − 1 ≥ x for every x.
        return FixedPointMathLib.max(exponent, FixedPointMathLib.zeroFloorSub(grown, WAD + _margin(grown)));
    }

    /// @notice exp(rate · elapsed) − 1, rounded up: not below the exact value, nor above it by more than in {growthDown}.
    function growthUp(uint256 rate, uint256 elapsed) internal pure returns (uint256) {
        uint256 exponent = _exponent(rate, elapsed);
        if (exponent == 0) return 0;
        uint256 grown = uint256(FixedPointMathLib.expWad(int256(exponent)));
        return grown + _margin(grown) - WAD;
    }

    function _exponent(uint256 rate, uint256 elapsed) private pure returns (uint256) {
        if (elapsed == 0) return 0;
        // Compared as a quotient, so that the product cannot overflow.
        return rate > MAX_EXPONENT / elapsed ? MAX_EXPONENT : rate * elapsed;
    }

    function _margin(uint256 grown) private pure returns (uint256) {
        return EXP_MARGIN + grown / EXP_MARGIN_PART;
    }
}
