// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {Position} from "../types/Position.sol";
import {PerpState} from "./IPositions.sol";

/// @dev Holdings valued together (a haircut group, or a pool and its vault share), settlement units WAD, at one side of prices.
/// Rounded against the account.
struct SpotSide {
    int256 value; // collateral less debts
    uint256 chargeInitial; // haircuts
    uint256 chargeMaintenance;
    uint256 debts;
}

struct SpotCluster {
    uint256 underlying; // a member's pool number, one with positions if there is any; 0: no pool in it
    SpotSide low;
    SpotSide high; // like `low` when no member's prices differ
}

/// @dev An underlying that the account has spot or positions of, at one price for all of it.
struct UnderlyingPrice {
    uint256 number; // of its pool
    uint256 low; // settlement units WAD per whole token
    uint256 high;
    int256 amount; // own signed spot, vault shares included: whole tokens WAD
}

/// @dev Everything that an account is, priced. Filled by the engine.
struct ModelInput {
    uint256 purpose; // 0 new risk, 1 liquidation, 2 at mid (low = high)
    address parameters; // the ledger table
    uint256 settlementPrice; // USD WAD per settlement token
    SpotCluster[] clusters;
    UnderlyingPrice[] underlyings;
    int256 quote; // pending funding and settled payoffs included
    Position[] positions;
    PerpState[] perps; // one for each perp among the positions, in their order
}

/// @dev Settlement units WAD, signed and net, rounded against the account.
struct Margins {
    int256 initial; // only for purposes 0 and 2
    int256 maintenance; // only for purposes 1 and 2
    int256 mtm;
    uint256 liabilities; // Σ value of debts
    uint256 unsettledLoss; // −U where U is negative
}

/// @title A margin model for accounts with perps, options or a choice of model (DESIGN 6.2, 6.3). View-only.
interface IMarginModel {
    /// @dev Attested values are too old for new risk.
    error FeedStale(uint256 underlying);
    error UnderlyingNotInTable(uint256 underlying);

    function evaluate(ModelInput calldata input) external view returns (Margins memory);
}
