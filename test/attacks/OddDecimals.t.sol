// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

// whether a call is refused is what is tested
// solhint-disable avoid-low-level-calls

import {AttackTest} from "../../contracts/test/attacks/AttackTest.sol";
import {LenientEngine} from "../../contracts/test/LenientEngine.sol";
import {TestToken} from "../../contracts/test/TestToken.sol";
import {AssetId} from "../../contracts/types/AssetId.sol";
import {Vault} from "../../contracts/vaults/Vault.sol";

/// @title Attack: round trips in a token of 2 and of 24 decimals
/// @notice With two decimals one unit is a cent, and a share is worth more than one: whoever gets his rounding wrong pays a cent on
/// every call. Mallory borrows, repays, deposits, withdraws and lends single units, thousands of times.
/// Defence: debts round up, claims round down, both ways (Pools:_credit, _debit; Vault previews).
/// Without: a unit per call; with two decimals a cent for less than a cent of gas on a cheap chain.
contract OddDecimalsTest is AttackTest {
    TestToken private token;
    AssetId private pool;
    Vault private vault;

    /// @dev A pool of `decimals` in which a year of interest has made shares worth more than a unit, unevenly.
    function _open(uint8 decimals) private {
        token = new TestToken("Odd", "ODD", decimals);
        pool = listPool(address(token));
        vault = new Vault(safe, pool, "", "");
        safe.setVault(pool, address(vault));
        safe.setEngine(address(new LenientEngine()));
        uint256 one = 10 ** decimals;
        deposit(aliceId, pool, 10_000 * one);
        deposit(bobId, USDC, 1e6);
        borrow(bobId, pool, 7_777 * one);
        skip(777 days);
        give(mallory, pool, 5_000 * one);
        vm.prank(mallory);
        safe.deposit(malloryId, pool, 1_000 * one);
    }

    /// @dev Everything of hers, in units.
    function _hers() private view returns (int256) {
        return
            int256(token.balanceOf(mallory) + vault.convertToAssets(vault.balanceOf(mallory))) +
            safe.balanceOf(malloryId, pool) +
            safe.balanceOf(accountOf(mallory, 1), pool);
    }

    function _assertNoCentGained(uint256 seed) private {
        int256 before = _hers();
        vm.startPrank(mallory);
        for (uint256 i; i < 60; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint256 amount = 1 + ((seed >> 8) % 3);
            bytes memory data;
            uint256 what = seed % 7;
            if (what == 0) data = abi.encodeCall(safe.deposit, (malloryId, pool, amount));
            else if (what == 1) data = abi.encodeCall(safe.withdraw, (malloryId, pool, amount, mallory));
            else if (what == 2) data = abi.encodeCall(safe.borrow, (accountOf(mallory, 1), pool, amount, mallory));
            else if (what == 3) data = abi.encodeCall(safe.repay, (accountOf(mallory, 1), pool, amount));
            else if (what == 4)
                data = abi.encodeCall(safe.transfer, (malloryId, accountOf(mallory, 1), pool, amount, false));
            (bool ok, ) = what < 5
                ? address(safe).call(data)
                : address(vault).call(
                    what == 5
                        ? abi.encodeCall(vault.deposit, (amount, mallory))
                        : abi.encodeCall(vault.withdraw, (amount, mallory, mallory))
                );
            ok;
            assertLe(_hers(), before, "a unit was gained");
        }
        vm.stopPrank();
        assertSolvent(pool);
    }

    /// hardhat-config: fuzz.runs = 24
    function testFuzz_TwoDecimals(uint256 seed) public {
        _open(2);
        _assertNoCentGained(seed);
    }

    /// hardhat-config: fuzz.runs = 24
    function testFuzz_TwentyFourDecimals(uint256 seed) public {
        _open(24);
        _assertNoCentGained(seed);
    }

    /// @dev 24 decimals leave 96 bits only 79,228 whole tokens: more is refused, nothing wraps.
    function test_NothingWrapsAroundAtTwentyFourDecimals() public {
        _open(24);
        give(mallory, pool, 1e29);
        int256 before = _hers();
        attempt(mallory, address(safe), abi.encodeCall(safe.deposit, (malloryId, pool, 1e29)));
        attempt(mallory, address(vault), abi.encodeCall(vault.deposit, (1e29, mallory)));
        assertLe(_hers(), before);
        assertSolvent(pool);
        assertGe(safe.balanceOf(aliceId, pool), 10_000e24);
    }
}
