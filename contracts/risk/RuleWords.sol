// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

/// @dev Where in memory the two parameter words of one underlying's rules begin. All parts are basis points; sizes are whole
/// settlement units.
///
/// Word 0 (high to low): perp maintenance 16, what `initial` adds 16, bracket 1 {size 64, add-on 16}, bracket 2 {size 64,
/// add-on 16}, κ 16, 0 (32).
/// Word 1: a 16, b 16, c 16, d 16, e 16, unpaired IM 16, unpaired MM 16, confidence threshold 16, confidence factor 16, peg
/// threshold 16, peg factor 16, 0 (80).
type RuleWords is uint256;

using RuleWordsLib for RuleWords global;

/// @dev A parameter set whose `initial` could exceed its `maintenance`, or that is out of range. `field` names the first one.
error RuleOutOfBounds(string field);

library RuleWordsLib {
    /// @notice Bytes of one underlying's rules.
    uint256 internal constant LENGTH = 64;
    uint256 private constant ONE = 10_000;

    /// @notice Perp requirement of `maintenance`.
    function perpMaintenance(RuleWords w) internal pure returns (uint256) {
        return _first(w) >> 240;
    }

    /// @notice What `initial` adds to it.
    function perpInitialExtra(RuleWords w) internal pure returns (uint256) {
        return uint16(_first(w) >> 224);
    }

    function hasBrackets(RuleWords w) internal pure returns (bool) {
        return (addOn1(w) | addOn2(w)) != 0;
    }

    /// @notice Whole settlement units of notional from which `addOn1` is charged.
    function size1(RuleWords w) internal pure returns (uint256) {
        return uint64(_first(w) >> 160);
    }

    function addOn1(RuleWords w) internal pure returns (uint256) {
        return uint16(_first(w) >> 144);
    }

    function size2(RuleWords w) internal pure returns (uint256) {
        return uint64(_first(w) >> 80);
    }

    function addOn2(RuleWords w) internal pure returns (uint256) {
        return uint16(_first(w) >> 64);
    }

    /// @notice The brackets' input is at least this part of the market's open interest.
    function kappa(RuleWords w) internal pure returns (uint256) {
        return uint16(_first(w) >> 48);
    }

    /// @notice Part of the spot that a short option at the money needs in `initial`.
    function a(RuleWords w) internal pure returns (uint256) {
        return _second(w) >> 240;
    }

    /// @notice The least of it far out of the money.
    function b(RuleWords w) internal pure returns (uint256) {
        return uint16(_second(w) >> 224);
    }

    /// @notice Part of the spot that a short option needs in `maintenance`.
    function c(RuleWords w) internal pure returns (uint256) {
        return uint16(_second(w) >> 208);
    }

    /// @notice Part of its value that a short put needs at least in `maintenance`.
    function d(RuleWords w) internal pure returns (uint256) {
        return uint16(_second(w) >> 192);
    }

    /// @notice `initial` of a short put is at least this multiple of its `maintenance`.
    function e(RuleWords w) internal pure returns (uint256) {
        return uint16(_second(w) >> 176);
    }

    /// @notice Part of the forward that each net short call of an expiry costs beyond the worst payoff.
    function unpairedInitial(RuleWords w) internal pure returns (uint256) {
        return uint16(_second(w) >> 160);
    }

    function unpairedMaintenance(RuleWords w) internal pure returns (uint256) {
        return uint16(_second(w) >> 144);
    }

    /// @notice Confidences below it lower `initial`.
    function confidenceThreshold(RuleWords w) internal pure returns (uint256) {
        return uint16(_second(w) >> 128);
    }

    function confidenceFactor(RuleWords w) internal pure returns (uint256) {
        return uint16(_second(w) >> 112);
    }

    /// @notice A settlement asset cheaper than this (in USD) lowers `initial`.
    function pegThreshold(RuleWords w) internal pure returns (uint256) {
        return uint16(_second(w) >> 96);
    }

    function pegFactor(RuleWords w) internal pure returns (uint256) {
        return uint16(_second(w) >> 80);
    }

    /// @notice Reverts `RuleOutOfBounds` unless `initial` ≤ `maintenance` for every portfolio and every part is sane.
    /// The order of IM and MM is what these bounds are for: an account that has just passed `initial` must not be open to an auction.
    function requireSane(RuleWords w) internal pure {
        uint256 maintenance = perpMaintenance(w);
        require(maintenance != 0 && maintenance + perpInitialExtra(w) <= ONE, RuleOutOfBounds("perp"));
        require(addOn1(w) + addOn2(w) <= ONE, RuleOutOfBounds("brackets"));
        require(addOn2(w) == 0 || size1(w) <= size2(w), RuleOutOfBounds("brackets"));
        require(kappa(w) <= ONE, RuleOutOfBounds("kappa"));
        require(b(w) <= a(w) && a(w) <= ONE, RuleOutOfBounds("a"));
        require(c(w) != 0 && c(w) <= b(w), RuleOutOfBounds("c"));
        require(d(w) <= ONE, RuleOutOfBounds("d"));
        require(e(w) >= ONE, RuleOutOfBounds("e"));
        require(
            unpairedMaintenance(w) >= ONE && unpairedInitial(w) >= unpairedMaintenance(w),
            RuleOutOfBounds("unpaired")
        );
        require(confidenceThreshold(w) <= ONE, RuleOutOfBounds("confidence"));
        require(pegThreshold(w) <= ONE, RuleOutOfBounds("peg"));
    }

    function _first(RuleWords w) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(w)
        }
    }

    function _second(RuleWords w) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(w, 0x20))
        }
    }
}
