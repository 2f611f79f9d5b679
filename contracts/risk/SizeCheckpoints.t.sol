// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {ISizeCheckpoints} from "../interfaces/IRisk.sol";
import {IMarginAccounts} from "../interfaces/IMarginAccounts.sol";
import {BaseTest} from "../test/BaseTest.sol";
import {StubSafe} from "../test/StubSafe.sol";
import {AssetId} from "../types/AssetId.sol";
import {SizeCheckpoints} from "./SizeCheckpoints.sol";

contract SizeCheckpointsTest is BaseTest {
    AssetId private constant ASSET = AssetId.wrap(0x401);
    AssetId private constant POOL = AssetId.wrap(2);
    AssetId private constant SHARE = AssetId.wrap(0x802);

    StubSafe private safe;
    SizeCheckpoints private checkpoints;

    function setUp() public {
        vm.warp(1_700_000_000);
        safe = new StubSafe();
        checkpoints = new SizeCheckpoints(IMarginAccounts(address(safe)), 500);
    }

    function _update(uint256 total) private returns (uint256) {
        skip(1 hours);
        safe.setTotal(ASSET, total);
        return checkpoints.update(ASSET);
    }

    function test_firstUpdateOnlyTakesNote() public {
        safe.setTotal(ASSET, 1_000);
        assertEq(checkpoints.update(ASSET), 0);
        assertEq(checkpoints.checkpointOf(ASSET), 0);
        (uint256 live, uint256 checkpoint) = checkpoints.sizesOf(ASSET);
        assertEq(live, 1_000);
        assertEq(checkpoint, 0);
    }

    function test_risesByAPartPerHourAndFallsAtOnce() public {
        _update(1_000e18);
        assertEq(_update(1_000e18), 50e18, "from zero: the part of the total");
        assertEq(_update(1_000e18), 52.5e18);
        assertEq(_update(52e18), 52e18, "falls at once");
        assertEq(_update(1_000e18), 52e18, "the previous total was smaller");
        assertEq(_update(1_000e18), 54.6e18);
        skip(30 days);
        assertEq(_update(1_000e18), 57.33e18, "waiting longer earns no more");
    }

    function test_updatesAreAnHourApart() public {
        checkpoints.update(ASSET);
        uint256 next = block.timestamp + 1 hours;
        skip(1 hours - 1);
        vm.expectRevert(abi.encodeWithSelector(ISizeCheckpoints.TooSoon.selector, ASSET, next));
        checkpoints.update(ASSET);
        skip(1);
        checkpoints.update(ASSET);
    }

    function test_refusedInsideSessionsAndWhileLocked() public {
        safe.setSession(true, false);
        vm.expectRevert(ISizeCheckpoints.InsideSession.selector);
        checkpoints.update(ASSET);
        vm.expectRevert(ISizeCheckpoints.InsideSession.selector);
        checkpoints.observe(ASSET);
        safe.setSession(false, true);
        vm.expectRevert(ISizeCheckpoints.InsideSession.selector);
        checkpoints.update(ASSET);
    }

    /// @dev A1: a total that is high only at the moments of the updates lifts nothing if anyone looks in between.
    function test_A1_flashDepositsAtBothUpdatesLiftNothingThatIsObserved() public {
        _update(100e18);
        _update(100e18);
        for (uint256 i; i < 48; ++i) {
            _update(1_000_000e18); // deposit, update, withdraw in one transaction
            safe.setTotal(ASSET, 100e18);
            checkpoints.observe(ASSET);
        }
        assertLe(checkpoints.checkpointOf(ASSET), 100e18);
    }

    function test_observingAHigherTotalChangesNothing() public {
        _update(100e18);
        safe.setTotal(ASSET, 200e18);
        checkpoints.observe(ASSET);
        (, uint256 smallest, ) = checkpoints.stateOf(ASSET);
        assertEq(smallest, 100e18);
        safe.setTotal(ASSET, 60e18);
        checkpoints.observe(ASSET);
        (, smallest, ) = checkpoints.stateOf(ASSET);
        assertEq(smallest, 60e18);
    }

    function test_sharesAreCountedInTheirUnderlying() public {
        safe.list(POOL, address(1), 18);
        safe.setSupplyIndex(POOL, 1.5e15);
        safe.setTotal(SHARE, 100e18);
        (uint256 live, ) = checkpoints.sizesOf(SHARE);
        assertEq(live, 150e18);
        skip(1 hours);
        checkpoints.update(SHARE);
        (, uint256 smallest, ) = checkpoints.stateOf(SHARE);
        assertEq(smallest, 150e18);
    }

    function test_refusesARiseOutOfBounds() public {
        for (uint256 rise = 0; rise < 20_002; rise += 10_001) {
            vm.expectRevert(abi.encodeWithSelector(SizeCheckpoints.RiseOutOfBounds.selector, rise));
            new SizeCheckpoints(IMarginAccounts(address(safe)), rise);
        }
    }

    /// @dev Whatever totals come: never above either total, never up by more than the part, and it gets there.
    function testFuzz_A1_neverAboveTheSmallerTotalNorFasterThanThePart(uint104[8] calldata totals) public {
        uint256 last;
        uint256 lastTotal;
        for (uint256 i; i < totals.length; ++i) {
            uint256 now_ = _update(totals[i]);
            assertLe(now_, totals[i]);
            assertLe(now_, lastTotal);
            if (last != 0 && now_ > last) assertLe(now_ - last, (last * 500) / 10_000 + 1);
            if (last == 0) assertLe(now_, (uint256(totals[i]) * 500) / 10_000 + 1);
            (last, lastTotal) = (now_, totals[i]);
        }
    }
}
