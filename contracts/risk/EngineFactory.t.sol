// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IEngineFactory} from "../interfaces/IRisk.sol";
import {PriceFault} from "../interfaces/IMarginEngine.sol";
import {AssetId, AssetIdLib} from "../types/AssetId.sol";
import {MockFeed} from "../test/MockFeed.sol";
import {MockTwapPool} from "../test/MockTwapPool.sol";
import {RiskTest} from "../test/RiskTest.sol";
import {HaircutSpec, TableBuilder} from "../test/TableBuilder.sol";
import {TestToken} from "../test/TestToken.sol";
import {MarginEngine} from "./MarginEngine.sol";

/// @title What the factory refuses, by name (DESIGN 9)
contract EngineFactoryTest is RiskTest {
    function setUp() public override {
        super.setUp();
        safe.setEngine(address(0));
        haircuts[1].source = 1;
    }

    // ------------------------------------------------------------------ what it makes
    function test_G1_engineCarriesItsTable() public {
        bytes memory t = table();
        engine = MarginEngine(factory.create(t));
        assertEq(engine.table(), t);
        assertTrue(factory.isEngine(address(engine)));
        assertFalse(factory.isEngine(factory.template()));
        assertEq(address(engine).code, bytes.concat(factory.template().code, t));
        assertEq(factory.predecessorOf(address(engine)), address(0));
        assertEq(initial(two(WBTC, 1e8, USDC, -1_000e6)), 26_000e18);
    }

    function test_G1_sizeIsBoundedByTheCodeLimit() public {
        // 250 more idle assets, not listed: 64 zero bytes each.
        for (uint16 i = 2; i < 252; ++i) {
            safe.list(AssetIdLib.idle(i), address(1), 18);
        }
        head.idles = 251;
        bytes memory t = table();
        t = bytes.concat(_slice(t, 0, 64 * 4), new bytes(64 * 250), _slice(t, 64 * 4, t.length));
        _expectTable("size", factory.template().code.length + t.length);
        factory.create(t);
    }

    // ------------------------------------------------------------------ header
    function test_refusesABadHeader() public {
        _expectTable("length", 63);
        factory.create(new bytes(63));
        _expectTable("version", 0);
        factory.create(new bytes(64));
        bytes memory longer = bytes.concat(hex"00", table());
        _expectTable("length", longer.length);
        factory.create(longer);

        head.pools = 2;
        _expectTable("length", table().length);
        factory.create(table());
        head.pools = 3;
        safe.list(AssetIdLib.idle(2), address(1), 18);
        _refuseTable("idles", 1);
        safe.list(AssetIdLib.pool(4), address(1), 18);
        _refuseTable("pools", 3);
    }

    function test_refusesHeaderFieldsOutOfBounds() public {
        (head.deviationDelay) = 301;
        _refuseTable("deviationDelay", 301);
        head.deviationDelay = 0;
        _refuseTable("deviationDelay", 0);
        head.deviationDelay = 300;
        head.grace = 86_401;
        _refuseTable("grace", 86_401);
        head.grace = 3_600;
        head.settlementDecimals = 8;
        _refuseTable("decimals", 8);
        head.settlementDecimals = 6;
        head.sequencer = address(0xdead);
        _refuseTable("sequencer", 0xdead);
        head.sequencer = address(sequencer);
        sequencer.pushRound(5, block.timestamp);
        _refuseTable("sequencer", uint160(address(sequencer)));
        sequencer.setFailure(MockFeed.Failure.Reverts);
        _refuseTable("sequencer", uint160(address(sequencer)));
        sequencer.setFailure(MockFeed.Failure.None);
        sequencer.pushRound(1, block.timestamp);
        factory.create(table());
    }

    function test_refusesASecondSourceOfTheSettlementAsset() public {
        haircuts[0].source = 1;
        _refuse(USDC, "source", 1);
    }

    // ------------------------------------------------------------------ feeds
    function test_refusesFeedsThatDoNotFit() public {
        feeds[2].tokenDecimals = 9;
        _refuse(WBTC, "tokenDecimals", 9);
        feeds[2].tokenDecimals = 8;
        feeds[2].feedDecimals = 9;
        _refuse(WBTC, "feedDecimals", 9);
        feeds[2].feedDecimals = 8;
        feeds[2].heartbeat = 0;
        _refuse(WBTC, "heartbeat", 0);
        feeds[2].heartbeat = 2 days + 1;
        _refuse(WBTC, "heartbeat", 2 days + 1);
        feeds[2].heartbeat = HEARTBEAT;
        feeds[2].feed = address(0xfeed);
        _refuse(WBTC, "feed", 0xfeed);
        feeds[2].feed = address(this);
        _refuse(WBTC, "feed", uint160(address(this)));
        feeds[2].feed = address(wbtcFeed);
        uint256 min = feeds[2].minAnswer;
        feeds[2].minAnswer = feeds[2].maxAnswer;
        _refuse(WBTC, "minAnswer", TableBuilder.unfloat(feeds[2].maxAnswer));
        feeds[2].minAnswer = min;
        feeds[2].maxAnswer = 1 << 71; // × 1e10 is above 2^104
        _refuse(WBTC, "maxAnswer", 1 << 71);
        feeds[2].maxAnswer = 29_000e8;
        _refuse(WBTC, "feedFault", uint256(PriceFault.Clamped));
        feeds[2].maxAnswer = 1e15;
        wbtcFeed.setUpdatedAt(block.timestamp - HEARTBEAT - 1);
        _refuse(WBTC, "feedFault", uint256(PriceFault.Stale));
    }

    function test_refusesTokenDecimalsOutOfRange() public {
        uint8[2] memory odd = [1, 25];
        for (uint256 i; i < 2; ++i) {
            vm.mockCall(
                address(safe),
                abi.encodeWithSignature("assetToken(uint16)", WBTC),
                abi.encode(address(1), odd[i])
            );
            feeds[2].tokenDecimals = odd[i];
            _refuse(WBTC, "tokenDecimals", odd[i]);
        }
    }

    // ------------------------------------------------------------------ haircuts
    function test_refusesHaircutsOutOfBounds() public {
        HaircutSpec memory good = haircuts[3];
        haircuts[3].maintenance = 9_600;
        _refuse(STETH, "haircut", 10_100);
        haircuts[3] = good;
        (haircuts[3].size1, haircuts[3].addOn1) = (1e18, 8_501);
        _refuse(STETH, "haircut", 10_001);
        (haircuts[3].size1, haircuts[3].addOn1) = (0, 1);
        _refuse(STETH, "bracket1", 0);
        (haircuts[3].size1, haircuts[3].addOn1) = (1 << 60, 0);
        _refuse(STETH, "bracket1", 1 << 60);
        (haircuts[3].size1, haircuts[3].addOn1) = (1 << 60, 1);
        (haircuts[3].size2, haircuts[3].addOn2) = (1 << 60, 1);
        _refuse(STETH, "bracket2", 1 << 60);
        (haircuts[3].size2, haircuts[3].addOn2) = (1 << 61, 0);
        _refuse(STETH, "bracket2", 1 << 61);
        haircuts[3] = good;
        (haircuts[3].size2, haircuts[3].addOn2) = (1 << 61, 1);
        _refuse(STETH, "bracket2", 1 << 61);
        haircuts[3] = good;
        haircuts[3].kappa = 10_001;
        _refuse(STETH, "kappa", 10_001);
    }

    function test_refusesGroupsThatDoNotFit() public {
        HaircutSpec memory good = haircuts[3];
        haircuts[3].groupMaintenance = 1;
        _refuse(STETH, "group", 1);
        haircuts[3].group = 1;
        haircuts[3].groupMaintenance = 1_001;
        _refuse(STETH, "groupMM", 1_001);
        haircuts[3].groupMaintenance = 1_000;
        haircuts[3].groupInitialExtra = 501;
        _refuse(STETH, "groupIM", 1_501);
        haircuts[3] = good;
        useGroup(50, 50);
        haircuts[3].groupInitialExtra = 60;
        _refuse(STETH, "group", 1);
        useGroup(50, 50);
        (haircuts[5].group, haircuts[5].groupMaintenance, haircuts[5].groupInitialExtra) = (0, 0, 0);
        _refuse(WETH_SHARE, "group", 0);
        useGroup(50, 50);
        factory.create(table());
    }

    function test_refusesSharesThatCouldLendToThemselvesForEver() public {
        haircuts[5].maintenance = 99;
        _refuse(WETH_SHARE, "shareHaircut", 99);
        haircuts[5].maintenance = 100;
        haircuts[5].source = 1;
        _refuse(WETH_SHARE, "source", 1);
    }

    function test_refusesStrayBits() public {
        bytes memory t = table();
        // Flags of the last pool's feed word; rest of its haircut word; feed bits of a share.
        _refuseBit(t, 64 * 2 + 31, 0x02, WBTC, "flags", 3);
        _refuseBit(t, 64 * 2 + 63, 0x01, WBTC, "rest", 1);
        _refuseBit(t, 64 * 4 + 31, 0x02, USDC_SHARE, "feed", 3);
        // Unlisted: all zero.
        for (uint256 i; i < 31; ++i) {
            t[64 * 2 + i] = 0;
        }
        t[64 * 2 + 31] = 0x02;
        vm.expectRevert(abi.encodeWithSelector(IEngineFactory.BadAsset.selector, WBTC, bytes32("flags"), 2));
        factory.create(t);
        t[64 * 2 + 31] = 0;
        vm.expectRevert(abi.encodeWithSelector(IEngineFactory.BadAsset.selector, WBTC, bytes32("unlisted"), 0));
        factory.create(t);
        for (uint256 i; i < 32; ++i) {
            t[64 * 2 + 32 + i] = 0;
        }
        vm.expectRevert(
            abi.encodeWithSelector(IEngineFactory.BadAsset.selector, AssetIdLib.vaultShare(3), bytes32("pool"), 3)
        );
        factory.create(t);
        for (uint256 i; i < 64; ++i) {
            t[64 * 6 + i] = 0;
        }
        factory.create(t);
    }

    // ------------------------------------------------------------------ second sources
    function test_refusesSecondSourcesThatDoNotFit() public {
        haircuts[1].source = 2;
        _refuse(WETH, "source", 2);
        haircuts[1].source = 1;
        twapSpec.window = 59;
        _refuse(WETH, "window", 59);
        twapSpec.window = 1 days + 1;
        _refuse(WETH, "window", 1 days + 1);
        twapSpec.window = WINDOW;
        twapSpec.deviation = 9;
        _refuse(WETH, "deviation", 9);
        twapSpec.deviation = 2_001;
        _refuse(WETH, "deviation", 2_001);
        twapSpec.deviation = 200;
        twapSpec.quote = WETH;
        _refuse(WETH, "quote", 2);
        twapSpec.quote = USDC_SHARE;
        _refuse(WETH, "quote", 0x801);
        twapSpec.quote = AssetIdLib.pool(9);
        _refuse(WETH, "quote", 9);
        twapSpec.quote = USDC;
        twapSpec.quoteDecimals = 18;
        _refuse(WETH, "quoteDecimals", 18);
        twapSpec.quoteDecimals = 6;
        twapSpec.baseIsToken0 = false;
        _refuse(WETH, "twapToken0", uint160(twap.token1()));
        twapSpec.baseIsToken0 = true;
        twap.setFailure(MockTwapPool.Failure.TooYoung);
        _refuse(WETH, "twapFault", 0);
        twapSpec.pool = address(0xdead);
        _refuse(WETH, "twapPool", 0xdead);
        twapSpec.pool = address(new MockTwapPool(twap.token0(), address(wethFeed)));
        _refuse(WETH, "twapToken1", uint160(twap.token1()));
    }

    // ------------------------------------------------------------------ ramps
    function test_G1_valueIsLoweredOnlyByARamp() public {
        _inForce();
        HaircutSpec memory good = haircuts[2];
        haircuts[2].maintenance = 701;
        haircuts[2].initialExtra = 299;
        _refuseRamp(WBTC, "hMM", 701, 700);
        haircuts[2] = good;
        haircuts[2].initialExtra = 301;
        _refuseRamp(WBTC, "hIM", 1_001, 1_000);
        haircuts[2] = good;
        (haircuts[2].size1, haircuts[2].addOn1) = (1 << 60, 1);
        _refuseRamp(WBTC, "addOn1", 1, 0);
        haircuts[2] = good;

        (haircuts[3].size1, haircuts[3].addOn1) = (1 << 60, 10);
        (haircuts[3].size2, haircuts[3].addOn2) = (1 << 61, 10);
        haircuts[3].kappa = 10;
        useGroup(50, 50);
        safe.setEngine(address(0));
        _inForce();
        good = haircuts[3];
        haircuts[3].size1 = 1 << 59;
        _refuseRamp(STETH, "bracket1", 1 << 60, 1 << 59);
        haircuts[3] = good;
        haircuts[3].addOn2 = 11;
        _refuseRamp(STETH, "addOn2", 11, 10);
        haircuts[3] = good;
        haircuts[3].size2 = (1 << 61) - (1 << 50);
        _refuseRamp(STETH, "bracket2", 1 << 61, (1 << 61) - (1 << 50));
        haircuts[3] = good;
        haircuts[3].kappa = 11;
        _refuseRamp(STETH, "kappa", 11, 10);
        haircuts[3] = good;
        useGroup(51, 49);
        _refuseRamp(WETH, "groupMM", 51, 50);
        useGroup(50, 51);
        _refuseRamp(WETH, "groupIM", 101, 100);
        useGroup(50, 50);
        // Leaving the group at once would end its discount at once.
        (haircuts[3].group, haircuts[3].groupMaintenance, haircuts[3].groupInitialExtra) = (0, 0, 0);
        _refuseRamp(STETH, "group", 0, 1);
        haircuts[3] = good;
        factory.create(table());
    }

    function test_G1_rampsStartFromWhatIsInForceAndLastADay() public {
        _inForce();
        previous = haircuts;
        haircuts[2] = haircut(5_000, 0);
        (head.rampStart, head.rampEnd) = (uint40(block.timestamp - 1), uint40(block.timestamp + 2 days));
        _refuseTable("ramp.start", block.timestamp - 1);
        (head.rampStart, head.rampEnd) = (uint40(block.timestamp), uint40(block.timestamp + 1 days - 1));
        _refuseTable("ramp.end", block.timestamp + 1 days - 1);
        head.rampEnd += 1;
        previous[2].maintenance = 701;
        _refuseRamp(WBTC, "hMM", 701, 700);
        previous[2].maintenance = 700;
        previous[2].group = 3;
        _refuse(WBTC, "ramp.group", 3);
        previous[2].group = 0;
        address next = factory.create(table());
        // During its own ramp a table may be replaced only by one that starts as lax as both of the ramp's ends.
        safe.setEngine(next);
        engine = MarginEngine(next);
        skip(12 hours);
        refreshFeeds();
        (uint256 im, ) = engine.haircuts(WBTC, 1);
        assertEq(im, (0.1e18 + 0.5e18) / 2);
        (head.rampStart, head.rampEnd) = (0, 0);
        haircuts[2] = haircut(3_000, 0);
        _refuseRamp(WBTC, "hMM", 3_000, 700);
        haircuts[2] = haircut(700, 300);
        factory.create(table());
        // After it, only its end counts.
        skip(12 hours);
        refreshFeeds();
        haircuts[2] = haircut(5_000, 0);
        factory.create(table());
    }

    function test_G1_nothingInForceIsDropped() public {
        _inForce();
        bytes memory t = table();
        for (uint256 i; i < 64; ++i) {
            (t[64 * 3 + i]) = 0;
        }
        vm.expectRevert(abi.encodeWithSelector(IEngineFactory.AssetDropped.selector, STETH));
        factory.create(t);
    }

    function test_G1_newAssetsNeedNoRamp() public {
        _inForce();
        safe.list(AssetIdLib.idle(2), address(new TestToken("New", "NEW", 8)), 8);
        head.idles = 2;
        bytes memory t = table();
        bytes memory more = abi.encodePacked(TableBuilder.word(feeds[2]), TableBuilder.word(haircut(9_000, 500)));
        t = bytes.concat(_slice(t, 0, 64 * 4), more, _slice(t, 64 * 4, t.length));
        MarginEngine next = MarginEngine(factory.create(t));
        (uint256 im, ) = next.haircuts(AssetIdLib.idle(2), 1);
        assertEq(im, 0.95e18);
    }

    function test_G1_successorsAreThoseCheckedAgainstTheEngineInForce() public {
        vm.expectRevert(abi.encodeWithSelector(IEngineFactory.UnknownEngine.selector, address(this)));
        factory.requireSuccessor(address(this));
        address first = factory.create(table());
        address other = factory.create(table());
        factory.requireSuccessor(first);
        safe.setEngine(other);
        vm.expectRevert(abi.encodeWithSelector(IEngineFactory.NotSuccessor.selector, first, other));
        factory.requireSuccessor(first);
        previous = haircuts;
        uint256 start = block.timestamp + 7 days;
        (head.rampStart, head.rampEnd) = (uint40(start), uint40(start + 1 days));
        address ramped = factory.create(table());
        factory.requireSuccessor(ramped);
        skip(7 days + 1);
        vm.expectRevert(abi.encodeWithSelector(IEngineFactory.RampStarted.selector, ramped, start));
        factory.requireSuccessor(ramped);
    }

    // ------------------------------------------------------------------ helpers
    function _inForce() private {
        safe.setEngine(factory.create(table()));
    }

    function _expectTable(bytes32 field, uint256 value) private {
        vm.expectRevert(abi.encodeWithSelector(IEngineFactory.BadTable.selector, field, value));
    }

    function _refuseTable(bytes32 field, uint256 value) private {
        bytes memory t = table();
        _expectTable(field, value);
        factory.create(t);
    }

    function _refuse(AssetId asset, bytes32 field, uint256 value) private {
        bytes memory t = table();
        vm.expectRevert(abi.encodeWithSelector(IEngineFactory.BadAsset.selector, asset, field, value));
        factory.create(t);
    }

    function _refuseRamp(AssetId asset, bytes32 field, uint256 value, uint256 limit) private {
        bytes memory t = table();
        vm.expectRevert(abi.encodeWithSelector(IEngineFactory.RampNeeded.selector, asset, field, value, limit));
        factory.create(t);
    }

    function _refuseBit(bytes memory t, uint256 place, uint8 bit, AssetId asset, bytes32 field, uint256 value) private {
        bytes1 before = t[place];
        t[place] = before | bytes1(bit);
        vm.expectRevert(abi.encodeWithSelector(IEngineFactory.BadAsset.selector, asset, field, value));
        factory.create(t);
        t[place] = before;
    }

    function _slice(bytes memory data, uint256 from, uint256 to) private pure returns (bytes memory part) {
        part = new bytes(to - from);
        for (uint256 i; i < part.length; ++i) {
            part[i] = data[from + i];
        }
    }
}
