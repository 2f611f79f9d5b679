// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {TransientSlot} from "@openzeppelin/contracts/utils/TransientSlot.sol";

import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {AccountFlags} from "../types/AccountFlags.sol";
import {AccountId} from "../types/AccountId.sol";
import {AssetId, AssetIdLib} from "../types/AssetId.sol";
import {FixedPoint} from "../types/FixedPoint.sol";
import {Holding, HoldingLib} from "../types/Holding.sol";
import {DebtWord, IdleWord, SupplyWord} from "../types/PoolWords.sol";
import {Pools} from "./Pools.sol";

/// @title Lock, sessions and the deferred check (DESIGN 3).
/// @dev Outside a session a door checks at once. Inside one it only notes the account and the asset; when the outermost call ends
/// every noted account must pass by its result (A2) and every noted asset by its net change. All of it is transient.
abstract contract Sessions is Pools {
    using TransientSlot for *;

    uint256 private constant LOCKED = 1;
    /// @dev A door was used in this transaction; stays until its end. Set with the lock, so it costs nothing.
    uint256 private constant USED = 1 << 1;
    uint256 private constant DEPTH = 1 << 8;
    uint256 private constant DEPTH_MASK = 0xff << 8;
    uint256 private constant ACCOUNT = 1 << 16;
    uint256 private constant ASSET = 1 << 32;
    uint256 private constant COUNT_MASK = 0xffff;
    /// @dev Bounds the loops at the end of a session.
    uint256 internal constant MAX_TOUCHED = 48;

    uint256 private constant ACCOUNT_LIST = uint256(keccak256("plimsoll.accounts")) & ~uint256(0xffff);
    uint256 private constant ASSET_LIST = uint256(keccak256("plimsoll.assets")) & ~uint256(0xffff);
    uint256 private constant ASSET_NOTES = uint256(keccak256("plimsoll.asset.notes")) & ~uint256(0xffff);
    uint256 private constant SNAPSHOTS = uint256(keccak256("plimsoll.snapshots"));
    uint256 private constant PENDING = uint256(keccak256("plimsoll.pending"));

    /// @dev The note of an account: that there is one, whether it declared reduce-only, and the pause bits of what was done.
    uint256 internal constant NOTED = 1;
    uint256 internal constant REDUCE_ONLY = 2;
    uint256 internal constant DEBT_GREW = 4;
    uint256 private constant ACTIONS_SHIFT = 8;

    /// @dev β: the part of the requirement's fall that may be lost in closing, basis points.
    int256 private constant SLIPPAGE_BPS = 2000;

    // ---------------------------------------------------------------- lock

    /// @dev Taken by every door; held over token transfers and calls to neighbours. Not held between the steps of a session.
    modifier locked() {
        _lock();
        _;
        _unlock();
    }

    function _lock() internal {
        uint256 session = _session;
        require(session & LOCKED == 0, Reentered());
        _session = session | LOCKED | USED;
    }

    function _unlock() internal {
        _session &= ~LOCKED;
    }

    function _isLocked() internal view returns (bool) {
        return _session & LOCKED != 0;
    }

    function _inSession() internal view returns (bool) {
        return _session & DEPTH_MASK != 0;
    }

    /// @dev Neither is a session open nor was a door used in this transaction.
    function _isQuiet() internal view returns (bool) {
        return _session == 0;
    }

    function _openSession() internal {
        require(!_isLocked(), Reentered());
        require(_session & DEPTH_MASK != DEPTH_MASK, TooManyTouched());
        _session += DEPTH;
    }

    function _closeSession() internal {
        require(!_isLocked(), Reentered());
        uint256 session = _session;
        if (session & DEPTH_MASK != DEPTH) {
            _session = session - DEPTH;
            return;
        }
        _session = session | LOCKED;
        uint256 n = (session / ASSET) & COUNT_MASK;
        for (uint256 i = 0; i < n; ++i) _settleAsset(i);
        n = (session / ACCOUNT) & COUNT_MASK;
        for (uint256 i = 0; i < n; ++i) {
            TransientSlot.Uint256Slot item = _slot(ACCOUNT_LIST + i);
            AccountId id = AccountId.wrap(bytes32(item.tload()));
            item.tstore(0);
            _requireHealthy(id, _load(id), _noteOf(id));
            // stays pending until its own check is done (A4)
            _slot(_pendingKey(id)).tstore(0);
        }
        _session = USED;
        _payer = address(0);
    }

    // ---------------------------------------------------------------- accounts

    /// @dev The account was acted on in a way that can raise its risk (`action`: the pause bit of what was done): checked now, or
    /// noted for the end of the session.
    function _afterRisk(AccountId id, uint256[] memory w, uint8 action) internal {
        uint256 note = NOTED | (uint256(action) << ACTIONS_SHIFT);
        if (_inSession()) _noteAccount(id, note);
        else _requireHealthy(id, w, note);
    }

    function _noteAccount(AccountId id, uint256 note) internal {
        TransientSlot.Uint256Slot slot = _slot(_pendingKey(id));
        uint256 before = slot.tload();
        if (before == 0) {
            uint256 session = _session;
            uint256 n = (session / ACCOUNT) & COUNT_MASK;
            require(n < MAX_TOUCHED, TooManyTouched());
            _slot(ACCOUNT_LIST + n).tstore(uint256(AccountId.unwrap(id)));
            _session = session + ACCOUNT;
        }
        if (before | note != before) slot.tstore(before | note);
    }

    function _noteOf(AccountId id) internal view returns (uint256) {
        return _slot(_pendingKey(id)).tload();
    }

    /// @dev A4: whoever wants to liquidate, settle or write off must ask this first.
    function _requireNotPending(AccountId id) internal view {
        require(_noteOf(id) == 0, CheckPending(id));
    }

    /// @dev In an auction only deposits, repaying and bids. Who owes nothing any more has nothing to auction: his flag falls with
    /// what he does next, so that he can leave although no price may be there to end the auction by (A3).
    function _requireNotInAuction(AccountId id, uint256[] memory w) internal pure {
        AccountFlags flags = _flags(w);
        if (!flags.inAuction()) return;
        require(!_needsCheck(w), AccountInAuction(id));
        _setFlags(w, flags.withAuction(false));
    }

    /// @dev Nothing owed, no position and no negative quote: nothing can be lost by others, so no price is asked (A3).
    function _needsCheck(uint256[] memory w) internal pure returns (bool) {
        AccountFlags flags = _flags(w);
        if (flags.hasPositions()) return true;
        uint256 n = flags.count();
        for (uint256 i = 0; i < n; ++i) {
            (, int256 shares) = _entry(w, i);
            if (shares < 0) return true;
        }
        return false;
    }

    /// @dev A2: passes by `initial` ≥ 0, or by the reduce-only rule when it was declared. Judged by the result, and so are the
    /// guardian's stops: they bind only who ends with debt and did what is stopped, not by reducing.
    function _requireHealthy(AccountId id, uint256[] memory w, uint256 note) internal view {
        if (!_needsCheck(w)) return;
        Holding[] memory holdings = _holdings(w);
        bytes32 broken;
        if (note & REDUCE_ONLY != 0) {
            broken = note & DEBT_GREW != 0 ? bytes32("debt grew") : _brokenRule(id, w, holdings);
            if (broken == 0) return;
        }
        uint256 stopped = (note >> ACTIONS_SHIFT) & _pausedActions;
        require(stopped == 0 || _pausedUntil < block.timestamp, ActionPaused(uint8(stopped)));
        int256 initial = IMarginEngine(_engine).initialMargin(id, _flags(w), holdings);
        if (initial >= 0) return;
        require(broken == 0, NotReduceOnly(id, broken));
        revert InsufficientMargin(id, initial);
    }

    /// @dev What the engine is told: every balance in token units, interest accrued; claims down, debts up.
    function _holdings(uint256[] memory w) internal view returns (Holding[] memory holdings) {
        uint256 n = _flags(w).count();
        holdings = new Holding[](n);
        for (uint256 i = 0; i < n; ++i) {
            (AssetId asset, int256 shares) = _entry(w, i);
            holdings[i] = HoldingLib.pack(asset, _toAssets(asset, shares));
        }
    }

    /// @dev Claims down, debts up; vault shares in units of the underlying.
    function _toAssets(AssetId asset, int256 shares) internal view returns (int256) {
        if (asset.kind() == AssetIdLib.KIND_IDLE) return shares;
        (SupplyWord s, DebtWord d) = _accrued(asset.number());
        return _worthOf(shares, s, d);
    }

    // ---------------------------------------------------------------- reduce-only

    /// @dev Must come before the account's first change of the session: it is the start that the end is compared with.
    function _declareReduceOnly(AccountId id) internal {
        require(_inSession(), NoSession());
        require(_noteOf(id) == 0, ReduceOnlyTooLate(id));
        uint256[] memory w = _load(id);
        _requireNotInAuction(id, w);
        (int256 initial, int256 maintenance, int256 mtm) = IMarginEngine(_engine).midMargin(
            id,
            _flags(w),
            _holdings(w)
        );
        uint256 key = _snapshotKey(id);
        _slot(key).tstore(uint256(initial));
        _slot(key + 1).tstore(uint256(maintenance));
        _slot(key + 2).tstore(uint256(mtm));
        _noteAccount(id, NOTED | REDUCE_ONLY);
    }

    /// @dev Differences, not ratios: `initial` and `maintenance` do not fall, the requirement (mtm − initial) does not rise, and at mid
    /// `mtm` falls by at most β of the requirement's fall and not below min(0, its start). That no debt grows is
    /// refused at the debit. @return rule the first broken one, 0 if none.
    function _brokenRule(
        AccountId id,
        uint256[] memory w,
        Holding[] memory holdings
    ) private view returns (bytes32 rule) {
        (int256 initial, int256 maintenance, int256 mtm) = IMarginEngine(_engine).midMargin(id, _flags(w), holdings);
        uint256 key = _snapshotKey(id);
        int256 initial0 = int256(_slot(key).tload());
        int256 mtm0 = int256(_slot(key + 2).tload());
        if (initial < initial0) return "initial fell";
        if (maintenance < int256(_slot(key + 1).tload())) return "maintenance fell";
        int256 relief = (mtm0 - initial0) - (mtm - initial);
        if (relief < 0) return "requirement rose";
        if (mtm < mtm0 - (relief * SLIPPAGE_BPS) / 10_000) return "too much value lost";
        if (mtm < FixedPoint.min(int256(0), mtm0)) return "equity below zero";
        return 0;
    }

    // ---------------------------------------------------------------- assets

    /// @dev Writes a changed pool; `outflow` tokens left (negative: came in).
    function _afterPool(Pool memory p, int256 outflow) internal {
        _storePool(p);
        if (_inSession())
            _noteAsset(AssetId.wrap(uint16(p.n)), SupplyWord.unwrap(p.s0), DebtWord.unwrap(p.d0), outflow);
        else _checkPool(p, outflow, false);
    }

    /// @dev An idle asset or vault share was paid out (or in, negative).
    function _afterIdle(AssetId asset, IdleWord word, int256 outflow) internal {
        if (!word.outflowLimited()) return;
        if (_inSession()) _noteAsset(asset, 0, 0, outflow);
        else _checkIdleOutflow(asset, word, outflow);
    }

    /// @dev Four words per asset: noted flag, net outflow, and the pool's words at the first touch.
    function _noteAsset(AssetId asset, uint256 s0, uint256 d0, int256 outflow) private {
        uint256 base = ASSET_NOTES + uint256(AssetId.unwrap(asset)) * 4;
        if (_slot(base).tload() == 0) {
            uint256 session = _session;
            uint256 n = (session / ASSET) & COUNT_MASK;
            require(n < MAX_TOUCHED, TooManyTouched());
            _slot(ASSET_LIST + n).tstore(AssetId.unwrap(asset));
            _session = session + ASSET;
            _slot(base).tstore(1);
            _slot(base + 2).tstore(s0);
            _slot(base + 3).tstore(d0);
        }
        TransientSlot.Uint256Slot flow = _slot(base + 1);
        flow.tstore(uint256(int256(flow.tload()) + outflow));
    }

    function _settleAsset(uint256 i) private {
        TransientSlot.Uint256Slot item = _slot(ASSET_LIST + i);
        AssetId asset = AssetId.wrap(uint16(item.tload()));
        item.tstore(0);
        uint256 base = ASSET_NOTES + uint256(AssetId.unwrap(asset)) * 4;
        int256 outflow = int256(_slot(base + 1).tload());
        if (asset.isPool()) {
            Pool memory p = _open(asset.number());
            p.s0 = SupplyWord.wrap(_slot(base + 2).tload());
            p.d0 = DebtWord.wrap(_slot(base + 3).tload());
            _checkPool(p, outflow, false);
        } else {
            _checkIdleOutflow(asset, _idles[asset], outflow);
        }
        for (uint256 k = 0; k < 4; ++k) _slot(base + k).tstore(0);
    }

    // ---------------------------------------------------------------- keys

    function _slot(uint256 key) private pure returns (TransientSlot.Uint256Slot) {
        return bytes32(key).asUint256();
    }

    function _pendingKey(AccountId id) private pure returns (uint256) {
        return _hash(AccountId.unwrap(id), PENDING);
    }

    function _snapshotKey(AccountId id) private pure returns (uint256) {
        return _hash(AccountId.unwrap(id), SNAPSHOTS);
    }

    function _hash(bytes32 a, uint256 b) private pure returns (uint256 h) {
        assembly ("memory-safe") {
            mstore(0, a)
            mstore(0x20, b)
            h := keccak256(0, 0x40)
        }
    }
}
