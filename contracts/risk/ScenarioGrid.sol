// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {OptionLeg} from "./OptionLegs.sol";
import {ScenarioTable} from "./ScenarioTable.sol";

/// @dev The account's options of one expiry.
struct OptionExpiry {
    uint256 secondsLeft; // 0: expired and not settled, options are worth their payoff
    uint256 forwardVar; // settlement units WAD: the part of the forward that moves with the spot
    uint256 forwardFix; // and the part of the settlement average that is fixed already
    int256 rate; // continuous, per year, WAD
    uint256 confidence; // WAD; the least of all that its options are valued with
    OptionLeg legs; // the first of a list, every one's volatility set
}

/// @dev What the account holds of one underlying, at one index price.
struct UnderlyingBook {
    uint256 spot; // index, settlement units WAD
    int256 perpSize; // whole underlyings WAD
    uint256 perpMark; // settlement units WAD
    uint256 perpConfidence; // WAD; min of spot's and premium's
    int256 spotValue; // Σ signed balances that move with the spot, settlement units WAD
    OptionExpiry[] expiries;
}

/// @dev Everything in settlement units WAD; losses are negative, charges positive and rounded up.
struct UnderlyingRisk {
    int256[] pnl; // in the order of the scenario list
    int256 basis; // basis contingency, ≤ 0
    int256 worst; // W_u = min(all pnl, basis)
    int256 optionValue; // V at the present forward: the options' part of mtm
    uint256 chargeMaintenance; // C_MM: perp and naked shorts
    uint256 chargeInitial; // C_IM: what `initial` adds to it, confidence add-ons included
}

struct UnderlyingGreeks {
    int256 delta; // perp and spot included, whole underlyings WAD
    int256 gamma; // of delta per settlement unit, WAD
    int256 vega; // settlement units WAD per 1.00 of volatility
    int256 theta; // per year
    int256 rho; // per 1.00 of rate
}

/// @title The scenarios of one underlying (DESIGN 6.3)
library ScenarioGrid {
    /// @notice Every scenario's PnL, the basis contingency, the worst of them, and the charges beside.
    /// @param table parameters in memory. @param normal where {NormalTable} was loaded.
    /// @param g scale of the spot shocks, WAD, ≥ 1e18.
    function evaluate(
        UnderlyingBook memory book,
        ScenarioTable table,
        uint256 normal,
        uint256 g
    ) internal pure returns (UnderlyingRisk memory risk) {}

    /// @notice Greeks of all that is held of one underlying.
    function greeks(UnderlyingBook memory book, uint256 normal) internal pure returns (UnderlyingGreeks memory) {}
}
