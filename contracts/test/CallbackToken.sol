// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {TestToken} from "./TestToken.sol";

interface ITokenHooks {
    function tokensToSend(address from, address to, uint256 amount) external;
    function tokensReceived(address from, address to, uint256 amount) external;
}

/// @title A token in the manner of ERC-777: calls whoever asked for it before tokens leave it and after they reach it
contract CallbackToken is TestToken {
    mapping(address account => ITokenHooks) public hooks;

    constructor(uint8 decimals_) TestToken("Callback", "CALL", decimals_) {}

    /// @notice From now on `hook` is called about the sender's tokens; zero: nobody.
    function setHook(ITokenHooks hook) external {
        hooks[msg.sender] = hook;
    }

    function _update(address from, address to, uint256 amount) internal virtual override {
        if (address(hooks[from]) != address(0)) hooks[from].tokensToSend(from, to, amount);
        super._update(from, to, amount);
        if (address(hooks[to]) != address(0)) hooks[to].tokensReceived(from, to, amount);
    }
}
