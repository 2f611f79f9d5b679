// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IRealizedVolatility} from "./IRealizedVolatility.sol";

/// @title Who feeds the realised volatility: anyone, once per interval of the grid (DESIGN 5)
interface IVolatilityObserver is IRealizedVolatility {
    error InsideSession();
    /// @dev The interval of the last observation is not over.
    error TooSoon(uint8 underlying, uint256 until);
    error BadParameter(bytes32 field);

    event VolatilityObserved(
        uint8 indexed underlying,
        uint256 price,
        uint256 intervals,
        uint256 sigma,
        uint256 slowSigma
    );

    /// @notice Takes the index price now, outside sessions, in a later interval of the grid than the last time. The squared log return since
    /// then is spread evenly over the intervals that have begun meanwhile. The first one only takes note of the price.
    /// @return sigma per √year, WAD.
    function observe(uint8 underlying) external returns (uint256 sigma);

    /// @notice Price (settlement units WAD), variance per year (WAD), σ, slow σ as it was then, and time of the last observation.
    function stateOf(
        uint8 underlying
    ) external view returns (uint256 price, uint256 variance, uint256 sigma, uint256 slowSigma, uint256 time);
}
