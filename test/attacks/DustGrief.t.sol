// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {ILiquidationAuction} from "../../contracts/interfaces/ILiquidationAuction.sol";
import {AttackTest} from "../../contracts/test/attacks/AttackTest.sol";

/// @title Attack: grief by dust
/// @notice Mallory's account is worth nothing, give or take a cent. Each time the auction's clock has run a while she pays in a dollar,
/// equity turns positive, and a new auction begins at its start; a cent of price later it is insolvent again. Nobody is ever paid enough
/// to take the account. Or she leaves so little that no bid of a part is worth its gas.
/// Defence: equity counts as returned only when it covers a part of the requirement (LiquidationAuction:_advance, AuctionMath:isRecovered);
/// what is worth no more than the threshold is sold whole (LiquidationAuction:_setTerms).
/// Without: a debt that nobody can ever liquidate, for a dollar every ten minutes.
contract DustGriefTest is AttackTest {
    function test_DustDoesNotHoldTheClock() public {
        openLong(malloryId);
        deposit(bobId, USDC, 100_000e6);
        setPrice(WETH, 1_599e8);
        auction.start(malloryId, bobId);
        uint256 spent;
        for (uint256 i; i < 10; ++i) {
            pass(3 minutes);
            // a dollar above, by her own, and a dime below by the market
            uint256 even = debtOf(malloryId, USDC) * 10;
            setPrice(WETH, even);
            vm.startPrank(mallory);
            safe.repay(malloryId, USDC, 1e6);
            auction.poke(malloryId);
            vm.stopPrank();
            ++spent;
            setPrice(WETH, even - 0.11e8);
            auction.poke(malloryId);
        }
        assertLt(spent, 11);
        ILiquidationAuction.Status memory s = auction.status(malloryId);
        assertGe(s.clock, 20 minutes, "dust held the clock");
        (uint256 taken, int256 price) = bid(malloryId, bobId, MAX);
        assertEq(taken, 1e18);
        assertLt(price, 0, "the bidder is paid");
    }

    /// @dev Tiny bids by a friend neither stop the clock nor leave a remainder that nobody wants.
    function test_TinyBidsDoNotHoldTheClock() public {
        openLong(malloryId);
        deposit(friendId, USDC, 100_000e6);
        deposit(bobId, USDC, 100_000e6);
        setPrice(WETH, 1_650e8);
        auction.start(malloryId, bobId);
        for (uint256 i; i < 20; ++i) {
            pass(30 seconds);
            bid(malloryId, friendId, 1);
        }
        assertGe(auction.status(malloryId).clock, 10 minutes, "dust held the clock");
        bid(malloryId, bobId, MAX);
        assertGe(maintenanceOf(malloryId), 0);
    }

    function test_DustIsSoldWhole() public {
        deposit(malloryId, WETH, 0.004e18);
        borrow(malloryId, USDC, 7e6);
        deposit(bobId, USDC, 100e6);
        setPrice(WETH, 1_840e8);
        (uint256 taken, ) = bid(malloryId, bobId, MAX);
        assertEq(taken, 1e18, "a remainder is left");
        assertEq(safe.balanceOf(malloryId, WETH), 0);
    }
}
