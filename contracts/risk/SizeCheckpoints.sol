// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IMarginAccounts} from "../interfaces/IMarginAccounts.sol";
import {ISizeCheckpoints} from "../interfaces/IRisk.sol";
import {AssetId, AssetIdLib} from "../types/AssetId.sol";
import {BPS, FixedPoint} from "../types/FixedPoint.sol";

/// @title SizeCheckpoints: slow totals for maintenance haircuts (DESIGN 6.1)
/// @notice Haircuts of crowded collateral rise with its total, but nobody's deposit may push another account below
/// maintenance at once (A1): the total that maintenance reckons with rises by at most a governed part per hour.
contract SizeCheckpoints is ISizeCheckpoints {
    struct State {
        uint104 checkpoint;
        uint104 smallest; // total at the last update, or the smallest one seen since
        uint40 updatedAt;
    }

    /// @dev Updates are at least this far apart, and longer waits count as this: a checkpoint nobody updated for a day
    /// does not jump.
    uint256 private constant INTERVAL = 1 hours;
    /// @dev An index of one in the safe's pools.
    uint256 private constant INDEX_ONE = 1e15;

    IMarginAccounts private immutable _safe;
    /// @notice Basis points by which a checkpoint may rise per update. From zero it starts at this part of the total.
    uint256 public immutable risePerHour;

    mapping(AssetId asset => State) private _states;

    error RiseOutOfBounds(uint256 risePerHour);

    constructor(IMarginAccounts safe, uint256 risePerHour_) {
        require(risePerHour_ > 0 && risePerHour_ <= BPS, RiseOutOfBounds(risePerHour_));
        _safe = safe;
        risePerHour = risePerHour_;
    }

    /// @inheritdoc ISizeCheckpoints
    function update(AssetId asset) external returns (uint256 checkpoint) {
        uint256 total = _totalOutsideSession(asset);
        State memory state = _states[asset];
        uint256 until = state.updatedAt + INTERVAL;
        require(block.timestamp >= until, TooSoon(asset, until));
        // The first update knows no earlier total: it only takes note.
        uint256 target = FixedPoint.min(total, state.smallest);
        checkpoint = state.checkpoint;
        if (target > checkpoint) {
            uint256 ceiling = checkpoint + FixedPoint.mulDivUp(checkpoint == 0 ? target : checkpoint, risePerHour, BPS);
            checkpoint = FixedPoint.min(target, ceiling);
        } else {
            checkpoint = target;
        }
        _states[asset] = State(uint104(checkpoint), uint104(total), uint40(block.timestamp));
        emit CheckpointUpdated(asset, checkpoint, total);
    }

    /// @inheritdoc ISizeCheckpoints
    function observe(AssetId asset) external {
        uint256 total = _totalOutsideSession(asset);
        if (total >= _states[asset].smallest) return;
        _states[asset].smallest = uint104(total);
        emit LowerTotalSeen(asset, total);
    }

    /// @inheritdoc ISizeCheckpoints
    function checkpointOf(AssetId asset) external view returns (uint256) {
        return _states[asset].checkpoint;
    }

    /// @inheritdoc ISizeCheckpoints
    function stateOf(AssetId asset) external view returns (uint256 checkpoint, uint256 smallest, uint256 updatedAt) {
        State memory state = _states[asset];
        return (state.checkpoint, state.smallest, state.updatedAt);
    }

    /// @inheritdoc ISizeCheckpoints
    function sizesOf(AssetId asset) external view returns (uint256 total, uint256 checkpoint) {
        return (_total(asset), _states[asset].checkpoint);
    }

    /// @dev Inside a session, or after a deposit in the same transaction, a borrowed deposit may stand in the total.
    function _totalOutsideSession(AssetId asset) private view returns (uint256) {
        require(_safe.isQuiet(), InsideSession());
        return FixedPoint.min(_total(asset), type(uint104).max);
    }

    function _total(AssetId asset) private view returns (uint256 total) {
        total = _safe.totalCollateral(asset);
        if (total != 0 && asset.kind() == AssetIdLib.KIND_VAULT_SHARE) {
            // Shares to units of the underlying, at the index as last stored: interest since then is no size.
            (uint256 supplyWord, ) = _safe.poolWords(AssetIdLib.pool(asset.number()));
            total = FixedPoint.mulDivUp(total, supplyWord >> 192, INDEX_ONE);
        }
    }
}
