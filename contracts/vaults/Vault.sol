// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit, IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ERC4626, IERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IMarginAccounts, PoolState} from "../interfaces/IMarginAccounts.sol";
import {IVault} from "../interfaces/IVault.sol";
import {AssetId} from "../types/AssetId.sol";
import {FixedPoint} from "../types/FixedPoint.sol";
import {INDEX_ONE, MAX_SHARES, ShareMath, SupplyWord} from "../types/PoolWords.sol";

/// @title ERC-4626 (+ permit) share of one pool
/// @notice One share is one supply share of the pool. The safe keeps tokens, price and number of the shares; the vault keeps
/// only who holds them.
/// @dev The price is the pool's supply index, which moves with time and write-offs alone. Whatever is sent to the vault or
/// to the safe changes neither, so no donation and no first depositor can move it (V3), and no state of a transfer under way
/// shows in it: `convertTo…` and the previews hold at any moment, also while the safe is locked.
contract Vault is IVault, ERC4626, ERC20Permit {
    using ShareMath for uint256;

    /// @inheritdoc IVault
    IMarginAccounts public immutable safe;
    /// @inheritdoc IVault
    AssetId public immutable pool;

    /// @dev Stand in for OpenZeppelin's balances, whose total would cost a slot of its own.
    mapping(address holder => uint256) private _held;

    /// @dev Deposits whose tokens are on their way; more than one when a token's hook deposits again.
    uint256 private transient _underWay;

    /// @param safe_ must know `pool_`, whose token becomes the vault's asset.
    constructor(
        IMarginAccounts safe_,
        AssetId pool_,
        string memory name_,
        string memory symbol_
    ) ERC20(name_, symbol_) ERC20Permit(name_) ERC4626(_tokenOf(safe_, pool_)) {
        safe = safe_;
        pool = pool_;
    }

    // ------------------------------------------------------------------------------------------------- in and out

    /// @inheritdoc IERC4626
    /// @dev Rounds the shares down; refuses an amount too small to buy one. The safe keeps the caps, so they are tested once
    /// and, inside a session, on its net change only; its errors come through.
    function deposit(uint256 assets, address receiver) public override(ERC4626, IERC4626) returns (uint256 shares) {
        // A token with a hook may call anything here: nothing has changed yet, and the safe counts what arrived only below.
        ++_underWay;
        SafeERC20.safeTransferFrom(IERC20(asset()), msg.sender, address(safe), assets);
        shares = safe.vaultSupply(pool, assets, 0);
        --_underWay;
        require(shares != 0, ZeroShares());
        _issue(receiver, assets, shares);
    }

    /// @inheritdoc IERC4626
    /// @dev Rounds the assets up.
    function mint(uint256 shares, address receiver) public override(ERC4626, IERC4626) returns (uint256 assets) {
        require(shares != 0, ZeroShares());
        assets = previewMint(shares);
        ++_underWay;
        SafeERC20.safeTransferFrom(IERC20(asset()), msg.sender, address(safe), assets);
        // Had a hook moved the index, the safe would refuse shares that are worth more than `assets`.
        safe.vaultSupply(pool, assets, shares);
        --_underWay;
        _issue(receiver, assets, shares);
    }

    /// @inheritdoc IERC4626
    /// @dev Rounds the shares up.
    function withdraw(
        uint256 assets,
        address receiver,
        address owner
    ) public override(ERC4626, IERC4626) returns (uint256 shares) {
        shares = previewWithdraw(assets);
        _retire(assets, shares, receiver, owner);
    }

    /// @inheritdoc IERC4626
    /// @dev Rounds the assets down.
    function redeem(
        uint256 shares,
        address receiver,
        address owner
    ) public override(ERC4626, IERC4626) returns (uint256 assets) {
        assets = previewRedeem(shares);
        _retire(assets, shares, receiver, owner);
    }

    /// @inheritdoc IVault
    function burnHeld(uint256 shares) external {
        require(msg.sender == address(safe), OnlySafe(msg.sender));
        _burn(msg.sender, shares);
    }

    /// @inheritdoc IVault
    function receiving() external view returns (bool) {
        return _underWay != 0;
    }

    // ------------------------------------------------------------------------------------------------- limits

    /// @inheritdoc IERC4626
    /// @dev Also kept within what 96 bits of shares hold, so that {maxMint} never promises more. Never reverts.
    function maxDeposit(address) public view override(ERC4626, IERC4626) returns (uint256) {
        (uint256 assets, uint256 shares, uint256 index) = _room();
        return FixedPoint.min(assets, shares.toAssetsDown(index));
    }

    /// @inheritdoc IERC4626
    /// @dev Never reverts.
    function maxMint(address) public view override(ERC4626, IERC4626) returns (uint256) {
        (uint256 assets, uint256 shares, uint256 index) = _room();
        // Room for all of `shares`: also what keeps an unlimited room from overflowing the division.
        return assets >= shares.toAssetsUp(index) ? shares : assets.toSharesDown(index);
    }

    /// @inheritdoc IERC4626
    /// @dev What the holder has and the pool can pay now. Never reverts.
    function maxWithdraw(address owner) public view override(ERC4626, IERC4626) returns (uint256) {
        (uint256 shares, uint256 outflow, uint256 index) = _redeemable(owner);
        return FixedPoint.min(shares.toAssetsDown(index), outflow);
    }

    /// @inheritdoc IERC4626
    /// @dev Never reverts.
    function maxRedeem(address owner) public view override(ERC4626, IERC4626) returns (uint256) {
        (uint256 shares, uint256 outflow, uint256 index) = _redeemable(owner);
        return shares.toAssetsDown(index) <= outflow ? shares : outflow.toSharesDown(index);
    }

    // ------------------------------------------------------------------------------------------------- views

    /// @inheritdoc IERC4626
    /// @dev Rounded down.
    function totalAssets() public view override(ERC4626, IERC4626) returns (uint256) {
        return totalSupply().toAssetsDown(_index());
    }

    /// @notice The pool's lender shares, read from the safe. They move together with the balances here.
    function totalSupply() public view override(ERC20, IERC20) returns (uint256) {
        (uint256 supplyWord, ) = safe.poolWords(pool);
        return SupplyWord.wrap(supplyWord).lenderShares();
    }

    /// @inheritdoc IERC20
    function balanceOf(address holder) public view override(ERC20, IERC20) returns (uint256) {
        return _held[holder];
    }

    /// @inheritdoc IERC20Metadata
    function decimals() public view override(ERC20, ERC4626, IERC20Metadata) returns (uint8) {
        return ERC4626.decimals();
    }

    /// @inheritdoc IERC20Permit
    function nonces(address owner) public view override(ERC20Permit, IERC20Permit) returns (uint256) {
        return ERC20Permit.nonces(owner);
    }

    // ------------------------------------------------------------------------------------------------- inside

    /// @dev Comes right after {IMarginAccountsDoors-vaultSupply}, with no call in between, so that nobody sees the total
    /// without the balance.
    function _issue(address receiver, uint256 assets, uint256 shares) private {
        _mint(receiver, shares);
        emit Deposit(msg.sender, receiver, assets, shares);
    }

    /// @dev The shares go first, here and in the safe, then the tokens: whoever is called on the way finds them gone. The safe
    /// is locked meanwhile and refuses more than the shares are worth, or than the pool can pay.
    function _retire(uint256 assets, uint256 shares, address receiver, address owner) private {
        if (msg.sender != owner) _spendAllowance(owner, msg.sender, shares);
        _burn(owner, shares);
        safe.vaultWithdraw(pool, assets, shares, receiver);
        emit Withdraw(msg.sender, receiver, owner, assets, shares);
    }

    /// @dev Balances only: the total is the safe's.
    function _update(address from, address to, uint256 value) internal override {
        if (from != address(0)) {
            uint256 held = _held[from];
            require(held >= value, ERC20InsufficientBalance(from, held, value));
            unchecked {
                _held[from] = held - value;
            }
        }
        if (to != address(0)) {
            unchecked {
                // The balances add up to the pool's lender shares, which are 96 bits (V2).
                _held[to] += value;
            }
        }
        emit Transfer(from, to, value);
    }

    /// @dev 512 bits inside: any amount converts whose result fits, so a wild one meets a named error further on.
    function _convertToShares(uint256 assets, Math.Rounding rounding) internal view override returns (uint256) {
        return
            rounding == Math.Rounding.Ceil
                ? FixedPoint.mulDivUp(assets, INDEX_ONE, _index())
                : FixedPoint.mulDivDown(assets, INDEX_ONE, _index());
    }

    function _convertToAssets(uint256 shares, Math.Rounding rounding) internal view override returns (uint256) {
        return
            rounding == Math.Rounding.Ceil
                ? FixedPoint.mulDivUp(shares, _index(), INDEX_ONE)
                : FixedPoint.mulDivDown(shares, _index(), INDEX_ONE);
    }

    /// @dev Assets per share, 1e15 = 1, interest up to now included.
    function _index() private view returns (uint256 index) {
        (index, ) = safe.poolIndices(pool);
    }

    /// @return assets until the supply cap, 0 while deposits are closed or the safe is locked. @return shares until their 96
    /// bits are full.
    function _room() private view returns (uint256 assets, uint256 shares, uint256 index) {
        PoolState memory state = safe.poolState(pool);
        if (!safe.isLocked()) assets = state.supplyRoom;
        return (assets, MAX_SHARES - state.lenderShares, state.supplyIndex);
    }

    /// @dev The safe lets shares go while what is left covers all that lenders must leave behind: so many shares are counted, rounded
    /// up, and the others may go. (From `lenderCash` alone the rounding of the last share would be guessed.)
    /// @return shares that `owner` holds and the pool can pay, 0 while the safe is locked. @return outflow assets that may leave.
    function _redeemable(address owner) private view returns (uint256 shares, uint256 outflow, uint256 index) {
        PoolState memory state = safe.poolState(pool);
        index = state.supplyIndex;
        if (state.lenderCash == 0 || safe.isLocked()) return (0, 0, index);
        uint256 kept = (state.claims - state.lenderCash).toSharesUp(index);
        uint256 all = uint256(state.lenderShares) + state.accountShares;
        shares = FixedPoint.min(balanceOf(owner), all > kept ? all - kept : 0);
        outflow = safe.outflowLeft(pool);
    }

    function _tokenOf(IMarginAccounts safe_, AssetId pool_) private view returns (IERC20) {
        (address token, ) = safe_.assetToken(pool_);
        return IERC20(token);
    }
}
