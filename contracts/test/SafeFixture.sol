// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {WETH as WrappedEther} from "solady/src/tokens/WETH.sol";

import {MarginAccounts} from "../accounts/MarginAccounts.sol";
import {MarginAccountsAdmin} from "../accounts/MarginAccountsAdmin.sol";
import {MarginAccountsExtension} from "../accounts/MarginAccountsExtension.sol";
import {IMarginAccounts, PoolConfig} from "../interfaces/IMarginAccounts.sol";
import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {IDeviationRecord} from "../interfaces/IRisk.sol";
import {InsuranceFund} from "../liquidation/InsuranceFund.sol";
import {LiquidationAuction} from "../liquidation/LiquidationAuction.sol";
import {DeviationRecord} from "../oracles/DeviationRecord.sol";
import {EngineFactory} from "../risk/EngineFactory.sol";
import {LedgerTableFactory} from "../risk/LedgerTableFactory.sol";
import {SizeCheckpoints} from "../risk/SizeCheckpoints.sol";
import {AccountFlags} from "../types/AccountFlags.sol";
import {AccountId, AccountIdLib} from "../types/AccountId.sol";
import {AssetId, AssetIdLib} from "../types/AssetId.sol";
import {Holding} from "../types/Holding.sol";
import {Vault} from "../vaults/Vault.sol";
import {BaseTest} from "./BaseTest.sol";
import {MockFeed} from "./MockFeed.sol";
import {MockTwapPool} from "./MockTwapPool.sol";
import {FeedSpec, HaircutSpec, HeaderSpec, TableBuilder, TwapSpec} from "./TableBuilder.sol";
import {TestToken} from "./TestToken.sol";

/// @dev The parts of a deployment, handed around as one.
struct System {
    IMarginAccounts safe;
    LiquidationAuction auction;
    InsuranceFund fund;
    SizeCheckpoints checkpoints;
    DeviationRecord deviations;
    LedgerTableFactory tables;
    EngineFactory factory;
    address engine;
    Vault usdcVault;
    Vault wethVault;
    TestToken usdc;
    WrappedEther weth;
    TestToken wbtc;
    TestToken steth;
    MockFeed usdcFeed;
    MockFeed wethFeed;
    MockFeed wbtcFeed;
    MockFeed stethFeed;
    MockTwapPool twap;
}

