// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {BaseTest} from "../test/BaseTest.sol";
import {IRateModel} from "../interfaces/IRateModel.sol";
import {WAD, YEAR} from "../types/FixedPoint.sol";
import {AdaptiveCurve} from "./AdaptiveCurve.sol";
import {AdaptiveRateModel} from "./AdaptiveRateModel.sol";
import {Interest} from "./Interest.sol";
import {KinkedRateModel} from "./KinkedRateModel.sol";

contract AdaptiveCurveTest is BaseTest {
    uint256 private constant TARGET = 0.9e18;
    uint256 private constant MIN = 0.001e18 / YEAR;
    uint256 private constant MAX = 2e18 / YEAR;

    IRateModel private model;

    function setUp() public {
        model = new AdaptiveRateModel();
    }

    /// Whatever a caller hands in, accrual must go on: no revert, and a result that fits the pool's word.
    function testFuzz_NeverRevertsAndFitsThePoolWord(uint256 u, uint256 elapsed, uint256 start) public view {
        (uint256 average, uint256 end) = model.rates(u, elapsed, start);
        assertLe(end, 2 ** 36 - 1);
        assertGe(end, MIN);
        assertLe(end, MAX);
        assertGe(average, MIN / 4);
        assertLe(average, 4 * MAX);
    }

    function test_StartsAtFourPercentAYear() public view {
        (uint256 average, uint256 end) = model.rates(TARGET, 0, 0);
        assertEq(end, 0.04e18 / YEAR);
        assertEq(average, end);
    }

    function testFuzz_HoldsStillAtTheTarget(uint256 elapsed, uint256 start) public view {
        start = bound(start, MIN, MAX);
        (uint256 average, uint256 end) = model.rates(TARGET, elapsed, start);
        assertEq(end, start);
        assertEq(average, start);
    }

    function testFuzz_IsFourTimesTheTargetRateAtFullUseAndAQuarterAtNone(uint256 start) public view {
        start = bound(start, MIN, MAX);
        (uint256 full, uint256 same) = model.rates(WAD, 0, start);
        (uint256 none, ) = model.rates(0, 0, start);
        assertEq(same, start);
        assertEq(full, 4 * start);
        assertEq(none, (start + 3) / 4);
    }

    function testFuzz_UtilisationAboveOneCountsAsOne(uint256 u, uint256 elapsed, uint256 start) public view {
        (uint256 average, uint256 end) = model.rates(bound(u, WAD, type(uint256).max), elapsed, start);
        (uint256 averageAtOne, uint256 endAtOne) = model.rates(WAD, elapsed, start);
        assertEq(average, averageAtOne);
        assertEq(end, endAtOne);
    }

    function testFuzz_RisesWithUtilisation(uint256 u, uint256 more, uint256 elapsed, uint256 start) public view {
        u = bound(u, 0, WAD);
        more = bound(more, u, WAD);
        elapsed = bound(elapsed, 0, 10 * YEAR);
        start = bound(start, MIN, MAX);
        (uint256 average, uint256 end) = model.rates(u, elapsed, start);
        (uint256 averageMore, uint256 endMore) = model.rates(more, elapsed, start);
        assertGe(averageMore, average);
        assertGe(endMore, end);
    }

    function testFuzz_DriftsTowardsBalanceAndFurtherWithTime(
        uint256 u,
        uint256 elapsed,
        uint256 longer,
        uint256 start
    ) public view {
        u = bound(u, 0, WAD);
        elapsed = bound(elapsed, 0, YEAR);
        longer = bound(longer, elapsed, type(uint256).max);
        start = bound(start, MIN, MAX);
        (, uint256 end) = model.rates(u, elapsed, start);
        (, uint256 later) = model.rates(u, longer, start);
        if (u >= TARGET) {
            assertGe(end, start);
            assertGe(later, end);
        } else {
            assertLe(end, start);
            assertLe(later, end);
        }
    }

    function testFuzz_AccruingInTwoStepsEndsWhereOneStepDoes(
        uint256 u,
        uint256 first,
        uint256 second,
        uint256 start
    ) public view {
        u = bound(u, 0, WAD);
        first = bound(first, 0, 30 days);
        second = bound(second, 0, 30 days);
        start = bound(start, MIN, MAX);
        (, uint256 between) = model.rates(u, first, start);
        (, uint256 twice) = model.rates(u, second, between);
        (, uint256 once) = model.rates(u, first + second, start);
        // Half a unit of rounding, grown by at most e^(50 · 30/365) = 61; the bounds only bring the two nearer.
        assertApproxEqAbs(twice, once, 32 + once / 1e9);
    }

    function test_DoublesAtFullUseInAboutFiveDays() public view {
        uint256 start = 0.04e18 / YEAR;
        (, uint256 end) = model.rates(WAD, (YEAR * 693147) / 50e6, start);
        assertApproxEqRel(end, 2 * start, 2e-6 * 1e18);
    }

    function test_ReachesBothBoundsAndStays() public view {
        (, uint256 top) = model.rates(WAD, YEAR, 0);
        (, uint256 bottom) = model.rates(0, YEAR, 0);
        assertEq(top, MAX);
        assertEq(bottom, MIN);
        (uint256 average, uint256 still) = model.rates(WAD, YEAR, top);
        assertEq(average, 4 * MAX);
        assertEq(still, MAX);
    }

    /// The contract and the library that the safe has built in are one curve.
    function testFuzz_ModelIsTheLibrary(uint256 u, uint256 elapsed, uint256 start) public view {
        (uint256 average, uint256 end) = model.rates(u, elapsed, start);
        (uint256 average_, uint256 end_) = AdaptiveCurve.rates(u, elapsed, start);
        assertEq(average, average_);
        assertEq(end, end_);
    }
}

