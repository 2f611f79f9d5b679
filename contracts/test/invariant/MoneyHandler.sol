// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";

import {Call} from "../../interfaces/IMarginAccounts.sol";
import {AccountId} from "../../types/AccountId.sol";
import {AssetId} from "../../types/AssetId.sol";
import {FixedPoint} from "../../types/FixedPoint.sol";
import {Vault} from "../../vaults/Vault.sol";
import {MockFeed} from "../MockFeed.sol";
import {HandlerBase} from "./HandlerBase.sol";

/// @title Money in, out and across: owners, operators, strangers and lenders
abstract contract MoneyHandler is HandlerBase {
    struct Grant {
        uint8 rights;
        uint40 expiry;
        bool listedOnly;
        bool toOwner;
    }

    uint256 private constant ALL = type(uint256).max;

    // ------------------------------------------------------------------ owners
    function deposit(uint256 who, uint256 what, uint256 size) external watched(who, size) {
        AccountId account = _account(who, what >> 8);
        AssetId asset = _asset(what);
        bool ok = _try(who, abi.encodeCall(safe.deposit, (account, asset, _amount(asset, size))));
        _did("deposit", ok);
    }

    function withdraw(uint256 who, uint256 what, uint256 size) external watched(who, size) {
        AccountId account = _account(who, what >> 8);
        AssetId asset = _held(account, what);
        uint256 amount = size & 7 == 0 ? ALL : _amount(asset, size);
        bool ok = _withdraw(who, account, asset, amount);
        if (ok) _checkPassed(account);
        _did("withdraw", ok);
    }

    /// @dev Often as far as the margin goes, so that prices soon matter.
    function borrow(uint256 who, uint256 what, uint256 size) external watched(who, size) {
        AccountId account = _account(who, what >> 8);
        AssetId asset = _pool(what);
        uint256 amount = _amount(asset, size);
        int256 initial = _initialOf(account);
        // initial margin is in WAD of a dollar or nearly so, prices have 8 decimals
        if (size & 1 == 0 && initial > 1e18) {
            amount = _worthOf(asset, (uint256(initial) * (700 + ((size >> 8) % 250))) / 1e13);
        }
        bool ok = _try(who, _borrowing(who, account, asset, amount));
        if (ok) _checkPassed(account);
        _did("borrow", ok);
    }

    function repay(uint256 who, uint256 what, uint256 size) external watched(who, size) {
        AccountId account = _account(who, what >> 8);
        AssetId asset = _owed(account, what);
        uint256 amount = size & 3 == 0 ? ALL : _amount(asset, size);
        _did("repay", _try(who, abi.encodeCall(safe.repay, (account, asset, amount))));
    }

    /// @dev Lends to the pool that the account owes to, then lets both cancel.
    function setOff(uint256 who, uint256 what, uint256 size) external watched(who, size) {
        AccountId account = _account(who, what >> 8);
        AssetId pool = AssetId.wrap(uint16(1 + (what & 1)));
        AssetId share = pool == USDC ? USDC_SHARE : WETH_SHARE;
        if (safe.sharesOf(account, pool) >= 0) return;
        _try(who, abi.encodeCall(safe.deposit, (account, share, _amount(share, size))));
        _did("setOff", _try(who, abi.encodeCall(safe.setOff, (account, pool))));
    }

    /// @dev Between accounts of anybody.
    function transfer(uint256 who, uint256 what, uint256 size) external watched(who, size) {
        AccountId from = _account(who, what >> 8);
        AssetId asset = _held(from, what);
        uint256 amount = size & 7 == 0 ? ALL : _amount(asset, size);
        bool ok = _transfer(who, from, accounts[(what >> 16) % ACCOUNTS], asset, amount);
        if (ok) _checkPassed(from);
        _did("transfer", ok);
    }

    function _transfer(
        uint256 who,
        AccountId from,
        AccountId to,
        AssetId asset,
        uint256 amount
    ) private returns (bool) {
        return _try(who, abi.encodeCall(safe.transfer, (from, to, asset, amount, amount & 1 == 0)));
    }

    /// @dev Several doors in one batch, one of them through a friend's operator grant.
    function batch(uint256 who, uint256 what, uint256 size) external watched(who, size) {
        AccountId account = _account(who, what >> 8);
        AssetId asset = _asset(what);
        AssetId loan = _pool(what >> 16);
        uint256 amount = _amount(asset, size);
        Call[] memory calls = new Call[](3);
        calls[0].data = _borrowing(who, account, loan, _worthOf(loan, 20_000e8));
        calls[1].data = abi.encodeCall(safe.deposit, (account, asset, amount));
        calls[2].data = abi.encodeCall(
            safe.transfer,
            (account, _account(who, (what >> 8) + 1), asset, amount / 2, false)
        );
        bool ok = _try(who, abi.encodeCall(safe.batch, (calls)));
        if (ok) _checkPassed(account);
        _did("batch", ok);
    }

    /// @dev An operator takes what its grant allows, and never more.
    function operate(uint256 who, uint256 what, uint256 size) external watched(who, size) {
        AccountId account = _account(who, what >> 8);
        Grant memory g;
        g.rights = uint8((what >> 16) & 3);
        g.expiry = uint40(what & (1 << 18) == 0 ? time - 1 : time + ((what >> 19) % 2));
        g.listedOnly = what & (1 << 20) != 0;
        g.toOwner = what & (1 << 21) != 0;
        _grant(who, account, g);

        AssetId asset = _held(account, what);
        address to = address(_actor(g.toOwner ? who : who + 1));
        bool ok = _try(who + 1, abi.encodeCall(safe.withdraw, (account, asset, _amount(asset, size), to)));
        bool may = g.rights & 2 != 0 && g.expiry >= time && (g.toOwner || !g.listedOnly);
        if (ok && !may) _break("A1", "an operator withdrew beyond its grant");
        if (ok) _checkPassed(account);
        _did("operate", ok);
        delete g;
        _grant(who, account, g);
    }

    function _grant(uint256 who, AccountId account, Grant memory g) private {
        address operator = address(_actor(who + 1));
        address[] memory none = new address[](0);
        _try(who, abi.encodeCall(safe.setOperator, (account, operator, g.rights, g.expiry, g.listedOnly, none)));
    }

    // ------------------------------------------------------------------ strangers
    /// @dev Pays into somebody else's account, which is the one watched. Only into what it holds (A1).
    function giveStranger(uint256 who, uint256 other, uint256 size) external watched(who, other) {
        AccountId account = _strangerTo(who, other);
        AssetId asset = _asset(other >> 8);
        bool held = safe.sharesOf(account, asset) != 0;
        bool ok = _try(who, abi.encodeCall(safe.deposit, (account, asset, _amount(asset, size))));
        if (ok && !held) _break("A1", "a stranger paid in a new asset");
        _did("giveStranger", ok);
    }

    function repayStranger(uint256 who, uint256 other, uint256 size) external watched(who, other) {
        AccountId account = _strangerTo(who, other);
        AssetId asset = _owed(account, other >> 8);
        _did("repayStranger", _try(who, abi.encodeCall(safe.repay, (account, asset, _amount(asset, size)))));
    }

    /// @dev Tokens sent to the safe without a word are reserve.
    function donate(uint256 who, uint256 what, uint256 size) external watched(who, size) {
        AssetId asset = _asset(what);
        uint256 amount = _amount(asset, size) / 10;
        (bool ok, ) = _call(who, address(_tokenOf(asset)), abi.encodeCall(IERC20.transfer, (address(safe), amount)));
        _did("donate", ok);
    }

    function collect(uint256 who, uint256 what) external watched(who, what) {
        uint256 had = uint256(safe.sharesOf(sys.fund.account(), _asset(what)));
        (bool ok, ) = _call(who, address(sys.fund), abi.encodeCall(sys.fund.collect, (_asset(what))));
        _did("collect", ok && uint256(safe.sharesOf(sys.fund.account(), _asset(what))) > had);
    }

    function accrue(uint256 who, uint256 what) external watched(who, what) {
        _did("accrue", _try(who, abi.encodeCall(safe.accrue, (_pool(what)))));
    }

    // ------------------------------------------------------------------ lenders
    function lend(uint256 who, uint256 what, uint256 size) external watched(who, size) {
        Vault vault = what & 1 == 0 ? sys.usdcVault : sys.wethVault;
        AssetId pool = vault.pool();
        uint256 most = vault.maxDeposit(address(0));
        uint256 amount = FixedPoint.min(_amount(pool, size), most);
        (bool ok, ) = _call(who, address(vault), abi.encodeCall(IERC4626.deposit, (amount, address(_actor(who)))));
        _did("lend", ok);
    }

    /// @dev What the vault says can leave, leaves.
    function redeem(uint256 who, uint256 what, uint256 size) external watched(who, size) {
        Vault vault = what & 1 == 0 ? sys.usdcVault : sys.wethVault;
        address owner = address(_actor(who));
        uint256 most = vault.maxWithdraw(owner);
        uint256 amount = size & 3 == 0 ? most : FixedPoint.min(_amount(vault.pool(), size), most);
        (bool ok, ) = _call(who, address(vault), abi.encodeCall(IERC4626.withdraw, (amount, owner, owner)));
        if (!ok && amount != 0) _break("A3", "a lender could not take what maxWithdraw promised");
        _did("redeem", ok);
    }

    // ------------------------------------------------------------------ V3: no profit from going round
    /// @dev Deposit and withdraw at once, through an account or a vault: never more out than in.
    function roundTrip(uint256 who, uint256 what, uint256 size) external watched(who, size) {
        AccountId account = _account(who, what >> 8);
        AssetId asset = _asset(what);
        uint256 amount = _amount(asset, size);
        int256 had = safe.balanceOf(account, asset);
        if (had < 0) return;
        IERC20 token = _tokenOf(asset);
        address owner = address(_actor(who));
        uint256 wallet = token.balanceOf(owner);
        if (!_try(who, abi.encodeCall(safe.deposit, (account, asset, amount)))) return;
        uint256 back = uint256(safe.balanceOf(account, asset) - had);
        if (back > amount) _break("V3", "a deposit was credited with more than it paid");
        if (back == 0) return;
        if (!_withdraw(who, account, asset, back)) return;
        bool profit = token.balanceOf(owner) > wallet || safe.balanceOf(account, asset) > had;
        if (profit) _break("V3", "an account's round trip made a profit");
        _did("roundTrip", true);
    }

    function vaultRoundTrip(uint256 who, uint256 what, uint256 size) external watched(who, size) {
        Vault vault = what & 1 == 0 ? sys.usdcVault : sys.wethVault;
        address owner = address(_actor(who));
        IERC20 token = IERC20(vault.asset());
        uint256 wallet = token.balanceOf(owner);
        uint256 amount = _amount(vault.pool(), size);
        (bool ok, bytes memory out) = _call(who, address(vault), abi.encodeCall(IERC4626.deposit, (amount, owner)));
        if (!ok) return;
        uint256 shares = abi.decode(out, (uint256));
        (ok, ) = _call(who, address(vault), abi.encodeCall(IERC4626.redeem, (shares, owner, owner)));
        if (ok && token.balanceOf(owner) > wallet) _break("V3", "a vault's round trip made a profit");
        _did("vaultRoundTrip", ok);
    }

    // ------------------------------------------------------------------ A3: who owes nothing can leave
    /// @dev Whatever the guardian stopped and whatever the feeds say.
    function exit(uint256 who, uint256 what, uint256 size) external {
        for (uint256 i; i < ACTORS && _hasDebt(_account(who, what >> 8)); ++i) who = (who % ACTORS) + 1;
        _exit(who, what, size);
    }

    function _exit(uint256 who, uint256 what, uint256 size) internal watched(who, size) {
        AccountId account = _account(who, what >> 8);
        if (_hasDebt(account)) return;
        AssetId asset = _held(account, what);
        int256 balance = safe.balanceOf(account, asset);
        if (balance <= 0) return;
        uint256 amount = FixedPoint.min(uint256(balance), safe.outflowLeft(asset));
        if (asset.isPool()) amount = FixedPoint.min(amount, safe.poolState(asset).cash);
        if (size & 1 != 0) _setFeeds(MockFeed.Failure.Reverts);
        if (size & 2 != 0) safe.pause(7, uint40(time + 1 hours));
        bool ok = _withdraw(who, account, asset, amount);
        if (!ok && amount != 0) _break("A3", "an account without debt could not take out what is there");
        safe.pause(0, 0);
        _setFeeds(MockFeed.Failure.None);
        _did("exit", ok);
    }

    /// @dev To the owner.
    function _withdraw(uint256 who, AccountId account, AssetId asset, uint256 amount) private returns (bool) {
        return _try(who, _withdrawing(who, account, asset, amount));
    }

    function _withdrawing(
        uint256 who,
        AccountId account,
        AssetId asset,
        uint256 amount
    ) internal view returns (bytes memory) {
        return abi.encodeCall(safe.withdraw, (account, asset, amount, address(_actor(who))));
    }

    function _borrowing(
        uint256 who,
        AccountId account,
        AssetId asset,
        uint256 amount
    ) internal view returns (bytes memory) {
        return abi.encodeCall(safe.borrow, (account, asset, amount, address(_actor(who))));
    }

    function _setFeeds(MockFeed.Failure failure) internal {
        for (uint256 i; i < 4; ++i) _feedOf(i).setFailure(failure);
    }

    // ------------------------------------------------------------------ choices
    /// @dev An asset that the account has, if it has any.
    function _held(AccountId account, uint256 seed) internal view returns (AssetId asset) {
        for (uint256 i; i < 6; ++i) {
            asset = _asset((seed % 6) + i);
            if (safe.sharesOf(account, asset) > 0) return asset;
        }
    }

    /// @dev A pool that the account owes to, if any.
    function _owed(AccountId account, uint256 seed) internal view returns (AssetId asset) {
        for (uint256 i; i < POOLS; ++i) {
            asset = _pool((seed % POOLS) + i);
            if (safe.sharesOf(account, asset) < 0) return asset;
        }
    }
}
