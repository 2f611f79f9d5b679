// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IUniswapV3Factory} from "@uniswap/v3-core/contracts/interfaces/IUniswapV3Factory.sol";
import {IUniswapV3Pool} from "@uniswap/v3-core/contracts/interfaces/IUniswapV3Pool.sol";
import {IUniswapV3SwapCallback} from "@uniswap/v3-core/contracts/interfaces/callback/IUniswapV3SwapCallback.sol";

import {ISwapErrors} from "../interfaces/ISwapErrors.sol";
import {SwapPath} from "./SwapPath.sol";

/// @title Swaps straight on Uniswap v3 pools, from this contract's own tokens.
/// @dev A pool calls back only whom it was called by, so a callback by a pool of the factory is the answer to a swap
/// made here, and its data is what was given here.
abstract contract UniswapV3Swapper is IUniswapV3SwapCallback, ISwapErrors {
    using SafeERC20 for IERC20;
    using SwapPath for bytes;

    // The ends of Uniswap's price range (TickMath), exclusive: slippage is bounded by amounts, not by the pool's price.
    uint160 private constant LOWEST_PRICE = 4295128739 + 1;
    uint160 private constant HIGHEST_PRICE = 1461446703485210103287273052203988822378723970342 - 1;

    IUniswapV3Factory public immutable factory;

    // Of the exact-output swap under way: what its first token may cost, and what it did cost.
    uint256 private transient _maxIn;
    uint256 private transient _paidIn;

    constructor(IUniswapV3Factory factory_) {
        factory = factory_;
    }

    modifier before(uint256 deadline) {
        require(block.timestamp <= deadline, DeadlinePassed(deadline));
        _;
    }

    /// @inheritdoc IUniswapV3SwapCallback
    function uniswapV3SwapCallback(int256 amount0Delta, int256 amount1Delta, bytes calldata data) external override {
        (bytes memory path, bool exactOut) = abi.decode(data, (bytes, bool));
        (address tokenA, uint24 fee, address tokenB) = path.firstHop();
        require(msg.sender == factory.getPool(tokenA, tokenB, fee), UnexpectedCallback(msg.sender));
        uint256 owed = uint256(amount0Delta > 0 ? amount0Delta : amount1Delta);

        if (!exactOut) {
            _pay(tokenA, msg.sender, owed);
        } else if (!path.isLastHop()) {
            _hopExactOut(path.rest(), owed, msg.sender);
        } else {
            require(owed <= _maxIn, TooMuchPaid(owed, _maxIn));
            _paidIn = owed;
            _pay(tokenB, msg.sender, owed);
        }
    }

    /// @dev Sells all of `amountIn` of the path's first token. Reverts `TooLittleReceived`.
    function _swapExactIn(
        bytes memory path,
        uint256 amountIn,
        uint256 minOut,
        address recipient
    ) internal returns (uint256 amountOut) {
        require(path.isValid(), InvalidPath(path));
        amountOut = amountIn;
        while (true) {
            bool isLast = path.isLastHop();
            amountOut = _hopExactIn(path, amountOut, isLast ? recipient : address(this));
            if (isLast) break;
            path = path.rest();
        }
        require(amountOut >= minOut, TooLittleReceived(amountOut, minOut));
    }

    /// @dev Buys exactly `amountOut` of the path's first token with its last. Reverts `TooMuchPaid`.
    function _swapExactOut(
        bytes memory path,
        uint256 amountOut,
        uint256 maxIn,
        address recipient
    ) internal returns (uint256 amountIn) {
        require(path.isValid(), InvalidPath(path));
        _maxIn = maxIn;
        _hopExactOut(path, amountOut, recipient);
        amountIn = _paidIn;
        _maxIn = 0;
        _paidIn = 0;
    }

    /// @dev Pays a pool what a swap owes it.
    function _pay(address token, address pool, uint256 amount) internal virtual {
        IERC20(token).safeTransfer(pool, amount);
    }

    function _ownBalance(address token) internal view returns (uint256) {
        return IERC20(token).balanceOf(address(this));
    }

    /// @dev Sends all of `token` that is here.
    function _sweep(address token, address to) internal returns (uint256 amount) {
        amount = _ownBalance(token);
        if (amount > 0) IERC20(token).safeTransfer(to, amount);
    }

    /// @dev Lets `spender` take `amount`. Without limit, because nothing stays here for it to take later.
    function _allow(address token, address spender, uint256 amount) internal {
        if (IERC20(token).allowance(address(this), spender) < amount) {
            IERC20(token).forceApprove(spender, type(uint256).max);
        }
    }

    function _hopExactIn(bytes memory path, uint256 amountIn, address recipient) private returns (uint256 amountOut) {
        (address tokenIn, uint24 fee, address tokenOut) = path.firstHop();
        (uint256 paid, uint256 received) = _swap(tokenIn, fee, tokenOut, int256(amountIn), recipient, path, false);
        require(paid == amountIn, PoolExhausted(factory.getPool(tokenIn, tokenOut, fee), amountIn, paid));
        return received;
    }

    function _hopExactOut(bytes memory path, uint256 amountOut, address recipient) private {
        (address tokenOut, uint24 fee, address tokenIn) = path.firstHop();
        (, uint256 received) = _swap(tokenIn, fee, tokenOut, -int256(amountOut), recipient, path, true);
        require(received == amountOut, PoolExhausted(factory.getPool(tokenIn, tokenOut, fee), amountOut, received));
    }

    function _swap(
        address tokenIn,
        uint24 fee,
        address tokenOut,
        int256 amount,
        address recipient,
        bytes memory path,
        bool exactOut
    ) private returns (uint256 paid, uint256 received) {
        address pool = factory.getPool(tokenIn, tokenOut, fee);
        require(pool != address(0), PoolNotFound(tokenIn, tokenOut, fee));
        bool zeroForOne = tokenIn < tokenOut;
        (int256 delta0, int256 delta1) = IUniswapV3Pool(pool).swap(
            recipient,
            zeroForOne,
            amount,
            zeroForOne ? LOWEST_PRICE : HIGHEST_PRICE,
            abi.encode(path, exactOut)
        );
        return zeroForOne ? (uint256(delta0), uint256(-delta1)) : (uint256(delta1), uint256(-delta0));
    }
}
