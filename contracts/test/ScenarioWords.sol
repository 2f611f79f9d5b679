// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";

import {ScenarioTableLib} from "../risk/ScenarioTable.sol";

/// @dev Scenario parameters for Solidity tests, packed as sdk/tables/scenarioTable.ts packs them: 23 scenarios over ±18 %, and on demand
/// tails and skews.
library ScenarioWords {
    uint256 internal constant CELLS_AT = 9;
    uint256 internal constant STEP = 0.045e18;

    /// @notice Scenarios 0..22: up at −18 %, −13.5 % … +18 %, none and down at −13.5 % … +13.5 %.
    function plain() internal pure returns (bytes memory) {
        return pack(0);
    }

    /// @notice Scenario 23 the linear skew, 24 the absolute one.
    function skewed() internal pure returns (bytes memory) {
        return pack(1);
    }

    function pack(uint256 skews) internal pure returns (bytes memory) {
        uint256[] memory w = new uint256[](CELLS_AT + 23 + 2 * skews);
        // base is the fourth cell of the rule none, basis cells stand beside it
        w[0] = _header(23 + 2 * skews, skews);
        w[1] = _four(0.5e18, 0.45e18, 0.275e18, 1e18);
        w[2] = _four(0.3e18, 0.13e18, 0.95e18, 1.04e18);
        w[3] = _four(1e18, 0.08e18, 0.5e18, 0.08e18);
        w[4] = _four(-0.05e18, 0.15e18, -0.05e18, 0.15e18);
        w[5] = _four(0.01e18, 4e18, 0.6e18, -0.1e18);
        w[6] = _four(0.5e18, 2e18, 0.55e18, 1e18);
        w[7] = _four(0.015e18, 0.005e18, 0.003e18, 0.002e18);
        w[8] = _four(0.8e18, 1e18, 0.98e18, 2e18);
        uint256 n = CELLS_AT;
        for (uint256 i; i < 9; ++i) w[n++] = cell(1e18 + i * STEP - 4 * STEP, i, 1e18);
        for (uint256 i; i < 7; ++i) w[n++] = cell(1e18 + i * STEP - 3 * STEP, 9 + i, 1e18);
        for (uint256 i; i < 7; ++i) w[n++] = cell(1e18 + i * STEP - 3 * STEP, 16 + i, 1e18);
        if (skews != 0) (w[n], w[n + 1]) = (cell(1e18, 23, 1e18), cell(1e18, 24, 1e18));
        return abi.encodePacked(w);
    }

    function cell(uint256 s, uint256 place, uint256 weight) internal pure returns (uint256) {
        uint256 ln = ScenarioTableLib.logOf(FixedPointMathLib.lnWad(int256(s)));
        return (weight << 192) | (s << 128) | (place << 120) | ln;
    }

    /// @notice Replaces one word of packed parameters.
    function withWord(bytes memory words, uint256 i, uint256 word) internal pure returns (bytes memory) {
        assembly ("memory-safe") {
            mstore(add(words, add(0x20, shl(5, i))), word)
        }
        return words;
    }

    function wordOf(bytes memory words, uint256 i) internal pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(words, add(0x20, shl(5, i))))
        }
    }

    function _header(uint256 scenarios, uint256 skews) private pure returns (uint256 word) {
        uint8[9] memory bytes_ = [uint8(scenarios), 9, 7, 7, uint8(skews), uint8(skews), 12, 13, 11];
        for (uint256 i; i < 9; ++i) word |= uint256(bytes_[i]) << (248 - 8 * i);
    }

    function _four(int256 a, int256 b, int256 c, int256 d) private pure returns (uint256) {
        return (_field(a) << 192) | (_field(b) << 128) | (_field(c) << 64) | _field(d);
    }

    function _field(int256 x) private pure returns (uint256) {
        return uint256(uint64(int64(x / 1000)));
    }
}
