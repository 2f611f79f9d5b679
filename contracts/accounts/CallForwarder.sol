// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

/// @title Makes the outside calls of a batch, so that they never come from the safe, which holds the tokens and allowances.
/// @dev It holds nothing and has no rights anywhere: to be called by it means nothing.
contract CallForwarder {
    error OnlySafe(address caller);

    address private immutable _safe;

    constructor() {
        _safe = msg.sender;
    }

    /// @notice Calls `target` with `data`; passes its result or its revert on.
    function forward(address target, bytes calldata data) external returns (bytes memory) {
        require(msg.sender == _safe, OnlySafe(msg.sender));
        // the target and its data are the caller's choice
        // solhint-disable-next-line avoid-low-level-calls
        (bool ok, bytes memory result) = target.call(data);
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(result, 0x20), mload(result))
            }
        }
        return result;
    }
}
