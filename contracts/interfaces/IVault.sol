// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";

import {AssetId} from "../types/AssetId.sol";
import {IMarginAccounts} from "./IMarginAccounts.sol";

/// @title ERC-4626 (+ permit) share of one pool. One share is one supply share of the pool.
interface IVault is IERC4626, IERC20Permit {
    error OnlySafe(address caller);
    /// @notice The amount is too small to buy one share, or no shares were asked for.
    error ZeroShares();

    function safe() external view returns (IMarginAccounts);
    function pool() external view returns (AssetId);
    /// @notice Only the safe: burns `shares` that it holds as collateral, for a set-off.
    function burnHeld(uint256 shares) external;
    /// @notice Whether a lender's tokens are on their way in: they may stand in the safe's balance and stand in no claim yet.
    function receiving() external view returns (bool);
}
