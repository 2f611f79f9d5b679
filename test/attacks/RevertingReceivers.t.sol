// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

// whether a call is refused is what is tested
// solhint-disable avoid-low-level-calls

import {AttackTest} from "../../contracts/test/attacks/AttackTest.sol";
import {FalseToken} from "../../contracts/test/HostileTokens.sol";
import {SessionUser, Step} from "../../contracts/test/SessionUser.sol";
import {AccountId} from "../../contracts/types/AccountId.sol";
import {AssetId} from "../../contracts/types/AssetId.sol";

/// @title Attack: grief by reverting tokens and receivers
/// @notice Mallory holds an asset whose token she can stop, names a receiver of the starter's fee that takes nothing, and forces one wei
/// into the safe, so that every session of a contract that takes no native money fails when the wei is sent back to it.
/// Defence: a bid moves books, no tokens (Bids:_bid); fees are credits (Bids:_payFee); only what a session itself brought is sent back
/// (MarginAccounts:_refund).
/// Without: keepers' contracts stand still for one wei.
contract RevertingReceiversTest is AttackTest {
    function test_OneForcedWeiStopsNobody() public {
        SessionUser keeper = new SessionUser(safe);
        keeper.refuseEther(true);
        AccountId id = accountOf(address(keeper), 0);
        deposit(id, USDC, 100_000e6);
        openLong(malloryId);
        setPrice(WETH, 1_680e8);
        // a self-destruct needs no receiver's consent
        vm.deal(address(safe), 1);
        Step[] memory steps = new Step[](1);
        steps[0] = Step(address(safe), 0, abi.encodeCall(safe.bid, (malloryId, id, MAX, type(int256).max)));
        (bool ok, ) = address(keeper).call(abi.encodeCall(keeper.run, (steps)));
        assertTrue(ok, "a forced wei stopped a keeper");
        assertGe(maintenanceOf(malloryId), 0);
        assertEq(address(safe).balance, 1, "it is nobody's");
    }

    function test_AStoppedTokenStopsNoLiquidation() public {
        FalseToken token = new FalseToken(18);
        AssetId asset = listIdle(address(token));
        deposit(malloryId, asset, 5e18);
        openLong(malloryId);
        deposit(bobId, USDC, 100_000e6);
        token.setFailing(true);
        setPrice(WETH, 1_680e8);
        // the fee goes to an account of the token itself
        vm.prank(mallory);
        auction.start(malloryId, accountOf(address(token), 0));
        pass(1 minutes);
        (bool ok, ) = attempt(bob, address(safe), abi.encodeCall(safe.bid, (malloryId, bobId, MAX, type(int256).max)));
        assertTrue(ok, "a stopped token stopped a liquidation");
        assertGt(safe.balanceOf(bobId, asset), 0);
        assertGe(maintenanceOf(malloryId), 0);
    }
}
