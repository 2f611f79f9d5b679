// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

/// @title What every swap of the periphery may refuse.
interface ISwapErrors {
    error DeadlinePassed(uint256 deadline);
    error TooLittleReceived(uint256 received, uint256 minimum);
    error TooMuchPaid(uint256 owed, uint256 maximum);
    /// @dev Not a chain of token, fee, token, …; or one between other tokens than the swap's.
    error InvalidPath(bytes path);
    error PoolNotFound(address tokenA, address tokenB, uint24 fee);
    /// @dev The pool ran out of liquidity before the whole amount was swapped.
    error PoolExhausted(address pool, uint256 asked, uint256 swapped);
    /// @dev A callback by somebody who was not asked to call back.
    error UnexpectedCallback(address caller);
}
