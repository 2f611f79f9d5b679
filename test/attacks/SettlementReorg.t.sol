// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {ExpiryTest} from "../../contracts/test/attacks/ExpiryTest.sol";

/// @title Attack: a block reorganisation around settlement
/// @notice The chain forgets its last blocks while an expiry settles. In one branch Mallory's submission comes first, in another somebody
/// else's, a minute later or before the feed's last round; whoever traded on the first branch's price is paid by the second's.
/// Defence: the price depends on the feed's rounds alone, not on who submits, in which order or block (SettlementPrices:_step), and none is
/// made before the expiry, when a round could still come in that counts (SettlementPrices:_isLast).
/// Without: two branches, two prices; she keeps the one that she likes by ordering transactions.
contract SettlementReorgTest is ExpiryTest {
    function _price() private view returns (uint256 price, bool isFinal) {
        return prices.settlementPrice(ETH, expiry);
    }

    /// @dev One branch: what is submitted when, in `order`; then it ends like any other.
    function _branch(uint256 order) private returns (uint256 price) {
        bool isFinal;
        if (order == 0) {
            // all at once, a minute after
            vm.warp(expiry + 1 minutes);
            submit(USDC, one(1));
            submit(ETH, range(2, 7));
        } else if (order == 1) {
            // round by round, each with a next block's time; the unit last
            for (uint256 i = 2; i < 8; ++i) {
                vm.warp(expiry + i);
                submit(ETH, one(i));
            }
            submit(USDC, one(1));
        } else if (order == 2) {
            // as early as it goes: before the expiry, in the second of the last round
            submit(USDC, one(1));
            submit(ETH, range(2, 7));
            submit(USDC, new uint80[](0));
            prices.fix(ETH, expiry);
            (, isFinal) = _price();
            assertFalse(isFinal, "final before the expiry");
            vm.warp(expiry);
            submit(ETH, one(7));
            submit(USDC, one(1));
        } else {
            // late: the feed has gone on, and its proxy to a new aggregator
            vm.warp(expiry + 40 minutes);
            eth.setAnswer(5_000e8);
            submit(ETH, range(2, 8));
            submit(USDC, one(1));
        }
        submit(ETH, range(7, 8));
        prices.fix(ETH, expiry);
        (price, isFinal) = _price();
        assertTrue(isFinal, "not final");
    }

    function test_EveryBranchSettlesOnOnePrice() public {
        spike();
        for (uint256 order; order < 4; ++order) {
            uint256 fork = vm.snapshotState();
            assertEq(_branch(order), honest(), "a branch with a price of its own");
            assertTrue(vm.revertToState(fork));
        }
    }

    /// @dev The round of the last second is in one branch and not in the other: no price is final in either before it may be.
    function test_ARoundThatARivalBranchLostChangesNothingFinal() public {
        vm.warp(expiry - WINDOW - 10 minutes);
        eth.setAnswer(2_000e8);
        vm.warp(expiry - 1);
        submit(USDC, one(1));
        uint256 fork = vm.snapshotState();
        submit(ETH, one(2));
        prices.fix(ETH, expiry);
        (uint256 price, bool isFinal) = _price();
        assertFalse(isFinal, "final while rounds could come");
        assertTrue(vm.revertToState(fork));
        eth.setAnswer(4_000e8);
        submit(ETH, range(2, 3));
        vm.warp(expiry);
        submit(ETH, range(2, 3));
        submit(USDC, one(1));
        prices.fix(ETH, expiry);
        (price, isFinal) = _price();
        assertTrue(isFinal);
        assertEq(price, uint256(1_799 * 2_000e18 + 4_000e18) / 1_800);
    }
}
