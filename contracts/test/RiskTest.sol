// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {DeviationRecord} from "../oracles/DeviationRecord.sol";
import {IMarginAccounts} from "../interfaces/IMarginAccounts.sol";
import {EngineFactory} from "../risk/EngineFactory.sol";
import {LedgerTableFactory} from "../risk/LedgerTableFactory.sol";
import {MarginEngine} from "../risk/MarginEngine.sol";
import {SizeCheckpoints} from "../risk/SizeCheckpoints.sol";
import {AccountFlags} from "../types/AccountFlags.sol";
import {AccountId} from "../types/AccountId.sol";
import {AssetId} from "../types/AssetId.sol";
import {Holding, HoldingLib} from "../types/Holding.sol";
import {BaseTest} from "./BaseTest.sol";
import {MockFeed} from "./MockFeed.sol";
import {MockTwapPool} from "./MockTwapPool.sol";
import {StubSafe} from "./StubSafe.sol";
import {FeedSpec, HaircutSpec, HeaderSpec, TableBuilder, TwapSpec} from "./TableBuilder.sol";
import {TestToken} from "./TestToken.sol";

/// @title A small market for tests of the risk contracts
/// @dev Pools USDC (6 decimals, settlement), WETH (18, second source), WBTC (8); idle STETH (18, feed of 18 decimals); all
/// three vault shares. Tests change `haircuts`, `feeds`, ... and call {rebuild}.
abstract contract RiskTest is BaseTest {
    uint24 internal constant HEARTBEAT = 1 hours;
    uint24 internal constant WINDOW = 30 minutes;
    uint256 internal constant ASSETS = 7;

    AssetId internal constant USDC = AssetId.wrap(1);
    AssetId internal constant WETH = AssetId.wrap(2);
    AssetId internal constant WBTC = AssetId.wrap(3);
    AssetId internal constant STETH = AssetId.wrap(0x401);
    AssetId internal constant USDC_SHARE = AssetId.wrap(0x801);
    AssetId internal constant WETH_SHARE = AssetId.wrap(0x802);

    StubSafe internal safe;
    DeviationRecord internal deviations;
    SizeCheckpoints internal checkpoints;
    LedgerTableFactory internal tables;
    EngineFactory internal factory;
    MarginEngine internal engine;
    MockFeed internal usdcFeed;
    MockFeed internal wethFeed;
    MockFeed internal wbtcFeed;
    MockFeed internal stethFeed;
    MockFeed internal sequencer;
    MockTwapPool internal twap;

    // The table: USDC, WETH, WBTC, STETH, shares of USDC, WETH, WBTC.
    HaircutSpec[ASSETS] internal haircuts;
    HaircutSpec[ASSETS] internal previous;
    FeedSpec[4] internal feeds;
    bool[ASSETS] internal unlisted;
    TwapSpec internal twapSpec;
    HeaderSpec internal head;

    function setUp() public virtual {
        vm.warp(1_700_000_000);
        safe = new StubSafe();
        IMarginAccounts accounts = IMarginAccounts(address(safe));
        deviations = new DeviationRecord(accounts);
        checkpoints = new SizeCheckpoints(accounts, 500);
        // By name, or every test contract would carry the factory's and the engine's code.
        tables = new LedgerTableFactory();
        bytes memory arguments = abi.encode(accounts, deviations, checkpoints, tables);
        bytes memory code = bytes.concat(vm.getCode("contracts/risk/EngineFactory.sol:EngineFactory"), arguments);
        address made;
        assembly ("memory-safe") {
            made := create(0, add(code, 0x20), mload(code))
        }
        factory = EngineFactory(made);

        address usdc = address(new TestToken("USD Coin", "USDC", 6));
        address weth = address(new TestToken("Wrapped Ether", "WETH", 18));
        safe.list(USDC, usdc, 6);
        safe.list(WETH, weth, 18);
        safe.list(WBTC, address(new TestToken("Wrapped BTC", "WBTC", 8)), 8);
        safe.list(STETH, address(new TestToken("Staked Ether", "STETH", 18)), 18);
        usdcFeed = new MockFeed(8, 1e8);
        wethFeed = new MockFeed(8, 2_000e8);
        wbtcFeed = new MockFeed(8, 30_000e8);
        stethFeed = new MockFeed(18, 1_990e18);
        sequencer = new MockFeed(0, 0);
        sequencer.pushRound(0, block.timestamp - 1 days);
        // WETH is token0; 2000 USDC (6) per WETH (18) is tick −200311 (1999.6…).
        twap = new MockTwapPool(weth, usdc);
        twap.setTick(-200_311, 0);

        feeds[0] = FeedSpec(address(usdcFeed), HEARTBEAT, 8, 6, 0.01e8, 100e8);
        feeds[1] = FeedSpec(address(wethFeed), HEARTBEAT, 8, 18, 1e8, 1_000_000e8);
        feeds[2] = FeedSpec(address(wbtcFeed), HEARTBEAT, 8, 8, 10e8, 10_000_000e8);
        feeds[3] = FeedSpec(address(stethFeed), HEARTBEAT, 18, 18, 1e18, 1_000_000e18);
        twapSpec = TwapSpec(address(twap), WINDOW, USDC, 200, true, 0, 6);
        head = HeaderSpec(3, 1, 1, 6, 300, 3600, address(0), 0, 0, address(0));

        haircuts[1] = haircut(500, 300);
        haircuts[2] = haircut(700, 300);
        haircuts[3] = haircut(1000, 500);
        haircuts[4] = haircut(100, 50);
        haircuts[5] = haircut(600, 300);
        haircuts[6] = haircut(800, 300);
        rebuild();
    }

    function haircut(uint16 mm, uint16 extra) internal pure returns (HaircutSpec memory spec) {
        spec.maintenance = mm;
        spec.initialExtra = extra;
    }

    /// @dev STETH and WETH in group 1.
    function useGroup(uint16 mm, uint16 extra) internal {
        for (uint256 i = 1; i < 6; i += 2) {
            (haircuts[i].group, haircuts[i].groupMaintenance, haircuts[i].groupInitialExtra) = (1, mm, extra);
        }
    }

    function table() internal view returns (bytes memory data) {
        if (head.rampEnd != 0) {
            for (uint256 i; i < ASSETS; ++i) {
                data = abi.encodePacked(data, unlisted[i] ? 0 : TableBuilder.word(previous[i]));
            }
        }
        for (uint256 i; i < ASSETS; ++i) {
            if (unlisted[i]) {
                data = bytes.concat(data, new bytes(64));
                continue;
            }
            uint256 feed = i < 4 ? TableBuilder.word(feeds[i]) : 1;
            data = abi.encodePacked(data, feed, TableBuilder.word(haircuts[i]));
        }
        if (head.twaps != 0) data = abi.encodePacked(data, TableBuilder.word(twapSpec));
        return abi.encodePacked(data, TableBuilder.bytesOf(head));
    }

    /// @dev Makes the table the engine's without the factory's checks.
    function rebuild() internal {
        address place = makeAddr("engine");
        vm.etch(place, abi.encodePacked(factory.template().code, table()));
        engine = MarginEngine(place);
        safe.setEngine(place);
    }

    function refreshFeeds() internal {
        usdcFeed.setUpdatedAt(block.timestamp);
        wethFeed.setUpdatedAt(block.timestamp);
        wbtcFeed.setUpdatedAt(block.timestamp);
        stethFeed.setUpdatedAt(block.timestamp);
    }

    // ------------------------------------------------------------------ holdings
    function one(AssetId a, int256 x) internal pure returns (Holding[] memory list) {
        list = new Holding[](1);
        list[0] = HoldingLib.pack(a, x);
    }

    function two(AssetId a, int256 x, AssetId b, int256 y) internal pure returns (Holding[] memory list) {
        list = new Holding[](2);
        list[0] = HoldingLib.pack(a, x);
        list[1] = HoldingLib.pack(b, y);
    }

    function three(
        AssetId a,
        int256 x,
        AssetId b,
        int256 y,
        AssetId c,
        int256 z
    ) internal pure returns (Holding[] memory list) {
        list = new Holding[](3);
        list[0] = HoldingLib.pack(a, x);
        list[1] = HoldingLib.pack(b, y);
        list[2] = HoldingLib.pack(c, z);
    }

    function initial(Holding[] memory list) internal view returns (int256) {
        return engine.initialMargin(AccountId.wrap(0), AccountFlags.wrap(0), list);
    }

    function maintenance(Holding[] memory list) internal view returns (int256 mm) {
        (mm, , ) = liquidation(list);
    }

    function liquidation(Holding[] memory list) internal view returns (int256, int256, uint256) {
        (int256 mm, int256 mtm, uint256 debts, ) = engine.liquidationMargin(
            AccountId.wrap(0),
            AccountFlags.wrap(0),
            list
        );
        return (mm, mtm, debts);
    }

    function mid(Holding[] memory list) internal view returns (int256, int256, int256) {
        return engine.midMargin(AccountId.wrap(0), AccountFlags.wrap(0), list);
    }
}
