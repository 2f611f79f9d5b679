// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IMarginEngine, PriceFault} from "../interfaces/IMarginEngine.sol";
import {AccountFlags} from "../types/AccountFlags.sol";
import {AccountId} from "../types/AccountId.sol";
import {AssetId} from "../types/AssetId.sol";
import {Holding, HoldingLib} from "../types/Holding.sol";
import {BaseTest} from "../test/BaseTest.sol";
import {DeviationRecord} from "../oracles/DeviationRecord.sol";
import {MockFeed} from "../test/MockFeed.sol";
import {MockTwapPool} from "../test/MockTwapPool.sol";
import {OracleHarness} from "../test/OracleHarness.sol";
import {RiskTest} from "../test/RiskTest.sol";

/// @title Moves prices, breaks sources and lets time pass; keeps its own book of what the sources say
/// @dev Somebody pokes after every step, as anybody may.
contract OracleActor is BaseTest {
    uint256 private constant HEARTBEAT = 1 hours;
    uint256 private constant T_DEV = 300;
    AssetId private constant WETH = AssetId.wrap(2);

    MockFeed private immutable usdc;
    MockFeed private immutable weth;
    MockFeed private immutable sequencer;
    MockTwapPool private immutable twap;
    DeviationRecord private immutable deviations;
    OracleHarness private immutable oracles = new OracleHarness();

    uint256 public since; // of the disagreement, by the poker's own book
    uint256 public lastSeen;
    int256 private _tick = -200_311;
    bool private _twapBroken;

    constructor(MockFeed usdc_, MockFeed weth_, MockFeed sequencer_, MockTwapPool twap_, DeviationRecord deviations_) {
        (usdc, weth, sequencer, twap, deviations) = (usdc_, weth_, sequencer_, twap_, deviations_);
    }

    function wait_(uint16 time) external {
        skip(time % 3 == 0 ? bound(time, 1, 2 hours) : bound(time, 1, T_DEV));
        _poke();
    }

    function moveBoth(int24 to) external {
        usdc.setAnswer(1e8);
        _setTick(bound(to, -230_000, -184_000)); // 100 to 10,000 USDC
        weth.setAnswer(int256(oracles.priceAtTick(_tick, 18, 6) / 1e10));
        _poke();
    }

    function moveFeed(uint32 cents) external {
        weth.setAnswer(int256(bound(cents, 1_000_00, 4_000_00) * 1e6));
        usdc.setAnswer(1e8);
        _poke();
    }

    function moveTwap(int16 by) external {
        _setTick(_tick + int256(bound(by, -500, 500)));
        _poke();
    }

    function depeg(uint16 bps) external {
        usdc.setAnswer(int256(bound(bps, 9_000, 10_500) * 1e4));
        _poke();
    }

    function breakFeed(uint8 how, bool settlement) external {
        MockFeed feed = settlement ? usdc : weth;
        how %= 7;
        if (how == 0) feed.setAnswer(0);
        if (how == 1) feed.setAnswer(-1);
        if (how == 2) feed.setAnswer(1e30);
        if (how == 3) feed.setUpdatedAt(block.timestamp - HEARTBEAT - 1);
        if (how == 4) feed.setAnsweredLate(true);
        if (how == 5) feed.setFailure(MockFeed.Failure.Reverts);
        if (how == 6) feed.pushRound(1_000e8, 0);
        _poke();
    }

    function mendFeeds() external {
        weth.setAnsweredLate(false);
        usdc.setAnsweredLate(false);
        weth.setFailure(MockFeed.Failure.None);
        usdc.setFailure(MockFeed.Failure.None);
        weth.setAnswer(2_000e8);
        usdc.setAnswer(1e8);
        _poke();
    }

    function breakTwap(bool broken) external {
        _twapBroken = broken;
        twap.setFailure(broken ? MockTwapPool.Failure.TooYoung : MockTwapPool.Failure.None);
        _poke();
    }

    function stopSequencer(bool down) external {
        sequencer.pushRound(down ? int256(1) : int256(0), block.timestamp);
        _poke();
    }

    // ------------------------------------------------------------------ the poker's own view
    function alive() public view returns (bool) {
        (, int256 answer, uint256 startedAt, , ) = sequencer.latestRoundData();
        return
            answer == 0 &&
            block.timestamp - startedAt > HEARTBEAT &&
            _price(weth, 1e14) != 0 &&
            _price(usdc, 1e10) != 0;
    }

    function agree() public view returns (bool) {
        uint256 average = _average();
        uint256 primary = _price(weth, 1e14) * 1e10;
        uint256 apart = average > primary ? average - primary : primary - average;
        return average != 0 && apart * 10_000 <= 200 * primary;
    }

    /// @notice Low and high for a liquidation.
    function sides() external view returns (uint256 low, uint256 high) {
        low = high = _price(weth, 1e14) * 1e10;
        uint256 average = _average();
        bool lasting = since != 0 && block.timestamp - since >= T_DEV && block.timestamp - lastSeen <= T_DEV;
        if (average == 0 || (!agree() && lasting)) return (low, high);
        if (average < low) low = average;
        else high = average;
    }

    function settlementPrice() external view returns (uint256) {
        return _price(usdc, 1e10) * 1e10;
    }

    function _average() private view returns (uint256) {
        if (_twapBroken) return 0;
        return (oracles.priceAtTick(_tick, 18, 6) * (_price(usdc, 1e10) * 1e10)) / 1e18;
    }

    function _price(MockFeed feed, uint256 max) private view returns (uint256) {
        try feed.latestRoundData() returns (uint80 round, int256 answer, uint256, uint256 time, uint80 answeredIn) {
            bool sound = answer > 0 && uint256(answer) < max && answeredIn == round && time != 0;
            return sound && block.timestamp - time <= HEARTBEAT ? uint256(answer) : 0;
        } catch {
            return 0;
        }
    }

    function _setTick(int256 tick) private {
        _tick = tick;
        twap.setTick(tick, 0);
    }

    function _poke() private {
        deviations.poke(WETH);
        if (!alive()) return;
        if (agree()) {
            (since, lastSeen) = (0, 0);
            return;
        }
        if (since == 0 || block.timestamp - lastSeen > T_DEV) since = block.timestamp;
        lastSeen = block.timestamp;
    }
}

