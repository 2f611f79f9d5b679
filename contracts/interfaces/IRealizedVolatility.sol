// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

/// @title Realised volatility and what it does to shocks (DESIGN 5, 6.3 a)
interface IRealizedVolatility {
    /// @notice σ per √year, WAD, now; and the slow one that follows it by at most the governed part per hour, for maintenance.
    /// 0, 0 without observations.
    function volatility(uint8 underlying) external view returns (uint256 sigma, uint256 slowSigma);
}
