// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

// whether a call is refused is what is tested
// solhint-disable avoid-low-level-calls

import {AttackTest} from "../../contracts/test/attacks/AttackTest.sol";
import {TestToken} from "../../contracts/test/TestToken.sol";
import {AssetId} from "../../contracts/types/AssetId.sol";

/// @title Attack: grief by unwanted assets
/// @notice Mallory fills the account of the one bidder with fifteen worthless assets, so that no place is left for what he bids on; or
/// she takes in, just before she falls, an asset that nobody can price, so that nobody can say that she fell.
/// Defence: strangers pay only into what the account holds (Verbs:_depositFor, _transferBetween); who owes takes in nothing without a
/// usable price (Verbs:_requirePriced); the last place is the settlement asset's (Books:_set).
/// Without: no liquidation of hers by anybody whom she sees coming.
contract UnwantedAssetsTest is AttackTest {
    AssetId[] private junk;

    function _listJunk() private {
        for (uint256 i; i < 15; ++i) {
            TestToken token = new TestToken("Junk", "JUNK", 18);
            junk.push(listIdle(address(token)));
            give(mallory, junk[i], 2);
        }
    }

    function test_NobodyFillsABiddersAccount() public {
        _listJunk();
        openLong(malloryId);
        deposit(bobId, USDC, 100_000e6);
        vm.startPrank(mallory);
        for (uint256 i; i < 15; ++i) {
            (bool ok, ) = address(safe).call(abi.encodeCall(safe.deposit, (bobId, junk[i], 1)));
            // or from an account of hers
            safe.deposit(accountOf(mallory, 1), junk[i], 1);
            (ok, ) = address(safe).call(
                abi.encodeCall(safe.transfer, (accountOf(mallory, 1), bobId, junk[i], 1, false))
            );
            if (!ok) safe.withdraw(accountOf(mallory, 1), junk[i], 1, mallory);
        }
        vm.stopPrank();
        setPrice(WETH, 1_680e8);
        (bool bought, ) = attempt(
            bob,
            address(safe),
            abi.encodeCall(safe.bid, (malloryId, bobId, MAX, type(int256).max))
        );
        assertTrue(bought, "the bidder's account was filled");
        assertGe(maintenanceOf(malloryId), 0);
    }

    function test_ADebtorTakesInNothingThatCannotBePriced() public {
        openLong(malloryId);
        deposit(bobId, USDC, 100_000e6);
        skip(uint256(HEARTBEAT) + 1);
        setPrice(USDC, 1e8);
        setPrice(WETH, 2_000e8);
        setPrice(WBTC, 30_000e8);
        // STETH has no price now
        vm.startPrank(mallory);
        (bool ok, ) = address(safe).call(abi.encodeCall(safe.deposit, (malloryId, STETH, 1)));
        if (!ok) {
            safe.deposit(accountOf(mallory, 1), STETH, 1);
            (ok, ) = address(safe).call(
                abi.encodeCall(safe.transfer, (accountOf(mallory, 1), malloryId, STETH, 1, false))
            );
        }
        vm.stopPrank();
        setPrice(WETH, 1_680e8);
        (ok, ) = attempt(bob, address(safe), abi.encodeCall(safe.bid, (malloryId, bobId, MAX, type(int256).max)));
        assertTrue(ok, "an asset without a price stopped the liquidation");
    }
}
