// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AuctionMath} from "../../../contracts/liquidation/AuctionMath.sol";
import {BPS, WAD} from "../../../contracts/types/FixedPoint.sol";

/// @title What the solver is asked about {AuctionMath}
/// @dev Margins below 2^100 settlement units (WAD): a thousand billion. Parameters as {LiquidationAuction} admits them.
contract AuctionMathProperties {
    int256 private constant MOST = 2 ** 100;

    function discountStaysBetweenStartAndNothing(
        uint256 clock,
        uint256 start,
        uint256 cut,
        uint256 fast,
        uint256 slow
    ) external pure {
        require(start <= WAD && cut <= start && cut != 0);
        require(fast != 0 && fast <= 1 days && slow != 0 && slow <= 7 days && clock < 2 ** 40);
        uint256 d = AuctionMath.discountFactorUp(clock, start, cut, fast, slow);
        assert(d <= start);
        assert(clock >= fast || d >= cut);
        assert(clock < fast || d <= cut);
        assert(clock < fast + slow || d == 0);
        assert(clock >= fast + slow || d != 0);
    }

    /// L1: f ≤ f_max ≤ 1.
    function nobodyTakesMoreThanEverything(int256 bufferMargin, int256 mtm, uint256 reserved, uint256 d) external pure {
        require(bufferMargin > -MOST && bufferMargin < MOST && mtm > -MOST && mtm < MOST);
        require(reserved < uint256(MOST) && d <= WAD);
        uint256 f = AuctionMath.maxFractionUp(bufferMargin, mtm, reserved, d);
        assert(f <= WAD);
        assert(bufferMargin < 0 || f == 0);
        assert(bufferMargin >= 0 || f != 0);
    }

    function theBufferOnlyLowersAMargin(int256 maintenance, int256 mtm, uint256 buffer) external pure {
        require(maintenance > -MOST && maintenance <= mtm && mtm < MOST && buffer <= WAD);
        assert(AuctionMath.bufferMarginDown(maintenance, mtm, buffer) <= maintenance);
    }

    /// L2: what a bidder pays is at most the part's worth, rounded up.
    function noPriceIsAboveTheWorth(uint256 fraction, uint256 worth, uint256 d) external pure {
        require(fraction <= WAD && worth < uint256(MOST) && d <= WAD);
        assert(AuctionMath.priceUp(fraction, worth, d) <= worth);
    }

    /// L2: the fund pays at most the loss and the promised part of the requirement.
    function insolventPaymentIsBounded(
        uint256 fraction,
        int256 maintenance,
        int256 mtm,
        uint256 q,
        uint256 clock,
        uint256 time
    ) external pure {
        require(fraction <= WAD && mtm <= 0 && mtm > -MOST && maintenance < mtm && maintenance > -MOST);
        require(q <= WAD && time != 0 && time <= 7 days && clock < 2 ** 40);
        uint256 paid = AuctionMath.insolventPaymentDown(fraction, maintenance, mtm, q, clock, time);
        assert(paid <= uint256(-maintenance));
    }

    function aHealthyAccountIsAboveZero(int256 maintenance, int256 mtm, uint256 buffer) external pure {
        require(maintenance > -MOST && maintenance <= mtm && mtm < MOST && buffer <= WAD);
        if (AuctionMath.isRecovered(maintenance, mtm, buffer)) assert(mtm > 0);
        if (mtm > 0 && maintenance >= 0) assert(AuctionMath.isRecovered(maintenance, mtm, buffer));
    }

    function theFeeOnlyLowers(uint256 d, uint256 feePart) external pure {
        require(d <= WAD && feePart <= BPS);
        assert(AuctionMath.netOfFeeDown(d, feePart) <= d);
    }

    function tokensRoundAsNamed(uint256 value, uint256 unit) external pure {
        require(value < uint256(MOST) && unit != 0 && unit <= WAD);
        uint256 down = AuctionMath.toTokensDown(value, unit);
        uint256 up = AuctionMath.toTokensUp(value, unit);
        assert(AuctionMath.toWad(down, unit) <= value);
        assert(AuctionMath.toWad(up, unit) >= value);
        assert(up <= down + 1);
    }
}
