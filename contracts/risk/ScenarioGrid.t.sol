// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";
import {Test} from "forge-std/Test.sol";

import {HarnessBook, HarnessOption, ScenarioHarness} from "../test/ScenarioHarness.sol";
import {ScenarioWords} from "../test/ScenarioWords.sol";
import {NormalTable} from "./NormalTable.sol";
import {UnderlyingGreeks} from "./ScenarioGreeks.sol";
import {UnderlyingRisk} from "./ScenarioGrid.sol";
import {ScenarioOutOfBounds} from "./ScenarioTable.sol";

/// @notice The scenario grid: its assembly against a plain version, what must hold for every portfolio, and edges.
contract ScenarioGridTest is Test {
    int256 private constant WAD = 1e18;
    uint256 private constant S = 2_000e18;
    uint256 private constant YEAR = 365 days;
    /// @dev Relative to Σ|size|·max(forward, strike): what N, ln s and 1/v are rounded by.
    int256 private constant PRECISION = 1e12;
    /// @dev Wei of rounding that a whole book can make.
    int256 private constant DUST = 1e4;

    ScenarioHarness private harness;

    function setUp() public {
        harness = new ScenarioHarness(address(new NormalTable()));
    }

    // ------------------------------------------------------------------------------------ against a plain version

    /// @dev Every scenario again, option by option, without lanes, legs or caches.
    function testFuzz_AssemblyAgreesWithAPlainVersion(uint256 seed) public view {
        HarnessBook memory b = _random(seed, 1 + (seed % 9));
        if (seed % 3 == 0) b.parameters = ScenarioWords.skewed();
        if (seed % 5 == 0) {
            // inside the averaging window a part does not move
            b.secondsLeft = 1 + (seed % 1_799);
            b.forwardFix = (b.forwardVar * (1_800 - b.secondsLeft)) / 1_800;
            b.forwardVar -= b.forwardFix;
        }
        (UnderlyingRisk memory risk, ) = harness.evaluate(b);
        int256 tolerance = _gross(b) / PRECISION + DUST;
        int256 base = _plainValue(b, 1e18, 1);
        assertApproxEqAbs(risk.optionValue, base, uint256(tolerance), "present value");
        for (uint256 i; i < risk.pnl.length; ++i) {
            assertApproxEqAbs(risk.pnl[i], _plainPnl(b, i, base), uint256(tolerance), "pnl");
        }
    }

    function _plainPnl(HarnessBook memory b, uint256 i, int256 base) private view returns (int256) {
        if (i > 22) {
            int256 x = _plainDiscount(b, _plainValue(b, 1e18, 3 + (i - 23))) - base;
            return x < 0 ? x : -x;
        }
        // places as ScenarioWords lays them out
        (uint256 rule, uint256 step) = i < 9
            ? (uint256(0), i)
            : i < 16
                ? (uint256(1), i - 8)
                : (uint256(2), i - 15);
        uint256 s = 1e18 + step * ScenarioWords.STEP - 4 * ScenarioWords.STEP;
        int256 moving = (b.perpSize * int256(b.perpMark)) / WAD + b.spotValue;
        return (moving * (int256(s) - WAD)) / WAD + _plainDiscount(b, _plainValue(b, s, rule)) - base;
    }

    /// @dev V at a spot factor under a rule.
    function _plainValue(HarnessBook memory b, uint256 s, uint256 rule) private view returns (int256 sum) {
        uint256 forward = (b.forwardVar * s) / 1e18 + b.forwardFix;
        for (uint256 i; i < b.options.length; ++i) {
            HarnessOption memory o = b.options[i];
            uint256[] memory strike = new uint256[](1);
            uint256[] memory v = new uint256[](1);
            strike[0] = o.strike;
            v[0] = (_plainVolatility(b, o, rule) * FixedPointMathLib.sqrt((b.secondsLeft * 1e36) / YEAR)) / 1e18;
            sum += (o.size * int256(harness.prices(forward, strike, v, o.isCall)[0])) / WAD;
        }
        int256 t = int256((b.secondsLeft * 1e18) / YEAR);
        sum = (sum * FixedPointMathLib.expWad(-(b.rate * t) / WAD)) / WAD;
    }

    function _plainVolatility(
        HarnessBook memory b,
        HarnessOption memory o,
        uint256 rule
    ) private pure returns (uint256) {
        if (rule == 1) return o.volatility;
        int256 days_ = int256((b.secondsLeft * 1e18) / 1 days);
        int256 power = days_ <= 30e18 ? int256(0.3e18) : int256(0.13e18);
        int256 tau = FixedPointMathLib.powWad((30e18 * WAD) / (days_ < WAD ? WAD : days_), power);
        if (rule == 0) {
            uint256 up = (o.volatility * uint256(WAD + tau / 2)) / 1e18;
            return up < 0.45e18 ? 0.45e18 : up;
        }
        if (rule == 2) {
            int256 down = WAD - (tau * 275) / 1000;
            return down < 0 ? 0 : (o.volatility * uint256(down)) / 1e18;
        }
        int256 root = int256(FixedPointMathLib.sqrt((b.secondsLeft * 1e36) / YEAR));
        int256 k = FixedPointMathLib.lnWad(int256((o.strike * 1e18) / (b.forwardVar + b.forwardFix)));
        if (rule == 4 && k < 0) k = -k;
        int256 cap = 0.15e18 - root / 20;
        int256 kStar = (4 * root * (0.6e18 - root / 10)) / WAD;
        if (kStar < 0.01e18) kStar = 0.01e18;
        int256 m = (k * cap) / kStar;
        if (m > cap) m = cap;
        if (m < -cap) m = -cap;
        return (o.volatility * uint256(WAD + m)) / 1e18;
    }

    function _plainDiscount(HarnessBook memory b, int256 x) private pure returns (int256) {
        int256 t = int256((b.secondsLeft * 1e18) / YEAR);
        if (x >= 0) return (x * ((FixedPointMathLib.expWad(-(t * (b.rate + 0.08e18)) / WAD) * 95) / 100)) / WAD;
        int256 worst = (FixedPointMathLib.expWad((t * (b.rate / 2 + 0.08e18)) / WAD) * 104) / 100;
        int256 undone = FixedPointMathLib.expWad((b.rate * t) / WAD);
        return (x * (undone < worst ? undone : worst)) / WAD;
    }

    // --------------------------------------------------------------------------------------- for every portfolio

    function testFuzz_ALongOptionNeverNeedsMoreThanItsPremium(uint256 seed, uint256 which) public view {
        HarnessBook memory b = _random(seed, 1 + (seed % 7));
        HarnessBook memory alone = _random(which, 1);
        HarnessOption memory extra = alone.options[0];
        if (extra.size < 0) extra.size = -extra.size;
        alone = _with(b, new HarnessOption[](0), extra);
        (UnderlyingRisk memory single, ) = harness.evaluate(alone);
        HarnessBook memory both = _with(b, b.options, extra);
        int256 more = _requirement(both) - _requirement(b);
        assertLe(more, single.optionValue + _gross(both) / PRECISION + DUST);
    }

    function testFuzz_AHedgeNeverNeedsMoreThanItsLegsApart(uint256 seed, uint256 cut) public view {
        HarnessBook memory b = _random(seed, 2 + (seed % 8));
        uint256 n = cut % b.options.length;
        (HarnessBook memory first, HarnessBook memory second) = (_part(b, 0, n), _part(b, n, b.options.length));
        (second.perpSize, second.spotValue) = (0, 0);
        assertLe(_requirement(b), _requirement(first) + _requirement(second) + _gross(b) / PRECISION + DUST);
    }

    function testFuzz_ClosingAPartOfEverythingFreesThatPart(uint256 seed, uint256 part) public view {
        HarnessBook memory b = _random(seed, 1 + (seed % 8));
        int256 whole = _requirement(b);
        part = part % 1e4;
        b.perpSize = (b.perpSize * int256(part)) / 1e4;
        b.spotValue = (b.spotValue * int256(part)) / 1e4;
        for (uint256 i; i < b.options.length; ++i) b.options[i].size = (b.options[i].size * int256(part)) / 1e4;
        int256 expected = (whole * int256(part)) / 1e4;
        assertApproxEqAbs(_requirement(b), expected, uint256(_gross(b) / PRECISION + whole / 1e14 + DUST));
        assertLe(_requirement(b), whole + DUST);
    }

    function testFuzz_CallAndPutOfOneStrikeAreAForward(uint256 seed) public view {
        HarnessBook memory b = _random(seed, 1);
        HarnessOption memory o = b.options[0];
        HarnessOption memory put = HarnessOption(o.strike, -o.size, o.volatility, !o.isCall);
        (UnderlyingRisk memory risk, ) = harness.evaluate(_with(b, b.options, put));
        int256 forward = (o.size * (int256(b.forwardVar) - int256(o.strike))) / WAD;
        if (!o.isCall) forward = -forward;
        int256 t = int256((b.secondsLeft * 1e18) / YEAR);
        forward = (forward * FixedPointMathLib.expWad(-(b.rate * t) / WAD)) / WAD;
        assertApproxEqAbs(risk.optionValue, forward, uint256(_gross(b) / 1e17 + 10));
        assertEq(risk.chargeMaintenance, _perpCharge(b), "no naked short is left");
    }

    // --------------------------------------------------------------------------------------------------- edges

    function test_ExpiredAndUnsettledIsWorthItsPayoff() public view {
        HarnessBook memory b = _empty();
        (b.secondsLeft, b.forwardVar, b.forwardFix) = (0, 0, 2_100e18);
        b.options = new HarnessOption[](3);
        b.options[0] = HarnessOption(2_000e18, 3e18, 0.6e18, true); // 300
        b.options[1] = HarnessOption(2_300e18, -1e18, 0.6e18, false); // −200
        b.options[2] = HarnessOption(2_200e18, -5e18, 0.6e18, true); // 0
        (UnderlyingRisk memory risk, ) = harness.evaluate(b);
        assertApproxEqAbs(risk.optionValue, 100e18, 1e9);
        // nothing moves any more: what is left is the discount of gains
        for (uint256 i; i < risk.pnl.length; ++i) assertApproxEqAbs(risk.pnl[i], -5e18, 1e9);
    }

    function test_AForwardOfNothing() public view {
        HarnessBook memory b = _empty();
        (b.spot, b.forwardVar) = (1, 1);
        b.options = new HarnessOption[](2);
        b.options[0] = HarnessOption(2_000e18, 1e18, 0.6e18, true);
        b.options[1] = HarnessOption(2_000e18, -2e18, 0.6e18, false);
        b.rate = 0;
        (UnderlyingRisk memory risk, ) = harness.evaluate(b);
        assertApproxEqAbs(risk.optionValue, -4_000e18, 1e9);
        b.forwardVar = 0;
        (risk, ) = harness.evaluate(b);
        assertEq(risk.optionValue, -4_000e18);
    }

    function test_HugeVolatilityMakesCallsForwardsAndPutsStrikes() public view {
        HarnessBook memory b = _empty();
        b.rate = 0;
        b.options = new HarnessOption[](2);
        b.options[0] = HarnessOption(1_500e18, 1e18, type(uint128).max, true);
        b.options[1] = HarnessOption(2_500e18, 1e18, type(uint128).max, false);
        (UnderlyingRisk memory risk, ) = harness.evaluate(b);
        assertApproxEqAbs(risk.optionValue, int256(S + 2_500e18), 1e9);
    }

    function test_OneSecondBeforeExpiryIsThePayoffPlusAlmostNothing() public view {
        HarnessBook memory b = _empty();
        b.secondsLeft = 1;
        b.options = new HarnessOption[](1);
        b.options[0] = HarnessOption(1_900e18, 1e18, 0.6e18, true);
        (UnderlyingRisk memory risk, ) = harness.evaluate(b);
        assertApproxEqAbs(risk.optionValue, 100e18, 1e12);
    }

    function test_LargestPositionsAndPricesDoNotOverflow() public view {
        HarnessBook memory b = _empty();
        b.parameters = ScenarioWords.skewed();
        (b.spot, b.forwardVar, b.perpMark) = (1 << 102, 1 << 102, 1 << 102);
        (b.perpSize, b.secondsLeft) = (type(int128).max, 3 * YEAR);
        b.options = new HarnessOption[](128);
        for (uint256 i; i < 128; ++i) {
            int256 size = i % 2 == 0 ? int256(type(int128).max) : -int256(type(int128).max);
            b.options[i] = HarnessOption((uint256(1) << 96) + (i << 84), size, 0.6e18, i % 4 < 2);
        }
        (UnderlyingRisk memory risk, ) = harness.evaluate(b);
        // −18 % of the perp alone is more than all that options of opposite signs can lose
        assertLt(risk.worst, -(int256(type(int128).max) / 10 / WAD) * int256(b.perpMark));
        assertGt(risk.worst, -int256(type(int128).max) * 2 * (int256(b.perpMark) / WAD));
    }

    function test_ShocksGrowWithVolatility() public view {
        HarnessBook memory b = _random(77, 5);
        (UnderlyingRisk memory once, ) = harness.evaluate(b);
        b.g = 2e18;
        (UnderlyingRisk memory twice, ) = harness.evaluate(b);
        // scenario 2 of the rule up at scale two is what scenario 0 is (−9 % twice is −18 %)
        assertApproxEqAbs(twice.pnl[2], once.pnl[0], uint256(_gross(b) / PRECISION + DUST));
        assertApproxEqAbs(twice.pnl[6], once.pnl[8], uint256(_gross(b) / PRECISION + DUST));
        assertEq(twice.pnl[12], once.pnl[12]);
        b.g = 20e18; // −360 %: no price falls by more than 99 %
        (twice, ) = harness.evaluate(b);
        int256 moving = (b.perpSize * int256(b.perpMark)) / WAD + b.spotValue;
        b.options = new HarnessOption[](0);
        (twice, ) = harness.evaluate(b);
        assertApproxEqAbs(twice.pnl[0], (-moving * 99) / 100, 2);
    }

    function testFuzz_GreeksAreSlopesOfTheValue(uint256 seed) public view {
        HarnessBook memory b = _random(seed, 1 + (seed % 5));
        (b.perpSize, b.spotValue, b.secondsLeft) = (0, 0, 1 days + (b.secondsLeft % YEAR));
        UnderlyingGreeks memory g = harness.greeks(b);
        uint256 forward = b.forwardVar;
        int256 step = int256(forward / 1e5);
        int256 tolerance = _gross(b) / 1e6 + DUST;
        b.forwardVar = forward + uint256(step);
        int256 up = _value(b);
        b.forwardVar = forward - uint256(step);
        int256 slope = ((up - _value(b)) * WAD) / (2 * step);
        // per unit of spot: the forward moves forward / spot as much
        slope = (slope * int256(forward)) / int256(b.spot);
        assertApproxEqAbs(g.delta, slope, uint256((tolerance * WAD) / int256(b.spot)), "delta");
        b.forwardVar = forward;
        for (uint256 i; i < b.options.length; ++i) b.options[i].volatility += 1e12;
        up = _value(b);
        for (uint256 i; i < b.options.length; ++i) b.options[i].volatility -= 2e12;
        assertApproxEqAbs(g.vega, ((up - _value(b)) * WAD) / 2e12, uint256(tolerance * 10), "vega");
    }

    // ------------------------------------------------------------------------------------------------ parameters

    function test_RefusesParametersItCouldNotReckonWith() public {
        bytes memory good = ScenarioWords.skewed();
        harness.requireSane(good);
        // cells of a rule must rise
        uint256 swapped = ScenarioWords.wordOf(good, 10);
        _refuses(ScenarioWords.withWord(ScenarioWords.skewed(), 11, swapped - (1 << 140)), "s");
        // two cells at one place
        _refuses(
            ScenarioWords.withWord(ScenarioWords.skewed(), 11, ScenarioWords.wordOf(good, 11) - (1 << 120)),
            "place"
        );
        // a base that is not the present
        _refuses(ScenarioWords.withWord(ScenarioWords.skewed(), 0, ScenarioWords.wordOf(good, 0) - (1 << 200)), "base");
        // mm above im
        _refuses(
            ScenarioWords.withWord(ScenarioWords.skewed(), 8, ScenarioWords.wordOf(good, 8) + (1 << 241)),
            "loss factors"
        );
    }

    function _refuses(bytes memory words, string memory field) private {
        vm.expectRevert(abi.encodeWithSelector(ScenarioOutOfBounds.selector, field));
        harness.requireSane(words);
    }

    // --------------------------------------------------------------------------------------------------- helpers

    function _value(HarnessBook memory b) private view returns (int256) {
        (UnderlyingRisk memory risk, ) = harness.evaluate(b);
        return risk.optionValue;
    }

    /// @dev What the book takes of the margin: im is 1.
    function _requirement(HarnessBook memory b) private view returns (int256) {
        (UnderlyingRisk memory risk, ) = harness.evaluate(b);
        return int256(risk.chargeInitial + risk.chargeMaintenance) - risk.worst;
    }

    function _perpCharge(HarnessBook memory b) private pure returns (uint256) {
        return FixedPointMathLib.fullMulDivUp(FixedPointMathLib.abs(b.perpSize) * 0.015e18, b.spot, 1e36);
    }

    function _gross(HarnessBook memory b) private pure returns (int256 sum) {
        for (uint256 i; i < b.options.length; ++i) {
            uint256 most = FixedPointMathLib.max(b.forwardVar + b.forwardFix, b.options[i].strike);
            sum += int256((FixedPointMathLib.abs(b.options[i].size) * most) / 1e18);
        }
    }

    function _empty() private pure returns (HarnessBook memory b) {
        b.parameters = ScenarioWords.plain();
        (b.g, b.spot, b.secondsLeft, b.forwardVar, b.rate) = (1e18, S, 30 days, S, 0.05e18);
    }

    /// @dev Ordinary things mostly, every order of magnitude now and then.
    function _random(uint256 seed, uint256 n) private pure returns (HarnessBook memory b) {
        b = _empty();
        uint256 r = uint256(keccak256(abi.encode(seed)));
        b.spot = 1e16 + ((r % 1e6) ** 2 * 1e12);
        b.secondsLeft = (r >> 20) % 4 == 0 ? 1 + ((r >> 22) % 1 days) : 1 hours + ((r >> 22) % (3 * YEAR));
        b.forwardVar = (b.spot * (0.9e18 + ((r >> 50) % 0.2e18))) / 1e18;
        b.rate = int256((r >> 110) % 0.3e18);
        b.perpSize = int256((r >> 130) % 20e18) - 10e18;
        b.perpMark = b.spot;
        b.spotValue = (int256((r >> 160) % 20e18) - 10e18) * int256(b.spot / 1e18);
        b.options = new HarnessOption[](n);
        for (uint256 i; i < n; ++i) {
            r = uint256(keccak256(abi.encode(seed, i)));
            HarnessOption memory o = b.options[i];
            uint256 ratio = r % 5 == 0 ? 0.01e18 + ((r >> 4) % 100e18) : 0.5e18 + ((r >> 4) % 1.5e18);
            o.strike = (b.forwardVar * ratio) / 1e18 + 1;
            o.size = int256((r >> 100) % 200e18) - 100e18;
            o.volatility = (r >> 170) % 7 == 0 ? 0.01e18 + ((r >> 180) % 5e18) : 0.3e18 + ((r >> 180) % 1e18);
            o.isCall = (r >> 250) % 2 == 0;
        }
    }

    function _with(
        HarnessBook memory b,
        HarnessOption[] memory options,
        HarnessOption memory extra
    ) private pure returns (HarnessBook memory x) {
        x = _like(b);
        x.options = new HarnessOption[](options.length + 1);
        for (uint256 i; i < options.length; ++i) x.options[i] = options[i];
        x.options[options.length] = extra;
    }

    function _part(HarnessBook memory b, uint256 from, uint256 to) private pure returns (HarnessBook memory x) {
        x = _like(b);
        x.options = new HarnessOption[](to - from);
        for (uint256 i = from; i < to; ++i) x.options[i - from] = b.options[i];
    }

    function _like(HarnessBook memory b) private pure returns (HarnessBook memory x) {
        (x.parameters, x.g, x.spot, x.perpSize, x.perpMark) = (b.parameters, b.g, b.spot, b.perpSize, b.perpMark);
        (x.spotValue, x.secondsLeft, x.forwardVar) = (b.spotValue, b.secondsLeft, b.forwardVar);
        (x.forwardFix, x.rate) = (b.forwardFix, b.rate);
    }
}
