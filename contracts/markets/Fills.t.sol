// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {Call, IMarginAccountsCold} from "../interfaces/IMarginAccounts.sol";
import {Fill, FillLeg, IPositionsErrors, LedgerCause, PerpConfig} from "../interfaces/IPositions.sol";
import {LedgerTest} from "../test/LedgerTest.sol";
import {AccountId} from "../types/AccountId.sol";
import {Instrument, InstrumentLib, Position} from "../types/Position.sol";

/// @title Fills: what is booked, what is refused, and that each account is checked once, at the end
contract FillsTest is LedgerTest {
    // ------------------------------------------------------------------ booking

    function test_APerpFillGoesThroughTheQuote() public {
        trade(aliceId, bobId, ethPerp, 3e18, 2_010e18);
        assertEq(quoteOf(aliceId), -6_030e18);
        assertEq(quoteOf(bobId), 6_030e18);
        assertEq(sizeOf(aliceId, ethPerp), 3e18);
        assertEq(sizeOf(bobId, ethPerp), -3e18);
        assertEq(cashOf(aliceId), 100_000e6);
        assertEq(ledger.perpMarket(ETH).openInterest, 3e18);
        assertFlags(aliceId, true, true);
        assertFlags(bobId, true, true);
        // at the mark of 2,000
        assertEq(unsettledOf(aliceId), -30e18);
        assertEq(unsettledOf(bobId), 30e18);
    }

    function test_AClosedRoundTripLeavesItsProfitInTheQuote() public {
        trade(aliceId, bobId, ethPerp, 3e18, 2_000e18);
        trade(bobId, aliceId, ethPerp, 3e18, 2_100e18);
        assertEq(quoteOf(aliceId), 300e18);
        assertEq(quoteOf(bobId), -300e18);
        assertEq(ledger.positionsOf(aliceId).length, 0);
        assertEq(ledger.perpMarket(ETH).openInterest, 0);
        assertFlags(aliceId, false, true);
        trade(aliceId, bobId, ethPerp, 1e18, 2_000e18);
        trade(bobId, aliceId, ethPerp, 1e18, 1_700e18);
        assertFlags(aliceId, false, false);
        assertFlags(bobId, false, false);
    }

    /// The first named pays the product rounded down, whichever side it takes.
    function test_D1_AFillsQuoteIsRoundedOnce() public {
        trade(aliceId, bobId, ethPerp, 1, 1.5e18);
        assertEq(quoteOf(aliceId), -1);
        assertEq(quoteOf(bobId), 1);
        sender.fill(makeFill(carolId, bobId, ethPerp, -1, 1.5e18));
        assertEq(quoteOf(carolId), 2);
        assertEq(quoteOf(bobId), -1);
    }

    function test_AFillMayFlipAPosition() public {
        trade(aliceId, bobId, ethPerp, 1e18, 2_000e18);
        trade(carolId, aliceId, ethPerp, 4e18, 2_000e18);
        assertEq(sizeOf(aliceId, ethPerp), -3e18);
        assertEq(sizeOf(bobId, ethPerp), -1e18);
        assertEq(sizeOf(carolId, ethPerp), 4e18);
        assertEq(ledger.perpMarket(ETH).openInterest, 4e18);
    }

    function test_AnOptionsPremiumIsCash() public {
        trade(aliceId, bobId, call2000, 2e18, 80e18);
        assertEq(cashOf(aliceId), 100_000e6 - 160e6);
        assertEq(cashOf(bobId), 100_000e6 + 160e6);
        assertEq(quoteOf(aliceId), 0);
        assertEq(sizeOf(bobId, call2000), -2e18);
        assertEq(ledger.expiryMarket(ETH, EXPIRY).openInterest, 2e18);
        assertFlags(aliceId, true, false);
        // the seller may be named first
        trade(bobId, aliceId, call2000, -1e18, 80e18);
        assertEq(cashOf(bobId), 100_000e6 + 240e6);
    }

    function test_APremiumIsRoundedUpToAUnitForThePayer() public {
        trade(aliceId, bobId, call2000, 1, 1);
        assertEq(cashOf(aliceId), 100_000e6 - 1);
        trade(aliceId, bobId, call2000, -1, 1e18 + 1);
        // −1.000000000000000001e-18 rounds up to −1 wei: a unit for who pays it
        assertEq(cashOf(aliceId), 100_000e6);
        assertEq(cashOf(bobId), 100_000e6);
    }

    function test_LegsAreFilledTogetherAndTheirPremiumsNetted() public {
        Fill memory f = makeFill(aliceId, bobId, call2000, 2e18, 80e18);
        f.legs = new FillLeg[](3);
        f.legs[0] = FillLeg(call2000, 2e18, 80e18);
        f.legs[1] = FillLeg(call2200, -2e18, 30e18);
        f.legs[2] = FillLeg(ethPerp, -1e18, 2_000e18);
        (f.firstFee, f.secondFee) = (3e18, 1e18);
        sender.fill(f);
        assertEq(cashOf(aliceId), 100_000e6 - 100e6);
        assertEq(quoteOf(aliceId), 2_000e18 - 3e18);
        assertEq(quoteOf(bobId), -2_000e18 - 1e18);
        assertEq(quoteOf(ledger.feeAccount()), 4e18);
        assertEq(ledger.positionsOf(aliceId).length, 3);
    }

    function test_OneEventPerAccountCarriesQuoteAndPositions() public {
        trade(aliceId, bobId, call2000, 1e18, 10e18);
        Position[] memory alices = new Position[](1);
        Position[] memory bobs = new Position[](1);
        alices[0] = ethPerp.position(0, 1e18);
        bobs[0] = ethPerp.position(0, -1e18);
        vm.expectEmit(address(ledger));
        emit LedgerChanged(aliceId, LedgerCause.Fill, -2_000e18, alices);
        vm.expectEmit(address(ledger));
        emit LedgerChanged(bobId, LedgerCause.Fill, 2_000e18, bobs);
        trade(aliceId, bobId, ethPerp, 1e18, 2_000e18);
        // the closed one with size 0; its gap is filled by another, which is told again
        alices = new Position[](2);
        alices[0] = ethPerp.position(0, 1e18);
        alices[1] = call2000.position(0, 0);
        vm.expectEmit(address(ledger));
        emit LedgerChanged(aliceId, LedgerCause.Fill, -2_000e18, alices);
        trade(bobId, aliceId, call2000, 1e18, 10e18);
    }

    event LedgerChanged(AccountId indexed account, LedgerCause indexed cause, int256 quote, Position[] changed);

    // ------------------------------------------------------------------ refusals

    function test_OnlyTheExchangeFills() public {
        Fill memory f = makeFill(aliceId, bobId, ethPerp, 1e18, 2_000e18);
        bytes memory data = abi.encodeCall(ledger.fill, (f));
        refuseLedger(alice, data, abi.encodeWithSelector(IPositionsErrors.OnlyExchange.selector, alice));
        refuseLedger(
            alice,
            abi.encodeWithSignature("onUnlock(bytes)", abi.encode(f)),
            abi.encodeWithSelector(IPositionsErrors.OnlySafe.selector, alice)
        );
    }

    function test_WhatIsNotListedIsNotTraded() public {
        Instrument[5] memory strange = [
            InstrumentLib.perp(4),
            // a perp word may carry nothing else
            Instrument.wrap(Instrument.unwrap(ethPerp) | 1),
            InstrumentLib.option(ETH, EXPIRY, 2_001e8, true),
            InstrumentLib.option(ETH, EXPIRY + 1, 2_000e8, true),
            Instrument.wrap(0)
        ];
        for (uint256 i = 0; i < strange.length; ++i) {
            assertFalse(ledger.isListed(strange[i]));
            refuseFill(
                makeFill(aliceId, bobId, strange[i], 1e18, 1e18),
                err(IPositionsErrors.NotListed.selector, strange[i])
            );
        }
        assertTrue(ledger.isListed(ethPerp) && ledger.isListed(call2000));
    }

    function test_AnExpiredOptionIsNotTraded() public {
        vm.warp(EXPIRY - 1);
        trade(aliceId, bobId, call2000, 1e18, 10e18);
        vm.warp(EXPIRY);
        bytes memory reason = err(IPositionsErrors.InstrumentExpired.selector, call2000);
        refuseFill(makeFill(bobId, aliceId, call2000, 1e18, 1e18), reason);
        settleAt(ETH, 2_100e18);
        refuseFill(makeFill(bobId, aliceId, call2000, 1e18, 1e18), reason);
    }

    function test_EmptyAndOwnAndEndlessFills() public {
        Fill memory f = makeFill(aliceId, bobId, ethPerp, 0, 1e18);
        refuseFill(f, err(IPositionsErrors.ZeroSize.selector, ethPerp));
        f.legs = new FillLeg[](0);
        refuseFill(f, abi.encodeWithSelector(IPositionsErrors.NoLegs.selector));
        f = makeFill(aliceId, aliceId, ethPerp, 1e18, 1e18);
        refuseFill(f, abi.encodeWithSelector(IPositionsErrors.SameAccount.selector, aliceId));
        uint256 big = uint256(type(uint128).max) + 1;
        bytes memory tooLarge = abi.encodeWithSelector(IPositionsErrors.TooLarge.selector, big);
        refuseFill(makeFill(aliceId, bobId, ethPerp, 1e18, big), tooLarge);
        f = makeFill(aliceId, bobId, ethPerp, 1e18, 1e18);
        f.legs[0].size = int256(big);
        refuseFill(f, tooLarge);
        f.legs[0].size = 1e18;
        f.firstFee = big;
        refuseFill(f, tooLarge);
        (f.firstFee, f.secondFee) = (0, big);
        refuseFill(f, tooLarge);
    }

    function test_ClearingAndFeeAccountsDoNotTrade() public {
        AccountId[3] memory own = [ledger.perpClearing(ETH), ledger.expiryClearing(ETH, EXPIRY), ledger.feeAccount()];
        for (uint256 i = 0; i < 3; ++i) {
            bytes memory reason = abi.encodeWithSelector(IPositionsErrors.NotATrader.selector, own[i]);
            refuseFill(makeFill(own[i], bobId, ethPerp, 1e18, 1e18), reason);
            refuseFill(makeFill(aliceId, own[i], ethPerp, 1e18, 1e18), reason);
        }
    }

    function test_AtMost128Positions() public {
        Instrument[] memory list = new Instrument[](129);
        for (uint64 i = 0; i < 129; ++i) list[i] = InstrumentLib.option(ETH, EXPIRY, (3_000 + i) * 1e8, true);
        ledger.listOptions(list);
        Fill memory f = makeFill(aliceId, bobId, ethPerp, 1e18, 2_000e18);
        f.legs = new FillLeg[](128);
        for (uint256 i = 0; i < 128; ++i) f.legs[i] = FillLeg(list[i], 1e18, 1e18);
        sender.fill(f);
        assertEq(ledger.positionsOf(aliceId).length, 128);
        refuseFill(
            makeFill(aliceId, carolId, list[128], 1e18, 1e18),
            abi.encodeWithSelector(IPositionsErrors.TooManyPositions.selector, aliceId)
        );
        // what is held can still be traded, and closing makes room
        trade(aliceId, bobId, list[127], 1e18, 1e18);
        trade(bobId, aliceId, list[0], 1e18, 1e18);
        trade(aliceId, carolId, list[128], 1e18, 1e18);
        assertEq(sizeOf(aliceId, list[127]), 2e18);
        assertEq(sizeOf(aliceId, list[0]), 0);
        assertEq(sizeOf(aliceId, list[128]), 1e18);
    }

    function test_OpenInterestIsCappedOnTheNetResult() public {
        trade(aliceId, bobId, ethPerp, int256(uint256(CAP)), 1);
        refuseFill(
            makeFill(aliceId, bobId, ethPerp, 1, 1),
            abi.encodeWithSelector(
                IPositionsErrors.OpenInterestCapExceeded.selector,
                ethPerp,
                uint256(CAP),
                uint256(CAP) + 1
            )
        );
        // hands may change, and a market above a lowered cap may shrink
        trade(carolId, aliceId, ethPerp, 5e18, 1);
        ledger.configurePerp(ETH, _capped(1e18));
        trade(bobId, carolId, ethPerp, 1e18, 1);
        assertEq(ledger.perpMarket(ETH).openInterest, uint256(CAP) - 1e18);
        ledger.configureExpiry(ETH, EXPIRY, 1e18, false);
        trade(aliceId, bobId, call2000, 1e18, 1e18);
        refuseFill(
            makeFill(aliceId, bobId, put2000, 1, 1e18),
            abi.encodeWithSelector(IPositionsErrors.OpenInterestCapExceeded.selector, put2000, 1e18, 1e18 + 1)
        );
        uint256 most = uint256(uint128(type(int128).max));
        refuseFill(
            makeFill(aliceId, bobId, put2000, int256(most), 1e18),
            abi.encodeWithSelector(IPositionsErrors.OpenInterestCapExceeded.selector, put2000, 1e18, most + 1e18)
        );
    }

    function _capped(uint104 cap) private pure returns (PerpConfig memory config) {
        config = perpConfig();
        config.openInterestCap = cap;
    }

    // ------------------------------------------------------------------ checks

    function test_A2_EachAccountIsCheckedOnceAfterEverythingIsBooked() public {
        bytes4 check = scale.initialMargin.selector;
        vm.expectCall(address(scale), abi.encodeWithSelector(check, aliceId), 1);
        vm.expectCall(address(scale), abi.encodeWithSelector(check, bobId), 1);
        trade(aliceId, bobId, ethPerp, 1e18, 2_000e18);
    }

    function test_A2_ThePayerOfAPremiumIsCheckedOnceToo() public {
        bytes4 check = scale.initialMargin.selector;
        vm.expectCall(address(scale), abi.encodeWithSelector(check, aliceId), 1);
        vm.expectCall(address(scale), abi.encodeWithSelector(check, bobId), 1);
        trade(aliceId, bobId, call2000, 1e18, 100e18);
    }

    function test_A2_BothMustPass() public {
        scale.script(aliceId, -1, 0, 0);
        bytes memory reason = abi.encodeWithSelector(InsufficientMargin.selector, aliceId, -1);
        refuseFill(makeFill(aliceId, bobId, ethPerp, 1e18, 2_000e18), reason);
        refuseFill(makeFill(bobId, aliceId, ethPerp, 1e18, 2_000e18), reason);
        refuseFill(makeFill(aliceId, bobId, call2000, 1e18, 100e18), reason);
        refuseFill(makeFill(bobId, aliceId, call2000, 1e18, 100e18), reason);
        refuseFill(makeFill(bobId, aliceId, call2000, 1e18, 0), reason);
    }

    function test_A2_TheCheckSeesPositionsQuoteFeesAndPremium() public {
        scale.setToy(true);
        // 100,000 of cash carry a notional of 1,000,000; the fee takes a little of it
        trade(aliceId, bobId, ethPerp, 500e18, 2_000e18);
        Fill memory f = makeFill(carolId, bobId, ethPerp, 499e18, 2_000e18);
        f.firstFee = 200e18;
        refuseFill(f, abi.encodeWithSelector(InsufficientMargin.selector, bobId, -99_800e18));
        f = makeFill(carolId, strangerId, ethPerp, 1e18, 2_000e18);
        refuseFill(f, abi.encodeWithSelector(InsufficientMargin.selector, strangerId, -200e18));
        f = makeFill(aliceId, carolId, call2000, 1e18, 1e15);
        refuseFill(f, abi.encodeWithSelector(InsufficientMargin.selector, aliceId, -1e15));
        // being paid can pay for it
        f.legs[0].size = -1e18;
        sender.fill(f);
    }

    function test_InASessionTheCheckWaits() public {
        scale.setToy(true);
        Fill memory f = makeFill(aliceId, bobId, ethPerp, 600e18, 2_000e18);
        deposit(bobId, USDC, 100_000e6);
        bytes memory trading = abi.encodeCall(sender.fill, (f));
        Call[] memory list = calls("", abi.encodeCall(safe.deposit, (aliceId, USDC, 20_000e6)));
        list[0] = Call(address(sender), trading);
        give(alice, USDC, 20_000e6);
        batch(alice, list);
        assertEq(sizeOf(aliceId, ethPerp), 600e18);
        give(alice, USDC, 1);
        list[1] = call(abi.encodeCall(safe.deposit, (aliceId, USDC, 1)));
        refuseBatch(alice, list, abi.encodeWithSelector(InsufficientMargin.selector, aliceId, -120_000e18 + 1e12));
    }

    function test_NobodyTradesInAnAuction() public {
        trade(aliceId, bobId, ethPerp, 1e18, 2_000e18);
        scale.script(aliceId, 0, -50e18, 500e18);
        auction.start(aliceId, bobId);
        scale.script(aliceId, 1, 1, 1);
        bytes memory reason = abi.encodeWithSelector(AccountInAuction.selector, aliceId);
        refuseFill(makeFill(aliceId, bobId, ethPerp, 1e18, 2_000e18), reason);
        Fill memory f = makeFill(bobId, aliceId, ethPerp, 1e18, 2_000e18);
        f.secondReduces = true;
        refuseFill(f, reason);
    }

    // ------------------------------------------------------------------ reduce-only

    function test_AReducingFillPassesByTheReduceOnlyRule() public {
        scale.setToy(true);
        trade(aliceId, bobId, ethPerp, 500e18, 2_000e18);
        scale.setPrice(ETH, 1_900e18);
        // alice: mtm 50,000, requirement 95,000
        Fill memory f = makeFill(aliceId, carolId, ethPerp, -100e18, 1_890e18);
        refuseFill(f, abi.encodeWithSelector(InsufficientMargin.selector, aliceId, -27_000e18));
        f.firstReduces = true;
        sender.fill(f);
        assertEq(sizeOf(aliceId, ethPerp), 400e18);
        assertFalse(safe.inSession());
        // 1,000 were lost for 19,000 of requirement; a fifth of that is the most
        f = makeFill(carolId, aliceId, ethPerp, 100e18, 1_861e18);
        f.secondReduces = true;
        refuseFill(f, abi.encodeWithSelector(NotReduceOnly.selector, aliceId, bytes32("too much value lost")));
        f.legs[0].price = 1_862e18;
        sender.fill(f);
    }

    function test_AReducingFillInASessionOfTheTraderUsesHisDeclaration() public {
        scale.setToy(true);
        trade(aliceId, bobId, ethPerp, 500e18, 2_000e18);
        scale.setPrice(ETH, 1_900e18);
        Fill memory f = makeFill(aliceId, carolId, ethPerp, -100e18, 1_890e18);
        f.firstReduces = true;
        Call[] memory list = calls("", "");
        list[0] = Call(address(sender), abi.encodeCall(sender.fill, (f)));
        list[1] = list[0];
        // declared by the first fill; the second is too late to declare and goes on under the first
        batch(carol, list);
        assertEq(sizeOf(aliceId, ethPerp), 300e18);
        // the trader acted before: too late for the rule
        f.legs[0].size = -10e18;
        list[0] = call(abi.encodeCall(safe.borrow, (aliceId, WETH, 1, alice)));
        list[1] = Call(address(sender), abi.encodeCall(sender.fill, (f)));
        refuseBatch(alice, list, abi.encodeWithSelector(InsufficientMargin.selector, aliceId, -7_200e18));
        batch(alice, calls(abi.encodeCall(safe.reduceOnly, (aliceId))));
        list[0] = call(abi.encodeCall(safe.reduceOnly, (aliceId)));
        batch(alice, list);
        assertEq(sizeOf(aliceId, ethPerp), 290e18);
    }

    function test_AReduceOnlyOrderDoesNotGrowOpenOrFlip() public {
        trade(aliceId, bobId, ethPerp, 2e18, 2_000e18);
        Fill memory f = makeFill(aliceId, carolId, ethPerp, 1e18, 2_000e18);
        f.firstReduces = true;
        bytes memory reason = abi.encodeWithSelector(IPositionsErrors.NotReducing.selector, aliceId, ethPerp);
        refuseFill(f, reason);
        f.legs[0].size = -2e18 - 1;
        refuseFill(f, reason);
        f.legs[0].instrument = btcPerp;
        refuseFill(f, abi.encodeWithSelector(IPositionsErrors.NotReducing.selector, aliceId, btcPerp));
        f.legs[0].instrument = put2000;
        refuseFill(f, abi.encodeWithSelector(IPositionsErrors.NotReducing.selector, aliceId, put2000));
        f = makeFill(carolId, bobId, ethPerp, 1e18, 2_000e18);
        f.secondReduces = true;
        refuseFill(f, abi.encodeWithSelector(IPositionsErrors.NotReducing.selector, bobId, ethPerp));
        // both at once
        f = makeFill(bobId, aliceId, ethPerp, 2e18, 2_000e18);
        (f.firstReduces, f.secondReduces) = (true, true);
        sender.fill(f);
        assertEq(ledger.perpMarket(ETH).openInterest, 0);
    }

    function test_OnlyTheLedgerDeclaresForOthers() public {
        Call[] memory list = calls(abi.encodeCall(IMarginAccountsCold.reduceOnly, (aliceId)));
        refuseStep(bob, list, 0, abi.encodeWithSelector(NotAuthorized.selector, aliceId, bob, TRADE));
    }

    // ------------------------------------------------------------------ fuzz

    function testFuzz_D1_AFillSumsToZero(int256 size, uint256 price, int256 size2, uint256 price2) public {
        size = bound(size, -int256(uint256(CAP)) / 2, int256(uint256(CAP)) / 2);
        size2 = bound(size2, -int256(uint256(CAP)) / 2, int256(uint256(CAP)) / 2);
        vm.assume(size != 0 && size2 != 0);
        trade(aliceId, bobId, ethPerp, size, bound(price, 0, 1e30));
        trade(bobId, carolId, ethPerp, size2, bound(price2, 0, 1e30));
        assertEq(quoteOf(aliceId) + quoteOf(bobId) + quoteOf(carolId), 0);
        int256[3] memory sizes = [sizeOf(aliceId, ethPerp), sizeOf(bobId, ethPerp), sizeOf(carolId, ethPerp)];
        assertEq(sizes[0] + sizes[1] + sizes[2], 0);
        uint256 longs;
        for (uint256 i = 0; i < 3; ++i) if (sizes[i] > 0) longs += uint256(sizes[i]);
        assertEq(ledger.perpMarket(ETH).openInterest, longs);
    }
}
