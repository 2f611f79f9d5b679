// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {Call} from "../../interfaces/IMarginAccounts.sol";
import {AccountFlags} from "../../types/AccountFlags.sol";
import {AccountId} from "../../types/AccountId.sol";
import {AssetId} from "../../types/AssetId.sol";
import {FixedPoint} from "../../types/FixedPoint.sol";
import {Holding} from "../../types/Holding.sol";
import {Actor, Step} from "./Actor.sol";
import {Margins} from "./HandlerBase.sol";
import {MarketHandler} from "./MarketHandler.sol";

/// @title Sessions: leverage, flash loans, reduce-only, and friends who try to profit from a pending check
abstract contract SessionHandler is MarketHandler {
    /// @dev Mid margins, as the reduce-only rule sees them.
    struct Mid {
        int256 initial;
        int256 maintenance;
        int256 mtm;
    }

    // ------------------------------------------------------------------ leverage
    /// @dev Borrows and pays the proceeds, in another asset, back in: what a swap does.
    function leverage(uint256 who, uint256 what, uint256 size) external watched(who, size) {
        AccountId account = _account(who, what >> 8);
        (AssetId loan, AssetId asset) = (_pool(what), _asset(what >> 16));
        int256 initial = _initialOf(account);
        if (initial <= 0) return;
        uint256 dollars = FixedPoint.min((uint256(initial) * (1 + ((size >> 8) % 900))) / 1e12, 1_000_000e8);
        Step[] memory steps = new Step[](2);
        steps[0] = _step(_borrowing(who, account, loan, _worthOf(loan, dollars)));
        steps[1] = _step(abi.encodeCall(safe.deposit, (account, asset, _worthOf(asset, dollars))));
        bool ok = _run(who, steps);
        if (ok) _checkPassed(account);
        _did("leverage", ok);
    }

    /// @dev More than any cap allows, gone before the session ends: free, and leaves no trace.
    function flash(uint256 who, uint256 what, uint256 size) external watched(who, size) {
        AccountId account = _account(who, what >> 8);
        AssetId loan = _pool(what);
        Margins memory before = _margins(account);
        uint256 cash = _tokenOf(loan).balanceOf(address(safe));
        Step[] memory steps = new Step[](3);
        // nested, the way of a wallet inside the way of a contract
        Call[] memory calls = new Call[](1);
        calls[0].data = _borrowing(who, account, loan, cash);
        steps[0] = _step(abi.encodeCall(safe.batch, (calls)));
        steps[1] = _step(abi.encodeCall(safe.accrue, (loan)));
        steps[2] = _step(abi.encodeCall(safe.deposit, (account, loan, cash)));
        bool ok = _run(who, steps);
        if (ok) _checkPassed(account);
        // vault shares may have been set off, so it is the whole account that counts
        if (ok && before.ok && _margins(account).mtm > before.mtm) _break("V3", "a flash loan made a profit");
        _did("flash", ok);
    }

    // ------------------------------------------------------------------ reduce-only
    /// @dev Collateral out, debt paid with less than it was worth: passes while the loss is within what the rule grants.
    function reduce(uint256 who, uint256 what, uint256 size) external {
        // mostly who has to: below initial
        for (uint256 i; size & 7 != 0 && i < ACTORS; ++i) {
            if (_initialOf(_account(who, what >> 8)) < 0) break;
            who = (who % ACTORS) + 1;
        }
        _reduce(who, what, size);
    }

    function _reduce(uint256 who, uint256 what, uint256 size) private watched(who, size) {
        AccountId account = _account(who, what >> 8);
        (AssetId asset, AssetId loan) = (_held(account, what), _owed(account, what));
        if (safe.sharesOf(account, loan) >= 0 || safe.sharesOf(account, asset) <= 0) return;
        uint256 dollars = 10e8 + ((size >> 16) % (1 << (4 + ((size >> 8) % 12)))) * 1e8;
        uint256 paid = (dollars * (9_600 + (size % 401))) / 10_000;
        Step[] memory steps = new Step[](3);
        steps[0] = _step(abi.encodeCall(safe.reduceOnly, (account)));
        steps[1] = _step(_withdrawing(who, account, asset, _worthOf(asset, dollars)));
        steps[2] = _step(abi.encodeCall(safe.repay, (account, loan, _worthOf(loan, paid))));
        Mid memory before = _mid(account);
        bool ok = _run(who, steps);
        if (ok) _checkReduced(account, before);
        _did("reduce", ok);
        if (ok && before.initial < 0) _did("reduceUnhealthy", true);
    }

    /// @dev A2, the rule in its own words: differences at mid, at most a fifth of the requirement's fall lost.
    function _checkReduced(AccountId account, Mid memory before) private {
        Mid memory m = _mid(account);
        if (!_hasDebt(account) || _initialOf(account) >= 0) return;
        int256 relief = (before.mtm - before.initial) - (m.mtm - m.initial);
        bool kept =
            m.initial >= before.initial &&
                m.maintenance >= before.maintenance &&
                relief >= 0 &&
                (before.mtm - m.mtm) * 5 <= relief &&
                m.mtm >= FixedPoint.min(int256(0), before.mtm);
        if (!kept) _break("A2", "reduce-only let more through than its rule");
    }

    // ------------------------------------------------------------------ A4: nobody touches a pending account
    /// @dev The owner empties the account, friends try to start, bid, flag and settle, the owner puts all back.
    function pend(uint256 who, uint256 what, uint256 size) external watched(who, size) {
        AccountId account = _account(who, what >> 8);
        AssetId asset = _held(account, what);
        int256 balance = safe.balanceOf(account, asset);
        if (balance <= 0 || !_hasDebt(account)) return;
        Step[] memory steps = new Step[](8);
        _addAttacks(steps, account, (who % ACTORS) + 1);
        uint256 all = uint256(balance);
        steps[0] = _step(_withdrawing(who, account, asset, all));
        // all but a part, at times: then only a healthy account may end so
        if (size & 3 == 0) all -= all / (2 + ((size >> 8) % 20));
        steps[7] = _step(abi.encodeCall(safe.deposit, (account, asset, all)));

        (bool ran, bytes memory out) = actors[who % ACTORS].session(steps);
        if (!ran && bytes4(out) == Actor.Breach.selector) _break("A4", "a pending account was touched");
        if (ran) _checkPassed(account);
        if (safe.isPending(account)) _break("A4", "check left pending");
        _did("pend", ran);
    }

    /// @dev Steps 1 to 6: all that must be refused.
    function _addAttacks(Step[] memory steps, AccountId account, uint256 friend) private view {
        AccountId mate = _account(friend, 0);
        address auction = address(sys.auction);
        steps[1] = _failing(friend, auction, abi.encodeCall(sys.auction.start, (account, mate)));
        steps[2] = _failing(friend, auction, abi.encodeCall(sys.auction.poke, (account)));
        steps[3] = _failing(friend, auction, abi.encodeCall(sys.auction.end, (account)));
        bytes memory bid = abi.encodeCall(safe.bid, (account, mate, type(uint256).max, type(int256).max));
        steps[4] = _failing(friend, address(safe), bid);
        steps[5] = _failing(friend, address(neighbour), abi.encodeCall(neighbour.flag, (account)));
        steps[6] = _failing(friend, address(neighbour), abi.encodeCall(neighbour.settle, (account, mate, 1)));
    }

    // ------------------------------------------------------------------ steps
    function _run(uint256 who, Step[] memory steps) internal returns (bool ok) {
        (ok, ) = actors[who % ACTORS].session(steps);
    }

    function _step(bytes memory data) internal view returns (Step memory) {
        return Step(address(safe), data);
    }

    function _failing(uint256 who, address target, bytes memory data) private view returns (Step memory) {
        return Step(address(_actor(who)), abi.encodeCall(Actor.mustFail, (target, data)));
    }

    function _mid(AccountId account) private view returns (Mid memory m) {
        (AccountFlags flags, Holding[] memory holdings) = safe.portfolio(account);
        try _engine().midMargin(account, flags, holdings) returns (int256 initial, int256 maintenance, int256 mtm) {
            return Mid(initial, maintenance, mtm);
        } catch {
            return m;
        }
    }
}
