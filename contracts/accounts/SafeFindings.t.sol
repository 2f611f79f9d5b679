// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IMarginAccountsErrors} from "../interfaces/IMarginAccounts.sol";
import {SafeFixture} from "../test/SafeFixture.sol";
import {MockFeed} from "../test/MockFeed.sol";
import {AccountFlags} from "../types/AccountFlags.sol";
import {AccountId} from "../types/AccountId.sol";

/// @title What random runs against the safe have found, each as small as it gets
contract SafeFindings is SafeFixture {
    AccountId internal alice;
    AccountId internal keeper;

    function setUp() public override {
        super.setUp();
        alice = accountOf(makeAddr("alice"), 0);
        keeper = accountOf(makeAddr("keeper"), 0);
        deposit(keeper, USDC, 1_000_000e6);
    }

    function _inAuction(AccountId account) internal view returns (bool) {
        return AccountFlags.wrap(uint24(safe.words(account)[0] >> 232)).inAuction();
    }

    /// @dev Auctions end by prices; who has repaid all in the auction must not wait for them.
    function test_A3_WhoRepaidInAnAuctionLeavesWithDeadFeeds() public {
        deposit(alice, WETH, 10e18);
        borrow(alice, USDC, 18_000e6);
        setPrice(WETH, 1_850e8);
        auction.start(alice, keeper);
        vm.prank(alice.owner());
        vm.expectRevert(abi.encodeWithSelector(IMarginAccountsErrors.AccountInAuction.selector, alice));
        safe.withdraw(alice, WETH, 1, alice.owner());
        repay(alice, USDC, type(uint256).max);
        sys.wethFeed.setFailure(MockFeed.Failure.Reverts);
        assertEq(withdraw(alice, WETH, type(uint256).max), 10e18);
        assertFalse(_inAuction(alice));
    }
}
