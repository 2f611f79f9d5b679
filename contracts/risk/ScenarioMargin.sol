// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {UnderlyingRisk} from "./ScenarioGrid.sol";
import {ScenarioTable} from "./ScenarioTable.sol";

/// @dev An underlying's risk, its product group (0 = alone) and the group's φ, WAD.
struct GroupedRisk {
    UnderlyingRisk risk;
    uint256 group;
    uint256 phi;
}

/// @title Underlyings together: product groups, loss factors (DESIGN 6.3)
library ScenarioMargin {
    /// @notice W: Σ over groups of (1 − φ)·Σ W_u + φ·min(min_i Σ PnL_u,i, Σ basis_u), rounded down.
    function worst(GroupedRisk[] memory risks) internal pure returns (int256) {}

    /// @notice mm·W − C_MM + mtm and im·W − C_IM − C_MM + mtm, both rounded down. A settlement asset below the peg's threshold
    /// raises im.
    /// @param table of any of the underlyings: loss factors and peg are the account's and the same in all of them.
    /// @param wInitial W of `initial`; it differs from `maintenance`'s only while shocks of different scale are in force.
    function margins(
        ScenarioTable table,
        uint256 settlementPrice,
        int256 wInitial,
        int256 wMaintenance,
        uint256 chargeInitial,
        uint256 chargeMaintenance,
        int256 mtm
    ) internal pure returns (int256 initial, int256 maintenance) {}
}
