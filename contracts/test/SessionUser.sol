// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IMarginAccounts, IUnlockCallback} from "../interfaces/IMarginAccounts.sol";

struct Step {
    address target;
    uint256 value;
    bytes data;
}

/// @title An owner of accounts that does a list of things inside one session, and otherwise what it is told
contract SessionUser is IUnlockCallback {
    IMarginAccounts private immutable _safe;
    bool private _refusesEther;

    error StepFailed(uint256 index, bytes reason);

    constructor(IMarginAccounts safe) {
        _safe = safe;
    }

    function run(Step[] calldata steps) external payable returns (bytes memory) {
        return _safe.unlock{value: msg.value}(abi.encode(steps));
    }

    function execute(address target, uint256 value, bytes calldata data) external payable returns (bytes memory) {
        (bool ok, bytes memory result) = target.call{value: value}(data);
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(result, 0x20), mload(result))
            }
        }
        return result;
    }

    function refuseEther(bool on) external {
        _refusesEther = on;
    }

    function onUnlock(bytes calldata data) external payable returns (bytes memory) {
        Step[] memory steps = abi.decode(data, (Step[]));
        for (uint256 i; i < steps.length; ++i) {
            (bool ok, bytes memory result) = steps[i].target.call{value: steps[i].value}(steps[i].data);
            require(ok, StepFailed(i, result));
        }
        return abi.encode(steps.length);
    }

    receive() external payable {
        require(!_refusesEther, StepFailed(0, ""));
    }
}
