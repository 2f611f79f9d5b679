// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {
    FLAG_REDUCE_ONLY,
    IExchangeErrors,
    IExchangeEvents,
    Leg,
    Match,
    Order,
    SignedOrder,
    Trigger
} from "../interfaces/IExchange.sol";
import {Call} from "../interfaces/IMarginAccounts.sol";
import {IMarginEngine, PriceState} from "../interfaces/IMarginEngine.sol";
import {IPositionsErrors} from "../interfaces/IPositions.sol";
import {ExchangeLedgerTest} from "../test/ExchangeLedgerTest.sol";
import {SessionUser, Step} from "../test/SessionUser.sol";
import {AccountId} from "../types/AccountId.sol";
import {Instrument, InstrumentLib} from "../types/Position.sol";

/// @title Orders become positions of the real ledger, checked by the real safe
contract ExchangeLedgerIntegrationTest is ExchangeLedgerTest {
    AccountId internal constant NOBODY = AccountId.wrap(0);
    int256 internal constant BUY = 1e18;
    int256 internal constant SELL = -1e18;

    /// @dev Alice sells to Bob.
    function _match(Instrument instrument, uint256 size, uint256 price) private returns (Match memory) {
        Order memory maker = plain(aliceId, instrument, SELL, size, price);
        return matchOf(maker, aliceKey, plain(bobId, instrument, BUY, size, price), bobKey, size);
    }

    function _fill(Instrument instrument, uint256 size, uint256 price) private {
        exchange.fillOrder(_match(instrument, size, price), NOBODY);
    }

    /// @dev Refused with `reason` by itself, and skipped with it in a batch; nothing changes in the ledger.
    function _refuse(Match memory m, bytes memory reason) private {
        bytes32 before = ledgerPrint();
        vm.expectRevert(reason);
        exchange.fillOrder(m, NOBODY);
        Match[] memory list = new Match[](1);
        list[0] = m;
        vm.expectEmit(address(exchange));
        emit IExchangeEvents.FillSkipped(0, hashOf(m.maker.order), hashOf(m.taker.order), reason);
        assertFalse(exchange.fillOrders(list, NOBODY)[0]);
        assertEq(ledgerPrint(), before, "the ledger changed");
    }

    // ------------------------------------------------------------------ fills

    function test_D1_APerpFillIsBookedWithItsFees() public {
        _fill(ethPerp, 3e18, 2_010e18);
        assertEq(sizeOf(aliceId, ethPerp), -3e18);
        assertEq(sizeOf(bobId, ethPerp), 3e18);
        // 6,000 of notional: 1.2 and 3
        assertEq(quoteOf(aliceId), 6_030e18 - 1.2e18);
        assertEq(quoteOf(bobId), -6_030e18 - 3e18);
        assertEq(quoteOf(ledger.feeAccount()), 4.2e18);
        assertEq(quoteOf(aliceId) + quoteOf(bobId) + quoteOf(ledger.feeAccount()), 0);
    }

    function test_AnOptionsPremiumIsPaidInCash() public {
        _fill(call2000, 2e18, 100e18);
        assertEq(cashOf(aliceId), 100_200e6);
        assertEq(cashOf(bobId), 99_800e6);
        assertEq(sizeOf(bobId, call2000), 2e18);
        assertEq(quoteOf(aliceId), -0.8e18);
        assertEq(quoteOf(bobId), -2e18);
    }

    /// A covered call as one trade: a perp bought, a call sold.
    function test_ASpreadTradesAsOne() public {
        Order memory maker = plain(aliceId, ethPerp, BUY, 2e18, 0);
        maker.legs = new Leg[](2);
        maker.legs[0] = Leg(ethPerp, 1e18, 2_000e18);
        maker.legs[1] = Leg(call2000, -1e18, 90e18);
        Order memory taker = plain(bobId, ethPerp, BUY, 2e18, 0);
        taker.legs = new Leg[](2);
        // sells the perp lower and buys the call higher, but his net is better
        taker.legs[0] = Leg(ethPerp, -1e18, 2_050e18);
        taker.legs[1] = Leg(call2000, 1e18, 150e18);
        exchange.fillOrder(matchOf(maker, aliceKey, taker, bobKey, 2e18), NOBODY);
        assertEq(sizeOf(aliceId, ethPerp), 2e18);
        assertEq(sizeOf(aliceId, call2000), -2e18);
        assertEq(cashOf(aliceId), 100_180e6);
        assertEq(sizeOf(bobId, ethPerp), -2e18);
        assertEq(sizeOf(bobId, call2000), 2e18);
    }

    /// A stop executed by a keeper, who gets the signed fee into his quote; the fee account keeps the rest.
    function test_AKeeperIsPaidOutOfTheFees() public {
        Order memory maker = plain(aliceId, ethPerp, SELL, 1e18, 2_000e18);
        Order memory stop = plain(bobId, ethPerp, BUY, 1e18, 2_000e18);
        stop.trigger = Trigger(ETH, true, 2_000e18, 5e18);
        Match memory m = matchOf(maker, aliceKey, stop, bobKey, 1e18);
        scale.setPrice(ETH, 1_999e18);
        _refuse(m, abi.encodeWithSelector(IExchangeErrors.TriggerNotMet.selector, hashOf(stop), 1_999e18));
        scale.setPrice(ETH, 2_000e18);
        vm.prank(carol);
        exchange.fillOrder(m, carolId);
        assertEq(quoteOf(carolId), 5e18);
        assertEq(quoteOf(bobId), -2_000e18 - 1e18 - 5e18);
        assertEq(quoteOf(ledger.feeAccount()), 1.4e18);
        assertFlags(carolId, false, true);
    }

    // ------------------------------------------------------------------ refusals by name

    function test_ALegThatIsNotListedIsRefused() public {
        Instrument other = InstrumentLib.option(ETH, EXPIRY, 2_300e8, true);
        _refuse(_match(other, 1e18, 1e18), err(IPositionsErrors.NotListed.selector, other));
        other = InstrumentLib.perp(4);
        scale.setPrice(4, 1e18);
        _refuse(_match(other, 1e18, 1e18), err(IPositionsErrors.NotListed.selector, other));
    }

    function test_AnExpiryThatPassedIsRefused() public {
        vm.warp(EXPIRY);
        _refuse(_match(call2000, 1e18, 1e18), err(IPositionsErrors.InstrumentExpired.selector, call2000));
    }

    function test_ReduceOnlyNeitherGrowsNorFlips() public {
        _fill(ethPerp, 2e18, 2_000e18); // Alice −2, Bob +2
        Order memory maker = plain(carolId, ethPerp, BUY, 10e18, 2_000e18);
        Order memory reduce = plain(bobId, ethPerp, SELL, 10e18, 2_000e18);
        reduce.flags = FLAG_REDUCE_ONLY;
        bytes memory no = abi.encodeWithSelector(IPositionsErrors.NotReducing.selector, bobId, ethPerp);
        _refuse(matchOf(maker, carolKey, reduce, bobKey, 2e18 + 1), no); // would flip
        exchange.fillOrder(matchOf(maker, carolKey, reduce, bobKey, 1.5e18), NOBODY);
        assertEq(sizeOf(bobId, ethPerp), 0.5e18);
        _refuse(matchOf(maker, carolKey, reduce, bobKey, 0.5e18 + 1), no);
        exchange.fillOrder(matchOf(maker, carolKey, reduce, bobKey, 0.5e18), NOBODY);
        _refuse(matchOf(maker, carolKey, reduce, bobKey, 1), no); // nothing there
        Order memory grow = plain(bobId, ethPerp, BUY, 1e18, 2_000e18);
        grow.flags = FLAG_REDUCE_ONLY;
        Order memory seller = plain(aliceId, ethPerp, SELL, 1e18, 2_000e18);
        seller.salt = 0;
        _refuse(matchOf(seller, aliceKey, grow, bobKey, 1e18), no);
    }

    /// In every leg: also where another one shrinks.
    function test_ReduceOnlyHoldsLegByLeg() public {
        _fill(ethPerp, 2e18, 2_000e18);
        Order memory maker = plain(carolId, ethPerp, BUY, 1e18, 0);
        maker.legs = new Leg[](2);
        maker.legs[0] = Leg(ethPerp, 1e18, 2_000e18);
        maker.legs[1] = Leg(call2000, 1e18, 90e18);
        Order memory taker = plain(bobId, ethPerp, BUY, 1e18, 0);
        taker.legs = new Leg[](2);
        taker.legs[0] = Leg(ethPerp, -1e18, 2_000e18);
        taker.legs[1] = Leg(call2000, -1e18, 90e18);
        taker.flags = FLAG_REDUCE_ONLY;
        _refuse(
            matchOf(maker, carolKey, taker, bobKey, 1e18),
            abi.encodeWithSelector(IPositionsErrors.NotReducing.selector, bobId, call2000)
        );
    }

    /// A2: both sides are checked, whoever submits.
    function test_A2_AFillThatASideCannotBearIsRefused() public {
        Match memory m = _match(ethPerp, 1e18, 2_000e18);
        scale.script(aliceId, -1, 0, 0);
        _refuse(m, abi.encodeWithSelector(InsufficientMargin.selector, aliceId, -1));
        scale.unscript(aliceId);
        scale.script(bobId, -2, 0, 0);
        _refuse(m, abi.encodeWithSelector(InsufficientMargin.selector, bobId, -2));
        scale.unscript(bobId);
        exchange.fillOrder(m, NOBODY);
    }

    /// One bad account in a batch does not hold up the others.
    function test_A2_ABadAccountIsSkippedInABatch() public {
        Match[] memory list = new Match[](3);
        list[0] = _match(ethPerp, 1e18, 2_000e18);
        Order memory maker = plain(carolId, ethPerp, SELL, 1e18, 2_000e18);
        list[1] = matchOf(maker, carolKey, plain(bobId, ethPerp, BUY, 1e18, 2_000e18), bobKey, 1e18);
        list[2] = _match(ethPerp, 2e18, 2_000e18);
        scale.script(carolId, -1, 0, 0);
        bool[] memory filled = exchange.fillOrders(list, NOBODY);
        assertTrue(filled[0] && !filled[1] && filled[2]);
        assertEq(sizeOf(bobId, ethPerp), 3e18);
        assertEq(sizeOf(carolId, ethPerp), 0);
        assertFalse(safe.isPending(carolId));
    }

    // ------------------------------------------------------------------ operators and sessions

    function test_AnOperatorOfTheSafeSignsAndCancels() public {
        Order memory maker = plain(aliceId, ethPerp, SELL, 2e18, 2_000e18);
        Order memory taker = plain(bobId, ethPerp, BUY, 2e18, 2_000e18);
        Match memory m = matchOf(maker, carolKey, taker, bobKey, 1e18);
        _refuse(m, abi.encodeWithSelector(IExchangeErrors.NotAuthorized.selector, aliceId, carol));
        vm.prank(alice);
        safe.setOperator(aliceId, carol, TRADE, uint40(block.timestamp + 10 minutes), false, new address[](0));
        exchange.fillOrder(m, NOBODY);
        vm.prank(carol);
        exchange.cancelUpTo(aliceId, maker.salt + 1);
        _refuse(m, abi.encodeWithSelector(IExchangeErrors.OrderCancelled.selector, hashOf(maker), maker.salt + 1));
        skip(10 minutes + 1);
        vm.expectRevert(abi.encodeWithSelector(IExchangeErrors.NotAuthorized.selector, aliceId, carol));
        vm.prank(carol);
        exchange.cancel(aliceId, 1);
    }

    /// A taker with a session of his own brings his margin after the fill; without it the whole session fails.
    function test_A2_TheCallersSessionDefersTheCheck() public {
        scale.setToy(true);
        SessionUser user = new SessionUser(safe);
        AccountId userId = accountOf(address(user), 0);
        give(address(user), USDC, 1_000e6);
        user.execute(address(sys.usdc), 0, abi.encodeCall(sys.usdc.approve, (address(safe), 1_000e6)));
        Order memory taker = plain(userId, ethPerp, BUY, 1e18, 2_000e18);
        Order memory maker = plain(aliceId, ethPerp, SELL, 1e18, 2_000e18);
        maker.salt = 0;
        Match memory m = Match(signed(maker, aliceKey), SignedOrder(taker, address(user), ""), 1e18);
        Step[] memory steps = new Step[](1);
        steps[0] = Step(address(exchange), 0, abi.encodeCall(exchange.fillOrder, (m, NOBODY)));
        vm.expectRevert(abi.encodeWithSelector(InsufficientMargin.selector, userId, -201e18));
        user.run(steps);
        // a new asset on an account with a ledger: its price must be a usable one, of which this scale knows nothing
        PriceState memory usable;
        vm.mockCall(address(scale), abi.encodeCall(IMarginEngine.priceState, (USDC)), abi.encode(usable));
        Step[] memory two = new Step[](2);
        two[0] = steps[0];
        two[1] = Step(address(safe), 0, abi.encodeCall(safe.deposit, (userId, USDC, 201e6)));
        user.run(two);
        assertEq(sizeOf(userId, ethPerp), 1e18);
    }

    /// Batches of the safe reach the exchange through the forwarder, which is nobody's signer.
    function test_ABatchOfTheSafeFillsSignedOrdersOnly() public {
        Call[] memory list = new Call[](1);
        list[0] = Call(address(exchange), abi.encodeCall(exchange.cancel, (bobId, 1)));
        address forwarder = vm.computeCreateAddress(address(safe), 1);
        bytes memory no = abi.encodeWithSelector(IExchangeErrors.NotAuthorized.selector, bobId, forwarder);
        refuseStep(bob, list, 0, no);
        list[0].data = abi.encodeCall(exchange.fillOrder, (_match(ethPerp, 1e18, 2_000e18), NOBODY));
        vm.prank(bob);
        safe.batch(list);
        assertEq(sizeOf(bobId, ethPerp), 1e18);
    }
}