/// @title The whole system, real but for tokens and feeds, for Solidity tests
/// @dev Pools USDC (6 decimals, settlement), WETH (18, the wrapped native), WBTC (8); idle STETH (18); vaults of USDC and
/// WETH whose shares are collateral. WETH and STETH are a group; WBTC has size brackets. The test contract is the
/// governor. Prices are USD with 8 decimals, `2_000e8`; STETH's feed has 18 decimals, which {setPrice} sees to.
abstract contract SafeFixture is BaseTest {
    uint24 internal constant HEARTBEAT = 1 hours;
    uint256 internal constant START = 1_700_000_000;

    AssetId internal constant USDC = AssetId.wrap(1);
    AssetId internal constant WETH = AssetId.wrap(2);
    AssetId internal constant WBTC = AssetId.wrap(3);
    AssetId internal constant STETH = AssetId.wrap(0x401);
    AssetId internal constant USDC_SHARE = AssetId.wrap(0x801);
    AssetId internal constant WETH_SHARE = AssetId.wrap(0x802);

    /// @dev 30,000 USDC (6) per WBTC (8): 1.0001^57041 = 299.98….
    int256 internal constant WBTC_TICK = 57_041;

    uint256 internal constant USDC_SEED = 5_000_000e6;
    uint256 internal constant WETH_SEED = 2_000e18;
    uint256 internal constant WBTC_SEED = 100e8;
    uint256 internal constant INSURANCE_SEED = 50_000e6;

    System internal sys;
    IMarginAccounts internal safe;
    AccessManager internal authority;
    LiquidationAuction internal auction;
    InsuranceFund internal fund;

    address internal lender;
    AccountId internal whale; // lends WBTC, which has no vault

    function setUp() public virtual {
        vm.warp(START);
        _deploySafe();
        _listAssets();
        _deployRisk();
        _deployLiquidation();
        _configure();
        _seed();
    }

    // ------------------------------------------------------------------ what a test may change
    /// @dev A second source for WBTC.
    function _hasTwap() internal view virtual returns (bool) {
        return false;
    }

    function _poolConfig() internal pure virtual returns (PoolConfig memory config) {
        config.supplyCap = type(uint96).max;
        config.borrowCap = type(uint96).max;
        config.maxUtilisation = 9_500;
        config.reservedPart = 1_000;
        config.settlementPart = 1_000;
        config.reserveFactor = 1_000;
    }

    function _auctionParameters() internal pure virtual returns (LiquidationAuction.Parameters memory p) {
        p.start = 0.98e18;
        p.cut = 0.8e18;
        p.fast = 10 minutes;
        p.slow = 2 hours;
        p.buffer = 0.15e18;
        p.dustThreshold = 10e18;
        p.insuranceTime = 20 minutes;
        p.q = 0.2e18;
        p.feePart = 100;
    }

    /// @dev In the order of the table: USDC, WETH, WBTC, STETH, share of USDC, share of WETH, (share of WBTC: none).
    function _haircuts() internal pure virtual returns (HaircutSpec[7] memory h) {
        (h[1].maintenance, h[1].initialExtra) = (500, 300);
        (h[2].maintenance, h[2].initialExtra) = (700, 300);
        (h[3].maintenance, h[3].initialExtra) = (1_000, 500);
        (h[4].maintenance, h[4].initialExtra) = (100, 50);
        (h[5].maintenance, h[5].initialExtra) = (600, 300);
        for (uint256 i = 1; i < 6; i += 2) {
            (h[i].group, h[i].groupMaintenance, h[i].groupInitialExtra) = (1, 200, 100);
        }
        (h[2].size1, h[2].addOn1, h[2].kappa) = (20e8, 300, 1_000);
    }

    // ------------------------------------------------------------------ deployment
    function _deploySafe() private {
        authority = new AccessManager(address(this));
        sys.weth = new WrappedEther();
        address wrapped = address(sys.weth);
        MarginAccountsAdmin admin = new MarginAccountsAdmin(address(authority), wrapped);
        MarginAccountsExtension extension = new MarginAccountsExtension(address(authority), wrapped, address(admin));
        safe = IMarginAccounts(address(new MarginAccounts(address(authority), address(extension), wrapped)));
        sys.safe = safe;
        sys.usdc = new TestToken("USD Coin", "USDC", 6);
        sys.wbtc = new TestToken("Wrapped Bitcoin", "WBTC", 8);
        sys.steth = new TestToken("Staked Ether", "STETH", 18);
    }

    function _listAssets() private {
        _list(address(sys.usdc), USDC);
        _list(address(sys.weth), WETH);
        _list(address(sys.wbtc), WBTC);
        _list(address(sys.steth), STETH);
        sys.usdcVault = new Vault(safe, USDC, "Plimsoll USDC", "pUSDC");
        sys.wethVault = new Vault(safe, WETH, "Plimsoll WETH", "pWETH");
        safe.setVault(USDC, address(sys.usdcVault));
        safe.setVault(WETH, address(sys.wethVault));
    }

    function _list(address token, AssetId expected) private {
        mint(token, address(this), 100);
        IERC20(token).approve(address(safe), 100);
        assertEq(AssetId.unwrap(safe.listAsset(token, expected.isPool(), 100)), AssetId.unwrap(expected));
    }

    function _deployRisk() private {
        sys.usdcFeed = new MockFeed(8, 1e8);
        sys.wethFeed = new MockFeed(8, 2_000e8);
        sys.wbtcFeed = new MockFeed(8, 30_000e8);
        sys.stethFeed = new MockFeed(18, 1_990e18);
        if (_hasTwap()) {
            sys.twap = new MockTwapPool(address(sys.wbtc), address(sys.usdc));
            sys.twap.setTick(WBTC_TICK, 0);
        }
        sys.deviations = new DeviationRecord(safe);
        sys.checkpoints = new SizeCheckpoints(safe, 500);
        sys.tables = new LedgerTableFactory();
        sys.factory = new EngineFactory(safe, IDeviationRecord(sys.deviations), sys.checkpoints, sys.tables);
        sys.engine = sys.factory.create(table());
        safe.setEngine(sys.engine);
    }

    /// @dev The risk table, as a governor's tools would pack it.
    function table() internal view returns (bytes memory data) {
        HaircutSpec[7] memory h = _haircuts();
        if (_hasTwap()) h[2].source = 1;
        data = _record(FeedSpec(address(sys.usdcFeed), HEARTBEAT, 8, 6, 0.01e8, 100e8), h[0]);
        data = bytes.concat(data, _record(FeedSpec(address(sys.wethFeed), HEARTBEAT, 8, 18, 1e8, 1_000_000e8), h[1]));
        data = bytes.concat(data, _record(FeedSpec(address(sys.wbtcFeed), HEARTBEAT, 8, 8, 10e8, 10_000_000e8), h[2]));
        data = bytes.concat(
            data,
            _record(FeedSpec(address(sys.stethFeed), HEARTBEAT, 18, 18, 1e18, 1_000_000e18), h[3])
        );
        // vault shares: price and decimals are their pool's; the last one is not listed
        data = bytes.concat(data, abi.encode(1, TableBuilder.word(h[4]), 1, TableBuilder.word(h[5]), 0, 0));
        HeaderSpec memory head;
        (head.pools, head.idles, head.settlementDecimals) = (3, 1, 6);
        (head.deviationDelay, head.grace) = (300, 3_600);
        if (_hasTwap()) {
            head.twaps = 1;
            data = bytes.concat(
                data,
                abi.encode(TableBuilder.word(TwapSpec(address(sys.twap), 30 minutes, USDC, 200, true, 0, 6)))
            );
        }
        return bytes.concat(data, TableBuilder.bytesOf(head));
    }

    function _record(FeedSpec memory feed, HaircutSpec memory haircut) private pure returns (bytes memory) {
        return abi.encode(TableBuilder.word(feed), TableBuilder.word(haircut));
    }

    function _deployLiquidation() private {
        auction = new LiquidationAuction(safe, _auctionParameters());
        safe.setAuction(address(auction));
        fund = new InsuranceFund(safe, address(authority));
        safe.setInsurance(fund.account());
        (sys.auction, sys.fund) = (auction, fund);
    }

    function _configure() private {
        safe.configurePool(USDC, _poolConfig());
        safe.configurePool(WETH, _poolConfig());
        safe.configurePool(WBTC, _poolConfig());
        safe.setCollateralCap(STETH, type(uint96).max >> 1, 0);
        safe.setCollateralCap(USDC_SHARE, type(uint96).max >> 1, 5_000);
        safe.setCollateralCap(WETH_SHARE, type(uint96).max >> 1, 5_000);
    }

    function _seed() private {
        lender = makeAddr("lender");
        give(lender, USDC, USDC_SEED);
        give(lender, WETH, WETH_SEED);
        vm.prank(lender);
        sys.usdcVault.deposit(USDC_SEED, lender);
        vm.prank(lender);
        sys.wethVault.deposit(WETH_SEED, lender);
        whale = AccountIdLib.make(makeAddr("whale"), 0);
        deposit(whale, WBTC, WBTC_SEED);
        mint(address(sys.usdc), address(this), INSURANCE_SEED);
        sys.usdc.approve(address(fund), INSURANCE_SEED);
        fund.donate(INSURANCE_SEED);
    }

    // ------------------------------------------------------------------ tokens
    function tokenOf(AssetId asset) internal view returns (address token) {
        (token, ) = safe.assetToken(asset);
    }

    /// @dev Makes `amount` of a token appear at `to`. Vault shares are bought.
    function mint(address token, address to, uint256 amount) internal {
        if (token == address(sys.weth)) {
            vm.deal(address(this), amount);
            sys.weth.deposit{value: amount}();
            sys.weth.transfer(to, amount);
        } else {
            TestToken(token).mint(to, amount);
        }
    }

    /// @dev Gives tokens to `user` and lets safe and vault take them.
    function give(address user, AssetId asset, uint256 amount) internal {
        address token = tokenOf(asset);
        mint(token, user, amount);
        vm.prank(user);
        IERC20(token).approve(address(safe), type(uint256).max);
        address vault = asset.isPool() ? safe.vaultOf(asset) : address(0);
        if (vault == address(0)) return;
        vm.prank(user);
        IERC20(token).approve(vault, type(uint256).max);
        vm.prank(user);
        IERC20(vault).approve(address(safe), type(uint256).max);
    }

    // ------------------------------------------------------------------ prices and time
    function feedOf(AssetId asset) internal view returns (MockFeed) {
        if (asset == USDC) return sys.usdcFeed;
        if (asset == WETH) return sys.wethFeed;
        return asset == WBTC ? sys.wbtcFeed : sys.stethFeed;
    }

    /// @dev A new round of the asset's primary; USD, 8 decimals.
    function setPrice(AssetId asset, uint256 price) internal {
        feedOf(asset).setAnswer(int256(asset == STETH ? price * 1e10 : price));
    }

    /// @dev Seconds pass, with a round of every feed at their end, and within every heartbeat.
    function pass(uint256 duration) internal {
        while (duration != 0) {
            uint256 step = duration < HEARTBEAT ? duration : HEARTBEAT;
            skip(step);
            refreshFeeds();
            duration -= step;
        }
    }

    /// @dev The same answers again, now.
    function refreshFeeds() internal {
        _refresh(sys.usdcFeed);
        _refresh(sys.wethFeed);
        _refresh(sys.wbtcFeed);
        _refresh(sys.stethFeed);
    }

    function _refresh(MockFeed feed) private {
        (, int256 answer, , , ) = feed.latestRoundData();
        feed.setAnswer(answer);
    }

    // ------------------------------------------------------------------ accounts
    function accountOf(address owner, uint96 index) internal pure returns (AccountId) {
        return AccountIdLib.make(owner, index);
    }

    /// @dev The owner gets tokens and deposits them.
    function deposit(AccountId account, AssetId asset, uint256 amount) internal {
        give(account.owner(), asset, amount);
        vm.prank(account.owner());
        safe.deposit(account, asset, amount);
    }

    /// @dev The owner gets tokens, lends them and deposits the shares as collateral.
    function depositShares(AccountId account, AssetId pool, uint256 assets) internal returns (uint256 shares) {
        address owner = account.owner();
        give(owner, pool, assets);
        Vault vault = Vault(safe.vaultOf(pool));
        vm.prank(owner);
        shares = vault.deposit(assets, owner);
        vm.prank(owner);
        safe.deposit(account, AssetIdLib.vaultShare(pool.number()), shares);
    }

    function borrow(AccountId account, AssetId asset, uint256 amount) internal {
        address owner = account.owner();
        vm.prank(owner);
        safe.borrow(account, asset, amount, owner);
    }

    function withdraw(AccountId account, AssetId asset, uint256 amount) internal returns (uint256) {
        address owner = account.owner();
        vm.prank(owner);
        return safe.withdraw(account, asset, amount, owner);
    }

    function repay(AccountId account, AssetId asset, uint256 amount) internal returns (uint256) {
        give(account.owner(), asset, amount == type(uint256).max ? debtOf(account, asset) : amount);
        vm.prank(account.owner());
        return safe.repay(account, asset, amount);
    }

    /// @dev As the bidder's owner, any price.
    function bid(AccountId account, AccountId bidder, uint256 fraction) internal returns (uint256 taken, int256 price) {
        vm.prank(bidder.owner());
        return safe.bid(account, bidder, fraction, type(int256).max);
    }

    function debtOf(AccountId account, AssetId asset) internal view returns (uint256) {
        int256 balance = safe.balanceOf(account, asset);
        return balance < 0 ? uint256(-balance) : 0;
    }

    // ------------------------------------------------------------------ margins
    function engine() internal view returns (IMarginEngine) {
        return IMarginEngine(safe.engine());
    }

    function initialOf(AccountId account) internal view returns (int256) {
        (AccountFlags flags, Holding[] memory holdings) = safe.portfolio(account);
        return engine().initialMargin(account, flags, holdings);
    }

    function maintenanceOf(AccountId account) internal view returns (int256 maintenance) {
        (maintenance, ) = liquidationOf(account);
    }

    function mtmOf(AccountId account) internal view returns (int256 mtm) {
        (, mtm) = liquidationOf(account);
    }

    function liquidationOf(AccountId account) internal view returns (int256 maintenance, int256 mtm) {
        (AccountFlags flags, Holding[] memory holdings) = safe.portfolio(account);
        (maintenance, mtm, , ) = engine().liquidationMargin(account, flags, holdings);
    }
}
