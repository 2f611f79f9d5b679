// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

// whether a call is refused is what is tested
// solhint-disable avoid-low-level-calls

import {IMarginAccountsErrors} from "../interfaces/IMarginAccounts.sol";
import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {IMarginModel} from "../interfaces/IMarginModel.sol";
import {Fill, FillLeg, IPositionsErrors} from "../interfaces/IPositions.sol";
import {AccountId} from "../types/AccountId.sol";
import {Instrument, InstrumentLib} from "../types/Position.sol";
import {DerivativesTest} from "../test/DerivativesTest.sol";

/// @title Perps and options on the whole system: margins, liquidation, and what stale values stop
contract DerivativesWholeTest is DerivativesTest {
    uint8 private constant PORTFOLIO = 1;

    /// @dev Cash of alice and bob down to `amount`; both have 100,000.
    function _leave(AccountId account, uint256 amount) private {
        withdraw(account, USDC, 100_000e6 - amount);
    }

    function _moveTo(uint256 price) private {
        setPrice(WETH, price * 1e8);
    }

    function _close(AccountId first, AccountId second, Instrument instrument, int256 size, uint256 price) private {
        Fill memory f = makeFill(first, second, instrument, size, price);
        (f.firstReduces, f.secondReduces) = (true, true);
        sender.fill(f);
    }

    // ------------------------------------------------------------------ margins
    function test_A2_aPerpNeedsItsInitialMargin() public {
        // 6.5 % of 10 · 2,000; cash 100,000
        trade(aliceId, bobId, ethPerp, 10e18, 2_000e18);
        assertEq(initialOf(aliceId), 100_000e18 - 1_300e18);
        (int256 maintenance, int256 mtm) = liquidationOf(bobId);
        assertEq(maintenance, 100_000e18 - 1_000e18);
        assertEq(mtm, 100_000e18);
    }

    function test_A2_refusesAFillThatEitherSideCannotCarry() public {
        _leave(bobId, 1_299e6);
        Fill memory f = makeFill(aliceId, bobId, ethPerp, 10e18, 2_000e18);
        refuseFill(f, abi.encodeWithSelector(IMarginAccountsErrors.InsufficientMargin.selector, bobId, int256(-1e18)));
        deposit(bobId, USDC, 1e6);
        trade(aliceId, bobId, ethPerp, 10e18, 2_000e18);
        assertEq(initialOf(bobId), 0);
    }

    function test_profitOpensNoNewRiskBeforeItIsSettled() public {
        trade(aliceId, bobId, ethPerp, 10e18, 2_000e18);
        _moveTo(2_100);
        // U = 1,000 counts for maintenance and mtm; initial leaves it out. Ratio of 21,000.
        assertEq(initialOf(aliceId), 100_000e18 - 1_365e18);
        (int256 maintenance, int256 mtm) = liquidationOf(aliceId);
        assertEq(maintenance, 101_000e18 - 1_050e18);
        assertEq(mtm, 101_000e18);
        ledger.settle(aliceId, bobId, 1_000e6);
        assertEq(initialOf(aliceId), 101_000e18 - 1_365e18);
        assertEq(mtmOf(bobId), 99_000e18);
    }

    function test_aLongOptionIsNotCountedTwice() public {
        int256 before = initialOf(aliceId);
        trade(aliceId, bobId, call2000, 10e18, 40e18);
        // paid 400; the standard model gives a long option no margin, mtm shows its value once
        assertEq(initialOf(aliceId), before - 400e18);
        (int256 maintenance, int256 mtm) = liquidationOf(aliceId);
        assertEq(maintenance, before - 400e18);
        assertTrue(mtm > maintenance && mtm < maintenance + 1_000e18);
        setModel(aliceId, PORTFOLIO);
        (maintenance, mtm) = liquidationOf(aliceId);
        // the scenarios take most of the value away again, and never more than all of it
        assertTrue(maintenance >= before - 400e18 && maintenance < mtm);
        assertTrue(initialOf(aliceId) >= before - 400e18 && initialOf(aliceId) <= maintenance);
    }

    function test_thePortfolioModelSeesAHedge() public {
        setModel(aliceId, PORTFOLIO);
        trade(aliceId, bobId, call2000, -10e18, 40e18);
        int256 naked = initialOf(aliceId);
        trade(aliceId, carolId, ethPerp, 5e18, 2_000e18);
        assertTrue(initialOf(aliceId) > naked, "a delta hedge lowers the requirement");
        // cash and spot of the underlying count too: a covered call
        deposit(bobId, WETH, 10e18);
        setModel(bobId, PORTFOLIO);
        int256 long = initialOf(bobId);
        trade(bobId, carolId, call2200, -10e18, 10e18);
        assertTrue(initialOf(bobId) > long - 100e18, "covered by the spot");
    }

    function test_switchingTheModelIsChecked() public {
        setModel(aliceId, PORTFOLIO);
        trade(aliceId, bobId, ethPerp, 40e18, 2_000e18);
        trade(aliceId, carolId, put2000, 40e18, 40e18);
        int256 initial = initialOf(aliceId);
        _leaveInitial(initial);
        bytes memory data = abi.encodeCall(safe.setModel, (aliceId, 0));
        vm.prank(alice);
        (bool ok, bytes memory reason) = address(safe).call(data);
        assertFalse(ok);
        assertEq(bytes4(reason), IMarginAccountsErrors.InsufficientMargin.selector);
    }

    /// @dev Alice keeps ten in hand.
    function _leaveInitial(int256 initial) private {
        withdraw(aliceId, USDC, uint256(initial) / 1e12 - 10e6);
    }

    // ------------------------------------------------------------------ prices that must not open risk
    function test_O1_staleAttestationsStopNewRiskOnly() public {
        trade(aliceId, bobId, ethPerp, 10e18, 2_000e18);
        trade(aliceId, bobId, call2000, 1e18, 57e18);
        pass(1 hours + 1);
        bytes memory stale = abi.encodeWithSelector(IMarginModel.FeedStale.selector, uint256(ETH));
        refuseFill(makeFill(aliceId, bobId, ethPerp, 1e18, 2_000e18), stale);
        refuseFill(makeFill(carolId, bobId, call2000, 1e18, 40e18), stale);
        // exits go on: both sides shrink
        _close(aliceId, bobId, ethPerp, -4e18, 2_000e18);
        _close(aliceId, bobId, call2000, -1e18, 57e18);
        assertEq(sizeOf(aliceId, ethPerp), 6e18);
        assertEq(sizeOf(bobId, call2000), 0);
        // and so does liquidation
        assertTrue(maintenanceOf(aliceId) > 0);
        attestAll();
        trade(aliceId, bobId, ethPerp, 1e18, 2_000e18);
    }

    function test_O1_nothingPassesWithoutTheIndex() public {
        trade(aliceId, bobId, ethPerp, 10e18, 2_000e18);
        sys.wethFeed.setAnsweredLate(true);
        Fill memory f = makeFill(aliceId, bobId, ethPerp, -1e18, 2_000e18);
        (f.firstReduces, f.secondReduces) = (true, true);
        (bool ok, bytes memory reason) = address(sender).call(abi.encodeCall(sender.fill, (f)));
        assertFalse(ok);
        assertEq(bytes4(reason), IMarginEngine.PriceUnusable.selector);
    }

    function test_aGapOfThirtyPercentFreezesNobody() public {
        trade(aliceId, bobId, ethPerp, 10e18, 2_000e18);
        trade(aliceId, bobId, call2000, -5e18, 40e18);
        _moveTo(1_400);
        // what is attested is relative to the index: no new attestation is needed to trade on
        assertEq(ledger.markPrice(ETH), 1_400e18);
        trade(aliceId, bobId, ethPerp, 1e18, 1_400e18);
        trade(bobId, carolId, put2000, 1e18, 600e18);
        passAttested(30 minutes);
        trade(aliceId, bobId, ethPerp, -11e18, 1_400e18);
    }

    // ------------------------------------------------------------------ liquidation
    function test_L1_aPerpAccountIsBidOnWhole() public {
        _leave(aliceId, 7_000e6);
        trade(aliceId, bobId, ethPerp, 50e18, 2_000e18);
        _moveTo(1_940);
        // 7,000 − 3,000 − 5 % of 97,000
        assertEq(maintenanceOf(aliceId), -850e18);
        int256 sum = quoteOf(aliceId) + quoteOf(bobId) + quoteOf(carolId);
        (uint256 taken, int256 price) = bid(aliceId, carolId, type(uint256).max);
        assertTrue(taken > 0 && taken < 1e18 && price > 0);
        assertEq(sizeOf(aliceId, ethPerp) + sizeOf(carolId, ethPerp), 50e18);
        assertApproxEqAbs(sizeOf(carolId, ethPerp), int256((50e18 * taken) / 1e18), 1);
        assertEq(quoteOf(aliceId) + quoteOf(bobId) + quoteOf(carolId), sum, "quote moved, none made");
        assertTrue(maintenanceOf(aliceId) >= 0);
        assertFlags(carolId, true, true);
    }

    function test_L1_anOptionsBookIsBidOnWhole() public {
        _leave(aliceId, 12_000e6);
        setModel(aliceId, PORTFOLIO);
        trade(aliceId, bobId, call2000, -20e18, 60e18);
        trade(aliceId, bobId, put2000, -20e18, 60e18);
        assertTrue(initialOf(aliceId) >= 0);
        _moveTo(2_500);
        assertTrue(maintenanceOf(aliceId) < 0);
        vm.prank(stranger);
        auction.start(aliceId, strangerId);
        skip(5 minutes);
        refreshFeeds();
        for (uint256 i; i < 4 && maintenanceOf(aliceId) < 0; ++i) bid(aliceId, carolId, type(uint256).max);
        assertEq(sizeOf(aliceId, call2000) + sizeOf(carolId, call2000), -20e18);
        assertEq(sizeOf(aliceId, put2000) + sizeOf(carolId, put2000), -20e18);
    }

    function test_L2_theFundPaysForAnInsolventPerpAccount() public {
        _leave(aliceId, 7_000e6);
        trade(aliceId, bobId, ethPerp, 50e18, 2_000e18);
        _moveTo(1_800);
        assertEq(mtmOf(aliceId), -3_000e18);
        vm.prank(stranger);
        auction.start(aliceId, strangerId);
        skip(1);
        refreshFeeds();
        int256 carolBefore = mtmOf(carolId);
        int256 fundBefore = cashOf(fund.account());
        (uint256 taken, int256 price) = bid(aliceId, carolId, 1e18);
        assertEq(taken, 1e18);
        assertTrue(price < 0 && cashOf(fund.account()) == fundBefore + price);
        assertEq(sizeOf(carolId, ethPerp), 50e18);
        assertEq(mtmOf(aliceId), 0);
        // paid the deficit, and a part of the requirement at most
        assertTrue(mtmOf(carolId) >= carolBefore && mtmOf(carolId) <= carolBefore + 0.2e18 * 5_000);
    }

    function test_A4_noSettlementOrFillInAnAuction() public {
        _leave(aliceId, 7_000e6);
        trade(aliceId, bobId, ethPerp, 50e18, 2_000e18);
        _moveTo(1_940);
        vm.prank(stranger);
        auction.start(aliceId, strangerId);
        bytes memory reason = abi.encodeWithSelector(IMarginAccountsErrors.AccountInAuction.selector, aliceId);
        refuseLedger(stranger, abi.encodeCall(ledger.settle, (bobId, aliceId, 1e6)), reason);
        refuseFill(makeFill(aliceId, bobId, ethPerp, 1e18, 1_940e18), reason);
    }

    // ------------------------------------------------------------------ settlement
    function test_A1_settlementCannotMakeALoserLiquidatable() public {
        trade(aliceId, bobId, ethPerp, 50e18, 2_000e18);
        // 5,250 of requirement against 95,000 + 5,000: a settlement changes neither
        _moveTo(2_100);
        _leaveInitial2(bobId);
        int256 maintenance = maintenanceOf(bobId);
        ledger.settle(aliceId, bobId, 5_000e6);
        assertEq(maintenanceOf(bobId), maintenance, "cash for U, nothing else");
    }

    /// @dev Half of what he may take out.
    function _leaveInitial2(AccountId account) private {
        withdraw(account, USDC, uint256(initialOf(account)) / 2e12);
    }

    function test_settlementMayMakeALoserBorrow() public {
        deposit(bobId, WETH, 100e18);
        trade(aliceId, bobId, ethPerp, 50e18, 2_000e18);
        withdraw(bobId, USDC, 100_000e6);
        _moveTo(2_100);
        ledger.settle(aliceId, bobId, 5_000e6);
        assertEq(cashOf(bobId), -5_000e6);
        assertEq(cashOf(aliceId), 105_000e6);
    }

    // ------------------------------------------------------------------ around an expiry
    function test_oneSecondBeforeTheExpiryAndAfterIt() public {
        trade(aliceId, bobId, call2000, 10e18, 40e18);
        trade(aliceId, bobId, put2000, -5e18, 40e18);
        setModel(bobId, PORTFOLIO);
        passAttested(EXPIRY - vm.getBlockTimestamp() - 1);
        _moveTo(2_200);
        // with no rounds submitted, all of the average may still move: 10 · 200 at the index
        (int256 maintenance, int256 mtm) = liquidationOf(aliceId);
        assertApproxEqAbs(mtm, cashOf(aliceId) * 1e12 + 2_000e18, 3e18);
        assertTrue(maintenance <= mtm);
        assertTrue(maintenanceOf(bobId) > 0);
        trade(aliceId, bobId, call2000, -1e18, 200e18);

        skip(2);
        bytes memory expired = err(IPositionsErrors.InstrumentExpired.selector, call2000);
        refuseFill(makeFill(aliceId, bobId, call2000, 1e18, 200e18), expired);
        assertApproxEqAbs(mtmOf(aliceId), cashOf(aliceId) * 1e12 + 1_800e18, 1e15, "worth its payoff");
        assertTrue(maintenanceOf(bobId) > 0);
    }

    function test_D1_anExpirySettlesOnTheAverageOfRealRounds() public {
        trade(aliceId, bobId, call2000, 10e18, 40e18);
        passAttested(EXPIRY - vm.getBlockTimestamp() - 1 hours);
        // 2,100 until the middle of the window, then 2,300: 2,200 on average
        _moveTo(2_100);
        (uint80 first, , , , ) = sys.wethFeed.latestRoundData();
        (uint80 unit, , , , ) = sys.usdcFeed.latestRoundData();
        skip(45 minutes);
        _moveTo(2_300);
        setPrice(USDC, 1e8);
        skip(15 minutes);
        _submit(ETH, first, first + 1);
        _submit(1, unit, unit + 1);
        prices.fix(ETH, EXPIRY);
        ledger.settleExpiry(ETH, EXPIRY);
        assertEq(ledger.expiryMarket(ETH, EXPIRY).price, 2_200e18);
        int256 before = cashOf(aliceId) * 1e12;
        assertEq(mtmOf(aliceId), before + 2_000e18, "pending payoff");
        ledger.touch(aliceId);
        assertEq(mtmOf(aliceId), before + 2_000e18, "booked payoff");
        ledger.settle(aliceId, bobId, 2_000e6);
        assertEq(cashOf(aliceId) * 1e12, before + 2_000e18);
        assertEq(unsettledOf(ledger.expiryClearing(ETH, EXPIRY)), 0);
    }

    function _submit(uint8 asset, uint80 from, uint80 to) private {
        uint80[] memory rounds = new uint80[](to - from + 1);
        for (uint80 i; i < rounds.length; ++i) rounds[i] = from + i;
        prices.submit(asset, EXPIRY, rounds);
    }

    // ------------------------------------------------------------------ extremes
    function test_bothModelsAtExactlyZero() public {
        for (uint8 model; model < 2; ++model) {
            AccountId account = accountOf(alice, 7 + model);
            deposit(account, USDC, 50_000e6);
            setModel(account, model);
            trade(account, bobId, ethPerp, 10e18, 2_000e18);
            int256 initial = initialOf(account);
            withdraw(account, USDC, uint256(initial) / 1e12);
            assertTrue(initialOf(account) >= 0 && initialOf(account) < 1e12);
            vm.expectRevert();
            vm.prank(alice);
            safe.withdraw(account, USDC, 1, alice);
            trade(account, bobId, ethPerp, -10e18, 2_000e18);
            // nothing is left that could owe: the rest leaves without a price (A3)
            sys.wethFeed.setAnsweredLate(true);
            withdraw(account, USDC, type(uint256).max);
            sys.wethFeed.setAnsweredLate(false);
        }
    }

    function test_pricesToZeroAndVolatilityToTheLimitKeepBothModelsAlive() public {
        trade(aliceId, bobId, ethPerp, 10e18, 2_000e18);
        trade(aliceId, bobId, call2000, -10e18, 40e18);
        trade(aliceId, bobId, put2000, 10e18, 40e18);
        setModel(bobId, PORTFOLIO);
        _moveTo(2);
        assertTrue(mtmOf(aliceId) < mtmOf(bobId) + 200_000e18);
        assertTrue(maintenanceOf(bobId) <= mtmOf(bobId));
        _moveTo(90_000);
        assertTrue(maintenanceOf(aliceId) < 0);
        assertTrue(maintenanceOf(bobId) <= mtmOf(bobId));
    }

    /// @dev Every operation on it must fit 14M gas: a transaction is capped at 16.7M (DESIGN 8.5).
    function test_anAccountOf128PositionsIsCheckedAndLiquidated() public {
        Instrument[] memory list = new Instrument[](127);
        Fill memory f = makeFill(aliceId, bobId, ethPerp, 1e18, 2_000e18);
        FillLeg memory perpLeg = f.legs[0];
        f.legs = new FillLeg[](128);
        f.legs[127] = perpLeg;
        for (uint64 i; i < 127; ++i) {
            list[i] = InstrumentLib.option(ETH, EXPIRY, (1_003 + 20 * i) * 1e8, i % 2 == 0);
            f.legs[i] = FillLeg(list[i], i % 3 == 0 ? int256(1e18) : -1e18, 200e18);
        }
        ledger.listOptions(list);
        deposit(bobId, USDC, 10_000_000e6);
        deposit(carolId, USDC, 10_000_000e6);
        for (uint8 model; model < 2; ++model) {
            AccountId full = accountOf(alice, 20 + model);
            deposit(full, USDC, 400_000e6);
            setModel(full, model);
            f.first = full;
            uint256 gas = gasleft();
            sender.fill(f);
            assertTrue(gas - gasleft() < 14_000_000, "fill");
            Fill memory more = makeFill(full, carolId, call2200, 1e18, 50e18);
            refuseFill(more, abi.encodeWithSelector(IPositionsErrors.TooManyPositions.selector, full));
            withdraw(full, USDC, uint256(initialOf(full)) / 1e12);

            _moveTo(model == 0 ? 3_000 : 4_000);
            assertTrue(maintenanceOf(full) < 0);
            AccountId bidder = accountOf(carol, 20 + model);
            deposit(bidder, USDC, 5_000_000e6);
            setModel(bidder, model);
            if (mtmOf(full) <= 0) {
                auction.start(full, strangerId);
                skip(1);
                refreshFeeds();
            }
            vm.prank(carol);
            gas = gasleft();
            safe.bid(full, bidder, type(uint256).max, type(int256).max);
            assertTrue(gas - gasleft() < 14_000_000, "bid");
            assertTrue(sizeOf(bidder, list[0]) != 0 && sizeOf(bidder, ethPerp) != 0);
            _moveTo(2_000);
        }
    }
}
