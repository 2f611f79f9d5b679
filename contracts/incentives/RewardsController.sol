// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {IMarginAccounts} from "../interfaces/IMarginAccounts.sol";
import {Gauge, IRewards, Source, Stream} from "../interfaces/IRewards.sol";
import {AccountId, AccountIdLib} from "../types/AccountId.sol";
import {AssetId} from "../types/AssetId.sol";
import {FixedPoint} from "../types/FixedPoint.sol";
import {Streams} from "./Streams.sol";

/// @title RewardsController: who holds which shares, and what is paid in and out
/// @dev It only reads the safe, and nothing in the safe knows of it: a fault here can cost budgets and earned rewards, never a balance.
/// Staked tokens and budgets may be of one token; what belongs to whom is counted, never read from balances.
contract RewardsController is IRewards, Streams, AccessManaged, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    IMarginAccounts public immutable safe;

    error ZeroAddress();
    error ZeroAmount();

    constructor(IMarginAccounts safe_, address authority_) AccessManaged(authority_) {
        require(address(safe_) != address(0) && authority_ != address(0), ZeroAddress());
        safe = safe_;
    }

    // ---------------------------------------------------------------- holders

    /// @inheritdoc IRewards
    function stake(uint256 gauge, uint256 amount) external nonReentrant {
        address token = _gauge(gauge, true).token;
        amount = _pull(token, amount);
        AccountId holder = AccountIdLib.make(msg.sender, 0);
        uint256 before = _shares[gauge][holder];
        _count(gauge, holder, before, before + amount);
    }

    /// @inheritdoc IRewards
    function unstake(uint256 gauge, uint256 amount, address to) external nonReentrant {
        address token = _gauge(gauge, true).token;
        require(amount != 0, ZeroAmount());
        AccountId holder = AccountIdLib.make(msg.sender, 0);
        uint256 before = _shares[gauge][holder];
        require(amount <= before, StakeTooSmall(before, amount));
        _count(gauge, holder, before, before - amount);
        _push(token, to, amount);
    }

    /// @inheritdoc IRewards
    function sync(uint256 gauge, AccountId account) external nonReentrant returns (uint256 shares) {
        return _sync(gauge, _gauge(gauge, false), account);
    }

    /// @inheritdoc IRewards
    function claim(
        uint256 gauge,
        AccountId holder,
        address token,
        address to
    ) external nonReentrant returns (uint256 amount) {
        require(holder.owner() == msg.sender, NotHolder(holder, msg.sender));
        require(gauge < _gauges.length, UnknownGauge(gauge));
        Gauge storage g = _gauges[gauge];
        if (g.source == Source.Stake) {
            uint256 shares = _shares[gauge][holder];
            _count(gauge, holder, shares, shares);
        } else {
            _sync(gauge, g, holder);
        }
        amount = _take(gauge, holder, token);
        if (amount == 0) return 0;
        _push(token, to, amount);
        emit RewardsClaimed(gauge, token, holder, to, amount);
    }

    /// @dev Earned is the smaller of what was counted at the last sync and what is there now.
    function _sync(uint256 gauge, Gauge storage g, AccountId account) private returns (uint256 shares) {
        // Money that is only there for this transaction came in through a door of the safe.
        require(safe.isQuiet(), SafeInUse());
        shares = _held(g, account);
        uint256 before = _shares[gauge][account];
        uint256 counted = FixedPoint.min(before, shares);
        _count(gauge, account, counted, shares);
        if (counted != before) emit SharesMissing(gauge, account, before - counted);
    }

    /// @dev Shares do not grow by interest: whoever neither deposits nor borrows more keeps their number.
    function _held(Gauge storage g, AccountId account) private view returns (uint256) {
        int256 shares = safe.sharesOf(account, g.asset);
        if (g.source == Source.Debt) shares = -shares;
        return shares > 0 ? uint256(shares) : 0;
    }

    // ---------------------------------------------------------------- budgets

    /// @inheritdoc IRewards
    function payIn(uint256 gauge, address token, uint256 amount) external nonReentrant {
        _requireStream(gauge, token);
        amount = _pull(token, amount);
        _payIn(gauge, token, amount);
        emit RewardsPaidIn(gauge, token, msg.sender, amount);
    }

    /// @inheritdoc IRewards
    function addGauge(Source source, AssetId asset, address token) external restricted returns (uint256 gauge) {
        if (source == Source.Stake) {
            require(token.code.length != 0, ZeroAddress());
            asset = AssetId.wrap(0);
        } else {
            (token, ) = safe.assetToken(asset); // reverts where nothing is listed
            require(asset.isPool() || source == Source.Supply, InvalidStream("asset"));
            token = address(0);
        }
        gauge = _gauges.length;
        _gauges.push(Gauge(source, asset, token, 0));
        emit GaugeAdded(gauge, source, asset, token);
    }

    /// @inheritdoc IRewards
    function addReward(uint256 gauge, address token) external restricted {
        require(gauge < _gauges.length, UnknownGauge(gauge));
        require(token.code.length != 0, ZeroAddress());
        _addToken(gauge, token);
    }

    /// @inheritdoc IRewards
    function schedule(uint256 gauge, address token, uint40 start, uint40 end, uint256 cap) external restricted {
        _requireStream(gauge, token);
        _schedule(gauge, token, start, end, cap);
    }

    /// @inheritdoc IRewards
    function stop(uint256 gauge, address token, address to) external restricted nonReentrant returns (uint256 amount) {
        _requireStream(gauge, token);
        amount = _stop(gauge, token);
        if (amount != 0) _push(token, to, amount);
        emit StreamStopped(gauge, token, to, amount);
    }

    // ---------------------------------------------------------------- tokens

    /// @return received what arrived: a token that takes a fee is counted after it.
    function _pull(address token, uint256 amount) private returns (uint256 received) {
        require(amount != 0, ZeroAmount());
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        received = IERC20(token).balanceOf(address(this)) - before;
        require(received != 0 && received <= MAX_BUDGET, ZeroAmount());
    }

    function _push(address token, address to, uint256 amount) private {
        require(to != address(0) && to != address(this), ZeroAddress());
        IERC20(token).safeTransfer(to, amount);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IRewards
    function gaugeCount() external view returns (uint256) {
        return _gauges.length;
    }

    /// @inheritdoc IRewards
    function gaugeOf(uint256 gauge) external view returns (Gauge memory) {
        require(gauge < _gauges.length, UnknownGauge(gauge));
        return _gauges[gauge];
    }

    /// @inheritdoc IRewards
    function tokensOf(uint256 gauge) external view returns (address[] memory) {
        return _tokens[gauge];
    }

    /// @inheritdoc IRewards
    function streamOf(uint256 gauge, address token) external view returns (Stream memory) {
        return _streams[gauge][token];
    }

    /// @inheritdoc IRewards
    function sharesOf(uint256 gauge, AccountId holder) external view returns (uint256) {
        return _shares[gauge][holder];
    }

    /// @inheritdoc IRewards
    function claimable(uint256 gauge, AccountId holder, address token) external view returns (uint256) {
        require(gauge < _gauges.length, UnknownGauge(gauge));
        Gauge storage g = _gauges[gauge];
        uint256 counted = _shares[gauge][holder];
        if (g.source != Source.Stake) counted = FixedPoint.min(counted, _held(g, holder));
        return _claimable(gauge, holder, token, counted);
    }

    function _gauge(uint256 gauge, bool staked) private view returns (Gauge storage g) {
        require(gauge < _gauges.length, UnknownGauge(gauge));
        g = _gauges[gauge];
        require((g.source == Source.Stake) == staked, WrongSource(gauge));
    }

    function _requireStream(uint256 gauge, address token) private view {
        require(gauge < _gauges.length, UnknownGauge(gauge));
        require(_streams[gauge][token].time != 0, InvalidStream("token"));
    }
}
