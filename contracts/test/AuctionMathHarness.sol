// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AuctionMath} from "../liquidation/AuctionMath.sol";

/// @title {AuctionMath} for callers outside
contract AuctionMathHarness {
    function bufferMarginDown(int256 maintenance, int256 mtm, uint256 buffer) external pure returns (int256) {
        return AuctionMath.bufferMarginDown(maintenance, mtm, buffer);
    }

    function discountFactorUp(
        uint256 clock,
        uint256 start,
        uint256 cut,
        uint256 fast,
        uint256 slow
    ) external pure returns (uint256) {
        return AuctionMath.discountFactorUp(clock, start, cut, fast, slow);
    }

    function maxFractionUp(
        int256 bufferMargin,
        int256 mtm,
        uint256 reserved,
        uint256 d
    ) external pure returns (uint256) {
        return AuctionMath.maxFractionUp(bufferMargin, mtm, reserved, d);
    }

    function priceUp(uint256 fraction, uint256 worth, uint256 d) external pure returns (uint256) {
        return AuctionMath.priceUp(fraction, worth, d);
    }

    function insolventPaymentDown(
        uint256 fraction,
        int256 maintenance,
        int256 mtm,
        uint256 q,
        uint256 clock,
        uint256 insuranceTime
    ) external pure returns (uint256) {
        return AuctionMath.insolventPaymentDown(fraction, maintenance, mtm, q, clock, insuranceTime);
    }

    function maintenanceAfterDown(
        int256 maintenance,
        uint256 reserved,
        uint256 fraction,
        uint256 paid
    ) external pure returns (int256) {
        return AuctionMath.maintenanceAfterDown(maintenance, reserved, fraction, paid);
    }

    function isRecovered(int256 maintenance, int256 mtm, uint256 buffer) external pure returns (bool) {
        return AuctionMath.isRecovered(maintenance, mtm, buffer);
    }

    function netOfFeeDown(uint256 d, uint256 feePart) external pure returns (uint256) {
        return AuctionMath.netOfFeeDown(d, feePart);
    }

    function toTokensUp(uint256 value, uint256 unit) external pure returns (uint256) {
        return AuctionMath.toTokensUp(value, unit);
    }

    function toTokensDown(uint256 value, uint256 unit) external pure returns (uint256) {
        return AuctionMath.toTokensDown(value, unit);
    }
}
