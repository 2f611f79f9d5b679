// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";

/// @dev 18-decimal fixed point. Every division says its direction in its name.
uint256 constant WAD = 1e18;
int256 constant IWAD = 1e18;
/// @dev A year is 365 days everywhere.
uint256 constant YEAR = 365 days;
/// @dev Haircuts, ratios and caps of the parameter tables are in basis points.
uint256 constant BPS = 10_000;

library FixedPoint {
    /// @notice floor(a·b / d), 512-bit intermediate. Reverts on overflow or d = 0.
    function mulDivDown(uint256 a, uint256 b, uint256 d) internal pure returns (uint256) {
        return FixedPointMathLib.fullMulDiv(a, b, d);
    }

    /// @notice ceil(a·b / d), 512-bit intermediate. Reverts on overflow or d = 0.
    function mulDivUp(uint256 a, uint256 b, uint256 d) internal pure returns (uint256) {
        return FixedPointMathLib.fullMulDivUp(a, b, d);
    }

    /// @notice a·b / d towards minus infinity, for a signed `a`.
    function mulDivFloor(int256 a, uint256 b, uint256 d) internal pure returns (int256) {
        return a >= 0 ? int256(mulDivDown(uint256(a), b, d)) : -int256(mulDivUp(uint256(-a), b, d));
    }

    /// @notice a·b / d towards plus infinity, for a signed `a`.
    function mulDivCeil(int256 a, uint256 b, uint256 d) internal pure returns (int256) {
        return a >= 0 ? int256(mulDivUp(uint256(a), b, d)) : -int256(mulDivDown(uint256(-a), b, d));
    }

    function min(uint256 a, uint256 b) internal pure returns (uint256) {
        return a < b ? a : b;
    }

    function max(uint256 a, uint256 b) internal pure returns (uint256) {
        return a > b ? a : b;
    }

    function min(int256 a, int256 b) internal pure returns (int256) {
        return a < b ? a : b;
    }

    function max(int256 a, int256 b) internal pure returns (int256) {
        return a > b ? a : b;
    }
}
