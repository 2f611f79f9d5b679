// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {RateLimiter} from "@openzeppelin/contracts/utils/RateLimiter.sol";

import {IRateModel} from "../interfaces/IRateModel.sol";
import {IVault} from "../interfaces/IVault.sol";
import {AccountId} from "../types/AccountId.sol";
import {AssetId, AssetIdLib} from "../types/AssetId.sol";
import {BPS, FixedPoint, WAD, YEAR} from "../types/FixedPoint.sol";
import {ConfigWord, DebtWord, IdleWord, INDEX_ONE, ShareMath, SupplyWord} from "../types/PoolWords.sol";
import {AdaptiveCurve} from "./AdaptiveCurve.sol";
import {Books} from "./Books.sol";
import {Interest} from "./Interest.sol";

/// @title Pools: interest, shares, limits, write-off (DESIGN 4).
/// @dev Shares and indices only. Cash is not stored: what the safe holds of a token beyond `claims − debts` is reserve, so a
/// donation is reserve and never moves a share price (V3).
abstract contract Pools is Books {
    using RateLimiter for RateLimiter.RefillingBucket;
    using SafeERC20 for IERC20;

    uint256 private constant MAX_INDEX = type(uint64).max;
    /// @dev No model may ask for more than 1000 % a year.
    uint256 private constant MAX_RATE = 10e18 / YEAR;
    uint256 private constant MODEL_GAS = 150_000;

    // ---------------------------------------------------------------- interest

    /// @dev The pool's words with interest up to now; nothing is written.
    function _accrued(uint256 n) internal view returns (SupplyWord s, DebtWord d) {
        PoolSlots storage pool = _pools[n];
        s = pool.supply;
        d = pool.debt;
        unchecked {
            // time does not run back; indices are below 2^64, growth below 2^90
            uint256 elapsed = block.timestamp - d.lastAccrual();
            if (elapsed == 0) return (s, d);
            (uint256 rate, uint256 rateAtTarget) = _rates(n, s, d, elapsed);
            uint256 index = d.index();
            uint256 newIndex = index;
            if (d.debtShares() != 0) {
                // debts grow rounded up, claims by no more than that: V1 holds to rounding in the pool's favour
                newIndex = (index * (WAD + Interest.growthUp(rate, elapsed)) + WAD - 1) / WAD;
                newIndex = FixedPoint.min(newIndex, MAX_INDEX);
                s = s.withIndex(_supplyIndex(s, d, newIndex - index));
            }
            d = d.accruedTo(newIndex, block.timestamp, rateAtTarget);
        }
    }

    /// @dev The index after lenders and accounts got their part of the interest, rounded down.
    function _supplyIndex(SupplyWord s, DebtWord d, uint256 debtIndexRise) private pure returns (uint256) {
        uint256 shares = s.shares();
        if (shares == 0) return s.index();
        unchecked {
            // interest below 2^160 / 1e15; the reserve factor is at most one by {Administration-configurePool}
            uint256 interest = ShareMath.toAssetsDown(d.debtShares(), debtIndexRise);
            uint256 forLenders = (interest * (BPS - d.reserveFactor())) / BPS;
            return FixedPoint.min(s.index() + (forLenders * INDEX_ONE) / shares, MAX_INDEX);
        }
    }

    function _rates(
        uint256 n,
        SupplyWord s,
        DebtWord d,
        uint256 elapsed
    ) private view returns (uint256 rate, uint256 rateAtTarget) {
        uint256 claims = s.claims();
        uint256 utilisation;
        unchecked {
            // debts below 2^111
            if (claims != 0) utilisation = FixedPoint.min((d.debts() * WAD) / claims, WAD);
        }
        return
            d.externalModel()
                ? _modelRates(n, utilisation, elapsed, d.rateAtTarget())
                : AdaptiveCurve.rates(utilisation, elapsed, d.rateAtTarget());
    }

    /// @dev A model that reverts, returns nonsense or burns its gas charges nothing; it cannot stop the pool. The gas test
    /// keeps a caller from starving it on purpose.
    function _modelRates(
        uint256 n,
        uint256 utilisation,
        uint256 elapsed,
        uint256 rateAtTarget
    ) private view returns (uint256, uint256) {
        require(gasleft() > MODEL_GAS + MODEL_GAS / 32, ModelGas(gasleft()));
        address model = _rateModels[n];
        (bool ok, bytes memory out) = model.staticcall{gas: MODEL_GAS}(
            abi.encodeCall(IRateModel.rates, (utilisation, elapsed, rateAtTarget))
        );
        if (!ok || out.length < 64) return (0, rateAtTarget);
        (uint256 average, uint256 next) = abi.decode(out, (uint256, uint256));
        return (FixedPoint.min(average, MAX_RATE), FixedPoint.min(next, (1 << 36) - 1));
    }

    /// @dev Opens a pool for a change.
    function _open(uint256 n) internal view returns (Pool memory p) {
        p.n = n;
        (p.s0, p.d0) = _accrued(n);
        (p.s, p.d) = (p.s0, p.d0);
    }

    function _storePool(Pool memory p) internal {
        PoolSlots storage pool = _pools[p.n];
        // an unchanged word costs no more to write than to compare
        pool.supply = p.s;
        pool.debt = p.d;
        emit PoolChanged(AssetId.wrap(uint16(p.n)), SupplyWord.unwrap(p.s), DebtWord.unwrap(p.d));
    }

    // ---------------------------------------------------------------- signed balances

    /// @dev Adds `assets` to a balance of `shares`: debt first (burned shares rounded down unless all is paid), then claims
    /// (minted rounded down).
    function _credit(Pool memory p, int256 shares, uint256 assets) internal pure returns (int256) {
        if (shares < 0) {
            uint256 owed = uint256(-shares);
            uint256 debt = ShareMath.toAssetsUp(owed, p.d.index());
            if (assets < debt) {
                uint256 burned = ShareMath.toSharesDown(assets, p.d.index());
                p.d = p.d.withDebtShares(p.d.debtShares() - burned);
                return shares + int256(burned);
            }
            p.d = p.d.withDebtShares(p.d.debtShares() - owed);
            assets -= debt;
            shares = 0;
        }
        uint256 minted = ShareMath.toSharesDown(assets, p.s.index());
        p.s = p.s.withAccountShares(p.s.accountShares() + minted);
        return shares + int256(minted);
    }

    /// @dev Takes `assets` from a balance of `shares`: claims first (burned rounded up; all of them when they are worth exactly
    /// that), then debt (minted rounded up). The caller decides whether debt is allowed.
    function _debit(Pool memory p, int256 shares, uint256 assets) internal pure returns (int256) {
        if (shares > 0) {
            uint256 owned = uint256(shares);
            uint256 worth = ShareMath.toAssetsDown(owned, p.s.index());
            if (assets < worth) {
                uint256 burned = ShareMath.toSharesUp(assets, p.s.index());
                p.s = p.s.withAccountShares(p.s.accountShares() - burned);
                return shares - int256(burned);
            }
            p.s = p.s.withAccountShares(p.s.accountShares() - owned);
            assets -= worth;
            shares = 0;
        }
        uint256 minted = ShareMath.toSharesUp(assets, p.d.index());
        p.d = p.d.withDebtShares(p.d.debtShares() + minted);
        return shares - int256(minted);
    }

    /// @dev Adds a signed amount of assets.
    function _change(Pool memory p, int256 shares, int256 assets) internal pure returns (int256) {
        return assets >= 0 ? _credit(p, shares, uint256(assets)) : _debit(p, shares, uint256(-assets));
    }

    /// @dev Adds `delta` shares of the sign opposite to `shares`: a balance meets a debt and they cancel.
    function _shift(Pool memory p, int256 shares, int256 delta) internal pure returns (int256) {
        if (delta > 0) {
            p.s = p.s.withAccountShares(p.s.accountShares() - uint256(delta));
            return _credit(p, shares, ShareMath.toAssetsDown(uint256(delta), p.s.index()));
        }
        p.d = p.d.withDebtShares(p.d.debtShares() - uint256(-delta));
        return _debit(p, shares, ShareMath.toAssetsUp(uint256(-delta), p.d.index()));
    }

    /// @dev Assets that signed shares are worth: claims down, debts up.
    function _worth(Pool memory p, int256 shares) internal pure returns (int256) {
        return _worthOf(shares, p.s, p.d);
    }

    function _worthOf(int256 shares, SupplyWord s, DebtWord d) internal pure returns (int256) {
        unchecked {
            return
                shares >= 0
                    ? int256(ShareMath.toAssetsDown(uint256(shares), s.index()))
                    : -int256(ShareMath.toAssetsUp(uint256(-shares), d.index()));
        }
    }

    // ---------------------------------------------------------------- limits

    /// @dev What the caps of DESIGN 4 say to the change of `p` with `outflow` tokens leaving, net. `forSettlement` may use the
    /// part of the caps that is kept for it.
    function _checkPool(Pool memory p, int256 outflow, bool forSettlement) internal {
        AssetId asset = AssetId.wrap(uint16(p.n));
        // a settlement that makes the loser a borrower makes the winner a lender: a full pool must not stop it
        if (!forSettlement && p.s.shares() > p.s0.shares()) {
            uint256 total = p.s.claims();
            uint256 cap = p.d.supplyCap();
            require(total <= cap, SupplyCapExceeded(asset, cap, total));
        }
        bool more = p.d.debtShares() > p.d0.debtShares();
        // claims − debts changes by what comes in or goes out and by nothing else, so only then can cash run short
        if (!more && outflow <= 0) return;
        ConfigWord config = _pools[p.n].config;
        uint256 claims = p.s.claims();
        uint256 debts = p.d.debts();
        unchecked {
            // claims and debts below 2^111, parts at most 1e4: no product overflows
            if (more) _checkDebts(asset, config, claims, debts, forSettlement);
            // Debts never exceed claims, so reserves are never lent and a lone small lender's share price cannot explode; lenders
            // and borrowers also leave the reserved part of the accounts' claims, so that seized collateral can leave
            uint256 needed = debts;
            if (!forSettlement && (more || p.s.lenderShares() < p.s0.lenderShares())) needed += _reserved(config, p.s);
            if (needed > claims) {
                // what there was to take before `outflow` of it was taken
                int256 available = int256(claims) + outflow - int256(needed);
                revert InsufficientLiquidity(asset, uint256(FixedPoint.max(available, 0)));
            }
        }
        if (outflow > 0 && config.outflowLimited()) _outflows[asset].consume(bytes32(0), uint256(outflow));
    }

    function _checkDebts(
        AssetId asset,
        ConfigWord config,
        uint256 claims,
        uint256 debts,
        bool forSettlement
    ) private pure {
        unchecked {
            uint256 part = forSettlement ? BPS : BPS - config.settlementPart();
            uint256 cap = config.borrowCap();
            if (cap != type(uint256).max) {
                cap = (cap * part) / BPS;
                require(debts <= cap, BorrowCapExceeded(asset, cap, debts));
            }
            uint256 most = (claims * config.maxUtilisation() * part) / (BPS * BPS);
            require(debts <= most, UtilisationCapExceeded(asset, most, debts));
        }
    }

    function _reserved(ConfigWord config, SupplyWord s) internal pure returns (uint256) {
        unchecked {
            return (ShareMath.toAssetsUp(s.accountShares(), s.index()) * config.reservedPart()) / BPS;
        }
    }

    function _checkIdleOutflow(AssetId asset, IdleWord word, int256 outflow) internal {
        if (outflow > 0 && word.outflowLimited()) _outflows[asset].consume(bytes32(0), uint256(outflow));
    }

    // ---------------------------------------------------------------- write-off

    /// @dev Cancels `shares` of debt without payment. The pool's own reserves bear it first; only what they lack lowers the supply
    /// index, the one way in which a share price falls (V3). Counted once: claims end at most at tokens + remaining debts (V1).
    function _writeOff(Pool memory p, AccountId account, uint256 shares) internal {
        _requireNoneUnderWay(p.n);
        uint256 lost = ShareMath.toAssetsDown(shares, p.d.index());
        p.d = p.d.withDebtShares(p.d.debtShares() - shares);
        uint256 backing =
            IERC20(_pools[p.n].config.token()).balanceOf(address(this)) +
                ShareMath.toAssetsDown(p.d.debtShares(), p.d.index());
        uint256 claims = p.s.claims();
        uint256 fromLenders = claims > backing ? claims - backing : 0;
        if (fromLenders != 0) {
            // shares is not 0 when claims are not; the index never becomes 0, or nothing could be lent again
            p.s = p.s.withIndex(FixedPoint.max((backing * INDEX_ONE) / p.s.shares(), 1));
        }
        uint256 fromReserves = lost > fromLenders ? lost - fromLenders : 0;
        emit DebtWrittenOff(AssetId.wrap(uint16(p.n)), account, lost, fromReserves, p.s.index());
    }

    /// @dev V1: the tokens of a lender's deposit reach the safe before its claim does. A token that calls out after it has moved
    /// them must not have them taken for reserve, or for what covers a loss.
    function _requireNoneUnderWay(uint256 n) internal view {
        address vault = _idles[AssetIdLib.vaultShare(uint16(n))].token();
        require(vault == address(0) || !IVault(vault).receiving(), Reentered());
    }

    // ---------------------------------------------------------------- tokens

    function _pull(address token, address from, uint256 amount) internal {
        IERC20(token).safeTransferFrom(from, address(this), amount);
    }

    function _push(address token, address to, uint256 amount) internal {
        IERC20(token).safeTransfer(to, amount);
    }

    /// @dev The model of a pool got too little gas to be asked: send more.
    error ModelGas(uint256 left);
}
