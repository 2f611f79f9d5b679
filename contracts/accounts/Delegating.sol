// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

/// @title Passes unknown selectors on to one fixed contract, by delegatecall.
/// @dev The safe's doors do not fit one contract's size; the parts share the layout of {Storage} and are fixed at deployment.
abstract contract Delegating {
    address private immutable _next;

    error NoCode(address next);

    constructor(address next_) {
        require(next_.code.length != 0, NoCode(next_));
        _next = next_;
    }

    // passing on whatever was called is all that it does
    // solhint-disable-next-line no-complex-fallback
    fallback() external payable {
        address next = _next;
        assembly ("memory-safe") {
            calldatacopy(0, 0, calldatasize())
            let ok := delegatecall(gas(), next, 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            switch ok
            case 0 {
                revert(0, returndatasize())
            }
            default {
                return(0, returndatasize())
            }
        }
    }
}
