// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {Call, PoolConfig} from "../interfaces/IMarginAccounts.sol";
import {LedgerStub, ScriptedEngine} from "../test/LedgerStub.sol";
import {SafeTest} from "../test/SafeTest.sol";
import {AccountFlags} from "../types/AccountFlags.sol";
import {AccountId} from "../types/AccountId.sol";

/// @title The doors kept for positions: settlement, touch, flags, and their part in a bid
contract LedgerDoorsTest is SafeTest {
    LedgerStub private ledger;

    function setUp() public override {
        super.setUp();
        equip(alice);
        equip(bob);
        ledger = new LedgerStub(safe);
        safe.setPositions(address(ledger));
    }

    function _settle(AccountId from, AccountId to, uint256 amount, bool fill) private view returns (bytes memory) {
        return abi.encodeCall(safe.settleCash, (from, to, amount, fill));
    }

    function _refuse(bytes memory data, bytes memory reason) private {
        refuse(stranger, address(ledger), 0, abi.encodeCall(ledger.execute, (data)), reason);
    }

    function _flags(AccountId id) private view returns (AccountFlags flags) {
        (flags, ) = safe.portfolio(id);
    }

    function test_FlagsAreAsTheLedgerSays() public {
        deposit(aliceId, WETH, 1e18);
        ledger.execute(abi.encodeCall(safe.setLedgerFlags, (aliceId, true, false)));
        assertTrue(_flags(aliceId).hasPositions());
        assertFalse(_flags(aliceId).hasQuote());
        assertEq(safe.balanceOf(aliceId, WETH), 1e18);
        // with a ledger every account is checked, also without a debt; this engine has no positions yet
        refuse(
            alice,
            abi.encodeCall(safe.withdraw, (aliceId, WETH, 1, alice)),
            abi.encodeWithSelector(IMarginEngine.LedgerUnsupported.selector)
        );
        ledger.execute(abi.encodeCall(safe.setLedgerFlags, (aliceId, false, false)));
        assertEq(withdraw(aliceId, WETH, MAX), 1e18);
    }

    function test_AFillIsChecked() public {
        deposit(aliceId, WETH, 1e18);
        // 1840 of initial margin
        _refuse(
            _settle(aliceId, bobId, 1_841e6, true),
            abi.encodeWithSelector(InsufficientMargin.selector, aliceId, -1e18)
        );
        ledger.execute(_settle(aliceId, bobId, 1_840e6, true));
        assertEq(safe.balanceOf(aliceId, USDC), -1_840e6);
        assertEq(safe.balanceOf(bobId, USDC), 1_840e6);
        assertSolvent(USDC);
    }

    function test_AFillInASessionIsCheckedAtItsEnd() public {
        Call[] memory list = calls("", abi.encodeCall(safe.deposit, (aliceId, WETH, 1e18)));
        list[0] = Call(address(ledger), abi.encodeCall(ledger.execute, (_settle(aliceId, bobId, 1_000e6, true))));
        batch(alice, list);
        assertEq(safe.balanceOf(aliceId, USDC), -1_000e6);
    }

    function test_ASettlementNeedsMaintenanceOnly() public {
        deposit(aliceId, WETH, 1e18);
        // below initial 1840, within maintenance 1900
        ledger.execute(_settle(aliceId, bobId, 1_900e6, false));
        assertEq(maintenanceOf(aliceId), 0);
        _refuse(_settle(aliceId, bobId, 1, false), abi.encodeWithSelector(SettlementRefused.selector, aliceId, -1e12));
    }

    function test_ASettlementMayUseThePartOfTheCapsKeptForIt() public {
        PoolConfig memory config = _config(USDC);
        (config.borrowCap, config.settlementPart) = (1_000e6, 2_000);
        safe.configurePool(USDC, config);
        uint256 cap = _config(USDC).borrowCap;
        deposit(aliceId, WETH, 10e18);
        borrow(aliceId, USDC, (cap * 8) / 10);
        bytes memory reason = abi.encodeWithSelector(
            BorrowCapExceeded.selector,
            USDC,
            (cap * 8) / 10,
            (cap * 8) / 10 + 1
        );
        refuse(alice, abi.encodeCall(safe.borrow, (aliceId, USDC, 1, alice)), reason);
        _refuse(_settle(aliceId, bobId, 1, true), reason);
        uint256 rest = cap - (cap * 8) / 10;
        _refuse(
            _settle(aliceId, bobId, rest + 1, false),
            abi.encodeWithSelector(BorrowCapExceeded.selector, USDC, cap, cap + 1)
        );
        ledger.execute(_settle(aliceId, bobId, rest, false));
        assertEq(debtOf(aliceId, USDC), cap);
    }

    function test_A4_ASettlementIsRefusedWhileTheLosersCheckIsPending() public {
        deposit(aliceId, WETH, 1e18);
        Call[] memory list = calls(abi.encodeCall(safe.borrow, (aliceId, USDC, 1, alice)), "");
        list[1] = Call(address(ledger), abi.encodeCall(ledger.execute, (_settle(aliceId, bobId, 1e6, false))));
        refuseStep(alice, list, 1, abi.encodeWithSelector(CheckPending.selector, aliceId));
        // the winner's may be
        list = calls(abi.encodeCall(safe.borrow, (aliceId, USDC, 1, alice)), "");
        deposit(bobId, USDC, 10e6);
        list[1] = Call(address(ledger), abi.encodeCall(ledger.execute, (_settle(bobId, aliceId, 1e6, false))));
        batch(alice, list);
    }

    function test_ASettlementIsRefusedInAnAuction() public {
        openLong(aliceId);
        setPrice(WETH, 1_680e8);
        auction.start(aliceId, bobId);
        bytes memory reason = abi.encodeWithSelector(AccountInAuction.selector, aliceId);
        _refuse(_settle(aliceId, bobId, 1, false), reason);
        _refuse(_settle(aliceId, bobId, 1, true), reason);
        _refuse(abi.encodeCall(safe.touch, (aliceId)), reason);
        // being paid is no touch
        deposit(bobId, USDC, 1e6);
        ledger.execute(_settle(bobId, aliceId, 1e6, false));
    }

    function test_ASettlementUsesVaultSharesBeforeItBorrows() public {
        uint256 shares = depositShares(aliceId, USDC, 1_000e6);
        ledger.execute(_settle(aliceId, bobId, 400e6, false));
        assertEq(safe.sharesOf(aliceId, USDC_SHARE), int256(shares - 400e6));
        assertEq(safe.balanceOf(aliceId, USDC), 0);
        assertSolvent(USDC);
    }

    function test_ASettlementOfNothingOrToItself() public {
        _refuse(_settle(aliceId, bobId, 0, true), abi.encodeWithSelector(ZeroAmount.selector));
        _refuse(_settle(aliceId, aliceId, 1, true), abi.encodeWithSelector(SameAccount.selector, aliceId));
    }

    function testFuzz_V1_V2_SettlementsMakeNoCash(uint256 a, uint256 b, uint256 amount, uint256 time) public {
        deposit(aliceId, WETH, 900e18);
        deposit(aliceId, USDC, bound(a, 1, 400_000e6));
        deposit(bobId, WETH, 900e18);
        borrow(bobId, USDC, bound(b, 1, 400_000e6));
        skip(bound(time, 1, 100 days));
        refreshFeeds();
        amount = bound(amount, 1, 900_000e6);
        int256 sum = safe.balanceOf(aliceId, USDC) + safe.balanceOf(bobId, USDC);
        uint256 held = _held(USDC);
        ledger.execute(_settle(aliceId, bobId, amount, false));
        int256 after_ = safe.balanceOf(aliceId, USDC) + safe.balanceOf(bobId, USDC);
        assertLe(after_, sum);
        assertGe(after_, sum - 5);
        assertEq(_held(USDC), held);
        assertSolvent(USDC);
    }

    function test_ATouchedAccountMustPass() public {
        openLong(aliceId);
        ledger.execute(abi.encodeCall(safe.touch, (aliceId)));
        setPrice(WETH, 1_730e8);
        _refuse(
            abi.encodeCall(safe.touch, (aliceId)),
            abi.encodeWithSelector(InsufficientMargin.selector, aliceId, -84e18)
        );
    }

    function test_ABidTakesItsFractionOfThePositions() public {
        ScriptedEngine scripted = new ScriptedEngine();
        deposit(aliceId, USDC, 1_000e6);
        deposit(bobId, USDC, 10_000e6);
        ledger.execute(abi.encodeCall(safe.setLedgerFlags, (aliceId, true, true)));
        safe.setEngine(address(scripted));
        scripted.set(0, -50e18, 500e18);
        vm.prank(bob);
        (uint256 fraction, int256 price) = safe.bid(aliceId, bobId, MAX, type(int256).max);
        assertGt(price, 0);
        assertGt(fraction, 0);
        assertLt(fraction, 1e18);
        assertEq(ledger.taken(), fraction);
        assertTrue(ledger.from() == aliceId && ledger.bidder() == bobId);
        // what the ledger said inside the bid is kept beside what the bid wrote
        assertFalse(_flags(aliceId).hasLedger());
        assertTrue(_flags(bobId).hasPositions() && _flags(bobId).hasQuote());
        assertEq(safe.balanceOf(aliceId, USDC), 1_000e6 - int256((1_000e6 * fraction) / 1e18) + price);
        // and the bidder is checked with it
        scripted.set(-1, -50e18, 500e18);
        ledger.execute(abi.encodeCall(safe.setLedgerFlags, (aliceId, true, true)));
        refuse(
            bob,
            abi.encodeCall(safe.bid, (aliceId, bobId, 1e16, type(int256).max)),
            abi.encodeWithSelector(InsufficientMargin.selector, bobId, -1)
        );
    }
}
