// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {ILiquidityPoolErrors, PoolTerms} from "../interfaces/ILiquidityPool.sol";
import {PoolTest} from "../test/PoolTest.sol";

/// @title Going in, waiting, leaving: what shares cost, what they pay, and who cannot gain by it
contract PoolSharesTest is PoolTest {
    // ------------------------------------------------------------------ going in
    function test_theFirstDepositorPaysOneForOne() public view {
        assertEq(pool.decimals(), 18);
        // a million virtual shares' unit apart
        assertApproxEqAbs(pool.balanceOf(dora), 1_000_000e18, 1e13);
        assertEq(cashOf(poolId), 1_000_000e6);
        assertEq(pool.totalAssets(), SEED);
    }

    function test_V3_newcomersPayTheHighMarkAndLeaversGetTheLowOne() public {
        swap(aliceId, ethPerp, 100e18);
        (int256 low, int256 high) = pool.marks();
        // mark: 1,000,000 + 200 + P(100); closing 200; P 100. U counts for newcomers only, and it is positive.
        assertEq(high, 1_000_500e6);
        assertEq(low, 1_000_000e6, "profit covers what closing costs, and counts no further");
        assertEq(pool.equity(), 1_000_300e18);
        ledger.settle(poolId, aliceId, 300e6);
        (low, high) = pool.marks();
        assertEq(low, 1_000_000e6);
        assertEq(high, 1_000_500e6);
        uint256 before = lowPrice();
        uint256 shares = provide(carol, 100_000e6);
        assertLt(shares, 99_951e18);
        assertGe(lowPrice(), before);
        // there and back costs both marks' distance
        assertLt(pool.convertToAssets(shares), 99_960e6);
    }

    function test_V3_aDonationAfterAFirstDepositEatsNobodysDeposit() public {
        _leaveAll();
        uint256 first = _mintOne(alice);
        // both ways in: the margin account, and the contract itself
        mint(address(sys.usdc), alice, 200_000e6);
        vm.prank(alice);
        sys.usdc.approve(address(safe), 100_000e6);
        vm.prank(alice);
        safe.deposit(poolId, USDC, 100_000e6);
        vm.prank(alice);
        sys.usdc.transfer(address(pool), 100_000e6);
        provide(carol, 10_000e6);
        assertApproxEqAbs(pool.convertToAssets(pool.balanceOf(carol)), 10_000e6, 1);
        assertLt(pool.convertToAssets(first), 50_001e6, "half of it fell to the virtual shares");
    }

    function _mintOne(address who) private returns (uint256 shares) {
        return provide(who, 1);
    }

    function _leaveAll() private {
        request(dora, pool.balanceOf(dora));
        passAttested(DELAY);
        pool.fulfil(1);
    }

    function test_maximaAndCaps() public {
        assertEq(pool.maxDeposit(alice), 9_000_000e6);
        PoolTerms memory t = poolTerms();
        t.depositCap = uint96(SEED + 10e6);
        pool.setPoolTerms(t);
        assertEq(pool.maxDeposit(alice), 10e6);
        uint256 shares = pool.maxMint(alice);
        mint(address(sys.usdc), alice, 20e6);
        vm.startPrank(alice);
        sys.usdc.approve(address(pool), 20e6);
        vm.expectRevert(
            abi.encodeWithSelector(ILiquidityPoolErrors.DepositCapReached.selector, t.depositCap, SEED + 10e6 + 1)
        );
        pool.deposit(10e6 + 1, alice);
        assertLe(pool.mint(shares, alice), 10e6);
        vm.stopPrank();
        assertEq(pool.maxDeposit(alice), 0);
    }

    function test_leavingAtOnceIsNotOffered() public {
        vm.expectRevert(ILiquidityPoolErrors.LeaveByRequest.selector);
        pool.previewRedeem(1);
        vm.expectRevert(ILiquidityPoolErrors.LeaveByRequest.selector);
        pool.previewWithdraw(1);
        assertEq(pool.maxWithdraw(dora), 0);
        vm.prank(dora);
        vm.expectRevert(abi.encodeWithSelector(ILiquidityPoolErrors.NothingClaimable.selector, dora, 0));
        pool.withdraw(1, dora, dora);
    }

    // ------------------------------------------------------------------ leaving
    function test_leavesInTwoSteps() public {
        uint256 shares = pool.balanceOf(dora) / 4;
        uint256 id = request(dora, shares);
        assertEq(pool.pendingRedeemRequest(id, dora), shares);
        vm.expectRevert(ILiquidityPoolErrors.NothingToFulfil.selector);
        pool.fulfil(10);
        passAttested(DELAY);
        vm.prank(stranger);
        uint256 assets = pool.fulfil(10);
        assertApproxEqAbs(assets, SEED / 4, 2);
        assertEq(pool.claimableRedeemRequest(id, dora), shares);
        assertEq(pool.claimableAssets(), assets);
        vm.expectRevert(abi.encodeWithSelector(ILiquidityPoolErrors.NotController.selector, dora, stranger));
        vm.prank(stranger);
        pool.redeem(shares, stranger, dora);
        vm.prank(dora);
        pool.withdraw(1e6, carol, dora);
        assertEq(sys.usdc.balanceOf(carol), 1e6);
        assertEq(claim(dora), assets - 1e6);
        assertEq(pool.claimableAssets(), 0);
        assertEq(sys.usdc.balanceOf(address(pool)), 0);
    }

    function test_anAllowanceIsSpentOnARequest() public {
        vm.prank(dora);
        pool.approve(alice, 10e18);
        vm.prank(alice);
        pool.requestRedeem(4e18, alice, dora);
        assertEq(pool.allowance(dora, alice), 6e18);
        vm.prank(alice);
        vm.expectRevert();
        pool.requestRedeem(7e18, alice, dora);
    }

    /// @dev Who knows of a loss that the index does not show yet cannot leave before it.
    function test_leaversShareTheLossesOfTheirWait() public {
        swap(aliceId, ethPerp, 100e18);
        request(dora, pool.balanceOf(dora) / 2);
        moveTo(2_100);
        passAttested(DELAY);
        uint256 assets = pool.fulfil(1);
        // short 100, 100 dollars: half of 10,000 and of closing
        assertApproxEqAbs(assets, 495_000e6, 500e6);
    }

    /// @dev And who waits for a gain gets none of it.
    function test_leaversGetNoGainOfTheirWait() public {
        swap(aliceId, ethPerp, 100e18);
        uint256 shares = pool.balanceOf(dora) / 2;
        uint256 id = request(dora, shares);
        uint256 price = pool.exitRequest(id).price;
        moveTo(1_900);
        ledger.settle(poolId, aliceId, 10_000e6);
        passAttested(DELAY);
        assertEq(pool.fulfil(1), (shares * price) / 1e27);
        // it is those who stay whom it falls to
        assertGt(pool.convertToAssets(pool.balanceOf(dora)), 509_000e6);
    }

    function test_unsettledProfitIsNotPaidOut() public {
        swap(aliceId, ethPerp, 100e18);
        moveTo(1_900);
        (int256 low, int256 high) = pool.marks();
        assertLe(low, 1_000_000e6);
        assertGt(high, 1_010_000e6);
        ledger.settle(poolId, aliceId, 10_000e6);
        (low, ) = pool.marks();
        assertGt(low, 1_009_000e6);
    }

    function test_theQueueIsPaidInOrderAsFarAsCashReaches() public {
        provide(carol, 500_000e6);
        deposit(aliceId, USDC, 2_000_000e6);
        swap(aliceId, ethPerp, 500e18);
        request(dora, pool.balanceOf(dora));
        uint256 second = request(carol, pool.balanceOf(carol));
        passAttested(DELAY);
        uint256 assets = pool.fulfil(10);
        (uint256 head, uint256 tail) = pool.exitQueue();
        assertEq(tail, 2);
        assertEq(head, 1, "the first is paid, of the second a part");
        uint256 left = pool.pendingRedeemRequest(second, carol);
        assertTrue(left != 0 && left < pool.claimableRedeemRequest(second, carol) + left);
        assertGt(assets, 1_300_000e6);
        // what is left carries the position, with the reserve
        assertGe(initialOf(poolId), int256(13_000e18));
        vm.expectRevert(ILiquidityPoolErrors.NothingToFulfil.selector);
        pool.fulfil(1);
        swap(aliceId, ethPerp, -500e18);
        // nothing is held: with what is settled the rest can leave
        ledger.settle(poolId, aliceId, _settleable());
        pool.fulfil(1);
        assertEq(pool.pendingRedeemRequest(second, carol), 0);
        assertEq(pool.totalSupply(), 0);
    }

    // ------------------------------------------------------------------ sandwiches
    /// @dev A move of the index within the pool's spread, known before: going in, or leaving at the old mark, gains nothing.
    function test_V3_aDepositBeforeAKnownMoveGainsNothingWithinTheSpread() public {
        deposit(aliceId, USDC, 2_000_000e6);
        swap(aliceId, ethPerp, -400e18);
        // long 400: 800,000; the index is about to rise by .1 %, the pool by 800
        uint256 shares = provide(carol, 1_000_000e6);
        moveTo(2_002);
        ledger.settle(poolId, aliceId, _settleable());
        assertLe(pool.convertToAssets(shares), 1_000_000e6);
    }

    function _settleable() private view returns (uint256) {
        return ledger.settleable(poolId, aliceId);
    }

    function test_aTradeBeforeAKnownMoveGainsNothingWithinTheSpread() public {
        int256 before = mtmOf(aliceId);
        swap(aliceId, ethPerp, 40e18);
        moveTo(2_002);
        assertLe(mtmOf(aliceId), before);
        swap(aliceId, ethPerp, -40e18);
        assertLe(mtmOf(aliceId), before);
        assertGe(pool.equity(), 1_000_000e18);
    }

    /// @dev Trading the inventory up or down moves neither mark in favour of whoever goes in or asks to leave between.
    function test_V3_inventoryPumpsMoveNoMark() public {
        deposit(aliceId, USDC, 2_000_000e6);
        deposit(bobId, USDC, 2_000_000e6);
        swap(aliceId, ethPerp, -400e18);
        ledger.settle(poolId, aliceId, _settleable());
        (int256 low, int256 high) = pool.marks();
        // bob buys all of it back at the mark, at which the pool had bought below
        swap(bobId, ethPerp, 400e18);
        (int256 lowAfter, int256 highAfter) = pool.marks();
        assertGe(lowAfter, low);
        // newcomers save what closing would have cost, which bob has not paid; and the way back costs him more
        assertGe(highAfter, high - 801e6);
        uint256 shares = provide(carol, 1_000_000e6);
        int256 cost = swap(bobId, ethPerp, -400e18) + 800_000e18;
        assertGt(cost, 1_000e18);
        assertLe(pool.convertToAssets(shares), 1_000_000e6);
    }

    // ------------------------------------------------------------------ closed
    function test_aPoolInAuctionNeitherMintsNorBurnsAndSharesGoOn() public {
        deposit(bobId, USDC, 2_000_000e6);
        deposit(carolId, USDC, 5_000_000e6);
        swap(bobId, ethPerp, 490e18);
        request(dora, pool.balanceOf(dora) / 2);
        passAttested(DELAY);
        moveTo(4_020);
        assertLt(maintenanceOf(poolId), 0);
        _refuseBoth("maintenance");
        auction.start(poolId, aliceId);
        _refuseBoth("auction");
        skip(20 minutes);
        refreshFeeds();
        attestPremium(ETH, 0);
        uint256 supply = pool.totalSupply();
        bid(poolId, carolId, MAX);
        // the bidder took risk for cash; what is left is the pool's again
        assertEq(pool.totalSupply(), supply);
        assertGe(maintenanceOf(poolId), 0);
        (int256 low, int256 high) = pool.marks();
        assertTrue(low <= high && high > 0);
        if (low > 0) {
            uint256 before = lowPrice();
            provide(alice, 1_000e6);
            assertGe(lowPrice(), before);
        }
    }

    function _refuseBoth(bytes32 reason) private {
        bytes memory closed = abi.encodeWithSelector(ILiquidityPoolErrors.PoolClosed.selector, reason);
        assertEq(pool.maxDeposit(alice), 0);
        assertEq(pool.maxMint(alice), 0);
        assertEq(pool.totalAssets(), 0);
        assertEq(pool.convertToShares(1e6), 0);
        assertEq(pool.convertToAssets(1e18), 0);
        mint(address(sys.usdc), alice, 1e6);
        vm.startPrank(alice);
        sys.usdc.approve(address(pool), 1e6);
        vm.expectRevert(closed);
        pool.deposit(1e6, alice);
        vm.stopPrank();
        vm.expectRevert(closed);
        pool.fulfil(1);
        vm.expectRevert(closed);
        vm.prank(dora);
        pool.requestRedeem(1e18, dora, dora);
    }

    function test_O1_aGuardedPriceNeitherMintsNorBurns() public {
        swap(aliceId, call2000, 10e18);
        request(dora, 1e18);
        skip(DELAY);
        refreshFeeds();
        // attestations are hours old
        bytes memory stale = abi.encodeWithSignature("FeedStale(uint256)", uint256(ETH));
        vm.expectRevert(stale);
        pool.fulfil(1);
        assertEq(pool.maxDeposit(alice), 0);
        attestAll();
        pool.fulfil(1);
    }

    /// @dev Between an expiry and its final price nobody knows what the pool is worth.
    function test_expiryInTheBook() public {
        swap(aliceId, call2000, 10e18);
        swap(aliceId, put2000, -10e18);
        pass(3 days - 20 minutes);
        moveTo(2_100);
        attestAll();
        pool.marks();
        pass(20 minutes);
        attestPremium(ETH, 0);
        assertEq(pool.maxDeposit(alice), 0, "the price is not final");
        uint256 supply = pool.totalSupply();
        ledger.setSettlementPrices(address(finals));
        settleAt(ETH, 2_100e18);
        // short 10 calls and long 10 puts: minus 1,000
        (int256 low, int256 high) = pool.marks();
        int256 mtm = pool.equity();
        assertEq(low, mtm / 1e12);
        assertApproxEqAbs(high, low, 1);
        assertTrue(mtm < 999_500e18 && mtm > 998_500e18);
        ledger.touch(poolId);
        assertEq(pool.equity(), mtm);
        assertEq(pool.totalSupply(), supply);
        provide(alice, 1_000e6);
    }
}
