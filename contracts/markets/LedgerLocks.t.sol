// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IPositionsErrors} from "../interfaces/IPositions.sol";
import {LedgerTest} from "../test/LedgerTest.sol";
import {ProbingToken} from "../test/ProbingToken.sol";
import {AssetId} from "../types/AssetId.sol";

/// @title While the safe is in the middle of something, the ledger neither changes nor answers outsiders
contract LedgerLocksTest is LedgerTest {
    ProbingToken private token;
    AssetId private asset;

    function setUp() public override {
        super.setUp();
        token = new ProbingToken(18);
        asset = listPool(address(token));
        token.mint(alice, 100e18);
        vm.startPrank(alice);
        token.approve(address(safe), 100e18);
        safe.deposit(aliceId, asset, 1e18);
        vm.stopPrank();
        trade(aliceId, bobId, ethPerp, 1e18, 1_900e18);
        scale.setPrice(uint8(asset.number()), 1e18);
    }

    /// @dev What comes of a call from within a transfer of a token into the safe.
    function _within(address target, bytes memory data) private returns (bool ok, bytes memory answer) {
        token.setHook(target, data);
        vm.prank(alice);
        safe.deposit(aliceId, asset, 1e18);
        token.setHook(address(0), "");
        return (token.succeeded(), token.answer());
    }

    function _refuseWithin(address target, bytes memory data) private {
        bytes32 before = ledgerPrint();
        (bool ok, bytes memory answer) = _within(target, data);
        assertFalse(ok, "went through");
        assertEq(answer, abi.encodeWithSelector(IPositionsErrors.Reentered.selector));
        assertEq(ledgerPrint(), before);
    }

    function test_DoorsAreShutWhileTheSafeIsLocked() public {
        _refuseWithin(address(ledger), abi.encodeCall(ledger.touch, (aliceId)));
        _refuseWithin(address(ledger), abi.encodeCall(ledger.settle, (aliceId, bobId, 1e6)));
        _refuseWithin(address(ledger), abi.encodeCall(ledger.sweepFees, ()));
        _refuseWithin(
            address(sender),
            abi.encodeCall(sender.fill, (makeFill(aliceId, bobId, ethPerp, 1e18, 2_000e18)))
        );
        _refuseWithin(address(sender), abi.encodeCall(sender.fill, (makeFill(aliceId, bobId, call2000, 1e18, 20e18))));
    }

    function test_ViewsForOthersAreShutToo() public {
        _refuseWithin(address(ledger), abi.encodeCall(ledger.unsettledOf, (aliceId)));
        _refuseWithin(address(ledger), abi.encodeCall(ledger.settleable, (aliceId, bobId)));
        // the scale asks under the lock
        (bool ok, ) = _within(address(ledger), abi.encodeCall(ledger.ledgerOf, (aliceId)));
        assertTrue(ok);
    }

    function test_SettledExpiriesNeedQuiet() public {
        vm.warp(EXPIRY);
        finals.set(ETH, EXPIRY, 1e18);
        (bool ok, bytes memory answer) = _within(address(ledger), abi.encodeCall(ledger.settleExpiry, (ETH, EXPIRY)));
        assertFalse(ok);
        assertEq(answer, abi.encodeWithSelector(IPositionsErrors.InsideSession.selector));
    }
}
