// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {Cause} from "../interfaces/IMarginAccounts.sol";
import {IMarginEngine, PriceFault} from "../interfaces/IMarginEngine.sol";
import {IVault} from "../interfaces/IVault.sol";
import {AccountId} from "../types/AccountId.sol";
import {AssetId, AssetIdLib} from "../types/AssetId.sol";
import {ConfigWord, IdleWord, ShareMath} from "../types/PoolWords.sol";
import {Authority} from "./Authority.sol";
import {Sessions} from "./Sessions.sol";

/// @title What the doors do once they know who acts: money in, money out, money across.
/// @dev Order everywhere: authority → load → compute → store → check → transfer out. The lock is held by the door.
abstract contract Verbs is Sessions, Authority {
    // ---------------------------------------------------------------- in

    /// @dev `actor` may be a stranger: then only into an asset that the account already has. Tokens are in already; `inflow` of
    /// them came from outside.
    function _depositFor(
        AccountId id,
        AssetId asset,
        uint256 amount,
        address actor,
        Cause cause,
        uint256 inflow
    ) internal {
        uint256[] memory w = _load(id);
        (uint256 i, int256 shares) = _find(w, asset);
        if (i == NOT_FOUND) {
            require(id.owner() == actor || _operatorMay(id, actor, RIGHT_TRADE), AssetNotHeld(id, asset));
            _requirePriced(asset, w);
        }
        if (asset.isPool()) {
            Pool memory p = _open(asset.number());
            shares = _credit(p, shares, amount);
            require(shares <= 0 || !p.d.depositsClosed(), DepositsClosed(asset));
            _set(id, w, i, asset, shares);
            _store(id, w, cause);
            _afterPool(p, -int256(inflow));
        } else {
            _set(id, w, i, asset, shares + int256(amount));
            _store(id, w, cause);
            _addCollateral(asset, amount, inflow);
        }
    }

    /// @dev An account that owes may not take in an asset that cannot be priced: it could never be liquidated.
    function _requirePriced(AssetId asset, uint256[] memory w) private view {
        if (!_needsCheck(w)) return;
        PriceFault fault = IMarginEngine(_engine).priceState(asset).fault;
        require(fault == PriceFault.None || fault == PriceFault.Deviating, IMarginEngine.PriceUnusable(asset, fault));
    }

    function _tokenOf(AssetId asset) internal view returns (address token) {
        token = asset.isPool() ? _pools[asset.number()].config.token() : _idles[asset].token();
        require(token != address(0), AssetNotListed(asset));
    }

    function _requirePool(AssetId pool) internal view {
        require(pool.isPool() && _pools[pool.number()].config.token() != address(0), AssetNotListed(pool));
    }

    // ---------------------------------------------------------------- out

    /// @dev Takes `amount` (max: the whole positive balance) off the account; the token is still in the safe afterwards.
    /// `mayBorrow`: the balance may go below zero, after the account's own vault shares of the pool are used up.
    function _withdrawFrom(
        AccountId id,
        AssetId asset,
        uint256 amount,
        bool mayBorrow,
        Cause cause
    ) internal returns (uint256, address token) {
        // by what happens, not by the door: a borrow that is served from the account's own balance is a withdrawal
        uint8 action = PAUSE_WITHDRAW;
        uint256[] memory w = _load(id);
        _requireNotInAuction(id, w);
        if (asset.isPool()) {
            ConfigWord config = _pools[asset.number()].config;
            token = config.token();
            require(token != address(0), AssetNotListed(asset));
            Pool memory p = _open(asset.number());
            amount = _take(id, w, asset, amount, mayBorrow, p);
            if (p.d.debtShares() > p.d0.debtShares()) {
                require(!config.borrowsClosed(), BorrowsClosed(asset));
                action = p.s.shares() < p.s0.shares() ? PAUSE_BORROW | PAUSE_WITHDRAW : PAUSE_BORROW;
            }
            _store(id, w, cause);
            _afterPool(p, int256(amount));
        } else {
            IdleWord word = _idles[asset];
            token = word.token();
            require(token != address(0), AssetNotListed(asset));
            amount = _takeIdle(id, w, asset, amount, mayBorrow);
            _store(id, w, cause);
            _removeCollateral(asset, word, amount);
            _afterIdle(asset, word, int256(amount));
        }
        _afterRisk(id, w, action);
        return (amount, token);
    }

    /// @dev Moves value between accounts of one asset; the pool's totals change only where a balance crosses zero.
    function _transferBetween(
        AccountId from,
        AccountId to,
        AssetId asset,
        uint256 amount,
        bool mayBorrow,
        address actor
    ) internal returns (uint256) {
        require(from != to, SameAccount(from));
        _tokenOf(asset);
        uint256[] memory w = _load(from);
        _requireNotInAuction(from, w);
        uint256[] memory x = _load(to);
        (uint256 j, int256 shares) = _find(x, asset);
        if (j == NOT_FOUND) {
            require(to.owner() == actor || _operatorMay(to, actor, RIGHT_TRADE), AssetNotHeld(to, asset));
            _requirePriced(asset, x);
        }
        if (asset.isPool()) {
            Pool memory p = _open(asset.number());
            amount = _take(from, w, asset, amount, mayBorrow, p);
            require(p.d.debtShares() <= p.d0.debtShares() || !_pools[p.n].config.borrowsClosed(), BorrowsClosed(asset));
            shares = _credit(p, shares, amount);
            _set(to, x, j, asset, shares);
            _store(from, w, Cause.TransferOut);
            _store(to, x, Cause.TransferIn);
            _afterPool(p, 0);
        } else {
            amount = _takeIdle(from, w, asset, amount, mayBorrow);
            _set(to, x, j, asset, shares + int256(amount));
            _store(from, w, Cause.TransferOut);
            _store(to, x, Cause.TransferIn);
        }
        _afterRisk(from, w, PAUSE_TRANSFER);
        return amount;
    }

    /// @dev Debits a pool balance in memory. With `mayBorrow` what the balance lacks comes from the account's own vault shares
    /// first (set-off, DESIGN 4), then from debt; a reduce-only account never gets more debt.
    function _take(
        AccountId id,
        uint256[] memory w,
        AssetId asset,
        uint256 amount,
        bool mayBorrow,
        Pool memory p
    ) internal returns (uint256) {
        (uint256 i, int256 shares) = _find(w, asset);
        uint256 worth = shares > 0 ? ShareMath.toAssetsDown(uint256(shares), p.s.index()) : 0;
        if (amount == type(uint256).max) amount = worth;
        require(amount != 0, ZeroAmount());
        if (amount > worth) {
            require(mayBorrow, InsufficientBalance(id, asset, worth));
            uint256 used = _useVaultShares(id, w, asset, amount - worth, p);
            _owe(id, w, asset, amount - used, p);
        } else {
            _set(id, w, i, asset, _debit(p, shares, amount));
        }
        return amount;
    }

    /// @dev Debits what may be more than the balance: set-off for what it lacks, then debt.
    function _takeBelowZero(AccountId id, uint256[] memory w, AssetId asset, uint256 amount, Pool memory p) internal {
        (, int256 shares) = _find(w, asset);
        uint256 worth = shares > 0 ? ShareMath.toAssetsDown(uint256(shares), p.s.index()) : 0;
        if (amount > worth) amount -= _useVaultShares(id, w, asset, amount - worth, p);
        _owe(id, w, asset, amount, p);
    }

    /// @dev The debit itself, looked up anew: using up vault shares may have moved entries. An account whose debt grew does not pass by
    /// the reduce-only rule.
    function _owe(AccountId id, uint256[] memory w, AssetId asset, uint256 amount, Pool memory p) private {
        (uint256 i, int256 shares) = _find(w, asset);
        uint256 debtBefore = p.d.debtShares();
        shares = _debit(p, shares, amount);
        if (p.d.debtShares() != debtBefore && _inSession() && _noteOf(id) & REDUCE_ONLY != 0) {
            _noteAccount(id, DEBT_GREW);
        }
        _set(id, w, i, asset, shares);
    }

    /// @dev Burns as many of the account's vault shares of the pool as pay for `assets`, at most all. Shares burned round up.
    function _useVaultShares(
        AccountId id,
        uint256[] memory w,
        AssetId asset,
        uint256 assets,
        Pool memory p
    ) internal returns (uint256 used) {
        AssetId shareAsset = AssetIdLib.vaultShare(asset.number());
        (uint256 i, int256 held) = _find(w, shareAsset);
        if (i == NOT_FOUND) return 0;
        uint256 burned = uint256(held);
        used = ShareMath.toAssetsDown(burned, p.s.index());
        if (assets < used) {
            used = assets;
            burned = ShareMath.toSharesUp(assets, p.s.index());
        }
        _set(id, w, i, shareAsset, held - int256(burned));
        p.s = p.s.withLenderShares(p.s.lenderShares() - burned);
        IdleWord word = _idles[shareAsset];
        _removeCollateral(shareAsset, word, burned);
        // our own vault, no token is called: it only takes the shares off the safe's holding
        IVault(word.token()).burnHeld(burned);
    }

    function _takeIdle(
        AccountId id,
        uint256[] memory w,
        AssetId asset,
        uint256 amount,
        bool mayBorrow
    ) internal pure returns (uint256) {
        require(!mayBorrow, AssetNotBorrowable(asset));
        (uint256 i, int256 held) = _find(w, asset);
        if (amount == type(uint256).max) amount = uint256(held);
        require(amount != 0, ZeroAmount());
        require(amount <= uint256(held), InsufficientBalance(id, asset, uint256(held)));
        _set(id, w, i, asset, held - int256(amount));
        return amount;
    }

    // ---------------------------------------------------------------- idle collateral

    function _addCollateral(AssetId asset, uint256 amount, uint256 inflow) internal {
        IdleWord word = _idles[asset];
        uint256 room = word.room();
        require(amount <= room, CollateralCapExceeded(asset, room));
        room -= amount;
        _idles[asset] = word.withRoom(room);
        IdleFacts memory facts;
        if (asset.kind() == AssetIdLib.KIND_VAULT_SHARE) {
            facts = _idleFacts[asset];
            uint256 total = facts.cap - room;
            uint256 most = (_pools[asset.number()].supply.shares() * facts.maxPart) / 10_000;
            require(total <= most, CollateralCapExceeded(asset, most > total - amount ? most - (total - amount) : 0));
        }
        _afterIdle(asset, word, -int256(inflow));
    }

    function _removeCollateral(AssetId asset, IdleWord word, uint256 amount) internal {
        _idles[asset] = word.withRoom(word.room() + amount);
    }

    /// @dev What accounts hold of an idle asset or vault share.
    function _held(AssetId asset) internal view returns (uint256) {
        return _idleFacts[asset].cap - _idles[asset].room();
    }
}
