// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {PoolConfig} from "../interfaces/IMarginAccounts.sol";
import {SafeFixture} from "../test/SafeFixture.sol";
import {AccountId} from "../types/AccountId.sol";

/// @title Bids in pools that stand above their caps
contract BidsTest is SafeFixture {
    AccountId internal alice;
    AccountId internal keeper;

    function setUp() public override {
        super.setUp();
        alice = accountOf(makeAddr("alice"), 0);
        keeper = accountOf(makeAddr("keeper"), 0);
        deposit(alice, WBTC, 1e8);
        borrow(alice, USDC, 26_000e6);
        deposit(keeper, WETH, 1_000e18);
        setPrice(WBTC, 27_800e8);
        PoolConfig memory full = safe.poolConfig(USDC);
        full.maxUtilisation = 0;
        full.borrowCap = 0;
        safe.configurePool(USDC, full);
    }

    /// @dev The bidder has no cash: he owes the price, and the account is owed it.
    function test_L1_CapsDoNotStopABidderWithoutCash() public {
        uint256 cash = safe.poolState(USDC).cash;
        (uint256 taken, int256 price) = bid(alice, keeper, type(uint256).max);
        assertGt(taken, 0);
        assertGt(price, 0);
        assertGe(maintenanceOf(alice), 0);
        assertLt(safe.balanceOf(keeper, USDC), 0);
        assertApproxEqAbs(safe.poolState(USDC).cash, cash, 2);
    }
}
