// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IMarginModel} from "../interfaces/IMarginModel.sol";
import {DerivativesTest} from "../test/DerivativesTest.sol";

/// @title Perps and options on the whole system: margins, liquidation, what stale values stop
contract DerivativesWholeTest is DerivativesTest {
    function test_A2_aPerpNeedsItsInitialMargin() public {
        // 6.5 % of 10 · 2,000; cash 100,000
        trade(aliceId, bobId, ethPerp, 10e18, 2_000e18);
        assertEq(initialOf(aliceId), 100_000e18 - 1_300e18);
        (int256 maintenance, int256 mtm) = liquidationOf(bobId);
        assertEq(maintenance, 100_000e18 - 1_000e18);
        assertEq(mtm, 100_000e18);
    }
}
