// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

// whether a call is refused is what is tested
// solhint-disable avoid-low-level-calls

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/AccessManager.sol";

import {IDeleveraging} from "../interfaces/IDeleveraging.sol";
import {Call} from "../interfaces/IMarginAccounts.sol";
import {Fill, IPositionsErrors, IPositionsEvents} from "../interfaces/IPositions.sol";
import {DerivativesTest} from "../test/DerivativesTest.sol";
import {AccountId} from "../types/AccountId.sol";
import {Deleveraging} from "./Deleveraging.sol";

/// @title What neither fund nor protocol can pay of a perp's loss, borne by winners in their rank order (L2, D1)
/// @dev Alice is long 10 ETH against Bob (6) and Carol (4), with 5,000 of cash. Carol has less equity a notional: she ranks first.
contract DeleveragingTest is DerivativesTest {
    uint256 private constant OWN = 500e6;

    Deleveraging private adl;
    AccountId private bidder;

    function setUp() public override {
        super.setUp();
        adl = new Deleveraging(ledger);
        ledger.setDeleveraging(address(adl));
        fund.withdrawOwn(USDC, INSURANCE_SEED - OWN, address(this));
        withdraw(aliceId, USDC, 95_000e6);
        withdraw(bobId, USDC, 70_000e6);
        withdraw(carolId, USDC, 90_000e6);
        trade(aliceId, bobId, ethPerp, 6e18, 2_000e18);
        trade(aliceId, carolId, ethPerp, 4e18, 2_000e18);
        bidder = accountOf(stranger, 0);
        deposit(bidder, USDC, 500_000e6);
    }

    /// @dev ETH falls, nobody bids until the whole payment is due, then Alice's account goes at once.
    function _fail(uint256 price) private returns (uint256 paid) {
        setPrice(WETH, price * 1e8);
        refreshFeeds();
        auction.start(aliceId, AccountId.wrap(0));
        for (uint256 i; i < 2; ++i) {
            passAttested(10 minutes);
            auction.poke(aliceId);
        }
        (, int256 p) = bid(aliceId, bidder, MAX);
        return uint256(-p);
    }

    /// @dev Carol's ether loses what her short wins: her profit is what her debt stands on.
    function _hedgeCarol() private {
        deposit(carolId, WETH, 8e18);
        withdraw(carolId, USDC, MAX);
        borrow(carolId, USDC, 10_500e6);
    }

    function _open() private view returns (uint256 open) {
        (open, , ) = ledger.shortfall();
    }

    function _sumOfQuotes() private view returns (int256 sum) {
        sum = quoteOf(aliceId) + quoteOf(bobId) + quoteOf(carolId) + quoteOf(bidder);
        sum += quoteOf(ledger.perpClearing(ETH)) + quoteOf(ledger.feeAccount()) + quoteOf(fund.account());
        sum += quoteOf(ledger.shortfallAccount());
    }

    function _sumOfUnsettled() private view returns (int256 sum) {
        sum = unsettledOf(aliceId) + unsettledOf(bobId) + unsettledOf(carolId) + unsettledOf(bidder);
        sum += unsettledOf(ledger.perpClearing(ETH)) + unsettledOf(ledger.feeAccount()) + unsettledOf(fund.account());
        sum += unsettledOf(ledger.shortfallAccount());
    }

    function _round() private {
        adl.open();
        adl.nominate(bobId);
        adl.nominate(carolId);
        passAttested(adl.WINDOW());
    }

    function _refuse(bytes memory data, bytes memory reason) private {
        refuse(stranger, address(adl), 0, data, reason);
    }

    // ------------------------------------------------------------------ the register

    function test_L2_TheBidderIsPaidByTheFundAndByWhatIsLiftedOffHim() public {
        int256 before = cashOf(bidder);
        uint256 paid = _fail(1_400);
        assertGt(paid, 1_000e6);
        assertEq(fund.balance(), 0);
        // no debts, so all that the fund lacks is for winners
        assertEq(_open(), (paid - OWN) * 1e12);
        // 5,000 of cash and the fund's 500 came, and a loss of 6,000 less what was lifted
        assertEq(cashOf(bidder), before + 5_000e6 + int256(OWN));
        assertEq(unsettledOf(bidder), -6_000e18 + int256(_open()));
        assertEq(_sumOfQuotes(), 0);
        assertEq(_sumOfUnsettled(), 0);
        (, uint256 longs, uint256 shorts) = ledger.shortfall();
        assertEq(longs, 1 << ETH);
        assertEq(shorts, 0);
    }

    function test_L2_TheProtocolsOwnProfitPaysFirst() public {
        Fill memory f = makeFill(bobId, carolId, btcPerp, 0.001e18, 30_000e18);
        (f.firstFee, f.secondFee) = (60e18, 40e18);
        sender.fill(f);
        uint256 paid = _fail(1_400);
        assertEq(quoteOf(ledger.feeAccount()), 0);
        assertEq(_open(), (paid - OWN) * 1e12 - 100e18);
        assertEq(_sumOfQuotes(), 0);
    }

    function test_NoProfitBecomesCashWhileAShortfallIsOpen() public {
        _fail(1_400);
        assertGt(ledger.settleable(carolId, bidder), 0);
        bytes memory reason = abi.encodeWithSelector(IPositionsErrors.ShortfallOpen.selector, _open());
        refuseLedger(stranger, abi.encodeCall(ledger.settle, (carolId, bidder, 1)), reason);
        _round();
        adl.execute(16);
        assertEq(_open(), 0);
        ledger.settle(carolId, bidder, 1);
    }

    function test_AShortfallThatNobodyTakesOnHoldsProfitsForAnHour() public {
        _fail(1_400);
        skip(1 hours - 1);
        refreshFeeds();
        attestPremium(ETH, 0);
        bytes memory reason = abi.encodeWithSelector(IPositionsErrors.ShortfallOpen.selector, _open());
        refuseLedger(stranger, abi.encodeCall(ledger.settle, (carolId, bidder, 1)), reason);
        skip(1);
        ledger.settle(carolId, bidder, 1);
        _round();
        adl.execute(16);
        assertEq(_open(), 0);
    }

    function test_OnlyTheSafeBooksAndOnlyTheRankingCancels() public {
        refuseLedger(
            alice,
            abi.encodeCall(ledger.bookShortfall, (aliceId, bobId, 1)),
            abi.encodeWithSelector(IPositionsErrors.OnlySafe.selector, alice)
        );
        refuseLedger(
            alice,
            abi.encodeCall(ledger.cancelProfit, (bobId, 1)),
            abi.encodeWithSelector(IPositionsErrors.OnlyDeleveraging.selector, alice)
        );
        refuseLedger(
            alice,
            abi.encodeCall(ledger.setDeleveraging, (address(adl))),
            abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, alice)
        );
    }

    // ------------------------------------------------------------------ the round

    function test_L2_TheHighestRankBearsFirst() public {
        _fail(1_400);
        uint256 open = _open();
        adl.open();
        // whatever the order of nominations
        adl.nominate(bobId);
        adl.nominate(carolId);
        IDeleveraging.Nominee[] memory list = adl.nominees();
        assertTrue(list[0].account == carolId && list[1].account == bobId);
        // 4 · 1,400 ÷ (10,000 + 2,400)
        assertEq(list[0].exposure, uint256(5_600e18) / 12_400);
        assertEq(list[0].profit, uint256(2_400e18) / 12_400);
        passAttested(adl.WINDOW());
        vm.expectEmit(address(ledger));
        emit IPositionsEvents.ProfitCancelled(carolId, open, 0);
        assertEq(adl.execute(1), open);
        assertEq(unsettledOf(carolId), 2_400e18 - int256(open));
        assertEq(unsettledOf(bobId), 3_600e18);
        assertEq(sizeOf(carolId, ethPerp), -4e18);
        assertEq(_open(), 0);
        assertEq(_sumOfQuotes(), 0);
        (uint256 until, , ) = adl.round();
        assertEq(until, 0);
        assertEq(adl.nominees().length, 0);
    }

    function test_L2_TheNextBearsWhatIsLeft() public {
        _fail(900);
        uint256 open = _open();
        assertGt(open, 4_400e18);
        _round();
        assertEq(adl.execute(1), 4_400e18);
        assertEq(unsettledOf(carolId), 0);
        assertEq(adl.execute(9), open - 4_400e18);
        assertEq(unsettledOf(bobId), 6_600e18 - int256(open - 4_400e18));
        assertEq(_sumOfUnsettled(), 0);
    }

    function test_A1_NobodyIsMadeLiquidatableBeforeAllHaveBorneTheirPart() public {
        _hedgeCarol();
        _fail(1_200);
        uint256 open = _open();
        _round();
        int256 maintenance = maintenanceOf(carolId);
        assertGt(maintenance, 0);
        assertLt(maintenance, 3_200e18);
        assertEq(adl.execute(1), uint256(maintenance));
        assertApproxEqAbs(maintenanceOf(carolId), 0, 1e6);
        assertEq(adl.execute(1), open - uint256(maintenance));
    }

    function test_WhatNobodyCanBearWithinMaintenanceGoesToEquity() public {
        _hedgeCarol();
        _fail(1_200);
        uint256 open = _open();
        adl.open();
        adl.nominate(carolId);
        passAttested(adl.WINDOW());
        uint256 first = adl.execute(1);
        uint256 second = adl.execute(1);
        assertGt(second, 0);
        assertLt(maintenanceOf(carolId), 0);
        assertGe(mtmOf(carolId), 0);
        assertEq(_open(), open - first - second);
        (uint256 until, , ) = adl.round();
        assertEq(until, 0);
        // what is left goes on in another round
        if (_open() == 0) return;
        adl.open();
        adl.nominate(bobId);
        passAttested(adl.WINDOW());
        adl.execute(1);
        assertEq(_open(), 0);
    }

    function test_ANomineeIsRankedAnew() public {
        _fail(1_400);
        adl.open();
        adl.nominate(carolId);
        adl.nominate(bobId);
        deposit(carolId, USDC, 200_000e6);
        adl.nominate(carolId);
        assertEq(adl.nominees().length, 2);
        assertTrue(adl.nominees()[0].account == bobId);
    }

    function test_ClosingAPositionLowersTheRankOnly() public {
        trade(carolId, bidder, ethPerp, 4e18, 2_000e18);
        setPrice(WETH, 1_900e8);
        trade(carolId, bobId, ethPerp, -1e18, 1_900e18);
        trade(carolId, bobId, ethPerp, 1e18, 1_800e18);
        _fail(1_400);
        (uint256 exposure, uint256 profit) = adl.rankOf(carolId);
        assertEq(exposure, 0);
        assertGt(profit, 0);
        adl.open();
        adl.nominate(carolId);
        adl.nominate(bobId);
        assertTrue(adl.nominees()[0].account == bobId);
    }

    function test_OnlyTheBestAreKept() public {
        AccountId[] memory many = new AccountId[](17);
        for (uint96 i; i < 17; ++i) {
            many[i] = accountOf(bob, 10 + i);
            deposit(many[i], USDC, 3_000e6 + i * 1_000e6);
            trade(bidder, many[i], ethPerp, 1e18, 2_000e18);
        }
        _fail(1_400);
        adl.open();
        // the smallest ranks first of all
        for (uint256 i; i < 16; ++i) adl.nominate(many[16 - i]);
        assertEq(adl.nominees().length, 16);
        assertTrue(adl.nominees()[0].account == many[1]);
        vm.expectEmit(address(adl));
        emit IDeleveraging.Displaced(many[16]);
        adl.nominate(many[0]);
        assertTrue(adl.nominees()[0].account == many[0]);
        assertTrue(adl.nominees()[15].account == many[15]);
        (uint256 exposure, uint256 profit) = adl.rankOf(many[16]);
        bytes memory reason = abi.encodeWithSelector(IDeleveraging.RankTooLow.selector, many[16], exposure, profit);
        _refuse(abi.encodeCall(adl.nominate, (many[16])), reason);
    }

    function test_RefusesWhatIsOutOfTurn() public {
        _refuse(abi.encodeCall(adl.open, ()), abi.encodeWithSelector(IDeleveraging.NothingOpen.selector));
        _refuse(abi.encodeCall(adl.nominate, (bobId)), abi.encodeWithSelector(IDeleveraging.NoRound.selector));
        _refuse(abi.encodeCall(adl.execute, (1)), abi.encodeWithSelector(IDeleveraging.NoRound.selector));
        _fail(1_400);
        adl.open();
        uint256 until = vm.getBlockTimestamp() + adl.WINDOW();
        _refuse(abi.encodeCall(adl.open, ()), abi.encodeWithSelector(IDeleveraging.RoundRunning.selector, until));
        _refuse(abi.encodeCall(adl.execute, (1)), abi.encodeWithSelector(IDeleveraging.WindowOpen.selector, until));
        bytes memory loss = abi.encodeWithSelector(IDeleveraging.NoProfit.selector, bidder, unsettledOf(bidder));
        _refuse(abi.encodeCall(adl.nominate, (bidder)), loss);
        skip(adl.WINDOW());
        _refuse(
            abi.encodeCall(adl.nominate, (bobId)),
            abi.encodeWithSelector(IDeleveraging.WindowClosed.selector, until)
        );
        _refuse(abi.encodeCall(adl.execute, (0)), abi.encodeWithSelector(IDeleveraging.ZeroSteps.selector));
        // nobody was nominated: the round is over, another may begin
        assertEq(adl.execute(1), 0);
        adl.open();
    }

    function test_A4_NothingHappensInsideASession() public {
        _fail(1_400);
        adl.open();
        Call[] memory list = new Call[](1);
        list[0] = Call(address(adl), abi.encodeCall(adl.nominate, (carolId)));
        refuseStep(carol, list, 0, abi.encodeWithSelector(IDeleveraging.InsideSession.selector));
        adl.nominate(carolId);
        passAttested(adl.WINDOW());
        list[0] = Call(address(adl), abi.encodeCall(adl.execute, (1)));
        refuseStep(carol, list, 0, abi.encodeWithSelector(IDeleveraging.InsideSession.selector));
    }

    function test_NobodyIsPassedOverForWantOfGas() public {
        _fail(1_400);
        _round();
        (bool ok, bytes memory out) = address(adl).call{gas: 5_000_000}(abi.encodeCall(adl.execute, (1)));
        assertFalse(ok);
        assertEq(out, abi.encodeWithSelector(IDeleveraging.OutOfGas.selector));
        vm.expectCall(address(ledger), abi.encodeCall(ledger.cancelProfit, (carolId, _open())));
        adl.execute(1);
    }

    function test_WhoCannotBeWeighedIsPassedOver() public {
        _fail(1_400);
        // carol takes in what loses its price later
        deposit(carolId, WBTC, 0.1e8);
        _round();
        sys.wbtcFeed.setUpdatedAt(1);
        vm.expectEmit(address(adl));
        emit IDeleveraging.Skipped(carolId);
        adl.execute(1);
        assertGt(adl.execute(1), 0);
        assertEq(unsettledOf(carolId), 2_400e18);
    }

    // ------------------------------------------------------------------ conservation

    /// @dev Losses are what the fund, the protocol and the winners lost, to the wei.
    function testFuzz_L2_D1_LossesAreInsuranceAndCancelledProfits(uint256 price, uint256 fee, bool carolFirst) public {
        price = bound(price, 700, 1_430);
        Fill memory f = makeFill(bobId, carolId, btcPerp, 0.001e18, 30_000e18);
        (f.firstFee, f.secondFee) = (bound(fee, 0, 300e18), fee % 1e18);
        sender.fill(f);
        int256 fees = quoteOf(ledger.feeAccount());
        uint256 paid = _fail(price);
        uint256 open = _open();
        uint256 fromFees = uint256(fees - quoteOf(ledger.feeAccount()));
        assertEq(paid * 1e12, OWN * 1e12 + fromFees + open);
        int256 profits = unsettledOf(bobId) + unsettledOf(carolId);
        if (open != 0) {
            adl.open();
            if (carolFirst) adl.nominate(carolId);
            adl.nominate(bobId);
            passAttested(adl.WINDOW());
            uint256 cancelled = adl.execute(4);
            assertEq(_open() + cancelled, open);
            assertEq(unsettledOf(bobId) + unsettledOf(carolId), profits - int256(cancelled));
        }
        assertEq(_sumOfQuotes(), 0);
        int256 sum = _sumOfUnsettled();
        assertTrue(sum <= 0 && sum > -10, "sum of U");
    }
}
