// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IUniswapV3Factory} from "@uniswap/v3-core/contracts/interfaces/IUniswapV3Factory.sol";

import {IMarginAccounts} from "../interfaces/IMarginAccounts.sol";
import {ISwapAdapter} from "../interfaces/ISwapAdapter.sol";
import {AccountId} from "../types/AccountId.sol";
import {AssetId} from "../types/AssetId.sol";
import {FixedPoint} from "../types/FixedPoint.sol";
import {SwapPath} from "./SwapPath.sol";
import {UniswapV3Swapper} from "./UniswapV3Swapper.sol";

contract SwapAdapter is ISwapAdapter, UniswapV3Swapper, ReentrancyGuardTransient {
    using SwapPath for bytes;

    IMarginAccounts public immutable safe;

    constructor(IMarginAccounts safe_, IUniswapV3Factory factory_) UniswapV3Swapper(factory_) {
        safe = safe_;
    }

    /// @inheritdoc ISwapAdapter
    function swapExactIn(
        bytes calldata path,
        uint256 amountIn,
        uint256 minOut,
        address recipient,
        address refundTo,
        uint256 deadline
    ) external nonReentrant before(deadline) returns (uint256 amountOut) {
        amountOut = _sell(path, amountIn, minOut, recipient);
        _sweep(SwapPath.first(path), refundTo);
    }

    /// @inheritdoc ISwapAdapter
    function swapExactOut(
        bytes calldata path,
        uint256 amountOut,
        uint256 maxIn,
        address recipient,
        address refundTo,
        uint256 deadline
    ) external nonReentrant before(deadline) returns (uint256 amountIn) {
        amountIn = _buy(path, amountOut, maxIn, recipient);
        _sweep(SwapPath.last(path), refundTo);
    }

    /// @inheritdoc ISwapAdapter
    function swapToDeposit(
        bytes calldata path,
        uint256 amountIn,
        uint256 minOut,
        AccountId account,
        AssetId asset,
        address refundTo,
        uint256 deadline
    ) external nonReentrant before(deadline) returns (uint256 amountOut) {
        amountOut = _sell(path, amountIn, minOut, address(this));
        address bought = SwapPath.last(path);
        _allow(bought, address(safe), amountOut);
        safe.deposit(account, asset, amountOut);
        _sweep(bought, refundTo);
        _sweep(SwapPath.first(path), refundTo);
    }

    /// @inheritdoc ISwapAdapter
    function swapToRepay(
        bytes calldata path,
        uint256 amount,
        uint256 maxIn,
        AccountId account,
        AssetId asset,
        address refundTo,
        uint256 deadline
    ) external nonReentrant before(deadline) returns (uint256 amountIn, uint256 repaid) {
        int256 balance = safe.balanceOf(account, asset);
        amount = FixedPoint.min(amount, balance < 0 ? uint256(-balance) : 0);
        amountIn = _buy(path, amount, maxIn, address(this));

        address bought = SwapPath.first(path);
        _allow(bought, address(safe), amount);
        repaid = safe.repay(account, asset, amount);
        _sweep(bought, refundTo);
        _giveBack(account, SwapPath.last(path), refundTo);
    }

    function _sell(
        bytes memory path,
        uint256 amountIn,
        uint256 minOut,
        address recipient
    ) private returns (uint256 amountOut) {
        require(path.isValid(), InvalidPath(path));
        if (amountIn == type(uint256).max) amountIn = _ownBalance(path.first());
        return _swapExactIn(path, amountIn, minOut, recipient);
    }

    function _buy(
        bytes memory path,
        uint256 amountOut,
        uint256 maxIn,
        address recipient
    ) private returns (uint256 amountIn) {
        require(path.isValid(), InvalidPath(path));
        return _swapExactOut(path, amountOut, FixedPoint.min(maxIn, _ownBalance(path.last())), recipient);
    }

    /// @dev A reduce-only session counts what leaves the account, so change belongs back into it where the safe takes it
    /// from a stranger: in an asset that the account has.
    function _giveBack(AccountId account, address token, address refundTo) private {
        uint256 left = _ownBalance(token);
        if (left == 0) return;
        AssetId asset = safe.assetIdOf(token);
        if (AssetId.unwrap(asset) != 0 && safe.sharesOf(account, asset) != 0) {
            _allow(token, address(safe), left);
            safe.deposit(account, asset, left);
        } else {
            _sweep(token, refundTo);
        }
    }
}
