// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

/// @title Borrow rate of a pool. Rates are per second, continuously compounded, WAD.
interface IRateModel {
    /// @param utilisation debts ÷ claims, WAD. @param elapsed seconds since the last accrual.
    /// @param rateAtTarget the pool's stored rate at target (0 at first; models without memory return it unchanged).
    /// @return average the mean rate over `elapsed`. @return newRateAtTarget to store, at most 2^36 − 1.
    function rates(
        uint256 utilisation,
        uint256 elapsed,
        uint256 rateAtTarget
    ) external view returns (uint256 average, uint256 newRateAtTarget);
}
