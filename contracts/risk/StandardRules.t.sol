// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {Test} from "forge-std/Test.sol";

import {RulesHarness} from "../test/RulesHarness.sol";
import {RuleOutOfBounds} from "./RuleWords.sol";
import {RuleExpiry, RuleOption, RulePortfolio, StandardRules} from "./StandardRules.sol";

/// @notice The rules of 6.2 on their own: signs, properties that hold for every portfolio, rounding and gas.
contract StandardRulesTest is Test {
    uint256 private constant S = 2_000e18;
    uint256 private constant PEG = 1e18;
    /// @dev Of every sum: each of its charges is rounded up by less than one unit.
    int256 private constant DUST = 512;

    RulesHarness private harness;
    bytes private rules;

    struct Words {
        uint256 perp;
        uint256 perpExtra;
        uint256 size1;
        uint256 addOn1;
        uint256 size2;
        uint256 addOn2;
        uint256 kappa;
        uint256[11] options; // a, b, c, d, e, unpaired IM, unpaired MM, confidence threshold and factor, peg threshold and factor
    }

    function setUp() public {
        harness = new RulesHarness();
        rules = _pack(_reference());
    }

    // ------------------------------------------------------------------ worked examples of docs/margin.md
    function test_shortCallAtTheMoneyNeeds15PercentAnd7_5PercentBesideItsValue() public view {
        (int256 im, int256 mm) = harness.isolated(S, _option(2_000, -1e18, -100e18, true), rules);
        assertEq(im, -(300e18 + 100e18));
        assertEq(mm, -(150e18 + 100e18));
    }

    function test_shortCallFarOutOfTheMoneyNeeds10Percent() public view {
        (int256 im, ) = harness.isolated(S, _option(4_000, -1e18, -1e18, true), rules);
        assertEq(im, -(200e18 + 1e18));
        // at 4 % out: 15 − 4 = 11 %
        (im, ) = harness.isolated(S, _option(2_080, -1e18, -1e18, true), rules);
        assertEq(im, -(220e18 + 1e18));
    }

    function test_deepShortPutNeedsPartOfItsValueAndAMultipleOfItsMaintenance() public view {
        (int256 im, int256 mm) = harness.isolated(S, _option(6_000, -1e18, -4_000e18, false), rules);
        assertEq(mm, -(300e18 + 4_000e18), "7.5 % of the value, more than 7.5 % of the spot");
        assertEq(im, (-4_300e18 * 105) / 100);
    }

    function test_perpNeeds6_5And5PercentOfItsNotional() public view {
        RulePortfolio memory p = _empty();
        (p.perpSize, p.perpMark) = (-3e18, 2_010e18);
        (int256 im, int256 mm, ) = harness.margin(p, rules, PEG);
        assertEq(im, (-6_030e18 * 65) / 1_000);
        assertEq(mm, (-6_030e18 * 5) / 100);
    }

    function test_perpBracketsChargeOnlyWhatIsAboveTheirSize() public {
        Words memory w = _reference();
        (w.size1, w.addOn1, w.size2, w.addOn2) = (1_000_000, 100, 5_000_000, 300);
        rules = _pack(w);
        RulePortfolio memory p = _empty();
        (p.perpSize, p.perpMark) = (3_000e18, 2_000e18); // 6m: 5m of it at 1 % more, 1m at 3 % more
        (, int256 mm, ) = harness.margin(p, rules, PEG);
        assertEq(mm, -(300_000e18 + 50_000e18 + 30_000e18));
        p.perpSize = 500e18; // 1m: none
        (, mm, ) = harness.margin(p, rules, PEG);
        assertEq(mm, -50_000e18);
    }

    function test_perpBracketsLookAtTheMarketWhereItIsLarge() public {
        Words memory w = _reference();
        (w.size1, w.addOn1, w.kappa) = (1_000_000, 100, 500);
        rules = _pack(w);
        RulePortfolio memory p = _empty();
        (p.perpSize, p.perpMark) = (1e18, 2_000e18);
        p.openInterest = 20_000e18; // κ · 40m = 2m: half of it is above
        (int256 im, int256 mm, ) = harness.margin(p, rules, PEG);
        assertEq(im, -(130e18 + 10e18), "the live total counts in initial");
        assertEq(mm, -100e18, "maintenance reckons with the checkpoint alone");
        p.slowOpenInterest = 20_000e18;
        p.openInterest = 0;
        (im, mm, ) = harness.margin(p, rules, PEG);
        assertEq(mm, -(100e18 + 10e18));
        assertEq(im, -(130e18 + 10e18), "nor does initial ask for less than maintenance");
    }

    function test_nakedShortCallCountsIsolated() public view {
        RuleOption[] memory o = new RuleOption[](1);
        o[0] = _option(2_000, -1e18, -100e18, true);
        (int256 im, int256 mm, uint256 shorts) = harness.expiry(S, _expiry(o), rules);
        assertEq(im, -400e18);
        assertEq(mm, -250e18);
        assertEq(shorts, 1e18);
    }

    function test_callSpreadNeedsAtMostItsWidth() public view {
        RuleOption[] memory o = new RuleOption[](2);
        o[0] = _option(1_900, -1e18, -150e18, true);
        o[1] = _option(2_000, 1e18, 100e18, true);
        (int256 im, int256 mm, ) = harness.expiry(S, _expiry(o), rules);
        assertEq(im, -100e18);
        assertEq(mm, -100e18);
    }

    function test_unpairedCallsCostAPartOfTheForward() public view {
        RuleOption[] memory o = new RuleOption[](2);
        // deep in the money, so that isolated is worse
        o[0] = _option(100, -1.01e18, -1.01e18 * 1_900, true);
        o[1] = _option(200, 1e18, 1_800e18, true);
        (int256 im, int256 mm, ) = harness.expiry(S, _expiry(o), rules);
        // worst payoff at 200: −1.01 · 100, and .01 net short calls
        assertEq(im, -(101e18 + 24e18));
        assertEq(mm, -(101e18 + 22e18));
    }

    function test_longOptionsCountNothingAndABoxNeedsItsWidth() public view {
        RuleOption[] memory o = new RuleOption[](4);
        o[0] = _option(1_000, 1e18, 1_010e18, true);
        o[1] = _option(1_000, -1e18, -1e18, false);
        o[2] = _option(3_000, -1e18, -2e18, true);
        o[3] = _option(3_000, 1e18, 1_005e18, false);
        (int256 im, int256 mm, ) = harness.expiry(S, _expiry(o), rules);
        assertEq(im, 0, "a bought box pays 2,000 at any price, which is no margin");
        assertEq(mm, 0);
        for (uint256 i; i < 4; ++i) (o[i].size, o[i].value) = (-o[i].size, -o[i].value);
        (im, mm, ) = harness.expiry(S, _expiry(o), rules);
        assertEq(im, -2_000e18);
        assertEq(mm, -2_000e18);
    }

    function test_lowConfidenceLowersInitialByShortsAndPerps() public view {
        RulePortfolio memory p = _empty();
        (p.perpSize, p.perpMark, p.perpConfidence) = (1e18, 2_000e18, 0.3e18);
        p.expiries = new RuleExpiry[](1);
        RuleOption[] memory o = new RuleOption[](2);
        o[0] = _option(2_000, -1e18, -100e18, true);
        o[1] = _option(2_500, 7e18, 7e18, true);
        p.expiries[0] = _expiry(o);
        p.expiries[0].confidence = 0.1e18;
        (int256 im, int256 mm, ) = harness.margin(p, rules, PEG);
        // .4 · (.7 · 1 + .9 · 1) · 2,000: long options are no reason
        assertEq(im, -(130e18 + 400e18 + 1_280e18));
        assertEq(mm, -(100e18 + 250e18), "maintenance stands still: no feed's doubt liquidates anybody");
        p.expiries[0].confidence = 0.4e18;
        p.perpConfidence = 0.4e18;
        (im, , ) = harness.margin(p, rules, PEG);
        assertEq(im, -530e18, "at the threshold nothing is added");
        p.spotConfidence = 0.1e18;
        (im, , ) = harness.margin(p, rules, PEG);
        assertEq(im, -(530e18 + 1_440e18), "the spot's confidence counts in each");
    }

    function test_depegLowersInitialByShortsAndPerps() public view {
        RulePortfolio memory p = _empty();
        (p.perpSize, p.perpMark) = (-1e18, 2_000e18);
        p.expiries = new RuleExpiry[](1);
        RuleOption[] memory o = new RuleOption[](1);
        o[0] = _option(2_000, -2e18, -200e18, true);
        p.expiries[0] = _expiry(o);
        (int256 im, int256 mm, ) = harness.margin(p, rules, 0.88e18);
        // (.98 − .88) · 1.2 · 3 · 2,000
        assertEq(im, -(130e18 + 800e18 + 720e18));
        assertEq(mm, -(100e18 + 500e18));
        (im, , ) = harness.margin(p, rules, 0.98e18);
        assertEq(im, -930e18);
    }

    // ------------------------------------------------------------------ properties
    /// @dev The payoff is linear between strikes, so a grid finer than the distance of strikes misses nothing. It ends at the
    /// last strike: what net short calls lose beyond is the charge on unpaired ones.
    function testFuzz_worstPayoffIsTheLeastOfAFineGrid(uint256 seed) public view {
        RuleOption[] memory o = _options(seed, 1 + (seed % 12));
        (int256 worst, int256 netCalls) = harness.worstPayoff(o);
        int256 least;
        for (uint256 price; price * 1e18 <= _lastStrike(o); price += 25) {
            int256 payoff = _payoff(o, price * 1e18);
            if (payoff < least) least = payoff;
        }
        assertEq(worst, least);
        int256 calls;
        for (uint256 i; i < o.length; ++i) if (o[i].call) calls += o[i].size;
        assertEq(netCalls, calls);
        if (netCalls >= 0) assertGe(_payoff(o, 1_000_000e18), worst, "beyond the last strike nothing is worse");
    }

    function testFuzz_initialIsAtMostMaintenanceIsAtMostZero(uint256 seed) public view {
        RulePortfolio memory p = _portfolio(seed);
        (int256 im, int256 mm, ) = harness.margin(p, rules, 0.5e18 + (seed % 1e18));
        assertLe(im, mm);
        assertLe(mm, 0);
    }

    function testFuzz_orderOfOptionsIsIndifferent(uint256 seed) public view {
        RuleOption[] memory o = _options(seed, 2 + (seed % 20));
        (int256 im, int256 mm, ) = harness.expiry(S, _expiry(o), rules);
        for (uint256 i = o.length - 1; i > 0; --i) {
            uint256 j = _next(seed, i) % (i + 1);
            (o[i], o[j]) = (o[j], o[i]);
        }
        (int256 im2, int256 mm2, ) = harness.expiry(S, _expiry(o), rules);
        assertEq(im, im2);
        assertEq(mm, mm2);
    }

    /// @dev isolated does not change, and no payoff falls. It has to lie within the strikes, or calls must not be net short: a
    /// strike beyond the last is one more price at which net short calls lose (see the next test).
    function testFuzz_addingALongOptionNeverLowersMargin(uint256 seed) public view {
        RuleOption[] memory o = _options(seed, 2 + (seed % 12));
        RuleOption[] memory before = new RuleOption[](o.length - 1);
        for (uint256 i; i < before.length; ++i) before[i] = o[i];
        RuleOption memory added = o[o.length - 1];
        (added.size, added.value) = (_abs(added.size), _abs(added.value));
        (, int256 netCalls) = harness.worstPayoff(before);
        if (netCalls < 0 && added.strike > _lastStrike(before)) added.strike = _lastStrike(before);
        (int256 im, int256 mm, ) = harness.expiry(S, _expiry(o), rules);
        (int256 im0, int256 mm0, ) = harness.expiry(S, _expiry(before), rules);
        assertGe(im, im0);
        assertGe(mm, mm0);
    }

    /// @dev Where the model lacks the property (docs/margin.md).
    function test_aLongOptionBeyondTheLastStrikeMayLowerTheMarginOfNetShortCalls() public view {
        RuleOption[] memory before = new RuleOption[](2);
        before[0] = _option(1_000, -10e18, -10_000e18, true);
        before[1] = _option(1_010, 9e18, 9 * 990e18, true);
        RuleOption[] memory o = new RuleOption[](3);
        (o[0], o[1], o[2]) = (before[0], before[1], _option(4_000, 0.001e18, 0, true));
        (int256 im0, , ) = harness.expiry(S, _expiry(before), rules);
        (int256 im, , ) = harness.expiry(S, _expiry(o), rules);
        assertEq(im0, -(100e18 + 2_400e18));
        // at 4,000 the one net short call has lost 3,090 more than nothing
        assertEq(im, -(3_090e18 + 2_397.6e18));
    }

    /// @dev Of a short option: isolated rises, and no payoff falls.
    function testFuzz_closingAShortOptionNeverLowersMargin(uint256 seed) public view {
        RuleOption[] memory o = _options(seed, 1 + (seed % 12));
        RuleOption memory closed = o[0];
        if (closed.size > 0) (closed.size, closed.value) = (-closed.size, -closed.value);
        (int256 im0, int256 mm0, ) = harness.expiry(S, _expiry(o), rules);
        uint256 left = _next(seed, 77) % 1e18;
        closed.value = (closed.value * int256(left)) / 1e18;
        closed.size = (closed.size * int256(left)) / 1e18;
        (int256 im, int256 mm, ) = harness.expiry(S, _expiry(o), rules);
        assertGe(im, im0 - DUST);
        assertGe(mm, mm0 - DUST);
    }

    /// @dev The worst payoff of a sum is at least the sum of the worst ones, where neither has net short calls.
    function testFuzz_worstPayoffsOfTwoPortfoliosOffsetNeverAdd(uint256 seed) public view {
        (RuleOption[] memory a, RuleOption[] memory b, RuleOption[] memory both) = _two(seed);
        (int256 worstA, int256 callsA) = harness.worstPayoff(a);
        (int256 worstB, int256 callsB) = harness.worstPayoff(b);
        (int256 worst, int256 calls) = harness.worstPayoff(both);
        assertEq(calls, callsA + callsB);
        if (callsA >= 0 && callsB >= 0) assertGe(worst, worstA + worstB);
    }

    /// @dev A hedge: a long leg, which needs nothing by itself, beside a short one. A short call alone always counts isolated (its
    /// value is at most the forward), a short put at worst its strike, and a long leg changes neither for the worse.
    function testFuzz_aHedgeNeverNeedsMoreThanItsLegsApart(uint256 seed) public view {
        RuleOption[] memory pair = _options(seed, 2);
        (pair[0].size, pair[0].value) = (-_abs(pair[0].size), -_abs(pair[0].value));
        (pair[1].size, pair[1].value) = (_abs(pair[1].size), _abs(pair[1].value));
        RuleOption[] memory alone = new RuleOption[](1);
        alone[0] = pair[0];
        (int256 im, int256 mm, ) = harness.expiry(S, _expiry(pair), rules);
        (int256 im0, int256 mm0, ) = harness.expiry(S, _expiry(alone), rules);
        assertGe(im, im0);
        assertGe(mm, mm0);
    }

    /// @dev Where the model lacks the property (docs/margin.md): a covered spread and a naked short pick the better way each while
    /// apart, but in one expiry they have to pick one way together.
    function test_twoStructuresInOneExpiryMayNeedMoreThanApart() public view {
        RuleOption[] memory spread = new RuleOption[](2);
        spread[0] = _option(1_000, -1e18, -1_000e18, true);
        spread[1] = _option(1_010, 1e18, 990e18, true);
        RuleOption[] memory naked = new RuleOption[](1);
        naked[0] = _option(4_000, -1e18, -1e18, true);
        RuleOption[] memory both = new RuleOption[](3);
        (both[0], both[1], both[2]) = (spread[0], spread[1], naked[0]);
        (int256 im, , ) = harness.expiry(S, _expiry(spread), rules);
        (int256 im2, , ) = harness.expiry(S, _expiry(naked), rules);
        (int256 together, , ) = harness.expiry(S, _expiry(both), rules);
        assertLt(together, im + im2);
    }

    function testFuzz_largerPositionsNeedInProportion(uint256 seed, uint256 factor) public view {
        factor = bound(factor, 2, 1_000);
        RuleOption[] memory o = _options(seed, 1 + (seed % 12));
        (int256 im, int256 mm, ) = harness.expiry(S, _expiry(o), rules);
        for (uint256 i; i < o.length; ++i) {
            o[i].size *= int256(factor);
            o[i].value *= int256(factor);
        }
        (int256 im2, int256 mm2, ) = harness.expiry(S, _expiry(o), rules);
        assertApproxEqAbs(im2, im * int256(factor), uint256(DUST) * factor);
        assertApproxEqAbs(mm2, mm * int256(factor), uint256(DUST) * factor);
    }

    // ------------------------------------------------------------------ edges
    function test_largestSizesAndPricesDoNotOverflow() public view {
        RulePortfolio memory p = _empty();
        p.spot = 2 ** 104 - 1;
        p.perpSize = type(int128).min;
        p.perpMark = 2 ** 104 - 1;
        p.spotConfidence = 0;
        p.expiries = new RuleExpiry[](1);
        RuleOption[] memory o = new RuleOption[](127);
        for (uint256 i; i < o.length; ++i) {
            o[i] = RuleOption(i * 2 ** 90, type(int128).min, -int256(1 << 230), i % 2 == 0);
        }
        p.expiries[0] = _expiry(o);
        p.expiries[0].forward = 2 ** 104 - 1;
        (int256 im, int256 mm, ) = harness.margin(p, rules, 0);
        assertLt(im, mm);
        assertLt(mm, 0);
        // 1e38 · 2e31 / 1e18 · 5 % for the perp alone
        assertLt(mm, -1e50);
    }

    function test_priceBeyondTheBoundIsRefusedByName() public {
        RulePortfolio memory p = _empty();
        p.spot = 2 ** 104;
        vm.expectRevert(abi.encodeWithSelector(StandardRules.PriceTooLarge.selector, p.spot));
        harness.margin(p, rules, PEG);
    }

    function test_atPriceZeroOnlyPutsAndValuesCount() public view {
        RulePortfolio memory p = _empty();
        p.spot = 0;
        p.expiries = new RuleExpiry[](1);
        RuleOption[] memory o = new RuleOption[](2);
        o[0] = _option(2_000, -1e18, 0, true);
        o[1] = _option(2_000, -1e18, -2_000e18, false);
        p.expiries[0] = _expiry(o);
        p.expiries[0].forward = 0;
        (int256 im, int256 mm, ) = harness.margin(p, rules, PEG);
        // isolated 2,150; the worst payoff 2,000 with nothing for the unpaired call
        assertEq(mm, -2_000e18);
        assertEq(im, -2_000e18);
    }

    function test_emptyPortfolioNeedsNothing() public view {
        (int256 im, int256 mm, ) = harness.margin(_empty(), rules, 0);
        assertEq(im, 0);
        assertEq(mm, 0);
    }

    /// @dev 128 options of one expiry in an order made against the median of three, and at random.
    function test_gas128Options() public {
        RulePortfolio memory p = _empty();
        p.expiries = new RuleExpiry[](1);
        RuleOption[] memory o = new RuleOption[](128);
        for (uint256 i; i < 128; ++i) o[i] = _option(1_000 + ((i * 2_654_435_761) % 4_093), -1e18, -10e18, i % 3 == 0);
        p.expiries[0] = _expiry(o);
        (, , uint256 gas) = harness.margin(p, rules, PEG);
        emit log_named_uint("128 short options of one expiry", gas);
        assertLt(gas, 400_000);
        uint256[] memory order = _killer(128);
        for (uint256 i; i < 128; ++i) o[i] = _option(1_000 + order[i], -1e18, -10e18, i % 3 == 0);
        (, , gas) = harness.margin(p, rules, PEG);
        emit log_named_uint("the same, in an order against the sort", gas);
        assertLt(gas, 600_000);
    }

    // ------------------------------------------------------------------ parameters
    function test_referenceRulesAreSane() public view {
        harness.requireSane(rules);
    }

    function test_rulesThatCouldPutInitialAboveMaintenanceAreRefusedByName() public {
        Words memory w = _reference();
        w.options[2] = 1_001; // c > b
        _refused(w, "c");
        w = _reference();
        w.options[1] = 1_501; // b > a
        _refused(w, "a");
        w = _reference();
        w.options[4] = 9_999; // e < 1
        _refused(w, "e");
        w = _reference();
        w.options[5] = 10_999; // unpaired IM < MM
        _refused(w, "unpaired");
        w = _reference();
        w.perp = 0;
        _refused(w, "perp");
        w = _reference();
        (w.size1, w.addOn1, w.size2, w.addOn2) = (2, 1, 1, 1);
        _refused(w, "brackets");
        w = _reference();
        w.kappa = 10_001;
        _refused(w, "kappa");
        w = _reference();
        w.options[7] = 10_001;
        _refused(w, "confidence");
        w = _reference();
        w.options[9] = 10_001;
        _refused(w, "peg");
    }

    // ------------------------------------------------------------------ helpers
    function _refused(Words memory w, string memory field) private {
        vm.expectRevert(abi.encodeWithSelector(RuleOutOfBounds.selector, field));
        harness.requireSane(_pack(w));
    }

    function _reference() private pure returns (Words memory w) {
        (w.perp, w.perpExtra) = (500, 150);
        w.options = [uint256(1_500), 1_000, 750, 750, 10_500, 12_000, 11_000, 4_000, 4_000, 9_800, 12_000];
    }

    function _pack(Words memory w) private pure returns (bytes memory) {
        uint256 first = (w.perp << 240) | (w.perpExtra << 224) | (w.size1 << 160) | (w.addOn1 << 144);
        first |= (w.size2 << 80) | (w.addOn2 << 64) | (w.kappa << 48);
        uint256 second;
        for (uint256 i; i < 11; ++i) second |= w.options[i] << (240 - 16 * i);
        return abi.encode(first, second);
    }

    function _empty() private pure returns (RulePortfolio memory p) {
        (p.spot, p.spotConfidence, p.perpConfidence) = (S, 1e18, 1e18);
    }

    function _expiry(RuleOption[] memory o) private pure returns (RuleExpiry memory) {
        return RuleExpiry(S, 1e18, o);
    }

    /// @param strike whole settlement units.
    function _option(uint256 strike, int256 size, int256 value, bool call) private pure returns (RuleOption memory) {
        return RuleOption(strike * 1e18, size, value, call);
    }

    function _next(uint256 seed, uint256 i) private pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, i)));
    }

    /// @dev Strikes on a grid of 25 up to 4,000; values between intrinsic and what an option can be worth at most.
    function _options(uint256 seed, uint256 count) private pure returns (RuleOption[] memory o) {
        o = new RuleOption[](count);
        for (uint256 i; i < count; ++i) {
            uint256 r = _next(seed, i);
            uint256 strike = (r % 161) * 25;
            bool call = (r >> 32) & 1 == 0;
            int256 size = int256((r >> 64) % 20e18) - 10e18;
            uint256 worth =
                call ? (S > strike * 1e18 ? S - strike * 1e18 : 0) : (strike * 1e18 > S ? strike * 1e18 - S : 0);
            uint256 most = call ? S : strike * 1e18;
            worth += ((most - worth) * ((r >> 160) % 101)) / 100;
            o[i] = _option(strike, size, (size * int256(worth)) / 1e18, call);
        }
    }

    function _portfolio(uint256 seed) private pure returns (RulePortfolio memory p) {
        p = _empty();
        uint256 r = _next(seed, 1 << 20);
        p.spotConfidence = 1e18 - (r % 1e18);
        p.perpSize = int256((r >> 64) % 200e18) - 100e18;
        p.perpMark = (S * (9_000 + ((r >> 128) % 2_000))) / 10_000;
        p.perpConfidence = (r >> 160) % 1e18;
        (p.openInterest, p.slowOpenInterest) = ((r >> 192) % 1e24, (r >> 200) % 1e24);
        p.expiries = new RuleExpiry[](r % 4);
        for (uint256 i; i < p.expiries.length; ++i) {
            p.expiries[i] = _expiry(_options(_next(r, i), _next(r, i) % 10));
            p.expiries[i].confidence = _next(r, i) % 1e18;
        }
    }

    function _two(
        uint256 seed
    ) private pure returns (RuleOption[] memory a, RuleOption[] memory b, RuleOption[] memory both) {
        a = _options(seed, 1 + (seed % 6));
        b = _options(~seed, 1 + ((seed >> 8) % 6));
        both = new RuleOption[](a.length + b.length);
        for (uint256 i; i < a.length; ++i) both[i] = a[i];
        for (uint256 i; i < b.length; ++i) both[a.length + i] = b[i];
    }

    /// @dev In units of 1e-36, as the library says it.
    function _payoff(RuleOption[] memory o, uint256 price) private pure returns (int256 payoff) {
        for (uint256 i; i < o.length; ++i) {
            (uint256 high, uint256 low) = o[i].call ? (price, o[i].strike) : (o[i].strike, price);
            if (high > low) payoff += o[i].size * int256(high - low);
        }
    }

    /// @dev The classic sequence against a quicksort that takes the median of first, middle and last.
    function _killer(uint256 n) private pure returns (uint256[] memory order) {
        order = new uint256[](n);
        uint256 k = n / 2;
        for (uint256 i = 1; i <= k; ++i) {
            if (i % 2 == 1) {
                order[i - 1] = i;
                order[i] = k + i;
            }
            order[k + i - 1] = 2 * i;
        }
    }

    function _lastStrike(RuleOption[] memory o) private pure returns (uint256 last) {
        for (uint256 i; i < o.length; ++i) if (o[i].strike > last) last = o[i].strike;
    }

    function _abs(int256 x) private pure returns (int256) {
        return x < 0 ? -x : x;
    }
}
