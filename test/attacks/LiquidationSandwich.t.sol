// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

// whether a call is refused is what is tested
// solhint-disable avoid-low-level-calls

import {AttackTest, Victims} from "../../contracts/test/attacks/AttackTest.sol";

/// @title Attack: the sandwich of a liquidation
/// @notice Mallory sees Bob's bid for her account on its way, changes the account before it and changes it back after it.
/// Defence: the bidder names the most he pays (Bids:_bid, PriceOverLimit); what he takes is a part of everything at one price, so
/// whatever she puts in he gets his part of; what she has put in she cannot take out again while the account is thin.
/// Without the limit: he pays for what she moved in front of him, beyond what he meant to spend.
contract LiquidationSandwichTest is AttackTest {
    function setUp() public override {
        super.setUp();
        openLong(malloryId);
        deposit(bobId, USDC, 100_000e6);
        setPrice(WETH, 1_680e8);
        auction.start(malloryId, bobId);
        pass(10 minutes);
    }

    /// @dev Dearer: she tops the account up with another asset, so that the same fraction costs more.
    function test_ADearerAccountIsNotSoldToWhoNamedHisPrice() public {
        int256 price = auction.status(malloryId).priceOfMax;
        uint256 fraction = auction.status(malloryId).maxFraction / 2;
        int256 limit = price / 2 + 1e6;
        int256 bobWorth = mtmOf(bobId);
        // before: 30 USDC of repayment keep it under, and make the half dearer than Bob has agreed to
        vm.prank(mallory);
        safe.repay(malloryId, USDC, 30e6);
        vm.prank(bob);
        (bool ok, ) = address(safe).call(abi.encodeCall(safe.bid, (malloryId, bobId, fraction, limit)));
        // after: nothing of it was at his cost
        assertFalse(ok, "sold above the bidder's limit");
        assertEq(mtmOf(bobId), bobWorth);
        // he says yes to the new price, and gains as much as the discount gives
        bid(malloryId, bobId, fraction);
        assertGe(mtmOf(bobId), bobWorth);
    }

    /// @dev Emptier: a friend's bid in front takes the best; Bob's then takes what is left or nothing, never at a loss.
    function test_ABidInFrontCostsTheNextBidderNothing() public {
        deposit(friendId, USDC, 100_000e6);
        int256 limit = auction.status(malloryId).priceOfMax;
        int256 bobWorth = mtmOf(bobId);
        bid(malloryId, friendId, auction.status(malloryId).maxFraction - 1e15);
        attempt(bob, address(safe), abi.encodeCall(safe.bid, (malloryId, bobId, MAX, limit)));
        assertGe(mtmOf(bobId), bobWorth - 1e12, "the second bidder lost");
    }

    /// @dev Back to its start: heal it with borrowed money, end the auction, and take the money out again, all at once.
    function test_AFlashLoanDoesNotResetTheDiscount() public {
        Victims memory before = victims();
        uint256 discount = auction.status(malloryId).discountFactor;
        assertLt(discount, 0.81e18);
        vm.prank(mallory);
        (bool ok, ) = address(safe).call(
            abi.encodeCall(
                safe.batch,
                (
                    calls(
                        abi.encodeCall(safe.repay, (malloryId, USDC, 5_000e6)),
                        abi.encodeCall(safe.borrow, (malloryId, USDC, 5_000e6, mallory))
                    )
                )
            )
        );
        assertFalse(ok, "took the money out again");
        // in steps of their own: healed it stays healed, or it does not end
        vm.startPrank(mallory);
        safe.repay(malloryId, USDC, 5_000e6);
        auction.end(malloryId);
        (ok, ) = address(safe).call(abi.encodeCall(safe.borrow, (malloryId, USDC, 4_900e6, mallory)));
        vm.stopPrank();
        assertFalse(ok, "thin again");
        assertGe(maintenanceOf(malloryId), 0);
        assertVictimsWhole(before);
    }
}
