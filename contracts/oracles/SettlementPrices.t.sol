// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IMarginAccounts} from "../interfaces/IMarginAccounts.sol";
import {ISettlementRounds, Track} from "../interfaces/ISettlementRounds.sol";
import {BaseTest} from "../test/BaseTest.sol";
import {IndexStub} from "../test/IndexStub.sol";
import {MockFeed} from "../test/MockFeed.sol";
import {StubSafe} from "../test/StubSafe.sol";
import {AssetIdLib} from "../types/AssetId.sol";
import {SettlementPrices} from "./SettlementPrices.sol";

contract SettlementPricesTest is BaseTest {
    uint8 private constant USDC = 1;
    uint8 private constant ETH = 2;
    uint256 private constant HEARTBEAT = 1 hours;
    uint256 private constant MAX = 100_000e8;
    uint256 private constant WINDOW = 30 minutes;

    struct Plan {
        uint80 id;
        int256 answer;
        uint256 time;
    }

    StubSafe private safe;
    IndexStub private index;
    MockFeed private eth;
    MockFeed private usdc;
    SettlementPrices private prices;
    uint40 private expiry;
    uint256 private opening;
    Plan[] private plans;

    function setUp() public {
        vm.warp(1_700_000_000);
        safe = new StubSafe();
        index = new IndexStub();
        safe.setEngine(address(index));
        eth = new MockFeed(8, 2_000e8);
        usdc = new MockFeed(8, 1e8);
        index.setPrimary(AssetIdLib.pool(ETH), IndexStub.Primary(address(eth), HEARTBEAT, 8, 1e8, MAX));
        index.setPrimary(AssetIdLib.pool(USDC), IndexStub.Primary(address(usdc), 24 hours, 8, 0.01e8, 100e8));
        prices = new SettlementPrices(IMarginAccounts(address(safe)));
        expiry = uint40(block.timestamp + 3 hours);
        opening = expiry - WINDOW;
    }

    // ------------------------------------------------------------------ helpers
    function _id(uint256 number) private pure returns (uint80) {
        return uint80((1 << 64) | number);
    }

    function _list(uint80 a) private pure returns (uint80[] memory list) {
        list = new uint80[](1);
        list[0] = a;
    }

    function _list(uint80 a, uint80 b) private pure returns (uint80[] memory list) {
        list = new uint80[](2);
        (list[0], list[1]) = (a, b);
    }

    /// @dev USDC at one dollar the whole window.
    function _completeUsdc() private {
        prices.submit(USDC, expiry, _list(_id(1)));
    }

    function _expect(bytes4 selector, uint80[] memory rounds) private {
        vm.expectPartialRevert(selector);
        prices.submit(ETH, expiry, rounds);
    }

    function _final() private view returns (uint256 price) {
        bool isFinal;
        (price, isFinal) = prices.settlementPrice(ETH, expiry);
        assertEq(isFinal, price != 0);
    }

    // ------------------------------------------------------------------ the average
    /// @dev 10 minutes at 2000, 20 at 2300 is 2200; the unit at 0.98 for a third of the time and 1.01 for the rest is 1.
    function test_averageOfTheUnderlyingOverAverageOfTheUnit() public {
        vm.warp(opening - 30 minutes);
        eth.setAnswer(2_000e8); // 2
        vm.warp(opening + 10 minutes);
        usdc.setAnswer(1.01e8);
        eth.setAnswer(2_300e8); // 3
        usdc.setRound(_id(1), 0.98e8, opening - 1, false);
        vm.warp(expiry);
        eth.setAnswer(9_000e8); // 4: at the expiry, counts nothing
        uint80[] memory rounds = new uint80[](3);
        (rounds[0], rounds[1], rounds[2]) = (_id(2), _id(3), _id(4));
        prices.submit(ETH, expiry, rounds);
        assertEq(_final(), 0, "the unit is missing");
        assertEq(prices.fix(ETH, expiry), 0);
        prices.submit(USDC, expiry, _list(_id(1), _id(2)));
        vm.expectEmit(address(prices));
        emit ISettlementRounds.SettlementFixed(ETH, expiry, 2_200e18);
        prices.fix(ETH, expiry);
        assertEq(_final(), 2_200e18);
        (uint256 part, uint256 price) = prices.fixing(ETH, expiry);
        assertEq(part, 1e18);
        assertEq(price, 2_200e18);
    }

    function test_submittingTheUnderlyingLastFixesThePrice() public {
        vm.warp(expiry);
        _completeUsdc();
        eth.setRound(_id(1), 2_000e8, opening - 10, true);
        prices.submit(ETH, expiry, _list(_id(1)));
        assertEq(_final(), 2_000e18);
    }

    function test_finalPricesAndTracksStay() public {
        vm.warp(expiry);
        _completeUsdc();
        eth.setRound(_id(1), 2_000e8, opening - 10, true);
        prices.submit(ETH, expiry, _list(_id(1)));
        eth.setRound(_id(1), 3_000e8, opening - 10, true);
        vm.expectRevert(abi.encodeWithSelector(ISettlementRounds.AlreadyComplete.selector, ETH, expiry));
        prices.submit(ETH, expiry, _list(_id(1)));
        assertEq(prices.fix(ETH, expiry), 2_000e18);
    }

    // ------------------------------------------------------------------ continuity
    function test_roundsMayNotBeSkipped() public {
        for (uint256 i; i < 5; ++i) {
            skip(30 minutes);
            eth.setAnswer(2_000e8);
        }
        skip(5 minutes);
        eth.setAnswer(2_500e8); // 7
        skip(5 minutes);
        eth.setAnswer(2_000e8); // 8
        _expect(ISettlementRounds.NotTheNextRound.selector, _list(_id(6), _id(8)));
        prices.submit(ETH, expiry, _list(_id(5), _id(6)));
        _expect(ISettlementRounds.NotTheNextRound.selector, _list(_id(8)));
        prices.submit(ETH, expiry, _list(_id(6), _id(7)));
        assertEq(prices.trackOf(ETH, expiry).round, _id(7), "what was counted is passed over");
    }

    /// @dev Nobody can make others walk from the feed's first round: until the window any later sound round is a start as good.
    function test_aStartFarBackHoldsNobodyUp() public {
        for (uint256 i; i < 20; ++i) {
            skip(7 minutes);
            eth.setAnswer(i == 15 ? int256(-1) : int256(2_000e8 + i * 1e8));
        }
        vm.warp(opening + 15 minutes);
        eth.setAnswer(2_600e8); // 22
        prices.submit(ETH, expiry, _list(_id(1)));
        _expect(ISettlementRounds.NotTheNextRound.selector, _list(_id(17))); // not sound
        prices.submit(ETH, expiry, _list(_id(21), _id(22)));
        _expect(ISettlementRounds.NotTheNextRound.selector, _list(_id(24)));
        vm.warp(expiry);
        prices.submit(ETH, expiry, new uint80[](0));
        _completeUsdc();
        assertEq(prices.fix(ETH, expiry), 2_309.5e18);
    }

    /// @dev A feed that was dead all the while, and was replaced by one that began after the expiry.
    function test_aFeedThatBeganAfterTheExpiryGivesItsFirstAnswerAfterADay() public {
        eth.setFailure(MockFeed.Failure.Reverts);
        vm.warp(expiry + 2 hours);
        _completeUsdc();
        _expect(ISettlementRounds.NotAStart.selector, _list(_id(1)));
        eth = new MockFeed(8, 2_050e8);
        index.setPrimary(AssetIdLib.pool(ETH), IndexStub.Primary(address(eth), HEARTBEAT, 8, 1e8, MAX));
        prices.submit(ETH, expiry, _list(_id(1)));
        assertEq(_final(), 0);
        vm.warp(expiry + 24 hours);
        assertEq(prices.fix(ETH, expiry), 2_050e18);
    }

    function test_startsOnlyBeforeTheWindowAndWithASoundRound() public {
        skip(1 hours);
        eth.setAnswer(-1); // 2
        vm.warp(opening + 1);
        eth.setAnswer(2_000e8); // 3
        _expect(ISettlementRounds.NotAStart.selector, _list(_id(3)));
        _expect(ISettlementRounds.NotAStart.selector, _list(_id(2)));
        _expect(ISettlementRounds.RoundNotReady.selector, _list(_id(4)));
        _expect(ISettlementRounds.NotAStart.selector, _list(uint80((2 << 64) | 1)));
        prices.submit(ETH, expiry, _list(_id(1)));
    }

    function test_aFeedThatBeganInsideTheWindowStartsWithItsFirstRound() public {
        eth = new MockFeed(8, 0);
        index.setPrimary(AssetIdLib.pool(ETH), IndexStub.Primary(address(eth), HEARTBEAT, 8, 1e8, MAX));
        vm.warp(opening + 10 minutes);
        eth.setAnswer(2_000e8);
        vm.warp(opening + 20 minutes);
        eth.setAnswer(2_600e8);
        vm.warp(expiry);
        _expect(ISettlementRounds.NotAStart.selector, _list(_id(2)));
        prices.submit(ETH, expiry, _list(_id(1), _id(2)));
        assertEq(prices.trackOf(ETH, expiry).weight, 20 minutes);
        _completeUsdc();
        assertEq(prices.fix(ETH, expiry), 2_300e18);
    }

    function test_notBeforeTheWindow() public {
        vm.warp(opening - 1);
        vm.expectRevert(abi.encodeWithSelector(ISettlementRounds.WindowNotOpen.selector, expiry, opening));
        prices.submit(ETH, expiry, _list(_id(1)));
        skip(1);
        prices.submit(ETH, expiry, _list(_id(1)));
    }

    function test_A2_refusedInsideSessions() public {
        vm.warp(expiry);
        for (uint256 i; i < 2; ++i) {
            safe.setSession(i == 0, i == 1);
            _expect(ISettlementRounds.SessionOpen.selector, _list(_id(1)));
            vm.expectRevert(ISettlementRounds.SessionOpen.selector);
            prices.fix(ETH, expiry);
        }
    }

    function test_roundsThatDoNotExistYetAreNotReady() public {
        vm.warp(opening);
        _expect(ISettlementRounds.RoundNotReady.selector, _list(_id(1), _id(2)));
        eth.setRound(_id(2), 2_000e8, block.timestamp + 1, true);
        _expect(ISettlementRounds.RoundNotReady.selector, _list(_id(1), _id(2)));
    }

    function test_aVoidRoundIsPassedOnlyWhenALaterOneSpoke() public {
        vm.warp(opening + 1 minutes);
        eth.setRound(_id(1), 2_000e8, opening - 1, false);
        eth.setRound(_id(2), 5_000e8, 0, true);
        _expect(ISettlementRounds.RoundNotReady.selector, _list(_id(1), _id(2)));
        eth.setRound(_id(3), 2_600e8, opening + 1 minutes, true);
        prices.submit(ETH, expiry, _list(_id(1), _id(2)));
        prices.submit(ETH, expiry, _list(_id(3)));
        vm.warp(expiry);
        prices.submit(ETH, expiry, new uint80[](0));
        _completeUsdc();
        assertEq(prices.fix(ETH, expiry), 2_580e18);
    }

    // ------------------------------------------------------------------ what does not count
    function test_O1_unsoundRoundsAreLeftOutOfTheAverage() public {
        eth.setRound(_id(1), 2_000e8, opening - 1, false);
        eth.setRound(_id(2), 0, opening + 5 minutes, false);
        eth.setRound(_id(3), int256(MAX), opening + 10 minutes, false);
        eth.setRound(_id(4), 1e8, opening + 15 minutes, false);
        eth.setRound(_id(5), -7, opening + 20 minutes, false);
        eth.setRound(_id(6), 2_100e8, opening + 25 minutes, true);
        vm.warp(expiry);
        uint80[] memory rounds = new uint80[](6);
        for (uint256 i; i < 6; ++i) rounds[i] = _id(i + 1);
        _completeUsdc();
        prices.submit(ETH, expiry, rounds);
        assertEq(prices.trackOf(ETH, expiry).weight, 10 minutes);
        assertEq(_final(), 2_050e18);
    }

    function test_O1_aRoundCountsNoLongerThanItsHeartbeat() public {
        eth.setRound(_id(1), 2_000e8, opening - HEARTBEAT + 10 minutes, true);
        vm.warp(expiry);
        _completeUsdc();
        prices.submit(ETH, expiry, _list(_id(1)));
        assertEq(prices.trackOf(ETH, expiry).weight, 10 minutes);
        assertEq(_final(), 2_000e18);
    }

    function test_withNoSoundSecondTheLastSoundAnswerCountsAfterADay() public {
        eth.setRound(_id(1), 2_000e8, opening - 2 hours, false);
        eth.setRound(_id(2), -1, opening - 1 hours, true);
        vm.warp(expiry);
        _completeUsdc();
        prices.submit(ETH, expiry, _list(_id(1), _id(2)));
        assertTrue(prices.trackOf(ETH, expiry).complete);
        assertEq(_final(), 0);
        vm.warp(expiry + 24 hours - 1);
        assertEq(prices.fix(ETH, expiry), 0);
        skip(1);
        assertEq(prices.fix(ETH, expiry), 2_000e18);
        assertEq(_final(), 2_000e18);
    }

    function test_aFeedThatDiedIsOverAfterADay() public {
        eth.setRound(_id(1), 2_000e8, opening - 10, true);
        vm.warp(opening);
        prices.submit(ETH, expiry, _list(_id(1)));
        eth.setFailure(MockFeed.Failure.Reverts);
        vm.warp(expiry + 24 hours - 1);
        _completeUsdc();
        prices.submit(ETH, expiry, new uint80[](0));
        assertFalse(prices.trackOf(ETH, expiry).complete);
        skip(1);
        prices.submit(ETH, expiry, new uint80[](0));
        assertEq(_final(), 2_000e18);
    }

    function test_aLastRoundThatNeverAnsweredIsOverAfterADay() public {
        eth.setRound(_id(1), 2_000e8, opening - 10, false);
        eth.setRound(_id(2), 1, 0, true);
        vm.warp(expiry + 24 hours - 1);
        _completeUsdc();
        prices.submit(ETH, expiry, _list(_id(1)));
        assertFalse(prices.trackOf(ETH, expiry).complete);
        skip(1);
        prices.submit(ETH, expiry, new uint80[](0));
        assertEq(_final(), 2_000e18);
    }

    function test_patienceDoesNotPassOverRoundsThatSpoke() public {
        eth.setRound(_id(1), 2_000e8, opening - 10, false);
        eth.setRound(_id(2), 1, 0, false);
        eth.setRound(_id(3), 2_600e8, opening + 10 minutes, true);
        vm.warp(expiry + 25 hours);
        prices.submit(ETH, expiry, _list(_id(1)));
        assertFalse(prices.trackOf(ETH, expiry).complete);
        prices.submit(ETH, expiry, _list(_id(2), _id(3)));
        assertEq(prices.trackOf(ETH, expiry).weight, WINDOW);
    }

    // ------------------------------------------------------------------ phases and migration
    function _second(uint256 number) private pure returns (uint80) {
        return uint80((2 << 64) | number);
    }

    /// @dev Phase 1 ends 10 minutes into the window; phase 2 had rounds beside it and takes over from its first later one.
    function test_aPhaseIsFollowedByTheFirstLaterRoundOfTheNext() public {
        eth.setRound(_id(1), 2_000e8, opening - 1, false);
        eth.setRound(_id(2), 2_100e8, opening + 10 minutes, true);
        vm.warp(opening + 12 minutes);
        prices.submit(ETH, expiry, _list(_id(1), _id(2)));
        eth.newPhase();
        eth.setRound(_second(1), 1_500e8, opening - 1 hours, false);
        eth.setRound(_second(2), 1_500e8, opening + 10 minutes, false);
        eth.setRound(_second(3), 2_400e8, opening + 15 minutes, false);
        eth.setRound(_second(4), 2_700e8, opening + 25 minutes, true);
        vm.warp(expiry - 1);
        _expect(ISettlementRounds.PhaseNotOver.selector, _list(_second(3)));
        vm.warp(expiry);
        _expect(ISettlementRounds.NotTheNextRound.selector, _list(_second(2)));
        _expect(ISettlementRounds.NotTheNextRound.selector, _list(_second(4)));
        prices.submit(ETH, expiry, _list(_second(3), _second(4)));
        _completeUsdc();
        // 10 min 2000, 5 min 2100, 10 min 2400, 5 min 2700
        assertEq(prices.fix(ETH, expiry), 2_266.666666666666666666e18);
    }

    function test_aPhaseThatGoesOnIsFollowedToItsEnd() public {
        eth.setRound(_id(1), 2_000e8, opening - 1, true);
        vm.warp(opening);
        prices.submit(ETH, expiry, _list(_id(1)));
        eth.newPhase();
        eth.setRound(_second(1), 2_400e8, opening + 5 minutes, true);
        eth.setRound(_id(2), 2_100e8, opening + 20 minutes, false);
        vm.warp(expiry);
        _expect(ISettlementRounds.NotTheNextRound.selector, _list(_second(1)));
        prices.submit(ETH, expiry, _list(_id(2)));
        assertTrue(prices.trackOf(ETH, expiry).complete, "the new phase has nothing later");
        _completeUsdc();
        assertApproxEqAbs(prices.fix(ETH, expiry), 2_033.333333333333333333e18, 1);
    }

    function test_phasesInBetweenAreNotSkipped() public {
        eth.setRound(_id(1), 2_000e8, opening - 1, true);
        vm.warp(opening);
        prices.submit(ETH, expiry, _list(_id(1)));
        eth.newPhase();
        eth.setRound(_second(1), 2_400e8, opening + 5 minutes, true);
        eth.newPhase();
        uint80 third = uint80((3 << 64) | 1);
        vm.warp(expiry);
        prices.submit(ETH, expiry, new uint80[](0));
        assertFalse(prices.trackOf(ETH, expiry).complete, "the second phase has a round");
        eth.setRound(third, 2_600e8, opening + 10 minutes, true);
        _expect(ISettlementRounds.NotTheNextRound.selector, _list(third));
        prices.submit(ETH, expiry, _list(_second(1), third));
        assertTrue(prices.trackOf(ETH, expiry).complete);
    }

    /// @dev The feed and its bounds are those in force at the first submission.
    function test_aFeedMigratedInsideTheWindowChangesNothingThatStarted() public {
        eth.setRound(_id(1), 2_000e8, opening - 1, true);
        vm.warp(opening + 1);
        prices.submit(ETH, expiry, _list(_id(1)));
        MockFeed other = new MockFeed(18, 9_000e18);
        index.setPrimary(AssetIdLib.pool(ETH), IndexStub.Primary(address(other), 1, 18, 1, type(uint104).max));
        vm.warp(expiry);
        prices.submit(ETH, expiry, new uint80[](0));
        _completeUsdc();
        assertEq(prices.fix(ETH, expiry), 2_000e18);
        assertEq(prices.trackOf(ETH, expiry).feed, address(eth));
    }

    function test_feedsOf18Decimals() public {
        eth = new MockFeed(18, 0);
        index.setPrimary(AssetIdLib.pool(ETH), IndexStub.Primary(address(eth), HEARTBEAT, 18, 1e18, 1e24));
        eth.setRound(_id(1), 2_000e18, opening - 1, true);
        vm.warp(expiry);
        _completeUsdc();
        prices.submit(ETH, expiry, _list(_id(1)));
        assertEq(_final(), 2_000e18);
    }

    // ------------------------------------------------------------------ the part that is fixed
    function test_thePartThatIsFixedGrows() public {
        eth.setRound(_id(1), 2_000e8, opening - 1, true);
        vm.warp(opening);
        (uint256 part, uint256 price) = prices.fixing(ETH, expiry);
        assertEq(part, 0);
        _completeUsdc();
        prices.submit(ETH, expiry, _list(_id(1)));
        skip(6 minutes);
        (part, price) = prices.fixing(ETH, expiry);
        assertEq(part, 0.2e18, "the latest round's price holds until now");
        assertEq(price, 2_000e18);
        eth.setAnswer(2_300e8);
        (part, ) = prices.fixing(ETH, expiry);
        assertEq(part, 0, "nobody has said yet how long the first one held");
        prices.submit(ETH, expiry, _list(_id(2)));
        (part, price) = prices.fixing(ETH, expiry);
        assertEq(part, 0.2e18);
        skip(12 minutes);
        (part, price) = prices.fixing(ETH, expiry);
        assertEq(part, 0.6e18);
        assertEq(price, 2_200e18);
        skip(1 hours);
        (part, price) = prices.fixing(ETH, expiry);
        assertEq(part, 1e18, "never more than the window");
        assertEq(price, 2_240e18);
        assertEq(_final(), 0);
    }

    function test_nothingIsFixedBeforeTheWindow() public {
        vm.warp(opening);
        _completeUsdc();
        prices.submit(ETH, expiry, _list(_id(1)));
        (uint256 part, ) = prices.fixing(ETH, expiry);
        assertEq(part, 0);
        (part, ) = prices.fixing(ETH, expiry + 1);
        assertEq(part, 0);
    }

    // ------------------------------------------------------------------ against a plain model
    /// @dev Random rounds (unsound, void, out of order, two in a second), submitted in random portions at random times from a random start: the same
    /// sum as a model that asks for every second of the window which round was in force.
    function testFuzz_O1_whoeverSubmitsTheAverageIsTheSame(uint256 seed) public {
        _makePlans(seed);
        (uint256 sum, uint256 weight, uint256 lastSound) = _model();
        _submitAll(seed);
        Track memory track = prices.trackOf(ETH, expiry);
        assertTrue(track.complete);
        assertEq(track.sum, sum);
        assertEq(track.weight, weight);
        if (weight == 0) assertEq(track.lastSound, lastSound);
        _completeUsdc();
        uint256 price = prices.fix(ETH, expiry);
        if (weight != 0) assertEq(price, (sum * 1e10) / weight);
    }

    function _makePlans(uint256 seed) private {
        uint256 time = opening - 2 hours;
        plans.push(Plan(_id(1), 2_000e8, time));
        for (uint256 i = 2; time < expiry; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint256 kind = seed % 16;
            if (kind != 5) time += kind == 6 ? 50 minutes : (seed >> 8) % 12 minutes;
            int256 answer = int256(1_000e8 + ((seed >> 32) % 3_000e8));
            if (kind == 0) answer = -answer;
            if (kind == 1) answer = int256(MAX);
            // Void, or out of order; never the last.
            bool silent = (kind == 2 || kind == 3) && time < expiry;
            uint256 shown = silent ? (kind == 2 ? 0 : time - 6 hours) : time;
            plans.push(Plan(_id(i), answer, shown));
        }
    }

    function _model() private view returns (uint256 sum, uint256 weight, uint256 lastSound) {
        uint256 last;
        for (uint256 second = opening; second < expiry; ++second) {
            while (true) {
                uint256 next = last + 1;
                while (next < plans.length && plans[next].time < plans[last].time) ++next;
                if (next >= plans.length || plans[next].time > second) break;
                last = next;
                if (_isSound(plans[last].answer)) lastSound = uint256(plans[last].answer);
            }
            if (lastSound == 0) lastSound = uint256(plans[0].answer);
            if (!_isSound(plans[last].answer) || second >= plans[last].time + HEARTBEAT) continue;
            sum += uint256(plans[last].answer);
            ++weight;
        }
    }

    function _isSound(int256 answer) private pure returns (bool) {
        return answer > 1e8 && answer < int256(MAX);
    }

    function _submitAll(uint256 seed) private {
        uint256 sent = seed % 3;
        // Any sound round from before the window does.
        while (
            sent > 0 &&
            (plans[sent].time > opening || plans[sent].time < opening - 2 hours || !_isSound(plans[sent].answer))
        ) --sent;
        uint256 shown;
        for (uint256 now_ = opening; ; now_ += 1 + ((seed = uint256(keccak256(abi.encode(seed)))) % 15 minutes)) {
            if (now_ > expiry) now_ = expiry + 1 hours;
            vm.warp(now_);
            while (shown < plans.length && plans[shown].time <= now_) {
                eth.setRound(plans[shown].id, plans[shown].answer, plans[shown].time, true);
                ++shown;
            }
            // A void round at the end cannot be passed yet.
            uint256 until = shown;
            while (until > sent && plans[until - 1].time < opening - 2 hours) --until;
            uint256 count = now_ > expiry ? until - sent : (until - sent) / 2;
            uint80[] memory rounds = new uint80[](count);
            for (uint256 i; i < count; ++i) rounds[i] = plans[sent + i].id;
            prices.submit(ETH, expiry, rounds);
            sent += count;
            if (now_ > expiry) return;
        }
    }
}
