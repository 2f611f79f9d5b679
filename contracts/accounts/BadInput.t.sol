// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

import {IMarginEngine, PriceFault} from "../interfaces/IMarginEngine.sol";
import {ILiquidationAuction} from "../interfaces/ILiquidationAuction.sol";
import {PoolConfig} from "../interfaces/IMarginAccounts.sol";
import {SafeTest} from "../test/SafeTest.sol";
import {AccountId} from "../types/AccountId.sol";
import {AssetId} from "../types/AssetId.sol";

/// @title Bad input meets a named error with its arguments, and nothing changes
contract BadInputTest is SafeTest {
    function setUp() public override {
        super.setUp();
        equip(alice);
        equip(bob);
        openLong(aliceId);
        deposit(bobId, USDC, 500_000e6);
    }

    // ------------------------------------------------------------------ amounts

    function test_RefusesZeroAmounts() public {
        bytes memory zero = abi.encodeWithSelector(ZeroAmount.selector);
        refuse(alice, abi.encodeCall(safe.deposit, (aliceId, WETH, 0)), zero);
        refuse(alice, abi.encodeCall(safe.deposit, (aliceId, STETH, 0)), zero);
        refuse(alice, abi.encodeCall(safe.withdraw, (aliceId, WETH, 0, alice)), zero);
        refuse(alice, abi.encodeCall(safe.borrow, (aliceId, USDC, 0, alice)), zero);
        refuse(alice, abi.encodeCall(safe.repay, (aliceId, USDC, 0)), zero);
        refuse(alice, abi.encodeCall(safe.transfer, (aliceId, accountOf(alice, 1), WETH, 0, false)), zero);
        refuse(alice, abi.encodeCall(safe.depositNative, (aliceId, 0)), zero);
        refuse(alice, abi.encodeCall(safe.withdrawNative, (aliceId, 0, alice)), zero);
        refuse(address(this), abi.encodeCall(safe.listAsset, (makeAddr("token"), true, 0)), zero);
    }

    /// Everything of nothing is nothing.
    function test_RefusesAllOfAnEmptyBalance() public {
        bytes memory zero = abi.encodeWithSelector(ZeroAmount.selector);
        refuse(alice, abi.encodeCall(safe.withdraw, (aliceId, STETH, MAX, alice)), zero);
        refuse(alice, abi.encodeCall(safe.withdraw, (aliceId, WBTC, MAX, alice)), zero);
        // of a debt, too
        refuse(alice, abi.encodeCall(safe.withdraw, (aliceId, USDC, MAX, alice)), zero);
        refuse(alice, abi.encodeCall(safe.transfer, (aliceId, accountOf(alice, 1), USDC, MAX, true)), zero);
    }

    function test_RefusesMoreThanTheBalance() public {
        bytes memory reason = abi.encodeWithSelector(InsufficientBalance.selector, bobId, USDC, 500_000e6);
        refuse(bob, abi.encodeCall(safe.withdraw, (bobId, USDC, 500_000e6 + 1, bob)), reason);
        refuse(bob, abi.encodeCall(safe.transfer, (bobId, aliceId, USDC, 500_000e6 + 1, false)), reason);
        refuse(
            bob,
            abi.encodeCall(safe.withdraw, (bobId, STETH, 1, bob)),
            abi.encodeWithSelector(InsufficientBalance.selector, bobId, STETH, 0)
        );
    }

    function test_RefusesToRepayWhatIsNotOwed() public {
        refuse(
            alice,
            abi.encodeCall(safe.repay, (aliceId, WETH, 1)),
            abi.encodeWithSelector(NothingToRepay.selector, aliceId, WETH)
        );
        refuse(
            alice,
            abi.encodeCall(safe.repay, (aliceId, STETH, 1)),
            abi.encodeWithSelector(NothingToRepay.selector, aliceId, STETH)
        );
    }

    function test_RefusesTheZeroAddress() public {
        bytes memory zero = abi.encodeWithSelector(ZeroAddress.selector);
        refuse(alice, abi.encodeCall(safe.withdraw, (aliceId, WETH, 1, address(0))), zero);
        refuse(alice, abi.encodeCall(safe.borrow, (aliceId, USDC, 1, address(0))), zero);
        refuse(alice, abi.encodeCall(safe.withdrawNative, (aliceId, 1, address(0))), zero);
        refuse(address(this), abi.encodeCall(safe.listAsset, (address(0), true, 1)), zero);
        refuse(alice, abi.encodeCall(safe.setOperator, (aliceId, address(0), 1, 0, false, new address[](0))), zero);
        refuse(address(this), abi.encodeCall(safe.setInsurance, (AccountId.wrap(0))), zero);
    }

    function test_RefusesATransferToItself() public {
        refuse(
            alice,
            abi.encodeCall(safe.transfer, (aliceId, aliceId, WETH, 1, false)),
            abi.encodeWithSelector(SameAccount.selector, aliceId)
        );
    }

    function test_RefusesWhatTheSenderDoesNotHave() public {
        uint256 held = sys.steth.balanceOf(alice);
        refuse(
            alice,
            abi.encodeCall(safe.deposit, (aliceId, STETH, held + 1)),
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, alice, held, held + 1)
        );
    }

    // ------------------------------------------------------------------ assets

    function test_RefusesAnUnlistedAsset() public {
        AssetId[3] memory nowhere = [NOWHERE, AssetId.wrap(0x400 | 900), AssetId.wrap(0x800 | 900)];
        for (uint256 i; i < 3; ++i) {
            bytes memory reason = abi.encodeWithSelector(AssetNotListed.selector, nowhere[i]);
            refuse(alice, abi.encodeCall(safe.deposit, (aliceId, nowhere[i], 1)), reason);
            refuse(alice, abi.encodeCall(safe.withdraw, (aliceId, nowhere[i], 1, alice)), reason);
            refuse(alice, abi.encodeCall(safe.repay, (aliceId, nowhere[i], 1)), reason);
            refuse(alice, abi.encodeCall(safe.transfer, (aliceId, bobId, nowhere[i], 1, false)), reason);
            refuse(address(this), abi.encodeCall(safe.collectReserves, (nowhere[i])), reason);
        }
        bytes memory unlisted = abi.encodeWithSelector(AssetNotListed.selector, NOWHERE);
        refuse(alice, abi.encodeCall(safe.borrow, (aliceId, NOWHERE, 1, alice)), unlisted);
        refuse(alice, abi.encodeCall(safe.accrue, (NOWHERE)), unlisted);
        refuse(alice, abi.encodeCall(safe.setOff, (aliceId, NOWHERE)), unlisted);
        refuse(alice, abi.encodeCall(safe.accrue, (STETH)), abi.encodeWithSelector(AssetNotListed.selector, STETH));
    }

    function test_RefusesToLendIdleCollateral() public {
        deposit(aliceId, STETH, 1e18);
        bytes memory reason = abi.encodeWithSelector(AssetNotBorrowable.selector, STETH);
        refuse(alice, abi.encodeCall(safe.borrow, (aliceId, STETH, 1, alice)), reason);
        refuse(
            alice,
            abi.encodeCall(safe.transfer, (aliceId, bobId, STETH, 1, true)),
            abi.encodeWithSelector(AssetNotHeld.selector, bobId, STETH)
        );
        refuse(alice, abi.encodeCall(safe.transfer, (aliceId, accountOf(alice, 1), STETH, 1, true)), reason);
    }

    function test_RefusesADisabledAsset() public {
        PoolConfig memory config = _config(WETH);
        (config.depositsClosed, config.borrowsClosed) = (true, true);
        safe.configurePool(WETH, config);
        bytes memory closed = abi.encodeWithSelector(DepositsClosed.selector, WETH);
        refuse(alice, abi.encodeCall(safe.deposit, (aliceId, WETH, 1)), closed);
        refuse(
            alice,
            abi.encodeCall(safe.depositNative, (aliceId, 1)),
            abi.encodeWithSelector(NativeValueMismatch.selector, 1, 0)
        );
        refuse(alice, address(safe), 1, abi.encodeCall(safe.depositNative, (aliceId, 1)), closed);
        refuse(alice, address(sys.wethVault), 0, abi.encodeCall(sys.wethVault.deposit, (1, alice)), closed);
        closed = abi.encodeWithSelector(BorrowsClosed.selector, WETH);
        refuse(bob, abi.encodeCall(safe.borrow, (bobId, WETH, 1e18, bob)), closed);
        refuse(alice, abi.encodeCall(safe.transfer, (aliceId, accountOf(alice, 1), WETH, 11e18, true)), closed);
        // what is there may leave
        assertEq(withdraw(aliceId, WETH, 1e18), 1e18);
    }

    function test_RefusesAStrangersNewAsset() public {
        equip(stranger);
        bytes memory reason = abi.encodeWithSelector(AssetNotHeld.selector, bobId, WETH);
        refuse(stranger, abi.encodeCall(safe.deposit, (bobId, WETH, 1)), reason);
        refuse(alice, abi.encodeCall(safe.transfer, (aliceId, bobId, WETH, 1e18, false)), reason);
        reason = abi.encodeWithSelector(AssetNotHeld.selector, bobId, STETH);
        refuse(stranger, abi.encodeCall(safe.deposit, (bobId, STETH, 1)), reason);
    }

    // ------------------------------------------------------------------ rights

    function test_RefusesTheAccountOfAnotherOwner() public {
        bytes memory noTrade = abi.encodeWithSelector(NotAuthorized.selector, aliceId, bob, TRADE);
        bytes memory noWithdraw = abi.encodeWithSelector(NotAuthorized.selector, aliceId, bob, WITHDRAW);
        bytes memory notOwner = abi.encodeWithSelector(NotAuthorized.selector, aliceId, bob, type(uint8).max);
        refuse(bob, abi.encodeCall(safe.withdraw, (aliceId, WETH, 1, bob)), noWithdraw);
        refuse(bob, abi.encodeCall(safe.withdraw, (aliceId, WETH, 1, alice)), noWithdraw);
        refuse(bob, abi.encodeCall(safe.withdrawNative, (aliceId, 1, bob)), noWithdraw);
        refuse(bob, abi.encodeCall(safe.borrow, (aliceId, USDC, 1, bob)), noWithdraw);
        refuse(bob, abi.encodeCall(safe.transfer, (aliceId, bobId, WETH, 1, false)), noWithdraw);
        refuse(bob, abi.encodeCall(safe.setOff, (aliceId, USDC)), noTrade);
        refuse(bob, abi.encodeCall(safe.setModel, (aliceId, 1)), noTrade);
        refuse(bob, abi.encodeCall(safe.bid, (bobId, aliceId, 1e18, 0)), noTrade);
        refuse(
            bob,
            abi.encodeCall(safe.setOperator, (aliceId, bob, 3, type(uint40).max, false, new address[](0))),
            notOwner
        );
        refuseStep(bob, calls(abi.encodeCall(safe.reduceOnly, (aliceId))), 0, noTrade);
        refuseStep(bob, calls(abi.encodeCall(safe.withdraw, (aliceId, WETH, 1, bob))), 0, noWithdraw);
    }

    function test_RefusesDoorsKeptForNeighbours() public {
        refuse(
            bob,
            abi.encodeCall(safe.setInAuction, (aliceId, true)),
            abi.encodeWithSelector(OnlyAuction.selector, bob)
        );
        bytes memory reason = abi.encodeWithSelector(OnlyPositions.selector, bob);
        refuse(bob, abi.encodeCall(safe.settleCash, (aliceId, bobId, 1, true)), reason);
        refuse(bob, abi.encodeCall(safe.setLedgerFlags, (aliceId, true, true)), reason);
        refuse(bob, abi.encodeCall(safe.touch, (aliceId)), reason);
        reason = abi.encodeWithSelector(OnlyVault.selector, USDC, bob);
        refuse(bob, abi.encodeCall(safe.vaultSupply, (USDC, 1, 0)), reason);
        refuse(bob, abi.encodeCall(safe.vaultWithdraw, (USDC, 1, 1, bob)), reason);
        reason = abi.encodeWithSelector(OnlyVault.selector, USDC, address(sys.wethVault));
        refuse(address(sys.wethVault), abi.encodeCall(safe.vaultSupply, (USDC, 1, 0)), reason);
        // a pool without a vault has none at address zero either
        refuse(
            address(0),
            abi.encodeCall(safe.vaultSupply, (STETH, 1, 0)),
            abi.encodeWithSelector(OnlyVault.selector, STETH, address(0))
        );
    }

    // ------------------------------------------------------------------ margin and prices

    function test_RefusesABorrowOverTheMargin() public {
        refuse(
            alice,
            abi.encodeCall(safe.borrow, (aliceId, USDC, 2_400e6 + 1, alice)),
            abi.encodeWithSelector(InsufficientMargin.selector, aliceId, -1e12)
        );
        borrow(aliceId, USDC, 2_400e6);
    }

    function test_RefusesToRemoveCollateralWithoutACheck() public {
        refuse(
            alice,
            abi.encodeCall(safe.withdraw, (aliceId, WETH, 2e18, alice)),
            abi.encodeWithSelector(InsufficientMargin.selector, aliceId, -1_280e18)
        );
        refuse(
            alice,
            abi.encodeCall(safe.transfer, (aliceId, accountOf(alice, 1), WETH, 2e18, false)),
            abi.encodeWithSelector(InsufficientMargin.selector, aliceId, -1_280e18)
        );
    }

    function test_O1_RefusesNewRiskAtBadPrices() public {
        bytes memory data = abi.encodeCall(safe.borrow, (aliceId, USDC, 1, alice));
        uint256 snapshot = vm.snapshotState();
        sys.wethFeed.setUpdatedAt(block.timestamp - HEARTBEAT - 1);
        refuse(alice, data, _unusable(WETH, PriceFault.Stale));
        vm.revertToState(snapshot);
        sys.wethFeed.setAnswer(0);
        refuse(alice, data, _unusable(WETH, PriceFault.NotPositive));
        sys.wethFeed.setAnswer(-1);
        refuse(alice, data, _unusable(WETH, PriceFault.NotPositive));
        sys.wethFeed.setAnswer(0.99e8);
        refuse(alice, data, _unusable(WETH, PriceFault.Clamped));
        sys.wethFeed.setAnswer(1_000_001e8);
        refuse(alice, data, _unusable(WETH, PriceFault.Clamped));
        vm.revertToState(snapshot);
        sys.wethFeed.setAnsweredLate(true);
        refuse(alice, data, _unusable(WETH, PriceFault.RoundIncomplete));
    }

    function _unusable(AssetId asset, PriceFault fault) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IMarginEngine.PriceUnusable.selector, asset, fault);
    }

    // ------------------------------------------------------------------ bids

    function test_L1_RefusesABidOnAHealthyAccount() public {
        refuse(
            bob,
            abi.encodeCall(safe.bid, (aliceId, bobId, MAX, type(int256).max)),
            abi.encodeWithSelector(ILiquidationAuction.AccountHealthy.selector, aliceId, 3_000e18)
        );
    }

    function test_RefusesABidOnOnesOwnAccount() public {
        setPrice(WETH, 1_600e8);
        refuse(
            alice,
            abi.encodeCall(safe.bid, (aliceId, accountOf(alice, 1), MAX, type(int256).max)),
            abi.encodeWithSelector(OwnAccount.selector, aliceId)
        );
    }

    function test_RefusesABidOfNothing() public {
        setPrice(WETH, 1_650e8);
        refuse(
            bob,
            abi.encodeCall(safe.bid, (aliceId, bobId, 0, type(int256).max)),
            abi.encodeWithSelector(ILiquidationAuction.ZeroFraction.selector)
        );
    }

    function test_L1_RefusesABidOverTheLargestFraction() public {
        setPrice(WETH, 1_680e8);
        uint256 most = auction.status(aliceId).maxFraction;
        assertLt(most, 1e18);
        refuse(
            bob,
            abi.encodeCall(safe.bid, (aliceId, bobId, most + 1, type(int256).max)),
            abi.encodeWithSelector(ILiquidationAuction.FractionOverMax.selector, most + 1, most)
        );
        vm.prank(bob);
        (uint256 taken, ) = safe.bid(aliceId, bobId, most, type(int256).max);
        assertEq(taken, most);
    }

    function test_RefusesAPriceOverTheBiddersLimit() public {
        setPrice(WETH, 1_680e8);
        int256 price = auction.status(aliceId).priceOfMax;
        assertGt(price, 0);
        refuse(
            bob,
            abi.encodeCall(safe.bid, (aliceId, bobId, MAX, price - 1)),
            abi.encodeWithSelector(PriceOverLimit.selector, price, price - 1)
        );
        vm.prank(bob);
        safe.bid(aliceId, bobId, MAX, price);
    }

    /// Bidding with no cash: the bidder's account is checked like any other.
    function test_L1_RefusesABidderWithoutMargin() public {
        setPrice(WETH, 1_680e8);
        bytes32 before = fingerprint();
        (bool ok, bytes memory reason) = attempt(
            stranger,
            address(safe),
            abi.encodeCall(safe.bid, (aliceId, strangerId, MAX, type(int256).max))
        );
        assertFalse(ok);
        assertEq(bytes4(reason), InsufficientMargin.selector);
        assertEq(fingerprint(), before);
    }

    function test_RefusesDoorsInAnAuction() public {
        openLong(carolId);
        setPrice(WETH, 1_680e8);
        auction.start(aliceId, bobId);
        bytes memory reason = abi.encodeWithSelector(AccountInAuction.selector, aliceId);
        refuse(alice, abi.encodeCall(safe.withdraw, (aliceId, WETH, 1, alice)), reason);
        refuse(alice, abi.encodeCall(safe.borrow, (aliceId, USDC, 1, alice)), reason);
        refuse(alice, abi.encodeCall(safe.transfer, (aliceId, accountOf(alice, 1), WETH, 1, false)), reason);
        refuse(alice, abi.encodeCall(safe.setModel, (aliceId, 1)), reason);
        refuse(alice, abi.encodeCall(safe.setOff, (aliceId, USDC)), reason);
        refuseStep(alice, calls(abi.encodeCall(safe.reduceOnly, (aliceId))), 0, reason);
        refuse(alice, abi.encodeCall(safe.bid, (carolId, aliceId, MAX, type(int256).max)), reason);
        // deposit and repay go on
        vm.startPrank(alice);
        safe.deposit(aliceId, WETH, 1e18);
        safe.repay(aliceId, USDC, 1_000e6);
        vm.stopPrank();
        auction.end(aliceId);
        withdraw(aliceId, WETH, 1);
    }

    // ------------------------------------------------------------------ sessions

    function test_RefusesReduceOnlyOutsideASession() public {
        refuse(alice, abi.encodeCall(safe.reduceOnly, (aliceId)), abi.encodeWithSelector(NoSession.selector));
    }

    function test_RefusesAnUnknownModel() public {
        refuse(alice, abi.encodeCall(safe.setModel, (aliceId, 4)), abi.encodeWithSelector(UnknownModel.selector, 4));
    }
}
