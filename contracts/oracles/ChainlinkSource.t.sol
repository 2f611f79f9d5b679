// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {PriceFault} from "../interfaces/IMarginEngine.sol";
import {ChainlinkSource} from "./ChainlinkSource.sol";
import {BaseTest} from "../test/BaseTest.sol";
import {MockFeed} from "../test/MockFeed.sol";
import {OracleHarness} from "../test/OracleHarness.sol";

contract ChainlinkSourceTest is BaseTest {
    uint256 private constant HEARTBEAT = 1 hours;
    uint256 private constant MIN = 1e8;
    uint256 private constant MAX = 10_000e8;

    OracleHarness private oracles;
    MockFeed private feed;

    function setUp() public {
        vm.warp(1_700_000_000);
        oracles = new OracleHarness();
        feed = new MockFeed(8, 2_000e8);
    }

    function _fault() private view returns (PriceFault fault) {
        uint256 answer;
        (answer, , fault) = oracles.chainlink(address(feed), HEARTBEAT, MIN, MAX);
        if (fault != PriceFault.None) assertEq(answer, 0, "no answer with a fault");
    }

    function _assertFault(PriceFault fault) private view {
        assertEq(uint256(_fault()), uint256(fault));
    }

    // ------------------------------------------------------------------ Chainlink
    function test_O1_soundRoundIsRead() public view {
        (uint256 answer, uint256 updatedAt, PriceFault fault) = oracles.chainlink(address(feed), HEARTBEAT, MIN, MAX);
        assertEq(answer, 2_000e8);
        assertEq(updatedAt, block.timestamp);
        assertEq(uint256(fault), 0);
    }

    function test_O1_staleFromTheSecondAfterTheHeartbeat() public {
        skip(HEARTBEAT);
        _assertFault(PriceFault.None);
        skip(1);
        _assertFault(PriceFault.Stale);
    }

    function test_O1_roundFromTheFutureIsStale() public {
        feed.setUpdatedAt(block.timestamp + 1);
        _assertFault(PriceFault.Stale);
    }

    function test_O1_zeroAndNegativeAnswers() public {
        feed.pushRound(0, block.timestamp);
        _assertFault(PriceFault.NotPositive);
        feed.pushRound(-1, block.timestamp);
        _assertFault(PriceFault.NotPositive);
        feed.pushRound(type(int192).min, block.timestamp);
        _assertFault(PriceFault.NotPositive);
    }

    function test_O1_answersAtOrBeyondTheBoundsAreClamped() public {
        feed.pushRound(int256(MIN), block.timestamp);
        _assertFault(PriceFault.Clamped);
        feed.pushRound(int256(MIN) + 1, block.timestamp);
        _assertFault(PriceFault.None);
        feed.pushRound(int256(MAX) - 1, block.timestamp);
        _assertFault(PriceFault.None);
        feed.pushRound(int256(MAX), block.timestamp);
        _assertFault(PriceFault.Clamped);
        feed.pushRound(type(int192).max, block.timestamp);
        _assertFault(PriceFault.Clamped);
    }

    function test_O1_incompleteRounds() public {
        feed.setAnsweredLate(true);
        _assertFault(PriceFault.RoundIncomplete);
        feed.setAnsweredLate(false);
        feed.pushRound(2_000e8, 0);
        _assertFault(PriceFault.RoundIncomplete);
    }

    function test_O1_brokenFeedsAreFaultsNotReverts() public {
        for (uint8 i = 1; i <= uint8(type(MockFeed.Failure).max); ++i) {
            feed.setFailure(MockFeed.Failure(i));
            _assertFault(PriceFault.SourceReverted);
            assertFalse(oracles.continuousSince(address(feed), HEARTBEAT, block.timestamp));
        }
        (, , PriceFault fault) = oracles.chainlink(makeAddr("no code"), HEARTBEAT, MIN, MAX);
        assertEq(uint256(fault), uint256(PriceFault.SourceReverted), "an address without code answers nothing");
    }

    function test_O1_starvingASourceOfGasIsNotAFault() public {
        // A caller who gives too little gas gets a revert of the whole, never a choice of source.
        feed.setFailure(MockFeed.Failure.BurnsGas);
        bytes memory question = abi.encodeCall(oracles.chainlink, (address(feed), HEARTBEAT, MIN, MAX));
        for (uint256 given = 20_000; given < 260_000; given += 20_000) {
            (bool ok, bytes memory data) = address(oracles).staticcall{gas: given}(question);
            if (!ok) continue;
            (, , PriceFault fault) = abi.decode(data, (uint256, uint256, PriceFault));
            assertEq(uint256(fault), uint256(PriceFault.SourceReverted));
            assertGt(given, 250_000, "answered although it could not give the bounded gas");
        }
    }

    /// @dev The one test without branches agrees with the rules one by one.
    function testFuzz_O1_readAgreesWithTheRules(int192 answer, uint40 time, bool late, uint32 heartbeat) public {
        heartbeat = uint32(bound(heartbeat, 1, 2 days));
        time = uint40(bound(time, block.timestamp - 3 days, block.timestamp + 1 days));
        if (uint192(answer) % 3 == 0) answer = int192(int256(bound(answer, int256(MIN) - 2, int256(MAX) + 2)));
        feed.pushRound(answer, time);
        feed.setAnsweredLate(late);
        (uint256 read, , PriceFault fault) = oracles.chainlink(address(feed), heartbeat, MIN, MAX);
        bool sound =
            !late &&
                answer > int256(MIN) &&
                answer < int256(MAX) &&
                time <= block.timestamp &&
                block.timestamp - time <= heartbeat;
        assertEq(fault == PriceFault.None, sound);
        assertEq(read, sound ? uint256(int256(answer)) : 0);
    }

    // ------------------------------------------------------------------ continuity
    function test_L1_continuousWhenTheLatestRoundIsOlderThanSince() public {
        uint256 start = block.timestamp;
        skip(30 minutes);
        assertTrue(oracles.continuousSince(address(feed), HEARTBEAT, start));
        assertFalse(oracles.continuousSince(address(feed), HEARTBEAT, start - 1), "nothing is known from before");
        skip(31 minutes);
        assertFalse(oracles.continuousSince(address(feed), HEARTBEAT, start), "stale now");
    }

    function test_L1_gapAboveTheHeartbeatBreaksContinuity() public {
        uint256 start = block.timestamp;
        for (uint256 i; i < 5; ++i) {
            skip(i == 2 ? HEARTBEAT + 1 : HEARTBEAT);
            feed.setAnswer(2_000e8);
        }
        assertTrue(oracles.continuousSince(address(feed), HEARTBEAT, block.timestamp - 2 * HEARTBEAT));
        assertFalse(oracles.continuousSince(address(feed), HEARTBEAT, block.timestamp - 2 * HEARTBEAT - 1));
        assertFalse(oracles.continuousSince(address(feed), HEARTBEAT, start));
        assertTrue(oracles.continuousSince(address(feed), HEARTBEAT + 1, start));
    }

    function test_L1_continuityGivesUpAfterABoundedNumberOfRounds() public {
        uint256 start = block.timestamp;
        uint256 max = ChainlinkSource.MAX_ROUNDS;
        for (uint256 i; i < max; ++i) {
            skip(1);
            feed.setAnswer(2_000e8);
        }
        assertTrue(oracles.continuousSince(address(feed), HEARTBEAT, start));
        skip(1);
        feed.setAnswer(2_000e8);
        assertFalse(oracles.continuousSince(address(feed), HEARTBEAT, start));
        assertTrue(oracles.continuousSince(address(feed), HEARTBEAT, start + 1));
    }

    function test_L1_changeOfPhaseIsNotContinuous() public {
        uint256 start = block.timestamp;
        skip(10);
        feed.newPhase();
        feed.setAnswer(2_000e8);
        assertFalse(oracles.continuousSince(address(feed), HEARTBEAT, start));
        assertTrue(oracles.continuousSince(address(feed), HEARTBEAT, start + 10));
        skip(10);
        feed.setAnswer(2_000e8);
        assertTrue(oracles.continuousSince(address(feed), HEARTBEAT, start + 10));
    }

    function test_L1_roundsOutOfOrderAreNotContinuous() public {
        uint256 start = block.timestamp;
        skip(10);
        uint80 round = feed.latestRound();
        feed.setRound(round, 2_000e8, start + 9, true);
        feed.setRound(round + 1, 2_000e8, start + 8, true);
        assertTrue(oracles.continuousSince(address(feed), HEARTBEAT, start + 8));
        assertFalse(oracles.continuousSince(address(feed), HEARTBEAT, start + 7));
    }

    // ------------------------------------------------------------------ sequencer
    function test_O1_sequencerDownThenGrace() public {
        assertEq(uint256(oracles.sequencer(address(0), 3600)), uint256(PriceFault.None), "no feed, no rule");
        MockFeed uptime = new MockFeed(0, 0);
        assertEq(
            uint256(oracles.sequencer(address(uptime), 3600)),
            uint256(PriceFault.SequencerDown),
            "never reported"
        );
        uptime.pushRound(1, block.timestamp - 1 days);
        assertEq(uint256(oracles.sequencer(address(uptime), 3600)), uint256(PriceFault.SequencerDown));
        uptime.pushRound(0, block.timestamp);
        assertEq(uint256(oracles.sequencer(address(uptime), 3600)), uint256(PriceFault.SequencerGrace));
        skip(3600);
        assertEq(uint256(oracles.sequencer(address(uptime), 3600)), uint256(PriceFault.SequencerGrace));
        skip(1);
        assertEq(uint256(oracles.sequencer(address(uptime), 3600)), uint256(PriceFault.None));
        assertTrue(oracles.sequencerContinuousSince(address(uptime), block.timestamp - 3601));
        assertFalse(oracles.sequencerContinuousSince(address(uptime), block.timestamp - 3602));
        uptime.setFailure(MockFeed.Failure.Reverts);
        assertEq(uint256(oracles.sequencer(address(uptime), 3600)), uint256(PriceFault.SequencerDown));
    }
}
