// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AccountId} from "../types/AccountId.sol";
import {AssetId} from "../types/AssetId.sol";
import {ISwapErrors} from "./ISwapErrors.sol";

/// @title Liquidation without capital: bid, sell what was taken, pay what is owed, keep the rest.
/// @notice Anyone may use it. It holds nothing between transactions, so there is nothing in it to protect; its caller is
/// protected by `minProfit` and `limit`, whatever the routes are.
interface ILiquidationUnwinder is ISwapErrors {
    struct Order {
        AccountId account;
        uint256 fraction; // WAD; `type(uint256).max`: as much as allowed
        int256 limit; // the most paid for it, settlement token units; negative: the least received
        uint256 minProfit; // settlement token units
        bytes[] routes; // one for each other token that is taken or owed: `token ‖ fee ‖ … ‖ settlement token`
        address recipient; // of the profit
        uint256 deadline;
    }

    error MissingRoute(address token);
    error ProfitTooSmall(int256 profit, uint256 minProfit);
    /// @dev Something was taken that could not be unwound.
    error NotUnwound(AssetId asset);

    event Unwound(AccountId indexed account, address indexed recipient, uint256 fraction, int256 price, uint256 profit);

    /// @return fraction taken, WAD. @return price paid to the account (negative: received). @return profit sent to the recipient.
    function liquidate(Order calldata order) external returns (uint256 fraction, int256 price, uint256 profit);

    /// @notice The account that takes the bids; empty between transactions.
    function bidder() external view returns (AccountId);
}
