// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IDeviationRecord} from "../interfaces/IRisk.sol";
import {MockFeed} from "../test/MockFeed.sol";
import {MockTwapPool} from "../test/MockTwapPool.sol";
import {RiskTest} from "../test/RiskTest.sol";

contract DeviationRecordTest is RiskTest {
    int256 private constant AGREES = -200_311;
    int256 private constant DIFFERS = -200_711; // 4 % below

    function setUp() public override {
        super.setUp();
        haircuts[1].source = 1;
        rebuild();
    }

    function _assertRun(uint256 since, uint256 lastSeen) private view {
        (uint256 isSince, uint256 isLastSeen) = deviations.disagreement(WETH);
        assertEq(isSince, since);
        assertEq(isLastSeen, lastSeen);
    }

    function test_O1_agreementIsNotRecorded() public {
        assertEq(deviations.poke(WETH), 0);
        assertEq(deviations.poke(WBTC), 0, "one source always agrees");
        _assertRun(0, 0);
    }

    function test_O1_aRunGoesOnWhileItIsSeenWithinTdev() public {
        twap.setTick(DIFFERS, 0);
        uint256 start = block.timestamp;
        vm.expectEmit(address(deviations));
        emit IDeviationRecord.DisagreementSeen(WETH, start);
        assertEq(deviations.poke(WETH), start);
        skip(300);
        assertEq(deviations.poke(WETH), start);
        _assertRun(start, start + 300);
        skip(301);
        assertEq(deviations.poke(WETH), block.timestamp, "unseen for longer than T_dev: a new run");
    }

    function test_O1_agreementEndsTheRun() public {
        twap.setTick(DIFFERS, 0);
        deviations.poke(WETH);
        skip(300);
        twap.setTick(AGREES, 0);
        vm.expectEmit(address(deviations));
        emit IDeviationRecord.DisagreementEnded(WETH);
        assertEq(deviations.poke(WETH), 0);
        _assertRun(0, 0);
        twap.setTick(DIFFERS, 0);
        assertEq(deviations.poke(WETH), block.timestamp);
    }

    function test_O1_aBrokenPrimarySaysNothing() public {
        twap.setTick(DIFFERS, 0);
        uint256 start = block.timestamp;
        deviations.poke(WETH);
        skip(100);
        wethFeed.setFailure(MockFeed.Failure.Reverts);
        assertEq(deviations.poke(WETH), start);
        _assertRun(start, start);
    }

    function test_O1_aDeadUnitSaysNothing() public {
        usdcFeed.setAnsweredLate(true);
        assertEq(deviations.poke(WETH), 0, "sources that cannot be compared do not disagree");
        _assertRun(0, 0);
        usdcFeed.setAnsweredLate(false);
        twap.setTick(DIFFERS, 0);
        uint256 start = block.timestamp;
        assertEq(deviations.poke(WETH), start);
        skip(100);
        usdcFeed.setFailure(MockFeed.Failure.Reverts);
        assertEq(deviations.poke(WETH), start);
        _assertRun(start, start);
    }

    function test_O1_aSecondSourceThatFailsDisagrees() public {
        twap.setFailure(MockTwapPool.Failure.TooYoung);
        assertEq(deviations.poke(WETH), block.timestamp);
    }

    function test_sharesPokeTheirPool() public {
        twap.setTick(DIFFERS, 0);
        deviations.poke(WETH_SHARE);
        _assertRun(block.timestamp, block.timestamp);
    }
}
