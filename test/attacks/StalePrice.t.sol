// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

// whether a call is refused is what is tested
// solhint-disable avoid-low-level-calls

import {AttackTest, Victims} from "../../contracts/test/attacks/AttackTest.sol";

/// @title Attack: the market has fallen and the feed has not spoken since
/// @notice Mallory buys ETH at 1,000 outside and brings it in at the 2,000 that a dead feed still says.
/// Defence: an answer older than its heartbeat is no price, and without one nothing passes that needs margin (ChainlinkSource:read,
/// PriceBook:_primary). Within the heartbeat a price may be off by the feed's own deviation threshold: that is what haircuts are for.
/// Without: 840 USDC for every ETH.
contract StalePriceTest is AttackTest {
    function test_ADeadFeedLendsNothing() public {
        Victims memory before = victims();
        uint256 cash = sys.usdc.balanceOf(mallory);
        skip(uint256(HEARTBEAT) + 1);
        setPrice(USDC, 1e8);
        // 500 ETH, bought for 500,000
        vm.startPrank(mallory);
        safe.deposit(malloryId, WETH, 500e18);
        (bool ok, ) = address(safe).call(abi.encodeCall(safe.borrow, (malloryId, USDC, 900_000e6, mallory)));
        assertFalse(ok, "lent against a dead price");
        // nor by any other door: batch, or the money of another account against this one's collateral
        (ok, ) = address(safe).call(
            abi.encodeCall(safe.batch, (calls(abi.encodeCall(safe.borrow, (malloryId, USDC, 1e6, mallory)))))
        );
        assertFalse(ok, "lent by a batch");
        (ok, ) = address(safe).call(abi.encodeCall(safe.transfer, (malloryId, accountOf(mallory, 1), USDC, 1e6, true)));
        assertFalse(ok, "lent to her other account");
        vm.stopPrank();
        assertEq(sys.usdc.balanceOf(mallory), cash);
        setPrice(WETH, 1_000e8);
        assertVictimsWhole(before);
    }

    /// Nor do those who lend to her leave their losses to a price that was: nobody is liquidated by one either.
    function test_ADeadFeedLiquidatesNobody() public {
        openLong(aliceId);
        deposit(friendId, USDC, 100_000e6);
        setPrice(WETH, 1_680e8); // an hour ago; since then it has recovered and nobody knows
        skip(uint256(HEARTBEAT) + 1);
        setPrice(USDC, 1e8);
        (bool ok, ) = attempt(
            friend,
            address(safe),
            abi.encodeCall(safe.bid, (aliceId, friendId, MAX, type(int256).max))
        );
        assertFalse(ok, "liquidated by a dead price");
        assertEq(safe.balanceOf(aliceId, WETH), 10e18);
    }
}
