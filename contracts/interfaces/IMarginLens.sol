// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AccountFlags} from "../types/AccountFlags.sol";
import {AccountId} from "../types/AccountId.sol";
import {AssetId} from "../types/AssetId.sol";
import {ILiquidationAuction} from "./ILiquidationAuction.sol";
import {PriceFault} from "./IMarginEngine.sol";

/// @title Reads for wallets and keepers. No privileges, no state.
interface IMarginLens {
    struct BalanceView {
        AssetId asset;
        address token;
        uint8 decimals;
        int256 shares;
        int256 amount; // token units; vault shares: units of the underlying
        uint256 midPrice; // settlement units per whole token, WAD; 0 when unusable
        int256 value; // settlement units, WAD, at mid
        uint256 rate; // per second WAD: borrow rate of a debt, supply rate of a pool balance
        PriceFault fault;
    }

    struct AccountView {
        AccountId account;
        address owner;
        uint96 index;
        uint8 model;
        bool inAuction;
        bool pending;
        bool priced; // false: a price is unusable and the margins below are 0
        bool newRiskBlocked;
        int256 initial;
        int256 maintenance;
        int256 mtm;
        uint256 liabilities;
        BalanceView[] balances;
        ILiquidationAuction.Status auction; // zero without one
    }

    struct Health {
        AccountId account;
        bool priced;
        bool inAuction;
        bool pending;
        int256 maintenance;
        int256 mtm;
    }

    /// @notice Everything about one account. Never reverts for bad prices; reverts `Reentered` inside a token callback.
    function accountView(AccountId account) external view returns (AccountView memory);
    /// @notice Maintenance of many accounts; a bad price of one does not spoil the others.
    function healthOf(AccountId[] calldata accounts) external view returns (Health[] memory);
}
