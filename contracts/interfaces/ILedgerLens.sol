// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AccountId} from "../types/AccountId.sol";
import {Instrument} from "../types/Position.sol";

/// @dev A live position at mid.
struct PositionView {
    Instrument instrument;
    int256 size; // whole underlyings WAD
    uint256 mark; // settlement units WAD per whole underlying; of an option its discounted price
    uint256 volatility; // of an option, per √year WAD
    int256 value; // size · mark, rounded down
}

/// @dev All that an account holds of one underlying, at mid. Settlement units WAD unless said otherwise.
struct UnderlyingView {
    uint256 number;
    uint256 index;
    int256 spotAmount; // own spot and vault shares, whole tokens WAD
    int256 delta; // whole underlyings WAD: spot, perp and options
    int256 gamma; // of delta per settlement unit, WAD
    int256 vega; // per 1.00 of volatility
    int256 theta; // per year that passes
    int256 rho; // per 1.00 of rate
    int256 optionValue;
    int256[] pnl; // of every scenario, in the table's order; what the portfolio model would say, whichever is chosen
    int256 basis; // basis contingency
    int256 worst; // the least of them
    uint256 chargeMaintenance; // contingencies: perp, naked shorts
    uint256 chargeInitial; // what `initial` adds to them
}

struct LedgerView {
    uint8 model;
    int256 quote; // pending funding and settled payoffs included
    int256 unsettled; // U
    int256 optionValue;
    int256 spotValue; // mtm less U and options
    int256 initial; // at mid, whether or not new risk is blocked
    int256 maintenance;
    int256 mtm;
    bool newRiskBlocked; // only reducing passes: sources deviate, or an attestation is too old
    PositionView[] positions;
    UnderlyingView[] underlyings;
}

/// @title Positions, greeks and margin components of one account, for wallets and risk people. No privileges, no state.
interface ILedgerLens {
    /// @notice Reverts `PriceUnusable` where a primary cannot be used, `Reentered` inside a token callback.
    function ledgerView(AccountId account) external view returns (LedgerView memory);
}
