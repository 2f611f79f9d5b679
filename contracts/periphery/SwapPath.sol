// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {Bytes} from "@openzeppelin/contracts/utils/Bytes.sol";

/// @dev A way through Uniswap v3 pools in Uniswap's own encoding: `token ‖ fee (3 bytes) ‖ token ‖ fee ‖ token …`.
library SwapPath {
    using Bytes for bytes;

    uint256 private constant TOKEN = 20;
    uint256 private constant NEXT = 23; // token and fee

    /// @notice Whether it is at least one hop and nothing but whole hops.
    function isValid(bytes memory path) internal pure returns (bool) {
        return path.length >= NEXT + TOKEN && (path.length - TOKEN) % NEXT == 0;
    }

    function isLastHop(bytes memory path) internal pure returns (bool) {
        return path.length == NEXT + TOKEN;
    }

    function first(bytes memory path) internal pure returns (address) {
        return tokenAt(path, 0);
    }

    function last(bytes memory path) internal pure returns (address) {
        return tokenAt(path, path.length - TOKEN);
    }

    function firstHop(bytes memory path) internal pure returns (address tokenA, uint24 fee, address tokenB) {
        return (tokenAt(path, 0), uint24(bytes3(path.slice(TOKEN, NEXT))), tokenAt(path, NEXT));
    }

    /// @notice The path without its first hop.
    function rest(bytes memory path) internal pure returns (bytes memory) {
        return path.slice(NEXT);
    }

    function tokenAt(bytes memory path, uint256 offset) private pure returns (address) {
        return address(bytes20(path.slice(offset, offset + TOKEN)));
    }
}
