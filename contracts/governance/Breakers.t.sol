// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {RateLimiter} from "@openzeppelin/contracts/utils/RateLimiter.sol";
import {ERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";

import {PoolConfig} from "../interfaces/IMarginAccounts.sol";
import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {Fill} from "../interfaces/IPositions.sol";
import {ITableEngine} from "../interfaces/IRisk.sol";
import {DerivativesTest} from "../test/DerivativesTest.sol";
import {MockFeed} from "../test/MockFeed.sol";
import {AccountId} from "../types/AccountId.sol";

/// @title Each breaker × each action: exactly what DESIGN 9 allows
/// @notice A breaker stops what it is for and nothing else; none ever stops repaying, adding collateral or leaving without debt. Reducing and
/// liquidation stop only where nobody can say what anything is worth. Refusals carry the breaker's own error.
contract BreakersTest is DerivativesTest {
    /// @dev What is tried, in the order of the tables below.
    enum Action {
        AddCollateral, // 0: to an account that owes
        Deposit, // 1: cash of an account that owes nothing
        Repay, // 2
        Withdraw, // 3: owing nothing
        WithdrawOwing, // 4
        Borrow, // 5
        TransferOwing, // 6
        Transfer, // 7: owing nothing
        Open, // 8: a fill
        Reduce, // 9: a fill that reduces both sides
        Settle, // 10
        Touch, // 11
        Start, // 12: an auction
        Bid, // 13
        End, // 14: the auction of an account that recovered
        VaultDeposit, // 15
        VaultRedeem, // 16
        SetModel, // 17
        Cancel, // 18: a nonce
        Accrue, // 19
        PokeFunding, // 20
        Deleverage // 21: sell collateral and repay in one session, declared as reducing
    }

    //                                 0         1         2
    //                                 0123456789012345678901
    bytes private constant UNDER_NOTHING = "yyyyyyyyyyyyyyyyyyyyyy";
    bytes private constant UNDER_BORROW = "yyyyynyyyyyyyyyyyyyyyy";
    bytes private constant UNDER_WITHDRAW = "yyyynyyyyyyyyyyyyyyyyy";
    bytes private constant UNDER_TRANSFER = "yyyyyynyyyyyyyyyyyyyyy";
    bytes private constant UNDER_TRADES = "yyyyyyyynyyyyyyyyyyyyy";
    bytes private constant UNDER_ALL_FOUR = "yyyynnnynyyyyyyyyyyyyy";
    bytes private constant UNDER_OUTFLOW = "yyynynyyyyyyyyyynyyyyy";
    bytes private constant UNDER_DEVIATES = "yyyynnnyyyyyyyyyynyyyy";
    bytes private constant UNDER_STALE = "yyyynnnyyyyyyyyyynyyyn";
    bytes private constant UNDER_BLIND = "yyyynnnynnnynnnyynyynn";
    bytes private constant UNDER_DEPOSITS = "ynyyyyyyyyyyyyynyyyyyy";
    bytes private constant UNDER_BORROWS = "yyyyynyyyyyyyyyyyyyyyy";

    AccountId private debtor;
    AccountId private free;
    AccountId private sold;
    AccountId private failing;
    AccountId private recovered;
    AccountId private bidder;
    MockFeed private sequencer;

    function _hasTwap() internal pure override returns (bool) {
        return true;
    }

    function setUp() public override {
        super.setUp();
        _addSequencer();
        (debtor, sold, failing) = (accountOf(alice, 1), accountOf(alice, 2), accountOf(alice, 3));
        (recovered, free, bidder) = (accountOf(alice, 4), accountOf(bob, 1), accountOf(carol, 1));
        deposit(debtor, WBTC, 1e8);
        borrow(debtor, USDC, 20_000e6);
        deposit(free, USDC, 50_000e6);
        deposit(bidder, USDC, 50_000e6);
        openLong(sold);
        openLong(failing);
        openLong(recovered);
        trade(bobId, carolId, ethPerp, 2e18, 2_000e18);
        // maintenance of a long: 15,580 − 16,000
        setPrice(WETH, 1_640e8);
        auction.start(sold, bidder);
        auction.start(recovered, bidder);
        deposit(recovered, WETH, 10e18);
        equip(alice);
        equip(bob);
    }

    /// @dev The table in force, with a sequencer that is up.
    function _addSequencer() private {
        sequencer = new MockFeed(0, 0);
        sequencer.pushRound(0, vm.getBlockTimestamp() - 1 days);
        bytes memory data = ITableEngine(safe.engine()).table();
        address feed = address(sequencer);
        assembly ("memory-safe") {
            let head := add(data, sub(mload(data), 32))
            mstore(head, or(mload(head), feed))
        }
        safe.setEngine(sys.factory.create(data));
    }

    // ------------------------------------------------------------------ actions

    function _try(Action action) private returns (bool ok, bytes memory reason) {
        if (action == Action.AddCollateral) return _safe(alice, abi.encodeCall(safe.deposit, (debtor, WBTC, 1e6)));
        if (action == Action.Deposit) return _safe(bob, abi.encodeCall(safe.deposit, (free, USDC, 1e6)));
        if (action == Action.Repay) return _safe(alice, abi.encodeCall(safe.repay, (debtor, USDC, 1e6)));
        if (action == Action.Withdraw) return _safe(bob, abi.encodeCall(safe.withdraw, (free, USDC, MAX, bob)));
        if (action == Action.WithdrawOwing)
            return _safe(alice, abi.encodeCall(safe.withdraw, (debtor, WBTC, 1e6, alice)));
        if (action == Action.Borrow) return _safe(alice, abi.encodeCall(safe.borrow, (debtor, USDC, 100e6, alice)));
        if (action == Action.TransferOwing)
            return _safe(alice, abi.encodeCall(safe.transfer, (debtor, accountOf(alice, 9), WBTC, 1e6, false)));
        if (action == Action.Transfer)
            return _safe(bob, abi.encodeCall(safe.transfer, (free, accountOf(bob, 9), USDC, 1e6, false)));
        if (action == Action.Open) return _fill(1e18, false);
        if (action == Action.Reduce) return _fill(-1e18, true);
        if (action == Action.Settle)
            return attempt(stranger, address(ledger), abi.encodeCall(ledger.settle, (carolId, bobId, 100e6)));
        if (action == Action.Touch) return attempt(stranger, address(ledger), abi.encodeCall(ledger.touch, (bobId)));
        if (action == Action.Start)
            return attempt(stranger, address(auction), abi.encodeCall(auction.start, (failing, bidder)));
        if (action == Action.Bid) return _safe(carol, abi.encodeCall(safe.bid, (sold, bidder, MAX, type(int256).max)));
        if (action == Action.End) return attempt(stranger, address(auction), abi.encodeCall(auction.end, (recovered)));
        if (action == Action.VaultDeposit)
            return attempt(bob, address(sys.usdcVault), abi.encodeCall(ERC4626.deposit, (1e6, bob)));
        if (action == Action.VaultRedeem)
            return attempt(lender, address(sys.usdcVault), abi.encodeCall(ERC4626.redeem, (1e6, lender, lender)));
        if (action == Action.SetModel) return _safe(alice, abi.encodeCall(safe.setModel, (debtor, 1)));
        if (action == Action.Cancel) return _safe(alice, abi.encodeCall(safe.cancelNonce, (1)));
        if (action == Action.Accrue) return _safe(stranger, abi.encodeCall(safe.accrue, (USDC)));
        if (action == Action.PokeFunding)
            return attempt(stranger, address(ledger), abi.encodeCall(ledger.pokeFunding, (ETH)));
        return
            _safe(
                alice,
                abi.encodeCall(
                    safe.batch,
                    (
                        calls(
                            abi.encodeCall(safe.reduceOnly, (debtor)),
                            abi.encodeCall(safe.withdraw, (debtor, WBTC, 0.1e8, alice)),
                            abi.encodeCall(safe.repay, (debtor, USDC, 3_300e6)) // worth it at a mid between two sources, too
                        )
                    )
                )
            );
    }

    function _safe(address who, bytes memory data) private returns (bool, bytes memory) {
        return attempt(who, address(safe), data);
    }

    /// @dev Bob, who is long, buys `size` from Carol at the mark.
    function _fill(int256 size, bool reduces) private returns (bool, bytes memory) {
        Fill memory f = makeFill(bobId, carolId, ethPerp, size, 1_640e18);
        (f.firstReduces, f.secondReduces) = (reduces, reduces);
        return attempt(stranger, address(sender), abi.encodeCall(sender.fill, (f)));
    }

    /// @dev Every action from the same state. What is refused carries `reason`, or `other` where a vault says it in its words.
    function _compare(bytes memory allowed, bytes4 reason, bytes4 other) private {
        assertEq(allowed.length, uint256(type(Action).max) + 1, "the table has a hole");
        for (uint256 i; i < allowed.length; ++i) {
            uint256 snapshot = vm.snapshotState();
            (bool ok, bytes memory said) = _try(Action(i));
            assertEq(ok, allowed[i] == "y", string.concat("action ", vm.toString(i)));
            if (!ok) {
                bytes4 name = _nameOf(said);
                assertTrue(name == reason || name == other, string.concat("another reason: ", vm.toString(i)));
            }
            vm.revertToState(snapshot);
        }
    }

    /// @dev Of what a batch refuses, why its call was refused.
    function _nameOf(bytes memory said) private pure returns (bytes4 name) {
        name = bytes4(said);
        if (name != CallFailed.selector) return name;
        assembly ("memory-safe") {
            // selector, index, offset, length, then the reason
            name := and(mload(add(said, 0x84)), shl(224, 0xffffffff))
        }
    }

    function _compare(bytes memory allowed, bytes4 reason) private {
        _compare(allowed, reason, reason);
    }

    function _pause(uint8 actions, bytes memory allowed) private {
        safe.pause(actions, uint40(vm.getBlockTimestamp() + 1 hours));
        _compare(allowed, ActionPaused.selector);
    }

    // ------------------------------------------------------------------ breakers

    function test_O1_WithoutABreakerEverythingPasses() public {
        _compare(UNDER_NOTHING, 0);
    }

    function test_L1_A3_PauseOfBorrowing() public {
        _pause(1, UNDER_BORROW);
    }

    function test_L1_A3_PauseOfWithdrawals() public {
        _pause(2, UNDER_WITHDRAW);
    }

    function test_L1_A3_PauseOfTransfers() public {
        _pause(4, UNDER_TRANSFER);
    }

    function test_L1_A3_PauseOfTrades() public {
        _pause(8, UNDER_TRADES);
    }

    function test_L1_A3_PauseOfAllAtOnce() public {
        _pause(15, UNDER_ALL_FOUR);
    }

    /// A3: what is left of the limit may leave, and nothing else is in its way.
    function test_A3_OutflowLimitUsedUp() public {
        safe.setOutflowLimit(USDC, 1, 1 days);
        _compare(UNDER_OUTFLOW, RateLimiter.RateLimitExceeded.selector, ERC4626.ERC4626ExceededMaxRedeem.selector);
    }

    function test_O1_SourcesDeviate() public {
        sys.twap.setTick(WBTC_TICK + 1_000, 0);
        _compare(UNDER_DEVIATES, IMarginEngine.NewRiskBlocked.selector);
    }

    /// An account that holds what nobody can price may add and repay; accounts without it notice nothing.
    function test_O1_OnePriceIsStale() public {
        sys.wbtcFeed.setUpdatedAt(vm.getBlockTimestamp() - HEARTBEAT - 1);
        _compare(UNDER_STALE, IMarginEngine.PriceUnusable.selector);
    }

    /// No price at all: deposits, repaying, transfers in, cancelling, leaving without debt.
    function test_O1_A3_TheSequencerIsDown() public {
        sequencer.pushRound(1, vm.getBlockTimestamp());
        _compare(UNDER_BLIND, IMarginEngine.PriceUnusable.selector);
    }

    function test_L1_A3_DepositsAreClosed() public {
        PoolConfig memory config = safe.poolConfig(USDC);
        config.depositsClosed = true;
        safe.configurePool(USDC, config);
        _compare(UNDER_DEPOSITS, DepositsClosed.selector, ERC4626.ERC4626ExceededMaxDeposit.selector);
    }

    function test_L1_A3_BorrowingIsClosed() public {
        PoolConfig memory config = safe.poolConfig(USDC);
        config.borrowsClosed = true;
        safe.configurePool(USDC, config);
        _compare(UNDER_BORROWS, BorrowsClosed.selector);
    }
}
