// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {
    FLAG_IMMEDIATE_OR_CANCEL,
    FLAG_POST_ONLY,
    FLAG_REDUCE_ONLY,
    Leg,
    Match,
    Order,
    Trigger
} from "../interfaces/IExchange.sol";
import {Fill, FillLeg} from "../interfaces/IPositions.sol";
import {PositionsStub} from "../test/ExchangeStubs.sol";
import {ExchangeTest} from "../test/ExchangeTest.sol";
import {AccountIdLib} from "../types/AccountId.sol";
import {FixedPoint, WAD} from "../types/FixedPoint.sol";
import {Instrument} from "../types/Position.sol";

/// @title What a fill is, who makes its price, and each refusal of an order by name
contract ExchangeOrdersTest is ExchangeTest {
    // ------------------------------------------------------------------ a fill

    function test_AFillIsAskedOfTheLedgerAtTheMakersPrice() public {
        Order memory maker = plain(aliceId, ethPerp, SELL, 3e18, 2_010e18);
        Order memory taker = plain(bobId, ethPerp, BUY, 5e18, 2_020e18);
        maker.flags = FLAG_REDUCE_ONLY;
        FillLeg[] memory legs = new FillLeg[](1);
        legs[0] = FillLeg(ethPerp, -2e18, 2_010e18);
        Match memory m = matched(maker, taker, 2e18);
        vm.expectEmit(address(exchange));
        emit OrdersFilled(hashOf(maker), hashOf(taker), aliceId, bobId, 2e18, 0, 0, legs);
        exchange.fillOrder(m, NOBODY);
        Fill memory f = ledger.fillAt(0);
        assertTrue(f.first == aliceId && f.second == bobId);
        assertEq(f.legs.length, 1);
        assertTrue(f.legs[0].instrument == ethPerp);
        assertEq(f.legs[0].size, -2e18);
        assertEq(f.legs[0].price, 2_010e18);
        assertEq(f.firstFee + f.secondFee, 0);
        assertTrue(f.firstReduces);
        assertFalse(f.secondReduces);
        assertEq(exchange.remaining(maker), 1e18);
        assertEq(exchange.remaining(taker), 3e18);
        assertEq(exchange.filledOf(hashOf(maker)), 2e18);
    }

    /// The hash is what a wallet signs: also against figures of another implementation (ethers' TypedDataEncoder).
    function test_HashesAreThoseOfEIP712() public view {
        Order memory o;
        o.account = AccountIdLib.make(0x1111111111111111111111111111111111111111, 7);
        o.legs = new Leg[](2);
        o.legs[0] = Leg(ethPerp, -1.5e18, 2_000e18);
        o.legs[1] = Leg(ethCall, 1e18, 100e18);
        (o.size, o.maxFee, o.expiry, o.nonce, o.salt) = (3e18, 5e18, 1_800_000_000, 300, 1_700_000_000_123);
        (o.executor, o.flags) = (0x2222222222222222222222222222222222222222, 5);
        o.trigger = Trigger(2, true, 2_500e18, 1e18);
        assertEq(structHash(o), 0x0cc1797d91a8ce1bdc88d6ee863e456176107b591332e4f3632423c7473d62b2);
        assertEq(exchange.hashOrder(o), hashOf(o));
    }

    function testFuzz_HashesAreThoseOfEIP712(Order memory o) public view {
        for (uint256 i; i < o.legs.length; ++i) {
            // any word of the right width
            o.legs[i].instrument = Instrument.wrap(uint128(Instrument.unwrap(o.legs[i].instrument)));
        }
        assertEq(exchange.hashOrder(o), hashOf(o));
    }

    // ------------------------------------------------------------------ price

    /// The price is the maker's, and the taker never pays more, nor gets less, than he signed.
    function testFuzz_TheTakerNeverDoesWorseThanSigned(
        uint128 price,
        uint128 limit,
        bool makerSells,
        uint96 size
    ) public {
        int256 side = makerSells ? SELL : BUY;
        size = uint96(bound(size, 1, 1e24));
        Order memory maker = plain(aliceId, ethPerp, side, size, price);
        Order memory taker = plain(bobId, ethPerp, -side, size, limit);
        if (makerSells ? price <= limit : price >= limit) {
            fill(maker, taker, size);
            assertEq(ledger.fillAt(0).legs[0].price, price);
            assertEq(ledger.fillAt(0).legs[0].size, makerSells ? -int256(uint256(size)) : int256(uint256(size)));
        } else {
            (int256 cost, int256 most) = (int256(uint256(price)), int256(uint256(limit)));
            if (!makerSells) (cost, most) = (-cost, -most);
            refuse(maker, taker, size, abi.encodeWithSelector(PriceWorseThanLimit.selector, cost, most));
        }
    }

    function testFuzz_ASpreadIsBoundByItsNetCost(
        uint128[3] memory prices,
        uint128[3] memory limits,
        uint64 size
    ) public {
        Order memory maker = _spread(plain(aliceId, ethPerp, BUY, 1e30, 0));
        Order memory taker = _spread(plain(bobId, ethPerp, BUY, 1e30, 0));
        size = uint64(bound(size, 4, type(uint64).max));
        int256 cost;
        int256 most;
        for (uint256 i; i < 3; ++i) {
            taker.legs[i].ratio = -maker.legs[i].ratio;
            (maker.legs[i].price, taker.legs[i].price) = (prices[i], limits[i]);
            cost += taker.legs[i].ratio * int256(uint256(prices[i]));
            most += taker.legs[i].ratio * int256(uint256(limits[i]));
        }
        if (cost > most) {
            (cost, most) = (FixedPoint.mulDivCeil(cost, 1, WAD), FixedPoint.mulDivFloor(most, 1, WAD));
            refuse(maker, taker, size, abi.encodeWithSelector(PriceWorseThanLimit.selector, cost, most));
            return;
        }
        fill(maker, taker, size);
        Fill memory f = ledger.fillAt(0);
        for (uint256 i; i < 3; ++i) {
            assertTrue(f.legs[i].instrument == maker.legs[i].instrument);
            assertEq(f.legs[i].size, (int256(uint256(size)) * maker.legs[i].ratio) / 1e18);
            assertEq(f.legs[i].price, prices[i]);
        }
    }

    /// Buys one perp, sells 1.5 puts, buys a quarter of a call.
    function _spread(Order memory o) private view returns (Order memory) {
        o.legs = new Leg[](3);
        o.legs[0] = Leg(ethPerp, 1e18, 0);
        o.legs[1] = Leg(ethPut, -1.5e18, 0);
        o.legs[2] = Leg(ethCall, 0.25e18, 0);
        return o;
    }

    function test_LegsAreRoundedTowardsZeroAndNeverToNothing() public {
        Order memory maker = _spread(plain(aliceId, ethPerp, BUY, 100, 0));
        Order memory taker = _spread(plain(bobId, ethPerp, BUY, 100, 0));
        for (uint256 i; i < 3; ++i) taker.legs[i].ratio *= -1;
        refuse(maker, taker, 3, abi.encodeWithSelector(FillTooSmall.selector, ethCall));
        fill(maker, taker, 7);
        Fill memory f = ledger.fillAt(0);
        assertEq(f.legs[0].size, 7);
        assertEq(f.legs[1].size, -10);
        assertEq(f.legs[2].size, 1);
    }

    // ------------------------------------------------------------------ who makes the price

    function test_TheEarlierSaltIsTheMaker() public {
        (Order memory first, Order memory second) = pair(1e18, 2_000e18);
        refuse(
            matchOf(second, bobKey, first, aliceKey, 1e18),
            abi.encodeWithSelector(WrongMaker.selector, hashOf(second))
        );
        fill(first, second, 1e18);
    }

    function testFuzz_WithEqualSaltsTheLowerHashIsTheMaker(uint64 salt) public {
        (Order memory a, Order memory b) = pair(1e18, 2_000e18);
        (a.salt, b.salt) = (salt, salt);
        bool aliceMakes = hashOf(a) < hashOf(b);
        Match memory right = aliceMakes ? matched(a, b, 1e18) : matchOf(b, bobKey, a, aliceKey, 1e18);
        Match memory wrong = aliceMakes ? matchOf(b, bobKey, a, aliceKey, 1e18) : matched(a, b, 1e18);
        refuse(wrong, abi.encodeWithSelector(WrongMaker.selector, aliceMakes ? hashOf(b) : hashOf(a)));
        exchange.fillOrder(right, NOBODY);
    }

    function test_APostOnlyOrderIsTheMakerHoweverLate() public {
        (Order memory first, Order memory second) = pair(1e18, 2_000e18);
        second.flags = FLAG_POST_ONLY;
        refuse(first, second, 1e18, abi.encodeWithSelector(PostOnlyWouldTake.selector, hashOf(second)));
        exchange.fillOrder(matchOf(second, bobKey, first, aliceKey, 1e18), NOBODY);
    }

    function test_TwoPostOnlyOrdersDoNotMatch() public {
        (Order memory first, Order memory second) = pair(1e18, 2_000e18);
        (first.flags, second.flags) = (FLAG_POST_ONLY, FLAG_POST_ONLY);
        refuse(first, second, 1e18, abi.encodeWithSelector(PostOnlyWouldTake.selector, hashOf(second)));
    }

    /// However old: a stop of yesterday must not trade at its own worst price.
    function test_WhatCannotRestDoesNotMakeThePrice() public {
        for (uint256 i; i < 2; ++i) {
            (Order memory old, Order memory resting) = pair(1e18, 2_000e18);
            if (i == 0) old.flags = FLAG_IMMEDIATE_OR_CANCEL;
            else old.trigger = Trigger(ETH, true, 1, 0);
            old.legs[0].price = 1_500e18;
            refuse(old, resting, 1e18, abi.encodeWithSelector(WrongMaker.selector, hashOf(old)));
            exchange.fillOrder(matchOf(resting, bobKey, old, aliceKey, 1e18), NOBODY);
            assertEq(ledger.fillAt(i).legs[0].price, 2_000e18);
        }
    }

    function test_OfTwoThatCannotRestTheEarlierIsTheMaker() public {
        (Order memory a, Order memory b) = pair(1e18, 2_000e18);
        a.trigger = Trigger(ETH, true, 1, 0);
        b.flags = FLAG_IMMEDIATE_OR_CANCEL;
        refuse(matchOf(b, bobKey, a, aliceKey, 1e18), abi.encodeWithSelector(WrongMaker.selector, hashOf(b)));
        fill(a, b, 1e18);
    }

    // ------------------------------------------------------------------ shape

    function test_RefusesNothing() public {
        (Order memory maker, Order memory taker) = pair(1e18, 2_000e18);
        refuse(maker, taker, 0, abi.encodeWithSelector(ZeroSize.selector));
    }

    function testFuzz_RefusesUnknownAndContradictingFlags(uint8 flags) public {
        (Order memory maker, Order memory taker) = pair(1e18, 2_000e18);
        bool known = flags < 8 && flags & 6 != 6;
        maker.flags = flags;
        if (!known) refuse(maker, taker, 1e18, abi.encodeWithSelector(InvalidFlags.selector, hashOf(maker), flags));
        maker.flags = 0;
        taker.flags = flags;
        if (!known) refuse(maker, taker, 1e18, abi.encodeWithSelector(InvalidFlags.selector, hashOf(taker), flags));
    }

    function test_RefusesLegsThatAreNoLegs() public {
        for (uint256 i; i < 6; ++i) {
            Order memory maker = _spread(plain(aliceId, ethPerp, BUY, 1e18, 0));
            if (i == 0) maker.legs = new Leg[](0);
            if (i == 1) maker.legs = new Leg[](17);
            if (i == 2) maker.legs[1].ratio = 0;
            if (i == 3) maker.legs[2].ratio = 1e24 + 1;
            if (i == 4) maker.legs[2].ratio = -1e24 - 1;
            if (i == 5) (maker.legs[0], maker.legs[1]) = (maker.legs[1], maker.legs[0]);
            for (uint256 k; i == 1 && k < 17; ++k) maker.legs[k] = Leg(Instrument.wrap(uint128(k + 1)), 1e18, 1);
            Order memory taker = _opposite(maker);
            refuse(maker, taker, 1e18, abi.encodeWithSelector(InvalidLegs.selector, hashOf(maker)));
        }
        // twice the same
        Order memory twice = _spread(plain(aliceId, ethPerp, BUY, 1e18, 0));
        twice.legs[1] = twice.legs[0];
        refuse(twice, _opposite(twice), 1e18, abi.encodeWithSelector(InvalidLegs.selector, hashOf(twice)));
    }

    function _opposite(Order memory o) private returns (Order memory other) {
        other = plain(bobId, ethPerp, BUY, o.size, 0);
        other.legs = new Leg[](o.legs.length);
        for (uint256 i; i < o.legs.length; ++i) {
            other.legs[i] = Leg(o.legs[i].instrument, -o.legs[i].ratio, o.legs[i].price);
        }
    }

    function test_SixteenLegsFill() public {
        Order memory maker = plain(aliceId, ethPerp, BUY, 1e18, 0);
        maker.legs = new Leg[](16);
        for (uint256 k; k < 16; ++k) {
            maker.legs[k] = Leg(Instrument.wrap(uint128(k + 1)), -1e24, type(uint128).max);
        }
        fill(maker, _opposite(maker), 1e18);
        assertEq(ledger.fillAt(0).legs.length, 16);
    }

    function test_RefusesLegsThatDoNotMirror() public {
        for (uint256 i; i < 4; ++i) {
            Order memory maker = _spread(plain(aliceId, ethPerp, BUY, 1e18, 0));
            Order memory taker = _opposite(maker);
            if (i == 0) taker.legs[1].ratio = -taker.legs[1].ratio;
            if (i == 1) taker.legs[1].ratio += 1;
            if (i == 2) taker.legs[1].instrument = Instrument.wrap(Instrument.unwrap(ethPut) - 1);
            if (i == 3) taker.legs = new Leg[](2);
            refuse(maker, taker, 1e18, abi.encodeWithSelector(LegsMismatch.selector, hashOf(maker), hashOf(taker)));
        }
    }

    // ------------------------------------------------------------------ who may

    function test_RefusesSelfTrade() public {
        Order memory maker = plain(aliceId, ethPerp, SELL, 1e18, 2_000e18);
        Order memory taker = plain(AccountIdLib.make(alice, 1), ethPerp, BUY, 1e18, 2_000e18);
        refuse(matchOf(maker, aliceKey, taker, aliceKey, 1e18), abi.encodeWithSelector(SelfTrade.selector, alice));
    }

    function testFuzz_AnOrderFillsThroughItsLastSecond(uint40 expiry) public {
        expiry = uint40(bound(expiry, START, START + 365 days));
        (Order memory maker, Order memory taker) = pair(2e18, 2_000e18);
        (maker.expiry, taker.expiry) = (expiry, expiry);
        vm.warp(expiry);
        fill(maker, taker, 1e18);
        skip(1);
        taker.expiry = expiry + 1;
        taker.nonce += 1000;
        refuse(maker, taker, 1e18, abi.encodeWithSelector(OrderExpired.selector, hashOf(maker), expiry));
        maker.expiry = expiry + 1;
        taker.expiry = expiry;
        refuse(maker, taker, 1e18, abi.encodeWithSelector(OrderExpired.selector, hashOf(taker), expiry));
    }

    /// RFQ and block trades: the maker says who may submit.
    function test_AnExecutorPinnedOrderIsOnlyForItsExecutor() public {
        (Order memory maker, Order memory taker) = pair(1e18, 2_000e18);
        maker.executor = carol;
        Match memory m = matched(maker, taker, 1e18);
        refuse(m, abi.encodeWithSelector(NotExecutor.selector, hashOf(maker), carol, address(this)));
        vm.prank(carol);
        exchange.fillOrder(m, NOBODY);
    }

    // ------------------------------------------------------------------ triggers

    function testFuzz_AStopFillsOnlyBeyondItsPrice(bool above, uint96 price, uint96 mid) public {
        (Order memory maker, Order memory taker) = pair(1e18, 2_000e18);
        taker.trigger = Trigger(ETH, above, price, 0);
        index.set(ETH, mid);
        if (above ? mid >= price : mid <= price) fill(maker, taker, 1e18);
        else refuse(maker, taker, 1e18, abi.encodeWithSelector(TriggerNotMet.selector, hashOf(taker), mid));
    }

    /// The trigger may watch another underlying than the one traded.
    function test_TheTriggerHasItsOwnUnderlying() public {
        (Order memory maker, Order memory taker) = pair(1e18, 2_000e18);
        taker.trigger = Trigger(BTC, false, 49_999e18, 0);
        refuse(maker, taker, 1e18, abi.encodeWithSelector(TriggerNotMet.selector, hashOf(taker), 50_000e18));
        index.set(BTC, 49_999e18);
        fill(maker, taker, 1e18);
    }

    /// Parts of a keeper's fee add up to no more than what was signed, and go where the caller may trade.
    function testFuzz_AKeeperGetsAtMostTheSignedFee(uint128 keeperFee, uint64 size, uint64[4] memory parts) public {
        keeperFee = uint128(bound(keeperFee, 0, 1e24));
        size = uint64(bound(size, 4, type(uint64).max));
        Order memory stop = plain(bobId, ethPerp, BUY, size, 2_000e18);
        stop.trigger = Trigger(ETH, true, 1_900e18, keeperFee);
        uint256 left = size;
        uint256 booked;
        for (uint256 i; i < 4 && left != 0; ++i) {
            uint256 part = i == 3 ? left : bound(parts[i], 1, left);
            left -= part;
            Order memory maker = plain(aliceId, ethPerp, SELL, part, 2_000e18);
            vm.prank(keeper);
            exchange.fillOrder(matched(maker, stop, part), keeperId);
            Fill memory f = ledger.fillAt(i);
            assertEq(f.firstFee, 0);
            booked += f.secondFee;
        }
        assertLe(booked, keeperFee);
        assertGe(booked + 3, keeperFee);
        assertEq(ledger.paidTotal(), booked);
        if (booked != 0) assertTrue(ledger.paidTo() == keeperId);
    }

    function test_BothSidesMayOweTheKeeper() public {
        (Order memory maker, Order memory taker) = pair(4e18, 2_000e18);
        maker.trigger = Trigger(ETH, true, 1_900e18, 8e18);
        taker.trigger = Trigger(ETH, true, 1_900e18, 4e18);
        vm.prank(keeper);
        exchange.fillOrder(matched(maker, taker, 1e18), keeperId);
        assertEq(ledger.fillAt(0).firstFee, 2e18);
        assertEq(ledger.fillAt(0).secondFee, 1e18);
        assertEq(ledger.paidTotal(), 3e18);
    }

    function test_WithoutAKeeperNoFeeIsTaken() public {
        (Order memory maker, Order memory taker) = pair(1e18, 2_000e18);
        taker.trigger = Trigger(ETH, true, 1_900e18, 8e18);
        fill(maker, taker, 1e18);
        assertEq(ledger.fillAt(0).secondFee, 0);
        assertEq(ledger.paidTotal(), 0);
    }

    /// Nor a fee of an order that has no trigger.
    function test_WithoutATriggerNoKeeperFeeIsTaken() public {
        (Order memory maker, Order memory taker) = pair(1e18, 2_000e18);
        taker.trigger = Trigger(0, true, 1_900e18, 8e18);
        vm.prank(keeper);
        exchange.fillOrder(matched(maker, taker, 1e18), keeperId);
        assertEq(ledger.fillAt(0).secondFee, 0);
        assertEq(ledger.paidTotal(), 0);
    }

    function test_NobodyIsPaidAKeepersFeeUnasked() public {
        (Order memory maker, Order memory taker) = pair(1e18, 2_000e18);
        taker.trigger = Trigger(ETH, true, 1_900e18, 8e18);
        Match memory m = matched(maker, taker, 1e18);
        vm.expectRevert(abi.encodeWithSelector(NotAuthorized.selector, carolId, keeper));
        vm.prank(keeper);
        exchange.fillOrder(m, carolId);
        safe.grant(carolId, keeper, 1);
        vm.prank(keeper);
        exchange.fillOrder(m, carolId);
        assertTrue(ledger.paidTo() == carolId);
    }

    // ------------------------------------------------------------------ what the ledger says

    function test_TheLedgersRefusalComesThroughAndUsesNothingUp() public {
        (Order memory maker, Order memory taker) = pair(1e18, 2_000e18);
        ledger.set(aliceId, 0, false);
        refuse(maker, taker, 1e18, abi.encodeWithSelector(PositionsStub.Refused.selector, aliceId));
        assertEq(exchange.remaining(maker), 1e18);
        ledger.set(NOBODY, 0, false);
        fill(maker, taker, 1e18);
    }

    /// Everything is counted before the ledger is called: coming back in the midst of a fill finds it done.
    function test_ComingBackInTheMidstOfAFillFindsItCounted() public {
        (Order memory maker, Order memory taker) = pair(3e18, 2_000e18);
        Match memory m = matched(maker, taker, 2e18);
        ledger.reenter(abi.encodeCall(exchange.fillOrder, (m, NOBODY)));
        exchange.fillOrder(m, NOBODY);
        assertEq(ledger.reentryResult(), abi.encodeWithSelector(OverFilled.selector, hashOf(maker), 1e18, 2e18));
        assertEq(ledger.count(), 1);
        m.size = 1e18;
        ledger.reenter(abi.encodeCall(exchange.fillOrder, (m, NOBODY)));
        exchange.fillOrder(m, NOBODY);
        assertEq(ledger.reentryResult(), abi.encodeWithSelector(NonceUsed.selector, aliceId, maker.nonce));
        assertEq(ledger.count(), 2);
    }
}