contract InterestTest is BaseTest {
    function testFuzz_NeverRevertsAndBracketsItself(uint256 rate, uint256 elapsed) public pure {
        uint256 down = Interest.growthDown(rate, elapsed);
        uint256 up = Interest.growthUp(rate, elapsed);
        assertLe(down, up);
        assertLe(up - down, 8 + up / 1e18);
        assertLe(up, 485_165_196e18);
    }

    function testFuzz_NothingGrowsWithoutRateOrTime(uint256 x) public pure {
        assertEq(Interest.growthUp(0, x), 0);
        assertEq(Interest.growthUp(x, 0), 0);
        assertEq(Interest.growthDown(0, x), 0);
        assertEq(Interest.growthDown(x, 0), 0);
    }

    function testFuzz_IsAtLeastSimpleInterest(uint256 rate, uint256 elapsed) public pure {
        rate = bound(rate, 0, 10e18 / YEAR);
        elapsed = bound(elapsed, 0, 2 * YEAR - 1);
        assertGe(Interest.growthDown(rate, elapsed), rate * elapsed);
    }

    function testFuzz_GrowsWithTime(uint256 rate, uint256 elapsed, uint256 longer) public pure {
        elapsed = bound(elapsed, 0, 100 * YEAR);
        longer = bound(longer, elapsed, 200 * YEAR);
        assertGe(Interest.growthUp(rate, longer), Interest.growthUp(rate, elapsed));
        assertGe(Interest.growthDown(rate, longer), Interest.growthDown(rate, elapsed));
    }

    function test_SaturatesAtAnExponentOfTwenty() public pure {
        uint256 most = Interest.growthUp(type(uint256).max, type(uint256).max);
        assertEq(Interest.growthUp(20e18, 1), most);
        assertEq(Interest.growthUp(20e18 + 1, 1), most);
        assertApproxEqRel(most, 485_165_194.409790277e18, 1e6);
    }
}

contract KinkedRateModelTest is BaseTest {
    uint256 private constant MAX_RATE = 10e18 / YEAR;

    function _model(uint256 base, uint256 slope1, uint256 slope2, uint256 kink) private returns (KinkedRateModel) {
        base = bound(base, 0, MAX_RATE);
        slope1 = bound(slope1, 0, MAX_RATE - base);
        slope2 = bound(slope2, 0, MAX_RATE - base - slope1);
        return new KinkedRateModel(base, slope1, slope2, bound(kink, 1, WAD - 1));
    }

    function testFuzz_RisesWithUtilisationFromBaseToTheSum(
        uint256[4] memory p,
        uint256 u,
        uint256 more,
        uint256 elapsed,
        uint256 rateAtTarget
    ) public {
        KinkedRateModel model = _model(p[0], p[1], p[2], p[3]);
        u = bound(u, 0, WAD);
        more = bound(more, u, type(uint256).max);
        (uint256 average, uint256 unchanged) = model.rates(u, elapsed, rateAtTarget);
        (uint256 averageMore, ) = model.rates(more, elapsed, rateAtTarget);
        assertEq(unchanged, rateAtTarget);
        assertGe(averageMore, average);
        (uint256 bottom, ) = model.rates(0, elapsed, 0);
        (uint256 middle, ) = model.rates(model.kink(), elapsed, 0);
        (uint256 top, ) = model.rates(type(uint256).max, elapsed, 0);
        assertEq(bottom, model.base());
        assertEq(middle, model.base() + model.slope1());
        assertEq(top, model.base() + model.slope1() + model.slope2());
    }

    function test_RefusesAKinkAtAnEnd() public {
        vm.expectRevert(abi.encodeWithSelector(KinkedRateModel.InvalidKink.selector, 0));
        new KinkedRateModel(0, 1, 1, 0);
        vm.expectRevert(abi.encodeWithSelector(KinkedRateModel.InvalidKink.selector, WAD));
        new KinkedRateModel(0, 1, 1, WAD);
    }

    function test_RefusesARateAboveTheMaximum() public {
        new KinkedRateModel(MAX_RATE, 0, 0, 0.9e18);
        vm.expectRevert(abi.encodeWithSelector(KinkedRateModel.RateTooHigh.selector, MAX_RATE + 1, MAX_RATE));
        new KinkedRateModel(MAX_RATE - 1, 1, 1, 0.9e18);
    }
}
