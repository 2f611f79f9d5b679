// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";

import {
    FLAG_POST_ONLY,
    FLAG_REDUCE_ONLY,
    IExchangeErrors,
    Leg,
    Match,
    Order,
    SignedOrder
} from "../interfaces/IExchange.sol";
import {ILiquidityPoolErrors, MarketTerms, PoolTerms, Quote} from "../interfaces/ILiquidityPool.sol";
import {LedgerView} from "../interfaces/ILedgerLens.sol";
import {IMarginAccountsErrors} from "../interfaces/IMarginAccounts.sol";
import {IMarginEngine, PriceFault} from "../interfaces/IMarginEngine.sol";
import {IMarginModel} from "../interfaces/IMarginModel.sol";
import {Inventory, Sheet} from "../interfaces/IPoolPricer.sol";
import {IPositionsErrors} from "../interfaces/IPositions.sol";
import {Exchange} from "../markets/Exchange.sol";
import {LedgerLens} from "../risk/LedgerLens.sol";
import {AccountId, AccountIdLib} from "../types/AccountId.sol";
import {Instrument, InstrumentLib} from "../types/Position.sol";
import {WalletStub} from "../test/ExchangeStubs.sol";
import {PoolTest} from "../test/PoolTest.sol";

/// @title Trading with the pool: prices, sides, limits, stops, and who can make it sign
contract PoolTradingTest is PoolTest {
    // ------------------------------------------------------------------ prices
    function test_aWalletTradesAPerpWithoutAMatcher() public {
        Quote memory q = quoteOf(ethPerp, 10e18);
        // 20,000 at mark; 20 half-spread; P from 0 to 2,000 · 0.5 % · 10² / (2 · 500) = 1; fee 4
        assertEq(q.cost, 20_025e18);
        assertEq(q.prices[0], 2_002.5e18);
        assertEq(q.poolFee, 4e18);
        assertEq(q.takerFee, 10e18);
        assertEq(swap(aliceId, ethPerp, 10e18), 20_025e18);
        assertEq(sizeOf(aliceId, ethPerp), 10e18);
        assertEq(sizeOf(poolId, ethPerp), -10e18);
        assertEq(unsettledOf(aliceId), -35e18);
        assertEq(unsettledOf(poolId), 21e18);
        assertEq(pool.equity(), 1_000_021e18);
    }

    function test_optionsAreQuotedAroundTheMarkThatMarginsSee() public {
        swap(aliceId, call2000, 10e18);
        swap(aliceId, put2000, -5e18);
        LedgerView memory v = _lens().ledgerView(poolId);
        Sheet memory s = pricer.sheet(poolId, new Instrument[](0));
        assertEq(v.positions.length, 2);
        assertEq(s.inventories.length, 1);
        Inventory memory i = s.inventories[0];
        assertApproxEqAbs(i.optionLow, v.optionValue, 1e10);
        assertApproxEqAbs(i.delta, v.underlyings[0].delta, 1e6);
        assertApproxEqAbs(i.vega, v.underlyings[0].vega, 1e10);
        for (uint256 k; k < 2; ++k) {
            Instrument o = v.positions[k].instrument;
            assertTrue(askOf(o, 1e18) > v.positions[k].mark && bidOf(o, 1e18) < v.positions[k].mark);
        }
    }

    function _lens() private returns (LedgerLens) {
        address normal = make("contracts/risk/NormalTable.sol:NormalTable", "");
        bytes memory parts = abi.encode(attested, prices, normal);
        address scenarios = make("contracts/risk/ScenarioLens.sol:ScenarioLens", parts);
        bytes memory all = abi.encode(safe, attested, prices, normal, scenarios);
        return LedgerLens(make("contracts/risk/LedgerLens.sol:LedgerLens", all));
    }

    function test_skewMovesPricesAgainstWhoeverAddsToTheInventory() public {
        (uint256 ask, uint256 bid) = (askOf(ethPerp, 1e18), bidOf(ethPerp, 1e18));
        assertEq(ask - 2_000e18, 2_000e18 - bid, "flat: the same both ways");
        swap(aliceId, ethPerp, 200e18);
        // short 200: dearer to buy, and paid better to sell
        assertTrue(askOf(ethPerp, 1e18) > ask + 3e18 && bidOf(ethPerp, 1e18) > bid);
        swap(bobId, ethPerp, -400e18);
        assertTrue(askOf(ethPerp, 1e18) < ask && bidOf(ethPerp, 1e18) < bid - 3e18);
        // options are skewed by delta too: it is long, and wants to sell calls and buy puts
        Quote memory put = quoteOf(put2000, -1e18);
        Quote memory call = quoteOf(call2000, -1e18);
        assertTrue(put.prices[0] > call.prices[0], "at the money both are worth the same");
    }

    function test_skewByVega() public {
        uint256 ask = askOf(call2000, 1e18);
        swap(aliceId, call2000, 200e18);
        swap(bobId, put2000, 200e18);
        // delta-neutral, short 400 options' vega of about 72 each: 3 points · 28,700 / 200,000
        uint256 dearer = askOf(call2000, 1e18);
        assertTrue(dearer > ask + 0.3e18, "vega costs");
        assertTrue(bidOf(call2000, 1e18) > 0 && dearer < ask + 1e18);
    }

    /// @dev The table of docs/liquidity-pool.md.
    function test_aWorkedQuote() public {
        assertEq(askOf(ethPerp, 10e18), 2_002.5e18);
        swap(aliceId, ethPerp, 200e18);
        assertEq(askOf(ethPerp, 1e18), 2_006.41e18);
        assertEq(bidOf(ethPerp, 1e18), 1_999.6e18);
    }

    function test_neverTradesThroughItsMark() public {
        swap(aliceId, ethPerp, 450e18);
        // P would pay a seller more than the half-spread takes; the pool keeps its mark, and takes its fee of .4
        assertEq(bidOf(ethPerp, 1e18), 2_000e18 - 0.4e18);
        int256 before = pool.equity();
        swap(bobId, ethPerp, -450e18);
        assertGe(pool.equity(), before);
    }

    function test_aSpreadTradesAsOne() public {
        Order memory o = orderOf(aliceId, call2000, 10e18);
        o.legs = new Leg[](2);
        o.legs[0] = Leg(call2000, 1e18, uint128(200e18));
        o.legs[1] = Leg(call2200, -1e18, 0);
        Quote memory q = pool.quote(aliceId, o.legs, o.size);
        assertEq(pool.trade(signed(o, aliceKey), o.size), q.cost);
        assertEq(sizeOf(poolId, call2000), -10e18);
        assertEq(sizeOf(poolId, call2200), 10e18);
    }

    function test_theTakersLimitHolds() public {
        Order memory o = plain(aliceId, ethPerp, 1e18, 10e18, 2_002e18);
        SignedOrder memory s = signed(o, aliceKey);
        vm.expectRevert(
            abi.encodeWithSelector(IExchangeErrors.PriceWorseThanLimit.selector, int256(2_002.5e18), int256(2_002e18))
        );
        pool.trade(s, 10e18);
    }

    // ------------------------------------------------------------------ who trades
    function test_aContractTradesByEip1271() public {
        WalletStub taker = new WalletStub(alice);
        AccountId id = AccountIdLib.make(address(taker), 0);
        deposit(id, USDC, 50_000e6);
        Order memory o = orderOf(id, ethPerp, 1e18);
        SignedOrder memory s = SignedOrder(o, address(taker), signatureOf(hashOf(o), keys[bob]));
        vm.expectRevert(abi.encodeWithSelector(IMarginAccountsErrors.InvalidSignature.selector, address(taker)));
        pool.trade(s, o.size);
        s.signature = signatureOf(hashOf(o), aliceKey);
        pool.trade(s, o.size);
        assertEq(sizeOf(id, ethPerp), 1e18);
    }

    function test_aContractTradesWithThePoolAsItsOperator() public {
        WalletStub taker = new WalletStub(alice);
        AccountId id = AccountIdLib.make(address(taker), 0);
        deposit(id, USDC, 50_000e6);
        uint40 expiry = uint40(vm.getBlockTimestamp() + 1 days);
        bytes memory data = abi.encodeCall(safe.setOperator, (id, address(pool), 1, expiry, false, new address[](0)));
        taker.execute(address(safe), data);
        Order memory o = orderOf(id, ethPerp, 1e18);
        SignedOrder memory s = SignedOrder(o, address(pool), "");
        // the pool may trade for it, which must help nobody else
        vm.expectRevert(abi.encodeWithSelector(ILiquidityPoolErrors.NotTrader.selector, id, stranger));
        vm.prank(stranger);
        pool.trade(s, o.size);
        taker.execute(address(pool), abi.encodeCall(pool.trade, (s, o.size)));
        assertEq(sizeOf(id, ethPerp), 1e18);
    }

    function test_nobodyIsSpokenForWithoutHavingAsked() public {
        Order memory o = orderOf(aliceId, ethPerp, 1e18);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSignature("NotAuthorized(bytes32,address)", aliceId, address(pool)));
        pool.trade(SignedOrder(o, address(pool), ""), o.size);
        // nor the pool itself, with which nobody trades on its own account
        o.account = poolId;
        vm.expectRevert(abi.encodeWithSelector(ILiquidityPoolErrors.NotTrader.selector, poolId, address(this)));
        pool.trade(SignedOrder(o, address(pool), ""), o.size);
    }

    /// @dev The pool's orders are valid only for the pool as caller: not for the exchange's other callers, and nowhere else.
    function test_thePoolSignsNothing() public {
        Order memory maker = orderOf(poolId, ethPerp, -1e18);
        maker.flags = FLAG_POST_ONLY;
        Order memory taker = orderOf(aliceId, ethPerp, 1e18);
        bytes[3] memory signatures = [bytes(""), bytes(hex"01"), signatureOf(hashOf(maker), aliceKey)];
        address code = make("contracts/markets/Exchange.sol:Exchange", abi.encode(safe, ledger, authority));
        Exchange other = Exchange(address(new ERC1967Proxy(code, abi.encodeCall(exchange.safe, ()))));
        for (uint256 i; i < signatures.length; ++i) {
            Match memory m = Match(SignedOrder(maker, address(pool), signatures[i]), signed(taker, aliceKey), 1e18);
            vm.expectRevert(abi.encodeWithSelector(IMarginAccountsErrors.InvalidSignature.selector, address(pool)));
            exchange.fillOrder(m, AccountId.wrap(0));
            vm.expectRevert(abi.encodeWithSelector(IMarginAccountsErrors.InvalidSignature.selector, address(pool)));
            other.fillOrder(m, AccountId.wrap(0));
        }
        (bool ok, ) = address(pool).staticcall(abi.encodeCall(IERC1271.isValidSignature, (hashOf(maker), "")));
        assertFalse(ok, "it has no EIP-1271");
        // the order that it made is used up, and was never anybody else's
        swap(aliceId, ethPerp, 1e18);
        assertEq(exchange.nonceWord(poolId, 0), 1);
    }

    function test_theExecutorIsThePoolOrNobody() public {
        Order memory o = orderOf(aliceId, ethPerp, 1e18);
        o.executor = stranger;
        SignedOrder memory s = signed(o, aliceKey);
        vm.expectRevert(
            abi.encodeWithSignature("NotExecutor(bytes32,address,address)", hashOf(o), stranger, address(pool))
        );
        pool.trade(s, o.size);
        o.executor = address(pool);
        pool.trade(signed(o, aliceKey), o.size);
    }

    // ------------------------------------------------------------------ limits
    function test_limitsBindTradesThatAdd() public {
        deposit(aliceId, USDC, 1_000_000e6);
        deposit(bobId, USDC, 1_000_000e6);
        refuseSwap(aliceId, ethPerp, 501e18, _limit("delta", 501e18, 500e18));
        swap(aliceId, ethPerp, 500e18);
        refuseSwap(aliceId, ethPerp, 1, _limit("delta", 500e18 + 1, 500e18));
        PoolTerms memory t = poolTerms();
        t.totalDelta = 900_000;
        pool.setPoolTerms(t);
        refuseSwap(aliceId, btcPerp, 1e18, _limit("total delta", 1_030_000e18, 900_000e18));
        // what reduces passes, although it stays above
        swap(bobId, ethPerp, -10e18);
    }

    function test_limitsOfOptions() public {
        MarketTerms memory t = marketTerms();
        t.optionLimit = 10e18;
        pool.setMarketTerms(ETH, t);
        swap(aliceId, call2000, -6e18);
        refuseSwap(aliceId, put2000, -5e18, _limit("options", 11e18, 10e18));
        (t.optionLimit, t.vegaLimit) = (1_000e18, 500e18);
        pool.setMarketTerms(ETH, t);
        Order memory o = orderOf(aliceId, call2000, -5e18);
        vm.expectPartialRevert(ILiquidityPoolErrors.PoolLimitExceeded.selector);
        pool.quote(aliceId, o.legs, o.size);
        PoolTerms memory p = poolTerms();
        p.maxOptions = 1;
        pool.setPoolTerms(p);
        refuseSwap(aliceId, put2000, -1e15, _limit("kinds", 2, 1));
        swap(aliceId, call2000, 6e18);
        swap(aliceId, put2000, -1e15);
    }

    function _limit(bytes32 what, uint256 value, uint256 most) private pure returns (bytes memory) {
        return abi.encodeWithSelector(ILiquidityPoolErrors.PoolLimitExceeded.selector, what, value, most);
    }

    function test_keepsItsReserveFree() public {
        // dora leaves: what remains cannot carry much
        request(dora, pool.balanceOf(dora));
        passAttested(DELAY);
        pool.fulfil(1);
        provide(carol, 30_000e6);
        // 6.5 % of 400,000 is 26,000; a fifth more must stay free
        Order memory o = orderOf(aliceId, ethPerp, 200e18);
        SignedOrder memory s = signed(o, aliceKey);
        vm.expectPartialRevert(ILiquidityPoolErrors.PoolReserveTooLow.selector);
        pool.trade(s, o.size);
        swap(aliceId, ethPerp, 180e18);
        moveTo(2_010);
        swap(aliceId, ethPerp, -1e18);
    }

    // ------------------------------------------------------------------ prices it does not trade on
    function test_O1_quotesNothingOnPricesThatMustNotOpenRisk() public {
        swap(aliceId, ethPerp, 10e18);
        sys.wethFeed.setUpdatedAt(vm.getBlockTimestamp() - 2 hours);
        bytes memory stale = abi.encodeWithSelector(IMarginEngine.PriceUnusable.selector, WETH, PriceFault.Stale);
        refuseSwap(aliceId, ethPerp, -1e18, stale);
        refuseSwap(aliceId, btcPerp, 1e18, stale);
        assertEq(pool.maxDeposit(alice), 0);
        sys.wethFeed.setUpdatedAt(vm.getBlockTimestamp());
        skip(1 hours + 1);
        refreshFeeds();
        refuseSwap(aliceId, ethPerp, -1e18, abi.encodeWithSelector(IMarginModel.FeedStale.selector, uint256(ETH)));
        refuseSwap(aliceId, call2000, 1e18, abi.encodeWithSelector(IMarginModel.FeedStale.selector, uint256(ETH)));
    }

    function test_theOlderTheIndexTheWiderTheSpread() public {
        volatility.observe(ETH);
        // σ 80 %, half of σ·√age, 15 minutes: .214 % on top of .1 %
        uint256 fresh = askOf(ethPerp, 1e18);
        skip(15 minutes);
        uint256 aged = askOf(ethPerp, 1e18);
        assertApproxEqAbs(aged - fresh, 2_000 * 0.002137e18, 0.01e18);
        MarketTerms memory t = marketTerms();
        t.maxAge = 10 minutes;
        pool.setMarketTerms(ETH, t);
        bytes memory old = abi.encodeWithSelector(ILiquidityPoolErrors.IndexTooOld.selector, ETH, uint256(15 minutes));
        refuseSwap(aliceId, ethPerp, 1e18, old);
    }

    function test_quotesNoOptionNearItsExpiryAndNothingWithoutTerms() public {
        pass(3 days - 6 hours);
        attestAll();
        bytes memory not_ = abi.encodeWithSelector(ILiquidityPoolErrors.NotQuoted.selector, call2000);
        refuseSwap(aliceId, call2000, 1e18, not_);
        MarketTerms memory t = marketTerms();
        t.deltaLimit = 0;
        pool.setMarketTerms(ETH, t);
        refuseSwap(aliceId, ethPerp, 1e18, abi.encodeWithSelector(ILiquidityPoolErrors.NotQuoted.selector, ethPerp));
    }

    function test_quotesNoFrozenAndNoUnknownMarket() public {
        ledger.freezePerp(ETH, 2_000e18);
        refuseSwap(aliceId, ethPerp, 1e18, err(IPositionsErrors.MarketFrozen.selector, ethPerp));
        Instrument unlisted = InstrumentLib.option(ETH, EXPIRY, 2_400e8, true);
        refuseSwap(aliceId, unlisted, 1e18, err(IPositionsErrors.NotListed.selector, unlisted));
    }

    function test_doesNotBuyWhatIsWorthNothing() public {
        skip(1);
        moveTo(1_000);
        attestExpiry(ETH, 1e18, 0.8e18, 1_000e18);
        refuseSwap(aliceId, call2200, -1e18, abi.encodeWithSelector(ILiquidityPoolErrors.NoBid.selector, call2200));
        assertGt(askOf(call2200, 1e18), 0);
    }

    // ------------------------------------------------------------------ stops
    function test_theGuardianStopsQuotesOnly() public {
        uint40 until = uint40(vm.getBlockTimestamp() + 7 days);
        pool.pauseQuotes(until);
        refuseSwap(aliceId, ethPerp, 1e18, abi.encodeWithSelector(ILiquidityPoolErrors.QuotesStopped.selector, until));
        provide(carol, 1_000e6);
        request(dora, 1e18);
        vm.expectRevert(abi.encodeWithSelector(ILiquidityPoolErrors.InvalidTerms.selector, bytes32("until")));
        pool.pauseQuotes(until + 1);
        pool.pauseQuotes(0);
        swap(aliceId, ethPerp, 1e18);
    }

    function test_whoOnlyReducesGetsOutWhileTradesAreStopped() public {
        swap(aliceId, ethPerp, 10e18);
        safe.pause(8, uint40(vm.getBlockTimestamp() + 1 days));
        refuseSwap(aliceId, ethPerp, 1e18, abi.encodeWithSelector(IMarginAccountsErrors.ActionPaused.selector, 8));
        Order memory o = orderOf(aliceId, ethPerp, -10e18);
        o.flags = FLAG_REDUCE_ONLY;
        pool.trade(signed(o, aliceKey), o.size);
        assertEq(sizeOf(aliceId, ethPerp), 0);
    }

    function test_A2_anAccountInAuctionIsNotTradedFor() public {
        swap(aliceId, ethPerp, 10e18);
        _empty(poolId);
        auction.start(poolId, aliceId);
        bytes memory reason = abi.encodeWithSelector(IMarginAccountsErrors.AccountInAuction.selector, poolId);
        refuseSwap(bobId, ethPerp, -1e18, reason);
    }

    /// @dev The pool loses nearly all by a price that nobody foresaw.
    function _empty(AccountId) private {
        deposit(bobId, USDC, 2_000_000e6);
        swap(bobId, ethPerp, 490e18);
        moveTo(4_050);
    }

    function test_termsAreBounded() public {
        MarketTerms memory t = marketTerms();
        t.base = 9;
        vm.expectRevert(abi.encodeWithSelector(ILiquidityPoolErrors.InvalidTerms.selector, bytes32("base")));
        pool.setMarketTerms(ETH, t);
        t = marketTerms();
        t.minTime = 59 minutes;
        vm.expectRevert(abi.encodeWithSelector(ILiquidityPoolErrors.InvalidTerms.selector, bytes32("minTime")));
        pool.setMarketTerms(ETH, t);
        PoolTerms memory p = poolTerms();
        p.exitDelay = 59 minutes;
        vm.expectRevert(abi.encodeWithSelector(ILiquidityPoolErrors.InvalidTerms.selector, bytes32("exitDelay")));
        pool.setPoolTerms(p);
        p.exitDelay = 15 days;
        vm.expectRevert(abi.encodeWithSelector(ILiquidityPoolErrors.InvalidTerms.selector, bytes32("exitDelay")));
        pool.setPoolTerms(p);
    }

    function test_G1_strangersSetNothing() public {
        bytes[5] memory data = [
            abi.encodeCall(pool.setMarketTerms, (ETH, marketTerms())),
            abi.encodeCall(pool.setPoolTerms, (poolTerms())),
            abi.encodeCall(pool.setPricer, (address(pricer))),
            abi.encodeCall(pool.setModel, (1)),
            abi.encodeCall(pool.pauseQuotes, (0))
        ];
        for (uint256 i; i < data.length; ++i) {
            (bool ok, bytes memory reason) = attempt(stranger, address(pool), data[i]);
            assertFalse(ok);
            assertEq(reason, abi.encodeWithSignature("AccessManagedUnauthorized(address)", stranger));
        }
        pool.setModel(1);
    }
}
