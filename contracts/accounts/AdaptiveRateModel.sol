// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IRateModel} from "../interfaces/IRateModel.sol";
import {AdaptiveCurve} from "./AdaptiveCurve.sol";

/// @title {AdaptiveCurve} as a contract
/// @dev The safe has the curve built in; this one is for other callers and for comparing models.
contract AdaptiveRateModel is IRateModel {
    /// @inheritdoc IRateModel
    function rates(
        uint256 utilisation,
        uint256 elapsed,
        uint256 rateAtTarget
    ) external pure returns (uint256 average, uint256 newRateAtTarget) {
        return AdaptiveCurve.rates(utilisation, elapsed, rateAtTarget);
    }
}
