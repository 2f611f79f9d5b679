// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {ExitRequest, ILiquidityPool} from "../interfaces/ILiquidityPool.sol";
import {IMarginAccounts} from "../interfaces/IMarginAccounts.sol";
import {AccountId, AccountIdLib} from "../types/AccountId.sol";
import {SETTLEMENT} from "../types/AssetId.sol";
import {FixedPoint} from "../types/FixedPoint.sol";
import {PoolSettings} from "./PoolSettings.sol";

/// @title Shares of the pool: in at the high mark at once, out by a queue at the lower of two low marks
/// @dev Both marks come from {marks} before anything moves. A share has twelve decimals more than the asset, and 10¹² virtual shares own
/// one unit of it: a donation after a first deposit is lost to the donor and rounds nobody's deposit away.
abstract contract PoolShares is ReentrancyGuardTransient, ERC20, PoolSettings {
    using SafeERC20 for IERC20;

    uint256 private constant VIRTUAL_SHARES = 1e12;
    uint8 private constant EXTRA_DECIMALS = 12;
    /// @dev Prices of shares are token units per share times this.
    uint256 private constant PRICE_ONE = 1e27;

    /// @dev What became of a controller's requests.
    struct Claim {
        uint128 shares;
        uint128 assets;
    }

    IMarginAccounts internal immutable _safe;
    IERC20 private immutable _token;
    uint8 private immutable _assetDecimals;

    ExitRequest[] private _requests;
    uint256 private _head;
    uint256 private _claimableAssets;
    mapping(address controller => Claim) private _claims;

    constructor(IMarginAccounts safe_) {
        _safe = safe_;
        (address token, uint8 tokenDecimals) = safe_.assetToken(SETTLEMENT);
        (_token, _assetDecimals) = (IERC20(token), tokenDecimals);
        // it holds nothing but what passes through and what leavers have not fetched; the safe takes only what `deposit` names
        IERC20(token).forceApprove(address(safe_), type(uint256).max);
    }

    /// @inheritdoc ILiquidityPool
    function marks() public view virtual returns (int256 low, int256 high);

    /// @dev The most that may leave the account now, token units.
    function _liquidity() internal view virtual returns (uint256);

    // ---------------------------------------------------------------- in

    /// @inheritdoc IERC4626
    /// @dev Rounds the shares down.
    function deposit(uint256 assets, address receiver) external nonReentrant returns (uint256 shares) {
        uint256 high = _requireIn(assets);
        shares = _toSharesDown(assets, high);
        _take(assets, shares, receiver);
    }

    /// @inheritdoc IERC4626
    /// @dev Rounds the assets up.
    function mint(uint256 shares, address receiver) external nonReentrant returns (uint256 assets) {
        uint256 high = _highMark();
        assets = _toAssetsUp(shares, high);
        _requireRoom(assets, high);
        _take(assets, shares, receiver);
    }

    function _requireIn(uint256 assets) private view returns (uint256 high) {
        high = _highMark();
        _requireRoom(assets, high);
    }

    function _requireRoom(uint256 assets, uint256 high) private view {
        uint256 cap = _terms.depositCap;
        require(assets <= cap && high <= cap - assets, DepositCapReached(cap, high + FixedPoint.min(assets, cap)));
    }

    function _take(uint256 assets, uint256 shares, address receiver) private {
        require(shares != 0, ZeroShares());
        require(shares <= _shareRoom(), SharesTooMany(shares));
        _token.safeTransferFrom(msg.sender, address(this), assets);
        _safe.deposit(account(), SETTLEMENT, assets);
        _mint(receiver, shares);
        emit Deposit(msg.sender, receiver, assets, shares);
    }

    // ---------------------------------------------------------------- out

    /// @inheritdoc ILiquidityPool
    function requestRedeem(
        uint256 shares,
        address controller,
        address owner
    ) external nonReentrant returns (uint256 requestId) {
        require(controller != address(0), ZeroAddress());
        if (msg.sender != owner) _spendAllowance(owner, msg.sender, shares);
        uint256 price = _lowPrice();
        uint256 least = FixedPoint.mulDivUp(PRICE_ONE, 1, price);
        require(shares >= least, RequestTooSmall(shares, least));
        // they stay in the supply, and so share what the pool loses until they are burnt
        _transfer(owner, address(this), shares);
        requestId = _requests.length;
        uint40 matureAt = uint40(block.timestamp + _terms.exitDelay);
        // the supply is bounded by 96 bits
        _requests.push(ExitRequest(controller, uint96(shares), matureAt, uint216(price)));
        emit ExitRequested(requestId, controller, owner, shares, price, matureAt);
    }

    /// @inheritdoc ILiquidityPool
    function fulfil(uint256 most) external nonReentrant returns (uint256 assets) {
        uint256 price = _lowPrice();
        uint256 left = _liquidity();
        uint256 head = _head;
        uint256 tail = _requests.length;
        for (; most != 0 && head < tail && left != 0; --most) {
            ExitRequest storage r = _requests[head];
            if (r.matureAt > block.timestamp) break;
            (uint256 paid, bool whole) = _burnFor(head, r, FixedPoint.min(price, r.price), left);
            assets += paid;
            left -= paid;
            if (!whole) break;
            ++head;
        }
        require(assets != 0 || head != _head, NothingToFulfil());
        _head = head;
        _claimableAssets += assets;
        // the safe checks the account's margin, and refuses what the guardian has stopped
        if (assets != 0) _safe.withdraw(account(), SETTLEMENT, assets, address(this));
    }

    /// @dev Burns as much of a request as `left` pays for, the shares rounded up.
    function _burnFor(
        uint256 id,
        ExitRequest storage r,
        uint256 price,
        uint256 left
    ) private returns (uint256 paid, bool whole) {
        uint256 shares = r.shares;
        paid = FixedPoint.mulDivDown(shares, price, PRICE_ONE);
        whole = paid <= left;
        if (whole) {
            r.shares = 0;
        } else {
            paid = left;
            shares = FixedPoint.min(shares, FixedPoint.mulDivUp(paid, PRICE_ONE, price));
            r.shares -= uint96(shares);
        }
        address controller = r.controller;
        Claim storage claim = _claims[controller];
        claim.shares += uint128(shares);
        claim.assets += uint128(paid);
        _burn(address(this), shares);
        emit ExitFulfilled(id, controller, shares, paid);
    }

    /// @inheritdoc IERC4626
    /// @dev Fetches what has become claimable; rounds the assets down.
    function redeem(uint256 shares, address receiver, address controller) external returns (uint256 assets) {
        Claim memory claim = _claims[controller];
        require(shares != 0 && shares <= claim.shares, NothingClaimable(controller, claim.shares));
        assets = FixedPoint.mulDivDown(claim.assets, shares, claim.shares);
        _pay(controller, claim, assets, shares, receiver);
    }

    /// @inheritdoc IERC4626
    /// @dev Fetches what has become claimable; rounds the shares up.
    function withdraw(uint256 assets, address receiver, address controller) external returns (uint256 shares) {
        Claim memory claim = _claims[controller];
        require(assets != 0 && assets <= claim.assets, NothingClaimable(controller, claim.assets));
        shares = FixedPoint.mulDivUp(claim.shares, assets, claim.assets);
        _pay(controller, claim, assets, shares, receiver);
    }

    function _pay(
        address controller,
        Claim memory claim,
        uint256 assets,
        uint256 shares,
        address receiver
    ) private nonReentrant {
        require(msg.sender == controller, NotController(controller, msg.sender));
        _claims[controller] = Claim(uint128(claim.shares - shares), uint128(claim.assets - assets));
        _claimableAssets -= assets;
        _token.safeTransfer(receiver, assets);
        emit Withdraw(msg.sender, receiver, controller, assets, shares);
    }

    // ---------------------------------------------------------------- limits, none of which reverts

    /// @inheritdoc IERC4626
    /// @dev 0 where the pool neither mints nor burns.
    function maxDeposit(address) public view returns (uint256) {
        (bool open, , int256 high) = _tryMarks();
        if (!open || high < 0 || uint256(high) >= _terms.depositCap) return 0;
        uint256 room = FixedPoint.min(_terms.depositCap - uint256(high), _safe.poolState(SETTLEMENT).supplyRoom);
        return FixedPoint.min(room, _toAssetsDown(_shareRoom(), uint256(high)));
    }

    /// @inheritdoc IERC4626
    function maxMint(address receiver) external view returns (uint256) {
        uint256 assets = maxDeposit(receiver);
        return assets == 0 ? 0 : previewDeposit(assets);
    }

    /// @inheritdoc IERC4626
    /// @dev What is claimable.
    function maxWithdraw(address controller) external view returns (uint256) {
        return _claims[controller].assets;
    }

    /// @inheritdoc IERC4626
    /// @dev What is claimable.
    function maxRedeem(address controller) external view returns (uint256) {
        return _claims[controller].shares;
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IERC4626
    function asset() external view returns (address) {
        return address(_token);
    }

    /// @inheritdoc IERC4626
    /// @dev The low mark; 0 while the pool neither mints nor burns, or is worth nothing.
    function totalAssets() external view returns (uint256) {
        (bool open, int256 low, ) = _tryMarks();
        return open && low > 0 ? uint256(low) : 0;
    }

    /// @inheritdoc IERC4626
    /// @dev At the high mark; 0 while there is none.
    function convertToShares(uint256 assets) external view returns (uint256) {
        (bool open, , int256 high) = _tryMarks();
        return open && high >= 0 ? _toSharesDown(assets, uint256(high)) : 0;
    }

    /// @inheritdoc IERC4626
    /// @dev At the low mark; 0 while there is none.
    function convertToAssets(uint256 shares) external view returns (uint256) {
        (bool open, int256 low, ) = _tryMarks();
        if (!open || low <= 0) return 0;
        return FixedPoint.mulDivDown(shares, uint256(low), totalSupply() + VIRTUAL_SHARES);
    }

    /// @inheritdoc IERC4626
    function previewDeposit(uint256 assets) public view returns (uint256) {
        return _toSharesDown(assets, _highMark());
    }

    /// @inheritdoc IERC4626
    function previewMint(uint256 shares) external view returns (uint256) {
        return _toAssetsUp(shares, _highMark());
    }

    /// @inheritdoc IERC4626
    /// @dev As ERC-7540 has it: reverts, for nobody knows.
    function previewRedeem(uint256) external pure returns (uint256) {
        revert LeaveByRequest();
    }

    /// @inheritdoc IERC4626
    /// @dev As ERC-7540 has it: reverts, for nobody knows.
    function previewWithdraw(uint256) external pure returns (uint256) {
        revert LeaveByRequest();
    }

    /// @inheritdoc IERC20Metadata
    function decimals() public view override(ERC20, IERC20Metadata) returns (uint8) {
        return _assetDecimals + EXTRA_DECIMALS;
    }

    /// @inheritdoc ILiquidityPool
    function account() public view returns (AccountId) {
        return AccountIdLib.make(address(this), 0);
    }

    /// @inheritdoc ILiquidityPool
    function pendingRedeemRequest(uint256 requestId, address controller) external view returns (uint256) {
        if (requestId >= _requests.length) return 0;
        ExitRequest storage r = _requests[requestId];
        return r.controller == controller ? r.shares : 0;
    }

    /// @inheritdoc ILiquidityPool
    /// @dev Of all the controller's requests together.
    function claimableRedeemRequest(uint256, address controller) external view returns (uint256) {
        return _claims[controller].shares;
    }

    /// @inheritdoc ILiquidityPool
    function exitRequest(uint256 requestId) external view returns (ExitRequest memory) {
        return _requests[requestId];
    }

    /// @inheritdoc ILiquidityPool
    function exitQueue() external view returns (uint256 head, uint256 tail) {
        return (_head, _requests.length);
    }

    /// @inheritdoc ILiquidityPool
    function claimableAssets() external view returns (uint256) {
        return _claimableAssets;
    }

    /// @inheritdoc ILiquidityPool
    function safe() external view returns (address) {
        return address(_safe);
    }

    // ---------------------------------------------------------------- marks

    function _tryMarks() private view returns (bool open, int256 low, int256 high) {
        try this.marks() returns (int256 low_, int256 high_) {
            return (true, low_, high_);
        } catch {
            return (false, 0, 0);
        }
    }

    /// @dev Nobody is sold shares of what leavers would get nothing for, unless it is empty.
    function _highMark() private view returns (uint256) {
        (int256 low, int256 high) = marks();
        require(high >= 0 && (low > 0 || totalSupply() == 0), PoolClosed("insolvent"));
        return uint256(high);
    }

    /// @dev Token units per share times 1e27, rounded down.
    function _lowPrice() private view returns (uint256 price) {
        (int256 low, ) = marks();
        if (low > 0) price = FixedPoint.mulDivDown(uint256(low), PRICE_ONE, totalSupply() + VIRTUAL_SHARES);
        require(price != 0, PoolClosed("insolvent"));
        return FixedPoint.min(price, type(uint216).max);
    }

    function _toSharesDown(uint256 assets, uint256 high) private view returns (uint256) {
        return FixedPoint.mulDivDown(assets, totalSupply() + VIRTUAL_SHARES, high + 1);
    }

    function _toAssetsUp(uint256 shares, uint256 high) private view returns (uint256) {
        return FixedPoint.mulDivUp(shares, high + 1, totalSupply() + VIRTUAL_SHARES);
    }

    function _toAssetsDown(uint256 shares, uint256 high) private view returns (uint256) {
        return FixedPoint.mulDivDown(shares, high + 1, totalSupply() + VIRTUAL_SHARES);
    }

    /// @dev Until the 96 bits that a request holds are full.
    function _shareRoom() private view returns (uint256) {
        return type(uint96).max - totalSupply();
    }
}
