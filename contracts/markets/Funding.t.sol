// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IPositionsErrors, PerpState} from "../interfaces/IPositions.sol";
import {LedgerEngine, PremiumFeed} from "../test/LedgerParts.sol";
import {LedgerTest} from "../test/LedgerTest.sol";
import {AccountId} from "../types/AccountId.sol";
import {Position} from "../types/Position.sol";

/// @title Funding: who pays, when, how much, and that nothing is made or lost (D1)
contract FundingTest is LedgerTest {
    function _pending(AccountId account) private view returns (int256 quote) {
        (quote, , ) = ledger.ledgerOf(account);
        quote -= quoteOf(account);
    }

    function _index() private view returns (int256) {
        return ledger.perpMarket(ETH).fundingIndex;
    }

    /// @dev The worked example of docs/markets.md, number by number.
    function test_D1_WorkedExample() public {
        trade(aliceId, bobId, ethPerp, 3e18, 2_010e18);
        poke(ETH, 0.0005e18); // index 2,000: longs pay 1 per ETH in 8 hours
        assertEq(ledger.perpMarket(ETH).fundingRate, 1e18);

        skip(1 hours);
        assertEq(_index(), 0.125e18);
        assertEq(_pending(aliceId), -0.375e18);
        assertEq(_pending(bobId), 0.375e18);

        skip(1 hours); // the premium is older than an hour: nothing accrues
        assertEq(_index(), 0.125e18);

        scale.setPrice(ETH, 2_400e18);
        poke(ETH, -0.001e18); // shorts pay 2.4 per ETH in 8 hours; what was before stays
        assertEq(_index(), 0.125e18);
        assertEq(_pending(aliceId), -0.375e18);

        skip(30 minutes);
        assertEq(_index(), -0.025e18);
        trade(carolId, aliceId, ethPerp, 1e18, 2_400e18);
        assertEq(quoteOf(aliceId), -6_030e18 + 0.075e18 + 2_400e18);
        assertEq(quoteOf(carolId), -2_400e18);
        assertEq(quoteOf(ledger.perpClearing(ETH)), -0.075e18);

        skip(30 minutes);
        assertEq(_index(), -0.175e18);
        assertEq(_pending(aliceId), 0.3e18);
        assertEq(_pending(carolId), 0.15e18);
        assertEq(_pending(bobId), -0.525e18);
        assertEq(unsettledOf(ledger.perpClearing(ETH)), 0);

        ledger.touch(bobId);
        ledger.touch(carolId);
        ledger.touch(aliceId);
        assertEq(quoteOf(aliceId), -3_629.625e18);
        assertEq(quoteOf(bobId), 6_029.475e18);
        assertEq(quoteOf(carolId), -2_399.85e18);
        assertEq(quoteOf(ledger.perpClearing(ETH)), 0);
    }

    function test_LongsPayWhenThePerpIsAboveTheIndex() public {
        trade(aliceId, bobId, ethPerp, 1e18, 2_000e18);
        poke(ETH, 0.01e18);
        skip(1 hours);
        assertLt(_pending(aliceId), 0);
        assertGt(_pending(bobId), 0);
        poke(ETH, -0.01e18);
        skip(1 hours);
        assertEq(_pending(aliceId), 0);
        poke(ETH, -0.01e18);
        skip(1 hours);
        assertGt(_pending(aliceId), 0);
        assertLt(_pending(bobId), 0);
    }

    function test_WhoEntersLaterDoesNotPayForWhatWasBefore() public {
        trade(aliceId, bobId, ethPerp, 1e18, 2_000e18);
        poke(ETH, 0.01e18);
        skip(1 hours);
        trade(carolId, strangerId, ethPerp, 1e18, 2_000e18);
        assertEq(_pending(carolId), 0);
        assertEq(_pending(strangerId), 0);
        assertEq(ledger.positionsOf(carolId)[0].fundingIndex(), 2.5e18);
        // who closes takes his own with him
        trade(strangerId, aliceId, ethPerp, 1e18, 2_000e18);
        assertEq(quoteOf(aliceId), -2.5e18);
        assertEq(quoteOf(strangerId), 0);
    }

    function test_TheNewPremiumCountsFromItsPokeOnly() public {
        trade(aliceId, bobId, ethPerp, 1e18, 2_000e18);
        poke(ETH, 0.0005e18);
        skip(30 minutes);
        // attested, but not yet poked: the old one goes on
        premiums.set(ETH, -0.02e18);
        assertEq(_index(), 0.0625e18);
        skip(15 minutes);
        assertEq(_index(), 0.09375e18);
        ledger.pokeFunding(ETH);
        assertEq(_index(), 0.09375e18);
        skip(30 minutes);
        // 2,000 · 2 % / 16; the attestation is 45 minutes old and dies at 60
        assertEq(_index(), 0.09375e18 - 2.5e18);
        skip(1 days);
        assertEq(_index(), 0.09375e18 - 3.75e18);
    }

    function test_AnOldAttestationMovesNothing() public {
        trade(aliceId, bobId, ethPerp, 1e18, 2_000e18);
        premiums.set(ETH, 0.01e18);
        skip(1 hours);
        ledger.pokeFunding(ETH);
        skip(1 hours);
        assertEq(_index(), 0);
    }

    function test_ThePremiumIsClampedInFundingAndMark() public {
        poke(ETH, 0.5e18);
        assertEq(ledger.perpMarket(ETH).fundingRate, 40e18);
        assertEq(ledger.markPrice(ETH), 2_040e18);
        poke(ETH, -0.5e18);
        assertEq(ledger.perpMarket(ETH).fundingRate, -40e18);
        assertEq(ledger.markPrice(ETH), 1_960e18);
        poke(ETH, 0.001e18);
        assertEq(ledger.markPrice(ETH), 2_002e18);
    }

    function test_APokeNeedsAListedLivingMarketAndAPrice() public {
        bytes4 selector = IPositionsErrors.NotListed.selector;
        refuseLedger(
            alice,
            abi.encodeCall(ledger.pokeFunding, (4)),
            abi.encodeWithSelector(selector, (uint256(1) << 126) | (uint256(4) << 118))
        );
        scale.setPrice(ETH, 0);
        refuseLedger(
            alice,
            abi.encodeCall(ledger.pokeFunding, (ETH)),
            abi.encodeWithSelector(LedgerEngine.NoPrice.selector, WETH)
        );
        scale.setPrice(ETH, 2_000e18);
        ledger.freezePerp(ETH, 2_000e18);
        refuseLedger(
            alice,
            abi.encodeCall(ledger.pokeFunding, (ETH)),
            err(IPositionsErrors.MarketFrozen.selector, ethPerp)
        );
    }

    function test_MarginsGetTheMarkAndItsConfidence() public {
        trade(aliceId, bobId, ethPerp, 1e18, 2_000e18);
        premiums.setWhole(ETH, PremiumFeed.Value(0.03e18, 0.7e18, 1, true));
        (, Position[] memory positions, PerpState[] memory perps) = ledger.ledgerOf(aliceId);
        assertEq(positions.length, 1);
        assertEq(perps[0].markRatio, 1.02e18);
        assertEq(perps[0].confidence, 0.7e18);
        assertTrue(perps[0].stale);
        assertEq(perps[0].openInterest, 1e18);
        assertEq(perps[0].frozenMark, 0);
    }

    function testFuzz_D1_FundingNeverPaysOutMoreThanItTakes(
        uint256[6] calldata sizes,
        int256[4] calldata premiums_,
        uint256[4] calldata times
    ) public {
        trade(aliceId, bobId, ethPerp, int256(bound(sizes[0], 1, 1_000e18)), 2_000e18);
        for (uint256 i = 0; i < 4; ++i) {
            poke(ETH, bound(premiums_[i], -0.03e18, 0.03e18));
            skip(bound(times[i], 0, 2 hours));
            (AccountId a, AccountId b) = i % 2 == 0 ? (carolId, aliceId) : (bobId, carolId);
            if (i < 3) trade(a, b, ethPerp, int256(bound(sizes[i + 1], 1, 1_000e18)), 2_000e18);
            if (i == 2) ledger.touch(bobId);
        }
        AccountId clearing = ledger.perpClearing(ETH);
        AccountId[3] memory ids = [aliceId, bobId, carolId];
        // before anybody is touched the clearing account's worth already knows
        int256 sum = unsettledOf(clearing);
        assertGe(sum, 0);
        for (uint256 i = 0; i < 3; ++i) sum += unsettledOf(ids[i]);
        assertLe(sum, 0);
        assertGe(sum, -6);
        int256[3] memory reckoned;
        for (uint256 i = 0; i < 3; ++i) reckoned[i] = unsettledOf(ids[i]);
        uint256 first = sizes[5] % 3;
        for (uint256 i = 0; i < 3; ++i) ledger.touch(ids[(first + i) % 3]);
        for (uint256 i = 0; i < 3; ++i) assertEq(unsettledOf(ids[i]), reckoned[i], "a touch changes nothing");
        sum = quoteOf(clearing);
        assertGe(sum, 0, "paid out more than it took");
        assertLe(sum, 12);
        for (uint256 i = 0; i < 3; ++i) sum += quoteOf(ids[i]);
        assertEq(sum, 0);
    }

    function testFuzz_D1_PokesAndTouchesInBetweenChangeAWeiAtMost(uint256 size, int256 premium, uint256 n) public {
        size = bound(size, 1, 500_000e18);
        n = bound(n, 1, 8);
        trade(aliceId, bobId, ethPerp, int256(size), 2_000e18);
        trade(carolId, strangerId, ethPerp, int256(size), 2_000e18);
        poke(ETH, bound(premium, -0.02e18, 0.02e18));
        for (uint256 i = 0; i < n; ++i) {
            skip(7 minutes);
            ledger.touch(aliceId);
            ledger.touch(bobId);
        }
        (int256 a, , ) = ledger.ledgerOf(aliceId);
        (int256 c, , ) = ledger.ledgerOf(carolId);
        assertLe(a, c);
        assertGe(a, c - int256(n));
    }

    function test_ARateBeyondItsBitsIsTheLargestThereIs() public {
        scale.setPrice(ETH, 1e30);
        poke(ETH, 0.02e18);
        assertEq(ledger.perpMarket(ETH).fundingRate, (1 << 83) - 1);
        poke(ETH, -0.02e18);
        assertEq(ledger.perpMarket(ETH).fundingRate, -((1 << 83) - 1));
    }
}
