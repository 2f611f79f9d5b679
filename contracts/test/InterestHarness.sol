// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {Interest} from "../accounts/Interest.sol";

/// @title {Interest} made callable from TypeScript
contract InterestHarness {
    function growthDown(uint256 rate, uint256 elapsed) external pure returns (uint256) {
        return Interest.growthDown(rate, elapsed);
    }

    function growthUp(uint256 rate, uint256 elapsed) external pure returns (uint256) {
        return Interest.growthUp(rate, elapsed);
    }
}
