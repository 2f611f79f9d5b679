// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";

import {Cause, IMarginAccountsCold, Signed} from "../interfaces/IMarginAccounts.sol";
import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {AccountId} from "../types/AccountId.sol";
import {AssetId, AssetIdLib, SETTLEMENT} from "../types/AssetId.sol";
import {Delegating} from "./Delegating.sol";
import {Relay} from "./Relay.sol";
import {Storage} from "./Storage.sol";
import {Verbs} from "./Verbs.sol";

interface IWrappedNative {
    function deposit() external payable;
    function withdraw(uint256 amount) external;
}

/// @title The cold doors of the safe. Runs by delegatecall from {MarginAccounts}; its own storage is never used.
contract MarginAccountsExtension is Verbs, Relay, Delegating, IMarginAccountsCold {
    address private immutable _self;

    error OnlyThroughSafe();

    constructor(address authority_, address wrapped_, address admin_) Storage(authority_, wrapped_) Delegating(admin_) {
        _self = address(this);
    }

    /// @dev Never reached through the safe, which has its own.
    receive() external payable {
        revert OnlyThroughSafe();
    }

    modifier throughSafe() {
        require(address(this) != _self, OnlyThroughSafe());
        _;
    }

    // ---------------------------------------------------------------- sessions

    /// @inheritdoc IMarginAccountsCold
    function reduceOnly(AccountId account) external throughSafe locked {
        // the ledger declares it for an order that its owner signed so
        if (_msgSender() != _positions) _authorize(account, _msgSender(), RIGHT_TRADE);
        _declareReduceOnly(account);
    }

    /// @inheritdoc IMarginAccountsCold
    /// @dev The safe's native balance is the session's value: `msg.value` is never read, so it cannot be counted twice.
    function depositNative(AccountId account, uint256 amount) external payable throughSafe locked {
        require(amount != 0, ZeroAmount());
        // In a session the value is that of its opener: a step that calls out must not let others take it.
        require(_inSession() ? _msgSender() == _payer : msg.value == amount, NativeValueMismatch(amount, msg.value));
        require(address(this).balance >= amount, NativeValueMismatch(amount, address(this).balance));
        AssetId asset = _wrappedAsset();
        IWrappedNative(_wrapped).deposit{value: amount}();
        _depositFor(account, asset, amount, _msgSender(), Cause.Deposit, amount);
    }

    /// @inheritdoc IMarginAccountsCold
    function withdrawNative(
        AccountId account,
        uint256 amount,
        address to
    ) external throughSafe locked returns (uint256 assets) {
        require(to != address(0), ZeroAddress());
        _authorizeTo(account, _msgSender(), RIGHT_WITHDRAW, to);
        address token;
        (assets, token) = _withdrawFrom(account, _wrappedAsset(), amount, false, Cause.Withdraw);
        IWrappedNative(token).withdraw(assets);
        (bool ok, ) = to.call{value: assets}("");
        require(ok, TokenFailed(address(0)));
    }

    function _wrappedAsset() private view returns (AssetId asset) {
        asset = _assetIds[_wrapped];
        require(AssetId.unwrap(asset) != 0, NotWrappedNative(asset));
    }

    /// @inheritdoc IMarginAccountsCold
    function permit(
        address token,
        address owner,
        uint256 value,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external throughSafe locked {
        // somebody may have sent the same permit first: then the allowance is there and the batch must go on
        try IERC20Permit(token).permit(owner, address(this), value, deadline, v, r, s) {} catch {
            require(IERC20(token).allowance(owner, address(this)) >= value, PermitFailed(token, owner, deadline));
        }
    }

    /// @inheritdoc IMarginAccountsCold
    function setOff(AccountId account, AssetId pool) external throughSafe locked returns (uint256 assets) {
        _authorize(account, _msgSender(), RIGHT_TRADE);
        _requirePool(pool);
        uint256[] memory w = _load(account);
        _requireNotInAuction(account, w);
        (, int256 shares) = _find(w, pool);
        require(shares < 0, NothingToRepay(account, pool));
        Pool memory p = _open(pool.number());
        assets = _useVaultShares(account, w, pool, uint256(-_worth(p, shares)), p);
        require(assets != 0, AssetNotHeld(account, AssetIdLib.vaultShare(pool.number())));
        (uint256 i, ) = _find(w, pool);
        _set(account, w, i, pool, _credit(p, shares, assets));
        _store(account, w, Cause.SetOff);
        _afterPool(p, 0);
    }

    // ---------------------------------------------------------------- authority

    /// @inheritdoc IMarginAccountsCold
    function setOperator(
        AccountId account,
        address operator,
        uint8 rights,
        uint40 expiry,
        bool receiversOnly,
        address[] calldata receivers
    ) external throughSafe {
        // operators may not make operators
        require(account.owner() == _msgSender(), NotAuthorized(account, _msgSender(), type(uint8).max));
        _setOperator(account, operator, rights, expiry, receiversOnly, receivers);
    }

    /// @inheritdoc IMarginAccountsCold
    function setModel(AccountId account, uint8 model) external throughSafe locked {
        _authorize(account, _msgSender(), RIGHT_TRADE);
        require(model <= 3, UnknownModel(model));
        // another model's requirement is no relief
        require(_noteOf(account) & REDUCE_ONLY == 0, ReduceOnlyTooLate(account));
        uint256[] memory w = _load(account);
        _requireNotInAuction(account, w);
        _setFlags(w, _flags(w).withModel(model));
        _store(account, w, Cause.Model);
        _afterRisk(account, w, 0);
    }

    /// @inheritdoc IMarginAccountsCold
    function cancelNonce(uint256 nonce) external throughSafe {
        _useNonce(_msgSender(), nonce);
    }

    /// @inheritdoc IMarginAccountsCold
    function withdrawBySig(
        AccountId account,
        AssetId asset,
        uint256 amount,
        bool mayBorrow,
        address to,
        Signed calldata signed
    ) external throughSafe locked returns (uint256 assets) {
        require(to != address(0), ZeroAddress());
        bytes32 structHash = keccak256(
            abi.encode(WITHDRAW_TYPEHASH, account, asset, amount, mayBorrow, to, signed.nonce, signed.deadline)
        );
        _useSignature(account.owner(), structHash, signed);
        address token;
        (assets, token) = _withdrawFrom(account, asset, amount, mayBorrow, mayBorrow ? Cause.Borrow : Cause.Withdraw);
        _push(token, to, assets);
    }

    /// @inheritdoc IMarginAccountsCold
    function transferBySig(
        AccountId from,
        AccountId to,
        AssetId asset,
        uint256 amount,
        bool mayBorrow,
        Signed calldata signed
    ) external throughSafe locked returns (uint256 assets) {
        bytes32 structHash = keccak256(
            abi.encode(TRANSFER_TYPEHASH, from, to, asset, amount, mayBorrow, signed.nonce, signed.deadline)
        );
        _useSignature(from.owner(), structHash, signed);
        assets = _transferBetween(from, to, asset, amount, mayBorrow, from.owner());
    }

    /// @inheritdoc IMarginAccountsCold
    function setOperatorBySig(
        AccountId account,
        address operator,
        uint8 rights,
        uint40 expiry,
        bool receiversOnly,
        address[] calldata receivers,
        Signed calldata signed
    ) external throughSafe {
        bytes32 structHash = keccak256(
            abi.encode(
                OPERATOR_TYPEHASH,
                account,
                operator,
                rights,
                expiry,
                receiversOnly,
                keccak256(abi.encodePacked(receivers)),
                signed.nonce,
                signed.deadline
            )
        );
        _useSignature(account.owner(), structHash, signed);
        _setOperator(account, operator, rights, expiry, receiversOnly, receivers);
    }

    /// @inheritdoc IMarginAccountsCold
    function cancelNonceBySig(address owner, uint256 cancelled, Signed calldata signed) external throughSafe {
        bytes32 structHash = keccak256(abi.encode(CANCEL_TYPEHASH, owner, cancelled, signed.nonce, signed.deadline));
        _useSignature(owner, structHash, signed);
        _useNonce(owner, cancelled);
    }

    // ---------------------------------------------------------------- neighbours

    /// @inheritdoc IMarginAccountsCold
    function setInAuction(AccountId account, bool on) external throughSafe locked {
        require(msg.sender == _auction, OnlyAuction(msg.sender));
        _requireNotPending(account);
        uint256[] memory w = _load(account);
        _setFlags(w, _flags(w).withAuction(on));
        _store(account, w, Cause.AuctionFlag);
    }

    /// @inheritdoc IMarginAccountsCold
    function settleCash(AccountId from, AccountId to, uint256 amount, bool fill) external throughSafe locked {
        _requirePositions();
        require(amount != 0, ZeroAmount());
        require(from != to, SameAccount(from));
        uint256[] memory w = _load(from);
        _requireNotInAuction(from, w);
        if (!fill) _requireNotPending(from);
        Pool memory p = _open(SETTLEMENT.number());
        _takeBelowZero(from, w, SETTLEMENT, amount, p);
        _store(from, w, Cause.Settlement);
        uint256[] memory x = _load(to);
        (uint256 j, int256 shares) = _find(x, SETTLEMENT);
        _set(to, x, j, SETTLEMENT, _credit(p, shares, amount));
        _store(to, x, Cause.Settlement);
        if (fill) {
            // a premium that is borrowed is a borrow: closed and paused like one
            bool borrowed = p.d.debtShares() > p.d0.debtShares();
            require(!borrowed || !_pools[p.n].config.borrowsClosed(), BorrowsClosed(SETTLEMENT));
            _afterPool(p, 0);
            _afterRisk(from, w, borrowed ? PAUSE_TRADE | PAUSE_BORROW : PAUSE_TRADE);
            return;
        }
        // settlement may use the part of the caps that is kept for it, so it is checked by itself, now
        _storePool(p);
        _checkPool(p, 0, true);
        (int256 maintenance, , , ) = IMarginEngine(_engine).liquidationMargin(from, _flags(w), _holdings(w));
        require(maintenance >= 0, SettlementRefused(from, maintenance));
    }

    /// @inheritdoc IMarginAccountsCold
    function setLedgerFlags(AccountId account, bool hasPositions, bool hasQuote) external throughSafe {
        // also called from inside a bid, where the lock is held by the safe itself
        _requirePositions();
        uint256[] memory w = _load(account);
        _setFlags(w, _flags(w).withLedger(hasPositions, hasQuote));
        _store(account, w, Cause.Ledger);
    }

    /// @inheritdoc IMarginAccountsCold
    function touch(AccountId account) external throughSafe locked {
        _requirePositions();
        uint256[] memory w = _load(account);
        _requireNotInAuction(account, w);
        _afterRisk(account, w, PAUSE_TRADE);
    }

    function _requirePositions() private view {
        require(msg.sender == _positions, OnlyPositions(msg.sender));
    }

    /// @inheritdoc IMarginAccountsCold
    function accrue(AssetId pool) external throughSafe locked {
        _requirePool(pool);
        _storePool(_open(pool.number()));
    }

    // ---------------------------------------------------------------- domain

    // the name is EIP-2612's
    // solhint-disable-next-line func-name-mixedcase
    function DOMAIN_SEPARATOR() external view returns (bytes32) {
        return _domainSeparatorV4();
    }
}
