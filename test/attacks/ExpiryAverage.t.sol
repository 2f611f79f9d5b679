// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {ExpiryTest} from "../../contracts/test/attacks/ExpiryTest.sol";

/// @title Attack: the expiry's average, by what is submitted
/// @notice The average is made of rounds that anybody submits. Mallory, short calls, leaves the spike out; or, long, starts at it, submits it
/// twice, or stops there and has the rest counted at its price; or moves the price for the last seconds.
/// Defence: each round follows the last (SettlementPrices:_step), the walk starts before the window (_start), it is complete only with
/// the round at the expiry (_isLast), and each price counts for its seconds (_count).
/// Without: any price that the feed has had.
contract ExpiryAverageTest is ExpiryTest {
    function setUp() public override {
        super.setUp();
        spike();
    }

    /// @dev Every order and choice that a seed makes, then what honest people do.
    function testFuzz_NobodyChoosesTheAverage(uint256 seed, bool early) public {
        if (!early) vm.warp(expiry + 1 minutes);
        for (uint256 i; i < 12; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint256 from = 1 + (seed % 8);
            uint80[] memory list = new uint80[](1 + ((seed >> 8) % 3));
            for (uint256 k; k < list.length; ++k) list[k] = id(from + ((seed >> (16 + 8 * k)) % 3) + k);
            submit(ETH, list);
        }
        _finish();
    }

    /// @dev The choices that pay best, one by one.
    function test_WithoutTheSpike() public {
        uint80[] memory list = new uint80[](2);
        (list[0], list[1]) = (id(3), id(5));
        submit(ETH, one(2));
        submit(ETH, list);
        _finish();
    }

    function test_FromTheSpikeOn() public {
        submit(ETH, one(4));
        submit(ETH, range(4, 7));
        _finish();
    }

    function test_NoFurtherThanTheSpike() public {
        submit(ETH, range(2, 4));
        vm.warp(expiry);
        submit(ETH, new uint80[](0));
        submit(ETH, one(4));
        _finish();
    }

    function _finish() private {
        vm.warp(expiry + 2 minutes);
        eth.setAnswer(9_000e8);
        submit(USDC, one(1));
        submit(ETH, range(1, 8));
        submit(ETH, range(2, 8));
        prices.fix(ETH, expiry);
        (uint256 price, bool isFinal) = prices.settlementPrice(ETH, expiry);
        assertTrue(isFinal, "the expiry was held up");
        assertEq(price, honest(), "somebody chose");
    }
}
