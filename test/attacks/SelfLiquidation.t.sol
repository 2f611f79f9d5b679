// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

// whether a call is refused is what is tested
// solhint-disable avoid-low-level-calls

import {AttackTest, Victims} from "../../contracts/test/attacks/AttackTest.sol";

/// @title Attack: self-liquidation with a colluding bidder
/// @notice Mallory's account is sold to her friend at a discount; if the discount is paid by anybody but her, they gain. Best is an
/// auction that runs while nobody looks: she starts it at a dip, the price recovers, nobody ends it, and at the next dip its clock
/// has run out: the friend gets the account for nothing and the insurance fund pays him on top.
/// Defence: what the bidder gains the owner loses (AuctionMath); a tick counts 15 minutes at most (LiquidationAuction:_advance).
/// Without: a fifth of the account's requirement, out of the fund, at every second dip.
contract SelfLiquidationTest is AttackTest {
    function setUp() public override {
        super.setUp();
        openLong(malloryId);
        deposit(friendId, USDC, 100_000e6);
    }

    function _together() private view returns (int256) {
        return worthOf(mallory) + worthOf(friend);
    }

    function test_AnAuctionThatSleptIsNoGift() public {
        setPrice(WETH, 1_680e8);
        vm.prank(mallory);
        auction.start(malloryId, friendId);
        setPrice(WETH, 1_900e8);
        pass(3 hours);
        setPrice(WETH, 1_680e8);
        Victims memory before = victims();
        int256 together = _together();
        // she pokes as often as she likes, and waits for as long as nobody else bids
        auction.poke(malloryId);
        auction.poke(malloryId);
        pass(10 minutes);
        auction.poke(malloryId);
        pass(10 minutes);
        vm.prank(friend);
        (bool ok, ) = address(safe).call(abi.encodeCall(safe.bid, (malloryId, friendId, MAX, type(int256).max)));
        assertTrue(ok, "a liquidation that nobody may do");
        // shares round
        assertLe(_together(), together + 1e13, "the pair gained");
        assertVictimsWhole(before);
    }

    /// @dev In as many bids as she likes, at any price at which the account is still solvent.
    function testFuzz_ManySmallBidsGainNothing(uint256 price, uint256 wait, uint256 part) public {
        setPrice(WETH, bound(price, 1_620e8, 1_684e8));
        Victims memory before = victims();
        int256 together = _together();
        vm.prank(mallory);
        auction.start(malloryId, friendId);
        for (uint256 i; i < 4; ++i) {
            skip(bound(wait, 0, 15 minutes));
            refreshFeeds();
            if (auction.status(malloryId).maxFraction == 0) break;
            uint256 fraction = bound(part, 1, auction.status(malloryId).maxFraction);
            attempt(friend, address(safe), abi.encodeCall(safe.bid, (malloryId, friendId, fraction, type(int256).max)));
        }
        assertLe(_together(), together + 1e13, "the pair gained");
        assertVictimsWhole(before);
    }
}
