// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {BaseTest} from "../test/BaseTest.sol";
import {DebtWordLib, INDEX_ONE, ShareMath, SupplyWord, SupplyWordLib} from "./PoolWords.sol";

/// @title What the packed words say, by themselves
contract WordsTest is BaseTest {
    /// V1: what is owed to lenders is rounded down, what borrowers owe up.
    function test_V1_ClaimsRoundDownAndDebtsUp() public pure {
        uint256 index = INDEX_ONE + 1;
        SupplyWord s = SupplyWordLib.make(7, 4, index);
        assertEq(s.claims(), 11);
        assertEq(DebtWordLib.make(index, 1).withDebtShares(11).debts(), 12);
    }

    function testFuzz_V1_ClaimsAreTheFloor(uint96 lenders, uint96 accounts, uint64 index) public pure {
        vm.assume(index != 0);
        SupplyWord s = SupplyWordLib.make(lenders, accounts, index);
        uint256 exact = (uint256(lenders) + accounts) * index;
        assertEq(s.claims(), exact / INDEX_ONE);
        assertEq(s.shares(), uint256(lenders) + accounts);
        assertEq(ShareMath.toAssetsUp(s.shares(), index), (exact + INDEX_ONE - 1) / INDEX_ONE);
    }
}
