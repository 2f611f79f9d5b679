// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AssetId} from "../types/AssetId.sol";
import {Holding, HoldingLib} from "../types/Holding.sol";
import {TableBuilder} from "../test/TableBuilder.sol";
import {RiskTest} from "../test/RiskTest.sol";

/// @title Haircuts, brackets, vault shares, groups and ramps (DESIGN 6.1)
/// @dev Formulas over random portfolios are held against a model of their own in test/engine.differential.ts; here are
/// worked numbers and what must hold of any formula.
contract StandardMarginTest is RiskTest {
    /// @dev Bracket sizes of the tests are exact as floats.
    uint256 private constant SIZE1 = 1 << 70; // 1180.6 stETH
    uint256 private constant SIZE2 = 1 << 72;

    function setUp() public override {
        super.setUp();
        (haircuts[3].size1, haircuts[3].addOn1) = (SIZE1, 400);
        (haircuts[3].size2, haircuts[3].addOn2) = (SIZE2, 2_000);
        rebuild();
    }

    // ------------------------------------------------------------------ brackets
    function test_bracketsChargeThePartAboveTheirSize() public {
        stethFeed.setAnswer(2e18);
        // Base 10 %, and 4 % on what is above size 1, and 20 % more on what is above size 2.
        int256 value = int256(2 * SIZE1);
        assertEq(
            maintenance(one(STETH, int256(SIZE1))),
            value - value / 10 - (value % 10 == 0 ? int256(0) : int256(1))
        );
        int256 mm = maintenance(one(STETH, int256(4 * SIZE1)));
        assertApproxEqAbs(mm, 4 * value - (4 * value) / 10 - (3 * value * 4) / 100, 10_000);
        mm = maintenance(one(STETH, int256(8 * SIZE1)));
        assertApproxEqAbs(mm, 8 * value - (8 * value) / 10 - (7 * value * 4) / 100 - (4 * value * 20) / 100, 20_000);
        // Of debt as of collateral, upward.
        mm = maintenance(one(STETH, -int256(4 * SIZE1)));
        assertApproxEqAbs(mm, -4 * value - (4 * value) / 10 - (3 * value * 4) / 100, 10_000);
    }

    /// @dev Continuous at the edges of brackets, and never better than without brackets.
    function testFuzz_bracketsHaveNoSteps(uint128 size) public view {
        size = uint128(bound(size, 1, 1 << 100));
        (, uint256 here) = engine.haircuts(STETH, size);
        (, uint256 next) = engine.haircuts(STETH, uint256(size) + 1);
        assertGe(here, 0.1e18);
        assertLt(here, 0.34e18 + 1);
        assertGe(next, here, "the average rises with the size");
        // A unit more is charged at most the top rate on that unit.
        uint256 chargeHere = (uint256(size) * here) / 1e18;
        uint256 chargeNext = ((uint256(size) + 1) * next) / 1e18;
        assertLe(chargeNext, chargeHere + 2 + size / 1e17);
    }

    function test_totalCollateralRaisesTheInputByKappa() public {
        haircuts[3].kappa = 1_000;
        rebuild();
        (uint256 plain, ) = engine.haircuts(STETH, 1e18);
        assertEq(plain, 0.15e18);
        // 10 % of a total of 40 × size 1: everybody is charged like an account of 4 × size 1.
        safe.setTotal(STETH, 40 * SIZE1);
        (uint256 im, uint256 mm) = engine.haircuts(STETH, 1e18);
        assertEq(im, 0.15e18 + (0.04e18 * 3) / 4);
        assertEq(mm, 0.1e18, "the live total does not count in maintenance");
        _raiseCheckpoint(40 * SIZE1);
        (im, mm) = engine.haircuts(STETH, 1e18);
        assertEq(mm, 0.1e18 + (0.04e18 * 3) / 4);
        safe.setTotal(STETH, 0);
        (im, mm) = engine.haircuts(STETH, 1e18);
        assertEq(im, 0.15e18 + (0.04e18 * 3) / 4, "initial is never laxer than maintenance");
        // An account larger than the total's part is charged by its own size.
        (im, ) = engine.haircuts(STETH, 8 * SIZE1);
        (haircuts[3].kappa, plain) = (0, im);
        rebuild();
        (im, ) = engine.haircuts(STETH, 8 * SIZE1);
        assertEq(im, plain);
    }

    /// @dev A1: what others deposit in one transaction does not move an account's maintenance.
    function testFuzz_A1_liveTotalMovesNobodysMaintenance(uint104 before, uint104 later, uint96 size) public {
        haircuts[3].kappa = 2_000;
        rebuild();
        safe.setTotal(STETH, before);
        int256 mm = maintenance(one(STETH, int256(uint256(size))));
        safe.setTotal(STETH, later);
        assertEq(maintenance(one(STETH, int256(uint256(size)))), mm);
    }

    function testFuzz_splittingAnAccountNeverHelpsWhenKappaTakesTheTotal(uint96 a, uint96 b) public {
        haircuts[3].kappa = 10_000;
        rebuild();
        safe.setTotal(STETH, uint256(a) + b);
        int256 together = initial(one(STETH, int256(uint256(a) + b)));
        int256 apart = initial(one(STETH, int256(uint256(a)))) + initial(one(STETH, int256(uint256(b))));
        // Up to the roundings of two evaluations.
        assertLe(apart, together + 2 + together / 1e17);
    }

    // ------------------------------------------------------------------ monotone
    function testFuzz_moreCollateralNeverLowersAMargin(
        uint96 size,
        uint96 more,
        uint96 debt,
        uint8 which,
        bool group
    ) public {
        if (group) useGroup(50, 50);
        rebuild();
        AssetId asset = [WETH, STETH, WETH_SHARE, USDC, USDC_SHARE][which % 5];
        int256 part = int256(uint256(size));
        int256 whole = part + int256(uint256(more));
        // Against a debt of the same group.
        AssetId owed = which % 2 == 0 ? STETH : WETH;
        if (owed == asset) owed = WBTC;
        int256 owes = -int256(uint256(debt)) - 1;
        // A rounding of an average is a part in 10^18 of a value (of at most 2^96 · 2000).
        int256 slack = int256((uint256(size) + more + debt) * 1e16);
        slack = slack / 1e18 + 10;
        if (asset == USDC || asset == USDC_SHARE) slack *= 1e12;
        assertGe(initial(two(asset, whole, owed, owes)), initial(two(asset, part, owed, owes)) - slack);
        assertGe(maintenance(two(asset, whole, owed, owes)), maintenance(two(asset, part, owed, owes)) - slack);
    }

    function testFuzz_initialIsNeverAboveMaintenanceNorThatAboveMtm(int96 a, int96 b, int96 c, bool group) public {
        if (group) useGroup(50, 50);
        haircuts[1].source = 1;
        rebuild();
        Holding[] memory h = three(WETH, a, STETH, b, USDC, c);
        int256 im = initial(h);
        (int256 mm, int256 mtm, uint256 owed) = liquidation(h);
        assertLe(im, mm);
        assertLe(mm, mtm);
        assertGe(int256(owed), -mtm);
        (int256 midIm, int256 midMm, int256 midMtm) = mid(h);
        assertLe(midIm, midMm);
        assertLe(midMm, midMtm);
    }

    /// @dev The order of the holdings is the safe's business.
    function testFuzz_orderOfHoldingsDoesNotMatter(int96 a, int96 b, uint96 c, bool group) public {
        if (group) useGroup(50, 50);
        rebuild();
        int256 shares = int256(uint256(c));
        int256 first = initial(three(WETH, a, STETH, b, WETH_SHARE, shares));
        assertEq(initial(three(WETH_SHARE, shares, STETH, b, WETH, a)), first);
        assertEq(initial(three(STETH, b, WETH_SHARE, shares, WETH, a)), first);
        int256 mm = maintenance(three(WETH, a, STETH, b, WETH_SHARE, shares));
        assertEq(maintenance(three(WETH_SHARE, shares, WETH, a, STETH, b)), mm);
    }

    // ------------------------------------------------------------------ vault shares
    function test_sharesCountForWhatExceedsTheDebt() public view {
        // V = 3 WETH of shares, D = 1 WETH: 2 at 9 % less, and 9 % of the cancelled one. Price 2000.
        assertEq(initial(two(WETH_SHARE, 3e18, WETH, -1e18)), 4_000e18 - 360e18 - 180e18);
        // D larger: what remains owed at the debt's 8 %, and 9 % of the cancelled.
        assertEq(initial(two(WETH_SHARE, 1e18, WETH, -3e18)), -4_000e18 - 320e18 - 180e18);
        (int256 mm, int256 mtm, uint256 owed) = liquidation(two(WETH_SHARE, 3e18, WETH, -1e18));
        assertEq(mm, 4_000e18 - 240e18 - 120e18);
        assertEq(mtm, 4_000e18);
        assertEq(owed, 2_000e18, "debts are told whole");
        // The settlement asset's share needs no price at all.
        assertEq(initial(two(USDC_SHARE, 1_000e6, USDC, -500e6)), 500e18 - 7.5e18 - 7.5e18);
        assertEq(initial(three(USDC_SHARE, 1_000e6, USDC, 500e6, WETH, 0)), 1_500e18 - 15e18);
    }

    /// @dev Lending to oneself: borrow, buy shares with it, again. Each round costs its haircut, so it ends.
    function testFuzz_sharesThatLendToTheirOwnAccountAreBounded(uint96 own, uint96 loop) public view {
        int256 equity = int256(uint256(own));
        int256 borrowed = int256(uint256(loop));
        int256 im = initial(two(WETH_SHARE, equity + borrowed, WETH, -borrowed));
        // The cancelled part is charged whole: at 9 % an account passes with at most (1 − h)/h = 10.1 rounds.
        if (borrowed > (equity * 91) / 9 + 1) assertLt(im, 0);
        assertLe(im, initial(one(WETH_SHARE, equity)) + 1);
    }

    /// @dev O1: they may be paid in before the table lists them, and then neither cancel the pool's debt nor add to it.
    function test_O1_unlistedSharesCountNothingBesideTheirPool() public {
        unlisted[5] = true;
        rebuild();
        assertEq(initial(two(WETH_SHARE, 3e18, WETH, -1e18)), -2_160e18);
        assertEq(initial(two(WETH, 1e18, WETH_SHARE, 3e18)), 1_840e18);
        assertEq(initial(three(WETH, 1e18, WETH_SHARE, 3e18, USDC_SHARE, 100e6)), 1_840e18 + 98.5e18);
        (, int256 mtm, uint256 owed) = liquidation(two(WETH_SHARE, 3e18, WETH, -1e18));
        assertEq(mtm, -2_000e18);
        assertEq(owed, 2_000e18);
    }

    function test_sharesAndPoolBalanceShareOneBracket() public {
        (haircuts[1].size1, haircuts[1].addOn1) = (1 << 60, 1_000);
        (haircuts[5].size1, haircuts[5].addOn1) = (1 << 60, 1_000);
        (haircuts[5].maintenance, haircuts[5].initialExtra) = (500, 300);
        rebuild();
        // Half and half is charged like one balance of both.
        assertApproxEqAbs(initial(two(WETH, 1 << 62, WETH_SHARE, 1 << 62)), initial(one(WETH, 1 << 63)), 1e5);
    }

    // ------------------------------------------------------------------ groups
    function test_matchedPartsAreChargedTheGroupsHaircut() public {
        useGroup(100, 100);
        stethFeed.setAnswer(2_000e18);
        rebuild();
        // 10 stETH against 5 WETH owed: 10000 matched at 2 % twice; half of the collateral at its own 15 %.
        assertEq(initial(two(STETH, 10e18, WETH, -5e18)), 10_000e18 - 400e18 - 1_500e18);
        assertEq(maintenance(two(STETH, 10e18, WETH, -5e18)), 10_000e18 - 200e18 - 1_000e18);
        // More debt than collateral: half of the debt at its own 8 %.
        assertEq(initial(two(STETH, 5e18, WETH, -10e18)), -10_000e18 - 400e18 - 800e18);
        // An asset of no group is charged beside it.
        assertEq(initial(three(STETH, 10e18, WETH, -5e18, WBTC, 1e8)), 8_100e18 + 27_000e18);
        // Pro rata over the members: 5 stETH and 5 WETH shares against 5 WETH: set-off first, then nothing is matched.
        assertEq(initial(three(STETH, 5e18, WETH_SHARE, 5e18, WETH, -5e18)), 10_000e18 - 1_500e18 - 900e18);
    }

    function test_cashCountsWithItsHaircutIfItHasOne() public {
        haircuts[0] = haircut(100, 50);
        rebuild();
        assertEq(initial(one(USDC, 1_000e6)), 985e18);
        assertEq(maintenance(one(USDC, 1_000e6)), 990e18);
        assertEq(initial(one(USDC, -1_000e6)), -1_015e18);
    }

    function test_settlementAssetMayBeInAGroup() public {
        haircuts[0] = haircut(100, 100);
        for (uint256 i; i < 5; i += 2) {
            (haircuts[i].group, haircuts[i].groupMaintenance, haircuts[i].groupInitialExtra) = (2, 10, 10);
        }
        rebuild();
        usdcFeed.setAnswer(0.5e8);
        wbtcFeed.setAnswer(15_000e8);
        // 1 BTC = 30000 USDC against 15000 USDC owed: 15000 matched at .2 % twice, the rest at 10 %.
        assertEq(initial(two(WBTC, 1e8, USDC, -15_000e6)), 15_000e18 - 60e18 - 1_500e18);
        assertEq(initial(one(USDC, 100e6)), 98e18, "alone it needs no feed and no match");
    }

    function test_bracketsOfAGroupsMembersAreNotLowered() public {
        useGroup(0, 0);
        stethFeed.setAnswer(2_000e18);
        rebuild();
        int256 size = int256(2 * SIZE1);
        // All is matched at 0 %: the add-on of the part above size 1 remains.
        assertApproxEqAbs(initial(two(STETH, size, WETH, -size)), -(size * 2_000 * 2) / 100, 1e7);
    }

    // ------------------------------------------------------------------ ramps
    function test_haircutsRiseAlongTheRamp() public {
        previous = haircuts;
        haircuts[2] = haircut(1_700, 1_300);
        haircuts[3].addOn1 = 1_400;
        (head.rampStart, head.rampEnd) = (uint40(block.timestamp + 1 days), uint40(block.timestamp + 11 days));
        rebuild();
        _assertHaircuts(WBTC, 0.1e18, 0.07e18);
        skip(1 days);
        _assertHaircuts(WBTC, 0.1e18, 0.07e18);
        skip(5 days);
        _assertHaircuts(WBTC, 0.2e18, 0.12e18);
        (, uint256 mm) = engine.haircuts(STETH, 2 * SIZE1);
        assertEq(mm, 0.1e18 + 0.045e18, "add-ons too");
        skip(5 days);
        _assertHaircuts(WBTC, 0.3e18, 0.17e18);
        skip(365 days);
        _assertHaircuts(WBTC, 0.3e18, 0.17e18);
    }

    function test_groupHaircutsRiseAlongTheRamp() public {
        useGroup(100, 100);
        previous = haircuts;
        useGroup(500, 300);
        (head.rampStart, head.rampEnd) = (uint40(block.timestamp), uint40(block.timestamp + 10 days));
        stethFeed.setAnswer(2_000e18);
        rebuild();
        int256 start = initial(two(STETH, 5e18, WETH, -5e18));
        assertEq(start, -400e18);
        skip(5 days);
        refreshFeeds();
        assertEq(initial(two(STETH, 5e18, WETH, -5e18)), -1_000e18);
        skip(5 days);
        refreshFeeds();
        assertEq(initial(two(STETH, 5e18, WETH, -5e18)), -1_600e18);
    }

    function testFuzz_valueNeverFallsAtOnceDuringARamp(uint96 size, uint32 moment, uint32 step) public {
        previous = haircuts;
        haircuts[3] = haircut(5_000, 3_000);
        (haircuts[3].size1, haircuts[3].addOn1) = (SIZE1 / 4, 1_000);
        (head.rampStart, head.rampEnd) = (uint40(block.timestamp), uint40(block.timestamp + 10 days));
        rebuild();
        uint256 start = block.timestamp;
        vm.warp(start + bound(moment, 0, 12 days));
        (uint256 im, ) = engine.haircuts(STETH, size);
        uint256 seconds_ = bound(step, 0, 1 days);
        skip(seconds_);
        (uint256 later, ) = engine.haircuts(STETH, size);
        assertGe(later, im);
        assertLe(later, im + (0.75e18 * seconds_) / 10 days + 2);
    }

    // ------------------------------------------------------------------ every kind at once
    /// @dev 16 assets are the most an account has; whatever they are, the evaluation answers.
    function testFuzz_anyPortfolioIsValued(int104[7] calldata amounts, bool group, bool source, bool kappa) public {
        if (group) useGroup(50, 50);
        if (source) haircuts[1].source = 1;
        if (kappa) haircuts[3].kappa = 500;
        rebuild();
        safe.setTotal(STETH, 1e24);
        Holding[] memory h = new Holding[](7);
        AssetId[7] memory ids = [USDC, WETH, WBTC, STETH, USDC_SHARE, WETH_SHARE, AssetId.wrap(0x803)];
        for (uint256 i; i < 7; ++i) {
            // Only pools are ever owed.
            int256 amount = i < 3 ? int256(amounts[i]) : int256(uint256(uint104(amounts[i]) >> 1));
            h[i] = HoldingLib.pack(ids[i], amount);
        }
        int256 im = initial(h);
        (int256 mm, int256 mtm, ) = liquidation(h);
        assertLe(im, mm);
        assertLe(mm, mtm);
    }

    function test_floatsOfTheTestsAreExact() public pure {
        assertEq(TableBuilder.unfloat(SIZE1), SIZE1);
        assertEq(TableBuilder.unfloat(SIZE2), SIZE2);
    }

    // ------------------------------------------------------------------ helpers
    function _assertHaircuts(AssetId asset, uint256 im, uint256 mm) private view {
        (uint256 isIm, uint256 isMm) = engine.haircuts(asset, 1);
        assertEq(isIm, im);
        assertEq(isMm, mm);
    }

    function _raiseCheckpoint(uint256 total) private {
        safe.setTotal(STETH, total);
        for (uint256 i; i < 100; ++i) {
            checkpoints.update(STETH);
            skip(1 hours);
        }
        assertEq(checkpoints.checkpointOf(STETH), total);
        refreshFeeds();
    }
}
