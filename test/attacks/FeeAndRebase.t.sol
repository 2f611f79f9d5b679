// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

// whether a call is refused is what is tested
// solhint-disable avoid-low-level-calls

import {AttackTest} from "../../contracts/test/attacks/AttackTest.sol";
import {FeeToken, RebasingToken} from "../../contracts/test/HostileTokens.sol";
import {TestToken} from "../../contracts/test/TestToken.sol";
import {AssetId, AssetIdLib} from "../../contracts/types/AssetId.sol";

/// @dev Says that it rebases, and does.
contract SharesToken is RebasingToken {
    constructor() RebasingToken(18) {}

    function sharesOf(address who) external view returns (uint256) {
        return balanceOf(who);
    }
}

/// @title Attack: a token that takes a fee, or rebases
/// @notice The safe books what it was told to pull. If less arrives, each round trip takes the difference from the other depositors;
/// if balances shrink, the first to leave is whole and the last is not.
/// Defence: such tokens are not listed (TokenProbe:check, _refuseRebasing). One that changes after its listing can make its own pool
/// short and no other.
/// Without: the other depositors of that token, down to nothing.
contract FeeAndRebaseTest is AttackTest {
    AssetId private asset;

    /// @dev The governor is talked into listing it; he cannot.
    function _list(TestToken token) private returns (bool listed) {
        token.mint(address(this), 10_000);
        token.approve(address(safe), 10_000);
        (listed, ) = address(safe).call(abi.encodeCall(safe.listAsset, (address(token), true, 10_000)));
        if (!listed) return false;
        asset = AssetIdLib.pool(4);
        safe.configurePool(asset, _poolConfig());
        deposit(aliceId, asset, 1_000e18);
        give(mallory, asset, 1_000e18);
    }

    function _leave(TestToken token) private {
        uint256 held = token.balanceOf(address(safe));
        assertGe(held, uint256(safe.balanceOf(aliceId, asset)), "the others' tokens are gone");
    }

    function test_ATokenWithAFee() public {
        FeeToken token = new FeeToken(18, 100);
        if (!_list(token)) return;
        vm.startPrank(mallory);
        for (uint256 i; i < 20; ++i) {
            safe.deposit(malloryId, asset, token.balanceOf(mallory));
            safe.withdraw(malloryId, asset, MAX, mallory);
        }
        vm.stopPrank();
        _leave(token);
    }

    function test_ATokenThatRebases() public {
        SharesToken token = new SharesToken();
        if (!_list(token)) return;
        vm.prank(mallory);
        safe.deposit(malloryId, asset, 1_000e18);
        token.rebase(0.5e18);
        vm.prank(mallory);
        safe.withdraw(malloryId, asset, MAX, mallory);
        _leave(token);
    }

    /// @dev Listed while it took no fee: the other pools do not feel it.
    function test_AFeeThatComesLaterStaysInItsOwnPool() public {
        FeeToken token = new FeeToken(18, 0);
        assertTrue(_list(token));
        token.setFee(100);
        vm.startPrank(mallory);
        for (uint256 i; i < 20; ++i) {
            safe.deposit(malloryId, asset, token.balanceOf(mallory));
            safe.withdraw(malloryId, asset, MAX, mallory);
        }
        vm.stopPrank();
        assertSolvent(USDC);
        assertSolvent(WETH);
        assertSolvent(WBTC);
    }
}
