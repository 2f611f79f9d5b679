// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {FixedPoint, WAD} from "../types/FixedPoint.sol";
import {UnderlyingRisk} from "./ScenarioGrid.sol";
import {ScenarioTable} from "./ScenarioTable.sol";

/// @dev An underlying's risk, its product group (0 = alone) and the group's φ, WAD.
struct GroupedRisk {
    UnderlyingRisk risk;
    uint256 group;
    uint256 phi;
}

/// @dev An account's sums, settlement units WAD.
struct MarginTerms {
    uint256 settlementPrice; // USD WAD per settlement token
    int256 worstInitial; // W; it differs from `maintenance`'s only while shocks of different scale are in force
    int256 worstMaintenance;
    uint256 chargeInitial; // C_IM
    uint256 chargeMaintenance; // C_MM
    int256 mtm; // cash, U and option values included
}

/// @title Underlyings together: product groups, loss factors (DESIGN 6.3)
library ScenarioMargin {
    /// @dev Members of a group share one scenario list.
    error ScenarioListsDiffer(uint256 group);

    /// @notice W: Σ over groups of (1 − φ)·Σ W_u + φ·min(min_i Σ PnL_u,i, Σ basis_u), rounded down.
    /// @dev φ is that of the group's first member.
    function worst(GroupedRisk[] memory risks) internal pure returns (int256 total) {
        for (uint256 i; i < risks.length; ++i) {
            uint256 group = risks[i].group;
            if (group == 0 || risks[i].phi == 0) {
                total += risks[i].risk.worst;
            } else if (_isFirst(risks, i)) {
                (int256 apart, int256 together) = _group(risks, i);
                uint256 phi = risks[i].phi;
                total += FixedPoint.mulDivFloor(apart, WAD - phi, WAD) + FixedPoint.mulDivFloor(together, phi, WAD);
            }
        }
    }

    /// @notice mm·W − C_MM + mtm and im·W − C_IM − C_MM + mtm, both rounded down. A settlement asset below the peg's threshold
    /// raises im.
    /// @param table of any of the underlyings: loss factors and peg are the account's and the same in all of them.
    function margins(
        ScenarioTable table,
        MarginTerms memory x
    ) internal pure returns (int256 initial, int256 maintenance) {
        uint256 factor = uint256(table.number(8, 1));
        uint256 peg = uint256(table.number(8, 2));
        if (x.settlementPrice < peg) {
            factor += FixedPoint.mulDivUp(peg - x.settlementPrice, uint256(table.number(8, 3)), WAD);
        }
        int256 rest = x.mtm - int256(x.chargeMaintenance);
        maintenance = FixedPoint.mulDivFloor(x.worstMaintenance, uint256(table.number(8, 0)), WAD) + rest;
        initial = FixedPoint.mulDivFloor(x.worstInitial, factor, WAD) + rest - int256(x.chargeInitial);
    }

    /// @dev Sum of the members' worst, and the worst of their sums.
    function _group(GroupedRisk[] memory risks, uint256 first) private pure returns (int256 apart, int256 together) {
        uint256 group = risks[first].group;
        uint256 n = risks[first].risk.pnl.length;
        int256[] memory sums = new int256[](n);
        for (uint256 j = first; j < risks.length; ++j) {
            if (risks[j].group != group) continue;
            UnderlyingRisk memory risk = risks[j].risk;
            require(risk.pnl.length == n, ScenarioListsDiffer(group));
            apart += risk.worst;
            together += risk.basis;
            for (uint256 i; i < n; ++i) sums[i] += risk.pnl[i];
        }
        for (uint256 i; i < n; ++i) together = FixedPoint.min(together, sums[i]);
    }

    function _isFirst(GroupedRisk[] memory risks, uint256 i) private pure returns (bool) {
        for (uint256 j; j < i; ++j) if (risks[j].group == risks[i].group) return false;
        return true;
    }
}
