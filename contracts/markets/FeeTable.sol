// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {BPS, FixedPoint, WAD} from "../types/FixedPoint.sol";

/// @dev Fees of one kind of instrument, in one slot: five rows of [taker rate 14 | maker rate 14 | least volume 20], the first lowest,
/// then the cap as a part of the premium (16 bits, basis points; options only). Rates in millionths, volumes in units of
/// 10,000. Rows that are not used have the highest least volume, which no volume reaches.
type FeeTable is uint256;

using FeeTableLib for FeeTable global;

library FeeTableLib {
    uint256 internal constant ROWS = 5;
    uint256 internal constant VOLUME_UNIT = 10_000;
    /// @dev Least volume of a row that is not used.
    uint256 internal constant NEVER = 0xfffff;
    uint256 private constant ROW_BITS = 48;
    uint256 private constant RATE_MASK = 0x3fff;
    uint256 private constant CAP_SHIFT = 240;
    uint256 private constant RATE_ONE = 1e6;

    function withRow(
        FeeTable t,
        uint256 i,
        uint256 volumeUnits,
        uint256 makerRate,
        uint256 takerRate
    ) internal pure returns (FeeTable) {
        uint256 bits = volumeUnits | (makerRate << 20) | (takerRate << 34);
        return FeeTable.wrap(FeeTable.unwrap(t) | (bits << (i * ROW_BITS)));
    }

    function withCap(FeeTable t, uint256 cap_) internal pure returns (FeeTable) {
        return FeeTable.wrap(FeeTable.unwrap(t) | (cap_ << CAP_SHIFT));
    }

    function row(
        FeeTable t,
        uint256 i
    ) internal pure returns (uint256 volumeUnits, uint256 makerRate, uint256 takerRate) {
        uint256 bits = FeeTable.unwrap(t) >> (i * ROW_BITS);
        return (bits & NEVER, (bits >> 20) & RATE_MASK, (bits >> 34) & RATE_MASK);
    }

    function cap(FeeTable t) internal pure returns (uint256) {
        return FeeTable.unwrap(t) >> CAP_SHIFT;
    }

    /// @param volume whole settlement units.
    function rate(FeeTable t, uint256 volume, bool asMaker) internal pure returns (uint256) {
        uint256 units = FixedPoint.min(volume / VOLUME_UNIT, NEVER - 1);
        uint256 bits = FeeTable.unwrap(t);
        for (uint256 i = 1; i < ROWS; ++i) {
            uint256 next = bits >> ROW_BITS;
            if (next & NEVER > units) break;
            bits = next;
        }
        return (bits >> (asMaker ? 20 : 34)) & RATE_MASK;
    }

    /// @notice Fee of a perp, rounded up.
    function perpFeeUp(FeeTable t, uint256 notional, uint256 volume, bool asMaker) internal pure returns (uint256) {
        return FixedPoint.mulDivUp(notional, rate(t, volume, asMaker), RATE_ONE);
    }

    /// @notice Fee of an option, at most the capped part of its premium, rounded up.
    function optionFeeUp(
        FeeTable t,
        uint256 notional,
        uint256 premium,
        uint256 volume,
        bool asMaker
    ) internal pure returns (uint256) {
        uint256 most = FixedPoint.mulDivUp(premium, cap(t), BPS);
        return FixedPoint.min(FixedPoint.mulDivUp(notional, rate(t, volume, asMaker), RATE_ONE), most);
    }

    /// @notice size × price, rounded up.
    function worthUp(int256 size, uint256 price) internal pure returns (uint256) {
        return FixedPoint.mulDivUp(size < 0 ? uint256(-size) : uint256(size), price, WAD);
    }
}
