// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AccountId} from "../types/AccountId.sol";
import {AssetId} from "../types/AssetId.sol";
import {ILiquidationAuction} from "./ILiquidationAuction.sol";
import {PoolConfig, PoolState} from "./IMarginAccounts.sol";
import {PriceFault, PriceState} from "./IMarginEngine.sol";

/// @title Reads for wallets and keepers. No privileges, no state.
/// @notice Every function reverts `Reentered` inside a token callback, when the safe is between two states.
interface IMarginLens {
    struct BalanceView {
        AssetId asset;
        address token;
        uint8 decimals; // of `amount`
        int256 shares;
        int256 amount; // token units; vault shares: units of the underlying
        uint256 midPrice; // settlement units per whole token, WAD; 0 when unusable
        int256 value; // settlement units, WAD, at mid
        uint256 rate; // per second WAD: borrow rate of a debt, supply rate of a pool balance or vault share
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
        bool newRiskBlocked; // sources disagree: `initial` is at mid, and only reducing passes
        int256 initial;
        int256 maintenance;
        int256 mtm;
        uint256 liabilities;
        BalanceView[] balances;
        ILiquidationAuction.Status auction; // zero without one, or without a usable price
    }

    struct Health {
        AccountId account;
        bool priced;
        bool inAuction;
        bool pending;
        int256 maintenance;
        int256 mtm;
    }

    struct PoolView {
        AssetId asset;
        address token;
        uint8 decimals;
        address vault;
        address rateModel; // 0: the built-in adaptive curve
        uint256 utilisation; // WAD
        uint256 borrowRate; // per second WAD, now
        uint256 supplyRate;
        uint256 borrowApy; // what the rate makes of one in a year, less one; WAD
        uint256 supplyApy;
        uint256 outflowLeft; // token units; `type(uint256).max` without a limit
        PoolState state;
        PoolConfig config;
        PriceState price;
    }

    /// @dev An idle asset or vault share as collateral.
    struct CollateralView {
        AssetId asset;
        address token;
        uint8 decimals;
        uint256 total; // held by all accounts, token units
        uint256 room; // until its cap
        uint256 outflowLeft;
        PriceState price;
    }

    /// @notice Everything about one account. Never reverts for bad prices.
    function accountView(AccountId account) external view returns (AccountView memory);

    /// @notice Maintenance of many accounts; a bad price of one does not spoil the others.
    function healthOf(AccountId[] calldata accounts) external view returns (Health[] memory);

    /// @notice All pools, in the order of their numbers. Never reverts for bad prices.
    function poolsView() external view returns (PoolView[] memory);

    /// @notice What else may be collateral: the idle assets, then the shares of pools that have a vault.
    function collateralsView() external view returns (CollateralView[] memory);

    /// @notice The most that `withdraw` of the asset would let out of the account now, token units: what is there, what the pool
    /// and the outflow limit allow, and what `initial` ≥ 0 leaves. To within one part in 10⁶, never more.
    /// @dev 0 where prices are unusable or the account in auction, unless it owes nothing.
    function maxWithdraw(AccountId account, AssetId asset) external view returns (uint256);

    /// @notice The most that `borrow` would let out, own balance in the asset included. As exact as `maxWithdraw`.
    function maxBorrow(AccountId account, AssetId pool) external view returns (uint256);
}
