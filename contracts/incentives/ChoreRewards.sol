// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {ChoreTerms, IChoreRewards} from "../interfaces/IChoreRewards.sol";
import {IMarginAccounts} from "../interfaces/IMarginAccounts.sol";
import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {IPositionsLedger} from "../interfaces/IPositions.sol";
import {IRewards} from "../interfaces/IRewards.sol";
import {ISettlementRounds, Track} from "../interfaces/ISettlementRounds.sol";
import {IVolatilityObserver} from "../interfaces/IVolatilityObserver.sol";
import {AccountId} from "../types/AccountId.sol";
import {AssetId, SETTLEMENT} from "../types/AssetId.sol";
import {BPS, FixedPoint, WAD} from "../types/FixedPoint.sol";

/// @title ChoreRewards: chores through the doors that everybody may use, paid by gas
/// @dev It has no right anywhere. A keeper can gain the margin and the unused part of the overhead on work that was due, and nothing by work
/// that was not: every door asks whether something changed that stays changed. What a caller can inflate, the gas inside a chore,
/// is bounded by `maxGas`, and costs him what it brings less the margin.
contract ChoreRewards is IChoreRewards, AccessManaged, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    uint256 private constant MAX_OVERHEAD = 150_000;
    uint256 private constant MAX_GAS = 5_000_000;
    uint256 private constant MAX_MARGIN = 2_500;

    IMarginAccounts public immutable safe;
    IPositionsLedger public immutable positions;
    IVolatilityObserver public immutable volatility;
    ISettlementRounds public immutable settlements;
    IRewards public immutable rewards;
    /// @notice The pool whose asset is the chain's coin: its price turns gas into settlement units.
    AssetId public immutable native;
    IERC20 private immutable _token;
    uint256 private immutable _cashUnit;

    ChoreTerms private _terms;
    uint256 private _underlyings;
    uint128 private _day;
    uint128 private _spent;

    error ZeroAddress();

    constructor(
        IMarginAccounts safe_,
        IPositionsLedger positions_,
        IVolatilityObserver volatility_,
        ISettlementRounds settlements_,
        IRewards rewards_,
        AssetId native_,
        address authority_
    ) AccessManaged(authority_) {
        (safe, positions, volatility) = (safe_, positions_, volatility_);
        (settlements, rewards, native) = (settlements_, rewards_, native_);
        require(native_.isPool() && native_ != SETTLEMENT, InvalidTerms("native"));
        (address token, uint8 decimals) = safe_.assetToken(SETTLEMENT);
        require(token != address(0), ZeroAddress());
        (_token, _cashUnit) = (IERC20(token), 10 ** (18 - decimals));
    }

    // ---------------------------------------------------------------- chores

    /// @inheritdoc IChoreRewards
    function observe(uint8 underlying, address to) external nonReentrant returns (uint256) {
        uint256 start = gasleft();
        _requirePaid(underlying);
        volatility.observe(underlying); // reverts before the interval is over
        return _pay("observe", start, to);
    }

    /// @inheritdoc IChoreRewards
    function submit(
        uint8 underlying,
        uint40 expiry,
        bool ofSettlementAsset,
        uint80[] calldata rounds,
        address to
    ) external nonReentrant returns (uint256) {
        uint256 start = gasleft();
        _requirePaid(underlying);
        // Else anybody could invent expiries and be paid for walking through them.
        require(positions.expiryMarket(underlying, expiry).listed, NothingDone("submit"));
        uint8 asset = ofSettlementAsset ? uint8(SETTLEMENT.number()) : underlying;
        Track memory before = settlements.trackOf(asset, expiry);
        settlements.submit(asset, expiry, rounds);
        Track memory after_ = settlements.trackOf(asset, expiry);
        // Rounds from before the window lead nowhere, and there are any number of them.
        require(after_.weight != before.weight || after_.complete, NothingDone("submit"));
        return _pay("submit", start, to);
    }

    /// @inheritdoc IChoreRewards
    function pokeFunding(uint8 underlying, address to) external nonReentrant returns (uint256) {
        uint256 start = gasleft();
        _requirePaid(underlying);
        uint256 fundedAt = positions.perpMarket(underlying).fundedAt;
        require(block.timestamp >= fundedAt + _terms.pokeInterval, NothingDone("pokeFunding"));
        positions.pokeFunding(underlying);
        return _pay("pokeFunding", start, to);
    }

    /// @inheritdoc IChoreRewards
    function settleExpiry(uint8 underlying, uint40 expiry, address to) external nonReentrant returns (uint256) {
        uint256 start = gasleft();
        _requirePaid(underlying);
        positions.settleExpiry(underlying, expiry); // reverts when it is settled already, or not listed
        return _pay("settleExpiry", start, to);
    }

    /// @inheritdoc IChoreRewards
    function touch(AccountId account, address to) external nonReentrant returns (uint256) {
        uint256 start = gasleft();
        uint256 before = positions.positionsOf(account).length;
        positions.touch(account);
        require(positions.positionsOf(account).length < before, NothingDone("touch"));
        return _pay("touch", start, to);
    }

    /// @inheritdoc IChoreRewards
    function sync(uint256 gauge, AccountId account, address to) external nonReentrant returns (uint256) {
        uint256 start = gasleft();
        uint256 before = rewards.sharesOf(gauge, account);
        require(rewards.sync(gauge, account) < before, NothingDone("sync"));
        return _pay("sync", start, to);
    }

    // ---------------------------------------------------------------- paying

    function _requirePaid(uint8 underlying) private view {
        require((_underlyings >> underlying) & 1 != 0, ChoreNotPaid(underlying));
    }

    /// @dev Work that was due is done, paid or not: who minds simulates first.
    function _pay(bytes32 chore, uint256 start, address to) private returns (uint256 amount) {
        require(to != address(0) && to != address(this), ZeroAddress());
        ChoreTerms memory t = _terms;
        uint256 price = FixedPoint.min(block.basefee + t.tip, t.maxGasPrice);
        uint256 coin = IMarginEngine(safe.engine()).midPrice(native);
        uint256 left = _left(t);
        uint256 gas_ = FixedPoint.min(start - gasleft() + t.overhead, t.maxGas);
        uint256 cost = (gas_ * price * (BPS + t.margin)) / BPS;
        amount = FixedPoint.min(FixedPoint.mulDivDown(cost, coin, WAD * _cashUnit), left);
        if (amount != 0) {
            _spent += uint128(amount);
            _token.safeTransfer(to, amount);
        }
        emit ChorePaid(chore, to, gas_, amount);
    }

    /// @dev A new day begins with its first payment.
    function _left(ChoreTerms memory t) private returns (uint256) {
        uint256 day = block.timestamp / 1 days;
        if (_day != day) (_day, _spent) = (uint128(day), 0);
        return _room(t.dailyLimit, _spent);
    }

    function _room(uint256 limit, uint256 spent) private view returns (uint256) {
        return FixedPoint.min(limit > spent ? limit - spent : 0, _token.balanceOf(address(this)));
    }

    // ---------------------------------------------------------------- governor

    /// @inheritdoc IChoreRewards
    function setTerms(ChoreTerms calldata terms_, uint256 underlyings) external restricted {
        require(terms_.overhead <= MAX_OVERHEAD, InvalidTerms("overhead"));
        require(terms_.maxGas <= MAX_GAS, InvalidTerms("maxGas"));
        require(terms_.margin <= MAX_MARGIN, InvalidTerms("margin"));
        require(terms_.tip <= terms_.maxGasPrice, InvalidTerms("tip"));
        require(terms_.pokeInterval >= 5 minutes, InvalidTerms("pokeInterval"));
        // no underlying has these numbers
        require(underlyings & 3 == 0, InvalidTerms("underlyings"));
        (_terms, _underlyings) = (terms_, underlyings);
        emit TermsSet(terms_, underlyings);
    }

    /// @inheritdoc IChoreRewards
    function withdraw(uint256 amount, address to) external restricted nonReentrant {
        require(to != address(0), ZeroAddress());
        _token.safeTransfer(to, amount);
        emit BudgetWithdrawn(to, amount);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IChoreRewards
    function terms() external view returns (ChoreTerms memory, uint256 underlyings) {
        return (_terms, _underlyings);
    }

    /// @inheritdoc IChoreRewards
    function available() external view returns (uint256) {
        return _room(_terms.dailyLimit, _day == block.timestamp / 1 days ? _spent : 0);
    }
}
