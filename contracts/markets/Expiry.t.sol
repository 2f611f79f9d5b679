// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {ExpiryMarket, Fill, FillLeg, IPositionsErrors, PerpState} from "../interfaces/IPositions.sol";
import {Call} from "../interfaces/IMarginAccounts.sol";
import {LedgerTest} from "../test/LedgerTest.sol";
import {AccountId} from "../types/AccountId.sol";
import {Instrument, InstrumentLib, Position} from "../types/Position.sol";

/// @title Expiry: payoffs, clearing accounts, and who may settle when
contract ExpiryTest is LedgerTest {
    function _settleData() private view returns (bytes memory) {
        return abi.encodeCall(ledger.settleExpiry, (ETH, EXPIRY));
    }

    function test_PayoffsGoThroughTheQuoteAndTheClearingAccountTakesOver() public {
        trade(aliceId, bobId, call2000, 2e18, 80e18);
        trade(aliceId, bobId, put2000, 1e18, 70e18);
        trade(carolId, bobId, call2200, 3e18, 20e18);
        settleAt(ETH, 2_150e18);
        AccountId clearing = ledger.expiryClearing(ETH, EXPIRY);
        assertEq(unsettledOf(aliceId), 300e18);
        assertEq(unsettledOf(bobId), -300e18);
        assertEq(unsettledOf(carolId), 0);
        assertEq(unsettledOf(clearing), 0);

        ledger.touch(aliceId);
        assertEq(quoteOf(aliceId), 300e18);
        assertEq(ledger.positionsOf(aliceId).length, 0);
        assertFlags(aliceId, false, true);
        assertEq(quoteOf(clearing), -300e18);
        assertEq(sizeOf(clearing, call2000), 2e18);
        assertEq(sizeOf(clearing, put2000), 1e18);
        assertEq(unsettledOf(clearing), 0);

        ledger.touch(bobId);
        ledger.touch(carolId);
        assertEq(quoteOf(bobId), -300e18);
        assertEq(quoteOf(carolId), 0);
        assertFlags(carolId, false, false);
        assertEq(quoteOf(clearing), 0);
        Instrument[] memory list = ledger.optionsOf(ETH, EXPIRY);
        assertEq(list.length, 3);
        for (uint256 i = 0; i < 3; ++i) assertEq(sizeOf(clearing, list[i]), 0);
    }

    function test_PutsPayBelowTheStrikeAndAPriceOfZeroIsAPrice() public {
        trade(aliceId, bobId, put2000, 1e18, 70e18);
        trade(aliceId, bobId, call2000, 1e18, 70e18);
        settleAt(ETH, 0);
        assertTrue(ledger.expiryMarket(ETH, EXPIRY).settled);
        assertEq(unsettledOf(aliceId), 2_000e18);
        assertEq(unsettledOf(bobId), -2_000e18);
    }

    function test_MarginsSeePayoffsInTheQuoteAndLivePositionsOnly() public {
        trade(aliceId, bobId, ethPerp, 1e18, 2_000e18);
        trade(aliceId, bobId, call2000, 1e18, 80e18);
        trade(aliceId, bobId, btcPut, 1e18, 900e18);
        trade(aliceId, bobId, btcPerp, 2e18, 30_000e18);
        vm.warp(EXPIRY);
        // past, but without a final price
        (int256 quote, Position[] memory positions, PerpState[] memory perps) = ledger.ledgerOf(aliceId);
        assertEq(positions.length, 4);
        assertEq(quote, -62_000e18);
        settleAt(ETH, 2_150e18);
        (quote, positions, perps) = ledger.ledgerOf(aliceId);
        assertEq(quote, -62_000e18 + 150e18);
        assertEq(positions.length, 3);
        assertEq(perps.length, 2);
        assertTrue(positions[0].instrument() == ethPerp);
        assertTrue(positions[1].instrument() == btcPut);
        assertTrue(positions[2].instrument() == btcPerp);
        settleAt(BTC, 29_000e18);
        (quote, positions, perps) = ledger.ledgerOf(aliceId);
        assertEq(quote, -62_000e18 + 1_150e18);
        assertEq(positions.length, 2);
        // a touch makes it so
        ledger.touch(aliceId);
        assertEq(quoteOf(aliceId), quote);
        assertEq(ledger.positionsOf(aliceId).length, 2);
        assertEq(quoteOf(ledger.expiryClearing(BTC, EXPIRY)), -1_000e18);
    }

    function test_OnlyAListedPastExpiryWithAFinalPriceIsSettledOnce() public {
        finals.set(ETH, EXPIRY, 2_100e18);
        bytes memory notFinal = abi.encodeWithSelector(IPositionsErrors.ExpiryNotFinal.selector, ETH, EXPIRY);
        vm.warp(EXPIRY - 1);
        refuseLedger(alice, _settleData(), notFinal);
        vm.warp(EXPIRY);
        refuseLedger(
            alice,
            abi.encodeCall(ledger.settleExpiry, (BTC, EXPIRY)),
            abi.encodeWithSelector(IPositionsErrors.ExpiryNotFinal.selector, BTC, EXPIRY)
        );
        refuseLedger(
            alice,
            abi.encodeCall(ledger.settleExpiry, (ETH, EXPIRY + 1)),
            abi.encodeWithSelector(IPositionsErrors.ExpiryNotListed.selector, ETH, EXPIRY + 1)
        );
        vm.prank(stranger);
        ledger.settleExpiry(ETH, EXPIRY);
        finals.set(ETH, EXPIRY, 1e18);
        refuseLedger(
            alice,
            _settleData(),
            abi.encodeWithSelector(IPositionsErrors.AlreadySettled.selector, ETH, EXPIRY)
        );
        ExpiryMarket memory m = ledger.expiryMarket(ETH, EXPIRY);
        assertEq(m.price, 2_100e18);
        assertEq(m.openInterest + m.openInterestCap, 0);
    }

    function test_APriceOfMoreThan128BitsIsNone() public {
        finals.set(ETH, EXPIRY, uint256(type(uint128).max) + 1);
        vm.warp(EXPIRY);
        refuseLedger(
            alice,
            _settleData(),
            abi.encodeWithSelector(IPositionsErrors.TooLarge.selector, uint256(type(uint128).max) + 1)
        );
    }

    function test_NotInASession() public {
        finals.set(ETH, EXPIRY, 2_100e18);
        vm.warp(EXPIRY);
        Call[] memory list = calls("");
        list[0] = Call(address(ledger), _settleData());
        refuseStep(alice, list, 0, abi.encodeWithSelector(IPositionsErrors.InsideSession.selector));
    }

    function test_ATouchOf128ExpiredPositions() public {
        Instrument[] memory list = new Instrument[](128);
        Fill memory f = makeFill(aliceId, bobId, call2000, 1e18, 1e18);
        f.legs = new FillLeg[](128);
        for (uint64 i = 0; i < 128; ++i) {
            list[i] = InstrumentLib.option(ETH, EXPIRY, (1_001 + i) * 1e8, true);
            f.legs[i] = FillLeg(list[i], 1e18, 1e18);
        }
        ledger.listOptions(list);
        sender.fill(f);
        settleAt(ETH, 1_129e18);
        uint256 before = gasleft();
        ledger.touch(aliceId);
        assertLt(before - gasleft(), 14e6);
        assertEq(quoteOf(aliceId), (128 * 129 * 1e18) / 2);
        assertEq(ledger.positionsOf(aliceId).length, 0);
        assertFlags(aliceId, false, true);
    }

    function testFuzz_D1_PayoffsSumToZeroInAnyOrder(uint256[6] calldata sizes, uint256 price, uint256 seed) public {
        Instrument[3] memory list = [call2000, put2000, call2200];
        AccountId[3] memory ids = [aliceId, bobId, carolId];
        for (uint256 i = 0; i < 6; ++i) {
            int256 size = int256(bound(sizes[i], 1, 1e23));
            trade(ids[i % 3], ids[(i + 1) % 3], list[(i * 2 + i / 3) % 3], size, 0);
        }
        settleAt(ETH, bound(price, 0, 1e24));
        AccountId clearing = ledger.expiryClearing(ETH, EXPIRY);
        int256[3] memory before;
        for (uint256 i = 0; i < 3; ++i) before[i] = unsettledOf(ids[i]);
        int256 sum = before[0] + before[1] + before[2] + unsettledOf(clearing);
        assertLe(sum, 0);
        assertGe(sum, -9);
        for (uint256 i = 0; i < 3; ++i) {
            uint256 k = ((seed % 3) + i) % 3;
            ledger.touch(ids[k]);
            assertEq(quoteOf(ids[k]), before[k]);
            assertGe(unsettledOf(clearing), 0);
        }
        assertEq(quoteOf(clearing), -(before[0] + before[1] + before[2]));
        assertLe(quoteOf(clearing), 9);
        for (uint256 i = 0; i < 3; ++i) assertEq(sizeOf(clearing, list[i]), 0);
    }
}
