// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AttackTest} from "../../contracts/test/attacks/AttackTest.sol";

/// @title Attack: splitting accounts to dodge the brackets
/// @notice Haircuts rise with size, for a large position cannot be sold at its price. Accounts are free, so Mallory spreads hers over forty
/// of ten WBTC, each below the first bracket.
/// Defence: the bracket's input is the larger of the account's size and κ times the whole of the asset that serves as collateral
/// (StandardMargin:_addOn; κ · open interest for perps in StandardRules).
/// Without: the add-on, on the whole position, and with it the lenders' safety in a fall.
contract SplitAccountsTest is AttackTest {
    uint256 private constant ACCOUNTS = 40;
    uint256 private constant EACH = 10e8;

    function test_ManySmallAccountsLendAsOneLargeOne() public {
        uint256 btc = ACCOUNTS * EACH;
        deposit(aliceId, WBTC, btc);
        int256 whole = initialOf(aliceId);
        // the same, split; Alice leaves, so that the total is the same
        withdraw(aliceId, WBTC, MAX);
        for (uint96 i; i < ACCOUNTS; ++i) deposit(accountOf(mallory, i), WBTC, EACH);
        int256 split;
        for (uint96 i; i < ACCOUNTS; ++i) split += initialOf(accountOf(mallory, i));
        // without brackets 10 % of 12,000,000 is taken; a large account pays the add-on on what lies above 20 WBTC
        assertLt(whole, 10_800_000e18);
        assertLt(split, 10_800_000e18, "split accounts pay no add-on");
        // κ is a tenth here: of 500 in all, 50 stand for each account's size
        assertLe(split, 10_800_000e18 - (12_000_000e18 * 3 * 30) / (100 * 50), "less than 30 of 50 pay it");
    }
}
