// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AdaptiveCurve} from "../accounts/AdaptiveCurve.sol";
import {Interest} from "../accounts/Interest.sol";
import {ILiquidationAuction} from "../interfaces/ILiquidationAuction.sol";
import {IMarginAccounts, IMarginAccountsErrors, PoolConfig, PoolState} from "../interfaces/IMarginAccounts.sol";
import {IMarginEngine, PriceFault, PriceState} from "../interfaces/IMarginEngine.sol";
import {IMarginLens} from "../interfaces/IMarginLens.sol";
import {IRateModel} from "../interfaces/IRateModel.sol";
import {AccountFlags} from "../types/AccountFlags.sol";
import {AccountId} from "../types/AccountId.sol";
import {AssetId, AssetIdLib} from "../types/AssetId.sol";
import {BPS, FixedPoint, WAD, YEAR} from "../types/FixedPoint.sol";
import {Holding, HoldingLib} from "../types/Holding.sol";
import {INDEX_ONE} from "../types/PoolWords.sol";

contract MarginLens is IMarginLens {
    using AssetIdLib for AssetId;
    using FixedPoint for uint256;
    using FixedPoint for int256;

    uint8 private constant PAUSED_BORROW = 1;
    uint8 private constant PAUSED_WITHDRAW = 2;
    // How near the search for a maximum comes: one part in 10^6.
    uint256 private constant PRECISION = 1e6;

    IMarginAccounts public immutable safe;

    constructor(IMarginAccounts safe_) {
        safe = safe_;
    }

    modifier unlocked() {
        require(!safe.isLocked(), IMarginAccountsErrors.Reentered());
        _;
    }

    // ------------------------------------------------------------------ accounts

    /// @inheritdoc IMarginLens
    function accountView(AccountId account) external view unlocked returns (AccountView memory v) {
        (AccountFlags flags, Holding[] memory holdings) = safe.portfolio(account);
        v.account = account;
        v.owner = account.owner();
        v.index = account.index();
        v.model = flags.model();
        v.inAuction = flags.inAuction();
        v.pending = safe.isPending(account);

        v.balances = new BalanceView[](holdings.length);
        for (uint256 i; i < holdings.length; ++i) v.balances[i] = _balanceView(account, holdings[i]);

        _setMargins(v, flags, holdings);
        if (v.inAuction) {
            try ILiquidationAuction(safe.auction()).status(account) returns (ILiquidationAuction.Status memory status) {
                v.auction = status;
            } catch {} // no usable price
        }
    }

    /// @inheritdoc IMarginLens
    function healthOf(AccountId[] calldata accounts) external view unlocked returns (Health[] memory healths) {
        IMarginEngine engine = IMarginEngine(safe.engine());
        healths = new Health[](accounts.length);
        for (uint256 i; i < accounts.length; ++i) {
            AccountId account = accounts[i];
            Health memory h = healths[i];
            h.account = account;
            (AccountFlags flags, Holding[] memory holdings) = safe.portfolio(account);
            h.inAuction = flags.inAuction();
            h.pending = safe.isPending(account);
            try engine.liquidationMargin(account, flags, holdings) returns (
                int256 maintenance,
                int256 mtm,
                uint256,
                uint256
            ) {
                (h.priced, h.maintenance, h.mtm) = (true, maintenance, mtm);
            } catch {} // not priced
        }
    }

    // ------------------------------------------------------------------ assets

    /// @inheritdoc IMarginLens
    function poolsView() external view unlocked returns (PoolView[] memory views) {
        (uint16 pools, ) = safe.assetCounts();
        views = new PoolView[](pools);
        for (uint16 i; i < pools; ++i) {
            PoolView memory v = views[i];
            v.asset = AssetIdLib.pool(i + 1);
            (v.token, v.decimals) = safe.assetToken(v.asset);
            v.vault = safe.vaultOf(v.asset);
            v.rateModel = safe.rateModel(v.asset);
            v.state = safe.poolState(v.asset);
            v.config = safe.poolConfig(v.asset);
            v.utilisation = _utilisation(v.state);
            (v.borrowRate, v.supplyRate) = _rates(v.rateModel, v.state);
            v.borrowApy = Interest.growthDown(v.borrowRate, YEAR);
            v.supplyApy = Interest.growthDown(v.supplyRate, YEAR);
            v.outflowLeft = safe.outflowLeft(v.asset);
            v.price = _priceState(v.asset);
        }
    }

    /// @inheritdoc IMarginLens
    function collateralsView() external view unlocked returns (CollateralView[] memory views) {
        (uint16 pools, uint16 idles) = safe.assetCounts();
        uint256 n = idles;
        for (uint16 i; i < pools; ++i) if (safe.vaultOf(AssetIdLib.pool(i + 1)) != address(0)) ++n;
        views = new CollateralView[](n);
        for (uint16 i; i < idles; ++i) views[i] = _collateralView(AssetIdLib.idle(i + 1));
        n = idles;
        for (uint16 i; i < pools; ++i) {
            if (safe.vaultOf(AssetIdLib.pool(i + 1)) != address(0)) {
                views[n++] = _collateralView(AssetIdLib.vaultShare(i + 1));
            }
        }
    }

    // ------------------------------------------------------------------ previews

    /// @inheritdoc IMarginLens
    function maxWithdraw(AccountId account, AssetId asset) external view unlocked returns (uint256) {
        (AccountFlags flags, Holding[] memory holdings) = safe.portfolio(account);
        if (flags.inAuction()) return 0;
        int256 balance = safe.balanceOf(account, asset);
        if (balance <= 0) return 0;
        uint256 most = FixedPoint.min(uint256(balance), safe.outflowLeft(asset));
        if (asset.isPool()) most = FixedPoint.min(most, safe.poolState(asset).cash);
        if (!_owes(flags, holdings)) return most;
        if (_isPaused(PAUSED_WITHDRAW)) return 0;
        if (asset.kind() != AssetIdLib.KIND_VAULT_SHARE) return _search(account, flags, holdings, asset, most);
        // The engine counts a share in units of the underlying.
        uint256 index = safe.poolState(AssetIdLib.pool(asset.number())).supplyIndex;
        uint256 assets = _search(account, flags, holdings, asset, most.mulDivDown(index, INDEX_ONE));
        return FixedPoint.min(most, assets.mulDivDown(INDEX_ONE, index));
    }

    /// @inheritdoc IMarginLens
    function maxBorrow(AccountId account, AssetId pool) external view unlocked returns (uint256) {
        if (!pool.isPool() || _isPaused(PAUSED_BORROW)) return 0;
        (AccountFlags flags, Holding[] memory holdings) = safe.portfolio(account);
        PoolConfig memory config = safe.poolConfig(pool);
        if (flags.inAuction() || config.borrowsClosed) return 0;
        PoolState memory state = safe.poolState(pool);
        int256 balance = safe.balanceOf(account, pool);
        uint256 own = balance > 0 ? uint256(balance) : 0;
        // Taking out the own balance first lowers the room for debt by at most as much, so the larger of both is allowed.
        uint256 most = FixedPoint.max(own, state.borrowRoom);
        most = FixedPoint.min(FixedPoint.min(most, state.cash), safe.outflowLeft(pool));
        return _search(account, flags, holdings, pool, most);
    }

    // ------------------------------------------------------------------ parts

    function _balanceView(AccountId account, Holding holding) private view returns (BalanceView memory b) {
        b.asset = holding.asset();
        b.amount = holding.amount();
        b.shares = safe.sharesOf(account, b.asset);
        (b.token, b.decimals) = safe.assetToken(b.asset);
        AssetId pool = AssetIdLib.pool(b.asset.number());
        if (b.asset.kind() == AssetIdLib.KIND_VAULT_SHARE) (, b.decimals) = safe.assetToken(pool);
        if (b.asset.kind() != AssetIdLib.KIND_IDLE) {
            (uint256 borrowRate, uint256 supplyRate) = _rates(safe.rateModel(pool), safe.poolState(pool));
            b.rate = b.amount < 0 ? borrowRate : supplyRate;
        }
        b.fault = _priceState(b.asset).fault;
        try IMarginEngine(safe.engine()).midPrice(b.asset) returns (uint256 price) {
            b.midPrice = price;
            b.value = b.amount.mulDivFloor(price, 10 ** b.decimals);
        } catch {} // price and value stay 0, `fault` says why
    }

    function _setMargins(AccountView memory v, AccountFlags flags, Holding[] memory holdings) private view {
        IMarginEngine engine = IMarginEngine(safe.engine());
        try engine.liquidationMargin(v.account, flags, holdings) returns (
            int256 maintenance,
            int256 mtm,
            uint256 liabilities,
            uint256
        ) {
            try engine.initialMargin(v.account, flags, holdings) returns (int256 initial) {
                v.initial = initial;
            } catch (bytes memory reason) {
                if (bytes4(reason) != IMarginEngine.NewRiskBlocked.selector) return;
                v.newRiskBlocked = true;
                try engine.midMargin(v.account, flags, holdings) returns (int256 initial, int256, int256) {
                    v.initial = initial;
                } catch {
                    return;
                }
            }
            (v.priced, v.maintenance, v.mtm, v.liabilities) = (true, maintenance, mtm, liabilities);
        } catch {} // not priced
    }

    function _collateralView(AssetId asset) private view returns (CollateralView memory v) {
        v.asset = asset;
        (v.token, v.decimals) = safe.assetToken(asset);
        v.total = safe.totalCollateral(asset);
        v.room = safe.collateralRoom(asset);
        v.outflowLeft = safe.outflowLeft(asset);
        v.price = _priceState(asset);
    }

    /// @dev An asset that is listed but not in the engine's table has no source at all.
    function _priceState(AssetId asset) private view returns (PriceState memory state) {
        try IMarginEngine(safe.engine()).priceState(asset) returns (PriceState memory found) {
            return found;
        } catch {
            state.fault = PriceFault.SourceReverted;
        }
    }

    /// @dev The rates of this moment: the model is asked about no time at all.
    function _rates(
        address model,
        PoolState memory state
    ) private view returns (uint256 borrowRate, uint256 supplyRate) {
        uint256 utilisation = _utilisation(state);
        if (model == address(0)) {
            (borrowRate, ) = AdaptiveCurve.rates(utilisation, 0, state.rateAtTarget);
        } else {
            try IRateModel(model).rates(utilisation, 0, state.rateAtTarget) returns (uint256 average, uint256) {
                borrowRate = average;
            } catch {} // the safe charges nothing then
        }
        if (state.claims > 0) {
            supplyRate = borrowRate.mulDivDown(state.debts, state.claims).mulDivDown(BPS - state.reserveFactor, BPS);
        }
    }

    function _utilisation(PoolState memory state) private pure returns (uint256) {
        return state.claims == 0 ? 0 : state.debts.mulDivDown(WAD, state.claims);
    }

    function _isPaused(uint8 action) private view returns (bool) {
        (uint8 actions, uint40 until) = safe.pauses();
        return actions & action != 0 && block.timestamp <= until;
    }

    function _owes(AccountFlags flags, Holding[] memory holdings) private pure returns (bool) {
        if (flags.hasLedger()) return true;
        for (uint256 i; i < holdings.length; ++i) if (holdings[i].amount() < 0) return true;
        return false;
    }

    /// @dev The most, up to `most`, that may be taken off the holding of `asset`. What is taken only lowers the margin, so
    /// halving finds it.
    function _search(
        AccountId account,
        AccountFlags flags,
        Holding[] memory holdings,
        AssetId asset,
        uint256 most
    ) private view returns (uint256 low) {
        if (most == 0 || _passes(account, flags, holdings, asset, most)) return most;
        uint256 high = most;
        while (high - low > low / PRECISION + 1) {
            uint256 mid = (low + high) / 2;
            if (_passes(account, flags, holdings, asset, mid)) low = mid;
            else high = mid;
        }
    }

    function _passes(
        AccountId account,
        AccountFlags flags,
        Holding[] memory holdings,
        AssetId asset,
        uint256 taken
    ) private view returns (bool) {
        Holding[] memory after_ = _without(holdings, asset, taken);
        if (!_owes(flags, after_)) return true;
        try IMarginEngine(safe.engine()).initialMargin(account, flags.withCount(after_.length), after_) returns (
            int256 initial
        ) {
            return initial >= 0;
        } catch {
            return false;
        }
    }

    /// @dev A copy of the holdings with `taken` less of `asset`: of the balance first, then of the pool's vault shares, which the
    /// safe sets off before it lends, and the rest as debt. A unit goes for rounding wherever something is left.
    function _without(
        Holding[] memory holdings,
        AssetId asset,
        uint256 taken
    ) private pure returns (Holding[] memory changed) {
        AssetId share = asset.isPool() ? AssetIdLib.vaultShare(asset.number()) : asset;
        int256 rest = int256(taken);
        int256 fromBalance = FixedPoint.min(FixedPoint.max(_amountOf(holdings, asset), 0), rest);
        rest -= fromBalance;
        int256 fromShares = share == asset ? int256(0) : FixedPoint.min(_amountOf(holdings, share), rest);
        rest -= fromShares;

        changed = new Holding[](holdings.length + 1);
        uint256 n;
        bool found;
        for (uint256 i; i < holdings.length; ++i) {
            AssetId held = holdings[i].asset();
            int256 amount = holdings[i].amount();
            if (held == asset) {
                found = true;
                amount = _less(amount, fromBalance + rest);
            } else if (held == share) {
                amount = _less(amount, fromShares);
            }
            if (amount != 0) changed[n++] = HoldingLib.pack(held, amount);
        }
        if (!found && rest > 0) changed[n++] = HoldingLib.pack(asset, -rest - 1);
        assembly ("memory-safe") {
            mstore(changed, n) // shorter than it was made
        }
    }

    function _amountOf(Holding[] memory holdings, AssetId asset) private pure returns (int256) {
        for (uint256 i; i < holdings.length; ++i) if (holdings[i].asset() == asset) return holdings[i].amount();
        return 0;
    }

    function _less(int256 amount, int256 taken) private pure returns (int256) {
        return
            taken == 0
                ? amount
                : taken == amount
                    ? int256(0)
                    : amount - taken - 1;
    }
}
