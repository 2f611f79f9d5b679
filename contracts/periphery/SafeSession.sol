// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {IMarginAccounts, IUnlockCallback} from "../interfaces/IMarginAccounts.sol";
import {ISwapErrors} from "../interfaces/ISwapErrors.sol";

/// @title A contract that works inside sessions of the safe.
abstract contract SafeSession is IUnlockCallback, ISwapErrors, ReentrancyGuardTransient {
    IMarginAccounts public immutable safe;

    constructor(IMarginAccounts safe_) {
        safe = safe_;
    }

    /// @inheritdoc IUnlockCallback
    /// @dev The safe calls back only whoever called `unlock`, so this is the answer to a session opened by an entry point
    /// here, which is also what holds the guard.
    function onUnlock(bytes calldata data) external payable returns (bytes memory) {
        require(msg.sender == address(safe) && _reentrancyGuardEntered(), UnexpectedCallback(msg.sender));
        return _inSession(data);
    }

    function _inSession(bytes calldata data) internal virtual returns (bytes memory);
}
