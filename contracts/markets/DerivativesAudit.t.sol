// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

// whether a call is refused is what is tested
// solhint-disable avoid-low-level-calls

import {Call, IMarginAccountsErrors, PoolConfig} from "../interfaces/IMarginAccounts.sol";
import {Fill} from "../interfaces/IPositions.sol";
import {DerivativesTest} from "../test/DerivativesTest.sol";

/// @title Ways in which fills, settlement and reduce-only met the safe's limits wrongly; each held shut
contract DerivativesAuditTest is DerivativesTest {
    uint8 private constant BORROW = 1;
    uint8 private constant TRADES = 8;

    /// @dev Alice has spot and no cash.
    function _leaveNoCash() private {
        deposit(aliceId, WETH, 50e18);
        withdraw(aliceId, USDC, 100_000e6);
    }

    function test_G1_APremiumIsNotBorrowedWhileBorrowingIsClosedOrPaused() public {
        _leaveNoCash();
        Fill memory f = makeFill(aliceId, bobId, call2000, 1e18, 57e18);
        PoolConfig memory config = _poolConfig();
        config.borrowsClosed = true;
        safe.configurePool(USDC, config);
        refuseFill(f, abi.encodeWithSelector(IMarginAccountsErrors.BorrowsClosed.selector, USDC));
        safe.configurePool(USDC, _poolConfig());
        safe.pause(BORROW, uint40(vm.getBlockTimestamp() + 1 hours));
        refuseFill(f, abi.encodeWithSelector(IMarginAccountsErrors.ActionPaused.selector, BORROW));
        // from cash it is no borrow
        trade(carolId, bobId, call2000, 1e18, 57e18);
    }

    function test_G1_APauseOfTradesStopsNewRiskAndNotReducing() public {
        trade(aliceId, bobId, ethPerp, 10e18, 2_000e18);
        safe.pause(TRADES, uint40(vm.getBlockTimestamp() + 1 hours));
        bytes memory paused = abi.encodeWithSelector(IMarginAccountsErrors.ActionPaused.selector, TRADES);
        refuseFill(makeFill(aliceId, bobId, ethPerp, 1e18, 2_000e18), paused);
        Fill memory f = makeFill(aliceId, bobId, ethPerp, -4e18, 2_000e18);
        (f.firstReduces, f.secondReduces) = (true, true);
        sender.fill(f);
        assertEq(sizeOf(aliceId, ethPerp), 6e18);
    }

    function test_A2_AReducingOrderOfAHealthyAccountMayBorrowForIt() public {
        deposit(aliceId, WETH, 50e18);
        trade(aliceId, bobId, call2000, -10e18, 57e18);
        withdraw(aliceId, USDC, 100_570e6);
        Fill memory f = makeFill(aliceId, bobId, call2000, 10e18, 57e18);
        f.firstReduces = true;
        sender.fill(f);
        assertEq(sizeOf(aliceId, call2000), 0);
        assertEq(cashOf(aliceId), -570e6);
        assertTrue(initialOf(aliceId) > 0);
    }

    function test_A2_AnotherModelIsNoRelief() public {
        trade(aliceId, bobId, call2000, 10e18, 57e18);
        Call[] memory list = new Call[](2);
        list[0] = Call(address(0), abi.encodeCall(safe.reduceOnly, (aliceId)));
        list[1] = Call(address(0), abi.encodeCall(safe.setModel, (aliceId, 1)));
        bytes memory late = abi.encodeWithSelector(IMarginAccountsErrors.ReduceOnlyTooLate.selector, aliceId);
        vm.expectRevert(abi.encodeWithSelector(IMarginAccountsErrors.CallFailed.selector, 1, late));
        vm.prank(alice);
        safe.batch(list);
    }

    function test_settlementGoesOnInAFullPool() public {
        _leaveNoCash();
        trade(aliceId, bobId, ethPerp, 10e18, 2_000e18);
        setPrice(WETH, 1_900e8);
        PoolConfig memory config = _poolConfig();
        config.supplyCap = 1;
        safe.configurePool(USDC, config);
        ledger.settle(bobId, aliceId, 500e6);
        assertEq(cashOf(aliceId), -500e6);
    }

    function test_O1_noNewRiskOnAnExpiryWhoseAverageIsNotFixed() public {
        trade(aliceId, bobId, call2000, 10e18, 57e18);
        trade(aliceId, bobId, ethPerp, 1e18, 2_000e18);
        passAttested(EXPIRY - vm.getBlockTimestamp() + 1);
        (bool ok, ) = address(sender).call(
            abi.encodeCall(sender.fill, (makeFill(aliceId, bobId, ethPerp, 1e18, 2_000e18)))
        );
        assertFalse(ok);
        assertTrue(maintenanceOf(bobId) > 0);
        Fill memory f = makeFill(aliceId, bobId, ethPerp, -1e18, 2_000e18);
        (f.firstReduces, f.secondReduces) = (true, true);
        sender.fill(f);
    }
}
