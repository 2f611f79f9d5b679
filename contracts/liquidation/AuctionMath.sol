// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";

import {BPS, FixedPoint, WAD} from "../types/FixedPoint.sol";

/// @title The formulas of DESIGN 8.2 and 8.3
/// @dev Margins and prices are settlement units (WAD), clocks are seconds. Prices round up and payments round down, both
/// against the bidder; the largest fraction rounds up, so that together with the price an exact-maximum bid always brings
/// {maintenanceAfterDown} to zero or more. The argument is at {maxFractionUp}.
library AuctionMath {
    /// @notice BM = MM + buffer·(MM − mtm): what a largest bid brings to zero.
    function bufferMarginDown(int256 maintenance, int256 mtm, uint256 buffer) internal pure returns (int256) {
        return maintenance + FixedPoint.mulDivFloor(maintenance - mtm, buffer, WAD);
    }

    /// @notice d: from `start` to `cut` over `fast` seconds, then to exactly zero over `slow` seconds.
    function discountFactorUp(
        uint256 clock,
        uint256 start,
        uint256 cut,
        uint256 fast,
        uint256 slow
    ) internal pure returns (uint256) {
        if (clock < fast) return start - ((start - cut) * clock) / fast;
        clock -= fast;
        return clock < slow ? FixedPoint.mulDivUp(cut, slow - clock, slow) : 0;
    }

    /// @notice f_max = BM / (BM − mtm·d − R·(1 − d)), of everything but R.
    /// @dev A fraction f leaves (1 − f) of all but R and adds the price f·(mtm − R)·d. Buffer margin moves one to one with
    /// cash, so it becomes BM − f·(BM − mtm·d − R·(1 − d)), and f_max is its root. Every rounding here raises f, and the
    /// price is rounded up as well, so the buffer margin after a bid of exactly f_max is ≥ 0; with equity ≥ 0 so is the
    /// maintenance, whatever the buffer. Brackets only help: a smaller account has a smaller requirement per unit.
    /// @param d what the account receives of the worth: the discount factor less the fee.
    function maxFractionUp(
        int256 bufferMargin,
        int256 mtm,
        uint256 reserved,
        uint256 d
    ) internal pure returns (uint256) {
        if (bufferMargin >= 0) return 0;
        // mtm·d + R·(1 − d), rounded down so that f rises.
        int256 shrink = FixedPoint.mulDivFloor(mtm - int256(reserved), d, WAD) + int256(reserved);
        int256 denominator = bufferMargin - shrink;
        // Paying for it lowers the buffer no less than taking it raises it: no part is enough.
        if (denominator >= bufferMargin) return WAD;
        return FixedPoint.mulDivUp(uint256(-bufferMargin), WAD, uint256(-denominator));
    }

    /// @notice f·(mtm − R)·d, what the bidder pays for the fraction.
    /// @param worth mtm − R.
    function priceUp(uint256 fraction, uint256 worth, uint256 d) internal pure returns (uint256) {
        return FixedPoint.mulDivUp(worth, fraction * d, WAD * WAD);
    }

    /// @notice f·(−min(mtm, 0) + q·(min(mtm, 0) − MM)·min(t, T)/T), what the bidder is paid for the fraction.
    function insolventPaymentDown(
        uint256 fraction,
        int256 maintenance,
        int256 mtm,
        uint256 q,
        uint256 clock,
        uint256 insuranceTime
    ) internal pure returns (uint256) {
        int256 loss = FixedPoint.min(mtm, 0);
        uint256 reward =
            maintenance >= loss
                ? 0
                : FixedPoint.mulDivDown(
                    uint256(loss - maintenance),
                    q * FixedPoint.min(clock, insuranceTime),
                    WAD * insuranceTime
                );
        return FixedPoint.mulDivDown(uint256(-loss) + reward, fraction, WAD);
    }

    /// @notice (1 − f)·(MM − R) + R + paid: a lower bound of the maintenance that a bid leaves.
    function maintenanceAfterDown(
        int256 maintenance,
        uint256 reserved,
        uint256 fraction,
        uint256 paid
    ) internal pure returns (int256) {
        return
            FixedPoint.mulDivFloor(maintenance - int256(reserved), WAD - fraction, WAD) +
            int256(reserved) +
            int256(paid);
    }

    /// @notice Whether equity covers `buffer` of the requirement, mtm ≥ buffer·(mtm − MM), and is above zero.
    function isRecovered(int256 maintenance, int256 mtm, uint256 buffer) internal pure returns (bool) {
        return mtm > 0 && mtm >= FixedPoint.mulDivCeil(mtm - maintenance, buffer, WAD);
    }

    /// @notice What the account receives of each unit of worth when `feePart` (basis points) of the price is a fee.
    function netOfFeeDown(uint256 d, uint256 feePart) internal pure returns (uint256) {
        return (d * (BPS - feePart)) / BPS;
    }

    /// @notice Token units to settlement units. Exact: a settlement token has at most 18 decimals.
    function toWad(uint256 tokens, uint256 unit) internal pure returns (uint256) {
        return tokens * unit;
    }

    /// @notice Settlement units to token units. `unit` = settlement units of one token unit.
    function toTokensUp(uint256 value, uint256 unit) internal pure returns (uint256) {
        return FixedPointMathLib.divUp(value, unit);
    }

    /// @notice Settlement units to token units.
    function toTokensDown(uint256 value, uint256 unit) internal pure returns (uint256) {
        return value / unit;
    }
}
