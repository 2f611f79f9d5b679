// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IMarginEngine, PriceFault, PriceState} from "../interfaces/IMarginEngine.sol";
import {AccountFlags, AccountFlagsLib} from "../types/AccountFlags.sol";
import {AccountId} from "../types/AccountId.sol";
import {AssetId, AssetIdLib} from "../types/AssetId.sol";
import {Holding} from "../types/Holding.sol";
import {MockFeed} from "../test/MockFeed.sol";
import {MockTwapPool} from "../test/MockTwapPool.sol";
import {RiskTest} from "../test/RiskTest.sol";

/// @title Prices and purposes: what each door of the engine does with sound, broken and deviating sources (DESIGN 5, O1)
contract MarginEngineTest is RiskTest {
    using AccountFlagsLib for AccountFlags;

    // ------------------------------------------------------------------ worked numbers
    function test_settlementAloneNeedsNoFeed() public {
        usdcFeed.setUpdatedAt(1);
        assertEq(initial(one(USDC, 5e6)), 5e18);
        (int256 mm, int256 mtm, uint256 owed) = liquidation(one(USDC, -5e6));
        assertEq(mm, -5e18);
        assertEq(mtm, -5e18);
        assertEq(owed, 5e18);
    }

    function test_collateralIsCutAndDebtIsRaised() public view {
        // 1 stETH at 1990, h_IM 15 %, h_MM 10 %; 1000 USDC owed.
        Holding[] memory h = two(STETH, 1e18, USDC, -1_000e6);
        assertEq(initial(h), 691.5e18);
        (int256 mm, int256 mtm, uint256 owed) = liquidation(h);
        assertEq(mm, 791e18);
        assertEq(mtm, 990e18);
        assertEq(owed, 1_000e18);
        // Short: 0.5 BTC owed at 30000, h_IM 10 %, h_MM 7 %.
        h = two(USDC, 20_000e6, WBTC, -0.5e8);
        assertEq(initial(h), 3_500e18);
        (mm, mtm, owed) = liquidation(h);
        assertEq(mm, 3_950e18);
        assertEq(mtm, 5_000e18);
        assertEq(owed, 15_000e18);
        (int256 im, int256 mm2, int256 mtm2) = mid(h);
        assertEq(im, 3_500e18);
        assertEq(mm2, mm);
        assertEq(mtm2, mtm);
    }

    function test_depegOfTheSettlementAssetShowsWhereItShould() public {
        // USDC at 0.90: a stETH is worth more USDC, a USDC debt is what it is.
        usdcFeed.setAnswer(0.9e8);
        (, int256 mtm, ) = liquidation(two(STETH, 0.9e18, USDC, -1_000e6));
        assertEq(mtm, 990e18);
        assertEq(engine.midPrice(WBTC), 33_333_333333333333333333);
        assertEq(engine.midPrice(USDC), 1e18);
        assertEq(engine.midPrice(USDC_SHARE), 1e18);
    }

    /// @dev A wei of each token, of 6, 8 and 18 decimals: collateral rounds down, debt up.
    function test_roundingGoesAgainstTheAccount() public {
        usdcFeed.setAnswer(3e8);
        stethFeed.setAnswer(1e18 + 1);
        (int256 mm, int256 mtm, uint256 owed) = liquidation(one(STETH, 1));
        assertEq(mtm, 0, "a third of a wei");
        assertEq(mm, 0, "a wei of USD less a haircut of a tenth, up");
        (mm, mtm, owed) = liquidation(one(STETH, -1));
        assertEq(mtm, -1);
        assertEq(owed, 1);
        assertLt(mm, 0);
        wbtcFeed.setAnswer(29_999_99999999);
        (, mtm, owed) = liquidation(two(WBTC, -1, USDC, 1));
        assertEq(mtm, 1e12 - 99_999_999_999_967, "29999.99999999 / 3 per 1e8, up");
        assertEq(owed, 99_999_999_999_967);
    }

    function test_refusesWhatItCannotValueYet() public {
        AccountFlags ledger = AccountFlags.wrap(0).withLedger(true, false);
        vm.expectRevert(IMarginEngine.LedgerUnsupported.selector);
        engine.initialMargin(AccountId.wrap(0), ledger, one(USDC, 1));
        ledger = AccountFlags.wrap(0).withLedger(false, true);
        vm.expectRevert(IMarginEngine.LedgerUnsupported.selector);
        engine.liquidationMargin(AccountId.wrap(0), ledger, one(USDC, 1));
        AccountFlags model = AccountFlags.wrap(0).withModel(1);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.ModelUnsupported.selector, 1));
        engine.midMargin(AccountId.wrap(0), model, one(USDC, 1));
    }

    /// @dev A token that the safe lists but the table does not yet may be paid in: it must not stop a liquidation.
    function test_O1_unlistedCollateralCountsNothingAndStopsNothing() public {
        AssetId unlisted = AssetIdLib.pool(4);
        (int256 mm, , ) = liquidation(two(USDC, -1e6, unlisted, 5e18));
        assertEq(mm, -1e18);
        assertEq(initial(two(USDC, 1e6, AssetIdLib.idle(9), 5e18)), 1e18);
        assertTrue(continuousSince(two(USDC, 1e6, unlisted, 5e18), block.timestamp));
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.AssetNotInTable.selector, unlisted));
        liquidation(two(USDC, 1e6, unlisted, -1));
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.AssetNotInTable.selector, unlisted));
        engine.priceState(unlisted);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.AssetNotInTable.selector, AssetId.wrap(0)));
        engine.midPrice(AssetId.wrap(0));
    }

    // ------------------------------------------------------------------ O1: the primary
    function test_O1_noDoorPassesWithoutThePrimary() public {
        for (uint256 i; i < 6; ++i) {
            uint256 before = vm.snapshotState();
            PriceFault fault = _break(wbtcFeed, i);
            _assertUnusable(one(WBTC, 1e8), WBTC, fault);
            _assertUnusable(two(USDC, 1e6, WBTC, -1), WBTC, fault);
            assertEq(uint256(engine.priceState(WBTC).fault), uint256(fault));
            vm.revertToState(before);
        }
    }

    function test_O1_everyPriceNeedsTheSettlementAssets() public {
        for (uint256 i; i < 6; ++i) {
            uint256 before = vm.snapshotState();
            _assertUnusable(one(STETH, 1e18), USDC, _break(usdcFeed, i));
            vm.revertToState(before);
        }
    }

    function test_O1_nothingPassesWithoutTheSequencerOrInItsGrace() public {
        head.sequencer = address(sequencer);
        rebuild();
        assertGt(initial(one(STETH, 1e18)), 0);
        sequencer.pushRound(1, block.timestamp);
        _assertUnusable(one(STETH, 1e18), STETH, PriceFault.SequencerDown);
        assertEq(uint256(engine.priceState(STETH).fault), uint256(PriceFault.SequencerDown));
        sequencer.pushRound(0, block.timestamp);
        _assertUnusable(one(STETH, 1e18), STETH, PriceFault.SequencerGrace);
        assertEq(initial(one(USDC, 1e6)), 1e18, "settlement cash needs no price");
        skip(3601);
        refreshFeeds();
        assertGt(initial(one(STETH, 1e18)), 0);
        assertFalse(continuousSince(one(STETH, 1e18), block.timestamp - 3602));
    }

    function test_pricesContinuousNeedEveryFeed() public {
        uint256 start = block.timestamp;
        skip(60);
        Holding[] memory h = three(STETH, 1e18, USDC, -1e6, WETH_SHARE, 1e18);
        assertTrue(continuousSince(h, start));
        assertFalse(continuousSince(h, start - 1));
        wethFeed.setFailure(MockFeed.Failure.Reverts);
        assertFalse(continuousSince(h, start), "the share's pool's feed");
        wethFeed.setFailure(MockFeed.Failure.None);
        usdcFeed.setFailure(MockFeed.Failure.Reverts);
        assertFalse(continuousSince(h, start), "the settlement asset's feed");
        assertTrue(continuousSince(two(USDC, 1, USDC_SHARE, 1), start), "cash needs none");
    }

    // ------------------------------------------------------------------ O1: two sources
    function test_lowAndHighWhileSourcesAgree() public {
        _useTwap();
        // Primary 2000, average 1980.14: 1 % apart, bound 2 %.
        twap.setTick(-200_411, 0);
        PriceState memory state = engine.priceState(WETH);
        uint256 low = state.secondary;
        assertApproxEqRel(low, 1_980.1e18, 1e14);
        assertEq(state.low, low);
        assertEq(state.high, 2_000e18);
        assertEq(uint256(state.fault), 0);
        // Collateral: initial at the low price, liquidation at the high one. Debt the other way round.
        assertEq(initial(one(WETH, 1e18)), _cut(low, 800));
        assertEq(maintenance(one(WETH, 1e18)), 1_900e18);
        assertEq(initial(one(WETH, -1e18)), -2_160e18);
        (int256 mm, int256 mtm, uint256 owed) = liquidation(one(WETH, -1e18));
        assertEq(mm, -int256(low) - int256((low * 500 + 9_999) / 10_000));
        assertEq(mtm, -int256(low), "at the side that the maintenance is of");
        assertEq(owed, low);
        (, , mtm) = mid(one(WETH, 1e18));
        assertEq(mtm, int256((low + 2_000e18) / 2));
        assertEq(engine.midPrice(WETH), (low + 2_000e18) / 2);
    }

    function test_O1_deviatingSourcesStopNewRiskOnly() public {
        _useTwap();
        twap.setTick(-200_611, 0); // 3 % below
        Holding[] memory h = two(WETH, 1e18, USDC, -1_800e6);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.NewRiskBlocked.selector, WETH));
        initial(h);
        assertEq(maintenance(h), 100e18, "liquidation goes on with the better price");
        (, , int256 mtm) = mid(h);
        assertGt(mtm, 0, "reduce-only goes on");
        assertEq(uint256(engine.priceState(WETH).fault), uint256(PriceFault.Deviating));
        assertFalse(engine.priceState(WETH).primaryOnly);
    }

    function test_O1_lastingDisagreementLeavesThePrimaryAlone() public {
        _useTwap();
        wethFeed.setAnswer(1_500e8); // a crash that the average does not see yet
        Holding[] memory h = two(WETH, 1e18, USDC, -1_800e6);
        assertGt(maintenance(h), 0, "better price");
        deviations.poke(WETH);
        skip(299);
        deviations.poke(WETH);
        assertGt(maintenance(h), 0, "not yet T_dev");
        skip(1);
        assertEq(maintenance(h), 1_425e18 - 1_800e18, "the primary alone");
        assertTrue(engine.priceState(WETH).primaryOnly);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.NewRiskBlocked.selector, WETH));
        initial(h);
        skip(300);
        assertGt(maintenance(h), 0, "not seen for longer than T_dev: the better price again");
    }

    function test_O1_secondSourceThatFailsStopsNewRiskOnly() public {
        _useTwap();
        Holding[] memory h = two(WETH, 1e18, USDC, -1_800e6);
        for (uint8 i = 1; i <= uint8(type(MockTwapPool.Failure).max); ++i) {
            twap.setFailure(MockTwapPool.Failure(i));
            vm.expectRevert(abi.encodeWithSelector(IMarginEngine.NewRiskBlocked.selector, WETH));
            initial(h);
            assertEq(maintenance(h), 100e18, "the primary alone, at once");
            PriceState memory state = engine.priceState(WETH);
            assertEq(uint256(state.fault), uint256(PriceFault.Deviating));
            assertEq(state.secondary, 0);
            assertTrue(state.primaryOnly);
        }
    }

    /// @dev A debt and its vault share, or a group, are never valued at two prices (DESIGN 5).
    function test_onePricePerUnderlyingPerEvaluation() public {
        _useTwap();
        twap.setTick(-200_411, 0);
        // As much share as debt: whatever the price, only the share's haircut remains.
        (, int256 mtm, ) = liquidation(two(WETH, -1e18, WETH_SHARE, 1e18));
        assertEq(mtm, 0);
        assertEq(initial(two(WETH, -1e18, WETH_SHARE, 1e18)), -180e18, "2000 x 9 %: at the high price it costs more");
        useGroup(100, 100);
        rebuild();
        (, mtm, ) = liquidation(two(WETH, -1e18, STETH, 1e18));
        assertEq(mtm, 1_990e18 - int256(engine.priceState(WETH).low), "whole at low");
    }

    function test_priceStateOfASharesIsItsPools() public {
        _useTwap();
        PriceState memory share = engine.priceState(WETH_SHARE);
        assertEq(share.primary, 2_000e18);
        assertEq(share.secondary, engine.priceState(WETH).secondary);
        assertEq(engine.midPrice(WETH_SHARE), engine.midPrice(WETH));
    }

    function test_tableAndDecimals() public view {
        assertEq(engine.table(), table());
        assertEq(engine.settlementDecimals(), 6);
        assertEq(engine.deviationDelay(), 300);
        (int256 im, int256 mm) = _haircutsOf(WBTC);
        assertEq(im, 0.1e18);
        assertEq(mm, 0.07e18);
    }

    // ------------------------------------------------------------------ helpers
    function _haircutsOf(AssetId asset) private view returns (int256, int256) {
        (uint256 im, uint256 mm) = engine.haircuts(asset, 1);
        return (int256(im), int256(mm));
    }

    function _useTwap() private {
        haircuts[1].source = 1;
        rebuild();
    }

    function _cut(uint256 value, uint256 bps) private pure returns (int256) {
        return int256(value) - int256((value * bps + 9_999) / 10_000);
    }

    function _break(MockFeed feed, uint256 how) private returns (PriceFault) {
        if (how == 0) {
            feed.setUpdatedAt(block.timestamp - HEARTBEAT - 1);
            return PriceFault.Stale;
        }
        if (how == 1) {
            feed.setAnswer(0);
            return PriceFault.NotPositive;
        }
        if (how == 2) {
            feed.setAnswer(-5);
            return PriceFault.NotPositive;
        }
        if (how == 3) {
            feed.setAnswer(1e36);
            return PriceFault.Clamped;
        }
        if (how == 4) {
            feed.setAnsweredLate(true);
            return PriceFault.RoundIncomplete;
        }
        feed.setFailure(MockFeed.Failure.BurnsGas);
        return PriceFault.SourceReverted;
    }

    function _assertUnusable(Holding[] memory h, AssetId asset, PriceFault fault) private {
        bytes memory error_ = abi.encodeWithSelector(IMarginEngine.PriceUnusable.selector, asset, fault);
        vm.expectRevert(error_);
        initial(h);
        vm.expectRevert(error_);
        liquidation(h);
        vm.expectRevert(error_);
        mid(h);
        AssetId first = h[h.length - 1].asset();
        vm.expectRevert(error_);
        engine.midPrice(first);
    }

    function continuousSince(Holding[] memory list, uint256 since) private view returns (bool) {
        return engine.pricesContinuousSince(AccountId.wrap(0), AccountFlags.wrap(0), list, since);
    }
}
