// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IMarginEngine, PriceFault} from "../interfaces/IMarginEngine.sol";
import {AccountFlags} from "../types/AccountFlags.sol";
import {AccountId} from "../types/AccountId.sol";
import {AssetId, AssetIdLib} from "../types/AssetId.sol";
import {Holding} from "../types/Holding.sol";
import {RiskTest} from "../test/RiskTest.sol";

/// @title Worked numbers of DESIGN 6.1, without groups and second sources
contract MarginEngineTest is RiskTest {
    function setUp() public override {
        super.setUp();
        rebuild();
    }

    function test_settlementAloneNeedsNoFeed() public {
        usdcFeed.setUpdatedAt(1);
        assertEq(initial(one(USDC, 5e6)), 5e18);
        (int256 mm, int256 mtm, uint256 owed) = liquidation(one(USDC, -5e6));
        assertEq(mm, -5e18);
        assertEq(mtm, -5e18);
        assertEq(owed, 5e18);
    }

    function test_collateralIsCutAndDebtIsRaised() public view {
        // 1 WETH at 2000, h_IM 8 %, h_MM 5 %; 1000 USDC owed.
        Holding[] memory h = two(WETH, 1e18, USDC, -1_000e6);
        assertEq(initial(h), 840e18);
        (int256 mm, int256 mtm, uint256 owed) = liquidation(h);
        assertEq(mm, 900e18);
        assertEq(mtm, 1_000e18);
        assertEq(owed, 1_000e18);
        // Short: 0.5 BTC owed at 30000, h_IM 10 %, h_MM 7 %.
        h = two(USDC, 20_000e6, WBTC, -0.5e8);
        assertEq(initial(h), 3_500e18);
        (mm, mtm, owed) = liquidation(h);
        assertEq(mm, 3_950e18);
        assertEq(mtm, 5_000e18);
        assertEq(owed, 15_000e18);
    }
}
