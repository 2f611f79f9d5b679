// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AttackTest, Victims} from "../../contracts/test/attacks/AttackTest.sol";
import {TestToken} from "../../contracts/test/TestToken.sol";
import {AssetId} from "../../contracts/types/AssetId.sol";
import {Vault} from "../../contracts/vaults/Vault.sol";

/// @title Attack: the first depositor, and donations
/// @notice Mallory is first in a new pool with one unit, sends a fortune to safe and vault so that one share becomes dear, and Alice's
/// deposit buys no share or one too few. Or a donation lifts the price of shares that serve as collateral.
/// Defence: a share's price is the pool's index, which only time and write-offs move (Pools:_accrued, _supplyIndex); what the safe
/// holds beyond claims is reserve.
/// Without: nearly all of Alice's deposit.
contract DonationTest is AttackTest {
    TestToken private token;
    AssetId private pool;
    Vault private vault;

    function setUp() public override {
        super.setUp();
        token = new TestToken("New", "NEW", 18);
        pool = listPool(address(token));
        vault = new Vault(safe, pool, "", "");
        safe.setVault(pool, address(vault));
    }

    function testFuzz_TheSecondDepositorLosesNothing(uint256 first, uint256 gift, uint256 amount) public {
        first = bound(first, 1, 1e18);
        gift = bound(gift, 0, 1e24);
        amount = bound(amount, 1e9, 1e24);
        give(mallory, pool, first + 2 * gift);
        give(alice, pool, amount);
        vm.startPrank(mallory);
        vault.deposit(first, mallory);
        token.transfer(address(safe), gift);
        token.transfer(address(vault), gift);
        vm.stopPrank();
        vm.prank(alice);
        uint256 shares = vault.deposit(amount, alice);
        vm.startPrank(mallory);
        vault.redeem(vault.balanceOf(mallory), mallory, mallory);
        vm.stopPrank();
        assertLe(token.balanceOf(mallory), first, "the donor gained");
        vm.prank(alice);
        assertGe(vault.redeem(shares, alice, alice), amount - 1, "the second depositor lost");
    }

    /// @dev A thousand times the pool's worth does not lift what shares lend.
    function test_ADonationLiftsNoCollateral() public {
        depositShares(malloryId, WETH, 10e18);
        int256 initial = initialOf(malloryId);
        Victims memory before = victims();
        mint(address(sys.weth), address(safe), 1_000_000e18);
        assertLe(initialOf(malloryId), initial, "a donation is collateral");
        (bool ok, ) = attempt(
            mallory,
            address(safe),
            abi.encodeCall(safe.borrow, (malloryId, USDC, 20_000e6, mallory))
        );
        assertFalse(ok);
        assertVictimsWhole(before);
    }
}
