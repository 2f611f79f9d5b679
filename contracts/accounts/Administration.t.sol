// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

import {PoolConfig} from "../interfaces/IMarginAccounts.sol";
import {SafeTest} from "../test/SafeTest.sol";
import {FalseToken, FeeToken, NoReturnToken, RebasingToken} from "../test/HostileTokens.sol";
import {TestToken} from "../test/TestToken.sol";
import {AccountIdLib} from "../types/AccountId.sol";
import {AssetId} from "../types/AssetId.sol";
import {Vault} from "../vaults/Vault.sol";
import {IMarginAccounts} from "../interfaces/IMarginAccounts.sol";
import {MarginAccounts} from "./MarginAccounts.sol";
import {MarginAccountsAdmin} from "./MarginAccountsAdmin.sol";
import {MarginAccountsExtension} from "./MarginAccountsExtension.sol";
import {Delegating} from "./Delegating.sol";

/// @dev Announces that it rebases, as such tokens do.
contract SharesToken is TestToken {
    constructor() TestToken("Shares", "SHR", 18) {}

    function sharesOf(address who) external view returns (uint256) {
        return balanceOf(who);
    }
}

/// @title Listing, configuration, pauses, roles
contract AdministrationTest is SafeTest {
    function setUp() public override {
        super.setUp();
        equip(alice);
        equip(bob);
    }

    function _offer(address token, uint256 amount) private returns (bytes memory) {
        mint(token, address(this), 10 * amount);
        TestToken(token).approve(address(safe), MAX);
        return abi.encodeCall(safe.listAsset, (token, true, amount));
    }

    // ------------------------------------------------------------------ listing

    function test_RefusesATokenThatTakesAFee() public {
        FeeToken token = new FeeToken(18, 100);
        refuse(
            address(this),
            _offer(address(token), 10_000),
            abi.encodeWithSelector(TokenTakesFee.selector, address(token), 10_000, 9_900)
        );
    }

    function test_RefusesARebasingToken() public {
        SharesToken token = new SharesToken();
        refuse(
            address(this),
            _offer(address(token), 10_000),
            abi.encodeWithSelector(TokenRebases.selector, address(token))
        );
        // one that does not say so, but moves other amounts than it is told
        RebasingToken silent = new RebasingToken(18);
        bytes memory offer = _offer(address(silent), 10_001);
        silent.rebase(1.7e18);
        (bool ok, bytes memory reason) = attempt(address(this), address(safe), offer);
        assertFalse(ok);
        assertEq(bytes4(reason), TokenTakesFee.selector);
    }

    function test_RefusesOddDecimals() public {
        uint8[3] memory odd = [0, 1, 25];
        for (uint256 i; i < 3; ++i) {
            TestToken token = new TestToken("", "", odd[i]);
            refuse(
                address(this),
                _offer(address(token), 1),
                abi.encodeWithSelector(TokenDecimals.selector, address(token), odd[i])
            );
        }
        uint8[3] memory fine = [2, 8, 24];
        for (uint256 i; i < 3; ++i) {
            TestToken token = new TestToken("", "", fine[i]);
            (bool ok, ) = attempt(address(this), address(safe), _offer(address(token), 1));
            assertTrue(ok);
        }
    }

    function test_RefusesASecondListing() public {
        bytes memory reason = abi.encodeWithSelector(AlreadyListed.selector, address(sys.usdc));
        refuse(address(this), abi.encodeCall(safe.listAsset, (address(sys.usdc), true, 1)), reason);
        refuse(address(this), abi.encodeCall(safe.listAsset, (address(sys.usdc), false, 1)), reason);
        reason = abi.encodeWithSelector(AlreadyListed.selector, address(sys.usdcVault));
        refuse(address(this), abi.encodeCall(safe.listAsset, (address(sys.usdcVault), false, 1)), reason);
    }

    function test_RefusesAnythingBeforeTheSettlementAsset() public {
        IMarginAccounts fresh = _bare();
        TestToken token = new TestToken("", "", 18);
        token.mint(address(this), 10);
        token.approve(address(fresh), 10);
        vm.expectRevert(abi.encodeWithSelector(InvalidConfig.selector, bytes32("settlement first")));
        fresh.listAsset(address(token), false, 1);
        TestToken fine = new TestToken("", "", 24);
        fine.mint(address(this), 10);
        fine.approve(address(fresh), 10);
        vm.expectRevert(abi.encodeWithSelector(TokenDecimals.selector, address(fine), 24));
        fresh.listAsset(address(fine), true, 1);
        assertEq(AssetId.unwrap(fresh.listAsset(address(token), true, 1)), 1);
    }

    function _bare() private returns (IMarginAccounts) {
        MarginAccountsAdmin admin = new MarginAccountsAdmin(address(authority), address(sys.weth));
        MarginAccountsExtension extension = new MarginAccountsExtension(
            address(authority),
            address(sys.weth),
            address(admin)
        );
        return IMarginAccounts(address(new MarginAccounts(address(authority), address(extension), address(sys.weth))));
    }

    function test_TheWrapperNeedNotBeListed() public {
        IMarginAccounts fresh = _bare();
        vm.deal(address(this), 1);
        vm.expectRevert(abi.encodeWithSelector(NotWrappedNative.selector, 0));
        fresh.depositNative{value: 1}(AccountIdLib.make(address(this), 0), 1);
    }

    function test_PartsNeedCodeAndAddresses() public {
        vm.expectRevert(abi.encodeWithSelector(Delegating.NoCode.selector, stranger));
        new MarginAccounts(address(authority), stranger, address(sys.weth));
        vm.expectRevert(ZeroAddress.selector);
        new MarginAccountsAdmin(address(0), address(sys.weth));
        vm.expectRevert(ZeroAddress.selector);
        new MarginAccountsAdmin(address(authority), address(0));
    }

    /// The parts hold nothing and do nothing by themselves.
    function test_TheExtensionWorksThroughTheSafeAlone() public {
        MarginAccountsAdmin admin = new MarginAccountsAdmin(address(authority), address(sys.weth));
        MarginAccountsExtension extension = new MarginAccountsExtension(
            address(authority),
            address(sys.weth),
            address(admin)
        );
        vm.expectRevert(MarginAccountsExtension.OnlyThroughSafe.selector);
        extension.accrue(USDC);
        vm.expectRevert(MarginAccountsExtension.OnlyThroughSafe.selector);
        extension.cancelNonce(1);
        vm.deal(address(this), 1);
        (bool ok, ) = address(extension).call{value: 1}("");
        assertFalse(ok);
    }

    // ------------------------------------------------------------------ tokens that were listed

    function test_ATokenThatReturnsNothingWorks() public {
        NoReturnToken token = new NoReturnToken(6);
        AssetId asset = listPool(address(token));
        token.mint(alice, 100);
        vm.startPrank(alice);
        token.approve(address(safe), MAX);
        safe.deposit(aliceId, asset, 100);
        assertEq(safe.withdraw(aliceId, asset, MAX, bob), 100);
        vm.stopPrank();
        assertEq(token.balanceOf(bob), 100);
    }

    function test_ATokenThatSaysFalseIsRefused() public {
        FalseToken token = new FalseToken(18);
        AssetId asset = listIdle(address(token));
        token.mint(alice, 100);
        vm.startPrank(alice);
        token.approve(address(safe), MAX);
        safe.deposit(aliceId, asset, 50);
        vm.stopPrank();
        token.setFailing(true);
        bytes memory reason = abi.encodeWithSignature("SafeERC20FailedOperation(address)", address(token));
        refuse(alice, abi.encodeCall(safe.deposit, (aliceId, asset, 50)), reason);
        refuse(alice, abi.encodeCall(safe.withdraw, (aliceId, asset, 50, alice)), reason);
    }

    // ------------------------------------------------------------------ configuration

    function test_RefusesAConfigurationOutOfBounds() public {
        PoolConfig memory config = _poolConfig();
        config.maxUtilisation = 10_001;
        _refuseConfig(config, "maxUtilisation");
        config = _poolConfig();
        config.reservedPart = 10_001;
        _refuseConfig(config, "reservedPart");
        config = _poolConfig();
        config.settlementPart = 10_001;
        _refuseConfig(config, "settlementPart");
        config = _poolConfig();
        config.reserveFactor = 5_025;
        _refuseConfig(config, "reserveFactor");
        config.reserveFactor = 1_001;
        _refuseConfig(config, "reserveFactor");
        refuse(
            address(this),
            abi.encodeCall(safe.configurePool, (NOWHERE, _poolConfig())),
            abi.encodeWithSelector(AssetNotListed.selector, NOWHERE)
        );
    }

    function _refuseConfig(PoolConfig memory config, bytes32 field) private {
        refuse(
            address(this),
            abi.encodeCall(safe.configurePool, (USDC, config)),
            abi.encodeWithSelector(InvalidConfig.selector, field)
        );
    }

    function testFuzz_AConfigurationIsReadBack(
        uint96 supplyCap,
        uint96 borrowCap,
        uint16 a,
        uint16 b,
        uint16 c,
        uint8 d,
        bool e,
        bool f
    ) public {
        PoolConfig memory config = PoolConfig(
            supplyCap,
            borrowCap,
            a % 10_001,
            b % 10_001,
            c % 10_001,
            uint16(d % 201) * 25,
            e,
            f
        );
        safe.setOutflowLimit(USDC, 5, 10);
        safe.configurePool(USDC, config);
        PoolConfig memory read = _config(USDC);
        // caps keep nine bits, rounded down
        assertLe(read.supplyCap, supplyCap);
        assertGe(uint256(read.supplyCap) * 256, uint256(supplyCap) * 255);
        assertLe(read.borrowCap, borrowCap);
        assertGe(uint256(read.borrowCap) * 256, uint256(borrowCap) * 255);
        (read.supplyCap, read.borrowCap) = (supplyCap, borrowCap);
        assertEq(keccak256(abi.encode(read)), keccak256(abi.encode(config)));
        // what is not of the configuration stays
        assertEq(safe.outflowLeft(USDC), 5);
        (address token, uint8 decimals) = safe.assetToken(USDC);
        assertEq(token, address(sys.usdc));
        assertEq(decimals, 6);
        assertEq(safe.poolState(USDC).claims, USDC_SEED + INSURANCE_SEED);
    }

    /// A cap below what is held becomes what is held: nothing is trapped, nothing more comes in until some has left.
    function test_ACollateralCapBelowWhatIsHeldIsWhatIsHeld() public {
        deposit(aliceId, STETH, 10e18);
        safe.setCollateralCap(STETH, 4e18, 0);
        assertEq(safe.totalCollateral(STETH), 10e18);
        assertEq(safe.collateralRoom(STETH), 0);
        refuse(
            bob,
            abi.encodeCall(safe.deposit, (bobId, STETH, 1)),
            abi.encodeWithSelector(CollateralCapExceeded.selector, STETH, 0)
        );
        withdraw(aliceId, STETH, 7e18);
        assertEq(safe.totalCollateral(STETH), 3e18);
        safe.setCollateralCap(STETH, 4e18, 0);
        assertEq(safe.collateralRoom(STETH), 1e18);
        safe.setCollateralCap(STETH, 0, 0);
        assertEq(safe.totalCollateral(STETH), 3e18);
        withdraw(aliceId, STETH, MAX);
        assertEq(safe.totalCollateral(STETH), 0);
    }

    function test_RefusesCollateralCapsThatMeanNothing() public {
        refuse(
            address(this),
            abi.encodeCall(safe.setCollateralCap, (USDC, 1, 0)),
            abi.encodeWithSelector(AssetNotListed.selector, USDC)
        );
        refuse(
            address(this),
            abi.encodeCall(safe.setCollateralCap, (STETH, type(uint96).max, 0)),
            abi.encodeWithSelector(InvalidConfig.selector, bytes32("cap"))
        );
        refuse(
            address(this),
            abi.encodeCall(safe.setCollateralCap, (STETH, 1, 10_001)),
            abi.encodeWithSelector(InvalidConfig.selector, bytes32("maxPart"))
        );
        refuse(
            address(this),
            abi.encodeCall(safe.setOutflowLimit, (USDC, 1, 0)),
            abi.encodeWithSelector(InvalidConfig.selector, bytes32("window"))
        );
    }

    function test_AVaultIsSetOnceAndMustBeOfThePool() public {
        Vault again = new Vault(safe, USDC, "", "");
        refuse(
            address(this),
            abi.encodeCall(safe.setVault, (USDC, address(again))),
            abi.encodeWithSelector(AlreadySet.selector, bytes32("vault"))
        );
        refuse(
            address(this),
            abi.encodeCall(safe.setVault, (WBTC, address(again))),
            abi.encodeWithSelector(InvalidConfig.selector, bytes32("vault"))
        );
    }

    function test_PointersNeedCode() public {
        refuse(address(this), abi.encodeCall(safe.setEngine, (stranger)), _bad("engine"));
        refuse(address(this), abi.encodeCall(safe.setAuction, (stranger)), _bad("auction"));
        refuse(address(this), abi.encodeCall(safe.setPositions, (stranger)), _bad("positions"));
        refuse(address(this), abi.encodeCall(safe.setRateModel, (USDC, stranger)), _bad("model"));
    }

    function _bad(bytes32 field) private pure returns (bytes memory) {
        return abi.encodeWithSelector(InvalidConfig.selector, field);
    }

    // ------------------------------------------------------------------ roles

    function test_G1_StrangersGovernNothing() public {
        bytes memory reason = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, stranger);
        bytes[] memory doors = new bytes[](12);
        doors[0] = abi.encodeCall(safe.listAsset, (address(sys.usdc), true, 1));
        doors[1] = abi.encodeCall(safe.setVault, (USDC, stranger));
        doors[2] = abi.encodeCall(safe.configurePool, (USDC, _poolConfig()));
        doors[3] = abi.encodeCall(safe.setRateModel, (USDC, stranger));
        doors[4] = abi.encodeCall(safe.setCollateralCap, (STETH, 1, 1));
        doors[5] = abi.encodeCall(safe.setOutflowLimit, (USDC, 1, 1));
        doors[6] = abi.encodeCall(safe.setEngine, (stranger));
        doors[7] = abi.encodeCall(safe.setAuction, (stranger));
        doors[8] = abi.encodeCall(safe.setPositions, (stranger));
        doors[9] = abi.encodeCall(safe.setInsurance, (strangerId));
        doors[10] = abi.encodeCall(safe.pause, (1, uint40(block.timestamp + 1)));
        doors[11] = abi.encodeWithSignature("setAuthority(address)", stranger);
        for (uint256 i; i < doors.length; ++i) {
            refuse(stranger, doors[i], reason);
            if (i < 11) refuseStep(stranger, calls(doors[i]), 0, reason);
        }
    }

    /// The governor may act in a batch as well; nobody else becomes him by it.
    function test_G1_TheGovernorsBatchIsHis() public {
        batch(address(this), calls(abi.encodeCall(safe.pause, (7, uint40(block.timestamp + 1)))));
        (uint8 actions, ) = safe.pauses();
        assertEq(actions, 7);
    }

    // ------------------------------------------------------------------ pauses

    function _pause(uint8 actions) private {
        safe.pause(actions, uint40(block.timestamp + 1 hours));
    }

    function test_APauseStopsItsActionAndExpires() public {
        openLong(aliceId);
        bytes[3] memory doors = [
            abi.encodeCall(safe.borrow, (aliceId, USDC, 1e6, alice)),
            abi.encodeCall(safe.withdraw, (aliceId, WETH, 1e15, alice)),
            abi.encodeCall(safe.transfer, (aliceId, accountOf(alice, 1), WETH, 1e15, false))
        ];
        for (uint256 i; i < 3; ++i) {
            for (uint256 j; j < 3; ++j) {
                _pause(uint8(1 << i));
                uint256 snapshot = vm.snapshotState();
                if (i == j) {
                    refuse(alice, doors[j], abi.encodeWithSelector(ActionPaused.selector, 1 << i));
                    skip(1 hours);
                    refreshFeeds();
                    refuse(alice, doors[j], abi.encodeWithSelector(ActionPaused.selector, 1 << i));
                    skip(1);
                }
                (bool ok, ) = attempt(alice, address(safe), doors[j]);
                assertTrue(ok);
                vm.revertToState(snapshot);
            }
        }
    }

    function test_L1_A3_APauseNeverStopsTheWaysOut() public {
        openLong(aliceId);
        deposit(bobId, USDC, 500_000e6);
        _pause(7);
        vm.startPrank(alice);
        safe.deposit(aliceId, WETH, 1e18);
        safe.depositNative{value: 1e18}(aliceId, 1e18);
        safe.repay(aliceId, USDC, 1e6);
        vm.stopPrank();
        // without debt
        withdraw(bobId, USDC, 1e6);
        vm.prank(bob);
        safe.transfer(bobId, accountOf(bob, 1), USDC, 1e6, false);
        vm.prank(lender);
        sys.usdcVault.redeem(1e6, lender, lender);
        sys.usdc.mint(lender, 1e6);
        vm.prank(lender);
        sys.usdcVault.deposit(1e6, lender);
        // bids
        setPrice(WETH, 1_390e8);
        vm.prank(bob);
        safe.bid(aliceId, bobId, MAX, type(int256).max);
    }

    /// A session that pays all it owes ends without debt: no pause is in its way.
    function test_APauseJudgesByTheResult() public {
        openLong(aliceId);
        _pause(7);
        batch(
            alice,
            calls(
                abi.encodeCall(safe.withdraw, (aliceId, WETH, 10e18, alice)),
                abi.encodeCall(safe.repay, (aliceId, USDC, MAX))
            )
        );
        assertEq(safe.words(aliceId)[0], 0);
    }

    function test_APauseIsBounded() public {
        refuse(
            address(this),
            abi.encodeCall(safe.pause, (16, uint40(block.timestamp + 1))),
            abi.encodeWithSelector(InvalidConfig.selector, bytes32("actions"))
        );
        refuse(
            address(this),
            abi.encodeCall(safe.pause, (7, uint40(block.timestamp + 7 days + 1))),
            abi.encodeWithSelector(InvalidConfig.selector, bytes32("until"))
        );
    }
}
