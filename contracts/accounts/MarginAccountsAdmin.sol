// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {RateLimiter} from "@openzeppelin/contracts/utils/RateLimiter.sol";

import {Cause, IMarginAccountsAdmin, PoolConfig, PoolState} from "../interfaces/IMarginAccounts.sol";
import {AccountFlags} from "../types/AccountFlags.sol";
import {AccountId} from "../types/AccountId.sol";
import {AssetId, AssetIdLib} from "../types/AssetId.sol";
import {BPS, FixedPoint} from "../types/FixedPoint.sol";
import {Holding} from "../types/Holding.sol";
import {ConfigWord, DebtWord, ShareMath, SupplyWord} from "../types/PoolWords.sol";
import {Administration} from "./Administration.sol";
import {Storage} from "./Storage.sol";

/// @title Governance and views of the safe. Runs by delegatecall from {MarginAccounts} through its extension.
contract MarginAccountsAdmin is Administration {
    using RateLimiter for RateLimiter.RefillingBucket;

    constructor(address authority_, address wrapped_) Storage(authority_, wrapped_) {}

    // ---------------------------------------------------------------- anyone

    /// @inheritdoc IMarginAccountsAdmin
    function collectReserves(AssetId asset) external locked returns (uint256 assets) {
        AccountId fund = _insurance;
        require(fund.owner() != address(0), ZeroAddress());
        uint256 held = IERC20(_tokenOf(asset)).balanceOf(address(this));
        if (asset.isPool()) {
            _requireNoneUnderWay(asset.number());
            (SupplyWord s, DebtWord d) = _accrued(asset.number());
            held += d.debts();
            uint256 claims = s.claims();
            // debts are rounded up: one unit less is surely there
            assets = held > claims + 1 ? held - claims - 1 : 0;
        } else {
            uint256 total = _held(asset);
            assets = held > total ? held - total : 0;
        }
        if (assets == 0) return 0;
        _depositFor(fund, asset, assets, fund.owner(), Cause.Reserves, 0);
        emit ReservesCollected(asset, assets);
    }

    // ---------------------------------------------------------------- views

    function words(AccountId account) external view returns (uint256[] memory) {
        return _load(account);
    }

    /// @inheritdoc IMarginAccountsAdmin
    function portfolio(AccountId account) external view returns (AccountFlags flags, Holding[] memory holdings) {
        require(!_isLocked(), Reentered());
        uint256[] memory w = _load(account);
        return (_flags(w), _holdings(w));
    }

    /// @inheritdoc IMarginAccountsAdmin
    function balanceOf(AccountId account, AssetId asset) external view returns (int256 assets) {
        (, int256 shares) = _find(_load(account), asset);
        // a vault share's own balance is counted in shares
        if (shares == 0 || asset.kind() == AssetIdLib.KIND_VAULT_SHARE) return shares;
        return _toAssets(asset, shares);
    }

    function sharesOf(AccountId account, AssetId asset) external view returns (int256 shares) {
        (, shares) = _find(_load(account), asset);
    }

    /// @inheritdoc IMarginAccountsAdmin
    function totalCollateral(AssetId asset) external view returns (uint256) {
        if (!asset.isPool()) return _held(asset);
        (SupplyWord s, ) = _accrued(asset.number());
        return ShareMath.toAssetsDown(s.accountShares(), s.index());
    }

    /// @inheritdoc IMarginAccountsAdmin
    function poolState(AssetId pool) external view returns (PoolState memory p) {
        _requirePool(pool);
        uint256 n = pool.number();
        (SupplyWord s, DebtWord d) = _accrued(n);
        ConfigWord config = _pools[n].config;
        p.lenderShares = uint96(s.lenderShares());
        p.accountShares = uint96(s.accountShares());
        p.debtShares = uint96(d.debtShares());
        p.supplyIndex = uint64(s.index());
        p.debtIndex = uint64(d.index());
        p.lastAccrual = uint32(d.lastAccrual());
        p.rateAtTarget = uint64(d.rateAtTarget());
        p.reserveFactor = uint16(d.reserveFactor());
        p.claims = s.claims();
        p.debts = d.debts();
        uint256 tokens = IERC20(config.token()).balanceOf(address(this));
        uint256 free = p.claims > p.debts ? p.claims - p.debts : 0;
        p.cash = FixedPoint.min(tokens, free);
        uint256 reserved = _reserved(config, s);
        p.lenderCash = FixedPoint.min(tokens, free > reserved ? free - reserved : 0);
        p.reserves = tokens + p.debts > p.claims ? tokens + p.debts - p.claims : 0;
        uint256 cap = d.supplyCap();
        p.supplyRoom = d.depositsClosed() || p.claims >= cap ? 0 : cap - p.claims;
        p.borrowRoom = _borrowRoom(config, p);
    }

    function _borrowRoom(ConfigWord config, PoolState memory p) private pure returns (uint256) {
        if (config.borrowsClosed()) return 0;
        uint256 part = BPS - config.settlementPart();
        uint256 most = (p.claims * config.maxUtilisation() * part) / (BPS * BPS);
        uint256 cap = config.borrowCap();
        if (cap != type(uint256).max) most = FixedPoint.min(most, (cap * part) / BPS);
        return FixedPoint.min(most > p.debts ? most - p.debts : 0, p.lenderCash);
    }

    function poolWords(AssetId pool) external view returns (uint256 supplyWord, uint256 debtWord) {
        PoolSlots storage p = _pools[pool.number()];
        return (SupplyWord.unwrap(p.supply), DebtWord.unwrap(p.debt));
    }

    function poolConfig(AssetId pool) external view returns (PoolConfig memory) {
        _requirePool(pool);
        ConfigWord config = _pools[pool.number()].config;
        DebtWord d = _pools[pool.number()].debt;
        return
            PoolConfig(
                uint96(FixedPoint.min(d.supplyCap(), type(uint96).max)),
                uint96(FixedPoint.min(config.borrowCap(), type(uint96).max)),
                uint16(config.maxUtilisation()),
                uint16(config.reservedPart()),
                uint16(config.settlementPart()),
                uint16(d.reserveFactor()),
                d.depositsClosed(),
                config.borrowsClosed()
            );
    }

    function collateralRoom(AssetId asset) external view returns (uint256) {
        return _idles[asset].room();
    }

    function assetToken(AssetId asset) external view returns (address token, uint8 decimals) {
        token = _tokenOf(asset);
        decimals = asset.isPool() ? _pools[asset.number()].config.decimals() : _idleFacts[asset].decimals;
    }

    function assetIdOf(address token) external view returns (AssetId) {
        return _assetIds[token];
    }

    function assetCounts() external view returns (uint16 pools, uint16 idles) {
        return (_poolCount, _idleCount);
    }

    function rateModel(AssetId pool) external view returns (address) {
        return _rateModels[pool.number()];
    }

    function outflowLeft(AssetId asset) external view returns (uint256) {
        bool limited = asset.isPool() ? _pools[asset.number()].config.outflowLimited() : _idles[asset].outflowLimited();
        return limited ? _outflows[asset].available(bytes32(0)) : type(uint256).max;
    }

    function vaultOf(AssetId pool) external view returns (address) {
        return _idles[AssetIdLib.vaultShare(pool.number())].token();
    }

    function operatorOf(
        AccountId account,
        address operator
    ) external view returns (uint8 rights, uint40 expiry, bool receiversOnly) {
        uint256 grant = _operators[account][operator];
        return (uint8(grant), uint40(grant >> 16), uint8(grant >> 8) != 0);
    }

    function isReceiver(AccountId account, address operator, address receiver) external view returns (bool) {
        return _receivers[account][operator][_epoch(_operators[account][operator])][receiver];
    }

    /// @inheritdoc IMarginAccountsAdmin
    function isAuthorized(AccountId account, address caller, uint8 right) external view returns (bool) {
        return account.owner() == caller || _operatorMay(account, caller, right);
    }

    function nonceUsed(address owner, uint256 nonce) external view returns (bool) {
        return _nonces[owner][nonce >> 8] & (1 << (nonce & 0xff)) != 0;
    }

    function isLocked() external view returns (bool) {
        return _isLocked();
    }

    function inSession() external view returns (bool) {
        return _inSession();
    }

    /// @inheritdoc IMarginAccountsAdmin
    function isQuiet() external view returns (bool) {
        return _isQuiet();
    }

    function isPending(AccountId account) external view returns (bool) {
        return _noteOf(account) != 0;
    }

    function pauses() external view returns (uint8 actions, uint40 until) {
        return (_pausedActions, _pausedUntil);
    }

    function auction() external view returns (address) {
        return _auction;
    }

    function positions() external view returns (address) {
        return _positions;
    }

    function insurance() external view returns (AccountId) {
        return _insurance;
    }

    function wrappedNative() external view returns (address) {
        return _wrapped;
    }
}
