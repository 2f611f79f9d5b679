// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

/// @dev What is traded, in 128 bits: kind 2 (high) | underlying 8 | expiry 40 | strike 64 | call 1 | 0 (13). Of a perp only
/// kind and underlying are set. The underlying is the number of the pool whose asset is the index (WETH is pool 2: ETH
/// is underlying 2). Strikes are settlement units per whole underlying, in units of 1e-8.
type Instrument is uint128;

/// @dev One slot of the ledger. High half: the instrument, where a perp carries the funding index of its last touch (int118) in
/// place of expiry, strike and call. Low half: int128 size in whole underlyings (WAD); positive is long.
type Position is uint256;

using InstrumentLib for Instrument global;
using PositionLib for Position global;
using {instrumentEquals as ==, instrumentDiffers as !=} for Instrument global;

function instrumentEquals(Instrument a, Instrument b) pure returns (bool) {
    return Instrument.unwrap(a) == Instrument.unwrap(b);
}

function instrumentDiffers(Instrument a, Instrument b) pure returns (bool) {
    return Instrument.unwrap(a) != Instrument.unwrap(b);
}

library InstrumentLib {
    uint128 internal constant KIND_PERP = 1;
    uint128 internal constant KIND_OPTION = 2;
    /// @dev Strikes are stored in units of 1e-8; times this they are WAD.
    uint256 internal constant STRIKE_UNIT = 1e10;

    function perp(uint8 underlying_) internal pure returns (Instrument) {
        return Instrument.wrap((KIND_PERP << 126) | (uint128(underlying_) << 118));
    }

    /// @param strike_ units of 1e-8.
    function option(uint8 underlying_, uint40 expiry_, uint64 strike_, bool call_) internal pure returns (Instrument) {
        return
            Instrument.wrap(
                (KIND_OPTION << 126) |
                    (uint128(underlying_) << 118) |
                    (uint128(expiry_) << 78) |
                    (uint128(strike_) << 14) |
                    (call_ ? uint128(1) << 13 : 0)
            );
    }

    function kind(Instrument i) internal pure returns (uint128) {
        return Instrument.unwrap(i) >> 126;
    }

    function isPerp(Instrument i) internal pure returns (bool) {
        return Instrument.unwrap(i) >> 126 == KIND_PERP;
    }

    function isOption(Instrument i) internal pure returns (bool) {
        return Instrument.unwrap(i) >> 126 == KIND_OPTION;
    }

    function underlying(Instrument i) internal pure returns (uint8) {
        return uint8(Instrument.unwrap(i) >> 118);
    }

    function expiry(Instrument i) internal pure returns (uint40) {
        return uint40(Instrument.unwrap(i) >> 78);
    }

    /// @notice Units of 1e-8.
    function strike(Instrument i) internal pure returns (uint64) {
        return uint64(Instrument.unwrap(i) >> 14);
    }

    function isCall(Instrument i) internal pure returns (bool) {
        return (Instrument.unwrap(i) >> 13) & 1 != 0;
    }

    /// @notice A new position word; `fundingIndex` only of a perp.
    function position(Instrument i, int256 fundingIndex, int256 size) internal pure returns (Position) {
        uint256 high = Instrument.unwrap(i);
        if (isPerp(i)) high |= uint256(fundingIndex) & ((1 << 118) - 1);
        return Position.wrap((high << 128) | uint128(int128(size)));
    }
}

library PositionLib {
    uint128 private constant PERP_INSTRUMENT = ~uint128((1 << 118) - 1);

    function instrument(Position p) internal pure returns (Instrument) {
        uint128 high = uint128(Position.unwrap(p) >> 128);
        return Instrument.wrap(high >> 126 == InstrumentLib.KIND_PERP ? high & PERP_INSTRUMENT : high);
    }

    /// @notice Whole underlyings, WAD; positive is long.
    function size(Position p) internal pure returns (int256) {
        return int256(int128(uint128(Position.unwrap(p))));
    }

    /// @notice Settlement units (WAD) per whole underlying, at the last touch of a perp.
    function fundingIndex(Position p) internal pure returns (int256) {
        return int256(Position.unwrap(p) << 10) >> 138;
    }

    function isPerp(Position p) internal pure returns (bool) {
        return Position.unwrap(p) >> 254 == InstrumentLib.KIND_PERP;
    }

    function underlying(Position p) internal pure returns (uint256) {
        return (Position.unwrap(p) >> 246) & 0xff;
    }

    /// @notice Of an option: settlement units WAD.
    function strikeWad(Position p) internal pure returns (uint256) {
        unchecked {
            return uint64(Position.unwrap(p) >> 142) * InstrumentLib.STRIKE_UNIT;
        }
    }

    /// @notice Of an option.
    function isCall(Position p) internal pure returns (bool) {
        return (Position.unwrap(p) >> 141) & 1 != 0;
    }

    /// @notice Of an option: its kind, underlying and expiry in one number. The expiry is in its low 40 bits.
    function expiryKey(Position p) internal pure returns (uint256) {
        return Position.unwrap(p) >> 206;
    }

    function withSize(Position p, int256 size_) internal pure returns (Position) {
        return Position.wrap((Position.unwrap(p) & ~uint256(type(uint128).max)) | uint128(int128(size_)));
    }
}
