// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {RateLimiter} from "@openzeppelin/contracts/utils/RateLimiter.sol";

import {IMarginAccountsAdmin, PoolConfig} from "../interfaces/IMarginAccounts.sol";
import {IVault} from "../interfaces/IVault.sol";
import {AccountId} from "../types/AccountId.sol";
import {AssetId, AssetIdLib} from "../types/AssetId.sol";
import {BPS} from "../types/FixedPoint.sol";
import {ConfigWord, ConfigWordLib, DebtWordLib, IdleWordLib, INDEX_ONE, SupplyWordLib} from "../types/PoolWords.sol";
import {TokenProbe} from "./TokenProbe.sol";
import {Verbs} from "./Verbs.sol";

/// @title What the governor and the guardian may do to the safe; AccessManager says who and after how long (G1).
abstract contract Administration is Verbs, IMarginAccountsAdmin {
    using RateLimiter for RateLimiter.RefillingBucket;

    uint256 private constant MAX_PAUSE = 7 days;
    uint256 private constant MAX_RESERVE_FACTOR = 5000;
    uint16 private constant MAX_NUMBER = 0x3ff;

    /// @inheritdoc IMarginAccountsAdmin
    function listAsset(address token, bool lend, uint256 probe) external restricted locked returns (AssetId asset) {
        require(token != address(0), ZeroAddress());
        require(AssetId.unwrap(_assetIds[token]) == 0, AlreadyListed(token));
        uint8 decimals = TokenProbe.check(token, _msgSender(), probe);
        uint16 number;
        if (lend) {
            // margins are WAD of the settlement token: the first pool's units must fit them
            require(_poolCount != 0 || decimals <= 18, TokenDecimals(token, decimals));
            number = ++_poolCount;
            asset = AssetIdLib.pool(number);
            _pools[number] = PoolSlots(
                ConfigWordLib.make(token, decimals),
                SupplyWordLib.make(0, 0, INDEX_ONE),
                DebtWordLib.make(INDEX_ONE, block.timestamp)
            );
        } else {
            require(_poolCount != 0, InvalidConfig("settlement first"));
            number = ++_idleCount;
            asset = AssetIdLib.idle(number);
            _idles[asset] = IdleWordLib.make(token, 0);
            _idleFacts[asset].decimals = decimals;
        }
        require(number <= MAX_NUMBER, InvalidConfig("asset number"));
        _assetIds[token] = asset;
        emit AssetListed(asset, token, decimals);
    }

    /// @inheritdoc IMarginAccountsAdmin
    function setVault(AssetId pool, address vault) external restricted locked {
        _requirePool(pool);
        AssetId share = AssetIdLib.vaultShare(pool.number());
        require(_idles[share].token() == address(0), AlreadySet("vault"));
        require(address(IVault(vault).safe()) == address(this) && IVault(vault).pool() == pool, InvalidConfig("vault"));
        _idles[share] = IdleWordLib.make(vault, 0);
        _idleFacts[share].decimals = _pools[pool.number()].config.decimals();
        _assetIds[vault] = share;
        emit VaultSet(pool, vault);
        emit AssetListed(share, vault, _idleFacts[share].decimals);
    }

    /// @inheritdoc IMarginAccountsAdmin
    function configurePool(AssetId pool, PoolConfig calldata c) external restricted locked {
        _requirePool(pool);
        require(c.maxUtilisation <= BPS, InvalidConfig("maxUtilisation"));
        require(c.reservedPart <= BPS, InvalidConfig("reservedPart"));
        require(c.settlementPart <= BPS, InvalidConfig("settlementPart"));
        require(c.reserveFactor <= MAX_RESERVE_FACTOR && c.reserveFactor % 25 == 0, InvalidConfig("reserveFactor"));
        uint256 n = pool.number();
        // interest so far goes by the old reserve factor
        Pool memory p = _open(n);
        _pools[n].config = _pools[n].config.withLimits(
            c.borrowCap,
            c.maxUtilisation,
            c.reservedPart,
            c.settlementPart,
            c.borrowsClosed
        );
        p.d = p.d.withConfig(c.reserveFactor, c.supplyCap, c.depositsClosed);
        _storePool(p);
        emit PoolConfigured(pool, c);
    }

    /// @inheritdoc IMarginAccountsAdmin
    function setRateModel(AssetId pool, address model) external restricted locked {
        _requirePool(pool);
        require(model == address(0) || model.code.length != 0, InvalidConfig("model"));
        uint256 n = pool.number();
        Pool memory p = _open(n);
        _rateModels[n] = model;
        p.d = p.d.withExternalModel(model != address(0));
        _storePool(p);
        emit RateModelSet(pool, model);
    }

    /// @inheritdoc IMarginAccountsAdmin
    /// @dev A cap below what is held becomes what is held now: nothing more can come in until some has left.
    function setCollateralCap(AssetId asset, uint96 cap, uint16 maxPart) external restricted locked {
        require(!asset.isPool() && _idles[asset].token() != address(0), AssetNotListed(asset));
        require(cap <= IdleWordLib.MAX_ROOM, InvalidConfig("cap"));
        require(maxPart <= BPS, InvalidConfig("maxPart"));
        uint256 room = _idles[asset].room();
        uint256 held = _idleFacts[asset].cap - room;
        if (cap < held) cap = uint96(held);
        _idleFacts[asset].cap = cap;
        _idleFacts[asset].maxPart = maxPart;
        _idles[asset] = _idles[asset].withRoom(cap - held);
        emit CollateralCapSet(asset, cap, maxPart);
    }

    /// @inheritdoc IMarginAccountsAdmin
    function setOutflowLimit(AssetId asset, uint208 capacity, uint48 window) external restricted locked {
        _tokenOf(asset);
        bool on = capacity != 0;
        require(!on || window != 0, InvalidConfig("window"));
        if (asset.isPool()) {
            ConfigWord config = _pools[asset.number()].config;
            _pools[asset.number()].config = config.withOutflowLimited(on);
        } else {
            _idles[asset] = _idles[asset].withOutflowLimited(on);
        }
        _outflows[asset].updateSettings(window, capacity);
        emit OutflowLimitSet(asset, capacity, window);
    }

    /// @inheritdoc IMarginAccountsAdmin
    function collateralCap(AssetId asset) external view returns (uint96 cap, uint16 maxPart) {
        return (_idleFacts[asset].cap, _idleFacts[asset].maxPart);
    }

    /// @inheritdoc IMarginAccountsAdmin
    function outflowLimit(AssetId asset) external view returns (uint208 capacity, uint48 window) {
        return (_outflows[asset]._capacity, _outflows[asset]._window);
    }

    /// @inheritdoc IMarginAccountsAdmin
    function setEngine(address engine_) external restricted locked {
        _engine = _contract(engine_, "engine");
    }

    /// @inheritdoc IMarginAccountsAdmin
    function setAuction(address auction_) external restricted locked {
        _auction = _contract(auction_, "auction");
    }

    /// @inheritdoc IMarginAccountsAdmin
    function setPositions(address positions_) external restricted locked {
        _positions = _contract(positions_, "positions");
    }

    /// @inheritdoc IMarginAccountsAdmin
    function setInsurance(AccountId account) external restricted locked {
        require(account.owner() != address(0), ZeroAddress());
        _insurance = account;
        emit PointerSet("insurance", account.owner());
    }

    /// @inheritdoc IMarginAccountsAdmin
    function pause(uint8 actions, uint40 until) external restricted {
        require(actions <= (PAUSE_BORROW | PAUSE_WITHDRAW | PAUSE_TRANSFER | PAUSE_TRADE), InvalidConfig("actions"));
        require(until <= block.timestamp + MAX_PAUSE, InvalidConfig("until"));
        _pausedActions = actions;
        _pausedUntil = until;
        emit Paused(actions, until);
    }

    function _contract(address target, bytes32 what) private returns (address) {
        require(target.code.length != 0, InvalidConfig(what));
        emit PointerSet(what, target);
        return target;
    }
}
