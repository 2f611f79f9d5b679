// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AccountFlags} from "../types/AccountFlags.sol";
import {AccountId} from "../types/AccountId.sol";
import {AssetId} from "../types/AssetId.sol";
import {Holding} from "../types/Holding.sol";

/// @dev Why a price cannot be used (0 = it can).
enum PriceFault {
    None,
    Stale,
    NotPositive,
    Clamped,
    RoundIncomplete,
    SequencerDown,
    SequencerGrace,
    SourceReverted,
    Deviating
}

/// @dev What the sources say of an asset now. Prices: USD per whole token, WAD.
struct PriceState {
    uint256 low;
    uint256 high;
    uint256 primary;
    uint256 secondary; // 0 without a second source, or when it cannot be used
    uint256 updatedAt;
    PriceFault fault; // of the primary; or Deviating: sources differ by more than the bound
    bool primaryOnly; // the sources have disagreed for so long that liquidation uses the primary alone
}

/// @title The scale (DESIGN 5, 6): view-only. Values are in settlement units (WAD = one whole settlement token), margins
/// are signed and net, rounded against the account.
interface IMarginEngine {
    /// @dev The primary price cannot be used: nothing that needs a price passes.
    error PriceUnusable(AssetId asset, PriceFault fault);
    /// @dev The sources disagree: no new risk. Reduce-only, repaying and liquidation go on.
    error NewRiskBlocked(AssetId asset);
    error AssetNotInTable(AssetId asset);
    error LedgerUnsupported();
    error ModelUnsupported(uint8 model);

    /// @notice IM of the holdings: the smaller result of low and high prices per underlying or group.
    function initialMargin(
        AccountId account,
        AccountFlags flags,
        Holding[] calldata holdings
    ) external view returns (int256 initial);

    /// @notice MM (the larger result), and at that same side `mtm`, `liabilities` (Σ value of debts at mark, ≥ 0) and `unsettledLoss`
    /// (−U where U is negative, else 0). Never blocked by deviation.
    function liquidationMargin(
        AccountId account,
        AccountFlags flags,
        Holding[] calldata holdings
    ) external view returns (int256 maintenance, int256 mtm, uint256 liabilities, uint256 unsettledLoss);

    /// @notice All three at mid prices, for the reduce-only rule.
    function midMargin(
        AccountId account,
        AccountFlags flags,
        Holding[] calldata holdings
    ) external view returns (int256 initial, int256 maintenance, int256 mtm);

    /// @notice Whether the primaries of all held and traded assets had no gap above their heartbeat from `since` to now.
    /// False when it cannot be shown in a bounded number of rounds.
    function pricesContinuousSince(
        AccountId account,
        AccountFlags flags,
        Holding[] calldata holdings,
        uint256 since
    ) external view returns (bool);

    /// @notice State of an asset's sources; never reverts for a listed asset.
    function priceState(AssetId asset) external view returns (PriceState memory);

    /// @notice Whole settlement tokens (WAD) per whole token at mid; reverts `PriceUnusable`.
    function midPrice(AssetId asset) external view returns (uint256);

    /// @notice Decimals of the settlement token.
    function settlementDecimals() external view returns (uint8);

    /// @notice The raw parameter table in force (see RiskTable).
    function table() external view returns (bytes memory);
}
