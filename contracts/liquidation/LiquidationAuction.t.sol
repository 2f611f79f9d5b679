// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {ILiquidationAuction, Quote} from "../interfaces/ILiquidationAuction.sol";
import {IMarginAccountsErrors} from "../interfaces/IMarginAccounts.sol";
import {IMarginEngine, PriceFault} from "../interfaces/IMarginEngine.sol";
import {AuctionSafeStub} from "../test/AuctionStubs.sol";
import {AuctionTest} from "../test/AuctionTest.sol";
import {AccountFlags} from "../types/AccountFlags.sol";
import {SETTLEMENT} from "../types/AssetId.sol";
import {WAD} from "../types/FixedPoint.sol";
import {Holding} from "../types/Holding.sol";
import {LiquidationAuction} from "./LiquidationAuction.sol";

contract LiquidationAuctionTest is AuctionTest {
    function setUp() public {
        deploy(6, standard());
    }

    // ------------------------------------------------------------------ who may what

    function test_L1_RefusesToStartOrBidOnAHealthyAccount() public {
        safe.setAccount(account, 1_500e18, 1_500e18, 0, 0); // maintenance exactly 0
        vm.expectRevert(abi.encodeWithSelector(ILiquidationAuction.AccountHealthy.selector, account, int256(0)));
        auction.start(account, keeper);
        vm.expectRevert(abi.encodeWithSelector(ILiquidationAuction.AccountHealthy.selector, account, int256(0)));
        safe.bid(account, MAX);
    }

    function test_L1_RefusesAHealthyAccountEvenInARunningAuction() public {
        fallen();
        auction.start(account, keeper);
        safe.setRest(account, 1_500e18);
        vm.expectRevert(abi.encodeWithSelector(ILiquidationAuction.AccountHealthy.selector, account, int256(0)));
        safe.bid(account, 1);
        vm.expectRevert(abi.encodeWithSelector(ILiquidationAuction.AccountHealthy.selector, account, int256(0)));
        auction.poke(account);
        auction.end(account);
        assertFalse(safe.accountOf(account).inAuction);
    }

    function test_A4_RefusesAnAccountWithAPendingCheck() public {
        fallen();
        safe.setPending(account, true);
        bytes memory pending = abi.encodeWithSelector(ILiquidationAuction.CheckPending.selector, account);
        vm.expectRevert(pending);
        auction.start(account, keeper);
        assertFalse(status().liquidatable);

        safe.setPending(account, false);
        assertTrue(status().liquidatable);
        auction.start(account, keeper);
        safe.setPending(account, true);
        vm.expectRevert(pending);
        auction.poke(account);
        vm.expectRevert(pending);
        auction.end(account);
    }

    function test_RefusesEveryDoorAndViewWhileTheSafeIsLocked() public {
        fallen();
        auction.start(account, keeper);
        safe.setLocked(true);
        bytes4 reentered = IMarginAccountsErrors.Reentered.selector;
        vm.expectRevert(reentered);
        auction.start(account, keeper);
        vm.expectRevert(reentered);
        auction.poke(account);
        vm.expectRevert(reentered);
        auction.end(account);
        vm.expectRevert(reentered);
        auction.status(account);
    }

    function test_OnlyTheSafeAsksForQuotes() public {
        fallen();
        Holding[] memory holdings = safe.holdingsOf(account);
        AccountFlags flags = safe.flagsOf(account);
        vm.expectRevert(abi.encodeWithSelector(ILiquidationAuction.OnlyMarginAccounts.selector, address(this)));
        auction.onBid(account, flags, holdings, MAX);
    }

    function test_RefusesABidOfNothingAndOverTheMaximum() public {
        fallen();
        vm.expectRevert(ILiquidationAuction.ZeroFraction.selector);
        safe.bid(account, 0);
        uint256 max = status().maxFraction;
        vm.expectRevert(abi.encodeWithSelector(ILiquidationAuction.FractionOverMax.selector, max + 1, max));
        safe.bid(account, max + 1);
    }

    function test_StartsOnceAndEndsOnce() public {
        fallen();
        vm.expectRevert(abi.encodeWithSelector(ILiquidationAuction.NoAuction.selector, account));
        auction.poke(account);
        vm.expectRevert(abi.encodeWithSelector(ILiquidationAuction.NoAuction.selector, account));
        auction.end(account);

        vm.expectEmit(address(auction));
        emit ILiquidationAuction.AuctionStarted(account, keeper, ILiquidationAuction.Phase.Solvent, -500e18, 1_000e18);
        auction.start(account, keeper);
        assertTrue(safe.accountOf(account).inAuction);

        bytes memory running = abi.encodeWithSelector(ILiquidationAuction.AuctionRunning.selector, account);
        vm.expectRevert(running);
        auction.start(account, keeper);
        vm.expectRevert(running);
        auction.end(account);

        safe.addCash(account, 500e6);
        vm.expectEmit(address(auction));
        emit ILiquidationAuction.AuctionEnded(account);
        auction.end(account);
        assertFalse(safe.accountOf(account).inAuction);
        vm.expectRevert(abi.encodeWithSelector(ILiquidationAuction.NoAuction.selector, account));
        auction.end(account);
    }

    function test_PausesWhilePricesAreUnusable() public {
        fallen();
        auction.start(account, keeper);
        engine.setUnusable(true);
        bytes memory unusable = abi.encodeWithSelector(
            IMarginEngine.PriceUnusable.selector,
            SETTLEMENT,
            PriceFault.Stale
        );
        vm.expectRevert(unusable);
        safe.bid(account, MAX);
        vm.expectRevert(unusable);
        auction.poke(account);
        vm.expectRevert(unusable);
        auction.end(account);
        vm.expectRevert(unusable);
        auction.status(account);
    }

    // ------------------------------------------------------------------ solvent bids

    function test_StartAndWholeBidInOneTransactionLeaveNoTrace() public {
        safe.setAccount(account, 5e18, 100e18, 100e18, 0); // dust: sold whole
        vm.record();
        Quote memory quote = safe.bid(account, MAX);
        (, bytes32[] memory writes) = vm.accesses(address(auction));
        assertEq(writes.length, 0);
        assertEq(quote.fraction, WAD);
        assertEq(quote.price, 4.9e6); // 5 · .98
        assertFalse(quote.running);
        assertEq(safe.flagChanges(), 0);
    }

    function test_L1_AnExactMaximumBidEndsTheAuction() public {
        fallen();
        auction.start(account, nobody);
        uint256 max = status().maxFraction;
        Quote memory quote = safe.bid(account, max);
        assertFalse(quote.running);
        assertFalse(safe.accountOf(account).inAuction);
        // 800 / (800 + 980): the buffer is restored, so maintenance is a fifth of the requirement left, less a fifth
        assertApproxEqAbs(quote.fraction, (800 * WAD) / 1_780, 1);
        AuctionSafeStub.Account memory left = safe.accountOf(account);
        int256 buffer = maintenanceOf(account) - int256(left.requirement) / 5;
        assertApproxEqAbs(buffer, 0, 2 * unit);
        assertGe(buffer, -1);
    }

    function test_AnAuctionEndsAtExactlyZeroMaintenance() public {
        LiquidationAuction.Parameters memory p = standard();
        p.buffer = 0;
        p.start = p.cut = WAD;
        deploy(6, p);
        safe.setAccount(account, 1_000e18, 2_000e18, 0, 0); // f_max = 1000 / 2000
        Quote memory quote = safe.bid(account, 0.5e18);
        assertEq(maintenanceOf(account), 0);
        assertFalse(quote.running);
    }

    function test_ABidBelowTheMaximumEndsTheAuctionOnceMaintenanceIsRestored() public {
        fallen();
        Quote memory quote = safe.bid(account, 0.4e18);
        assertEq(maintenanceOf(account), 92e18); // .6 · −500 + .4 · 980
        assertFalse(quote.running);
    }

    function test_APartialBidKeepsItsCashForTheAccount() public {
        fallen();
        Quote memory first = safe.bid(account, 0.1e18);
        assertEq(first.price, 98e6);
        assertEq(first.reserved, 0);
        assertTrue(first.running);
        assertTrue(safe.accountOf(account).inAuction);

        Quote memory second = safe.bid(account, 0.1e18);
        assertEq(second.reserved, 98e6);
        assertEq(second.price, 88.2e6); // a tenth of the 900 that are left, at .98
        assertEq(status().reserved, 186.2e6);
        assertEq(safe.accountOf(account).cash, 186.2e6);
        assertEq(status().lastTick, block.timestamp);
    }

    function test_SaysWhatAStartWouldGive() public {
        fallen();
        ILiquidationAuction.Status memory s = status();
        assertEq(uint8(s.phase), uint8(ILiquidationAuction.Phase.Solvent));
        assertEq(s.lastTick, 0);
        assertEq(s.maintenance, -500e18);
        assertEq(s.mtm, 1_000e18);
        assertEq(s.bufferMargin, -800e18);
        assertEq(s.discountFactor, 0.98e18);
        assertTrue(s.liquidatable);
        Quote memory quote = safe.bid(account, MAX);
        assertEq(quote.fraction, s.maxFraction);
        assertEq(quote.price, s.priceOfMax);
        assertEq(quote.liabilities, 9_000e6);
    }

    function test_SaysNothingIsForSaleOfAHealthyAccount() public {
        safe.setAccount(account, 2_000e18, 1_500e18, 0, 0);
        ILiquidationAuction.Status memory s = status();
        assertEq(uint8(s.phase), uint8(ILiquidationAuction.Phase.None));
        assertEq(s.maintenance, 500e18);
        assertEq(s.maxFraction, 0);
        assertEq(s.priceOfMax, 0);
        assertFalse(s.liquidatable);
    }

    function test_DustIsSoldWhole() public {
        safe.setAccount(account, 10e18, 12e18, 90e18, 0);
        assertEq(status().maxFraction, WAD);
        safe.setRest(account, 10e18 + 1);
        assertLt(status().maxFraction, WAD);
    }

    function test_DustIsMeasuredByWhatIsForSaleNotByReservedCash() public {
        fallen();
        safe.bid(account, 0.2e18);
        safe.setRest(account, 9e18);
        assertEq(mtmOf(account), 205e18);
        assertEq(status().maxFraction, WAD);
    }

    // ------------------------------------------------------------------ the clock

    function test_TheDiscountGrowsWithContinuousPrices() public {
        fallen();
        auction.start(account, nobody);
        skip(50);
        assertEq(status().discountFactor, 0.89e18);
        skip(50);
        assertEq(status().discountFactor, 0.8e18);
        auction.poke(account);
        watch(7_200);
        assertEq(status().discountFactor, 0.4e18);
        assertEq(status().clock, 7_300);
        vm.expectEmit(address(auction));
        emit ILiquidationAuction.AuctionTicked(account, ILiquidationAuction.Phase.Solvent, 7_300);
        auction.poke(account);
        assertEq(status().clock, 7_300);
    }

    function test_AnOutageCountsAsOneMinuteAtMost() public {
        fallen();
        auction.start(account, nobody);
        engine.setContinuous(false);
        skip(61);
        assertEq(status().clock, 60);
        skip(10 days);
        assertEq(status().clock, 60);
        auction.poke(account);
        skip(45);
        auction.poke(account);
        engine.setContinuous(true);
        skip(700);
        assertEq(status().clock, 805);
    }

    /// @dev L2: nobody knows whether the account was unhealthy all the time.
    function test_ATickCountsAQuarterOfAnHourAtMost() public {
        fallen();
        auction.start(account, nobody);
        skip(3 hours);
        assertEq(status().clock, 900);
        assertEq(uint8(status().phase), uint8(ILiquidationAuction.Phase.Solvent));
        auction.poke(account);
        skip(900);
        assertEq(status().clock, 1_800);
    }

    function test_ABidTicksLikeAPoke() public {
        fallen();
        auction.start(account, nobody);
        engine.setContinuous(false);
        skip(1 days);
        safe.bid(account, 0.01e18);
        assertEq(status().clock, 60);
        assertEq(status().lastTick, block.timestamp);
    }

    function test_APokeInTheSameSecondChangesNothing() public {
        fallen();
        auction.start(account, keeper);
        skip(30);
        auction.poke(account);
        vm.record();
        auction.poke(account);
        (, bytes32[] memory writes) = vm.accesses(address(auction));
        assertEq(writes.length, 0);
    }

    function test_RestartsWhenOnlyReservedCashIsLeft() public {
        fallen();
        safe.bid(account, 0.2e18); // 196 in cash
        skip(1_000);
        safe.setRest(account, 0);
        vm.expectEmit(address(auction));
        emit ILiquidationAuction.AuctionRestarted(account, ILiquidationAuction.Phase.Solvent);
        auction.poke(account);
        ILiquidationAuction.Status memory s = status();
        assertEq(s.reserved, 0);
        assertEq(s.clock, 0);
        assertEq(s.discountFactor, 0.98e18);
        // the cash is for sale now
        Quote memory quote = safe.bid(account, MAX);
        assertGt(quote.price, 0);
        assertFalse(quote.running);
    }

    // ------------------------------------------------------------------ insolvent phase

    function test_AnInsolventBidInTheTransactionOfTheStartIsRefused() public {
        insolvent();
        bytes memory startedNow = abi.encodeWithSelector(
            ILiquidationAuction.StartedInThisTransaction.selector,
            account
        );
        vm.expectRevert(startedNow);
        safe.bid(account, MAX);
        vm.expectRevert(startedNow);
        together.startAndBid(account, keeper, MAX);
        auction.start(account, keeper);
        Quote memory quote = safe.bid(account, MAX);
        assertEq(quote.price, -100e6);
        assertFalse(quote.running);
    }

    function test_ASolventStartThatTurnsInsolventInTheSameTransactionIsNotPaid() public {
        fallen();
        vm.expectRevert(abi.encodeWithSelector(ILiquidationAuction.StartedInThisTransaction.selector, account));
        together.bidFallBid(account, 0.1e18, -1_000e18);
    }

    function test_StartAndSolventBidInOneTransactionIsWelcome() public {
        fallen();
        Quote memory quote = together.startAndBid(account, keeper, MAX);
        assertFalse(quote.running);
        assertEq(quote.fee, uint256(quote.price) / 100);
        assertEq(safe.feesOf(keeper), quote.fee);
        assertFalse(safe.accountOf(account).inAuction);
    }

    function test_TheInsolventPaymentRisesOverItsTime() public {
        insolvent();
        auction.start(account, nobody);
        assertEq(status().priceOfMax, -100e6);
        assertEq(status().maxFraction, WAD);
        skip(900);
        assertEq(status().priceOfMax, -200e6); // 100 + .2 · (−100 + 1100) · ½
        auction.poke(account);
        skip(900);
        assertEq(status().priceOfMax, -300e6);
        auction.poke(account);
        skip(10_000);
        assertEq(status().priceOfMax, -300e6);
        Quote memory part = safe.bid(account, 0.5e18);
        assertEq(part.price, -150e6);
        assertTrue(part.running);
        Quote memory rest = safe.bid(account, 0.5e18);
        assertEq(rest.price, -75e6);
        rest = safe.bid(account, MAX);
        assertFalse(rest.running);
    }

    function test_FallsIntoTheInsolventPhaseWithReservedCashFolded() public {
        fallen();
        safe.bid(account, 0.2e18);
        skip(10);
        safe.setRest(account, -304e18); // with 196 in cash: −108
        ILiquidationAuction.Status memory s = status();
        assertEq(uint8(s.phase), uint8(ILiquidationAuction.Phase.Insolvent));
        assertEq(s.reserved, 0);
        assertEq(s.clock, 0);
        assertEq(s.priceOfMax, -108e6);
        vm.expectEmit(address(auction));
        emit ILiquidationAuction.AuctionRestarted(account, ILiquidationAuction.Phase.Insolvent);
        Quote memory quote = safe.bid(account, MAX);
        assertEq(quote.reserved, 0);
        assertEq(quote.price, -108e6);
        assertFalse(quote.running);
    }

    function test_ADiscountOfAllIsTheInsolventPhase() public {
        fallen();
        auction.start(account, nobody);
        watch(14_499);
        assertEq(uint8(status().phase), uint8(ILiquidationAuction.Phase.Solvent));
        skip(1);
        ILiquidationAuction.Status memory s = status();
        assertEq(uint8(s.phase), uint8(ILiquidationAuction.Phase.Insolvent));
        assertEq(s.priceOfMax, 0);
        auction.poke(account);
        watch(1_800);
        assertEq(status().priceOfMax, -100e6); // .2 · 500
    }

    function test_AnExhaustedAuctionStaysInsolvent() public {
        fallen();
        auction.start(account, nobody);
        watch(14_500);
        auction.poke(account);
        skip(600);
        auction.poke(account);
        assertEq(uint8(status().phase), uint8(ILiquidationAuction.Phase.Insolvent));
        assertEq(status().clock, 600);
    }

    function test_ReturnsToTheSolventPhaseOnlyWhenEquityCoversTheBuffer() public {
        insolvent();
        auction.start(account, nobody);
        skip(600);
        safe.setRest(account, 200e18 - 1); // a fifth of the requirement, less one
        auction.poke(account);
        assertEq(uint8(status().phase), uint8(ILiquidationAuction.Phase.Insolvent));
        assertEq(status().clock, 600);
        safe.setRest(account, 200e18);
        auction.poke(account);
        assertEq(uint8(status().phase), uint8(ILiquidationAuction.Phase.Solvent));
        assertEq(status().clock, 0);
        Quote memory quote = safe.bid(account, MAX);
        assertGt(quote.price, 0);
    }

    // ------------------------------------------------------------------ fee

    function test_TheStarterGetsAPartOfTheFirstPriceOnly() public {
        fallen();
        auction.start(account, keeper);
        Quote memory first = safe.bid(account, 0.1e18);
        assertEq(first.fee, 0.98e6);
        assertTrue(first.feeTo == keeper);
        assertEq(status().reserved, 98e6 - 0.98e6);
        Quote memory second = safe.bid(account, 0.1e18);
        assertEq(second.fee, 0);
        assertTrue(second.feeTo == nobody);
    }

    function test_OneFeePerAccountAndHour() public {
        fallen();
        auction.start(account, keeper);
        safe.bid(account, MAX);
        uint256 paid = safe.feesOf(keeper);
        assertGt(paid, 0);

        skip(3_599);
        fallen();
        auction.start(account, keeper);
        safe.bid(account, MAX);
        assertEq(safe.feesOf(keeper), paid);

        skip(1);
        fallen();
        auction.start(account, keeper);
        safe.bid(account, MAX);
        assertEq(safe.feesOf(keeper), 2 * paid);
    }

    function test_ABidThatStartsTheAuctionKeepsTheHourOfTheLastFee() public {
        fallen();
        auction.start(account, keeper);
        safe.bid(account, MAX);
        uint256 paid = safe.feesOf(keeper);
        skip(60);
        fallen();
        safe.bid(account, 0.01e18); // starts
        safe.setRest(account, 3_000e18);
        auction.end(account);
        fallen();
        auction.start(account, keeper);
        safe.bid(account, MAX);
        assertEq(safe.feesOf(keeper), paid);
    }

    function test_AFeeNotEarnedIsForgottenAtTheEnd() public {
        fallen();
        auction.start(account, keeper);
        safe.setRest(account, 3_000e18);
        auction.end(account);
        fallen();
        Quote memory quote = safe.bid(account, MAX);
        assertEq(quote.fee, 0);
        assertEq(safe.feesOf(keeper), 0);
    }

    function test_TheMaximumMakesUpForTheFee() public {
        fallen();
        auction.start(account, nobody);
        uint256 without = status().maxFraction;
        safe.setRest(account, 3_000e18);
        auction.end(account);
        fallen();
        auction.start(account, keeper);
        assertGt(status().maxFraction, without);
        assertFalse(safe.bid(account, MAX).running);
        assertGe(maintenanceOf(account), int256(safe.accountOf(account).requirement / 5) - 1);
    }

    function test_NoFeeOfAnInsolventBid() public {
        insolvent();
        auction.start(account, keeper);
        Quote memory quote = safe.bid(account, 0.5e18);
        assertEq(quote.fee, 0);
        assertTrue(quote.feeTo == nobody);
    }
}
