// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {LedgerTest} from "../../contracts/test/LedgerTest.sol";

/// @title Attack: funding made by wash trades
/// @notice Mallory holds a large short and trades with herself far above the index, to have the longs pay her funding: on-chain trades
/// first; then she fools the attesters' books, so that half the index is attested as premium, and pokes it in, late, for the time before.
/// Defence: mark and funding read the attested premium, never a trade (PerpMarkets:_markOf); it is clamped (PerpMarkets:_clampPremium),
/// counts from its poke on (PositionsExtension:pokeFunding) and for no longer than its age allows (FundingWord).
/// Without: half of every long's notional per eight hours, and for hours that have passed.
contract FundingWashTest is LedgerTest {
    /// @dev Of 2,000, per ETH and eight hours.
    int256 private constant MOST = 40e18;

    function setUp() public override {
        super.setUp();
        // Alice is long 10 honestly; Carol, the attacker, is short 10 and trades with the stranger, her other self
        trade(aliceId, carolId, ethPerp, 10e18, 2_000e18);
        deposit(strangerId, USDC, 1_000_000e6);
    }

    function _washAt(uint256 price) private {
        for (uint256 i; i < 5; ++i) {
            trade(strangerId, carolId, ethPerp, 50e18, price);
            trade(carolId, strangerId, ethPerp, 50e18, price);
        }
    }

    function test_ATradeMovesNeitherMarkNorFunding() public {
        poke(ETH, 0);
        int256 before = unsettledOf(aliceId);
        _washAt(20_000e18);
        ledger.pokeFunding(ETH);
        assertEq(ledger.markPrice(ETH), 2_000e18, "a trade moved the mark");
        skip(1 hours);
        assertEq(unsettledOf(aliceId), before, "a trade moved funding");
        // what she does with herself comes to nothing
        assertEq(unsettledOf(carolId) + unsettledOf(strangerId), -before);
    }

    function test_AFoolishPremiumIsClamped() public {
        int256 before = unsettledOf(aliceId);
        for (uint256 i; i < 8; ++i) {
            poke(ETH, 0.5e18);
            skip(1 hours);
        }
        // by funding no more than the clamp of 2 % in eight hours; the mark is that much higher, which is hers
        poke(ETH, 0);
        assertGe(unsettledOf(aliceId), before - 10 * MOST, "more than the clamp was paid");
    }

    function test_NoPremiumCountsForTimeBeforeItsPoke() public {
        poke(ETH, 0);
        int256 before = unsettledOf(aliceId);
        skip(8 hours);
        poke(ETH, 0.02e18);
        poke(ETH, 0);
        assertEq(unsettledOf(aliceId), before, "paid for time that had passed");
        // nor for longer than an attestation lives
        poke(ETH, 0.02e18);
        skip(30 days);
        premiums.set(ETH, 0);
        ledger.pokeFunding(ETH);
        assertGe(unsettledOf(aliceId), before - (10 * MOST) / 8, "paid for a month by one attestation");
    }
}
