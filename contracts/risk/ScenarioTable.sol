// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

/// @dev Where in memory the scenario parameters of one underlying begin (packed by deploy/scenarioTable.ts).
type ScenarioTable is uint256;
