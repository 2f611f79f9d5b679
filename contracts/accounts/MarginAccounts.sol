// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {Call, Cause, IMarginAccountsDoors, IUnlockCallback} from "../interfaces/IMarginAccounts.sol";
import {AccountId} from "../types/AccountId.sol";
import {AssetId, AssetIdLib} from "../types/AssetId.sol";
import {DebtWord, INDEX_ONE, ShareMath, SupplyWord} from "../types/PoolWords.sol";
import {Bids} from "./Bids.sol";
import {CallForwarder} from "./CallForwarder.sol";
import {Delegating} from "./Delegating.sol";
import {Storage} from "./Storage.sol";

/// @title MarginAccounts: the safe and its hot doors (DESIGN 3, 4).
/// @notice Holds all tokens. Not upgradeable: its extension, which serves the cold doors on the same storage, is fixed at deployment.
/// The public interface is {IMarginAccounts}.
contract MarginAccounts is Bids, Delegating, IMarginAccountsDoors {
    CallForwarder private immutable _forwarder;

    constructor(
        address authority_,
        address extension_,
        address wrapped_
    ) Storage(authority_, wrapped_) Delegating(extension_) {
        _forwarder = new CallForwarder();
    }

    // ---------------------------------------------------------------- money in

    /// @inheritdoc IMarginAccountsDoors
    function deposit(AccountId account, AssetId asset, uint256 amount) external locked {
        require(amount != 0, ZeroAmount());
        address actor = _msgSender();
        _pull(_tokenOf(asset), actor, amount);
        _depositFor(account, asset, amount, actor, Cause.Deposit, amount);
    }

    /// @inheritdoc IMarginAccountsDoors
    function repay(AccountId account, AssetId asset, uint256 amount) external locked returns (uint256 assets) {
        address token = _tokenOf(asset);
        uint256[] memory w = _load(account);
        (uint256 i, int256 shares) = _find(w, asset);
        require(shares < 0, NothingToRepay(account, asset));
        Pool memory p = _open(asset.number());
        uint256 debt = uint256(-_worth(p, shares));
        assets = amount < debt ? amount : debt;
        require(assets != 0, ZeroAmount());
        _pull(token, _msgSender(), assets);
        _set(account, w, i, asset, _credit(p, shares, assets));
        _store(account, w, Cause.Repay);
        _afterPool(p, -int256(assets));
    }

    // ---------------------------------------------------------------- money out

    /// @inheritdoc IMarginAccountsDoors
    function withdraw(
        AccountId account,
        AssetId asset,
        uint256 amount,
        address to
    ) external locked returns (uint256 assets) {
        assets = _payOut(account, asset, amount, to, false, Cause.Withdraw);
    }

    /// @inheritdoc IMarginAccountsDoors
    function borrow(AccountId account, AssetId asset, uint256 amount, address to) external locked {
        require(asset.isPool(), AssetNotBorrowable(asset));
        _payOut(account, asset, amount, to, true, Cause.Borrow);
    }

    function _payOut(
        AccountId account,
        AssetId asset,
        uint256 amount,
        address to,
        bool mayBorrow,
        Cause cause
    ) private returns (uint256) {
        require(to != address(0), ZeroAddress());
        _authorizeTo(account, _msgSender(), RIGHT_WITHDRAW, to);
        (uint256 paid, address token) = _withdrawFrom(account, asset, amount, mayBorrow, cause);
        _push(token, to, paid);
        return paid;
    }

    /// @inheritdoc IMarginAccountsDoors
    function transfer(
        AccountId from,
        AccountId to,
        AssetId asset,
        uint256 amount,
        bool mayBorrow
    ) external locked returns (uint256 assets) {
        address actor = _msgSender();
        _authorizeTo(from, actor, RIGHT_WITHDRAW, to.owner());
        assets = _transferBetween(from, to, asset, amount, mayBorrow, actor);
    }

    // ---------------------------------------------------------------- bids

    /// @inheritdoc IMarginAccountsDoors
    function bid(
        AccountId account,
        AccountId bidder,
        uint256 fraction,
        int256 limit
    ) external locked returns (uint256 taken, int256 price) {
        _authorize(bidder, _msgSender(), RIGHT_TRADE);
        return _bid(account, bidder, fraction, limit);
    }

    // ---------------------------------------------------------------- lenders

    /// @inheritdoc IMarginAccountsDoors
    function vaultSupply(AssetId pool, uint256 assets, uint256 shares) external locked returns (uint256 minted) {
        Pool memory p = _open(_vaultPool(pool));
        require(!p.d.depositsClosed(), DepositsClosed(pool));
        minted = ShareMath.toSharesDown(assets, p.s.index());
        if (shares != 0) {
            require(shares <= minted, InsufficientBalance(AccountId.wrap(0), pool, minted));
            minted = shares;
        }
        p.s = p.s.withLenderShares(p.s.lenderShares() + minted);
        _afterPool(p, -int256(assets));
    }

    /// @inheritdoc IMarginAccountsDoors
    function vaultWithdraw(AssetId pool, uint256 assets, uint256 shares, address to) external locked {
        Pool memory p = _open(_vaultPool(pool));
        uint256 worth = ShareMath.toAssetsDown(shares, p.s.index());
        require(assets <= worth, InsufficientBalance(AccountId.wrap(0), pool, worth));
        p.s = p.s.withLenderShares(p.s.lenderShares() - shares);
        _afterPool(p, int256(assets));
        _push(_pools[p.n].config.token(), to, assets);
    }

    /// @inheritdoc IMarginAccountsDoors
    function poolIndices(AssetId pool) external view returns (uint256 supplyIndex, uint256 debtIndex) {
        uint256 n = pool.number();
        if (!pool.isPool() || _pools[n].supply.index() == 0) return (INDEX_ONE, INDEX_ONE);
        (SupplyWord s, DebtWord d) = _accrued(n);
        return (s.index(), d.index());
    }

    /// @inheritdoc IMarginAccountsDoors
    function engine() external view returns (address) {
        return _engine;
    }

    function _vaultPool(AssetId pool) private view returns (uint256 n) {
        n = pool.number();
        address vault = _idles[AssetIdLib.vaultShare(uint16(n))].token();
        require(msg.sender == vault && pool.isPool(), OnlyVault(pool, msg.sender));
    }

    // ---------------------------------------------------------------- sessions

    /// @inheritdoc IMarginAccountsDoors
    function batch(Call[] calldata calls) external payable returns (bytes[] memory results) {
        address actor = _msgSender();
        address outer = _actor;
        uint256 before = address(this).balance - msg.value;
        _openSession();
        if (_payer == address(0)) _payer = actor;
        results = new bytes[](calls.length);
        for (uint256 i = 0; i < calls.length; ++i) {
            bool ok;
            address target = calls[i].target;
            if (target == address(0) || target == address(this)) {
                _actor = actor;
                // a step is data: its door is known at run time only
                // solhint-disable-next-line avoid-low-level-calls
                (ok, results[i]) = address(this).call(calls[i].data);
            } else {
                // its revert is passed on with the step's number
                // solhint-disable-next-line avoid-low-level-calls
                (ok, results[i]) = address(_forwarder).call(
                    abi.encodeCall(CallForwarder.forward, (target, calls[i].data))
                );
                if (ok) results[i] = abi.decode(results[i], (bytes));
            }
            require(ok, CallFailed(i, results[i]));
        }
        _actor = outer;
        _closeSession();
        _refund(actor, before);
    }

    /// @inheritdoc IMarginAccountsDoors
    function unlock(bytes calldata data) external payable returns (bytes memory result) {
        address actor = _msgSender();
        uint256 before = address(this).balance - msg.value;
        _openSession();
        if (_payer == address(0)) _payer = actor;
        result = IUnlockCallback(actor).onUnlock(data);
        _closeSession();
        _refund(actor, before);
    }

    /// @dev What a session brought and did not wrap goes back when the outermost ends. Value that was there `before` (forced in by
    /// a self-destruct) is left alone: sent on, one wei would stop every caller that takes no native value, liquidators too.
    function _refund(address to, uint256 before) private {
        uint256 left = address(this).balance;
        if (left <= before || _inSession()) return;
        _lock();
        (bool ok, ) = to.call{value: left - before}("");
        require(ok, TokenFailed(address(0)));
        _unlock();
    }

    /// @dev Only from the wrapper, while the safe unwraps.
    receive() external payable {
        require(msg.sender == _wrapped, NativeValueMismatch(0, msg.value));
    }
}