contract OracleInvariantsTest is RiskTest {
    OracleActor private actor;

    function setUp() public override {
        super.setUp();
        haircuts[1].source = 1;
        head.sequencer = address(sequencer);
        rebuild();
        actor = new OracleActor(usdcFeed, wethFeed, sequencer, twap, deviations);
        targetContract(address(actor));
    }

    /// @dev Nothing but sound, agreeing sources lets new risk pass; a living primary never stops a liquidation, which uses
    /// the better price, and the primary's alone after T_dev of disagreement.
    function invariant_O1_badPricesNeverAllowNewRiskNorStopLiquidation() public view {
        Holding[] memory h = one(WETH, 1e18);
        bool alive = actor.alive();
        bool passes;
        try engine.initialMargin(AccountId.wrap(0), AccountFlags.wrap(0), h) returns (int256) {
            passes = true;
        } catch (bytes memory reason) {
            bytes4 error_ = bytes4(reason);
            assertEq(error_, alive ? IMarginEngine.NewRiskBlocked.selector : IMarginEngine.PriceUnusable.selector);
        }
        assertEq(passes, alive && actor.agree(), "new risk");

        try engine.liquidationMargin(AccountId.wrap(0), AccountFlags.wrap(0), h) returns (
            int256,
            int256 mtm,
            uint256,
            uint256
        ) {
            assertTrue(alive, "liquidation without a primary");
            (uint256 low, uint256 high) = actor.sides();
            uint256 unit = actor.settlementPrice();
            assertEq(mtm, int256((high * 1e18) / unit));
            h[0] = HoldingLib.pack(WETH, -1e18);
            (, mtm, , ) = engine.liquidationMargin(AccountId.wrap(0), AccountFlags.wrap(0), h);
            assertEq(mtm, -int256((low * 1e18 + unit - 1) / unit));
        } catch {
            assertFalse(alive, "liquidation stopped although the primary lives");
        }
        PriceFault fault = engine.priceState(WETH).fault;
        assertEq(fault == PriceFault.None, alive && actor.agree(), "priceState says the same");
    }
}
