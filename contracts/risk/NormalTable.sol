// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

/// @title The normal distribution as data: this contract's code is a table (filled in by its constructor)
contract NormalTable {}

library NormalTableLib {
    /// @notice Loads the table once per evaluation.
    function load(address table) internal view returns (uint256 normal) {}
}
