// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";

import {ILiquidationAuction} from "../interfaces/ILiquidationAuction.sol";
import {PriceFault} from "../interfaces/IMarginEngine.sol";
import {PoolState} from "../interfaces/IMarginAccounts.sol";
import {SafeTest} from "../test/SafeTest.sol";
import {SessionUser, Step} from "../test/SessionUser.sol";
import {TestToken} from "../test/TestToken.sol";
import {AccountFlags} from "../types/AccountFlags.sol";
import {AccountId} from "../types/AccountId.sol";
import {AssetId} from "../types/AssetId.sol";

/// @title What hurt others, on the whole system
/// @dev Each pitfall of the threat model that is not the matter of one capability alone.
contract PitfallsTest is SafeTest {
    function setUp() public override {
        super.setUp();
        equip(alice);
        equip(bob);
        deposit(bobId, USDC, 500_000e6);
    }

    function _inAuction(AccountId id) private view returns (bool) {
        return AccountFlags.wrap(uint24(safe.words(id)[0] >> 232)).inAuction();
    }

    /// Unwanted assets: nobody can fill a bidder's account, and a bid may go to a fresh one.
    function test_L1_UnwantedAssetsDoNotStopABidder() public {
        equip(stranger);
        for (uint256 i; i < 3; ++i) {
            TestToken token = new TestToken("", "", 6);
            AssetId asset = listIdle(address(token));
            token.mint(stranger, 1);
            vm.prank(stranger);
            token.approve(address(safe), 1);
            refuse(
                stranger,
                abi.encodeCall(safe.deposit, (bobId, asset, 1)),
                abi.encodeWithSelector(AssetNotHeld.selector, bobId, asset)
            );
        }
        openLong(aliceId);
        setPrice(WETH, 1_680e8);
        AccountId fresh = accountOf(bob, 77);
        bytes[] memory results = batch(
            bob,
            calls(
                abi.encodeCall(safe.bid, (aliceId, fresh, MAX, type(int256).max)),
                abi.encodeCall(safe.transfer, (bobId, fresh, USDC, 100_000e6, false))
            )
        );
        assertEq(results.length, 2);
        assertGt(safe.balanceOf(fresh, WETH), 0);
    }

    function test_L1_AnExactMaximumBidEndsTheAuction() public {
        openLong(aliceId);
        setPrice(WETH, 1_680e8);
        auction.start(aliceId, bobId);
        assertTrue(_inAuction(aliceId));
        pass(1 minutes);
        uint256 most = auction.status(aliceId).maxFraction;
        assertLt(most, 1e18);
        bid(aliceId, bobId, most);
        assertFalse(_inAuction(aliceId));
        assertGe(maintenanceOf(aliceId), 0);
    }

    function testFuzz_L1_AMaximumBidAlwaysEndsTheAuction(uint256 price, uint256 wait) public {
        openLong(aliceId);
        setPrice(WETH, bound(price, 1_601e8, 1_684e8));
        auction.start(aliceId, bobId);
        skip(bound(wait, 0, 30 minutes));
        refreshFeeds();
        bid(aliceId, bobId, MAX);
        assertFalse(_inAuction(aliceId));
        assertGe(maintenanceOf(aliceId), 0);
    }

    function test_L1_DustIsSoldWhole() public {
        deposit(aliceId, WETH, 0.004e18);
        borrow(aliceId, USDC, 7e6);
        setPrice(WETH, 1_840e8);
        (uint256 taken, ) = bid(aliceId, bobId, MAX);
        assertEq(taken, 1e18);
        // what was paid for it is all that is left
        assertEq(safe.balanceOf(aliceId, WETH), 0);
        assertGt(safe.balanceOf(aliceId, USDC), 0);
    }

    /// However deep an account has fallen, somebody can take it over.
    function testFuzz_L1_NothingUnderflowsInADeepLoss(uint256 price, uint256 wait) public {
        openLong(aliceId);
        setPrice(WETH, bound(price, 1.01e8, 1_684e8));
        auction.start(aliceId, bobId);
        skip(bound(wait, 1, 2 days));
        refreshFeeds();
        (uint256 taken, ) = bid(aliceId, bobId, MAX);
        assertGt(taken, 0);
        assertFalse(_inAuction(aliceId));
        assertSolvent(USDC);
    }

    /// What the two of them have together never grows by it.
    function testFuzz_L2_SelfLiquidationByAFriendIsNoProfit(uint256 price, uint256 wait) public {
        openLong(aliceId);
        setPrice(WETH, bound(price, 1_620e8, 1_684e8));
        int256 together = mtmOf(aliceId) + mtmOf(bobId);
        auction.start(aliceId, bobId);
        skip(bound(wait, 0, 2 hours));
        refreshFeeds();
        int256 later = mtmOf(aliceId) + mtmOf(bobId);
        assertLe(later, together, "interest only");
        bid(aliceId, bobId, MAX);
        // rounding of shares aside
        assertLe(mtmOf(aliceId) + mtmOf(bobId), later + 4e12);
    }

    /// Not in one transaction with the start: the fund pays nobody at once.
    function test_L1_NoInsolventAuctionIsPaidInTheTransactionOfItsStart() public {
        SessionUser user = new SessionUser(safe);
        AccountId id = accountOf(address(user), 0);
        deposit(id, USDC, 100_000e6);
        openLong(aliceId);
        setPrice(WETH, 1_500e8);
        Step[] memory list = new Step[](2);
        list[0] = Step(address(auction), 0, abi.encodeCall(auction.start, (aliceId, id)));
        list[1] = Step(address(safe), 0, abi.encodeCall(safe.bid, (aliceId, id, 1e18, type(int256).max)));
        bytes memory reason = abi.encodeWithSelector(ILiquidationAuction.StartedInThisTransaction.selector, aliceId);
        vm.expectRevert(abi.encodeWithSelector(SessionUser.StepFailed.selector, 1, reason));
        user.run(list);
        reason = abi.encodeWithSelector(ILiquidationAuction.StartedInThisTransaction.selector, aliceId);
        refuse(bob, abi.encodeCall(safe.bid, (aliceId, bobId, 1e18, type(int256).max)), reason);
    }

    /// An account that lends to itself: at most its own money ÷ the share's haircut.
    function test_V3_AVaultShareThatLendsToItsOwnAccountIsBounded() public {
        SessionUser user = new SessionUser(safe);
        AccountId id = accountOf(address(user), 0);
        equip(address(user));
        // In one session: borrow, lend it, pledge the shares beside the debt, and 15,000 of its own on top.
        // V = D + 15,000: 15,000 · (1 − 1.5 %) − D · 1.5 % ≥ 0 up to D = 985,000
        user.execute(address(sys.usdc), 0, abi.encodeCall(IERC20.approve, (address(sys.usdcVault), MAX)));
        vm.expectPartialRevert(InsufficientMargin.selector);
        user.run(_loop(user, id, 985_001e6));
        user.run(_loop(user, id, 985_000e6));
        assertEq(initialOf(id), 0);
        // what is owed beside shares can be set off at any time
        vm.prank(address(user));
        assertEq(safe.setOff(id, USDC), 985_000e6);
        // with the shares in the account, borrowing only sets off
        uint256 supply = sys.usdcVault.totalSupply();
        vm.prank(address(user));
        safe.borrow(id, USDC, 10_000e6, address(user));
        assertEq(safe.balanceOf(id, USDC), 0);
        assertEq(sys.usdcVault.totalSupply(), supply - 10_000e6);
    }

    function _loop(SessionUser user, AccountId id, uint256 owed) private view returns (Step[] memory list) {
        list = new Step[](3);
        list[0] = Step(address(safe), 0, abi.encodeCall(safe.borrow, (id, USDC, owed, address(user))));
        list[1] = Step(address(sys.usdcVault), 0, abi.encodeCall(IERC4626.deposit, (owed + 15_000e6, address(user))));
        list[2] = Step(address(safe), 0, abi.encodeCall(safe.deposit, (id, USDC_SHARE, owed + 15_000e6)));
    }

    /// A loss is borne once: by the fund, then by the lenders, and what is left is whole.
    function test_L2_V1_ALossIsSocialisedOnce() public {
        deposit(aliceId, WETH, 1_000e18);
        borrow(aliceId, USDC, 1_600_000e6);
        deposit(bobId, USDC, 5_000_000e6);
        setPrice(WETH, 1_400e8);
        auction.start(aliceId, bobId);
        pass(1 minutes);
        safe.accrue(USDC);
        PoolState memory p0 = safe.poolState(USDC);
        int256 bobBefore = mtmOf(bobId);
        bid(aliceId, bobId, 1e18);
        PoolState memory p = safe.poolState(USDC);
        assertEq(fund.balance(), 0);
        // lenders were charged what the pool lacked and no more: tokens + debts = claims, to rounding
        assertLe(p.reserves, 1 + (p.lenderShares + p.accountShares) / 1e15);
        assertSolvent(USDC);
        assertLt(p.supplyIndex, p0.supplyIndex);
        // the bidder took over 1,600,000 of debt for 1,400,000 of collateral: what he was paid beyond that is the reward at most
        // (one minute of T_ins: 1 % of the requirement), less his own part of the loss
        assertLe(mtmOf(bobId) - bobBefore, 1_400e18);
        // and a second bid finds nothing to cut
        assertEq(safe.words(aliceId)[0], 0);
        refuse(
            bob,
            abi.encodeCall(safe.bid, (aliceId, bobId, 1e18, type(int256).max)),
            abi.encodeWithSelector(ILiquidationAuction.AccountHealthy.selector, aliceId, 0)
        );
    }

    /// Tokens of 6, 8 and 18 decimals, feeds of 8 and 18.
    function test_DecimalsMeetInOneUnit() public {
        deposit(aliceId, WBTC, 1e8);
        deposit(aliceId, WETH, 2e18);
        deposit(aliceId, STETH, 3e18);
        borrow(aliceId, USDC, 100e6);
        assertEq(mtmOf(aliceId), (30_000 + 4_000 + 5_970 - 100) * 1e18);
        // debts as well
        borrow(bobId, WBTC, 0.1e8);
        borrow(bobId, WETH, 1e18);
        assertEq(mtmOf(bobId), (500_000 - 3_000 - 2_000) * 1e18);
    }
}

