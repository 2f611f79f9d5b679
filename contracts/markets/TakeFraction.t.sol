// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IPositionsErrors} from "../interfaces/IPositions.sol";
import {LedgerTest} from "../test/LedgerTest.sol";
import {AccountId} from "../types/AccountId.sol";
import {Instrument, InstrumentLib} from "../types/Position.sol";

/// @title Bids on accounts with positions: the same fraction of everything goes to the bidder (L1, D1)
contract TakeFractionTest is LedgerTest {
    /// @dev Alice is long 10 ETH and some options, and may be bid on; the auction's answer depends on its script.
    function setUp() public override {
        super.setUp();
        trade(aliceId, bobId, ethPerp, 10e18, 2_000e18);
        trade(bobId, aliceId, call2000, 3e18 + 1, 0);
    }

    function _expose(AccountId account) private {
        scale.script(account, -1_000e18, -500e18, 5_000e18);
    }

    function test_TheBidderGetsTheFractionOfEveryPositionAndOfTheQuote() public {
        _expose(aliceId);
        (uint256 f, ) = bid(aliceId, carolId, 0.1e18);
        assertEq(f, 0.1e18);
        assertEq(sizeOf(carolId, ethPerp), 1e18);
        assertEq(sizeOf(aliceId, ethPerp), 9e18);
        // towards zero: the account keeps the remainder
        assertEq(sizeOf(carolId, call2000), -0.3e18);
        assertEq(sizeOf(aliceId, call2000), -2.7e18 - 1);
        assertEq(quoteOf(carolId), -2_000e18);
        assertEq(quoteOf(aliceId), -18_000e18);
        assertEq(ledger.perpMarket(ETH).openInterest, 10e18);
        assertFlags(carolId, true, true);
    }

    function test_TheWholeAccountMayGo() public {
        scale.script(aliceId, -1_000e18, -500e18, 1e18);
        // below the dust threshold everything goes at once
        (uint256 f, ) = bid(aliceId, carolId, MAX);
        assertEq(f, 1e18);
        assertFlags(aliceId, false, false);
        assertEq(ledger.positionsOf(aliceId).length, 0);
        assertEq(quoteOf(aliceId), 0);
        assertEq(sizeOf(carolId, call2000), -3e18 - 1);
        assertEq(quoteOf(carolId), -20_000e18);
    }

    function test_PendingFundingAndPayoffsGoFirst() public {
        poke(ETH, 0.0005e18);
        skip(1 hours);
        settleAt(ETH, 2_100e18);
        _expose(aliceId);
        int256 a = unsettledOf(aliceId);
        int256 c = unsettledOf(carolId);
        bid(aliceId, carolId, 0.1e18);
        assertEq(sizeOf(carolId, call2000), 0);
        assertEq(sizeOf(aliceId, call2000), 0);
        // 10 · 0.125 of funding and 100 per call
        int256 quote = -20_000e18 - 1.25e18 - (3e18 + 1) * 100;
        assertEq(quoteOf(aliceId) + quoteOf(carolId), quote);
        assertEq(unsettledOf(aliceId) + unsettledOf(carolId), a + c);
        assertEq(unsettledOf(carolId), a / 10);
    }

    function test_OppositePositionsMeetAndOpenInterestFalls() public {
        trade(strangerId, carolId, ethPerp, 4e18, 2_000e18);
        trade(carolId, strangerId, call2000, 1e18, 0);
        assertEq(ledger.perpMarket(ETH).openInterest, 14e18);
        assertEq(ledger.expiryMarket(ETH, EXPIRY).openInterest, 4e18 + 1);
        _expose(aliceId);
        bid(aliceId, carolId, 0.2e18);
        assertEq(sizeOf(carolId, ethPerp), -2e18);
        assertEq(ledger.perpMarket(ETH).openInterest, 12e18);
        assertEq(sizeOf(carolId, call2000), 0.4e18);
        assertEq(ledger.expiryMarket(ETH, EXPIRY).openInterest, 3.4e18 + 1);
    }

    function test_OnlyTheSafeAsks() public {
        refuseLedger(
            alice,
            abi.encodeCall(ledger.takeFraction, (aliceId, bobId, 1e18)),
            abi.encodeWithSelector(IPositionsErrors.OnlySafe.selector, alice)
        );
    }

    function test_ABidderIsFullAt128() public {
        Instrument[] memory list = new Instrument[](127);
        for (uint64 i = 0; i < 127; ++i) list[i] = InstrumentLib.option(ETH, EXPIRY, (3_000 + i) * 1e8, true);
        ledger.listOptions(list);
        for (uint256 i = 0; i < 127; ++i) trade(carolId, strangerId, list[i], 1e18, 0);
        _expose(aliceId);
        refuse(
            carol,
            abi.encodeCall(safe.bid, (aliceId, carolId, 0.1e18, type(int256).max)),
            abi.encodeWithSelector(IPositionsErrors.TooManyPositions.selector, carolId)
        );
        trade(strangerId, carolId, list[5], 1e18, 0);
        bid(aliceId, carolId, 0.1e18);
        assertEq(ledger.positionsOf(carolId).length, 128);
    }

    function test_AFullAccountFitsABlock() public {
        Instrument[] memory list = new Instrument[](126);
        for (uint64 i = 0; i < 126; ++i) list[i] = InstrumentLib.option(ETH, EXPIRY, (3_000 + i) * 1e8, true);
        ledger.listOptions(list);
        for (uint256 i = 0; i < 126; ++i) {
            trade(aliceId, bobId, list[i], 1e18, 0);
            trade(bobId, carolId, list[125 - i], 1e18, 0);
        }
        _expose(aliceId);
        uint256 before = gasleft();
        bid(aliceId, carolId, 0.1e18);
        assertLt(before - gasleft(), 14e6);
        assertEq(sizeOf(carolId, list[0]), -0.9e18);
    }

    function testFuzz_L1_D1_NothingIsLostOnTheWay(uint256 fraction, int256 size, uint256 price, uint256 time) public {
        size = bound(size, -1e23, 1e23);
        vm.assume(size != 0);
        trade(carolId, aliceId, ethPerp, size, bound(price, 1, 1e24));
        poke(ETH, 0.0123e18);
        skip(bound(time, 0, 2 hours));
        _expose(aliceId);
        int256 a = unsettledOf(aliceId);
        int256 c = unsettledOf(carolId);
        (int256 quote, , ) = ledger.ledgerOf(aliceId);
        int256 held = sizeOf(aliceId, ethPerp) + sizeOf(carolId, ethPerp);
        (fraction, ) = bid(aliceId, carolId, bound(fraction, 1, 0.1e18));
        int256 sum = quoteOf(aliceId) + quoteOf(bobId) + quoteOf(carolId) + quoteOf(ledger.perpClearing(ETH));
        // bob's pending funding is not in his quote yet, but in the clearing account's
        assertEq(sum, 0);
        assertEq(sizeOf(aliceId, ethPerp) + sizeOf(carolId, ethPerp), held);
        // what is left is at least its part
        assertGe(quoteOf(aliceId) * 1e18, quote * int256(1e18 - fraction));
        assertApproxEqAbs(unsettledOf(aliceId) + unsettledOf(carolId), a + c, 3);
    }
}
