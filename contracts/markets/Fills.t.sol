// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {LedgerTest} from "../test/LedgerTest.sol";

contract FillsTest is LedgerTest {
    function test_APerpFillGoesThroughTheQuote() public {
        trade(aliceId, bobId, ethPerp, 3e18, 2_010e18);
        assertEq(quoteOf(aliceId), -6_030e18);
        assertEq(quoteOf(bobId), 6_030e18);
        assertEq(sizeOf(aliceId, ethPerp), 3e18);
        assertEq(sizeOf(bobId, ethPerp), -3e18);
        assertEq(cashOf(aliceId), 100_000e6);
        assertEq(ledger.perpMarket(ETH).openInterest, 3e18);
        assertFlags(aliceId, true, true);
        assertFlags(bobId, true, true);
    }
}
