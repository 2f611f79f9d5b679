// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IInsuranceFund} from "../interfaces/IInsuranceFund.sol";
import {ILiquidationAuction} from "../interfaces/ILiquidationAuction.sol";
import {IMarginAccounts, PoolState} from "../interfaces/IMarginAccounts.sol";
import {AccountId, AccountIdLib} from "../types/AccountId.sol";
import {AssetId, SETTLEMENT} from "../types/AssetId.sol";
import {BPS, FixedPoint} from "../types/FixedPoint.sol";
import {INDEX_ONE, MAX_SHARES, ShareMath} from "../types/PoolWords.sol";

/// @title Owner of the insurance account, and the share of those who stake in it
/// @dev It calls only `deposit`, `withdraw` and `collectReserves` of the safe: none of them can leave it with a debt, and a
/// stranger cannot give it one. An account without debt passes no margin check, so the fund works with dead oracles.
///
/// The safe pays bidders from the account without asking, so the fund reckons from what the account holds. Stakers are owed
/// supply · index pool shares. What the account holds beyond is the own part, and only when it holds less have the stakes lost
/// something: then the index falls to what is there ({sync}). The index moves by nothing else. As in the pools (V3), no first
/// staker, no gift and no rounding moves it, and what roundings leave is own part.
contract InsuranceFund is IInsuranceFund, ERC4626, AccessManaged, ReentrancyGuardTransient {
    using ShareMath for uint256;

    /// @dev What an owner has asked to take out.
    struct Exit {
        uint128 shares;
        uint64 from;
        uint64 until;
    }

    /// @dev All in pool shares.
    struct Books {
        uint256 held; // by the account
        uint256 left; // of it if every known loss came
        uint256 owed; // to the stakes by the booked index, rounded up
        uint256 index; // of a stake share if every known loss came, RAY
        uint256 poolIndex; // assets of a pool share
    }

    uint256 public constant COOL_DOWN = 5 days;
    uint256 public constant WINDOW = 2 days;
    uint256 private constant RAY = 1e27;
    /// @dev The booked index never falls below it, so that shares cannot grow without bound. Stakes that lost more are paid what is
    /// there, and nobody can join them before gifts have brought the fund back to this.
    uint256 private constant MIN_INDEX = RAY / 1e6;

    IMarginAccounts public immutable safe;

    uint256 private _index = RAY;
    /// @inheritdoc IInsuranceFund
    uint16 public firstLossPart;
    mapping(address owner => Exit) private _exits;

    /// @dev The fund is there before the safe lists its first asset, so token and decimals are asked for when they are needed.
    constructor(
        IMarginAccounts safe_,
        address authority_
    ) ERC20("Plimsoll insurance stake", "plINS") ERC4626(IERC20(address(0))) AccessManaged(authority_) {
        require(address(safe_) != address(0) && authority_ != address(0), ZeroAddress());
        safe = safe_;
    }

    // ------------------------------------------------------------------ the own part

    /// @inheritdoc IInsuranceFund
    function donate(uint256 amount) external nonReentrant {
        require(amount != 0, ZeroAmount());
        _payIn(msg.sender, amount);
        emit Donated(msg.sender, amount);
    }

    /// @inheritdoc IInsuranceFund
    function collect(AssetId asset_) external nonReentrant returns (uint256 amount) {
        amount = safe.collectReserves(asset_);
        emit Collected(asset_, amount);
    }

    /// @inheritdoc IInsuranceFund
    function withdrawOwn(
        AssetId asset_,
        uint256 amount,
        address to
    ) external restricted nonReentrant returns (uint256 sent) {
        require(amount != 0, ZeroAmount());
        require(to != address(0), ZeroAddress());
        if (asset_ == SETTLEMENT) {
            uint256 available = _ownAvailable();
            if (amount == type(uint256).max) amount = available;
            require(amount != 0 && amount <= available, OwnPartTooSmall(amount, available));
        }
        sent = safe.withdraw(account(), asset_, amount, to);
        emit Withdrawn(asset_, to, sent);
    }

    /// @inheritdoc IInsuranceFund
    function setFirstLossPart(uint16 part) external restricted {
        require(part <= BPS, FirstLossTooLarge(part));
        firstLossPart = part;
        emit FirstLossSet(part);
    }

    function _ownAvailable() private view returns (uint256) {
        Books memory b = _books();
        uint256 kept = b.owed + FixedPoint.mulDivUp(b.owed, firstLossPart, BPS);
        return b.left > kept ? (b.left - kept).toAssetsDown(b.poolIndex) : 0;
    }

    // ------------------------------------------------------------------ stakes in and out

    /// @inheritdoc IInsuranceFund
    function sync() external nonReentrant {
        _sync();
    }

    /// @inheritdoc IInsuranceFund
    function requestExit(uint256 shares) external {
        uint256 held = balanceOf(msg.sender);
        require(shares <= held && shares <= type(uint128).max, ExitTooLarge(shares, held));
        _setExit(msg.sender, Exit(uint128(shares), uint64(block.timestamp + COOL_DOWN), 0));
    }

    /// @inheritdoc IERC4626
    /// @dev Rounds the shares down.
    function deposit(
        uint256 assets,
        address receiver
    ) public override(ERC4626, IERC4626) nonReentrant returns (uint256) {
        _sync();
        return super.deposit(assets, receiver);
    }

    /// @inheritdoc IERC4626
    /// @dev Rounds the assets up.
    function mint(uint256 shares, address receiver) public override(ERC4626, IERC4626) nonReentrant returns (uint256) {
        _sync();
        return super.mint(shares, receiver);
    }

    /// @inheritdoc IERC4626
    /// @dev Rounds the shares up.
    function withdraw(
        uint256 assets,
        address receiver,
        address owner
    ) public override(ERC4626, IERC4626) nonReentrant returns (uint256) {
        _sync();
        return super.withdraw(assets, receiver, owner);
    }

    /// @inheritdoc IERC4626
    /// @dev Rounds the assets down.
    function redeem(
        uint256 shares,
        address receiver,
        address owner
    ) public override(ERC4626, IERC4626) nonReentrant returns (uint256) {
        _sync();
        return super.redeem(shares, receiver, owner);
    }

    function _deposit(address caller, address receiver, uint256 assets, uint256 shares) internal override {
        require(shares != 0, ZeroShares());
        uint256 before = _held();
        _payIn(caller, assets);
        // a token that calls out could have moved the pool's price meanwhile
        require(FixedPoint.mulDivUp(shares, _index, RAY) <= _held() - before, PriceMoved());
        _mint(receiver, shares);
        emit Deposit(caller, receiver, assets, shares);
    }

    /// @dev The shares go first, then the tokens.
    function _withdraw(
        address caller,
        address receiver,
        address owner,
        uint256 assets,
        uint256 shares
    ) internal override {
        if (caller != owner) _spendAllowance(owner, caller, shares);
        Exit memory e = _exits[owner];
        e.shares -= uint128(shares);
        _setExit(owner, e);
        _burn(owner, shares);
        if (assets != 0) safe.withdraw(account(), SETTLEMENT, assets, receiver);
        emit Withdraw(caller, receiver, owner, assets, shares);
    }

    /// @dev Nobody may pass the same shares through several requests: what its owner sends away is asked for no longer.
    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (from == address(0)) return;
        Exit memory e = _exits[from];
        uint256 held = balanceOf(from);
        if (e.shares <= held) return;
        e.shares = uint128(held);
        _setExit(from, e);
    }

    function _setExit(address owner, Exit memory e) private {
        if (e.shares == 0) e.from = 0;
        e.until = e.from == 0 ? 0 : uint64(e.from + WINDOW);
        _exits[owner] = e;
        emit ExitRequested(owner, e.shares, e.from, e.until);
    }

    function _payIn(address from, uint256 amount) private {
        SafeERC20.safeTransferFrom(IERC20(asset()), from, address(this), amount);
        SafeERC20.forceApprove(IERC20(asset()), address(safe), amount);
        safe.deposit(account(), SETTLEMENT, amount);
    }

    /// @dev Losses that came, not those that are only known of: these may still come out smaller.
    function _sync() private {
        uint256 supply = totalSupply();
        if (supply == 0) {
            // the first stake, or the first one after all have left
            if (_index != RAY) _index = RAY;
            return;
        }
        uint256 owed = FixedPoint.mulDivUp(supply, _index, RAY);
        uint256 held = _held();
        if (owed <= held) return;
        uint256 index = FixedPoint.max(FixedPoint.mulDivDown(held, RAY, supply), MIN_INDEX);
        if (index >= _index) return;
        _index = index;
        emit Slashed(owed - held, index);
    }

    // ------------------------------------------------------------------ limits

    /// @inheritdoc IERC4626
    /// @dev 0 while a known loss reaches the stakes, while the pool is closed or full, and while the safe is locked. Never reverts.
    function maxDeposit(address) public view override(ERC4626, IERC4626) returns (uint256) {
        (uint256 assets, uint256 shares, Books memory b) = _room();
        return FixedPoint.min(assets, shares.toAssetsDown(b.poolIndex));
    }

    /// @inheritdoc IERC4626
    /// @dev Never reverts.
    function maxMint(address) public view override(ERC4626, IERC4626) returns (uint256) {
        (uint256 assets, uint256 shares, Books memory b) = _room();
        if (assets < shares.toAssetsUp(b.poolIndex)) shares = assets.toSharesDown(b.poolIndex);
        return shares == 0 ? 0 : FixedPoint.mulDivDown(shares, RAY, b.index);
    }

    /// @inheritdoc IERC4626
    /// @dev What the owner asked for and may take now, as far as the pool can pay it. Never reverts.
    function maxWithdraw(address owner) public view override(ERC4626, IERC4626) returns (uint256) {
        Books memory b = _books();
        return FixedPoint.min(_assetsDown(_leaving(owner, b), b), safe.outflowLeft(SETTLEMENT));
    }

    /// @inheritdoc IERC4626
    /// @dev Never reverts.
    function maxRedeem(address owner) public view override(ERC4626, IERC4626) returns (uint256) {
        Books memory b = _books();
        uint256 shares = _leaving(owner, b);
        uint256 outflow = safe.outflowLeft(SETTLEMENT);
        return _assetsDown(shares, b) <= outflow ? shares : _sharesDown(outflow, b);
    }

    /// @return assets until the supply cap. @return shares until the pool's 96 bits are full.
    function _room() private view returns (uint256 assets, uint256 shares, Books memory b) {
        b = _books();
        if (b.owed > b.left || safe.isLocked()) return (0, 0, b);
        PoolState memory state = safe.poolState(SETTLEMENT);
        return (state.supplyRoom, MAX_SHARES - state.accountShares, b);
    }

    /// @dev Shares are counted that the pool can let go, as {Vault-_redeemable} does; an account may use all of the pool's cash.
    function _leaving(address owner, Books memory b) private view returns (uint256) {
        Exit memory e = _exits[owner];
        bool open = e.shares != 0 && block.timestamp >= e.from && block.timestamp <= e.until;
        if (!open || b.index == 0 || safe.isLocked()) return 0;
        PoolState memory state = safe.poolState(SETTLEMENT);
        uint256 kept = (state.claims - state.cash).toSharesUp(b.poolIndex);
        uint256 all = uint256(state.lenderShares) + state.accountShares;
        if (all <= kept) return 0;
        return FixedPoint.min(e.shares, FixedPoint.mulDivDown(all - kept, RAY, b.index));
    }

    // ------------------------------------------------------------------ views

    /// @inheritdoc IERC4626
    function asset() public view override(ERC4626, IERC4626) returns (address token) {
        (token, ) = safe.assetToken(SETTLEMENT);
    }

    /// @inheritdoc IERC20Metadata
    function decimals() public view override(ERC4626, IERC20Metadata) returns (uint8 places) {
        (, places) = safe.assetToken(SETTLEMENT);
    }

    /// @inheritdoc IERC4626
    /// @dev Of the stakes, not of the own part; rounded down.
    function totalAssets() public view override(ERC4626, IERC4626) returns (uint256) {
        return _assetsDown(totalSupply(), _books());
    }

    /// @inheritdoc IInsuranceFund
    function account() public view returns (AccountId) {
        return AccountIdLib.make(address(this), 0);
    }

    /// @inheritdoc IInsuranceFund
    function balance() external view returns (uint256) {
        int256 assets = safe.balanceOf(account(), SETTLEMENT);
        return assets > 0 ? uint256(assets) : 0;
    }

    /// @inheritdoc IInsuranceFund
    function ownPart() external view returns (uint256) {
        Books memory b = _books();
        return b.held > b.owed ? (b.held - b.owed).toAssetsDown(b.poolIndex) : 0;
    }

    /// @inheritdoc IInsuranceFund
    function knownLoss() public view returns (uint256) {
        address auction = safe.auction();
        return auction == address(0) ? 0 : ILiquidationAuction(auction).knownLoss();
    }

    /// @inheritdoc IInsuranceFund
    function exitOf(address owner) external view returns (uint256 shares, uint256 from, uint256 until) {
        Exit memory e = _exits[owner];
        return (e.shares, e.from, e.until);
    }

    /// @inheritdoc IInsuranceFund
    function stakeIndex() external view returns (uint256) {
        return _books().index;
    }

    // ------------------------------------------------------------------ price

    function _books() private view returns (Books memory b) {
        b.held = _held();
        (b.poolIndex, ) = safe.poolIndices(SETTLEMENT);
        uint256 loss = FixedPoint.min(knownLoss(), b.held.toAssetsUp(b.poolIndex)).toSharesUp(b.poolIndex);
        b.left = b.held > loss ? b.held - loss : 0;
        uint256 supply = totalSupply();
        b.index = supply == 0 ? RAY : _index;
        b.owed = FixedPoint.mulDivUp(supply, b.index, RAY);
        if (b.owed > b.left) b.index = FixedPoint.mulDivDown(b.left, RAY, supply);
    }

    function _held() private view returns (uint256) {
        int256 shares = safe.sharesOf(account(), SETTLEMENT);
        return shares > 0 ? uint256(shares) : 0;
    }

    function _assetsDown(uint256 shares, Books memory b) private pure returns (uint256) {
        return FixedPoint.mulDivDown(FixedPoint.mulDivDown(shares, b.index, RAY), b.poolIndex, INDEX_ONE);
    }

    /// @dev Stakes that are worth nothing can be told in no other number than 0.
    function _sharesDown(uint256 assets, Books memory b) private pure returns (uint256) {
        if (b.index == 0) return 0;
        return FixedPoint.mulDivDown(FixedPoint.mulDivDown(assets, INDEX_ONE, b.poolIndex), RAY, b.index);
    }

    /// @dev By way of whole pool shares, as the money goes, so that neither way leaves the account short of what is owed.
    function _convertToShares(uint256 assets, Math.Rounding rounding) internal view override returns (uint256) {
        Books memory b = _books();
        if (rounding != Math.Rounding.Ceil || b.index == 0) return _sharesDown(assets, b);
        return FixedPoint.mulDivUp(FixedPoint.mulDivUp(assets, INDEX_ONE, b.poolIndex), RAY, b.index);
    }

    function _convertToAssets(uint256 shares, Math.Rounding rounding) internal view override returns (uint256) {
        Books memory b = _books();
        if (rounding != Math.Rounding.Ceil) return _assetsDown(shares, b);
        return FixedPoint.mulDivUp(FixedPoint.mulDivUp(shares, b.index, RAY), b.poolIndex, INDEX_ONE);
    }
}