/// @title A second source that lags
contract LaggingAverageTest is SafeTest {
    function _hasTwap() internal pure override returns (bool) {
        return true;
    }

    function test_O1_ALaggingAverageDoesNotFreezeLiquidation() public {
        deposit(aliceId, WBTC, 1e8);
        borrow(aliceId, USDC, 25_000e6);
        AccountId keeper = accountOf(bob, 0);
        deposit(keeper, USDC, 500_000e6);
        setPrice(WBTC, 25_500e8); // the average still says 30,000
        assertEq(uint8(engine().priceState(WBTC).fault), uint8(PriceFault.Deviating));
        // while they disagree the better price counts
        assertGt(maintenanceOf(aliceId), 0);
        sys.deviations.poke(WBTC);
        pass(150);
        sys.deviations.poke(WBTC);
        pass(150);
        sys.deviations.poke(WBTC);
        // T_dev later the primary alone does
        assertLt(maintenanceOf(aliceId), 0);
        (uint256 taken, ) = bid(aliceId, keeper, MAX);
        assertGt(taken, 0);
        // and still nobody gets new risk
        refuse(
            alice,
            abi.encodeCall(safe.borrow, (aliceId, USDC, 1, alice)),
            abi.encodeWithSignature("NewRiskBlocked(uint16)", WBTC)
        );
    }
}
