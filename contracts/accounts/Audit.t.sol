// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {Call, IMarginAccounts, IMarginAccountsErrors, IUnlockCallback} from "../interfaces/IMarginAccounts.sol";
import {ISizeCheckpoints} from "../interfaces/IRisk.sol";
import {MockFeed} from "../test/MockFeed.sol";
import {SafeFixture} from "../test/SafeFixture.sol";
import {AccountId, AccountIdLib} from "../types/AccountId.sol";
import {AssetId, AssetIdLib} from "../types/AssetId.sol";
import {Vault} from "../vaults/Vault.sol";

/// @dev Opens sessions and cannot take native value.
contract Unpayable is IUnlockCallback {
    function open(IMarginAccounts safe) external {
        safe.unlock("");
    }

    function onUnlock(bytes calldata) external payable returns (bytes memory) {
        return "";
    }
}

/// @dev Deposits, moves the checkpoint and withdraws in one transaction: what a flash loan pays for.
contract FlashSize {
    function run(IMarginAccounts safe, ISizeCheckpoints checkpoints, AssetId asset, uint256 amount) external {
        AccountId mine = AccountIdLib.make(address(this), 0);
        (address token, ) = safe.assetToken(asset);
        IERC20(token).approve(address(safe), amount);
        safe.deposit(mine, asset, amount);
        checkpoints.update(asset);
        safe.withdraw(mine, asset, amount, address(this));
    }
}

/// @dev The outside step of a victim's batch.
contract Taker {
    function take(IMarginAccounts safe, uint256 amount) external {
        safe.depositNative(AccountIdLib.make(address(this), 0), amount);
    }
}

/// @title Attacks that once worked, on the whole system
contract AuditTest is SafeFixture {
    AccountId internal alice;
    AccountId internal keeper;

    function setUp() public override {
        super.setUp();
        alice = accountOf(makeAddr("alice"), 0);
        keeper = accountOf(makeAddr("keeper"), 7);
        deposit(keeper, USDC, 1_000_000e6);
    }

    /// @dev O1: one wei forced into the safe would otherwise stop the unwinder and the router for everybody.
    function test_O1_ForcedNativeValueStopsNoSession() public {
        Unpayable caller = new Unpayable();
        vm.deal(address(safe), 1);
        caller.open(safe);
        assertEq(address(safe).balance, 1);
    }

    function test_A3_WhoOwesNothingLeavesAnAuctionWithoutPrices() public {
        deposit(alice, WBTC, 1e8);
        borrow(alice, USDC, 26_000e6);
        setPrice(WBTC, 27_800e8);
        auction.start(alice, keeper);
        sys.wbtcFeed.setFailure(MockFeed.Failure.Reverts);
        repay(alice, USDC, type(uint256).max);
        auction.end(alice);
        assertEq(withdraw(alice, WBTC, type(uint256).max), 1e8);
    }

    /// @dev A share that the safe takes as collateral before the table lists it, beside a balance in its pool.
    function test_A2_AnUnlistedShareCountsNothingBesideItsPool() public {
        safe.setVault(WBTC, address(new Vault(safe, WBTC, "Plimsoll WBTC", "pWBTC")));
        safe.setCollateralCap(AssetIdLib.vaultShare(WBTC.number()), type(uint96).max >> 1, 10_000);
        depositShares(alice, WBTC, 1e8);
        assertEq(initialOf(alice), 0);
        deposit(alice, WBTC, 1e4);
        assertEq(initialOf(alice), 2.7e18); // 3 USD less a tenth
        assertEq(mtmOf(alice), 3e18);
    }

    /// @dev A1: hour by hour, such deposits would lift everybody's maintenance haircut without any capital.
    function test_A1_NoCheckpointIsMovedAfterADoorInTheSameTransaction() public {
        FlashSize flash = new FlashSize();
        sys.wbtc.mint(address(flash), 10_000e8);
        vm.expectRevert(ISizeCheckpoints.InsideSession.selector);
        flash.run(safe, sys.checkpoints, WBTC, 10_000e8);
        assertTrue(safe.isQuiet());
        sys.checkpoints.update(WBTC);
    }

    /// @dev L2: an auction that nobody ended while the account was healthy must not be found at a discount of all.
    function test_L2_TimeThatNobodySawGivesNoAccountAway() public {
        deposit(alice, WBTC, 1e8);
        borrow(alice, USDC, 26_000e6);
        setPrice(WBTC, 27_800e8);
        auction.start(alice, keeper);
        setPrice(WBTC, 29_000e8);
        assertGt(initialOf(alice), 0);
        pass(3 hours);
        setPrice(WBTC, 27_800e8);
        int256 equity = mtmOf(alice);
        (, int256 price) = bid(alice, keeper, type(uint256).max);
        assertGt(price, 0);
        assertGt(mtmOf(alice), (equity * 3) / 4);
    }

    /// @dev A1: what a batch brought in native value is its payer's, whoever is called on the way.
    function test_A1_AnOutsideStepTakesNoNativeValue() public {
        Taker taker = new Taker();
        address owner = alice.owner();
        vm.deal(owner, 5e18);
        Call[] memory calls = new Call[](1);
        calls[0] = Call(address(taker), abi.encodeCall(Taker.take, (safe, 5e18)));
        vm.prank(owner);
        vm.expectRevert();
        safe.batch{value: 5e18}(calls);
        assertEq(owner.balance, 5e18);
        calls[0] = Call(address(0), abi.encodeCall(safe.depositNative, (alice, 5e18)));
        vm.prank(owner);
        safe.batch{value: 5e18}(calls);
        assertEq(safe.balanceOf(alice, WETH), 5e18);
    }

    /// @dev A stop of withdrawals binds whatever door the tokens would leave by.
    function test_PausedWithdrawalsAreNotServedByBorrow() public {
        deposit(alice, WETH, 10e18);
        deposit(alice, WBTC, 1e8);
        borrow(alice, USDC, 1_000e6);
        safe.pause(2, uint40(block.timestamp + 1 days));
        address owner = alice.owner();
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(IMarginAccountsErrors.ActionPaused.selector, uint8(2)));
        safe.borrow(alice, WETH, 1e18, owner);
        borrow(alice, USDC, 1_000e6);
    }
}
