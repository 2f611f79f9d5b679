// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AccountId} from "../types/AccountId.sol";
import {AssetId} from "../types/AssetId.sol";
import {ISwapErrors} from "./ISwapErrors.sol";

/// @title Uniswap v3 swaps as steps of a wallet's batch.
/// @notice The tokens to sell are sent here by an earlier step **of the same transaction**; whatever is left here at its end
/// belongs to whoever comes next. The caller means nothing (inside a batch it is the safe's forwarder), so every step
/// names where its results go.
/// @dev Paths are Uniswap's: `token ‖ fee (3 bytes) ‖ token …`, from the token sold for exact input, from the token bought
/// for exact output.
interface ISwapAdapter is ISwapErrors {
    /// @notice Sells `amountIn` (`type(uint256).max`: all that is here) for at least `minOut`, sent to `recipient`; what is not
    /// sold goes to `refundTo`.
    function swapExactIn(
        bytes calldata path,
        uint256 amountIn,
        uint256 minOut,
        address recipient,
        address refundTo,
        uint256 deadline
    ) external returns (uint256 amountOut);

    /// @notice Buys exactly `amountOut` for at most `maxIn` and at most what is here; what is not paid goes to `refundTo`.
    function swapExactOut(
        bytes calldata path,
        uint256 amountOut,
        uint256 maxIn,
        address recipient,
        address refundTo,
        uint256 deadline
    ) external returns (uint256 amountIn);

    /// @notice Like `swapExactIn`, but what is bought is deposited into `account`, which must have the asset already
    /// (as a debt: the deposit pays it first).
    function swapToDeposit(
        bytes calldata path,
        uint256 amountIn,
        uint256 minOut,
        AccountId account,
        AssetId asset,
        address refundTo,
        uint256 deadline
    ) external returns (uint256 amountOut);

    /// @notice Buys what pays `amount` (`type(uint256).max`: all, to the wei) of the debt of `account` in `asset` and pays it. What is
    /// not spent of the sold token is deposited back into the account where it has that asset, else sent to `refundTo`.
    function swapToRepay(
        bytes calldata path,
        uint256 amount,
        uint256 maxIn,
        AccountId account,
        AssetId asset,
        address refundTo,
        uint256 deadline
    ) external returns (uint256 amountIn, uint256 repaid);
}
