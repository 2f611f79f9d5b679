// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

/// @dev The calls and puts of one expiry and strike, seven words in memory: strike | calls | puts | volatility | Σ|size| | next leg |
/// its expiry. A put is a call less the forward, so both are priced at once.
type OptionLeg is uint256;

using OptionLegLib for OptionLeg global;

/// @dev The account's options of one expiry.
struct OptionExpiry {
    uint256 secondsLeft; // 0: expired and not settled, options are worth their payoff
    uint256 forwardVar; // settlement units WAD: the part of the forward that moves with the spot
    uint256 forwardFix; // and the part of the settlement average that is fixed already
    int256 rate; // continuous, per year, WAD
    uint256 confidence; // WAD; the least of all that its options are valued with
    OptionLeg legs; // the first of a list; {OptionLegsLib-add} fills it
}

/// @dev Collects options in any order into legs: a hash table of legs in memory, so that adding is O(1).
struct OptionLegs {
    uint256 slots; // where the table begins
    uint256 mask; // its length less one, a power of two
}

library OptionLegLib {
    /// @notice Settlement units WAD.
    function strike(OptionLeg leg) internal pure returns (uint256) {
        return uint256(_word(leg, 0));
    }

    /// @notice Net calls, whole underlyings WAD.
    function calls(OptionLeg leg) internal pure returns (int256) {
        return _word(leg, 0x20);
    }

    /// @notice Net puts, whole underlyings WAD.
    function puts(OptionLeg leg) internal pure returns (int256) {
        return _word(leg, 0x40);
    }

    /// @notice σ at the strike, per √year, WAD.
    function volatility(OptionLeg leg) internal pure returns (uint256) {
        return uint256(_word(leg, 0x60));
    }

    /// @notice Strike, net size of calls and puts together, volatility.
    function terms(OptionLeg leg) internal pure returns (uint256 strike_, int256 size, uint256 sigma) {
        assembly ("memory-safe") {
            strike_ := mload(leg)
            size := add(mload(add(leg, 0x20)), mload(add(leg, 0x40)))
            sigma := mload(add(leg, 0x60))
        }
    }

    /// @notice Σ|size| of what was added.
    function gross(OptionLeg leg) internal pure returns (uint256) {
        return uint256(_word(leg, 0x80));
    }

    /// @notice The expiry's next leg; 0 after the last.
    function next(OptionLeg leg) internal pure returns (OptionLeg) {
        return OptionLeg.wrap(uint256(_word(leg, 0xa0)));
    }

    function exists(OptionLeg leg) internal pure returns (bool) {
        return OptionLeg.unwrap(leg) != 0;
    }

    function setVolatility(OptionLeg leg, uint256 sigma) internal pure {
        assembly ("memory-safe") {
            mstore(add(leg, 0x60), sigma)
        }
    }

    function _word(OptionLeg leg, uint256 offset) private pure returns (int256 value) {
        assembly ("memory-safe") {
            value := mload(add(leg, offset))
        }
    }
}

library OptionLegsLib {
    uint256 private constant LEG_BYTES = 0xe0;
    uint256 private constant LEGS_OFFSET = 0xa0; // of `legs` in an expiry
    /// @dev An odd 64-bit multiplier (2^64 / golden ratio) spreads strikes over the table.
    uint256 private constant SPREAD = 0x9e3779b97f4a7c15;

    /// @notice An empty collection for at most `options` options.
    function create(uint256 options) internal pure returns (OptionLegs memory legs) {
        uint256 length = 2;
        while (length < 2 * options) length *= 2;
        legs.mask = length - 1;
        uint256 slots;
        assembly ("memory-safe") {
            slots := mload(0x40)
            let size := shl(5, length)
            // Beyond calldata there are only zeros: this clears the table.
            calldatacopy(slots, calldatasize(), size)
            mstore(0x40, add(slots, size))
        }
        legs.slots = slots;
    }

    /// @notice Adds an option to the leg of its expiry and strike. @return leg that leg: give it a volatility.
    function add(
        OptionLegs memory legs,
        OptionExpiry memory e,
        uint256 strike,
        bool isCall,
        int256 size
    ) internal pure returns (OptionLeg leg) {
        leg = _find(legs, e, strike);
        assembly ("memory-safe") {
            let side := add(leg, shl(5, sub(2, isCall)))
            mstore(side, add(mload(side), size))
            let sign := sar(255, size)
            side := add(leg, 0x80)
            mstore(side, add(mload(side), sub(xor(size, sign), sign)))
        }
    }

    /// @dev An expiry is known by where it is in memory.
    function _find(OptionLegs memory legs, OptionExpiry memory e, uint256 strike) private pure returns (OptionLeg leg) {
        assembly ("memory-safe") {
            let slots := mload(legs)
            let mask := mload(add(legs, 0x20))
            let i := shr(40, mul(xor(strike, shl(17, e)), SPREAD))
            for {} 1 {
                i := add(i, 1)
            } {
                let slot := add(slots, shl(5, and(i, mask)))
                leg := mload(slot)
                if iszero(leg) {
                    leg := mload(0x40)
                    mstore(0x40, add(leg, LEG_BYTES))
                    mstore(slot, leg)
                    mstore(leg, strike)
                    // calls, puts, volatility, Σ|size|
                    calldatacopy(add(leg, 0x20), calldatasize(), 0x80)
                    let head := add(e, LEGS_OFFSET)
                    mstore(add(leg, 0xa0), mload(head))
                    mstore(add(leg, 0xc0), e)
                    mstore(head, leg)
                    break
                }
                if and(eq(mload(leg), strike), eq(mload(add(leg, 0xc0)), e)) {
                    break
                }
            }
        }
    }
}
