// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

// what is refused is part of a random run and must not stop it
// solhint-disable avoid-low-level-calls

import {Fill} from "../../interfaces/IPositions.sol";
import {Deleveraging} from "../../markets/Deleveraging.sol";
import {AccountFlags} from "../../types/AccountFlags.sol";
import {AccountId} from "../../types/AccountId.sol";
import {AssetId} from "../../types/AssetId.sol";
import {Instrument} from "../../types/Position.sol";
import {DerivativesTest} from "../DerivativesTest.sol";

/// @title Moves on the whole system with perps and options: everything real but tokens, price feeds and the exchange
/// @dev Moves never revert: what is refused is part of life. What must hold of a single move is checked by the move and noted
/// in {broken}; what must hold of the state is for the invariant functions.
abstract contract TradingMoves is DerivativesTest {
    uint256 public constant TRADERS = 4;
    /// @dev Feeds and attestations move prices by at most this part at once (basis points); a crash by more.
    uint256 private constant DRIFT = 300;
    int256 private constant WEI = 1e6;

    Deleveraging internal adl;
    AccountId[] internal traders;
    AccountId internal keeper;
    uint256 internal ethPrice = 2_000e8;
    int64 internal premium;

    /// @notice The first breach that a move has seen, by id.
    mapping(bytes32 id => string) public broken;
    /// @notice How often each move did what it was for.
    mapping(bytes32 move => uint256) public done;
    /// @notice Moves so far.
    uint256 public count;

    function prepare() external {
        setUp();
        adl = new Deleveraging(ledger);
        ledger.setDeleveraging(address(adl));
        // so little that losses reach winners
        fund.withdrawOwn(USDC, INSURANCE_SEED - 100e6, address(this));
        traders.push(aliceId);
        traders.push(bobId);
        traders.push(carolId);
        traders.push(accountOf(alice, 1));
        keeper = accountOf(makeAddr("keeper"), 0);
        deposit(traders[3], USDC, 30_000e6);
        deposit(keeper, USDC, 3_000_000e6);
        setModel(bobId, 1);
        setModel(traders[3], 1);
        for (uint256 i; i < TRADERS; ++i) {
            address owner = traders[i].owner();
            give(owner, USDC, 1_000_000e6);
            // little enough that a few trades make them weak
            if (i < 3) withdraw(traders[i], USDC, 70_000e6);
        }
    }

    modifier counted() {
        ++count;
        _;
    }

    // ------------------------------------------------------------------ moves
    function tradePerp(uint8 a, uint8 b, int8 size, int8 off, bool btc) external counted {
        if (size == 0) return;
        (uint256 price, int256 unit) = btc ? (uint256(30_000e18), int256(0.1e18)) : (ethPrice * 1e10, int256(1e18));
        price = (price * uint256(10_000 + int256(off))) / 10_000;
        _trade("perp", a, b, btc ? btcPerp : ethPerp, int256(size) * unit, price);
    }

    function tradeOption(uint8 a, uint8 b, uint8 which, int8 size, uint16 price) external counted {
        if (size == 0) return;
        Instrument[3] memory list = [call2000, put2000, call2200];
        _trade("option", a, b, list[which % 3], int256(size) * 1e18, bound(price, 1, 200) * 1e18);
    }

    /// @dev Both sides were signed as reduce-only.
    function unwind(uint8 a, uint8 b, uint8 which, uint8 part) external counted {
        (AccountId x, AccountId y) = (traders[a % TRADERS], traders[b % TRADERS]);
        Instrument[4] memory list = [ethPerp, call2000, put2000, call2200];
        Instrument instrument = list[which % 4];
        (int256 p, int256 q) = (ledger.sizeOf(x, instrument), ledger.sizeOf(y, instrument));
        if (p == 0 || q == 0 || (p > 0) == (q > 0)) return;
        int256 size = p > 0 ? (p < -q ? p : -q) : (p > -q ? p : -q);
        size = -(size * int256(bound(part, 1, 255))) / 255;
        if (size == 0) return;
        uint256 price = instrument.isPerp() ? ethPrice * 1e10 : 60e18;
        Fill memory f = makeFill(x, y, instrument, size, price);
        (f.firstReduces, f.secondReduces) = (true, true);
        (bool ok, ) = address(sender).call(abi.encodeCall(sender.fill, (f)));
        if (ok) ++done["unwind"];
    }

    function drift(int16 by) external counted {
        _move((ethPrice * uint256(10_000 + bound(int256(by), -int256(DRIFT), int256(DRIFT)))) / 10_000);
    }

    function crash(uint8 by) external counted {
        _move((ethPrice * bound(by, 75, 130)) / 100);
    }

    function wait_(uint16 time) external counted {
        pass(bound(time, 1, 6 hours));
        try this.attestNow() {
            ++done["attest"];
        } catch {
            return; // jumps are bounded
        }
    }

    function poke(uint8 underlying, int16 to) external counted {
        premium = int64(bound(int256(to), -300, 300)) * 1e13;
        skip(1);
        try this.attestNow() {} catch {
            return;
        }
        (bool ok, ) = address(ledger).call(abi.encodeCall(ledger.pokeFunding, (underlying % 2 == 0 ? ETH : BTC)));
        if (ok) ++done["funding"];
    }

    /// @dev By a stranger: cash for U, and nothing else (A1).
    function settle(uint8 a, uint8 b) external counted {
        (AccountId winner, AccountId loser) = (traders[a % TRADERS], traders[b % TRADERS]);
        (bool can, uint256 amount) = _settleable(winner, loser);
        if (!can || amount == 0) return;
        (bool known, int256 mtm0, ) = _margins(loser);
        (bool ok, ) = address(ledger).call(abi.encodeCall(ledger.settle, (winner, loser, amount)));
        if (!ok) return;
        ++done["settle"];
        (bool still, int256 mtm, int256 maintenance) = _margins(loser);
        if (still && maintenance < 0) _breach("A1", "a settlement left the loser liquidatable");
        if (known && still && (mtm < mtm0 - 2 * WEI * WEI || mtm > mtm0 + 2 * WEI * WEI)) {
            _breach("A1", "a settlement moved the loser's mtm");
        }
    }

    /// @dev By a stranger: changes nobody's U by more than a wei a position (D1).
    function touch(uint8 a) external counted {
        AccountId account = traders[a % TRADERS];
        (bool known, int256 before) = _unsettled(account);
        (bool ok, ) = address(ledger).call(abi.encodeCall(ledger.touch, (account)));
        if (!ok) return;
        ++done["touch"];
        (bool still, int256 u) = _unsettled(account);
        if (known && still && (u > before || u < before - 8)) _breach("D1", "a touch changed U");
    }

    function payIn(uint8 a, uint32 amount) external counted {
        AccountId account = traders[a % TRADERS];
        uint256 cash = bound(amount, 1e6, 20_000e6);
        vm.prank(account.owner());
        try safe.deposit(account, USDC, cash) {
            ++done["deposit"];
        } catch {
            return;
        }
    }

    function takeOut(uint8 a, uint32 amount) external counted {
        AccountId account = traders[a % TRADERS];
        address owner = account.owner();
        vm.prank(owner);
        try safe.withdraw(account, USDC, bound(amount, 1e6, 20_000e6), owner) {
            ++done["withdraw"];
        } catch {
            return;
        }
        _requireInitial(account, "withdraw");
    }

    function choose(uint8 a, bool model) external counted {
        AccountId account = traders[a % TRADERS];
        vm.prank(account.owner());
        try safe.setModel(account, model ? 1 : 0) {
            ++done["model"];
        } catch {
            return;
        }
        _requireInitial(account, "model");
    }

    function liquidate(uint8 a, uint64 fraction) external counted {
        AccountId account = traders[a % TRADERS];
        (bool known, , int256 before) = _margins(account);
        if (known && before < 0) {
            (bool started, ) = address(auction).call(abi.encodeCall(auction.start, (account, strangerId)));
            if (started) {
                ++done["start"];
                skip(2 minutes);
                refreshFeeds();
                (known, , before) = _margins(account);
            }
        }
        uint256 part = fraction % 3 == 0 ? type(uint256).max : bound(fraction, 1e15, 1e18);
        vm.prank(keeper.owner());
        try safe.bid(account, keeper, part, type(int256).max) {
            ++done["bid"];
        } catch {
            return;
        }
        if (!known || before >= 0) _breach("L1", "a healthy account was bid on");
        (bool still, , int256 maintenance) = _margins(account);
        if (still && maintenance < before - WEI * WEI) _breach("L1", "a bid lowered maintenance");
        // the keeper carries on with what it took; it must not become the next victim
        vm.prank(keeper.owner());
        (bool fed, ) = address(safe).call(abi.encodeCall(safe.deposit, (keeper, USDC, 1)));
        fed;
    }

    /// @dev Rounds are submitted by anybody, then the expiry is settled.
    function expire(bool fully) external counted {
        if (vm.getBlockTimestamp() < EXPIRY) return;
        for (uint8 asset = 1; asset < 4; ++asset) _submitRounds(asset);
        for (uint8 u = ETH; u <= BTC; ++u) {
            (bool fixed_, ) = address(prices).call(abi.encodeCall(prices.fix, (u, EXPIRY)));
            (bool ok, ) = address(ledger).call(abi.encodeCall(ledger.settleExpiry, (u, EXPIRY)));
            if (fixed_ && ok) ++done["expiry"];
            if (!fully) break;
        }
    }

    /// @dev From well before the window to the latest, if there are so many.
    function _submitRounds(uint8 asset) private {
        uint80 last = feedOf(AssetId.wrap(asset)).latestRound();
        uint80 first = (uint80(1) << 64) + 1;
        if (last > first + 24) first = last - 24;
        uint80[] memory rounds = new uint80[](last - first + 1);
        for (uint80 i; i < rounds.length; ++i) rounds[i] = first + i;
        (bool ok, ) = address(prices).call(abi.encodeCall(prices.submit, (asset, EXPIRY, rounds)));
        if (ok) ++done["rounds"];
    }

    function closeBtc(uint8 step) external counted {
        if (step % 4 == 0) {
            (bool ok, ) = address(ledger).call(abi.encodeCall(ledger.freezePerp, (BTC, 29_000e18)));
            if (ok) ++done["freeze"];
        } else if (step % 4 == 1) {
            (bool ok, ) = address(ledger).call(abi.encodeCall(ledger.closePerp, (BTC)));
            if (ok) ++done["close"];
        }
    }

    function sweep() external counted {
        (bool ok, ) = address(ledger).call(abi.encodeCall(ledger.sweepFees, ()));
        if (ok) ++done["sweep"];
    }

    /// @dev A round, as far as it has come: opened, somebody nominated, or borne by who is next.
    function deleverage(uint8 a, uint8 steps) external counted {
        (uint256 open, , ) = ledger.shortfall();
        (uint256 until, , ) = adl.round();
        if (until == 0) {
            (bool opened, ) = address(adl).call(abi.encodeCall(adl.open, ()));
            if (opened != (open != 0)) _breach("L2", "a round without a shortfall, or none with one");
        } else if (vm.getBlockTimestamp() < until) {
            AccountId account = a % (TRADERS + 1) == TRADERS ? keeper : traders[a % (TRADERS + 1)];
            (bool ok, ) = address(adl).call(abi.encodeCall(adl.nominate, (account)));
            if (ok) ++done["nominate"];
            // now and then the window is over
            if (steps % 4 != 0) return;
            pass(until - vm.getBlockTimestamp());
            try this.attestNow() {} catch {
                return; // jumps are bounded
            }
        } else {
            _execute(open, 1 + (steps % 3));
        }
    }

    function _execute(uint256 open, uint256 steps) private {
        int256[TRADERS + 1] memory before;
        for (uint256 i; i <= TRADERS; ++i) (, before[i]) = _unsettled(i == TRADERS ? keeper : traders[i]);
        (bool ok, bytes memory out) = address(adl).call(abi.encodeCall(adl.execute, (steps)));
        if (!ok) return;
        uint256 cancelled = abi.decode(out, (uint256));
        (uint256 left, , ) = ledger.shortfall();
        if (left + cancelled != open) _breach("L2", "more or less was cancelled than the register says");
        int256 lost;
        for (uint256 i; i <= TRADERS; ++i) {
            (bool known, int256 u) = _unsettled(i == TRADERS ? keeper : traders[i]);
            if (!known) return;
            if (u < 0 && before[i] > 0) _breach("L2", "more than a winner's profit was cancelled");
            lost += before[i] - u;
        }
        // a touch rounds a wei a position
        if (lost < int256(cancelled) || lost > int256(cancelled) + 40) _breach("L2", "winners lost something else");
        if (cancelled != 0) ++done["cancelled"];
    }

    // ------------------------------------------------------------------ parts
    function attestNow() external {
        attestPremium(ETH, premium);
        attestPremium(BTC, premium);
        if (vm.getBlockTimestamp() + 1 >= EXPIRY) return;
        attestExpiry(ETH, 1e18, 0.8e18, 2_000e18);
        attestExpiry(BTC, 1e18, 0.6e18, 30_000e18);
    }

    function _trade(bytes32 move, uint8 a, uint8 b, Instrument instrument, int256 size, uint256 price) private {
        (AccountId x, AccountId y) = (traders[a % TRADERS], traders[b % TRADERS]);
        Fill memory f = makeFill(x, y, instrument, size, price);
        (f.firstFee, f.secondFee) = (1e18, 0.5e18);
        (bool ok, ) = address(sender).call(abi.encodeCall(sender.fill, (f)));
        if (!ok) return;
        ++done[move];
        _requireInitial(x, "fill");
        _requireInitial(y, "fill");
    }

    function _move(uint256 price) private {
        ethPrice = bound(price, 200e8, 20_000e8);
        setPrice(WETH, ethPrice);
        ++done["price"];
    }

    /// @dev A2: what passed did so by `initial`, now as then.
    function _requireInitial(AccountId account, string memory what) private {
        (AccountFlags flags, ) = safe.portfolio(account);
        if (!flags.hasPositions()) return;
        try this.initialNow(account) returns (int256 initial) {
            if (initial < 0) _breach("A2", what);
        } catch {
            _breach("A2", "passed without a margin");
        }
    }

    function initialNow(AccountId account) external view returns (int256) {
        return initialOf(account);
    }

    function liquidationNow(AccountId account) external view returns (int256 maintenance, int256 mtm) {
        return liquidationOf(account);
    }

    function _margins(AccountId account) private view returns (bool ok, int256 mtm, int256 maintenance) {
        try this.liquidationNow(account) returns (int256 mm, int256 value) {
            (ok, mtm, maintenance) = (true, value, mm);
        } catch {
            ok = false;
        }
    }

    function _unsettled(AccountId account) private view returns (bool ok, int256 u) {
        try ledger.unsettledOf(account) returns (int256 value) {
            (ok, u) = (true, value);
        } catch {
            ok = false;
        }
    }

    function _settleable(AccountId winner, AccountId loser) private view returns (bool ok, uint256 amount) {
        try ledger.settleable(winner, loser) returns (uint256 value) {
            (ok, amount) = (true, value);
        } catch {
            ok = false;
        }
    }

    function _breach(bytes32 id, string memory what) private {
        if (bytes(broken[id]).length == 0) broken[id] = what;
    }

    // ------------------------------------------------------------------ for the invariants
    /// @notice Every account that can have a quote.
    function everybody() public view returns (AccountId[] memory list) {
        list = new AccountId[](TRADERS + 9);
        for (uint256 i; i < TRADERS; ++i) list[i] = traders[i];
        uint256 n = TRADERS;
        (list[n++], list[n++]) = (keeper, safe.insurance());
        (list[n++], list[n++]) = (ledger.perpClearing(ETH), ledger.perpClearing(BTC));
        (list[n++], list[n++]) = (ledger.expiryClearing(ETH, EXPIRY), ledger.expiryClearing(BTC, EXPIRY));
        (list[n++], list[n++]) = (ledger.feeAccount(), strangerId);
        list[n] = ledger.shortfallAccount();
    }

    function sums() external view returns (int256 quotes, int256[5] memory sizes, int256 unsettled, bool priced) {
        AccountId[] memory all = everybody();
        Instrument[5] memory instruments = [ethPerp, btcPerp, call2000, put2000, call2200];
        priced = true;
        for (uint256 i; i < all.length; ++i) {
            quotes += ledger.quoteOf(all[i]);
            for (uint256 k; k < 5; ++k) sizes[k] += ledger.sizeOf(all[i], instruments[k]);
            (bool ok, int256 u) = _unsettled(all[i]);
            unsettled += u;
            if (!ok) priced = false;
        }
    }

    function usdcBacking() external view returns (uint256 held, uint256 claims, uint256 debts) {
        held = sys.usdc.balanceOf(address(safe));
        (claims, debts) = (safe.poolState(USDC).claims, safe.poolState(USDC).debts);
    }
}
